"""Preparing the state of a lesson's step on a bench, and reading there what its text claims."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from clearprop.errors import ClearpropError, DataError
from clearprop.specification import Network, Parameters
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.pace import Moment
from clearprop.web.lessons.lesson import Claim, Lesson

_HISTORY = {"loss": "loss", "validation_loss": "validation_loss", "metric": "validation_metric"}


def prepare(bench: Bench, lesson: Lesson, step: int) -> None:
    """Put the bench where the step begins: data, network, parameters, and epochs trained.

    Examples
    --------
    >>> from clearprop.web.lessons import LESSONS
    >>> bench = Bench()
    >>> prepare(bench, LESSONS["softmax"], 0)
    >>> bench.network.output.activation.name, bench.lesson
    ('softmax', ('softmax', 0))
    >>> bench.close()
    """
    if not 0 <= step < len(lesson.steps):
        raise DataError(f"lesson {lesson.name} has steps 1 to {len(lesson.steps)}")
    state = lesson.state_of(step)
    data, settings = state.data(), state.settings
    network = state.network or settings.network(data)
    start = _start(network, settings.seed, state.theta) if state.theta else None
    bench.prepare(data, settings, network, start)
    bench.lesson, pace = (lesson.name, step), bench.pace
    for _ in range(state.epochs):
        pace.one_epoch()


def _start(network: Network, seed: int, theta: Mapping[str, Any]) -> Parameters:
    """Parameters drawn by the seed, those of the state put in."""
    made = network.initialize(seed)
    for name, values in theta.items():
        arrays: Mapping[int, Any] = made.W if name.startswith("W") else made.b
        target = arrays[int(name[2:-1])]
        given = np.array(values, np.float64)
        if given.shape != target.shape:
            raise DataError(f"{name} has the shape {target.shape}, not {given.shape}")
        target[...] = given
    return made


def measured(bench: Bench, claim: Claim, row: int, moment: Moment | None = None) -> float:
    """The number that a claim is about, as it is now; NaN where there is none."""
    moment = moment or bench.moment()
    if claim.of in _HISTORY:
        found = moment.last(_HISTORY[claim.of])
        return math.nan if found is None else found
    try:
        return bench.trace(claim.row or row, moment).derive(claim.of).value
    except ClearpropError:
        return math.nan  # the reader has built another network by now
