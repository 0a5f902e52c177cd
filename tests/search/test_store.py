"""Stores: shared, taken over from the dead, and each thing that is wrong with one in one line."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy

import evenly as ev
from evenly.search import SearchError, store

from .conftest import SPACE, kept


def tuned(rows, net, place, **settings):
    return ev.tune(net, *rows, **{"space": SPACE, "trials": 2, "storage": place, **settings})


def test_a_store_of_another_search(rows, net, tmp_path):
    place = tmp_path / "a.db"
    tuned(rows, net, place)
    moved = rows[0] + 1, rows[1]
    for changed, words in (
        ({"space": {"dropout": [0.1, 0.2]}}, "of another space"),
        ({"seed": 1}, "of another data .* and seed"), ({"round": 2}, "of another seed, round"),
        ({"prune": False}, "of another seed, round"),
        ({"scoring": "roc_auc"}, "of another seed, round"),
        ({"cv": 0.3}, r"of another data \(or rows held out\)"),
    ):
        with pytest.raises(SearchError, match=words) as caught:
            tuned(rows, net, place, resume=True, **changed)
        assert "\n" not in str(caught.value)
    with pytest.raises(SearchError, match="of another data"):
        tuned(moved, net, place, resume=True)
    with pytest.raises(SearchError, match="of another estimator"):
        tuned(rows, ev.NetClassifier((16, 8), activation="gelu"), place, resume=True)
    with pytest.raises(SearchError, match="holds a search 'evenly' already: say --resume"):
        tuned(rows, net, place)
    assert len(tuned(rows, net, place, name="other").record.trials) == 2


def test_what_is_no_store(rows, net, tmp_path, monkeypatch):
    text = tmp_path / "text.db"
    text.write_text("nothing of a database, and longer than its head" * 100)
    with pytest.raises(SearchError, match=r"text\.db: file is not a database: name another file"):
        tuned(rows, net, text)
    with pytest.raises(SearchError, match="no folder"):
        tuned(rows, net, tmp_path / "none" / "a.db")
    with pytest.raises(SearchError, match="cannot be used: unable to open"):
        tuned(rows, net, tmp_path)
    place = tmp_path / "a.db"
    tuned(rows, net, place)
    monkeypatch.setattr(store, "PATIENCE", 0.2)
    holder = sqlite3.connect(place)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(SearchError, match=r"a\.db: database is locked by another program"):
            tuned(rows, net, place, resume=True, trials=3)
    finally:
        holder.close()
    assert len(tuned(rows, net, place, resume=True, trials=3).record.trials) == 3


FULL = """
import resource, sys
import evenly as ev, numpy as np
x = np.random.default_rng(0).normal(size=(60, 2))
net = ev.NetClassifier(4, max_epochs=2, effort="fast")
def tune(trials, **more):
    return ev.tune(net, x, (x[:, 0] > 0).astype(int), space={"dropout": [0.1, 0.2]},
                   trials=trials, storage=sys.argv[1], **more)
tune(2)
import os
size = os.path.getsize(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
try:
    tune(40, resume=True)
except ev.errors.EvenlyError as error:
    print(error)
"""


@pytest.mark.sweep
def test_a_full_store_keeps_what_it_was_told(tmp_path):
    place = tmp_path / "a.db"
    run = subprocess.run([sys.executable, "-c", FULL, str(place)], capture_output=True, text=True)
    assert run.stdout.count("\n") == 1, run.stderr
    assert "make room; what was told is kept, and --resume" in run.stdout
    with sqlite3.connect(place) as there:
        done = there.execute("SELECT count(*) FROM trials WHERE state = 'COMPLETE'").fetchone()[0]
    there.close()
    assert done >= 2


def test_trials_of_the_dead_are_taken_over_and_of_the_living_are_not(
    rows, net, tmp_path, monkeypatch
):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = socket.gethostname()
    assert store._is_gone(None)
    assert store._is_gone([host, gone.pid])
    assert not store._is_gone([host, os.getpid()])
    assert not store._is_gone([host, os.getppid()])
    assert not store._is_gone(["elsewhere", gone.pid])
    whole = tuned(rows, net, None, trials=4)
    place = tmp_path / "a.db"
    monkeypatch.setattr(store, "_owner", lambda: [host, gone.pid])
    # As after a kill: asked for, and nothing came.
    monkeypatch.setattr(store.Store, "tell", lambda self, number, found: exec("raise SystemExit"))
    monkeypatch.setattr(store.Store, "release", lambda self, numbers: None)
    with pytest.raises(SystemExit):
        tuned(rows, net, place, trials=4)
    monkeypatch.undo()
    assert kept(tuned(rows, net, place, trials=4, resume=True)) == kept(whole)


def test_passwords_are_not_shown():
    assert store.shown("postgresql://me:secret@host:5432/db") == "postgresql://me@host:5432/db"
    assert store.shown("a/b.db") == "a/b.db"
    assert store.shown(None) == "memory"


def driver():
    """Skips where SQLAlchemy has no driver for PostgreSQL: which one it takes is its own choice."""
    try:
        sqlalchemy.create_engine("postgresql://").dispose()
    except ImportError as error:
        pytest.skip(f"needs {error.name}")


def test_an_address_that_does_not_answer(rows, net):
    driver()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SearchError, match=r"(?i)connection refused") as caught:
        tuned(rows, net, f"postgresql://me:secret@127.0.0.1:{port}/db")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def programs():
    """Where PostgreSQL's programs are: Debian keeps initdb out of the path."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@pytest.fixture
def server(tmp_path_factory):
    """The URL of a PostgreSQL server of one's own, on a free port of the loopback."""
    driver()
    bin_ = programs()
    if bin_ is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    # As root it refuses to run; a socket's path is short.
    start = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if (
        os.geteuid() == 0) else []
    if start and not shutil.which("setpriv"):
        pytest.skip("needs setpriv: a server does not run as root")
    folder = Path(subprocess.run(["mktemp", "-d", "/tmp/evenly-pg-XXXXXX"], check=True,
                                 capture_output=True, text=True).stdout.strip())
    if start:
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def call(*words):
        subprocess.run([*start, *map(str, words)], check=True, capture_output=True, cwd="/tmp")

    data = folder / "data"
    call(bin_ / "initdb", "-D", data, "-U", "me", "--auth=trust", "--no-sync", "-E", "UTF8")
    call(bin_ / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o",
         f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off", "start")
    try:
        yield f"postgresql://me@127.0.0.1:{port}/postgres"
    finally:
        call(bin_ / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


OTHER = """
import sys
import evenly as ev, numpy as np
random = np.random.default_rng(0)
x = random.normal(size=(160, 3))
y = (x[:, 0] * x[:, 1] + 0.3 * random.normal(size=160) > 0).astype(int)
net = ev.NetClassifier((16, 8), max_epochs=12, batch=32, effort="fast", random_state=0)
space = {"learning_rate": {"low": 1e-4, "high": 0.5, "log": True}, "units": {"low": 4, "high": 32},
         "norm": ["batch", "layer", "none"], "momentum": {"low": 0.8, "high": 0.95}}
found = ev.tune(net, x, y, space=space, trials=14, storage=sys.argv[1], resume=True)
print(len(found.record.trials))
"""


def test_a_real_server_keeps_and_shares_a_search(rows, net, server):
    whole = tuned(rows, net, None, trials=6)
    tuned(rows, net, server, trials=4)
    with pytest.raises(SearchError, match="holds a search 'evenly' already"):
        tuned(rows, net, server)
    assert kept(tuned(rows, net, server, trials=6, resume=True)) == kept(whole)
    # Two processes at one search: no trial is run twice, and both see all of them.
    other = subprocess.Popen([sys.executable, "-c", OTHER, server], stdout=subprocess.PIPE,
                             text=True)
    here = tuned(rows, net, server, trials=14, resume=True)
    out, _ = other.communicate(timeout=60)
    assert other.returncode == 0
    both = tuned(rows, net, server, trials=14, resume=True)
    numbers = [one.number for one in both.record.trials]
    assert numbers == list(range(len(numbers)))
    assert 14 <= len(numbers) <= 17
    assert {one.number for one in here.record.trials} <= set(numbers)
    assert int(out) <= len(numbers)
    assert kept(both)[:6] == kept(whole)


