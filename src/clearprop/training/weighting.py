"""What is done to targets and weights before training: class weights and label smoothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.examples import BLOCK, Examples
from clearprop.errors import SpecificationError
from clearprop.formulas.losses import Loss
from clearprop.metrics import decide, is_multilabel

ClassWeight: TypeAlias = Mapping[int, float] | Literal["balanced"]


def class_weights(loss: Loss, Y: Array, weights: Array | None, class_weight: ClassWeight) -> Array:
    """Weight of each class 0..K-1, (K,) float64.

    Parameters
    ----------
    Y : ndarray (m, n_L)
        Checked targets of the training rows.
    weights : ndarray (m,) or None
        Their own weights; "balanced" gives class k the weight sum w / (K * sum of w in k), so that every
        class there is counts the same (weights included, so a weight of 2 equals a repeated row).
    class_weight : mapping from class index to weight, or "balanced"
        Classes left out of a mapping weigh 1.

    Raises
    ------
    SpecificationError
        When the targets are not classes, or a class or a weight makes no sense.
    """
    if not loss.for_classes or is_multilabel(loss, Y):
        raise SpecificationError(
            f"class_weight is for targets that are classes, one for each row, and loss {loss.name!r} has "
            "other targets here; give sample_weight instead"
        )
    n_classes = max(Y.shape[1], 2)
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise SpecificationError(
                f"class_weight is a mapping from class to weight, or 'balanced', not {class_weight!r}"
            )
        totals = np.bincount(decide(loss, Y), weights=weights, minlength=n_classes)
        present = totals > 0
        balanced = totals.sum() / (present.sum() * np.where(present, totals, 1.0))
        return np.where(present, balanced, 1.0)
    by_class = np.ones(n_classes)
    for k, weight in class_weight.items():
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 0 <= k < n_classes:
            raise SpecificationError(
                f"class_weight has class {k!r}, and the network's classes are 0 to {n_classes - 1}"
            )
        if not isinstance(weight, int | float | np.number) or not 0 <= weight < np.inf:
            raise SpecificationError(f"class_weight[{k}] is a number from 0, not {weight!r}")
        by_class[k] = weight
    return by_class


def weighted(loss: Loss, examples: Examples, by_class: Array | None) -> Examples:
    """The examples with their weights multiplied by those of their classes (None: as they are)."""
    if by_class is None:
        return examples
    own = np.empty(len(examples))
    for first in range(0, len(examples), BLOCK):
        rows = slice(first, first + BLOCK)
        own[rows] = by_class[decide(loss, examples.Y[rows])]
    if examples.weights is not None:
        own *= examples.weights
    return Examples(examples.X, examples.Y, own)


def smoothed(loss: Loss, examples: Examples, label_smoothing: float) -> Examples:
    """The examples with targets mixed with the uniform ones: (1 - s) y + s / K.

    Raises
    ------
    SpecificationError
        When `label_smoothing` is not from 0 to below 1, or the targets are not probabilities.

    References
    ----------
    arXiv:1512.00567
    """
    if isinstance(label_smoothing, bool) or not isinstance(label_smoothing, int | float | np.number):
        raise SpecificationError(f"label_smoothing is a number from 0 to below 1, not {label_smoothing!r}")
    if not 0 <= label_smoothing < 1:
        raise SpecificationError(f"label_smoothing is from 0 to below 1, not {label_smoothing!r}")
    if label_smoothing == 0:
        return examples
    if loss.targets not in ("distribution", "probabilities"):
        raise SpecificationError(
            f"label_smoothing mixes probabilities, and loss {loss.name!r} takes other targets; use a "
            "cross-entropy, or leave label_smoothing at 0"
        )
    real = examples.Y.dtype.type
    uniform = 1 / examples.Y.shape[1] if loss.targets == "distribution" else 0.5
    Y = examples.Y * real(1 - label_smoothing)
    Y += real(label_smoothing * uniform)
    return Examples(examples.X, Y, examples.weights)
