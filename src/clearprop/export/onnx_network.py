"""The layers of a network as ONNX nodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import IntArray
from clearprop.export.onnx_formulas import OnnxReading
from clearprop.export.onnx_graph import Graph
from clearprop.formulas.activations import Activation
from clearprop.specification import Dense, Parameters


def network_nodes(graph: Graph, theta: Parameters, x: str) -> str:
    """Name of y_hat (m, n_L), for x (m, n_0) in the dtype of theta."""
    for l, layer in enumerate(theta.network.layers, start=1):
        bias = theta.b[l]
        operands = [x, graph.constant(theta.W[l], name=f"W[{l}]")]
        if bias is not None:
            operands.append(graph.constant(bias, name=f"b[{l}]"))
        z = graph.node("Gemm", *operands, name=f"z[{l}]", transB=1)
        x = activation_nodes(graph, layer, z, theta.dtype)
    return x


def activation_nodes(graph: Graph, layer: Dense, z: str, dtype: np.dtype[Any]) -> str:
    """Name of a = g(z) (m, n_l), for z (m, r_l)."""
    row, reading = layer.activation, OnnxReading(graph, dtype)
    if isinstance(row, Activation):
        a = reading.activation(row, z)
        return reading.filling(a, z) if a in graph.constants else a
    if row.name == "softmax":
        return graph.node("Softmax", z, axis=1)
    if row.name == "monotone":
        return _monotone(graph, reading, layer.units, z)
    places = np.arange(layer.rows).reshape(layer.units, row.pieces)
    pieces = [_columns(graph, z, places[:, p]) for p in range(row.pieces)]
    return graph.node("Max", *pieces)


def _monotone(graph: Graph, reading: OnnxReading, units: int, z: str) -> str:
    if units == 1:
        return z
    first, rest = _columns(graph, z, np.arange(1)), _columns(graph, z, np.arange(1, units))
    steps = graph.node("Concat", first, reading.call("softplus", [rest]), axis=1)
    return graph.node("CumSum", steps, graph.constant(1, np.int64))


def _columns(graph: Graph, tensor: str, places: IntArray) -> str:
    return graph.node("Gather", tensor, graph.constant(places, np.int64), axis=1)
