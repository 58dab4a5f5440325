"""How good predictions are: functions over plain arrays, and the table that training and reports read.

Labels are (m,) arrays of anything comparable, or (m, k) rows of 0/1 for several labels at once; scores are
what a network gives, (m, n_L). A metric without a meaning on the data at hand (the area under a curve of a
single class) is None, never a made-up number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, IntArray
from clearprop.errors import DataError, SpecificationError
from clearprop.formulas.losses import Loss

BLOCK = 2**16  #: rows looked at in one go, where more would take memory


def _pair(y: npt.ArrayLike, y_hat: npt.ArrayLike) -> tuple[Array, Array]:
    """Both as arrays of one length; a single column is taken as 1-D."""
    first, second = (np.asarray(given) for given in (y, y_hat))
    if len(first) != len(second) or len(first) == 0:
        raise DataError(f"a metric compares rows one by one; there are {len(first)} and {len(second)}")
    return tuple(a[:, 0] if a.ndim == 2 and a.shape[1] == 1 else a for a in (first, second))  # type: ignore[return-value]


def _mean(values: Array, sample_weight: npt.ArrayLike | None) -> float:
    return float(np.average(values, weights=None if sample_weight is None else np.asarray(sample_weight)))


def accuracy(y: npt.ArrayLike, y_hat: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float:
    """Share of rows whose predicted label (all labels of the row, if several) is right.

    Parameters
    ----------
    y, y_hat : array (m,) or (m, k)
        True and predicted labels.
    sample_weight : array (m,), optional

    Examples
    --------
    >>> accuracy(["a", "b", "b"], ["a", "b", "a"], sample_weight=[1, 1, 2])
    0.5
    """
    true, predicted = _pair(y, y_hat)
    right = true == predicted
    return _mean(right if right.ndim == 1 else right.all(axis=1), sample_weight)


def log_loss(
    y: npt.ArrayLike, probabilities: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
) -> float:
    """Mean of -log of the probability given to the true class, in nats.

    Parameters
    ----------
    y : array (m,) of class indices, or (m, k) rows of 0/1 for several labels (summed over them)
    probabilities : array (m, K), or (m,) / (m, 1) probabilities of class 1
        Held away from 0 and 1 by the machine epsilon of their dtype.

    Examples
    --------
    >>> round(log_loss([0, 1], [[0.5, 0.5], [0.75, 0.25]]), 4)
    1.0397
    """
    true, p = _pair(y, probabilities)
    p = p if p.dtype.kind == "f" else p.astype(np.float64)
    epsilon = np.finfo(p.dtype).eps
    of_classes = true.ndim == 1 and p.ndim == 2
    if of_classes:
        p = _of_true_class(p, true)
    p = np.clip(p, epsilon, 1 - epsilon).astype(np.float64, copy=False)  # an array of our own from here on
    if of_classes:
        return -_mean(np.log(p, out=p), sample_weight)
    terms = np.log(p)
    np.log1p(np.negative(p, out=p), out=p)
    np.copyto(terms, p, where=true != 1)
    return -_mean(terms if terms.ndim == 1 else terms.sum(axis=1), sample_weight)


def _of_true_class(p: Array, true: Array) -> Array:
    """Each row's number (m,) in the column of its class."""
    found = np.empty(len(p), dtype=p.dtype)
    for rows in _blocks(len(p)):
        block = p[rows]
        found[rows] = block[np.arange(len(block)), true[rows].astype(np.int64)]
    return found


def _blocks(m: int) -> Iterator[slice]:
    """Slices that together are all m rows: what is made of them beside the data stays small."""
    return (slice(first, first + BLOCK) for first in range(0, m, BLOCK))


def roc_auc(
    y: npt.ArrayLike, scores: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
) -> float | None:
    """Area under the ROC curve: the chance that a random positive scores above a random negative.

    Several columns of scores: the plain mean over classes, each against the rest. Ties count half.

    Parameters
    ----------
    y : array (m,) of class indices, or (m, k) rows of 0/1
    scores : array (m,), (m, 1) or (m, K)
        Any increasing function of the probability will do.

    Returns
    -------
    float or None
        None when a class is missing, or has every row.

    Examples
    --------
    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    true, given = _pair(y, scores)
    weights = _weights(sample_weight)
    if given.ndim == 1:
        return _area(true == 1, given, weights)
    if true.ndim == 1 and given.shape[1] == 2:
        return _area(true == 1, given[:, 1], weights)
    areas: list[float] = []
    for k in range(given.shape[1]):
        area = _area(true[:, k] == 1 if true.ndim == 2 else true == k, given[:, k], weights)
        if area is None:
            return None
        areas.append(area)
    return float(np.mean(areas))


def _area(positive: Array, scores: Array, weights: Array | None) -> float | None:
    """Weighted share of (positive, negative) pairs in the right order, ties half."""
    if weights is not None:
        return _weighted_area(positive, scores, weights)
    above, below = np.sort(scores[positive]), np.sort(scores[~positive])
    twice = 0  # pairs in the right order count 2, ties 1
    for rows in _blocks(len(above)):
        block = above[rows]
        twice += int(np.searchsorted(below, block, "left").sum())
        twice += int(np.searchsorted(below, block, "right").sum())
    total = float(len(above)) * float(len(below))
    return twice / 2 / total if total else None


def _weighted_area(positive: Array, scores: Array, weights: Array) -> float | None:
    """The same with weights, which are added up for each score in the order of the rows."""
    group = _ranks(scores)
    up, down = np.zeros(int(group.max()) + 1), np.zeros(int(group.max()) + 1)
    for rows in _blocks(len(group)):
        own, right = weights[rows], positive[rows]
        np.add.at(up, group[rows], own * right)
        np.add.at(down, group[rows], own * ~right)
    del group
    total, before = up.sum() * down.sum(), 0.0
    for rows in _blocks(len(up)):
        lower = down[rows].copy()
        lower[0] += before
        np.cumsum(lower, out=lower)
        before = lower[-1]
        up[rows] *= lower - down[rows] / 2
    return float(up.sum() / total) if total else None


def _ranks(scores: Array) -> IntArray:
    """Place of each score (m,) among the different ones, from 0; what is not a number comes last."""
    order = np.argsort(scores)
    rank: IntArray = np.empty(len(order), dtype=np.int32 if len(order) < 2**31 else np.int64)
    last, previous = 0, scores[order[:1]]
    for rows in _blocks(len(order)):
        own = scores[order[rows]]
        before = np.concatenate((previous, own[:-1]))
        places = last + np.cumsum((own != before) & ~((own != own) & (before != before)))
        rank[order[rows]] = places
        last, previous = int(places[-1]), own[-1:]
    return rank


def confusion(y: npt.ArrayLike, y_hat: npt.ArrayLike, n_classes: int | None = None) -> IntArray:
    """Counts (K, K): row = true class, column = predicted class.

    >>> confusion([0, 1, 1], [0, 1, 0])
    array([[1, 0],
           [1, 1]])
    """
    true, predicted = (labels.astype(np.int64) for labels in _pair(y, y_hat))
    n = int(max(true.max(), predicted.max())) + 1 if n_classes is None else n_classes
    return np.bincount(true * n + predicted, minlength=n * n).reshape(n, n).astype(np.int64)


def rmse(Y: npt.ArrayLike, y_hat: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float:
    """Root of the mean squared error; several outputs: the mean of their roots.

    >>> rmse([0.0, 0.0], [3.0, 3.0])
    3.0
    """
    return float(np.mean(np.sqrt(_by_output((_residuals(Y, y_hat)) ** 2, sample_weight))))


def mae(Y: npt.ArrayLike, y_hat: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float:
    """Mean absolute error; several outputs: the mean over them.

    >>> mae([0.0, 0.0], [3.0, -1.0])
    2.0
    """
    return float(np.mean(_by_output(np.abs(_residuals(Y, y_hat)), sample_weight)))


def r2(Y: npt.ArrayLike, y_hat: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float | None:
    """Share of the variance explained; several outputs: the mean; None for a constant target.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.5
    """
    true, _ = _pair(Y, y_hat)
    left = _by_output(_residuals(Y, y_hat) ** 2, sample_weight)
    center = np.average(true.astype(np.float64), axis=0, weights=_weights(sample_weight))
    spread = _by_output((true - center) ** 2, sample_weight)
    return None if (spread == 0).any() else float(np.mean(1 - left / spread))


def _residuals(Y: npt.ArrayLike, y_hat: npt.ArrayLike) -> Array:
    true, predicted = _pair(Y, y_hat)
    if true.shape != predicted.shape:
        raise DataError(f"targets have shape {true.shape} and predictions {predicted.shape}")
    residuals = predicted.astype(np.float64)
    residuals -= true
    return residuals


def _weights(sample_weight: npt.ArrayLike | None) -> Array | None:
    return None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)


def _by_output(values: Array, sample_weight: npt.ArrayLike | None) -> Array:
    """Weighted mean over the rows of each output, (k,)."""
    columns = values if values.ndim == 2 else values[:, None]
    return np.asarray(np.average(columns, axis=0, weights=_weights(sample_weight)))


Judges = Literal["labels", "probabilities", "scores", "numbers"]


@dataclass(frozen=True)
class Metric:
    """A metric by which a network's outputs are judged, and early stopping may go.

    Attributes
    ----------
    name : str
    function : callable (y, y_hat, sample_weight) -> float or None
    judges : {"labels", "probabilities", "scores", "numbers"}
        What `function` is given as y_hat: predicted class indices, probabilities or any scores of the
        classes (m, n_L), or the numbers of a regression. `y` is class indices, or numbers.
    higher_is_better : bool

    Examples
    --------
    >>> Metric("worst", lambda y, y_hat, w: float(abs(y - y_hat).max()), "numbers", False).name
    'worst'
    """

    name: str
    function: Callable[[Array, Array, Array | None], float | None]
    judges: Judges
    higher_is_better: bool

    def fits(self, loss: Loss) -> bool:
        """Whether outputs trained on this loss can be judged by the metric."""
        if self.judges == "numbers" or not loss.for_classes:
            return self.judges == "numbers" and not loss.for_classes
        return self.judges != "probabilities" or loss.targets != "signs"

    def of(self, loss: Loss, Y: Array, y_hat: Array, sample_weight: Array | None = None) -> float | None:
        """The metric of y_hat (m, n_L) against checked targets Y (m, n_L) of a network with that loss."""
        if self.judges == "numbers":
            return self.function(Y, y_hat, sample_weight)
        several = is_multilabel(loss, Y)
        given = decide(loss, y_hat, several) if self.judges == "labels" else y_hat
        return self.function(decide(loss, Y, several), given, sample_weight)


#: the shipped metrics, by name
metrics: Mapping[str, Metric] = MappingProxyType(
    {
        "accuracy": Metric("accuracy", accuracy, "labels", True),
        "log_loss": Metric("log_loss", log_loss, "probabilities", False),
        "roc_auc": Metric("roc_auc", roc_auc, "scores", True),
        "rmse": Metric("rmse", rmse, "numbers", False),
        "mae": Metric("mae", mae, "numbers", False),
        "r2": Metric("r2", r2, "numbers", True),
    }
)


def as_metric(metric: str | Metric, loss: Loss) -> Metric:
    """Metric of that name, or the metric itself, if it can judge this loss's outputs.

    Raises
    ------
    SpecificationError
        When there is no such metric, or it does not fit; the message lists those that do.
    """
    row = metrics.get(metric) if isinstance(metric, str) else metric
    if not isinstance(row, Metric) or not row.fits(loss):
        fitting = ", ".join(name for name, known in metrics.items() if known.fits(loss))
        raise SpecificationError(
            f"metric {metric if isinstance(metric, str) else getattr(row, 'name', row)!r} cannot judge a "
            f"network trained on loss {loss.name!r}; those that can: {fitting}, or a Metric of your own"
        )
    return row


def default_metric(loss: Loss) -> Metric:
    """What is shown beside the loss: accuracy for classes, the root mean squared error for numbers."""
    return metrics["accuracy" if loss.for_classes else "rmse"]


def scores_of(
    loss: Loss, Y: Array, y_hat: Array, sample_weight: Array | None = None
) -> dict[str, float | None]:
    """Every shipped metric that fits the loss, by name."""
    return {name: row.of(loss, Y, y_hat, sample_weight) for name, row in metrics.items() if row.fits(loss)}


def is_multilabel(loss: Loss, Y: Array) -> bool:
    """Whether targets (m, n_L > 1) of independent outputs mark other than one class in some row."""
    if Y.shape[1] == 1 or loss.targets == "distribution":
        return False
    marked = np.greater(Y, threshold(loss)).sum(axis=1)
    return bool((marked != 1).any())


def decide(loss: Loss, rows: Array, multilabel: bool = False) -> IntArray:
    """Class indices (m,) of targets or outputs (m, n_L); (m, n_L) of 0/1 for several labels at once."""
    if rows.shape[1] > 1 and not multilabel:
        return rows.argmax(axis=1)
    marked = (rows > threshold(loss)).astype(np.int64)
    return marked if multilabel else marked[:, 0]


def threshold(loss: Loss) -> float:
    """Above it, a single output means the second class."""
    return 0.0 if loss.targets == "signs" else 0.5
