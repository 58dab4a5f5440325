"""Data: dropping a table, choosing what is learnt, and looking at the first rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from clearprop.errors import ClearpropError, DataError
from clearprop.web.bench.dataset import Dataset
from clearprop.web.bench.generated import GENERATED
from clearprop.web.bench.sets import SHARE, SHIPPED, generated_set, shipped_set, table_set
from clearprop.web.rooms.asking import Asked, refused
from clearprop.web.rooms.playing import told
from clearprop.web.rooms.rendering import rendered
from clearprop.web.rooms.uploads import described

MOST_SHARE = 0.9  #: of the rows, held out


async def upload(request: Request) -> Response:
    """POST /api/uploads?name=FILE, the file's bytes as the body: read it, and say what is in it."""
    data = await request.body()
    uploads = request.app.state.uploads
    try:
        name = await run_in_threadpool(uploads.add, data, request.query_params.get("name", ""))
    except ClearpropError as error:
        return refused(str(error))
    return JSONResponse(described(name, uploads.get(name)))


def choose(asked: Asked) -> Mapping[str, Any]:
    """POST /api/benches/ID/data: a set by its name, or an uploaded table and its target."""
    if asked.said.get("model") is True:  # as the opened model reads it
        asked.bench.read(asked.uploads.get(asked.text("upload")), *_share(asked))
    else:
        asked.bench.choose(_chosen(asked))
    return told(asked)


def _share(asked: Asked) -> tuple[float, int]:
    share, seed = asked.real("share", SHARE), asked.whole("seed", 0)
    if not 0 <= share <= MOST_SHARE:
        raise DataError(f"share is a number from 0 to {MOST_SHARE}, not {share:g}")
    if not 0 <= seed < 2**53:
        raise DataError(f"seed is a whole number from 0 to below 2**53, not {seed}")
    return share, seed


def _chosen(asked: Asked) -> Dataset:
    share, seed = _share(asked)
    if "upload" in asked.said:
        table = asked.uploads.get(asked.text("upload"))
        return table_set(table, asked.text("target"), share=share, seed=seed, task=_task(asked))
    name = asked.text("set")
    if name in SHIPPED:
        return shipped_set(name, share=share, seed=seed)
    if name in GENERATED:
        rows, noise = asked.whole("rows", 300), asked.real("noise", 0.1)
        return generated_set(name, rows=rows, noise=noise, share=share, seed=seed)
    raise DataError(f"there is no set {name!r}; there are {', '.join((*SHIPPED, *GENERATED))}")


def _task(asked: Asked) -> Literal["classes", "numbers"] | None:
    match asked.said.get("task"):
        case "classes":
            return "classes"
        case "numbers":
            return "numbers"
        case None | "":
            return None
    raise DataError("task is classes or numbers")


def preview(asked: Asked) -> str:
    """GET /api/benches/ID/preview: the first rows as a table."""
    data = asked.bench.data
    head, rows = data.preview()
    return rendered("preview.html", data=data, head=head, rows=rows)
