"""What happens at the end of each epoch of a drop-in's fit: curves, scores, standstill, callbacks.

The attributes that scikit-learn's users read (`loss_curve_`, `validation_scores_`, ...) are written here,
in scikit-learn's way, whatever takes the steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.company import attend, turn
from clearprop.estimators.steps import Objective, Reported
from clearprop.specification import Parameters
from clearprop.training.run import EpochReport
from clearprop.training.validation import TrainingData


@dataclass(frozen=True)
class HeldOut:
    """Rows that judge a fit.

    Attributes
    ----------
    data : Reported
        As the loss takes them; class weights are weights here as elsewhere.
    columns : ndarray (m, n)
        Targets as the score takes them.
    """

    data: Reported
    columns: Array

    def __post_init__(self) -> None:
        weights = self.data.examples.weights
        if weights is not None and not weights.any():
            raise ValueError(
                "Sample weights must contain at least one non-zero number. Held-out rows have none."
            )


def as_callbacks(callbacks: Any) -> Sequence[Callable[[EpochReport], Any]]:
    """One callback or several as a sequence; TypeError for what cannot be called."""
    if callbacks is None or callable(callbacks):
        return () if callbacks is None else (callbacks,)
    if not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks is a function of an EpochReport or a list of them, not {callbacks!r}")
    several = tuple(callbacks)
    for callback in several:
        if not callable(callback):
            raise TypeError(f"a callback is a function of an EpochReport, and {callback!r} cannot be called")
    return several


class Judge:
    """Keeps an estimator's curves, and the best parameters where held-out rows stop the fit early."""

    def __init__(
        self,
        estimator: Any,
        objective: Objective,
        data: Reported,
        held_out: HeldOut | None,
        callbacks: Any,
        epochs: int,
    ) -> None:
        self.estimator, self.objective, self.held_out, self.epochs = estimator, objective, held_out, epochs
        self.callbacks: Sequence[Callable[[EpochReport], Any]] = callbacks
        self.began = time.perf_counter()
        self.stops_early = bool(estimator.early_stopping) and held_out is not None
        if held_out is not None:
            for name in ("validation_scores_", "validation_loss_curve_"):
                if getattr(estimator, name, None) is None:
                    setattr(estimator, name, [])
        if self.stops_early and estimator.best_validation_score_ is None:
            estimator.best_validation_score_ = -np.inf
        self.best: Array | None = None
        judged = None if held_out is None else held_out.data.examples
        shown = TrainingData(data.examples, judged, places=data.places)
        self.sample = shown.sample() if callbacks else None

    def end_epoch(self, theta: Array, loss: float, rate: float | None) -> bool:
        """Note the epoch's loss, judge the parameters, tell the callbacks; whether one of them stops."""
        estimator = self.estimator
        estimator.loss_ = loss
        estimator.n_iter_ += 1
        estimator.loss_curve_.append(loss)
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {loss:.8f}")
        validation_loss, score = self._judge_held_out(theta, loss)
        if self.stops_early and score is not None:
            self._judge_score(theta, score)
        else:
            self._judge_loss(loss)
        attend(estimator.n_iter_ / self.epochs)
        if self.sample is None:
            return False
        parameters = Parameters(self.objective.network, theta.copy())
        parameters.flat.flags.writeable = False
        report = EpochReport(
            epoch=estimator.n_iter_,
            epochs=self.epochs,
            loss=loss,
            validation_loss=validation_loss,
            validation_metric=score,
            learning_rate=rate,
            gradient_norm=None,
            seconds=time.perf_counter() - self.began,
            theta=parameters,
            sample=self.sample,
        )
        with turn():
            answers = [callback(report) for callback in self.callbacks]  # each is told, whatever another says
        return any(np.any(answer) for answer in answers)

    def _judge_held_out(self, theta: Array, loss: float) -> tuple[float | None, float | None]:
        """Loss and score on the held-out rows, noted."""
        held_out, estimator = self.held_out, self.estimator
        if held_out is None:
            return None, None
        examples = held_out.data.examples
        own, y_hat = self.objective.engine.evaluate(theta, examples.X, examples.Y, examples.scale())
        finite = bool(np.isfinite(loss) and np.isfinite(y_hat).all())
        score = np.nan
        if finite:
            score = float(estimator._validation_score(y_hat, held_out.columns, examples.weights))
        validation_loss = self.objective.reported(own, held_out.data)
        estimator.validation_scores_.append(score)
        estimator.validation_loss_curve_.append(validation_loss)
        if estimator.verbose:
            print(f"Validation score: {score:f}")
        return validation_loss, score

    def _judge_score(self, theta: Array, score: float) -> None:
        estimator = self.estimator
        stands = score < estimator.best_validation_score_ + estimator.tol
        estimator._no_improvement_count = estimator._no_improvement_count + 1 if stands else 0
        if score > estimator.best_validation_score_:
            estimator.best_validation_score_ = score
            self.best = theta.copy()

    def _judge_loss(self, loss: float) -> None:
        estimator = self.estimator
        best = np.inf if estimator.best_loss_ is None else estimator.best_loss_
        stands = loss > best - estimator.tol
        estimator._no_improvement_count = estimator._no_improvement_count + 1 if stands else 0
        estimator.best_loss_ = min(loss, best)

    @property
    def stands_still(self) -> bool:
        """Whether too many epochs in a row brought nothing."""
        standing: bool = self.estimator._no_improvement_count > self.estimator.n_iter_no_change
        return standing

    @property
    def message(self) -> str:
        """scikit-learn's words for a standstill."""
        watched = "Validation score" if self.stops_early else "Training loss"
        return (
            f"{watched} did not improve more than tol={self.estimator.tol:f} for "
            f"{self.estimator.n_iter_no_change} consecutive epochs."
        )

    def kept(self, theta: Array) -> Array:
        """Parameters to keep: the best where held-out rows judged them, else those given."""
        return theta if self.best is None else self.best
