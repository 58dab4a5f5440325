"""Operations of an ONNX graph on each number by itself: arithmetic, activations, functions."""

from __future__ import annotations

import numpy as np

from clearprop.adoption import foreign_rows
from clearprop.adoption.chain import scale_of, shift_of
from clearprop.adoption.onnx_flow import Flow, number, shipped
from clearprop.adoption.onnx_operation import Operation
from clearprop.formulas.activations import Activation


def arithmetic(op: Operation) -> Flow:
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


def _with_number(op: Operation, flow: Flow, constant: float, *, reversed_: bool) -> Flow:
    if op.kind == "Mul":
        return flow.times(constant)
    if op.kind == "Div":
        return flow.times(1 / constant)
    if op.kind == "Add":
        return flow.plus(constant)
    return flow.times(-1).plus(constant) if reversed_ else flow.plus(-constant)


def _between(op: Operation, left: Flow, right: Flow) -> Flow:
    if left.point is not right.point:
        raise op.refuse(
            "joins two branches of the network, as a skip connection does; a Model is one chain of layers"
        )
    sign = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}[op.kind]
    return left.rewritten(f"({left.whole_text()}) {sign} ({right.whole_text()})", op.kind, right)


def power(op: Operation) -> Flow:
    """A value to the power of a number."""
    flow, exponent = op.data(), op.needed(1)
    value = op.single(exponent)
    power = str(int(value)) if value == int(value) and value >= 0 else number(value)
    return flow.rewritten(f"({flow.whole_text()}) ** {power}", op.kind)


def concat(op: Operation) -> Flow:
    """The two columns 1 - p and p of two classes, as p."""
    values = [op.value(i) for i in range(len(op.node.input))]
    if len(values) == 2 and op.attribute("axis") in (1, -1):
        first, second = values
        if isinstance(first, Flow) and isinstance(second, Flow):
            against = (second.point, second.text, -second.scale, 1 - second.shift)
            if (first.point, first.text, first.scale, first.shift) == against and second.point.width == 1:
                return second
    raise op.refuse("puts columns side by side; only 1 - p and p of two classes can be one output")


def row(op: Operation) -> Flow:
    """An activation."""
    return op.data().under(_rows_of(op), op.kind)


def _rows_of(op: Operation) -> Activation:
    """The row of an activation's node."""
    kind = op.kind
    if kind == "LeakyRelu":
        return shipped("leaky_relu")(slope=float(op.attribute("alpha", 0.01)))
    if kind == "Elu":
        return shipped("elu")(alpha=float(op.attribute("alpha", 1.0)))
    if kind == "Celu":
        return foreign_rows.CELU(alpha=float(op.attribute("alpha", 1.0)))
    if kind == "HardSigmoid":
        return foreign_rows.hard_sigmoid(float(op.attribute("alpha", 0.2)), float(op.attribute("beta", 0.5)))
    if kind == "Gelu":
        tanh = op.attribute("approximate", b"none") == b"tanh"
        return foreign_rows.GELU_TANH if tanh else shipped("gelu")
    if kind == "PRelu":
        slope = op.needed(1)
        if slope.size != 1:
            raise op.refuse(
                "has a slope for each unit; a layer has one activation, so train it with one slope"
            )
        return shipped("leaky_relu")(slope=float(slope.item()))
    if kind == "Selu":
        given = op.attribute("alpha", 1.6732632), op.attribute("gamma", 1.0507010)
        if not np.allclose(given, (1.6732632, 1.0507010), atol=1e-6):
            raise op.refuse(f"has alpha and gamma {given}, not those of the paper; use Elu and a factor")
        return shipped("selu")
    if kind == "Swish" and op.attribute("alpha", 1.0) != 1:
        raise op.refuse("has an alpha other than 1; export it as x * Sigmoid(alpha * x)")
    return NAMED[kind]


NAMED = {
    "Relu": shipped("relu"),
    "Sigmoid": shipped("sigmoid"),
    "Tanh": shipped("tanh"),
    "Softplus": shipped("softplus"),
    "Mish": shipped("mish"),
    "Swish": shipped("silu"),
    "Exp": shipped("exp"),
    "HardSwish": foreign_rows.HARD_SWISH,
    "Softsign": foreign_rows.SOFTSIGN,
}


def clip(op: Operation) -> Flow:
    """A value between two bounds, or above 0."""
    bounds = [
        op.constant(i) if i < len(op.node.input) else op.attribute(("min", "max")[i - 1]) for i in (1, 2)
    ]
    low, high = (None if bound is None else op.single(bound) for bound in bounds)
    if low is not None and high is not None:
        return op.data().under(foreign_rows.clip(low, high), op.kind)
    if low == 0:
        return op.data().under(shipped("relu"), op.kind)
    raise op.refuse("has a single bound that is not 0; give it two")


def function(op: Operation) -> Flow:
    """A function of the formula language."""
    flow = op.data()
    text = flow.whole_text()
    return flow.rewritten(FUNCTIONS[op.kind].format(f"({text})"), op.kind)


FUNCTIONS = {
    "Abs": "abs{}",
    "Erf": "erf{}",
    "Log": "log{}",
    "Reciprocal": "1 / {}",
    "Sqrt": "sqrt{}",
}
