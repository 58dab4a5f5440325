"""The rows that a report judges a model by: what is true, what it answers, and its metrics with intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.metrics import accuracy, log_loss, r2, rmse
from clearprop.report.importance import Importance, permutation_importance, rows_for
from clearprop.report.resampling import (
    Counted,
    Interval,
    interval_of,
    intervals,
    mean_of,
    r2_of,
    resamples_for,
    rmse_of,
    roc_auc_of,
)
from clearprop.table_model import TableModel
from clearprop.table_model.baselines import METRICS, Evaluation
from clearprop.table_model.plan import features
from clearprop.tables import Table

FEWEST_ROWS = 10  #: fewer are too much alike when they are drawn again to say anything for sure
MOST_RANKED = 2 * 10**6  #: scores to rank in each resample; beyond it the area has no interval

Origin = Literal["held out", "training", "given"]


@dataclass(frozen=True, eq=False)
class Judged:
    """Rows with a target, and what a model says of them.

    Attributes
    ----------
    table : Table
    origin : {"held out", "training", "given"}
        Whether training saw the rows: no, yes, or not known.
    evaluation : Evaluation
    X : ndarray (m, d)
        Encoded.
    y : ndarray
        Class indices (m,), or numbers (m, k) in their own units.
    y_hat : ndarray (m, n_L)
        As the network gives them.
    answers : ndarray
        Probabilities or scores (m, K) of classes; or numbers (m, k) in their own units.
    """

    table: Table
    origin: Origin
    evaluation: Evaluation
    X: Array
    y: Array
    y_hat: Array
    answers: Array

    def __len__(self) -> int:
        return len(self.X)

    @property
    def words(self) -> str:
        """What the rows are."""
        rows = f"{len(self):,} row{'' if len(self) == 1 else 's'}"
        return {
            "held out": f"{rows} held out from training",
            "training": f"the {rows} of the training themselves",
            "given": f"{rows} of {self.table.source}",
        }[self.origin]


@dataclass(frozen=True)
class Score:
    """A metric of the network beside the baseline's.

    Attributes
    ----------
    value, baseline : float or None
    interval : (float, float) or None
        Bootstrap interval of the value, 95 %.
    gain : (float, float) or None
        Bootstrap interval of how much better than the baseline the network is, on the same resamples.
    rows, resamples : int
    """

    name: str
    value: float | None
    baseline: float | None
    interval: Interval | None
    gain: Interval | None
    rows: int
    resamples: int

    @property
    def title(self) -> str:
        """What the metric is called."""
        return METRICS[self.name][0]

    @property
    def verdict(self) -> Literal["better", "worse", "open"]:
        """What the resamples say: better or worse than the baseline, or neither for sure."""
        if self.gain is None or self.gain[0] <= 0 <= self.gain[1] or self.rows < FEWEST_ROWS:
            return "open"
        return "better" if self.gain[0] > 0 else "worse"


def judge(model: TableModel, table: Table, origin: Origin) -> Judged:
    """Judge a model on rows of a table; those without a target are left out.

    Raises
    ------
    DataError
        When no row has a target, or a class is one that training did not see.
    """
    evaluation = model.judge_table(table)
    table = table.take(model.target.known_rows(table))
    X = features(model.encoder, table)
    y_hat = model.model.predict(X)
    if model.target.task == "numbers":
        y = model.target.inverse(model.target.transform(table))
        answers = np.asarray(model.answers(y_hat), dtype=np.float64).reshape(y.shape)
    else:
        y = model.target.transform(table)
        answers = model.probabilities(y_hat) if model.gives_probabilities else y_hat.astype(np.float64)
    return Judged(table, origin, evaluation, X, y, y_hat, answers)


def scores_of(model: TableModel, judged: Judged, seed: int) -> tuple[Score, ...]:
    """Every metric of the evaluation, with bootstrap intervals."""
    own, baseline = _counted(model, judged)
    resamples = resamples_for(len(judged), judged.answers.shape[1] if "roc_auc" in own else 1)
    both = {**own, **{f"baseline {name}": each for name, each in baseline.items()}}
    drawn = intervals(both, len(judged), resamples, seed)
    found = []
    for name, value in judged.evaluation.metrics.items():
        first = judged.evaluation.baseline[name]
        other = drawn.get(f"baseline {name}", np.array(np.nan if first is None else first))
        sign = 1 if METRICS[name][1] else -1
        known = value is not None and name in drawn
        interval = interval_of(drawn[name]) if known else None
        gain = interval_of(sign * (drawn[name] - other)) if known and first is not None else None
        found.append(Score(name, value, first, interval, gain, len(judged), resamples))
    return tuple(found)


def _counted(model: TableModel, judged: Judged) -> tuple[dict[str, Counted], dict[str, Counted]]:
    """Metrics of the network and of the baseline, of resamples."""
    if model.target.task == "numbers":
        means = np.broadcast_to(model.target.mean, judged.y.shape)
        own, other = (_of_numbers(judged.y, answers) for answers in (judged.answers, means))
        return own, other
    y = judged.y
    shares = np.array(model.shares)
    own = {"accuracy": mean_of((model.class_indices(judged.y_hat) == y).astype(np.float64))}
    other = {"accuracy": mean_of((y == int(np.argmax(shares))).astype(np.float64))}
    if model.gives_probabilities:
        own["log_loss"] = mean_of(_log_losses(y, judged.answers))
        other["log_loss"] = mean_of(_log_losses(y, np.broadcast_to(shares, judged.answers.shape)))
    if judged.evaluation.metrics["roc_auc"] is not None and judged.answers.size <= MOST_RANKED:
        own["roc_auc"] = roc_auc_of(y, judged.answers)
    return own, other


def _of_numbers(Y: Array, y_hat: Array) -> dict[str, Counted]:
    errors = y_hat - Y
    return {
        "rmse": rmse_of(errors),
        "mae": mean_of(np.abs(errors).mean(axis=1)),
        "r2": r2_of(Y, errors),
    }


def _log_losses(y: IntArray, p: Array) -> Array:
    epsilon = np.finfo(np.float64).eps
    return -np.log(np.clip(p, epsilon, 1 - epsilon)[np.arange(len(y)), y])


def importance_of(model: TableModel, judged: Judged, seed: int) -> Importance:
    """Permutation importance on the judged rows, or on a sample of many; by what the training is about.

    Log-loss for probabilities, accuracy for scores, RMSE for one target and R2 for several.
    """
    columns = sum(bool(encoding.feature_names) for encoding in model.encoder.columns)
    rows = rows_for(len(judged), columns, model.network.n_parameters)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(judged))[:rows])
    y = judged.y[chosen]
    name, worth = _worth(model, y)
    return permutation_importance(model, judged.X[chosen], worth, name, seed)


def _worth(model: TableModel, y: Array) -> tuple[str, Callable[[Array], float]]:
    """The score's name, and outputs -> score, higher better."""
    if model.target.task == "classes":
        if model.gives_probabilities:
            return "log_loss", lambda y_hat: -log_loss(y, model.probabilities(y_hat))
        return "accuracy", lambda y_hat: accuracy(y, model.class_indices(y_hat))

    def numbers(y_hat: Array) -> Array:
        return np.asarray(model.answers(y_hat), dtype=np.float64).reshape(y.shape)

    if y.shape[1] > 1 and r2(y, y) is not None:
        return "r2", lambda y_hat: r2(y, numbers(y_hat)) or 0.0
    return "rmse", lambda y_hat: -rmse(y, numbers(y_hat))
