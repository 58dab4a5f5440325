"""Frames: what the run looks like now, sent while it goes on (server-sent events).

A frame is made for somebody who looks, when there is something new, and at most `RATE` times a second.
Drawing takes the interpreter from the run's own thread, so what was drawn rests, each drawing by itself, in
all `RESTS` times as long as they cost: the run keeps more than nine tenths of its speed, and what is quickly
drawn is drawn often. Once the run stands still everything is drawn as it stands.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from clearprop.blas import one_blas_thread
from clearprop.errors import ClearpropError
from clearprop.web.bench.bench import Bench
from clearprop.web.rooms.asking import refused
from clearprop.web.rooms.plugs import Scene, drawn, known

RATE = 20.0  #: frames a second, at most
RESTS = 24.0  #: as long as drawing took
ALIVE_SECONDS = 10.0  #: from one sign of life to the next
FIGURES = ""  #: name of what every frame has beside its drawings


async def frames(request: Request) -> Response:
    """GET /api/benches/ID/frames?show=network,curves&row=3."""
    try:
        bench = request.app.state.benches.get(request.path_params["bench"])
    except ClearpropError as error:
        return refused(str(error))
    names = known(request.query_params.get("show", "").split(","))
    row = request.query_params.get("row", "")
    number = int(row) if row.isascii() and row.isdigit() and len(row) < 16 else None
    return StreamingResponse(_events(bench, names, number), media_type="text/event-stream")


async def _events(bench: Bench, names: list[str], number: int | None) -> AsyncIterator[str]:
    turns = Turns([FIGURES, *names])
    spoken = time.monotonic()
    while True:
        mark = bench.mark()
        due = turns.due(mark, time.monotonic(), running=mark[2] == "running")
        if due:
            text, costs = await run_in_threadpool(frame, bench, due, number)
            spoken = time.monotonic()
            turns.took(mark, spoken, costs)
            yield f"data: {text}\n\n"
        elif time.monotonic() - spoken > ALIVE_SECONDS:
            spoken = time.monotonic()
            yield ": alive\n\n"
        await asyncio.sleep(1 / RATE)


class Turns:
    """Whose turn it is: every drawing has an equal share of the time, so what is heavy comes rarely.

    >>> turns = Turns(["light", "heavy"])
    >>> turns.took("first", 0.0, {"light": 0.001, "heavy": 0.1})
    >>> turns.due("second", 1.0, running=True), turns.due("second", 1.0, running=False)
    (['light'], ['light', 'heavy'])
    >>> turns.due("third", 1.0, running=False)  # it may only pass through
    ['light']
    >>> turns.due("first", 9.0, running=True)
    []
    """

    def __init__(self, names: list[str]) -> None:
        self._seen: dict[str, Any] = dict.fromkeys(names)
        self._free = dict.fromkeys(names, 0.0)
        self._last: Any = None

    def due(self, mark: Any, now: float, *, running: bool) -> list[str]:
        """Names of what shows something else than the mark, and has rested or the run stands still."""
        still, self._last = not running and mark == self._last, mark
        return [
            name for name, seen in self._seen.items() if seen != mark and (now >= self._free[name] or still)
        ]

    def took(self, mark: Any, now: float, costs: Mapping[str, float]) -> None:
        """Show the mark from now on, at so many seconds each."""
        for name, cost in costs.items():
            self._seen[name], self._free[name] = mark, now + RESTS * cost * len(self._seen)


def frame(bench: Bench, names: list[str], number: int | None) -> tuple[str, dict[str, float]]:
    """A frame as JSON, and the seconds of the processor that each drawing took, and the figures."""
    costs = dict.fromkeys([FIGURES, *names], 0.0)
    made, _, status, message = bench.mark()
    plain: dict[str, Any] = {"made": made, "status": status, "message": message}
    if status in ("preparing", "failed"):
        return json.dumps(plain), costs
    try:
        scene = Scene.of(bench, number)
    except ClearpropError as error:
        return json.dumps({**plain, "message": str(error)}), costs
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
        plain["drawings"] = {}
        for name in names:
            started = time.thread_time()
            plain["drawings"] |= drawn(scene, [name])
            costs[name] = time.thread_time() - started
    text = json.dumps(plain)
    costs[FIGURES] = time.thread_time() - began - sum(costs.values())
    return text, costs
