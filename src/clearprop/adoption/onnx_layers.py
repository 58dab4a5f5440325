"""Operations of an ONNX graph that are layers, or leave values as they are."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from clearprop.adoption.chain import Affine, scale_of, shift_of
from clearprop.adoption.onnx_file import type_name
from clearprop.adoption.onnx_flow import Flow, shipped
from clearprop.adoption.onnx_operation import Operation
from clearprop.arrays import Array
from clearprop.formulas.activations import activations


def _weights(op: Operation, flow: Flow, W: Array, b: Array | None) -> Flow:
    """x @ W + b with W (n, r)."""
    if W.ndim != 2:
        raise op.refuse(f"has weights of shape {W.shape}, and a layer's have two axes; export it that way")
    bias = None if b is None else op.columns(b, W.shape[1])
    return Flow(flow.reached().then(Affine(W.T, bias, layer=True, place=op.place.rstrip(","))))


def matmul(op: Operation) -> Flow:
    """A layer without bias."""
    return _weights(op, op.data(), op.needed(1), None)


def gemm(op: Operation) -> Flow:
    """A layer, its two factors multiplied into it."""
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


def norm(op: Operation) -> Flow:
    """A batch norm in eval mode."""
    if op.attribute("training_mode", 0):
        raise op.refuse("normalises each batch by itself (training_mode=1); export it in eval mode")
    factor, shift, mean, variance = (op.needed(i) for i in range(1, 5))
    factor = factor / np.sqrt(variance.astype(np.float64) + op.attribute("epsilon", 1e-5))
    point = op.data().reached()
    rows = [op.columns(row, point.width) for row in (-mean, factor, shift)]
    for step in (shift_of(rows[0], op.place), scale_of(rows[1], op.place), shift_of(rows[2], op.place)):
        point = point.then(step)
    return Flow(point)


def scaler(op: Operation) -> Flow:
    """(x - offset) * scale, skl2onnx's."""
    point = op.data().reached()
    offset = op.columns(np.asarray(op.attribute("offset", [0.0]), np.float32), point.width)
    factor = op.columns(np.asarray(op.attribute("scale", [1.0]), np.float32), point.width)
    return Flow(point.then(shift_of(-offset, op.place)).then(scale_of(factor, op.place)))


def _linear(op: Operation, name: str) -> Flow:
    """Weights in an attribute, one receiving unit after the other."""
    b = np.asarray(op.attribute("intercepts", [0.0] * int(op.attribute("targets", 1))), np.float32)
    W = np.asarray(op.attribute("coefficients"), np.float32).reshape(len(b), -1)
    return Flow(op.data().reached().then(Affine(W, b, layer=True, place=name)))


def linear_regressor(op: Operation) -> Flow:
    """A linear layer."""
    if op.attribute("post_transform", b"NONE") != b"NONE":
        raise op.refuse("transforms its predictions; export the network without post_transform")
    return _linear(op, "the LinearRegressor")


def linear_classifier(op: Operation) -> Flow:
    """The probabilities of a logistic regression: softmax, or one sigmoid for two classes."""
    W = np.asarray(op.attribute("coefficients"), np.float32)
    b = np.asarray(op.attribute("intercepts", []), np.float32)
    after = op.attribute("post_transform", b"NONE")
    if after == b"SOFTMAX" and len(b) > 1:
        return _softmax_of(_linear(op, "the LinearClassifier"))
    W = W.reshape(max(len(b), 1), -1)
    if after == b"LOGISTIC" and len(b) == 2 and (W[0] == -W[1]).all() and b[0] == -b[1]:
        second = Affine(W[1:], b[1:], layer=True, place="the LinearClassifier")
        return Flow(op.data().reached().then(second)).under(shipped("sigmoid"), op.kind)
    raise op.refuse(
        f"gives {after.decode()} of {len(b)} outputs, which no layer computes; export the LogisticRegression "
        "of two classes, or the multinomial one"
    )


def softmax(op: Operation) -> Flow:
    """A softmax over the outputs."""
    if op.attribute("axis", -1) not in (1, -1):
        raise op.refuse("normalises over the examples; a softmax goes over the outputs, axis=1")
    return _softmax_of(op.data())


def _softmax_of(flow: Flow) -> Flow:
    return Flow(flow.reached().then(activations["softmax"]))


# What leaves values as they are ---------------------------------------------------------------------------


def same(op: Operation) -> Flow:
    """The value itself."""
    return op.data()


def cast(op: Operation) -> Flow:
    """The value, if it stays a float of 32 or 64 bits."""
    to = op.attribute("to")
    if to not in (TensorProto.FLOAT, TensorProto.DOUBLE):
        raise op.refuse(f"rounds to {type_name(int(to or 0))}; export the network in float32")
    return op.data()


def dropout(op: Operation) -> Flow:
    """The value itself, as in prediction."""
    mode = op.constant(2)
    if mode is not None and bool(mode):
        raise op.refuse("drops in prediction (training_mode is true); export it in eval mode")
    return op.data()


def flatten(op: Operation) -> Flow:
    """The table itself."""
    if op.attribute("axis", 1) not in (1, -1):
        raise op.refuse("joins examples; export it with axis=1")
    return op.data()


def reshape(op: Operation) -> Flow:
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


def normalizer(op: Operation) -> Flow:
    """Rows divided by their sum: nothing to do behind a softmax."""
    flow = op.data()
    if op.attribute("norm") != b"L1" or flow.point.step != activations["softmax"] or not flow.is_linear:
        raise op.refuse("divides each row by its norm, which no layer does; export the network without it")
    return flow
