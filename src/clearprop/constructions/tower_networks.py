"""`towers`: a continuous function as a network of steep sigmoids, or of ReLUs, with a proven error.

In one dimension a tower is the difference of two steep sigmoids, and the output adds the towers up. In n
dimensions 2n sigmoids are summed and thresholded by one more: a tower over a cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, get_args

import numpy as np

from clearprop.constructions.built import Kind, Spacing, measure, share_near_corners
from clearprop.constructions.modulus import modulus_of
from clearprop.constructions.picture import Towers
from clearprop.constructions.plans import cells, hats, line
from clearprop.constructions.sampling import RealFunction, domain_of, sampler, told
from clearprop.engines import EngineName
from clearprop.errors import DataError, SpecificationError
from clearprop.model import Model

MOST_UNITS = 4000


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
    between two whose towers add up to 1 within S p / 2, p = (2n - 1) q; every other tower is at most
    u = sigmoid(-S (1/2 - 2 n q)) there. With M cells and R' = (max c_i - min c_i) / 2

        |g - f| <= (1 + S p / 2) (E + w(r)) + (S p / 2 + u) R + M u R'

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
        plan = cells(sampled, box, epsilon, known, most_units)
    elif kind == "relu":
        plan = hats(sampled, box[0], epsilon, known, spacing, most_units)
    else:
        plan = line(sampled, box[0], epsilon, known, spacing, most_units)
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
