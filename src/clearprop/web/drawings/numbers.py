"""The numbers of a view: what stands in a layer's circles, on its lines and in its squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.errors import SpecificationError
from clearprop.glassbox.quantity import Quantity
from clearprop.glassbox.whole_pass import WholePass
from clearprop.specification import Network, Parameters

View: TypeAlias = Literal["weights", "activations", "gradients"]


@dataclass(frozen=True, eq=False)
class Layer:
    """Numbers of layer l, from 0 for the inputs.

    Attributes
    ----------
    rows : ndarray (n_l,)
        The row of W, b, z and delta of each unit: of maxout's pieces the one that is drawn.
    values : ndarray (n_l,) or None
        In the circles.
    W : ndarray (r_l, n_{l-1}) or None
        On the lines from the layer below.
    b : ndarray (r_l,) or None
        In the squares.
    derived : bool
        Whether these are derivatives of C.
    """

    l: int
    rows: IntArray
    values: Array | None = None
    W: Array | None = None
    b: Array | None = None
    derived: bool = False

    @property
    def units(self) -> int:
        """n_l."""
        return len(self.rows)

    def quantity(self, j: int) -> Quantity:
        """Name of the number in the circle of unit j."""
        if self.l == 0:
            return Quantity("x", None, (j,))
        if self.derived:
            return Quantity("delta", self.l, (int(self.rows[j]),))
        return Quantity("a", self.l, (j,))

    @property
    def prefix(self) -> str:
        """Before the name of a weight, a bias or an input, if the number is C's derivative by it."""
        return "dC/d" if self.derived else ""


def numbers_of(
    network: Network,
    theta: Parameters,
    view: View,
    seen: WholePass | None,
    example: int,
    gradient: Parameters | None,
) -> list[Layer]:
    """The inputs and each layer, for `network_drawing`."""
    if seen is not None and not 0 <= example < len(seen):
        raise SpecificationError(f"the pass has examples 0 to {len(seen) - 1}, and not {example}")
    match view:
        case "weights":
            source = theta
        case "activations":
            if seen is None:
                raise SpecificationError("the view 'activations' wants a pass: seen=trace(network, theta, X)")
            source = theta
        case "gradients":
            found = gradient if gradient is not None or seen is None else seen.gradient
            if found is None:
                raise SpecificationError(
                    "the view 'gradients' wants seen=trace(network, theta, X, Y), or gradient="
                )
            source = found
        case _:
            raise SpecificationError(f"view is 'weights', 'activations' or 'gradients', not {view!r}")
    derived = view == "gradients"
    layers = [Layer(0, np.arange(network.inputs), _inputs(view, seen, example), derived=derived)]
    for l in range(1, network.depth + 1):
        rows = _rows(network, l, seen, example)
        values = None
        if seen is not None and view == "activations":
            values = seen.a[l][example]
        elif seen is not None and seen.delta and derived:
            values = seen.delta[l][example][rows]
        layers.append(Layer(l, rows, values, source.W[l], source.b[l], derived))
    return layers


def _inputs(view: View, seen: WholePass | None, example: int) -> Array | None:
    """x, or dC/dx = delta[1] W[1] as far as dropout lets it through."""
    if seen is None or view == "weights":
        return None
    if view == "activations":
        return np.asarray(seen.X[example])
    if not seen.delta:
        return None
    with np.errstate(all="ignore"):
        passed = seen.delta[1][example] @ seen.theta.W[1]
    if seen.masks is not None and 0 in seen.masks:
        passed = np.where(seen.masks[0][example], passed / (1 - seen.network.input_dropout), 0.0)
    return np.asarray(passed)


def _rows(network: Network, l: int, seen: WholePass | None, example: int) -> IntArray:
    """Row of W[l] of each unit: maxout takes its largest z, and without an example the first piece stands."""
    layer = network.layers[l - 1]
    first = np.arange(layer.units, dtype=np.int64) * layer.activation.pieces
    if seen is None or layer.activation.pieces == 1:
        return first
    return np.asarray(first + seen.z[l][example].reshape(layer.units, -1).argmax(axis=1))
