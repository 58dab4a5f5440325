"""Where towers stand and how high they are, and where the knots of a piecewise linear curve lie.

Each function gives edges or knots, heights, and a bound on the distance of f from the heights' own function:
a staircase, or straight lines between knots. The bounds follow from the modulus of continuity w alone.

- even strips of width h, the height f(middle): within w(h/2).
- adaptive strips: f is sampled every d. A strip takes samples as long as the highest and the lowest of them
  are at most 2 e apart, its height is their middle, and its edges lie half-way between samples: every x of
  the strip has a sample of the strip within d/2, so f(x) is within e + w(d/2) of the height.
- even knots h apart: within `Modulus.interpolation(h)`.
- adaptive knots: f is sampled every d, and knots are samples so far apart that the straight line between two
  is within e of all samples between. Straight lines through all samples are within `interpolation(d)` of f;
  both curves are straight between samples, so they differ most at one, by e.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.constructions.modulus import Modulus
from clearprop.constructions.sampling import Sampler
from clearprop.errors import SpecificationError

MOST_SAMPLES = 2_000_000  #: of f, for adaptive strips and knots
_FINE = 0.1  #: share of the error that the distance between samples may cost


@dataclass(frozen=True, eq=False)
class Pieces:
    """Places (N + 1,) and heights: (N,) of strips between places, or (N + 1,) of knots at them."""

    places: Array
    heights: Array
    bound: float


def even_strips(f: Sampler, low: float, high: float, error: float, modulus: Modulus, most: int) -> Pieces:
    """Strips of one width."""
    half = modulus.inverse(error, most=(high - low) / 2)
    edges = np.linspace(low, high, _count((high - low) / (2 * half), most, modulus) + 1)
    heights = f(((edges[:-1] + edges[1:]) / 2)[:, None])
    return Pieces(edges, heights, modulus((edges[1] - edges[0]) / 2))


def even_knots(f: Sampler, low: float, high: float, error: float, modulus: Modulus, most: int) -> Pieces:
    """Knots at one distance."""
    width = modulus.inverse(error, high - low, modulus.interpolation)
    knots = np.linspace(low, high, _count((high - low) / width, most, modulus) + 1)
    return Pieces(knots, f(knots[:, None]), modulus.interpolation(knots[1] - knots[0]))


def _count(asked: float, most: int, modulus: Modulus) -> int:
    """Pieces, a whole number."""
    if asked > most:
        raise too_many(asked, most, modulus)
    return max(math.ceil(asked * (1 - 1e-12)), 1)


def too_many(asked: float, most: int, modulus: Modulus, what: str = "even pieces") -> SpecificationError:
    """The error for more pieces than may be written down."""
    return SpecificationError(
        f"{asked:,.0f} {what} would be needed (modulus of continuity: {modulus.source}), more than the "
        f"{most:,} that most_units leaves room for; raise epsilon or most_units, or make the domain smaller"
        + (", or try kind='relu' or spacing='adaptive'" if what == "even pieces" else "")
    )


def adaptive_strips(f: Sampler, low: float, high: float, error: float, modulus: Modulus, most: int) -> Pieces:
    """Strips as wide as f allows."""
    half = modulus.inverse(_FINE * error, most=(high - low) / 2)
    x, y = _samples(f, low, high, 2 * half, modulus)
    between = modulus((x[1] - x[0]) / 2)
    firsts, heights, worst = [0], [], 0.0
    while firsts[-1] < len(x):
        if len(firsts) > most:
            raise too_many(len(firsts), most, modulus, "or more strips")
        first = firsts[-1]
        stop, bottom, top = _level(y, first, 2 * (error - between))
        heights.append((bottom + top) / 2)
        worst = max(worst, (top - bottom) / 2)
        firsts.append(stop)
    inner = np.array(firsts[1:-1], dtype=np.int64)
    edges = np.concatenate([[low], (x[inner - 1] + x[inner]) / 2, [high]])
    return Pieces(edges, np.array(heights), worst + between)


def _level(y: Array, first: int, apart: float) -> tuple[int, float, float]:
    """First sample that is too far above or below those from `first` on; lowest and highest before it."""
    size = 64
    while True:
        window = y[first : first + size]
        top, bottom = np.maximum.accumulate(window), np.minimum.accumulate(window)
        wide = np.flatnonzero(top - bottom > apart)
        if wide.size or first + size >= len(y):
            last = int(wide[0]) - 1 if wide.size else len(window) - 1
            return first + last + 1, float(bottom[last]), float(top[last])
        size *= 4


def adaptive_knots(f: Sampler, low: float, high: float, error: float, modulus: Modulus, most: int) -> Pieces:
    """Knots as far apart as f allows."""
    width = modulus.inverse(_FINE * error, high - low, modulus.interpolation)
    x, y = _samples(f, low, high, width, modulus)
    between = modulus.interpolation(x[1] - x[0])
    knots = [0]
    while knots[-1] < len(x) - 1:
        if len(knots) > most:
            raise too_many(len(knots), most, modulus, "or more knots")
        knots.append(_straight(x, y, knots[-1], error - between))
    worst = float(np.abs(np.interp(x, x[knots], y[knots]) - y).max())
    return Pieces(x[knots], y[knots], worst + between)


def _straight(x: Array, y: Array, first: int, error: float) -> int:
    """A far sample to which a straight line from `first` stays within the error of all samples between."""
    size = 64
    while True:
        right = slice(first + 1, first + 1 + size)
        across, up = x[right] - x[first], y[right] - y[first]
        steepest = np.minimum.accumulate((up + error) / across)
        flattest = np.maximum.accumulate((up - error) / across)
        slope = up / across
        fits = np.flatnonzero((flattest <= slope) & (slope <= steepest))
        closed = bool((flattest > steepest).any())
        if closed or first + 1 + size >= len(x):
            return first + 1 + int(fits[-1])
        size *= 4


def _samples(f: Sampler, low: float, high: float, step: float, modulus: Modulus) -> tuple[Array, Array]:
    """Samples at most `step` apart."""
    count = max(math.ceil((high - low) / step), 8)
    if count >= MOST_SAMPLES:
        raise SpecificationError(
            f"spacing='adaptive' would take {count:,} samples of f (modulus of continuity: {modulus.source}) "
            f"and at most {MOST_SAMPLES:,} are taken; raise epsilon, make the domain smaller, or split it"
        )
    x = np.linspace(low, high, count + 1)
    return x, f(x[:, None])
