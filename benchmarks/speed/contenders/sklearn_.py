"""scikit-learn: `MLPClassifier`, one `partial_fit` an epoch, which is `fit` without its set-up."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
from benchmarks.speed.contenders import RATE, CannotRunError
from benchmarks.speed.networks import Array, Case, Weights
from sklearn.neural_network import MLPClassifier


class Sklearn:
    """Two classes are one logistic output here: scikit-learn has no other way."""

    def __init__(self, case: Case, threads: int, X: Array, Y: npt.NDArray) -> None:
        if not case.classes:
            raise CannotRunError("only its classifier is timed here, and this is regression")
        self.case, self.X, self.Y = case, X, Y

    def start(self, weights: Weights) -> None:
        case = self.case
        self.model = MLPClassifier(
            case.widths[1:-1],
            activation=case.hidden,
            solver=case.optimizer,
            batch_size=case.batch,
            learning_rate_init=RATE,
            momentum=0,
            alpha=0,
            shuffle=not case.full,
        )
        few = slice(0, min(case.batch, 64))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the batch is longer than these few rows
            self.model.partial_fit(self.X[few], self.Y[few], classes=np.arange(case.widths[-1]))
        for l, (W, b) in enumerate(weights):
            outputs = self.model.coefs_[l].shape[1]
            self.model.coefs_[l][:], self.model.intercepts_[l][:] = W.T[:, :outputs], b[:outputs]
        del self.model._optimizer  # the next call makes a fresh one

    def epoch(self) -> None:
        for _ in range(self.case.epochs):
            self.model.partial_fit(self.X, self.Y)

    def classes(self, X: Array) -> npt.NDArray:
        return self.model.predict(X)
