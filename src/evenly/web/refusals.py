"""What is answered when a request cannot be served: a sentence, as JSON or as a small page."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ..errors import EvenlyError
from ..portable import Portable
from .pages import render

# A message repeats what came; no more of it than one reads.
_LONGEST = 300


class Refusal(Portable, Exception):
    """A request that is not served.

    Arguments:
        status: 4xx, or 503.
        message: a sentence for whoever asked.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def answer(content: Any, status: int = 200) -> Response:
    """JSON in ASCII, so that any text can be sent."""
    body = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Response(body.encode("ascii"), status, media_type="application/json")


def refused(scope: Any, status: int, message: str) -> Response:
    """The answer to a request that is not served."""
    message = " ".join(message.split())
    if len(message) > _LONGEST:
        message = f"{message[:_LONGEST]} ..."
    # What came may hold anything, such as half of a character.
    message = message.encode("utf-8", "replace").decode("utf-8")
    if scope["path"].startswith("/api/"):
        response = answer({"error": message}, status)
    else:
        title = HTTPStatus(status).phrase
        response = HTMLResponse(render("error.html.j2", title=title, message=message), status)
    return response


async def on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return refused(request.scope, error.status, error.message)


async def on_bad_input(request: Request, error: Exception) -> Response:
    """What the library refuses by itself: a size, a level, inputs that do not fit."""
    assert isinstance(error, EvenlyError)
    return refused(request.scope, 400, str(error))


async def on_http(request: Request, error: Exception) -> Response:
    """What the routing refuses: no such page, no such method."""
    assert isinstance(error, HTTPException)
    path = request.url.path
    messages = {
        404: f"There is no page '{path}'.",
        405: f"'{path}' does not take {request.method} requests.",
    }
    response = refused(request.scope, error.status_code,
                       messages.get(error.status_code, f"{error.detail}."))
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response
