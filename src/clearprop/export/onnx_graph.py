"""An ONNX graph in the making: nodes, constants, and names that are never given twice.

The names `z[1]`, `W[1]` are those of the notes. A name that is taken, be it by a column of the user's, gets a
number behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import SpecificationError

OPSET, ML_OPSET, IR_VERSION = 15, 2, 8  #: what ONNX Runtime reads since 1.10
ML = "ai.onnx.ml"


def require_onnx() -> None:
    """Raise SpecificationError, with the remedy, where the package onnx is missing."""
    try:
        import onnx  # noqa: F401 - asked for here, so that its absence is said here
    except ModuleNotFoundError:
        raise SpecificationError(
            "export: writing ONNX needs the package onnx; install it with pip install 'clearprop[onnx]'"
        ) from None


@dataclass(frozen=True)
class Node:
    """One operation."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    domain: str
    attributes: dict[str, Any]


class Graph:
    """Nodes and constants, in order.

    Parameters
    ----------
    taken : iterable of str
        Names that are not to be given.
    unique : callable, optional
        From a wanted name to a free one, where somebody else keeps the names.
    """

    def __init__(self, taken: Iterable[str] = (), unique: Callable[[str], str] | None = None) -> None:
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self._taken = set(taken)
        self._names: dict[tuple[Any, ...], str] = {}
        self._unique = self._numbered if unique is None else unique

    def node(self, kind: str, *inputs: str, name: str = "", domain: str = "", **attributes: Any) -> str:
        """Add an operation; name of its one output."""
        output = self._unique(name or kind.lower())
        self.nodes.append(Node(kind, inputs, output, domain, attributes))
        return output

    def constant(self, value: Any, dtype: Any = None, name: str = "constant") -> str:
        """Name of a constant; equal unnamed ones are one. Texts are an object array."""
        array = np.asarray(value, dtype=dtype)
        content = tuple(array.ravel().tolist()) if array.dtype.kind == "O" else array.tobytes()
        key = (name, array.dtype.str, array.shape, content)
        if key not in self._names:
            self._names[key] = self._unique(name)
            self.constants[self._names[key]] = array
        return self._names[key]

    def cast(self, tensor: str, dtype: Any) -> str:
        """The tensor in another dtype."""
        return self.node("Cast", tensor, to=element_type(dtype))

    def give(self, tensor: str, output: str) -> None:
        """Call a tensor by the name of an output, which is free."""
        self.nodes.append(Node("Identity", (tensor,), output, "", {}))

    def used_constants(self) -> dict[str, Array]:
        """The constants that a node takes; Relu, for one, took none of the 0 that was read before it."""
        taken = {name for node in self.nodes for name in node.inputs}
        return {name: array for name, array in self.constants.items() if name in taken}

    def _numbered(self, wanted: str) -> str:
        name, count = wanted, 1
        while name in self._taken:
            count += 1
            name = f"{wanted}.{count}"
        self._taken.add(name)
        return name


def element_type(dtype: Any) -> int:
    """ONNX's number of a dtype; object stands for text."""
    from onnx import TensorProto, helper

    kind = np.dtype(dtype)
    return int(TensorProto.STRING if kind.kind == "O" else helper.np_dtype_to_tensor_dtype(kind))
