"""`onnx_model`: the whole ONNX model of a pipeline, checked, with its interface said in it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.environment import __version__
from clearprop.export.interface import MEANING, answer_names
from clearprop.export.onnx_graph import IR_VERSION, ML, ML_OPSET, OPSET, Graph, element_type, require_onnx
from clearprop.export.onnx_network import network_nodes
from clearprop.export.onnx_table import answer_nodes, encoded_nodes
from clearprop.export.pipeline import Pipeline
from clearprop.tables.encodings import Encoding


def onnx_model(pipeline: Pipeline) -> Any:
    """Model of raw columns, or of X (m, n_0) for a bare network.

    Returns
    -------
    onnx.ModelProto
        Of a table: an input for each column, (m, 1), text or double; outputs `label` (m,) and
        `probabilities` (m, K), or `prediction` (m, k) in the targets' own units. Else `X` and `y_hat`, in
        the dtype of theta. An output whose name is that of a column gets a number behind it.

    Raises
    ------
    SpecificationError
        When the package onnx is missing, or there is no ONNX for a label.
    """
    require_onnx()
    from onnx import checker

    table = pipeline.encoder is not None
    model = (_table_model if table else _network_model)(pipeline)
    model.producer_name, model.producer_version = "clearprop", __version__
    plain: dict[str, Any] = {"network": pipeline.network.to_dict()}
    if pipeline.encoder is not None and pipeline.target is not None:
        plain |= {"encoder": pipeline.encoder.to_dict(), "target": pipeline.target.to_dict()}
    if pipeline.classes:
        plain["classes"] = [*map(str, pipeline.classes)]
    for key, value in plain.items():
        model.metadata_props.add(key=f"clearprop.{key}", value=json.dumps(value, ensure_ascii=False))
    checker.check_model(model, full_check=True)
    return model


def _network_model(pipeline: Pipeline) -> Any:
    network, dtype = pipeline.network, pipeline.theta.dtype
    graph = Graph(["X", "y_hat"])
    graph.give(network_nodes(graph, pipeline.theta, "X"), "y_hat")
    given = {"X": (np.empty((0, network.inputs), dtype), "inputs, a row for each example")}
    return _whole(graph, repr(network), given, {"y_hat": np.empty((0, network.output.units), dtype)})


def _table_model(pipeline: Pipeline) -> Any:
    names = [row.column for row in pipeline.columns]
    outputs = answer_names(pipeline)
    graph = Graph([*names, *outputs])
    x = encoded_nodes(graph, pipeline, {name: name for name in names})
    answers = answer_nodes(graph, pipeline, network_nodes(graph, pipeline.theta, x))
    for (tensor, _), output in zip(answers, outputs, strict=True):
        graph.give(tensor, output)
    given = {row.column: (_cells(row), MEANING["onnx"][row.column_kind]) for row in pipeline.columns}
    gives = {output: like for output, (_, like) in zip(outputs, answers, strict=True)}
    return _whole(graph, repr(pipeline.network), given, gives)


def _cells(row: Encoding) -> Array:
    return np.empty((0, 1), object if row.column_kind == "text" else np.float64)


def _whole(graph: Graph, says: str, given: dict[str, tuple[Array, str]], gives: dict[str, Array]) -> Any:
    from onnx import helper, numpy_helper

    nodes = [
        helper.make_node(node.kind, node.inputs, [node.output], domain=node.domain, **node.attributes)
        for node in graph.nodes
    ]
    constants = [numpy_helper.from_array(array, name) for name, array in graph.used_constants().items()]
    inputs = [_value(name, like, meaning) for name, (like, meaning) in given.items()]
    outputs = [_value(name, like, "") for name, like in gives.items()]
    whole = helper.make_graph(nodes, "clearprop", inputs, outputs, constants, doc_string=says)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
    return helper.make_model(whole, opset_imports=opsets, ir_version=IR_VERSION)


def _value(name: str, like: Array, meaning: str) -> Any:
    """An input or output: the rows are "m", whatever their number."""
    from onnx import helper

    shape = ["m", *like.shape[1:]]
    return helper.make_tensor_value_info(name, element_type(like.dtype), shape, doc_string=meaning)
