"""A server on a free port, and its pages in a browser."""

import contextlib
import socket
import threading

import pytest


@pytest.fixture(scope="session")
def address():
    """Where the pages are served."""
    import uvicorn

    from evenly.web import create_app

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(
        create_app(), log_config=None, log_level="critical", ws="none", lifespan="off",
        timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listener.close()


@pytest.fixture
def opened(browser, address):
    """Opens pages. Whatever they complain of, and whatever they ask of another host, is an error in
    the end."""
    complaints = []
    with contextlib.ExitStack() as contexts:

        def opened(path, width=1280, height=900, **circumstances):
            context = contexts.enter_context(browser.new_context(
                viewport={"width": width, "height": height}, **circumstances))
            context.set_default_timeout(10_000)
            page = context.new_page()
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", lambda request: request.url.startswith(f"{address}/")
                    or complaints.append(request.url))
            page.goto(address + path)
            if path.startswith("/exercise"):
                page.wait_for_selector("[data-ready]")
            return page

        opened.complaints = complaints
        yield opened
    assert not complaints
