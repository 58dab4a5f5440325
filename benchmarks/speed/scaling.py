"""How the cost of a step, or of an epoch, grows with rows, width, depth and batch."""

from __future__ import annotations

from benchmarks.speed.jobs import SCALES
from benchmarks.speed.results import Results
from benchmarks.speed.timing import Power, fit_power


def curve(results: Results, along: str, contender: str) -> dict[int, float]:
    """Size -> median seconds a step (an epoch, along rows), where measured."""
    points = {}
    for size, case in SCALES[along].items():
        spread = results.spread(case.key, 1, contender)
        if spread is not None:
            points[size] = spread.median * (case.rows // case.batch if along == "rows" else 1)
    return points


def power_of(results: Results, along: str, contender: str) -> Power | None:
    """The power law through a curve, None of fewer than three points."""
    points = curve(results, along, contender)
    return fit_power(list(points), list(points.values())) if len(points) > 2 else None
