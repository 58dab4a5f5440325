"""A table's columns as inputs of an ONNX graph, and its answers as outputs.

What is subtle: everything before and behind the network is computed in double. A column of numbers around a
million that differ by one has no digits left in float32 once its mean is taken off, and a date no minutes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import SpecificationError
from clearprop.export.onnx_graph import ML, Graph
from clearprop.export.pipeline import Pipeline
from clearprop.metrics import threshold
from clearprop.specification import Network
from clearprop.tables.date_encoding import PARTS, DateEncoding
from clearprop.tables.encodings import BooleanEncoding, Encoding, NumberEncoding, TextEncoding


def encoded_nodes(graph: Graph, pipeline: Pipeline, columns: dict[str, str]) -> str:
    """Name of the encoded inputs (m, n_0), in the dtype of theta.

    Parameters
    ----------
    columns : dict
        Column -> tensor (m, 1) of it: text, or double with NaN where missing.
    """
    pieces: list[str] = []
    for row in pipeline.columns:
        pieces += _features(graph, row, columns[row.column])
    joined = graph.node("Concat", *pieces, axis=1) if len(pieces) > 1 else pieces[0]
    ends = (graph.constant(end, np.float64) for end in (-pipeline.bound, pipeline.bound))
    return graph.cast(graph.node("Clip", joined, *ends), pipeline.theta.dtype)


def _features(graph: Graph, row: Encoding, cells: str) -> list[str]:
    """Tensors (m, ...) of one column's features, in order."""
    if isinstance(row, TextEncoding):
        return [_slots(graph, row, cells)]
    gaps = graph.node("IsNaN", cells)
    features: list[str] = []
    match row:
        case NumberEncoding():
            filled = _filled(graph, gaps, row.median, cells)
            features = [_standardised(graph, filled, row.mean, row.std, gaps)]
        case BooleanEncoding():
            features = [_filled(graph, gaps, float(row.usual), cells)]
        case DateEncoding():
            filled = _filled(graph, gaps, row.median, cells)
            features = [_standardised(graph, filled, row.mean, row.std, gaps)]
            for part in row.parts:
                features += _circle(graph, filled, *PARTS[part])
    return [*features, graph.cast(gaps, np.float64)] if row.missing else features


def _filled(graph: Graph, gaps: str, value: float, cells: str) -> str:
    return graph.node("Where", gaps, graph.constant(value, np.float64), cells)


def _standardised(graph: Graph, filled: str, mean: float, std: float, gaps: str) -> str:
    if std == 0:
        return graph.node("Mul", graph.cast(gaps, np.float64), graph.constant(0.0))
    centred = graph.node("Sub", filled, graph.constant(mean, np.float64))
    return graph.node("Div", centred, graph.constant(std, np.float64))


def _circle(graph: Graph, days: str, length: float, start: float) -> list[str]:
    """Sine and cosine of the place of days in a period."""
    since = graph.node("Sub", days, graph.constant(start, np.float64))
    periods = graph.node("Div", since, graph.constant(length, np.float64))
    place = graph.node("Sub", periods, graph.node("Floor", periods))
    angle = graph.node("Mul", place, graph.constant(2 * np.pi, np.float64))
    return [graph.node("Sin", angle), graph.node("Cos", angle)]


def _slots(graph: Graph, row: TextEncoding, cells: str) -> str:
    """One-hot (m, levels + 1 or 2) of texts; "" is missing."""
    other = len(row.levels)
    slots = {"": other + 1 if row.missing else other} | {level: k for k, level in enumerate(row.levels)}
    chosen = graph.node(
        "LabelEncoder",
        cells,
        domain=ML,
        keys_strings=list(slots),
        values_int64s=list(slots.values()),
        default_int64=other,
    )
    places = graph.constant(np.arange(len(row.feature_names))[None, :], np.int64)
    return graph.cast(graph.node("Equal", chosen, places), np.float64)


def answer_nodes(graph: Graph, pipeline: Pipeline, y_hat: str) -> list[tuple[str, Array]]:
    """Answers for y_hat (m, n_L), in the order of `interface.answer_names`.

    Returns
    -------
    list of (str, ndarray)
        Name of the tensor, and an empty array of its dtype, and of its shape but for the rows.
    """
    target, double = pipeline.target, graph.cast(y_hat, np.float64)
    if target is None:
        raise AssertionError("a bare network has no answers")
    if pipeline.gives_classes:
        classes = class_array(target.classes)
        index = class_index(graph, y_hat, pipeline.network, pipeline.theta.dtype)
        label = graph.node("Gather", graph.constant(classes, name="classes"), index, axis=0)
        scores, width = double, pipeline.network.output.units
        if pipeline.gives_probabilities:
            scores, width = probabilities(graph, double, width, len(classes)), len(classes)
        return [(label, np.empty(0, classes.dtype)), (scores, np.empty((0, width)))]
    if pipeline.standardised:
        scaled = graph.node("Mul", double, graph.constant(target.std[None, :]))
        double = graph.node("Add", scaled, graph.constant(target.mean[None, :]))
    return [(double, np.empty((0, len(target.columns))))]


def class_index(graph: Graph, y_hat: str, network: Network, dtype: Any) -> str:
    """Class indices (m,) decided for by y_hat (m, n_L)."""
    if network.output.units > 1:
        return graph.node("ArgMax", y_hat, axis=1, keepdims=0)
    limit = graph.constant(threshold(network.loss), dtype)
    above = graph.cast(graph.node("Greater", y_hat, limit), np.int64)
    return graph.node("Squeeze", above, graph.constant([1], np.int64))


def probabilities(graph: Graph, p: str, units: int, classes: int) -> str:
    """Probabilities (m, K) of double outputs (m, n_L): two of one, or all, so that they add up to 1."""
    if units == 1:
        return graph.node("Concat", graph.node("Sub", graph.constant(1.0), p), p, axis=1)
    sums = graph.node("ReduceSum", p, graph.constant([1], np.int64), keepdims=1)
    some = graph.node("Greater", sums, graph.constant(0.0))
    return graph.node("Where", some, graph.node("Div", p, sums), graph.constant(1 / classes))


def class_array(classes: tuple[object, ...]) -> Array:
    """Labels as one array: texts as objects, truth values, int64, or float64.

    >>> class_array((1, 2)).dtype, class_array(("no", "yes")).dtype, class_array((0.5, 1)).dtype
    (dtype('int64'), dtype('O'), dtype('float64'))
    """
    kinds = {type(label) for label in classes}
    if kinds == {str}:
        return np.array(classes, dtype=object)
    if kinds == {bool}:
        return np.array(classes)
    if kinds == {int} and all(-(2**63) <= label < 2**63 for label in classes if isinstance(label, int)):
        return np.array(classes, dtype=np.int64)
    if kinds <= {int, float}:
        return np.array(classes, dtype=np.float64)
    raise SpecificationError(
        f"export: the labels {classes!r:.80} mix texts and numbers; an ONNX tensor holds one kind"
    )
