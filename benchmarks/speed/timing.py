"""Seconds of a call, ratios of rounds, and their spread."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LEAST = 0.05  #: seconds of a sample, at least
PAUSE = 0.01  #: seconds in which the threads of the contender before go to sleep


def seconds_of(call: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def sample(call: Callable[[], object], least: float = LEAST) -> float:
    """Median seconds of a call, over calls that take `least` seconds together."""
    times: list[float] = []
    while sum(times) < least:
        times.append(seconds_of(call))
    return statistics.median(times)


@dataclass(frozen=True)
class Spread:
    """Median over rounds, with the least and the most of them."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Spread of the values of some rounds."""
        return cls(statistics.median(values), min(values), max(values))

    @classmethod
    def of_ratios(cls, above: Sequence[float], below: Sequence[float]) -> Spread:
        """Spread of above / below, round by round: a slow moment of the machine meets both."""
        return cls.of([a / b for a, b in zip(above, below, strict=True)])


@dataclass(frozen=True)
class Power:
    """y = factor * x**exponent, with the exponent's standard error."""

    factor: float
    exponent: float
    error: float


def fit_power(x: Sequence[float], y: Sequence[float]) -> Power:
    """Least squares in logarithms.

    Raises
    ------
    ValueError
        Of fewer than three points: two leave no error to speak of.
    """
    if len(x) < 3 or len(x) != len(y):
        raise ValueError(f"a power and its error take three points or more, not {len(x)} and {len(y)}")
    u, v = [math.log(each) for each in x], [math.log(each) for each in y]
    mean = statistics.fmean(u)
    square = sum((each - mean) ** 2 for each in u)
    slope, intercept = statistics.linear_regression(u, v)
    residual = sum((b - intercept - slope * a) ** 2 for a, b in zip(u, v, strict=True))
    return Power(math.exp(intercept), slope, math.sqrt(residual / (len(u) - 2) / square))
