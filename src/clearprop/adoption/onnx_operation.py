"""An operation of an ONNX graph: its attributes, its operands, and the errors that name it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import onnx
from onnx import helper

from clearprop.adoption.onnx_file import Graph, wrong
from clearprop.adoption.onnx_flow import Flow
from clearprop.arrays import Array

Value: TypeAlias = "Flow | Array"


@dataclass(frozen=True)
class Operation:
    """A node among the values known so far."""

    node: onnx.NodeProto
    graph: Graph
    flows: Mapping[str, Flow]

    @property
    def kind(self) -> str:
        """Its type, such as "Gemm"."""
        return self.node.op_type

    @property
    def place(self) -> str:
        """What an error calls it."""
        name = f" {self.node.name!r}" if self.node.name else ""
        return f"the operation {self.kind}{name}, which gives {self.node.output[0]!r},"

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute, or the default."""
        for attribute in self.node.attribute:
            if attribute.name == name:
                return helper.get_attribute_value(attribute)
        return default

    def refuse(self, why: str) -> Exception:
        """The error that names it and says why."""
        return wrong(f"{self.place} {why}")

    def value(self, position: int) -> Value | None:
        """An operand: a flow, a constant, or None if it is left out."""
        name = self.node.input[position] if position < len(self.node.input) else ""
        if name == "":
            return None
        if name in self.flows:
            return self.flows[name]
        if name not in self.graph.constants:
            raise self.refuse(
                f"uses {name!r}, which is not an output that can be followed; export a plain network"
            )
        return self.graph.constants[name]

    def data(self) -> Flow:
        """The first operand, which depends on the inputs."""
        value = self.value(0)
        if not isinstance(value, Flow):
            raise self.refuse("has its constant first; export x @ W, not W @ x")
        return value

    def constant(self, position: int) -> Array | None:
        """An operand that must not depend on the inputs; None if it is left out."""
        value = self.value(position)
        if isinstance(value, Flow):
            raise self.refuse(
                f"computes its operand {position} from the inputs; only constants can be weights"
            )
        return value

    def needed(self, position: int) -> Array:
        """A constant operand that must be there."""
        value = self.constant(position)
        if value is None:
            raise self.refuse(f"lacks its operand {position}; export the file again")
        return value

    def columns(self, value: Array, width: int | None) -> Array:
        """A constant as one number for each column."""
        flat = value.reshape(-1)
        if value.size == 1 and width is not None:
            return np.full(width, flat[0])
        if value.shape[:-1] not in ((), (1,)) or (width is not None and value.size != width):
            raise self.refuse(
                f"has a constant of shape {value.shape}, which is not one number for each of the "
                f"{width or 'unknown number of'} columns; export it that way"
            )
        return flat

    def single(self, value: Any) -> float:
        """A constant that is one finite number."""
        array = np.asarray(value)
        if array.size != 1 or not np.isfinite(array).all():
            raise self.refuse(f"has a constant {array.tolist()!r:.60}, not one finite number; give it one")
        return float(array.item())
