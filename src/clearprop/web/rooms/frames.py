"""Frames: what the run looks like now, sent while it goes on (server-sent events).

A frame is made for somebody who looks, when there is something new, and at most `RATE` times a second.
Drawing takes the interpreter from the run's own thread, so after a frame comes a rest of `RESTS` times what
it cost: the run keeps more than nine tenths of its speed.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from clearprop.blas import one_blas_thread
from clearprop.errors import ClearpropError
from clearprop.web.bench.bench import Bench
from clearprop.web.rooms.asking import refused
from clearprop.web.rooms.plugs import Scene, drawn

RATE = 20.0  #: frames a second, at most
RESTS = 24.0  #: as long as a frame took to draw
ALIVE_SECONDS = 10.0  #: from one sign of life to the next


async def frames(request: Request) -> Response:
    """GET /api/benches/ID/frames?show=network,curves&row=3."""
    try:
        bench = request.app.state.benches.get(request.path_params["bench"])
    except ClearpropError as error:
        return refused(str(error))
    names = request.query_params.get("show", "").split(",")
    row = request.query_params.get("row", "")
    number = int(row) if row.isascii() and row.isdigit() and len(row) < 16 else None
    return StreamingResponse(_events(bench, names, number), media_type="text/event-stream")


async def _events(bench: Bench, names: list[str], number: int | None) -> AsyncIterator[str]:
    seen: Any = None
    spoken = time.monotonic()
    while True:
        rest = 1 / RATE
        mark = bench.mark()
        if mark != seen:
            seen = mark
            text, cost = await run_in_threadpool(frame, bench, names, number)
            spoken = time.monotonic()
            rest = max(rest, RESTS * cost)
            yield f"data: {text}\n\n"
        elif time.monotonic() - spoken > ALIVE_SECONDS:
            spoken = time.monotonic()
            yield ": alive\n\n"
        await asyncio.sleep(rest)


def frame(bench: Bench, names: list[str], number: int | None) -> tuple[str, float]:
    """A frame as JSON, and the seconds of the processor that it took."""
    made, _, status, message = bench.mark()
    plain: dict[str, Any] = {"made": made, "status": status, "message": message}
    if status in ("preparing", "failed"):
        return json.dumps(plain), 0.0
    try:
        scene = Scene.of(bench, number)
    except ClearpropError as error:
        return json.dumps({**plain, "message": str(error)}), 0.0
    began = time.thread_time()
    moment = scene.moment
    plain |= {
        "status": moment.status,
        "message": moment.message,
        "ended": moment.ended,
        "edited": moment.edits > 0,
        "edits": moment.edits,
        "epoch": moment.epoch,
        "epochs": moment.epochs,
        "batch": moment.batch,
        "batches": moment.batches,
        "steps": moment.steps,
        "loss": moment.last("loss"),
        "validation_loss": moment.last("validation_loss"),
        "metric": moment.last("validation_metric"),
        "metric_name": moment.metric.replace("_", " "),
        "learning_rate": moment.last("learning_rate"),
    }
    with one_blas_thread():  # which would spin on the cores that train, long after a drawing is done
        plain["drawings"] = drawn(scene, names)
    return json.dumps(plain), time.thread_time() - began
