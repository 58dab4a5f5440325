"""Who predicts: 30-64-64-3, ReLU and softmax, float32, with the same weights everywhere."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from benchmarks.speed.contenders import CannotRunError
from benchmarks.speed.networks import Case, first_weights, noise

CASE = Case("P", (30, 64, 64, 3), 64)
CONTENDERS = ("clearprop, compiled()", "clearprop, predict", "ONNX Runtime", "scikit-learn")
Call = Callable[[], npt.NDArray]


def our_model():
    """The network as a clearprop model."""
    from benchmarks.speed.contenders.ours import network_of

    import clearprop as cp

    network = network_of(CASE)
    theta = network.initialize(dtype=np.float32)
    for l, (W, b) in enumerate(first_weights(CASE), start=1):
        theta.W[l][:], theta.b[l][:] = W, b
    return cp.Model(network, theta)


def compiled(X: npt.NDArray, threads: int) -> Call:
    """Single rows through a callable of the model's own."""
    if len(X) > 1:
        raise CannotRunError("made for single rows")
    model = our_model()
    if not hasattr(model, "compiled"):
        raise CannotRunError("this version has no Model.compiled")
    call, row = model.compiled(), X[0]
    return lambda: call(row)


def predict(X: npt.NDArray, threads: int) -> Call:
    """`Model.predict`."""
    model = our_model()
    return lambda: model.predict(X)


def onnx_runtime(X: npt.NDArray, threads: int) -> Call:
    """The exported model in a session of so many threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        our_model().export(path)
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    given = {session.get_inputs()[0].name: X}
    outputs = [session.get_outputs()[0].name]
    return lambda: session.run(outputs, given)[0]


def scikit_learn(X: npt.NDArray, threads: int) -> Call:
    """`MLPClassifier.predict_proba`."""
    from benchmarks.speed.contenders.sklearn_ import Sklearn

    training = Sklearn(CASE, threads, *noise(CASE))
    training.start(first_weights(CASE))
    return lambda: training.model.predict_proba(X)


def predictor(contender: str, rows: int, threads: int) -> Call:
    """A contender's call on rows of noise; it gives probabilities (rows, 3)."""
    made = dict(zip(CONTENDERS, (compiled, predict, onnx_runtime, scikit_learn), strict=True))[contender]
    X = np.random.default_rng(1).standard_normal((rows, CASE.widths[0])).astype(np.float32)
    call = made(X, threads)
    call()
    return call
