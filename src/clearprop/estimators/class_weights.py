"""Class weights: learnt from the training rows, then the same for every row that is judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from clearprop.arrays import Array


def weights_of_classes(setting: Any, classes: Array, Y: Array, several: bool) -> list[Array] | None:
    """Weight of each class of each target, or None.

    Parameters
    ----------
    setting : mapping from label to weight, "balanced", or for several labels a list of mappings
    classes : ndarray (K,)
    Y : bool ndarray (m, n)
        One column a class, or a single one for two; one column a label.
    several : bool
        Whether rows bear several labels at once: each column is a target of its own, with classes 0 and 1.

    Raises
    ------
    ValueError
        As scikit-learn's `compute_class_weight`, and for weights that are negative or not finite.
    """
    if setting is None:
        return None
    if not several:
        found = [compute_class_weight(setting, classes=classes, y=classes[_indices(Y)])]
    else:
        if setting != "balanced" and (not isinstance(setting, Sequence) or len(setting) != Y.shape[1]):
            raise ValueError(
                f"class_weight for several labels at once is 'balanced' or a list of {Y.shape[1]} mappings "
                f"from 0 and 1 to weights, not {setting!r}"
            )
        each = [setting] * Y.shape[1] if setting == "balanced" else list(setting)
        found = [_of_a_label(own, Y[:, k].astype(int)) for k, own in enumerate(each)]
    for weights in found:
        if not np.isfinite(weights).all() or (weights < 0).any():
            raise ValueError(f"class_weight has {weights.min():g} among its weights; they are finite, from 0")
    return found


def _of_a_label(setting: Any, y: Array) -> Array:
    """Weights of 0 and 1; of the one that is there, where the other is not."""
    there = np.unique(y)
    weights = np.ones(2)
    weights[there] = compute_class_weight(setting, classes=there, y=y)
    return weights


def weights_of_rows(found: list[Array] | None, Y: Array, several: bool) -> Array | None:
    """Weight of each row (m,), the product over its targets, or None.

    >>> weights_of_rows([np.array([1.0, 3.0])], np.array([[True], [False]]), several=False)
    array([3., 1.])
    """
    if found is None:
        return None
    if not several:
        return np.asarray(found[0][_indices(Y)], dtype=np.float64)
    return np.prod([weights[Y[:, k].astype(int)] for k, weights in enumerate(found)], axis=0)


def _indices(Y: Array) -> Array:
    """Class index of each row."""
    return Y[:, 0].astype(int) if Y.shape[1] == 1 else Y.argmax(axis=1)
