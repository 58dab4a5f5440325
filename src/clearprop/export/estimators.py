"""The estimators for skl2onnx: `register_skl2onnx` lets it convert them, alone or inside a pipeline.

A converter writes the nodes that the files hold into skl2onnx's container, under names its scope gives.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import SpecificationError
from clearprop.estimators.autoencoder import Autoencoder
from clearprop.estimators.classifier import MLPClassifier
from clearprop.estimators.regressor import MLPRegressor
from clearprop.estimators.tabular import TabularClassifier, TabularRegressor
from clearprop.export.onnx_graph import Graph, element_type
from clearprop.export.onnx_network import network_nodes
from clearprop.export.onnx_table import answer_nodes, class_index, encoded_nodes, probabilities
from clearprop.specification import Network, Parameters
from clearprop.tables.date_encoding import DateEncoding
from clearprop.tables.encodings import TextEncoding

_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "nocl": [True, False],
    "output_class_labels": [False, True],
}


def register_skl2onnx() -> None:
    """Let skl2onnx convert MLPClassifier, MLPRegressor, Autoencoder, TabularClassifier and TabularRegressor.

    Call it once, before `skl2onnx.convert_sklearn` or `to_onnx`; pipelines, column transformers and searches
    with these estimators convert then, too. A classifier gives labels and probabilities as scikit-learn's
    do there (with its options `zipmap`, `nocl`, `output_class_labels`), a regressor (m, n_L) numbers, an
    Autoencoder codes. The Tabular estimators must have been fitted to columns of numbers or booleans; of
    texts and dates `model_.export(path)` writes the whole table's ONNX.

    Raises
    ------
    SpecificationError
        When skl2onnx is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X = np.random.default_rng(0).normal(size=(40, 2))
    >>> regressor = MLPRegressor(hidden_layer_sizes=4, solver="lbfgs")
    >>> fitted = make_pipeline(StandardScaler(), regressor).fit(X, X[:, 0])
    >>> register_skl2onnx()
    >>> from skl2onnx import to_onnx
    >>> model = to_onnx(fitted, X[:1])
    >>> [output.name for output in model.graph.output]
    ['variable']
    """
    try:
        from skl2onnx import update_registered_converter
    except ModuleNotFoundError:
        raise SpecificationError(
            "register_skl2onnx needs the package skl2onnx; install it with pip install 'clearprop[onnx]'"
        ) from None
    for kind in (MLPClassifier, TabularClassifier):
        update_registered_converter(
            kind, f"Clearprop{kind.__name__}", _classifier_shapes, _convert_classifier, options=_OPTIONS
        )
    for other in (MLPRegressor, TabularRegressor, Autoencoder):
        update_registered_converter(other, f"Clearprop{other.__name__}", _number_shapes, _convert_numbers)


def _classifier_shapes(operator: Any) -> None:
    """Types of the label and of the probabilities."""
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType, guess_tensor_type

    estimator, rows = operator.raw_operator, operator.inputs[0].get_first_dimension()
    texts = _labels(operator).dtype.kind == "O"
    shape = [rows, len(estimator.classes_)]
    labels = shape if _several(estimator) else [rows]
    operator.outputs[0].set_type((StringTensorType if texts else Int64TensorType)(labels))
    scores = guess_tensor_type(operator.inputs[0].type)
    operator.outputs[1].set_type(type(scores)(shape))


def _number_shapes(operator: Any) -> None:
    """Type of the numbers."""
    from skl2onnx.common.data_types import guess_tensor_type

    numbers = guess_tensor_type(operator.inputs[0].type)
    operator.outputs[0].set_type(type(numbers)([operator.inputs[0].get_first_dimension(), None]))


def _convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    estimator, graph = operator.raw_operator, Graph(unique=scope.get_unique_variable_name)
    x = _joined(graph, operator)
    answers = _table_answers if isinstance(estimator, TabularClassifier) else _mlp_answers
    index, scores = answers(graph, estimator, x)
    classes = graph.constant(_labels(operator), name="classes")
    labels = index if _several(estimator) else graph.node("Gather", classes, index, axis=0)
    graph.give(labels, operator.outputs[0].full_name)
    _give_numbers(graph, scores, operator.outputs[1])
    _hand_over(graph, container)


def _convert_numbers(scope: Any, operator: Any, container: Any) -> None:
    estimator, graph = operator.raw_operator, Graph(unique=scope.get_unique_variable_name)
    x = _joined(graph, operator)
    if isinstance(estimator, TabularRegressor):
        y_hat = _table_outputs(graph, estimator, x)
        ((numbers, _),) = answer_nodes(graph, estimator.model_.pipeline, y_hat)
    elif isinstance(estimator, Autoencoder):
        numbers = _outputs(graph, [estimator.encoder_.theta], x)
    else:
        numbers = _points(graph, estimator, _outputs(graph, _thetas(estimator), x))
    _give_numbers(graph, numbers, operator.outputs[0])
    _hand_over(graph, container)


def _joined(graph: Graph, operator: Any) -> str:
    """The inputs side by side, in double (m, n_0)."""
    pieces = [graph.cast(given.full_name, np.float64) for given in operator.inputs]
    return graph.node("Concat", *pieces, axis=1) if len(pieces) > 1 else pieces[0]


def _thetas(estimator: Any) -> list[Parameters]:
    """Parameters of the network, or of each member of an ensemble."""
    members = getattr(estimator, "estimators_", None)
    return [member.theta_ for member in members] if members else [estimator.theta_]


def _outputs(graph: Graph, thetas: list[Parameters], x: str) -> str:
    """y_hat (m, n_L) in double, the mean over the networks."""
    found = [graph.cast(network_nodes(graph, t, graph.cast(x, t.dtype)), np.float64) for t in thetas]
    if len(found) == 1:
        return found[0]
    return graph.node("Div", graph.node("Sum", *found), graph.constant(float(len(found))))


def _points(graph: Graph, estimator: MLPRegressor, y_hat: str) -> str:
    """One number for each target; of several quantiles the middle one, or the mean of the middle two."""
    width = estimator.network_.output.units
    points = estimator._points(np.eye(width))  # what it takes of each output
    if points.shape == (width, width):
        return y_hat
    return graph.node("MatMul", y_hat, graph.constant(points))


def _mlp_answers(graph: Graph, estimator: MLPClassifier, x: str) -> tuple[str, str]:
    """Class indices (m,), or 0/1 (m, K) for several labels at once; and probabilities in double."""
    if not hasattr(estimator, "predict_proba"):
        raise _scores(estimator, estimator.network_)
    y_hat = _outputs(graph, _thetas(estimator), x)
    above = graph.cast(graph.node("Greater", y_hat, graph.constant(estimator._threshold)), np.int64)
    if _several(estimator):
        return above, y_hat
    if estimator.network_.output.units == 1:
        index = graph.node("Squeeze", above, graph.constant([1], np.int64))
        return index, probabilities(graph, y_hat, 1, 2)
    index = graph.node("ArgMax", y_hat, axis=1, keepdims=0)
    if estimator.network_.output.activation.name == "softmax":
        return index, y_hat
    sums = graph.node("ReduceSum", y_hat, graph.constant([1], np.int64), keepdims=1)
    shares = graph.node("Div", y_hat, graph.node("Max", sums, graph.constant(1e-30)))
    return index, shares


def _several(estimator: Any) -> bool:
    """Whether rows bear several labels at once."""
    return isinstance(estimator, MLPClassifier) and estimator._several


def _table_answers(graph: Graph, estimator: TabularClassifier, x: str) -> tuple[str, str]:
    """Class indices (m,), and probabilities in double."""
    pipeline = estimator.model_.pipeline
    if not pipeline.gives_probabilities:
        raise _scores(estimator, pipeline.network)
    y_hat = _table_outputs(graph, estimator, x)
    index = class_index(graph, y_hat, pipeline.network, pipeline.theta.dtype)
    units, classes = pipeline.network.output.units, len(estimator.classes_)
    shares = probabilities(graph, graph.cast(y_hat, np.float64), units, classes)
    return index, shares


def _table_outputs(graph: Graph, estimator: Any, x: str) -> str:
    """y_hat (m, n_L) of the columns of x, in the dtype of theta."""
    pipeline, columns = estimator.model_.pipeline, {}
    for place, row in enumerate(pipeline.encoder.columns):
        if isinstance(row, TextEncoding | DateEncoding):
            raise SpecificationError(
                f"skl2onnx: {type(estimator).__name__} was fitted to the {row.column_kind} column "
                f"{row.column!r}, and a tensor here holds numbers; write the whole table's ONNX with "
                "model_.export(path)"
            )
        columns[row.column] = graph.node("Gather", x, graph.constant([place], np.int64), axis=1)
    return network_nodes(graph, pipeline.theta, encoded_nodes(graph, pipeline, columns))


def _scores(estimator: Any, network: Network) -> SpecificationError:
    """The error that there are no probabilities."""
    return SpecificationError(
        f"skl2onnx: {type(estimator).__name__} with loss {network.loss.name!r} gives scores, and an ONNX "
        "classifier gives probabilities; fit with the log-loss, or write the network with model_.export(path)"
    )


def _labels(operator: Any) -> Array:
    """The classes as skl2onnx has them: texts as objects, anything else as int64."""
    from skl2onnx.common.utils_classifier import get_label_classes

    classes = np.asarray(get_label_classes(operator.scope_inst, operator.raw_operator))
    return classes.astype(object if isinstance(classes.tolist()[0], str) else np.int64)


def _give_numbers(graph: Graph, tensor: str, output: Any) -> None:
    """A double tensor as an output, in its type."""
    from skl2onnx.common.data_types import guess_proto_type

    graph.give(graph.node("Cast", tensor, to=guess_proto_type(output.type)), output.full_name)


def _hand_over(graph: Graph, container: Any) -> None:
    """Constants and nodes into skl2onnx's container, whose target_opset stamps them."""
    from onnx import numpy_helper

    for name, array in graph.used_constants().items():
        texts = array.dtype.kind == "O"
        content = [text.encode() for text in array] if texts else numpy_helper.from_array(array, name)
        container.add_initializer(name, element_type(array.dtype), array.shape, content)
    for node in graph.nodes:
        container.add_node(
            node.kind, list(node.inputs), [node.output], op_domain=node.domain, **node.attributes
        )
