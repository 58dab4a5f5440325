"""`towers`: a continuous function as a network of steep sigmoids, or of ReLUs, with a proven error.

In one dimension a tower is the difference of two steep sigmoids, and the output adds the towers up. In n
dimensions 2n sigmoids are summed and thresholded by one more: a tower over a cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from clearprop.arrays import Array
from clearprop.constructions.built import Kind, Spacing, measure, share_near_corners
from clearprop.constructions.modulus import Modulus, modulus_of
from clearprop.constructions.picture import Towers
from clearprop.constructions.sampling import (
    Domain,
    RealFunction,
    Sampler,
    domain_of,
    sampler,
    told,
)
from clearprop.constructions.strips import (
    Pieces,
    adaptive_knots,
    adaptive_strips,
    even_knots,
    even_strips,
    too_many,
)
from clearprop.engines import EngineName
from clearprop.errors import DataError, SpecificationError
from clearprop.model import Model
from clearprop.specification import Dense, Network, Parameters, parameters_from_arrays

MOST_UNITS = 4000
_HEIGHTS, _BLUR, _TAILS = 0.90, 0.05, 0.04  #: shares of epsilon, for towers
_LINES = 0.99  #: and for straight lines, whose bound a kink attains: rounding needs the rest


def towers(
    f: RealFunction,
    domain: Sequence[Any],
    epsilon: float,
    *,
    lipschitz: float | None = None,
    modulus: Callable[[float], float] | None = None,
    kind: Kind = "sigmoid",
    spacing: Spacing = "even",
    most_units: int = MOST_UNITS,
    engine: EngineName = "compiled",
) -> Towers:
    """Write down a network whose output is within epsilon of a continuous function on a box.

    Parameters
    ----------
    f : callable or str
        Function of one number, or of as many as the domain has intervals (arrays of them where it takes
        these); or a formula in x, in x and y, in x, y and z, or in x0, x1, ...
    domain : (low, high), or a list of such pairs
        One for each input, at most 6.
    epsilon : float
        Largest error.
    lipschitz : float, optional
        A number L with |f(x) - f(y)| <= L |x - y|.
    modulus : callable, optional
        A modulus of continuity instead: |f(x) - f(y)| <= modulus(|x - y|), which does not decrease. Without
        either it is estimated from samples; then the proof stands on the estimate.
    kind : {"sigmoid", "relu"}
        Towers of two sigmoids; or straight lines between knots, one ReLU each (one input only).
    spacing : {"even", "adaptive"}
        Towers of one width as in the note; or as wide as f allows (one input only), which takes fewer.
    most_units : int
        A network with more hidden units is refused.
    engine : {"compiled", "textbook"}
        Of the model.

    Returns
    -------
    Towers
        `.model` is the network, `.bound` and `.measured` its error.

    Raises
    ------
    FormulaError, SpecificationError
        When an argument is out of range, or too many units would be needed.
    DataError
        When f is not finite or not continuous, or changes faster than the modulus says.

    Examples
    --------
    >>> wave = towers("sin(3*x)", (0, 3), 0.1, lipschitz=3, engine="textbook")
    >>> print(wave)
    Towers on [0, 3]
      1 input -> 100 sigmoid -> 1 identity; 301 parameters
      50 towers, each 0.06 wide
      modulus of continuity: Lipschitz constant 3, as given
      steepness of an edge 4422; an edge is sharp beyond 0.00167
      error at most 0.099: proven, if that is right
      measured 0.08982 at x = (0), on 2,501 points: within epsilon = 0.1

    Notes
    -----
    Note 001: "a multilayer network of sigmoid neurons with a single hidden layer can be used to approximate
    any continuous function to any desired precision", by tower functions.

    *One dimension.* Tower i stands between the edges t_i and t_{i+1}: T_i(x) = sigmoid(s (x - t_i)) -
    sigmoid(s (x - t_{i+1})), which is above 0. The network is g = c + sum_i (c_i - c) T_i, with c the middle
    of the heights c_i; the outermost edges are moved out of the domain by the blur r. Let E bound
    |c_i - f(x)| for x between the tower's own edges (see `strips`), let w be the modulus, and
    q = sigmoid(-s r). The towers that begin right of x + r add up to at most q, as do those that end left of
    x - r, for their sums telescope; all other towers have |c_i - f(x)| <= E + w(r); and all towers together
    miss 1 by at most 2 q. So

        |g - f| <= sum_i T_i |c_i - f| + (1 - sum_i T_i) |c - f| <= E + w(r) + 2 q (V + R)

    where V = (max c_i - min c_i) + E bounds |c_i - f|, and R = (max c_i - min c_i) / 2 + E bounds |c - f|.
    E is given 90% of epsilon, w(r) 5% and the last term 4%, which decides the number of towers, r and s.

    *ReLU.* f(t_0) + sum_i (m_i - m_{i-1}) relu(x - t_i) has slope m_i between the knots t_i and t_{i+1}, and
    is f at each; for its error see `strips`.

    *n dimensions.* Cells of even width; the tower of a cell is sigmoid(S (sum of its n one-dimensional towers
    - n + 1/2)). A point with at most one coordinate within r of a line between cells is in one cell, or
    between two whose towers add up to 1 within S x / 2, x = (2n - 1) q; every other tower is at most
    u = sigmoid(-S (1/2 - 2 n q)) there. With M cells and R' = (max c_i - min c_i) / 2

        |g - f| <= (1 + S x / 2) (E + w(r)) + (S x / 2 + u) R + M u R'

    Nothing is promised at the corners of cells, where two coordinates are within r of a line: there all
    towers can vanish, and g falls back to c. Their share of the volume is `excluded`; r is at most a
    hundredth of a cell, so that it is small.

    The bounds are for exact arithmetic; float64 adds its rounding, some 1e-12 of the function's size.
    """
    box = domain_of(domain)
    _require_sense(epsilon, kind, spacing, len(box), most_units)
    sampled = sampler(f, len(box))
    known = modulus_of(sampled, box, lipschitz, modulus)
    if len(box) > 1:
        plan = _cells(sampled, box, epsilon, known, most_units)
    elif kind == "relu":
        plan = _hats(sampled, box[0], epsilon, known, spacing, most_units)
    else:
        plan = _line(sampled, box[0], epsilon, known, spacing, most_units)
    measured = measure(plan.theta, sampled, plan.edges, plan.blur, epsilon, engine)
    if not measured.holds:
        raise DataError(
            f"the network misses f by {measured.error:.4g} at x = ({told(np.array(measured.at))}), more than "
            f"epsilon = {epsilon:g}: f changes faster there than its modulus of continuity says "
            f"({known.source}); give lipschitz= or modulus= as it is, or a larger one"
        )
    return Towers(
        model=Model(plan.theta.network, plan.theta, engine=engine),
        domain=box,
        epsilon=epsilon,
        kind=kind,
        spacing=spacing,
        edges=plan.edges,
        heights=plan.heights,
        level=plan.level,
        modulus=known,
        bound=plan.bound,
        steepness=plan.steepness,
        blur=plan.blur,
        excluded=share_near_corners(plan.edges, plan.blur) if len(box) > 1 else 0.0,
        f=sampled,
        measured=measured,
    )


def _require_sense(epsilon: float, kind: str, spacing: str, n: int, most_units: int) -> None:
    if (
        isinstance(epsilon, bool)
        or not isinstance(epsilon, int | float | np.number)
        or not 0 < epsilon < math.inf
    ):
        raise SpecificationError(f"epsilon is a number above 0, the largest error, not {epsilon!r}")
    for name, value, known in (("kind", kind, get_args(Kind)), ("spacing", spacing, get_args(Spacing))):
        if value not in known:
            raise SpecificationError(f"{name} is one of {', '.join(map(repr, known))}, not {value!r}")
    if n > 1 and (kind, spacing) != ("sigmoid", "even"):
        raise SpecificationError(
            f"kind={kind!r} with spacing={spacing!r} is built for one input, and the domain has {n}; "
            "leave both out there"
        )
    if isinstance(most_units, bool) or not isinstance(most_units, int) or most_units < 2:
        raise SpecificationError(f"most_units is a whole number from 2, not {most_units!r}")


@dataclass(frozen=True, eq=False)
class _Plan:
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


def _line(
    f: Sampler, ends: tuple[float, float], epsilon: float, modulus: Modulus, spacing: Spacing, most: int
) -> _Plan:
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
    return _Plan(
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


def _hats(
    f: Sampler, ends: tuple[float, float], epsilon: float, modulus: Modulus, spacing: Spacing, most: int
) -> _Plan:
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
    return _Plan(theta, (knots,), heights, float(heights[0]), pieces.bound)


def _cells(f: Sampler, box: Domain, epsilon: float, modulus: Modulus, most: int) -> _Plan:
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
    # S x / 2 (R + E + w(r)) is to be half of what the tails may cost, as u (R + M R') is
    x = _TAILS * epsilon / (threshold * max(far + own + modulus(blur), epsilon))
    steepness = _logit(min(x / (2 * n - 1), 0.01 / n)) / blur
    q = 1 / (1 + math.exp(steepness * blur))
    u = 1 / (1 + math.exp(threshold * (0.5 - 2 * n * q)))
    pair = threshold * (2 * n - 1) * q / 2
    bound = (1 + pair) * (own + modulus(blur)) + (pair + u) * far + heights.size * u * spread / 2
    theta = _cell_parameters(edges, heights, level, steepness, threshold, blur)
    return _Plan(theta, edges, heights, level, bound, (steepness, threshold), blur)


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
