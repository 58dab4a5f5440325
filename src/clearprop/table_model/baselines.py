"""The trivial prediction that a network has to beat, and the metrics of both beside each other.

The baseline knows the target of the training rows and no feature: for classes it gives each class its share
of the training rows and decides for the largest; for numbers it gives their mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.errors import DataError
from clearprop.metrics import accuracy, confusion, log_loss, mae, r2, rmse, roc_auc
from clearprop.tables import Target

Scores = Mapping[str, float | None]  #: metric -> value; None where it has no meaning on the rows

#: how a report writes each metric, and whether more is better
METRICS: Mapping[str, tuple[str, bool]] = {
    "accuracy": ("accuracy", True),
    "log_loss": ("log-loss", False),
    "roc_auc": ("ROC AUC", True),
    "rmse": ("RMSE", False),
    "mae": ("MAE", False),
    "r2": ("R2", True),
}


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a model on some rows, beside the baseline's.

    Attributes
    ----------
    rows : int
        Rows judged.
    metrics, baseline : mapping from metric to float or None
        Classes: accuracy, log_loss and roc_auc; numbers, in their own units: rmse, mae and r2, the mean over
        several targets.
    by_target : mapping from target to metrics
        Only where there are several targets.
    confusion : ndarray of int64 (K, K) or None
        Row: true class; column: predicted class.
    classes : tuple
        Labels in the order of the confusion table.
    """

    rows: int
    metrics: Scores
    baseline: Scores
    by_target: Mapping[str, Scores] = field(default_factory=dict)
    confusion: IntArray | None = None
    classes: tuple[Any, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON types)."""
        plain: dict[str, Any] = {
            "rows": self.rows,
            "metrics": dict(self.metrics),
            "baseline": dict(self.baseline),
        }
        if self.by_target:
            plain["by_target"] = {name: dict(scores) for name, scores in self.by_target.items()}
        if self.confusion is not None:
            plain["classes"] = list(self.classes)
            plain["confusion"] = self.confusion.tolist()
        return plain


def class_shares(target: Target, y: IntArray, weights: Array | None = None) -> tuple[float, ...]:
    """Share of each class among training rows y (m,) with weights (m,); empty for numbers.

    >>> target = Target(("sex",), "classes", "text", ("f", "m"), (), (), "")
    >>> class_shares(target, np.array([0, 1, 1, 1]))
    (0.25, 0.75)
    """
    if target.task == "numbers":
        return ()
    scaled = None if weights is None else weights / weights.max()
    counts = np.bincount(y, scaled, minlength=len(target.classes))
    return tuple((counts / counts.sum()).tolist())


def judge_classes(
    target: Target, shares: tuple[float, ...], y: IntArray, decided: IntArray, scores: Array, *, proper: bool
) -> Evaluation:
    """Metrics of classes.

    Parameters
    ----------
    y, decided : ndarray of int64 (m,)
        True and predicted class indices.
    scores : ndarray (m, K)
        Probabilities if `proper`, else any scores (no log-loss then).
    shares : tuple of float
        Of each class in training.
    """
    prior = np.broadcast_to(np.array(shares), (len(y), len(shares)))
    usual = np.full(len(y), int(np.argmax(shares)))
    own: dict[str, float | None] = {"accuracy": accuracy(y, decided)}
    baseline: dict[str, float | None] = {"accuracy": accuracy(y, usual)}
    if proper:
        own["log_loss"] = log_loss(y, scores)
        baseline["log_loss"] = log_loss(y, prior)
    own["roc_auc"] = roc_auc(y, scores)
    baseline["roc_auc"] = None if own["roc_auc"] is None else 0.5
    table = confusion(y, decided, len(target.classes))
    return Evaluation(len(y), own, baseline, {}, table, target.classes)


def judge_numbers(target: Target, Y: Array, y_hat: Array) -> Evaluation:
    """Metrics of numbers Y (m, k) and predictions y_hat (m, k), both in their own units."""
    baseline = np.broadcast_to(target.mean, Y.shape)
    own, other = _scores(Y, y_hat), _scores(Y, baseline)
    by_target = {
        name: _scores(Y[:, [j]], y_hat[:, [j]]) for j, name in enumerate(target.columns) if Y.shape[1] > 1
    }
    return Evaluation(len(Y), own, other, by_target)


def _scores(Y: Array, y_hat: Array) -> dict[str, float | None]:
    with np.errstate(over="ignore", invalid="ignore"):
        values = {"rmse": rmse(Y, y_hat), "mae": mae(Y, y_hat), "r2": r2(Y, y_hat)}
    return {name: value if value is None or np.isfinite(value) else None for name, value in values.items()}


def share_from(plain: object) -> float | None:
    """The share of rows held out, read back from a model file; DataError when it is none."""
    if plain is None or (isinstance(plain, float) and 0 < plain < 1):
        return plain
    raise DataError(f"the target has a 'test' of {plain!r:.40}; save the model again with clearprop")


def shares_from(plain: object, target: Target) -> tuple[float, ...]:
    """Class shares read back from a model file; DataError when they do not fit the target."""
    given = plain if isinstance(plain, list) else []
    shares = tuple(float(s) for s in given if isinstance(s, int | float) and 0 <= s <= 1)
    if isinstance(plain, list) and len(shares) == len(given) == len(target.classes):
        return shares
    raise DataError(
        "the target has 'shares' that do not fit its classes; save the model again with clearprop"
    )


def roles_from(plain: object) -> dict[str, str]:
    """The columns for weights, groups and times, read back from a model file; DataError for anything else."""
    named = isinstance(plain, dict) and all(isinstance(name, str) for name in plain.values())
    if isinstance(plain, dict) and named and plain.keys() <= {"weight", "group", "time"}:
        return plain
    raise DataError("the target has 'roles' that are none; save the model again with clearprop")
