"""The application."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ..errors import EvenlyError
from . import refusals
from .endpoints import Endpoints
from .guard import HEADERS, LOOPBACK, Guard


def create_app(hosts: Collection[str] | None = LOOPBACK, kept: Path | None = None) -> Starlette:
    """The exercises and lessons as an ASGI application.

    Arguments:
        hosts: the names under which it is asked; None: any. Those of this machine alone keep pages
            elsewhere from reading it.
        kept: a file in which `evenly lesson` keeps what came of studies: lessons show it. None:
            none is read.

    Example:
        >>> app = create_app()
        >>> [route.path for route in app.routes][:2]
        ['/', '/exercise/{name}']
    """
    endpoints = Endpoints(kept)
    return Starlette(
        routes=[
            Route("/", endpoints.catalogue),
            Route("/exercise/{name}", endpoints.exercise),
            Route("/sheet/{name}", endpoints.sheet),
            Route("/key/{name}", endpoints.key),
            Route("/lessons", endpoints.lessons),
            Route("/lesson/{name}", endpoints.lesson),
            Route("/api/grade", endpoints.grade, methods=["POST"]),
            Route("/api/work", endpoints.work, methods=["POST"]),
            Mount("/static", StaticFiles(packages=[("evenly.web", "static")]), name="static"),
        ],
        middleware=[Middleware(Guard, hosts=hosts)],
        exception_handlers={
            refusals.Refusal: refusals.on_refusal,
            EvenlyError: refusals.on_bad_input,
            HTTPException: refusals.on_http,
            Exception: on_fault,
        },
    )


async def on_fault(request: Request, error: Exception) -> Response:
    """A fault of the program: the server's log has it, the reader does not."""
    response = refusals.refused(request.scope, 500, "Something went wrong here, and it is not your "
                                                    "fault. The server's log says what.")
    # This is answered outside of the guard.
    response.headers.update(HEADERS)
    return response
