"""The application: which path is answered by which room."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clearprop.tables import Table
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.benches import Benches
from clearprop.web.guard.gate import TooMuch
from clearprop.web.rooms import data, exporting, frames, glass, playing, shell, teaching
from clearprop.web.rooms.asking import answering, refused
from clearprop.web.rooms.uploads import Uploads

BENCH = "/api/benches/{bench}"

ROUTES = (
    Route("/", shell.show_page),
    Route("/static/{name}", shell.show_file),
    Route("/api/uploads", data.upload, methods=["POST"]),
    Route("/api/benches", answering(playing.new), methods=["POST"]),
    Route(BENCH, answering(playing.told)),
    Route(f"{BENCH}/data", answering(data.choose), methods=["POST"]),
    Route(f"{BENCH}/preview", answering(data.preview)),
    Route(f"{BENCH}/settings", answering(playing.change), methods=["POST"]),
    Route(f"{BENCH}/do", answering(playing.do), methods=["POST"]),
    Route(f"{BENCH}/frames", frames.frames),
    Route(f"{BENCH}/row", answering(glass.row)),
    Route(f"{BENCH}/lesson", answering(teaching.text)),
    Route(f"{BENCH}/lesson", answering(teaching.begin), methods=["POST"]),
    Route(f"{BENCH}/example", answering(glass.example), methods=["POST"]),
    Route(f"{BENCH}/derivation", answering(glass.derivation)),
    Route(f"{BENCH}/export", answering(exporting.export)),
    Route(f"{BENCH}/certificate", answering(glass.certificate)),
)


def application(fresh: Callable[[], Bench] = Bench, table: Table | None = None) -> Starlette:
    """The application, without its guard; `fresh` makes the bench of a new tab, `table` is in its menu."""
    benches, uploads = Benches(), Uploads()
    if table is not None:
        uploads.keep(table)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        benches.close()

    app = Starlette(
        routes=list(ROUTES),
        lifespan=lifespan,
        exception_handlers={404: _missing, 405: _missing, TooMuch: _too_much},
    )
    app.router.redirect_slashes = False
    app.state.benches, app.state.uploads, app.state.fresh = benches, uploads, fresh
    return app


async def _too_much(request: Request, error: Exception) -> Response:
    answer = refused(str(error), getattr(error, "status", 413))
    answer.headers["connection"] = "close"  # the rest of the body is not read
    return answer


async def _missing(request: Request, error: Exception) -> Response:
    return refused("there is nothing at this address", getattr(error, "status_code", 404))
