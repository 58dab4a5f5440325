"""Curves of scores against the truth: ROC, precision and recall, and how far a probability can be believed.

The numbers are scikit-learn's: `roc_curve(drop_intermediate=False)`, `precision_recall_curve`,
`average_precision_score` and `calibration_curve`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array, BoolArray, IntArray

BINS = 10  #: of a reliability diagram


@dataclass(frozen=True, eq=False)
class Curve:
    """Points x, y (n,) of a curve, and the area it is summed up by."""

    x: Array
    y: Array
    area: float

    def steps(self) -> tuple[Array, Array]:
        """The same points joined as average precision sums them: along at y, then up or down."""
        return np.repeat(self.x, 2)[1:], np.repeat(self.y, 2)[:-1]


def _by_threshold(positive: BoolArray, scores: Array) -> tuple[IntArray, IntArray]:
    """Rows at or above each distinct score, from the highest: those that are positive, and the others."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    found = np.cumsum(positive[order])[last]
    return found, last + 1 - found


def roc_curve(positive: BoolArray, scores: Array) -> Curve | None:
    """Share of the positives found against the share of the negatives taken for one; None without both.

    >>> curve = roc_curve(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]))
    >>> curve.x, curve.y, curve.area
    (array([0. , 0. , 0.5, 0.5, 1. ]), array([0. , 0.5, 0.5, 1. , 1. ]), 0.75)
    """
    found, wrong = _by_threshold(positive, scores)
    if not found[-1] or not wrong[-1]:
        return None
    x, y = np.append(0, wrong) / wrong[-1], np.append(0, found) / found[-1]
    return Curve(x, y, float((np.diff(x) * (y[1:] + y[:-1]) / 2).sum()))


def precision_recall_curve(positive: BoolArray, scores: Array) -> Curve | None:
    """Precision (y) against recall (x), from the lowest threshold to (0, 1); None without positives.

    The area is the average precision: the sum of each step of recall times the precision there.
    """
    found, wrong = _by_threshold(positive, scores)
    if not found[-1]:
        return None
    precision = np.append((found / (found + wrong))[::-1], 1.0)
    recall = np.append((found / found[-1])[::-1], 0.0)
    return Curve(recall, precision, float(-(np.diff(recall) * precision[:-1]).sum()))


@dataclass(frozen=True, eq=False)
class Reliability:
    """Probabilities in bins of equal width, beside the share that came true; arrays (BINS,), NaN if empty.

    Attributes
    ----------
    predicted, observed : ndarray
    counts : ndarray of int64
    error : float
        Expected calibration error: the mean of |observed - predicted|, weighted by the counts.
    """

    predicted: Array
    observed: Array
    counts: IntArray
    error: float


def reliability(true: BoolArray, p: Array, bins: int = BINS) -> Reliability:
    """How often what is given probability p comes true.

    Notes
    -----
    Guo et al., On Calibration of Modern Neural Networks (2017), for the expected calibration error.

    >>> found = reliability(np.array([True, False, True, True]), np.array([0.95, 0.15, 0.85, 0.15]))
    >>> found.counts[[1, 8, 9]], found.observed[1], round(found.error, 3)
    (array([2, 1, 1]), np.float64(0.5), 0.225)
    """
    place = np.searchsorted(np.linspace(0.0, 1.0, bins + 1)[1:-1], p)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        predicted = np.bincount(place, weights=p, minlength=bins) / counts
        observed = np.bincount(place, weights=true, minlength=bins) / counts
    gaps = np.abs(observed - predicted)[counts > 0]
    return Reliability(predicted, observed, counts, float(gaps @ counts[counts > 0] / len(p)))
