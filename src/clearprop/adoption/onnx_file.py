"""An ONNX file, opened and found whole: its one table of inputs, the output to follow, its constants.

A constant is whatever depends on no input: initializers, Constant nodes, and what a few harmless operations
make of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, checker, helper, inliner, numpy_helper
from onnx.reference import ReferenceEvaluator

from clearprop.arrays import Array
from clearprop.errors import SpecificationError

_FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE)
_NUMBERS = (*_FLOATS, TensorProto.INT64, TensorProto.INT32)
_HALVES = (TensorProto.FLOAT16, TensorProto.BFLOAT16)
#: operations that are carried out on constants
_FOLDED = frozenset(
    (
        "Identity",
        "Cast",
        "Transpose",
        "Reshape",
        "Squeeze",
        "Unsqueeze",
        "Flatten",
        "Neg",
        "Sqrt",
        "Reciprocal",
        "Add",
        "Sub",
        "Mul",
        "Div",
    )
)


@dataclass(frozen=True)
class Graph:
    """What is left of a file once it is known to be whole."""

    nodes: tuple[onnx.NodeProto, ...]  #: those that the output depends on and no constant, in order
    constants: Mapping[str, Array]
    input: str
    inputs: int | None  #: columns, if the file says so
    output: str
    classes: tuple[Any, ...]


def wrong(text: str) -> SpecificationError:
    """The error of this folder, to be raised."""
    return SpecificationError(f"adopt: {text}")


def type_name(number: int) -> str:
    """Name of a tensor's type, such as "INT64"; a damaged file may have one that there is not."""
    names = {value: name for name, value in TensorProto.DataType.items()}
    return str(names.get(number, f"type {number}"))


def open_graph(source: Any) -> Graph:
    """Graph of a path, bytes or a ModelProto.

    Raises
    ------
    SpecificationError
        When it is not there, damaged, or has other than one table of inputs and one of numbers to give.
    """
    model = _whole(_load(source))
    graph = model.graph
    if graph.sparse_initializer:
        raise wrong(
            f"the tensor {graph.sparse_initializer[0].values.name!r} is sparse; export the network with "
            "dense weights"
        )
    constants = {tensor.name: _array(tensor) for tensor in graph.initializer}
    nodes = _after_folding(graph.node, constants)
    name, inputs = _input(graph, constants)
    output = _output(graph, nodes, constants)
    return Graph(_needed(nodes, output), constants, name, inputs, output, _classes(graph, constants))


def _load(source: Any) -> onnx.ModelProto:
    if isinstance(source, onnx.ModelProto):
        return source
    try:
        if isinstance(source, str | os.PathLike):
            shown, data = str(source), Path(source).read_bytes()
        else:
            shown, data = "these bytes", bytes(source)
    except OSError as error:
        raise wrong(f"{source}: cannot be read ({error.strerror or error}); check the path") from None
    try:
        return onnx.ModelProto.FromString(data)
    except DecodeError:
        raise wrong(f"{shown}: not an ONNX model, or a damaged one; take it from its source again") from None


def _whole(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, checked and with its local functions written out."""
    for tensor in model.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            raise wrong(
                f"the tensor {tensor.name!r} lies in another file; write all into one: "
                "onnx.save(onnx.load('m.onnx'), 'whole.onnx', save_as_external_data=False)"
            )
    try:
        checker.check_model(model)
        return inliner.inline_local_functions(model) if model.functions else model
    except (checker.ValidationError, ValueError, RuntimeError) as error:
        said = " ".join(str(error).split())[:300]
        raise wrong(f"the ONNX model is not valid ({said}); export it again") from None


def _array(tensor: onnx.TensorProto) -> Array:
    if tensor.data_type == TensorProto.STRING:
        return np.array([text.decode("utf-8", "replace") for text in tensor.string_data], dtype=object)
    try:
        array: Array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        raise wrong(f"the tensor {tensor.name!r} is damaged ({error}); export the file again") from None
    return array.astype(np.float32) if tensor.data_type in _HALVES else array


def _after_folding(given: Any, constants: dict[str, Array]) -> list[onnx.NodeProto]:
    """Nodes that depend on an input; the values of the others join the constants."""
    nodes = []
    for node in given:
        if node.op_type == "Constant" and node.domain in ("", "ai.onnx"):
            constants[node.output[0]] = _constant(node)
        elif node.op_type in _FOLDED and all(name in constants for name in node.input):
            constants[node.output[0]] = _evaluated(node, [constants[name] for name in node.input])
        else:
            nodes.append(node)
    return nodes


def _constant(node: onnx.NodeProto) -> Array:
    (attribute,) = node.attribute
    value = helper.get_attribute_value(attribute)
    if attribute.name == "value":
        return _array(value)
    if attribute.name == "sparse_value":
        raise wrong(f"the constant {node.output[0]!r} is sparse; export the network with dense weights")
    return np.asarray(value, dtype=np.float32) if "float" in attribute.name else np.asarray(value)


def _evaluated(node: onnx.NodeProto, values: list[Array]) -> Array:
    try:
        found = ReferenceEvaluator(node).run(None, dict(zip(node.input, values, strict=True)))[0]
    except (ValueError, TypeError, IndexError, RuntimeError) as error:
        raise wrong(f"the constant {node.output[0]!r} cannot be computed ({error}); export again") from None
    return np.asarray(found)


def _input(graph: onnx.GraphProto, constants: Mapping[str, Array]) -> tuple[str, int | None]:
    """Name of the input and its columns."""
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        shown = ", ".join(repr(value.name) for value in inputs) or "none"
        raise wrong(
            f"the ONNX model has {len(inputs)} inputs ({shown}), and a Model takes one table; export it "
            "with one input of shape (m, n), for skl2onnx FloatTensorType([None, n])"
        )
    (value,) = inputs
    tensor = value.type.tensor_type
    if tensor.elem_type not in _NUMBERS:
        raise wrong(
            f"the input {value.name!r} holds {type_name(tensor.elem_type)}, not numbers of 32 or 64 bits; "
            "export it with those"
        )
    dims = tensor.shape.dim
    if tensor.HasField("shape") and len(dims) != 2:
        raise wrong(
            f"the input {value.name!r} has {len(dims)} axes, and a Model takes two, examples and columns; "
            "export the part behind the flattening"
        )
    return value.name, dims[1].dim_value or None if dims else None


def _output(graph: onnx.GraphProto, nodes: list[onnx.NodeProto], constants: Mapping[str, Array]) -> str:
    """The output that is a table of numbers; a ZipMap of probabilities stands for its table."""
    maps = {node.output[0]: node.input[0] for node in nodes if node.op_type == "ZipMap"}
    found = [
        maps.get(value.name, value.name)
        for value in graph.output
        if value.name in maps or value.type.tensor_type.elem_type in _FLOATS
    ]
    if len(found) != 1:
        shown = ", ".join(repr(value.name) for value in graph.output)
        raise wrong(
            f"the ONNX model gives {shown}, of which {len(found)} are tables of numbers, and a Model gives "
            "one; export it with its probabilities or predictions alone"
        )
    if found[0] in constants or found[0] in {value.name for value in graph.input}:
        raise wrong(f"the output {found[0]!r} is no function of the inputs; export the network itself")
    return found[0]


def _needed(nodes: list[onnx.NodeProto], output: str) -> tuple[onnx.NodeProto, ...]:
    """Nodes on which the output depends, in order."""
    wanted, kept = {output}, []
    for node in reversed(nodes):
        if wanted & set(node.output):
            kept.append(node)
            wanted |= set(node.input)
    return tuple(reversed(kept))


def _classes(graph: onnx.GraphProto, constants: Mapping[str, Array]) -> tuple[Any, ...]:
    """Labels that skl2onnx leaves in a file, in the order of the outputs."""
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type in ("ZipMap", "LinearClassifier") and attribute.name.startswith("classlabels"):
                labels = helper.get_attribute_value(attribute)
                return tuple(v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in labels)
        if node.op_type == "ArrayFeatureExtractor" and node.input[0] in constants:
            return tuple(constants[node.input[0]].ravel().tolist())
    return ()
