"""A scene as a formula sees it: vectors as columns, as the notes write, or a batch with an example a row."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import FormulaError
from clearprop.glassbox.checker.scene import Scene

Convention: TypeAlias = Literal["columns", "rows"]
#: how many layers there are of each number, counted from 0 or 1
_FIRST = {"a": 0, "da": 0}


@dataclass(frozen=True)
class View:
    """The numbers of a scene in one convention; `l` is the layer that the letter l stands for.

    In columns, vectors are (n, m) and biases (n, 1); in rows, vectors are (m, n) and biases (n,).
    """

    scene: Scene
    convention: Convention
    l: int | None = None
    known: dict[tuple[str, int | None], Array] = field(default_factory=dict)

    def index(self, node: ast.expr) -> int:
        """Whole number that an index such as 2, l+1 or L-1 stands for."""
        match node:
            case ast.Constant(value=int(value)):
                return value
            case ast.Name(id="L"):
                return self.scene.network.depth
            case ast.Name(id="l") if self.l is not None:
                return self.l
            case ast.BinOp(op=operator, left=left, right=right):
                sign = 1 if isinstance(operator, ast.Add) else -1
                return self.index(left) + sign * self.index(right)
        raise FormulaError(
            f"{ast.unparse(node)!r} is no layer here; layers are numbers, L, or l where the letter l "
            "stands in what is asked, as in delta[l]"
        )

    def number(self, name: str, layer: int | None) -> Array:
        """Array of a number by its name, such as ("W", 2) or ("y_hat", None)."""
        if (name, layer) not in self.known:
            self.known[name, layer] = self._number(name, layer)
        return self.known[name, layer]

    def _number(self, name: str, layer: int | None) -> Array:
        seen, L = self.scene.seen, self.scene.network.depth
        if layer is not None and not _FIRST.get(name, 1) <= layer <= L:
            raise FormulaError(
                f"there is no {name}[{layer}]; the network has layers {_FIRST.get(name, 1)} to {L} of {name}"
            )
        same = {
            "x": ("a", 0),
            "y_hat": ("a", L),
            "dx": ("da", 0),
            "dy_hat": ("da", L),
            "dz": ("delta", layer),
        }
        if name in same:
            return self.number(*same[name])
        if name in ("W", "dW"):
            return (seen.theta.W if name == "W" else seen.dW)[layer or 0]
        if name in ("b", "db"):
            bias = (seen.theta.b if name == "b" else seen.db)[layer or 0]
            if bias is None:
                raise FormulaError(f"layer {layer} has no bias, and so no {name}[{layer}]")
            return bias[:, None] if self.convention == "columns" else bias
        if name == "y":
            return self._turned(self.scene.Y)
        if (name, layer) == ("a", 0):
            return self._turned(seen.X)
        kept = {"z": seen.z, "a": seen.a, "delta": seen.delta, "da": self.scene.da}[name]
        return self._turned(kept[layer or 0])

    def scalar(self, name: str) -> Array | None:
        """A single number by name: m, eta, l1, l2, pi, e, L, l; None where the name is another."""
        network = self.scene.network
        values = {
            "m": self.scene.m,
            "eta": self.scene.eta,
            "l1": network.l1,
            "l2": network.l2,
            "pi": np.pi,
            "e": np.e,
            "L": network.depth,
            "l": self.l,
        }
        value = values.get(name)
        return None if value is None else np.asarray(float(value))

    def _turned(self, array: Array) -> Array:
        return array.T if self.convention == "columns" else array

    @property
    def examples_axis(self) -> int:
        """Axis of a vector that runs over the examples."""
        return 1 if self.convention == "columns" else 0

    def takes_one_index(self, name: str) -> bool:
        """Whether an element of a number has one index: a unit alone, without an example."""
        return name in ("b", "db") or (name not in ("W", "dW") and self.scene.m == 1)
