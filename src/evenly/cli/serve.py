"""`evenly serve`: exercises and lessons in the browser."""

from __future__ import annotations

import errno
import ipaddress
import socket
import webbrowser

import click

from .helping import command
from .needed import need


@command()
@click.option("--port", type=click.IntRange(0, 65535), default=8000,
              help="Port to listen on; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", metavar="ADDRESS",
              help="Address to listen on. The default lets this machine alone in; 0.0.0.0 lets in "
                   "everyone who reaches it.")
@click.option("--open/--no-open", "opens", default=False, help="Open the page in a browser.")
def serve(port: int, host: str, opens: bool) -> int:
    """Serve exercises by hand and lessons as a web page: fill in, check, see the work. Ctrl-C ends
    it."""
    need("serve", "starlette", "uvicorn", "jinja2", extra="web")
    import uvicorn

    from evenly.lessons.progress import place
    from evenly.web import create_app

    local = is_loopback(host)
    with listening(host, port) as listener:
        address = f"http://{shown_host(host)}:{listener.getsockname()[1]}/"
        click.echo(f"Exercises by hand: {address}  (Ctrl-C ends)")
        if not local:
            click.echo(f"evenly: warning: everyone who reaches {host} can open these pages; they "
                       "are not encrypted and ask for no password", err=True)
        server = uvicorn.Server(uvicorn.Config(
            create_app(kept=place()) if local else create_app(hosts=None),
            # uvicorn's own set-up of logging closes the handlers of everyone else in the process.
            log_config=None, log_level="warning", access_log=False, server_header=False,
            ws="none", lifespan="off",
            limit_concurrency=128, timeout_keep_alive=5, timeout_graceful_shutdown=3,
            h11_max_incomplete_event_size=64 * 1024,
        ))
        if opens:
            # The socket listens already: the browser's request waits until the server runs.
            webbrowser.open(address)
        server.run(sockets=[listener])
    return 0


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        UsageError: the port is taken, or the address is not this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host.strip("[]"), port,
                                                      type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family, backlog=128)
    except OSError as error:
        reasons = {
            errno.EADDRINUSE: f"port {port} is in use; take another with --port, or --port 0 for a "
                              "free one",
            errno.EACCES: f"port {port} needs more rights; take one from 1024 with --port",
            errno.EADDRNOTAVAIL: f"{host} is no address of this machine",
        }
        reason = reasons.get(error.errno or 0, f"cannot listen on {host}: {error.strerror}")
        raise click.UsageError(f"serve: {reason}") from error


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone.

    Example:
        >>> [is_loopback(host) for host in ("localhost", "127.0.0.1", "::1", "0.0.0.0")]
        [True, True, True, False]
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def shown_host(host: str) -> str:
    """A host as it stands in an address.

    Example:
        >>> shown_host("::1"), shown_host("0.0.0.0")
        ('[::1]', 'localhost')
    """
    bare = host.strip("[]")
    if bare in ("0.0.0.0", "::"):
        return "localhost"
    return f"[{bare}]" if ":" in bare else bare
