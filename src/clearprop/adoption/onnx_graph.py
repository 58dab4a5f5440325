"""The walk over an ONNX graph: each operation as what it does to a `Flow`.

Three kinds of operations: with a row of constants they are affine maps; elementwise they are text; the rest
leaves values as they are. Anything else is refused by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import onnx
from onnx import TensorProto, helper

from clearprop.adoption import foreign_rows
from clearprop.adoption.chain import Affine, model_of, scale_of, shift_of
from clearprop.adoption.onnx_file import Graph, open_graph, wrong
from clearprop.adoption.onnx_flow import Flow, Point, number
from clearprop.arrays import Array
from clearprop.errors import SpecificationError
from clearprop.formulas.activations import Activation, activations
from clearprop.formulas.losses import Loss
from clearprop.model import Model

_Value: TypeAlias = "Flow | Array"


def adopt_graph(source: Any, loss: str | Loss | None = None) -> Model:
    """Model of an ONNX file; see `clearprop.adopt`."""
    graph = open_graph(source)
    flows = {graph.input: Flow(Point(None, None, graph.inputs))}
    for node in graph.nodes:
        given = 1 if node.op_type == "LinearClassifier" else 0  # its first output is the label
        operation = _Operation(node, graph, flows)
        try:
            flows[node.output[given]] = operation.flow()
        except SpecificationError:
            raise
        except (ValueError, TypeError, IndexError, ArithmeticError) as error:
            raise operation.refuse(f"cannot be read ({error}); export the file again") from error
    steps = [*flows[graph.output].reached().steps()][::-1]
    return model_of(steps, inputs=graph.inputs, loss=loss, classes=graph.classes)


@dataclass(frozen=True)
class _Operation:
    """A node among the values known so far."""

    node: onnx.NodeProto
    graph: Graph
    flows: Mapping[str, Flow]

    @property
    def kind(self) -> str:
        return self.node.op_type

    @property
    def place(self) -> str:
        """What an error calls it."""
        name = f" {self.node.name!r}" if self.node.name else ""
        return f"the operation {self.kind}{name}, which gives {self.node.output[0]!r},"

    def attribute(self, name: str, default: Any = None) -> Any:
        for attribute in self.node.attribute:
            if attribute.name == name:
                return helper.get_attribute_value(attribute)
        return default

    def refuse(self, why: str) -> Exception:
        return wrong(f"{self.place} {why}")

    def value(self, position: int) -> _Value | None:
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
        value = self.value(position)
        if isinstance(value, Flow):
            raise self.refuse(
                f"computes its operand {position} from the inputs; only constants can be weights"
            )
        return value

    def needed(self, position: int) -> Array:
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

    def flow(self) -> Flow:
        """The value it gives."""
        operations = _OPERATIONS if self.node.domain in ("", "ai.onnx") else _LEARNING
        operation = operations.get(self.kind) if self.node.domain in ("", "ai.onnx", "ai.onnx.ml") else None
        if operation is None:
            raise self.refuse(f"cannot be represented; {_REMEDIES.get(self.kind, _REMEDY)}")
        return operation(self)


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


# Affine maps ----------------------------------------------------------------------------------------------


def _weights(op: _Operation, flow: Flow, W: Array, b: Array | None) -> Flow:
    """x @ W + b with W (n, r)."""
    if W.ndim != 2:
        raise op.refuse(f"has weights of shape {W.shape}, and a layer's have two axes; export it that way")
    bias = None if b is None else op.columns(b, W.shape[1])
    return Flow(flow.reached().then(Affine(W.T, bias, layer=True, place=op.place.rstrip(","))))


def _matmul(op: _Operation) -> Flow:
    return _weights(op, op.data(), op.needed(1), None)


def _gemm(op: _Operation) -> Flow:
    if op.attribute("transA", 0):
        raise op.refuse("transposes the examples (transA=1); export it with transA=0")
    flow, W, b = op.data(), op.needed(1), op.constant(2)
    W = W.T if op.attribute("transB", 0) else W
    alpha, beta = op.attribute("alpha", 1.0), op.attribute("beta", 1.0)
    return _weights(
        op,
        flow,
        W if alpha == 1 else W * W.dtype.type(alpha),
        b if b is None or beta == 1 else b * b.dtype.type(beta),
    )


def _norm(op: _Operation) -> Flow:
    if op.attribute("training_mode", 0):
        raise op.refuse("normalises each batch by itself (training_mode=1); export it in eval mode")
    factor, shift, mean, variance = (op.needed(i) for i in range(1, 5))
    factor = factor / np.sqrt(variance.astype(np.float64) + op.attribute("epsilon", 1e-5))
    point = op.data().reached()
    rows = [op.columns(row, point.width) for row in (-mean, factor, shift)]
    for step in (shift_of(rows[0], op.place), scale_of(rows[1], op.place), shift_of(rows[2], op.place)):
        point = point.then(step)
    return Flow(point)


def _scaler(op: _Operation) -> Flow:
    point = op.data().reached()
    offset = op.columns(np.asarray(op.attribute("offset", [0.0]), np.float32), point.width)
    factor = op.columns(np.asarray(op.attribute("scale", [1.0]), np.float32), point.width)
    return Flow(point.then(shift_of(-offset, op.place)).then(scale_of(factor, op.place)))


def _linear(op: _Operation, name: str) -> Flow:
    """Weights in an attribute, one receiving unit after the other."""
    b = np.asarray(op.attribute("intercepts", [0.0] * int(op.attribute("targets", 1))), np.float32)
    W = np.asarray(op.attribute("coefficients"), np.float32).reshape(len(b), -1)
    return Flow(op.data().reached().then(Affine(W, b, layer=True, place=name)))


def _linear_regressor(op: _Operation) -> Flow:
    if op.attribute("post_transform", b"NONE") != b"NONE":
        raise op.refuse("transforms its predictions; export the network without post_transform")
    return _linear(op, "the LinearRegressor")


def _linear_classifier(op: _Operation) -> Flow:
    W = np.asarray(op.attribute("coefficients"), np.float32)
    b = np.asarray(op.attribute("intercepts", []), np.float32)
    after = op.attribute("post_transform", b"NONE")
    if after == b"SOFTMAX" and len(b) > 1:
        return _softmax_of(_linear(op, "the LinearClassifier"))
    W = W.reshape(max(len(b), 1), -1)
    if after == b"LOGISTIC" and len(b) == 2 and (W[0] == -W[1]).all() and b[0] == -b[1]:
        second = Affine(W[1:], b[1:], layer=True, place="the LinearClassifier")
        return Flow(op.data().reached().then(second)).under(_elementwise("sigmoid"), op.kind)
    raise op.refuse(
        f"gives {after.decode()} of {len(b)} outputs, which no layer computes; export the LogisticRegression "
        "of two classes, or the multinomial one"
    )


# Arithmetic -----------------------------------------------------------------------------------------------


def _arithmetic(op: _Operation) -> Flow:
    """Add, Sub, Mul, Div of a value and a constant, or of two values of one place."""
    left, right = op.value(0), op.value(1)
    if isinstance(left, Flow) and isinstance(right, Flow):
        return _between(op, left, right)
    flow, constant = (left, right) if isinstance(left, Flow) else (right, left)
    if not isinstance(flow, Flow) or constant is None or isinstance(constant, Flow):
        raise op.refuse("lacks an operand; export the file again")
    if op.kind == "Div" and flow is right:
        return flow.rewritten(f"{number(op.single(constant))} / ({flow.whole_text()})", op.kind)
    if constant.size == 1 and constant.ndim <= 2:
        return _with_number(op, flow, op.single(constant), reversed_=flow is right)
    point = flow.reached()
    row = op.columns(constant, point.width)
    if op.kind == "Mul":
        return Flow(point.then(scale_of(row, op.place)))
    if op.kind == "Div":
        return Flow(point.then(scale_of(1 / row.astype(np.float64), op.place)))
    if op.kind == "Add":
        return Flow(point.then(shift_of(row, op.place)))
    if flow is left:
        return Flow(point.then(shift_of(-row, op.place)))
    return Flow(point.then(scale_of(-np.ones_like(row), op.place)).then(shift_of(row, op.place)))


def _with_number(op: _Operation, flow: Flow, constant: float, *, reversed_: bool) -> Flow:
    if op.kind == "Mul":
        return flow.times(constant)
    if op.kind == "Div":
        return flow.times(1 / constant)
    if op.kind == "Add":
        return flow.plus(constant)
    return flow.times(-1).plus(constant) if reversed_ else flow.plus(-constant)


def _between(op: _Operation, left: Flow, right: Flow) -> Flow:
    if left.point is not right.point:
        raise op.refuse(
            "joins two branches of the network, as a skip connection does; a Model is one chain of layers"
        )
    sign = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}[op.kind]
    return left.rewritten(f"({left.whole_text()}) {sign} ({right.whole_text()})", op.kind, right)


def _power(op: _Operation) -> Flow:
    flow, exponent = op.data(), op.needed(1)
    value = op.single(exponent)
    power = str(int(value)) if value == int(value) and value >= 0 else number(value)
    return flow.rewritten(f"({flow.whole_text()}) ** {power}", op.kind)


def _concat(op: _Operation) -> Flow:
    """The two columns 1 - p and p of two classes, as p."""
    values = [op.value(i) for i in range(len(op.node.input))]
    if len(values) == 2 and op.attribute("axis") in (1, -1):
        first, second = values
        if isinstance(first, Flow) and isinstance(second, Flow):
            against = (second.point, second.text, -second.scale, 1 - second.shift)
            if (first.point, first.text, first.scale, first.shift) == against and second.point.width == 1:
                return second
    raise op.refuse("puts columns side by side; only 1 - p and p of two classes can be one output")


# Elementwise ----------------------------------------------------------------------------------------------


def _elementwise(name: str) -> Activation:
    row = activations[name]
    assert isinstance(row, Activation)  # noqa: S101 - for the type checker
    return row


def _row(op: _Operation) -> Flow:
    return op.data().under(_rows_of(op), op.kind)


def _rows_of(op: _Operation) -> Activation:
    """The row of an activation's node."""
    kind = op.kind
    if kind == "LeakyRelu":
        return _elementwise("leaky_relu")(slope=float(op.attribute("alpha", 0.01)))
    if kind == "Elu":
        return _elementwise("elu")(alpha=float(op.attribute("alpha", 1.0)))
    if kind == "Celu":
        return foreign_rows.CELU(alpha=float(op.attribute("alpha", 1.0)))
    if kind == "HardSigmoid":
        return foreign_rows.hard_sigmoid(float(op.attribute("alpha", 0.2)), float(op.attribute("beta", 0.5)))
    if kind == "Gelu":
        tanh = op.attribute("approximate", b"none") == b"tanh"
        return foreign_rows.GELU_TANH if tanh else _elementwise("gelu")
    if kind == "PRelu":
        slope = op.needed(1)
        if slope.size != 1:
            raise op.refuse(
                "has a slope for each unit; a layer has one activation, so train it with one slope"
            )
        return _elementwise("leaky_relu")(slope=float(slope.item()))
    if kind == "Selu":
        given = op.attribute("alpha", 1.6732632), op.attribute("gamma", 1.0507010)
        if not np.allclose(given, (1.6732632, 1.0507010), atol=1e-6):
            raise op.refuse(f"has alpha and gamma {given}, not those of the paper; use Elu and a factor")
        return _elementwise("selu")
    if kind == "Swish" and op.attribute("alpha", 1.0) != 1:
        raise op.refuse("has an alpha other than 1; export it as x * Sigmoid(alpha * x)")
    return _NAMED[kind]


_NAMED = {
    "Relu": _elementwise("relu"),
    "Sigmoid": _elementwise("sigmoid"),
    "Tanh": _elementwise("tanh"),
    "Softplus": _elementwise("softplus"),
    "Mish": _elementwise("mish"),
    "Swish": _elementwise("silu"),
    "Exp": _elementwise("exp"),
    "HardSwish": foreign_rows.HARD_SWISH,
    "Softsign": foreign_rows.SOFTSIGN,
}


def _clip(op: _Operation) -> Flow:
    bounds = [
        op.constant(i) if i < len(op.node.input) else op.attribute(("min", "max")[i - 1]) for i in (1, 2)
    ]
    low, high = (None if bound is None else op.single(bound) for bound in bounds)
    if low is not None and high is not None:
        return op.data().under(foreign_rows.clip(low, high), op.kind)
    if low == 0:
        return op.data().under(_elementwise("relu"), op.kind)
    raise op.refuse("has a single bound that is not 0; give it two")


def _function(op: _Operation) -> Flow:
    """A function of the formula language."""
    flow = op.data()
    text = flow.whole_text()
    return flow.rewritten(_FUNCTIONS[op.kind].format(f"({text})"), op.kind)


_FUNCTIONS = {
    "Abs": "abs{}",
    "Erf": "erf{}",
    "Log": "log{}",
    "Reciprocal": "1 / {}",
    "Sqrt": "sqrt{}",
}


def _softmax(op: _Operation) -> Flow:
    if op.attribute("axis", -1) not in (1, -1):
        raise op.refuse("normalises over the examples; a softmax goes over the outputs, axis=1")
    return _softmax_of(op.data())


def _softmax_of(flow: Flow) -> Flow:
    return Flow(flow.reached().then(activations["softmax"]))


# What leaves values as they are ---------------------------------------------------------------------------


def _same(op: _Operation) -> Flow:
    return op.data()


def _cast(op: _Operation) -> Flow:
    to = op.attribute("to")
    if to not in (TensorProto.FLOAT, TensorProto.DOUBLE):
        raise op.refuse(f"rounds to {TensorProto.DataType.Name(to)}; export the network in float32")
    return op.data()


def _dropout(op: _Operation) -> Flow:
    mode = op.constant(2)
    if mode is not None and bool(mode):
        raise op.refuse("drops in prediction (training_mode is true); export it in eval mode")
    return op.data()


def _flatten(op: _Operation) -> Flow:
    if op.attribute("axis", 1) not in (1, -1):
        raise op.refuse("joins examples; export it with axis=1")
    return op.data()


def _reshape(op: _Operation) -> Flow:
    """A reshape that keeps the table as it is."""
    flow, shape = op.data(), op.needed(1).reshape(-1).tolist()
    width = flow.point.width
    kept = len(shape) == 2 and shape[0] in (-1, 0) and shape[1] in (width, -1 if shape[0] == 0 else width)
    if not kept and not (
        len(shape) == 2 and shape[0] in (-1, 0) and shape[1] == 0 and not op.attribute("allowzero")
    ):
        raise op.refuse(
            f"makes the shape {shape} of a table of {width or 'an unknown number of'} columns; a Model keeps "
            "its rows, so reshape outside of it"
        )
    return flow


def _normalizer(op: _Operation) -> Flow:
    """Rows divided by their sum: nothing to do behind a softmax."""
    flow = op.data()
    if op.attribute("norm") != b"L1" or flow.point.step != activations["softmax"] or not flow.is_linear:
        raise op.refuse("divides each row by its norm, which no layer does; export the network without it")
    return flow


_OPERATIONS: dict[str, Callable[[_Operation], Flow]] = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _norm,
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _arithmetic),
    "Neg": lambda op: op.data().times(-1),
    "Pow": _power,
    "Concat": _concat,
    **dict.fromkeys((*_NAMED, "LeakyRelu", "Elu", "Celu", "HardSigmoid", "Gelu", "PRelu", "Selu"), _row),
    "Clip": _clip,
    **dict.fromkeys(_FUNCTIONS, _function),
    "Softmax": _softmax,
    "Identity": _same,
    "Cast": _cast,
    "Dropout": _dropout,
    "Flatten": _flatten,
    "Reshape": _reshape,
}
_LEARNING: dict[str, Callable[[_Operation], Flow]] = {
    "Scaler": _scaler,
    "LinearRegressor": _linear_regressor,
    "LinearClassifier": _linear_classifier,
    "Normalizer": _normalizer,
}
