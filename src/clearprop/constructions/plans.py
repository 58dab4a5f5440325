"""The networks of `towers`: weights and biases written down, and the bound on their error with its numbers.

The proofs stand at `towers`; here E is `pieces.bound` or `own`, r is `blur`, w the modulus; the other
letters are as there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.constructions.built import Spacing
from clearprop.constructions.modulus import Modulus
from clearprop.constructions.sampling import Domain, Sampler
from clearprop.constructions.strips import (
    Pieces,
    adaptive_knots,
    adaptive_strips,
    even_knots,
    even_strips,
    too_many,
)
from clearprop.errors import SpecificationError
from clearprop.specification import Dense, Network, Parameters, parameters_from_arrays

_HEIGHTS, _BLUR, _TAILS = 0.90, 0.05, 0.04  #: shares of epsilon, for towers
_LINES = 0.99  #: and for straight lines, whose bound a kink attains: rounding needs the rest


@dataclass(frozen=True, eq=False)
class Plan:
    """A network and the numbers of its proof."""

    theta: Parameters
    edges: tuple[Array, ...]
    heights: Array
    level: float
    bound: float
    steepness: tuple[float, ...] = ()
    blur: float = 0.0


def _spread(heights: Array) -> tuple[float, float]:
    """Middle of the heights, and the distance of the highest from the lowest."""
    low, high = float(heights.min()), float(heights.max())
    return low + (high - low) / 2, high - low


def line(
    f: Sampler, ends: tuple[float, float], epsilon: float, modulus: Modulus, spacing: Spacing, most: int
) -> Plan:
    """Towers side by side."""
    low, high = ends
    place = even_strips if spacing == "even" else adaptive_strips
    pieces = place(f, low, high, _HEIGHTS * epsilon, modulus, most // 2)
    level, spread = _spread(pieces.heights)
    count = len(pieces.heights)
    blur = min(modulus.inverse(_BLUR * epsilon, high - low), (high - low) / count / 10)
    _require_digits(blur, ends)
    tails = max((spread + pieces.bound) + (spread / 2 + pieces.bound), epsilon)
    steepness = _logit(_TAILS * epsilon / (2 * tails)) / blur
    q = 1 / (1 + math.exp(steepness * blur))
    bound = pieces.bound + modulus(blur) + 2 * q * tails
    return Plan(
        _tower_parameters(pieces, level, steepness, blur),
        (pieces.places,),
        pieces.heights,
        level,
        bound,
        (steepness,),
        blur,
    )


def _logit(share: float) -> float:
    """A number u with sigmoid(-u) at most the share; at least 4, so that a step is one."""
    return max(math.log((1 - share) / share), 4.0) if share < 1 else 4.0


def _require_digits(blur: float, ends: tuple[float, float]) -> None:
    """Raise SpecificationError where float64 cannot say on which side of an edge a number is."""
    if blur < 1e4 * np.finfo(np.float64).eps * max(map(abs, ends)):
        raise SpecificationError(
            f"edges would have to be placed to {blur:.2g}, which float64 cannot at {max(map(abs, ends)):g}; "
            "raise epsilon, or shift the domain nearer to 0"
        )


def _tower_parameters(pieces: Pieces, level: float, steepness: float, blur: float) -> Parameters:
    """Units 2i and 2i + 1 are the left and the right edge of tower i."""
    count = len(pieces.heights)
    edges = pieces.places.copy()
    edges[0], edges[-1] = edges[0] - blur, edges[-1] + blur
    biases = -steepness * np.stack([edges[:-1], edges[1:]], axis=1).ravel()
    heights = np.stack([pieces.heights - level, level - pieces.heights], axis=1).reshape(1, -1)
    network = Network(1, [Dense(2 * count, "sigmoid"), Dense(1)])  # type: ignore[arg-type]
    return parameters_from_arrays(network, [np.full((2 * count, 1), steepness), heights], [biases, [level]])


def hats(
    f: Sampler, ends: tuple[float, float], epsilon: float, modulus: Modulus, spacing: Spacing, most: int
) -> Plan:
    """Straight lines between knots."""
    place = even_knots if spacing == "even" else adaptive_knots
    pieces = place(f, *ends, _LINES * epsilon, modulus, most)
    knots, heights = pieces.places, pieces.heights
    slopes = np.diff(heights) / np.diff(knots)
    bends = np.diff(slopes, prepend=0.0)
    network = Network(1, [Dense(len(slopes), "relu"), Dense(1)])  # type: ignore[arg-type]
    theta = parameters_from_arrays(
        network, [np.ones((len(slopes), 1)), bends[None]], [-knots[:-1], [heights[0]]]
    )
    return Plan(theta, (knots,), heights, float(heights[0]), pieces.bound)


def cells(f: Sampler, box: Domain, epsilon: float, modulus: Modulus, most: int) -> Plan:
    """Towers over the cells of a grid."""
    n = len(box)
    longest = math.hypot(*(high - low for low, high in box))
    width = 2 * modulus.inverse(_HEIGHTS * epsilon, longest / 2) / math.sqrt(n)
    counts = [max(math.ceil((high - low) / width * (1 - 1e-12)), 1) for low, high in box]
    units = math.prod(counts) + sum(count + 1 for count in counts)
    if units > most:
        raise too_many(units, most, modulus, "hidden units")
    edges = tuple(np.linspace(low, high, count + 1) for (low, high), count in zip(box, counts, strict=True))
    middles = np.meshgrid(*((each[:-1] + each[1:]) / 2 for each in edges), indexing="ij")
    heights = f(np.stack(middles, axis=-1).reshape(-1, n)).reshape(counts)
    widths = [float(each[1] - each[0]) for each in edges]
    blur = min(modulus.inverse(_BLUR * epsilon, longest), min(widths) / 100)
    for ends in box:
        _require_digits(blur, ends)
    level, spread = _spread(heights)
    own = modulus(math.hypot(*widths) / 2)
    far = spread / 2 + own
    threshold = 2.2 * _logit(_TAILS / 2 * epsilon / max(far + heights.size * spread / 2, epsilon))
    # S p / 2 (R + E + w(r)) is to be half of what the tails may cost, as u (R + M R') is
    p = _TAILS * epsilon / (threshold * max(far + own + modulus(blur), epsilon))
    steepness = _logit(min(p / (2 * n - 1), 0.01 / n)) / blur
    q = 1 / (1 + math.exp(steepness * blur))
    u = 1 / (1 + math.exp(threshold * (0.5 - 2 * n * q)))
    pair = threshold * (2 * n - 1) * q / 2  # S p / 2
    bound = (1 + pair) * (own + modulus(blur)) + (pair + u) * far + heights.size * u * spread / 2
    theta = _cell_parameters(edges, heights, level, steepness, threshold, blur)
    return Plan(theta, edges, heights, level, bound, (steepness, threshold), blur)


def _cell_parameters(
    edges: tuple[Array, ...], heights: Array, level: float, steepness: float, threshold: float, blur: float
) -> Parameters:
    """Layer 1 has each edge of each input once; a tower in layer 2 takes 2n of them, n with a minus."""
    n = len(edges)
    units = sum(map(len, edges))
    weights, biases = np.zeros((units, n)), np.zeros(units)
    sums = np.zeros((heights.size, units))
    cells = np.stack(np.unravel_index(np.arange(heights.size), heights.shape), axis=1)
    first = 0
    for d, each in enumerate(edges):
        moved = each.copy()
        moved[0], moved[-1] = moved[0] - blur, moved[-1] + blur
        own = slice(first, first + len(each))
        weights[own, d], biases[own] = steepness, -steepness * moved
        rows = np.arange(heights.size)
        sums[rows, first + cells[:, d]] = threshold
        sums[rows, first + cells[:, d] + 1] = -threshold
        first += len(each)
    network = Network(n, [Dense(units, "sigmoid"), Dense(heights.size, "sigmoid"), Dense(1)])  # type: ignore[arg-type]
    return parameters_from_arrays(
        network,
        [weights, sums, (heights.ravel() - level)[None]],
        [biases, np.full(heights.size, -threshold * (n - 0.5)), [level]],
    )
