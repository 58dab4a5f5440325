"""`loss_along`: the loss along one parameter, and where on the way units cross kinks or saturate.

All other parameters stay as they are. Kinks are found between neighbouring points of the curve by the sign of
what is 0 on them, and then to rounding; two kinks of one unit between two points hide each other.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array
from clearprop.engines.examples import Examples, check_examples
from clearprop.engines.textbook import (
    ForwardPass,
    backward_pass,
    example_losses,
    forward_pass,
    penalize,
    penalty,
)
from clearprop.errors import SpecificationError
from clearprop.formulas import language
from clearprop.formulas.activations import Activation
from clearprop.glassbox.along import Along, Crossing, Stretch
from clearprop.glassbox.quantity import Quantity, read_name
from clearprop.glassbox.render.curve import as_curve
from clearprop.glassbox.slopes import slope_share
from clearprop.specification import Network, Parameters

POINTS = 201
SPAN = 2.0
SATURATED = 0.01  #: share of its largest slope below which a unit counts as saturated


class LossAlong(Along):
    """The loss C as a function of one parameter, the others fixed; see `Along` for what it holds."""

    def svg(self) -> str:
        """Picture of the curve, its tangent, kinks and saturated stretches; for light and dark pages."""
        return as_curve(self)

    def _repr_html_(self) -> str:
        return self.svg()


def loss_along(
    network: Network,
    theta: Parameters,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    name: str,
    *,
    span: float | tuple[float, float] = SPAN,
    points: int = POINTS,
    sample_weight: npt.ArrayLike | None = None,
) -> LossAlong:
    """The loss as a function of one parameter, its slope, and the kinks and saturations on the way.

    Parameters
    ----------
    X : array (m, n_0)
    Y : array (m, n_L), or (m,) class indices (one column of numbers for losses of numbers)
    name : str
        "W[l][j,i]" or "b[l][j]"; layers from 1, units from 0.
    span : float or (low, high)
        How far to go to both sides of the parameter's value, or from where to where.
    points : int
        Points of the curve, at least 2.
    sample_weight : array (m,), optional

    Raises
    ------
    SpecificationError, DataError
        When there is no such parameter, or X and Y do not fit the network.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(1, [Dense(1, "relu", bias=False)], loss="half_squared_error")
    >>> along = loss_along(net, Parameters(net, np.array([0.5])), [[2.0]], [3.0], "W[1][0,0]", span=1.0)
    >>> along.loss, along.slope, [str(each) for each in along.crossings]
    (2.0, -4.0, ['y_hat[0] at 0 (example 0)'])
    >>> print(along.stretches[0])
    y_hat[0] is off from -0.5 to 0

    Notes
    -----
    The slopes are BP1 to BP4 of the notes 001 and 004, in float64; on a kink the slope is
    what the formula says (002).
    """
    if theta.network.widths != network.widths or theta.flat.size != network.n_parameters:
        raise SpecificationError(f"theta belongs to {theta.network!r}, not to {network!r}")
    network.require_trainable()
    examples = check_examples(network, X, Y, np.float64, sample_weight)
    way = _Way(network, theta.astype(np.float64), examples, _place(network, name))
    values = _values(way.at, span, points)
    losses, slopes = np.empty(points), np.empty(points)
    found: list[Crossing] = []
    quiet = []
    before: tuple[float, Array] | None = None
    for k, value in enumerate(values.tolist()):
        seen = way.forward(value)
        losses[k], slopes[k] = way.judged(value, seen)
        sides = way.sides(seen)
        if before is not None:
            found.extend(way.crossings(before, (value, sides)))
        before = value, sides
        quiet.append(way.quiet(seen))
    found.extend(way.penalty_kinks(values))
    loss, slope = way.judged(way.at, way.forward(way.at))
    return LossAlong(
        name=way.name,
        at=way.at,
        loss=loss,
        slope=slope,
        values=values,
        losses=losses,
        slopes=slopes,
        crossings=tuple(sorted(found, key=lambda each: each.value)),
        stretches=tuple(_stretches(way.units, values, np.array(quiet))),
    )


def _place(network: Network, name: str) -> Quantity:
    """Quantity of a parameter's name, as its derivative."""
    q = read_name(name)
    if q.kind not in ("dW", "db"):
        raise SpecificationError(f"{name!r} is no parameter; the loss goes along W[l][j,i] or b[l][j]")
    l = q.layer or 0
    if not 1 <= l <= network.depth:
        raise SpecificationError(f"{name!r}: there are layers 1 to {network.depth}")
    layer = network.layers[l - 1]
    if q.kind == "db" and not layer.bias:
        raise SpecificationError(f"{name!r}: layer {l} has no bias")
    for unit, size in zip(q.units, (layer.rows, network.widths[l - 1]), strict=False):
        if unit >= size:
            raise SpecificationError(f"{name!r}: index {unit} is beyond the last, {size - 1}")
    return q


def _values(at: float, span: float | tuple[float, float], points: int) -> Array:
    if isinstance(points, bool) or not isinstance(points, int) or points < 2:
        raise SpecificationError(f"points is a whole number from 2, not {points!r}")
    try:
        low, high = span if isinstance(span, tuple) else (at - span, at + span)
        ordered = -math.inf < low < high < math.inf
    except (TypeError, ValueError):
        ordered = False
    if not ordered:
        raise SpecificationError(f"span is a number above 0 or (low, high) in that order, not {span!r}")
    return np.linspace(low, high, points)


class _Way:
    """Passes of the network with one parameter at other values."""

    def __init__(self, network: Network, theta: Parameters, examples: Examples, place: Quantity) -> None:
        self.network, self.examples, self.scale = network, examples, examples.scale()
        self.theta, self.place = theta.copy(), place
        kind = "W" if place.kind == "dW" else "b"
        self.name = Quantity("W" if kind == "W" else "b", place.layer, place.units).text
        segment = next(s for s in network.segments if (s.kind, s.layer) == (kind, place.layer))
        self.segment = segment
        self.index = segment.offset + int(np.ravel_multi_index(place.units, segment.shape))
        self.at = float(theta.flat[self.index])
        self.units = [(name, switches) for name, switches, _ in self._slopes_of(self.forward(self.at))]

    def forward(self, value: float, row: int | None = None) -> ForwardPass:
        """Forward pass of all examples, or of one row, with the parameter at `value`."""
        self.theta.flat[self.index] = value
        X = self.examples.X if row is None else self.examples.X[row : row + 1]
        with np.errstate(over="ignore", under="ignore"):
            return forward_pass(self.network, self.theta, X)

    def judged(self, value: float, seen: ForwardPass) -> tuple[float, float]:
        """C and its derivative by the parameter."""
        self.theta.flat[self.index] = value
        with np.errstate(over="ignore", under="ignore"):
            losses = example_losses(self.network, seen, self.examples.Y)
            _, plain = backward_pass(self.network, self.theta, seen, self.examples.Y, self.scale)
        gradient = penalize(self.network, self.theta.flat, plain.flat)
        loss = float(self.scale @ losses) + float(penalty(self.network, self.theta))
        return loss, float(gradient[self.index])

    def _side_functions(self, seen: ForwardPass, Y: Array) -> Iterator[tuple[str, Array]]:
        """Names and numbers (m,) that are 0 on a kink of a unit or of the loss."""
        L = self.network.depth
        for l, layer in enumerate(self.network.layers, start=1):
            row = layer.activation
            for j in range(layer.units):
                if isinstance(row, Activation):
                    for kink in row.kinks:
                        yield unit_name(L, l, j), seen.z[l][:, j] - kink
                elif row.name == "maxout":
                    pieces = seen.z[l][:, j * row.pieces : (j + 1) * row.pieces]
                    for p, q in itertools.combinations(range(row.pieces), 2):
                        yield unit_name(L, l, j), pieces[:, p] - pieces[:, q]
        loss = self.network.loss
        for text in loss.kinks:
            at = language.evaluate(text, {"a": seen.a[L], "y": Y, **loss.constants})
            for k in range(self.network.output.units):
                yield f"the loss of y_hat[{k}]", at[:, k]

    def sides(self, seen: ForwardPass) -> Array:
        """All side functions, (functions, m)."""
        found = [numbers for _, numbers in self._side_functions(seen, self.examples.Y)]
        return np.array(found).reshape(len(found), len(self.examples.X))

    def crossings(self, before: tuple[float, Array], after: tuple[float, Array]) -> Iterator[Crossing]:
        """Kinks between two neighbouring values, each found to rounding."""
        from scipy.optimize import brentq

        (low, left), (high, right) = before, after
        for function, example in np.argwhere((left > 0) != (right > 0)).tolist():

            def at(value: float, function: int = function, example: int = example) -> float:
                return float(self._one(value, example)[function][1])

            value = brentq(at, low, high, xtol=1e-14, rtol=8.9e-16)
            where, _ = self._one(value, example)[function]
            if self._counts(where, value, example, function):
                yield Crossing(where, float(value), example)

    def _one(self, value: float, example: int) -> list[tuple[str, float]]:
        """Side functions of one example."""
        seen, Y = self.forward(value, example), self.examples.Y[example : example + 1]
        return [(name, float(numbers[0])) for name, numbers in self._side_functions(seen, Y)]

    def _counts(self, where: str, value: float, example: int, function: int) -> bool:
        """Whether a kink of maxout is one of its largest pieces, not of two that lie below."""
        q = read_name(where) if where.startswith(("a", "y_hat")) else None
        if q is None:
            return True
        l, (k,) = q.layer or self.network.depth, q.units
        row = self.network.layers[l - 1].activation
        if isinstance(row, Activation) or row.pieces < 3:
            return True
        pieces = np.sort(self.forward(value, example).z[l][0, k * row.pieces : (k + 1) * row.pieces])
        return bool(pieces[-1] - pieces[-2] <= 1e-9 * max(1.0, float(np.abs(pieces).max())))

    def penalty_kinks(self, values: Array) -> Iterator[Crossing]:
        """Where the weight itself is 0 under an L1 penalty."""
        if self.segment.l1 and values[0] <= 0 <= values[-1]:
            yield Crossing(f"{self.name} itself (L1)", 0.0, None)

    def _slopes_of(self, seen: ForwardPass) -> Iterator[tuple[str, bool, Array]]:
        """Unit, whether it can switch off at a kink, and its slopes (m,) as shares of the largest."""
        L = self.network.depth
        for l, layer in enumerate(self.network.layers, start=1):
            row, z, a = layer.activation, seen.z[l], seen.a[l]
            switches = isinstance(row, Activation) and bool(row.kinks)
            if isinstance(row, Activation):
                shares = slope_share(row, z, a)
            elif row.name == "softmax":
                shares = 4 * a * (1 - a)
            else:
                continue
            for j in range(layer.units):
                yield unit_name(L, l, j), switches, shares[:, j]

    def quiet(self, seen: ForwardPass) -> list[float]:
        """For each unit the largest share of its slope over the examples."""
        return [float(shares.max()) for _, _, shares in self._slopes_of(seen)]


def unit_name(depth: int, l: int, j: int) -> str:
    """a[l][j], which at the output is y_hat[j]."""
    return f"y_hat[{j}]" if l == depth else f"a[{l}][{j}]"


def _stretches(units: list[tuple[str, bool]], values: Array, shares: Array) -> Iterator[Stretch]:
    """Runs of values at which a unit's share (points, units) is small; exactly 0 beyond a kink is off."""
    for j, (unit, switches) in enumerate(units):
        off = (shares[:, j] == 0) & switches
        for word, inside in (("off", off), ("saturated", (shares[:, j] < SATURATED) & ~off)):
            padded = np.concatenate(([False], inside, [False]))
            ends = np.flatnonzero(padded[1:] != padded[:-1])
            for start, stop in zip(ends[::2], ends[1::2], strict=True):
                yield Stretch(unit, word, float(values[start]), float(values[stop - 1]))
