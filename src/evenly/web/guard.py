"""What every request passes before anything reads it: the host it names, and how long it is. And
what every answer carries."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .refusals import refused

LONGEST_BODY = 64 * 1024
LONGEST_QUERY = 16 * 1024
LONGEST_PATH = 512

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

HEADERS = {
    "Content-Security-Policy": "; ".join([
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'",
        "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
    ]),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-cache",
}


class Guard:
    """Refuses requests to other hosts' names and oversized ones; adds the headers of every answer.

    A page elsewhere may give its own name this machine's address, and so read what only this
    machine should; such a request names the other host.

    Arguments:
        app: what is guarded.
        hosts: the names under which the server is asked; None: any.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self.app(scope, receive, headed)
        else:
            await refused(scope, *refusal)(scope, receive, headed)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        name = host_name(headers.get("host", ""))
        if self.hosts is not None and name not in self.hosts:
            return 400, (f"This server answers to {', '.join(self.hosts)}, not to '{name}'. Start "
                         "it with --host to open it to others.")
        if len(scope["path"]) > LONGEST_PATH:
            return 414, f"The address is too long: at most {LONGEST_PATH} characters."
        if len(scope["query_string"]) > LONGEST_QUERY:
            return 414, f"The link is too long: at most {LONGEST_QUERY} characters after the '?'."
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            return 400, "The header Content-Length must be a whole number."
        if len(length) > 9 or int(length) > LONGEST_BODY:
            return 413, f"The request is too long: at most {LONGEST_BODY} bytes."
        return None


def host_name(header: str) -> str:
    """The name in a Host header, without the port.

    Example:
        >>> host_name("localhost:8000"), host_name("[::1]:8000"), host_name("evil.example")
        ('localhost', '[::1]', 'evil.example')
    """
    name, colon, port = header.rpartition(":")
    name = name if colon and "]" not in port else header
    return name.lower().removesuffix(".")
