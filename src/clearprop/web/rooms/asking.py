"""What every room shares: reading a JSON body, and turning errors made on purpose into answers."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from clearprop.errors import ClearpropError, DataError
from clearprop.untrusted import Wrong, parse
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.benches import Benches
from clearprop.web.rooms.uploads import Uploads

Plain: TypeAlias = Mapping[str, Any]
Answer: TypeAlias = Callable[["Asked"], Any]
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


class Asked:
    """A request, as a room sees it: whose bench, and what is said.

    Attributes
    ----------
    said : mapping
        Of a POST the JSON body, of a GET the query.
    """

    def __init__(self, request: Request, said: Plain) -> None:
        self.request, self.said = request, said

    @property
    def benches(self) -> Benches:
        """All benches."""
        found: Benches = self.request.app.state.benches
        return found

    @property
    def uploads(self) -> Uploads:
        """Tables the user gave."""
        found: Uploads = self.request.app.state.uploads
        return found

    @property
    def bench(self) -> Bench:
        """The bench that the path names."""
        return self.benches.get(self.request.path_params["bench"])

    def text(self, name: str, default: str | None = None) -> str:
        """A text that was said."""
        value = self.said.get(name, default)
        if not isinstance(value, str):
            raise DataError(f"{name} is missing, or no text")
        return value

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number that was said (in a query as digits)."""
        value = self.said.get(name, default)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise DataError(f"{name} is missing, or no whole number")
        return value

    def real(self, name: str, default: float | None = None) -> float:
        """A finite number that was said."""
        value = self.said.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
            raise DataError(f"{name} is missing, or no number")
        return float(value)


def answering(room: Answer) -> Endpoint:
    """The room as an endpoint: it runs in a thread, a text it gives is HTML, plain data JSON."""

    @functools.wraps(room)
    async def endpoint(request: Request) -> Response:
        try:
            said: Plain = dict(request.query_params)
            if request.method == "POST":
                said = parse(await request.body() or b"{}", "request")
            given = await run_in_threadpool(room, Asked(request, said))
        except Wrong as error:
            return refused(str(error).removeprefix("its "))
        except ClearpropError as error:
            return refused(str(error))
        if isinstance(given, Response):
            return given
        return HTMLResponse(given) if isinstance(given, str) else JSONResponse(given)

    return endpoint


def refused(why: str, status: int = 400) -> Response:
    """An answer that says why not."""
    return JSONResponse({"error": why}, status)
