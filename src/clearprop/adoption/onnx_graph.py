"""The walk over an ONNX graph: each operation as what it does to a `Flow`.

Three kinds of operations: with a row of constants they are affine maps; elementwise they are text; the rest
leaves values as they are. Anything else is refused by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clearprop.adoption import onnx_elementwise, onnx_layers
from clearprop.adoption.chain import model_of
from clearprop.adoption.onnx_file import open_graph
from clearprop.adoption.onnx_flow import Flow, Point
from clearprop.adoption.onnx_operation import Operation
from clearprop.errors import SpecificationError
from clearprop.formulas.losses import Loss
from clearprop.model import Model


def adopt_graph(source: Any, loss: str | Loss | None = None) -> Model:
    """Model of an ONNX file; see `clearprop.adopt`."""
    graph = open_graph(source)
    flows = {graph.input: Flow(Point(None, None, graph.inputs))}
    for node in graph.nodes:
        given = 1 if node.op_type == "LinearClassifier" else 0  # its first output is the label
        operation = Operation(node, graph, flows)
        try:
            flows[node.output[given]] = _given_by(operation)
        except SpecificationError:
            raise
        except (ValueError, TypeError, IndexError, ArithmeticError) as error:
            raise operation.refuse(f"cannot be read ({error}); export the file again") from error
    steps = [*flows[graph.output].reached().steps()][::-1]
    return model_of(steps, inputs=graph.inputs, loss=loss, classes=graph.classes)


def _given_by(operation: Operation) -> Flow:
    """The value an operation gives."""
    known = {"": _OPERATIONS, "ai.onnx": _OPERATIONS, "ai.onnx.ml": _LEARNING}.get(operation.node.domain, {})
    if operation.kind not in known:
        remedy = _REMEDIES.get(operation.kind, _REMEDY)
        raise operation.refuse(f"cannot be represented; {remedy}")
    return known[operation.kind](operation)


#: what to do about an operation of which no more can be said
_REMEDY = (
    "a Model is made of dense layers and elementwise activations, so adopt the part of the network that is"
)
_QUANTISED = "it is of a quantised network; adopt the float model it was made from"
_REMEDIES = {
    "LogSoftmax": "its outputs are logarithms; export the network with a Softmax",
    **dict.fromkeys(
        (
            "QuantizeLinear",
            "DequantizeLinear",
            "DynamicQuantizeLinear",
            "MatMulInteger",
            "QLinearMatMul",
            "QGemm",
        ),
        _QUANTISED,
    ),
}


_OPERATIONS: dict[str, Callable[[Operation], Flow]] = {
    "Gemm": onnx_layers.gemm,
    "MatMul": onnx_layers.matmul,
    "BatchNormalization": onnx_layers.norm,
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), onnx_elementwise.arithmetic),
    "Neg": lambda op: op.data().times(-1),
    "Pow": onnx_elementwise.power,
    "Concat": onnx_elementwise.concat,
    **dict.fromkeys(
        (*onnx_elementwise.NAMED, "LeakyRelu", "Elu", "Celu", "HardSigmoid", "Gelu", "PRelu", "Selu"),
        onnx_elementwise.row,
    ),
    "Clip": onnx_elementwise.clip,
    **dict.fromkeys(onnx_elementwise.FUNCTIONS, onnx_elementwise.function),
    "Softmax": onnx_layers.softmax,
    "Identity": onnx_layers.same,
    "Cast": onnx_layers.cast,
    "Dropout": onnx_layers.dropout,
    "Flatten": onnx_layers.flatten,
    "Reshape": onnx_layers.reshape,
}
_LEARNING: dict[str, Callable[[Operation], Flow]] = {
    "Scaler": onnx_layers.scaler,
    "LinearRegressor": onnx_layers.linear_regressor,
    "LinearClassifier": onnx_layers.linear_classifier,
    "Normalizer": onnx_layers.normalizer,
}
