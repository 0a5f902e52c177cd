"""Many trainings on loky, threads, Dask and Ray: the same bits, one killed worker, clear errors."""

import http.server
import os
import socket
import threading
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

import evenly as ev
from evenly.cli import run as command
from evenly.errors import BackendError
from evenly.native import processors
from evenly.parallel import backend
from evenly.study import Design, load_digits, run_all
from evenly.study.cells import Cell, Store, run_cells

from . import work

NAMES = ["loky", "threading", "dask", "ray"]
CELLS = [Cell(f"cell {number}", number) for number in range(6)]
SQUARES = {f"cell {number}": {"square": number * number} for number in range(6)}

@pytest.fixture(scope="module")
def dask():
    """The address of a scheduler with two workers."""
    distributed = pytest.importorskip("distributed", reason="needs dask distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0",
                                  silence_logs=50) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def ray():
    """Two processors of Ray's own."""
    ray = pytest.importorskip("ray", reason="needs ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        # Its workers find the package and the tests.
        patch.setenv("PYTHONPATH", os.pathsep.join(
            [str(Path(ev.__file__).parents[1]), str(Path(__file__).parents[2]),
             os.environ.get("PYTHONPATH", "")]))
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        yield
        ray.shutdown()


@pytest.fixture
def where(request):
    """The keywords of a backend, by name, its cluster up."""
    name = request.param
    if name == "dask":
        cluster = request.getfixturevalue(name)
        cluster.wait_for_workers(2)  # one may have been killed just now
        return {"name": name, "scheduler": cluster.scheduler_address}
    if name == "ray":
        request.getfixturevalue(name)
    return {"name": name}


# Ray takes a quarter of a minute to start.
STARTED = [pytest.param(name, marks=[pytest.mark.sweep] * (name == "ray")) for name in NAMES]
each = pytest.mark.parametrize("where", STARTED, indirect=True)


def numbers(outcome):
    return [(run.variant, run.seed, run.test_loss, run.train_score,
             [(point.loss, point.test_loss) for point in run.epochs])
            for run in (*outcome.runs, *outcome.references)]


@pytest.fixture(scope="module")
def alone():
    """A study and a search in this process."""
    search = GridSearchCV(work.tiny(), {"dropout": [0.0, 0.5]}, cv=2).fit(work.X, work.Y)
    return numbers(run_all(load_digits(), DESIGN)), search.cv_results_["mean_test_score"]


DESIGN = Design(seeds=1, epochs=1, hidden=(4,), variants=("plain", "dropout"))


@each
def test_the_same_bits_and_the_share_of_threads(where, alone):
    with backend(**where, jobs=2) as jobs:
        assert jobs == 2
        assert numbers(run_all(load_digits(), DESIGN, jobs=jobs, backend=None)) == alone[0]
        search = GridSearchCV(work.tiny(-1), {"dropout": [0.0, 0.5]}, cv=2, n_jobs=-1)
        np.testing.assert_array_equal(
            search.fit(work.X, work.Y).cv_results_["mean_test_score"], alone[1])
        found = joblib.Parallel(n_jobs=2)(
            joblib.delayed(work.threads_within)(n) for n in (None, -1, 7))
    share = max(1, processors() // 2) if where["name"] == "loky" else 1
    assert all(threads <= share for row in found for threads in row)


@each
def test_what_a_killed_worker_had_is_done_elsewhere_and_counted_once(where, tmp_path):
    if where["name"] == "threading":
        pytest.skip("threads end with their process")
    cells = [Cell(cell.key, (cell.asks, str(tmp_path / "killed"), os.getpid())) for cell in CELLS]
    seen, store = [], Store(tmp_path / "runs.jsonl", "a", resume=False)
    with backend(**where, jobs=2) as jobs:
        done = run_cells(work.killed_once, cells, jobs=jobs, backend=None, store=store,
                         on_done=lambda cell: seen.append(cell.key))
    assert (tmp_path / "killed").exists()
    assert dict(done.values) == SQUARES
    assert sorted(seen) == sorted(SQUARES)
    assert len((tmp_path / "runs.jsonl").read_text().splitlines()) == 1 + len(CELLS)


def test_one_that_always_kills_its_worker_is_given_up(monkeypatch):
    monkeypatch.setattr("evenly.study.cells.LOST", 1)
    seen = []
    with pytest.raises(BackendError, match=r"workers ended 1 times with nothing done .*--jobs"):
        run_cells(work.always_killed, CELLS[:4], jobs=2, backend="loky",
                  on_done=lambda cell: seen.append(cell.key))
    assert "cell 2" not in seen


@pytest.mark.parametrize("where", ["dask"], indirect=True)
def test_a_search_goes_on_where_the_worker_that_held_its_data_is_killed(where, tmp_path):
    """joblib scatters large arguments; a worker alone may hold one when it ends."""
    x = np.random.default_rng(1).normal(size=(2000, 40))
    with backend(**where):
        found = joblib.Parallel(n_jobs=-1)(
            joblib.delayed(work.held)(x, (number, str(tmp_path / "killed"), os.getpid()))
            for number in range(6))
    assert found == [float(x.sum()) + number for number in range(6)]
    assert (tmp_path / "killed").exists()


@pytest.mark.parametrize("where", ["dask"], indirect=True)
def test_a_stop_ends_what_runs_on_a_cluster(where):
    stop = threading.Event()
    threading.Timer(1.0, stop.set).start()
    with backend(**where) as jobs:
        done = run_cells(work.slow, CELLS, jobs=jobs, backend=None, stop=stop)
    assert done.interrupted
    assert done.seconds < 100


def test_one_number_of_joblib_means_this_machines_processors():
    """A cluster's -1 counts its own; threads of an engine are here."""
    from evenly.estimators.settings import threads_of

    class Many(joblib.parallel.ThreadingBackend):
        def effective_n_jobs(self, n_jobs):
            return 64

    with joblib.parallel_config(backend=Many()):
        assert threads_of(-1) == joblib.cpu_count()
        assert threads_of(2) == 2


@pytest.fixture
def deaf():
    """The port of somebody who is neither Dask nor Ray."""
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), http.server.BaseHTTPRequestHandler
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def refused(**asked):
    with pytest.raises(BackendError) as caught, backend(**asked):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("asked", "says"), [
    ({"name": "nowhere"}, "backend: Invalid backend: nowhere, expected one of dask, loky"),
    ({"name": "loky", "jobs": 0}, "jobs: expects a whole number of at least 1, got 0"),
    ({"name": "loky", "scheduler": "a:1"}, "backend loky: has no scheduler, got a:1"),
])
def test_what_means_nothing_is_said(asked, says):
    assert refused(**asked).startswith(says)


@pytest.mark.parametrize(("name", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_a_cluster_that_does_not_answer_is_one_line(name, package, monkeypatch):
    pytest.importorskip(package, reason=f"needs {package}")
    for variable in ("DASK_SCHEDULER_ADDRESS", "RAY_ADDRESS"):
        monkeypatch.delenv(variable, raising=False)
    address = f"127.0.0.1:{free_port()}"
    assert f"backend {name}: {address} does not answer:" in refused(name=name, scheduler=address)
    assert "is no address: expects HOST:PORT" in refused(name=name, scheduler="nonsense")
    assert "is no address: expects HOST:PORT" in refused(name=name, scheduler="a:b")
    if package == "distributed" or not pytest.importorskip("ray").is_initialized():
        assert f"backend {name}: expects the address" in refused(name=name)


def test_one_who_is_no_scheduler_is_one_line(deaf):
    pytest.importorskip("distributed", reason="needs dask distributed")
    assert f"backend dask: {deaf} does not answer" in refused(
        name="dask", scheduler=deaf, seconds=1)


def test_a_scheduler_without_workers_is_one_line():
    distributed = pytest.importorskip("distributed", reason="needs dask distributed")
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=50) as cluster:
        assert "has no workers: start some" in refused(
            name="dask", scheduler=cluster.scheduler_address, seconds=0.2)


@pytest.mark.parametrize("name", ["dask", "ray"])
def test_a_missing_package_is_one_line(name, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, {"dask": "distributed"}.get(name, name), None)
    assert f"pip install 'evenly[{name}]'" in refused(name=name, scheduler="a:1")


def test_another_version_in_a_worker_is_refused():
    from evenly.study.cells import _Worker

    with pytest.raises(BackendError, match=r"has Evenly .*, this is 0\.0\.0: install the same"):
        _Worker("", 0, work.squared, "0.0.0")(CELLS[0])


@pytest.mark.sweep
def test_an_error_on_ray_is_the_tasks_own(ray):
    with backend("ray"), pytest.raises(ValueError, match=r"^three$"):
        joblib.Parallel(n_jobs=2)(joblib.delayed(work.broken)(n) for n in range(4))


@pytest.mark.sweep
@pytest.mark.parametrize("where", ["dask"], indirect=True)
def test_the_command_line(where, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{a},{b},{'ab'[a > b]}\n" for a in range(9) for b in range(9))
    (tmp_path / "t.csv").write_text("a,b,kind\n" + rows)
    line = ["study", "t.csv", "--target", "kind", "--variants", "l2", "--seeds", "2", "--epochs",
            "1", "--jobs", "2"]
    assert command([*line, "--backend", "threading", "--out", "here"]) == 0
    away = ["--backend", "dask", "--scheduler", where["scheduler"]]
    assert command([*line, *away, "--out", "there"]) == 0

    def results(folder):
        text = (tmp_path / folder / "results.csv").read_text().splitlines()
        place = text[0].split(",").index("seconds")
        return [[cell for i, cell in enumerate(row.split(",")) if i != place] for row in text]

    assert results("here") == results("there")
    capsys.readouterr()
    assert command([*line, "--backend", "dask", "--scheduler", "127.0.0.1:1", "--out", "x"]) == 2
    assert "evenly: backend dask: 127.0.0.1:1 does not answer" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.sweep
@pytest.mark.parametrize("where", ["dask"], indirect=True)
def test_claims_go_there_too(where, tmp_path):
    claim = ["study", "zero-weights", "--short", "--blocks", "6", "--backend"]
    assert command([*claim, "threading", "--out", str(tmp_path / "here")]) == 0
    assert command([*claim, "dask", "--scheduler", where["scheduler"],
                    "--out", str(tmp_path / "there")]) == 0
    assert (tmp_path / "here" / "claims.csv").read_text() == (
        tmp_path / "there" / "claims.csv").read_text()
