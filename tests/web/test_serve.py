"""`evenly serve`."""

import importlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from evenly.cli import needed, run

START = [sys.executable, "-c", "import evenly.cli as c; c.main()", "serve", "--port", "0"]


def started(*words):
    return subprocess.Popen([*START, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})


def ended(server):
    server.send_signal(signal.SIGINT)
    return server.communicate(timeout=30), server.returncode


def test_it_serves_until_ctrl_c():
    server = started()
    line = server.stdout.readline()
    try:
        address = re.fullmatch(r"Exercises by hand: (http://127\.0\.0\.1:\d+/)  \(Ctrl-C ends\)\n",
                               line)[1]
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert b"Neural networks, by hand" in answer.read()
            assert "uvicorn" not in str(answer.headers).lower()
        asked = urllib.request.Request(address, headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(asked, timeout=30)
    finally:
        (out, err), status = ended(server)
    assert (out, err, status) == ("", "\nevenly: stopped\n", 130)


def test_open_to_others_it_warns():
    server = started("--host", "0.0.0.0")
    line = server.stdout.readline()
    try:
        port = re.search(r"http://localhost:(\d+)/", line)[1]
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": "class.lan"})
        assert urllib.request.urlopen(asked, timeout=30).status == 200
    finally:
        (_, err), _ = ended(server)
    assert err == ("evenly: warning: everyone who reaches 0.0.0.0 can open these pages; they are "
                   "not encrypted and ask for no password\n\nevenly: stopped\n")


def refused(capsys, *words):
    assert run(["serve", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_a_port_in_use(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refused(capsys, "--port", str(port)) == (
            f"evenly: serve: port {port} is in use; take another with --port, or --port 0 for a "
            "free one\n")


def test_an_address_elsewhere(capsys):
    assert refused(capsys, "--port", "0", "--host", "192.0.2.1") == \
        "evenly: serve: 192.0.2.1 is no address of this machine\n"


def test_a_host_that_there_is_not(capsys):
    assert refused(capsys, "--port", "0", "--host", "no such host").startswith(
        "evenly: serve: cannot listen on no such host: ")


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_a_port_that_there_is_not(capsys, port):
    assert "'--port'" in refused(capsys, "--port", port)


def test_what_it_needs_is_said(capsys, monkeypatch):
    found = needed.importlib.util.find_spec
    monkeypatch.setattr(needed.importlib.util, "find_spec",
                        lambda name: None if name in ("starlette", "uvicorn") else found(name))
    assert refused(capsys, "--port", "0") == \
        "evenly: evenly serve needs starlette, uvicorn: pip install 'evenly[web]'\n"


def test_the_browser_is_opened_when_asked_for(monkeypatch, capsys):
    import uvicorn

    opened = []
    module = importlib.import_module("evenly.cli.serve")
    monkeypatch.setattr(module.webbrowser, "open", opened.append)
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)
    assert run(["serve", "--port", "0"]) == 0
    assert not opened
    assert run(["serve", "--port", "0", "--open"]) == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", opened[0])
    assert opened[0] in capsys.readouterr().out


def test_what_others_log_to_stays_open(monkeypatch, capsys):
    import uvicorn

    class Handler(logging.Handler):
        closed = False

        def close(self):
            self.closed = True
            super().close()

    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)
    handler = Handler()
    assert run(["serve", "--port", "0"]) == 0
    assert not handler.closed


def test_ipv6():
    module = importlib.import_module("evenly.cli.serve")
    try:
        listener = module.listening("[::1]", 0)
    except Exception as error:
        pytest.skip(f"this machine has no IPv6: {error}")
    with listener:
        assert listener.getsockname()[0] == "::1"
