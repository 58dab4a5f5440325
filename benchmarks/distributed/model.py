"""The model of `clearprop.distributed.step_time`, fitted to what `measuring` measured."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import nnls

from clearprop.distributed.step_time import REAL, StepTime, least_rows


def fitted(columns: Sequence[Sequence[float]], seconds: Sequence[float]) -> np.ndarray:
    """Coefficients >= 0 with the least squares of relative errors."""
    wanted = np.array(seconds)
    return nnls(np.array(columns) / wanted[:, None], np.ones(len(wanted)))[0]


def fitted_to(found: Mapping[str, Any]) -> StepTime:
    """The coefficients that fit what was measured on one machine."""
    alone = [step for step in found["steps"] if step["world"] == 1]
    sizes = [step["parameters"] for step in alone]
    gradients = [min(step["gradient"]) for step in alone]
    columns = [(1.0, P, P * step["rows"]) for P, step in zip(sizes, alone, strict=True)]
    start, write, multiply = fitted(columns, gradients)
    updates = [min(step["update"]) for step in alone]
    (update,) = fitted([(P,) for P in sizes], updates)
    sums, cores = found["sums"], found["cores"]
    rows = []
    for each in sums:
        crowd = max(1.0, each["world"] / cores)
        rows.append((1.0, (each["world"] - 1) * crowd, REAL * each["parameters"] * crowd))
    exchange, peer, byte = fitted(rows, [each["seconds"] for each in sums])
    late = []
    for step in alone:
        middle = statistics.median(step["gradient"])
        late.append(statistics.mean(t for t in step["gradient"] if t >= middle) / middle - 1)
    tail = statistics.median(late)
    return StepTime(*map(float, (start, write, multiply, update, exchange, peer, byte, tail)))


def batch_for(model: StepTime, gain: float, P: float, world: float, bits: float, cores: float = 1.0) -> float:
    """The least batch whose step is `gain` times as fast as on one machine; inf where none is."""
    return least_rows(lambda rows: world * model.efficiency(P, rows, world, bits, cores) >= gain)
