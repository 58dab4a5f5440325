"""The rows a run trains on and the rows it is judged on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, IntArray, compact, generator_of
from clearprop.engines.examples import (
    BLOCK,
    Examples,
    check_examples,
    check_inputs,
    check_targets,
    check_weights,
    scale_of,
)
from clearprop.errors import DataError, SpecificationError
from clearprop.formulas.losses import Loss
from clearprop.metrics import decide, is_multilabel
from clearprop.specification import Network
from clearprop.training.weighting import ClassWeight, class_weights, smoothed, weighted

#: a fraction of the rows, or (X, Y), or (X, Y, weights)
Validation: TypeAlias = float | tuple[Any, ...]

SAMPLE = 512  #: rows of a sample
SPLIT = 2**64 - 1  #: the counter that stands where an epoch stands in the order's generator


@dataclass(frozen=True)
class TrainingData:
    """Training examples as they are trained on, and the held-out ones.

    Attributes
    ----------
    training : Examples
        Class weights in the weights, smoothing in the targets.
    held_out : Examples or None
        Class weights in the weights, so that its loss is the objective; targets as given.
    held_out_weights : ndarray (m,) or None
        The held-out rows' own weights, for metrics.
    rows : ndarray of int or None
        Which of the given rows are trained on; None for all, in their order.
    places : ndarray of int or None
        Where these stand in `training`, if all given rows were left in there; None if it holds no others.
    """

    training: Examples
    held_out: Examples | None = None
    held_out_weights: Array | None = None
    rows: IntArray | None = None
    places: IntArray | None = None

    def __len__(self) -> int:
        """Rows that are trained on."""
        return len(self.training) if self.places is None else len(self.places)

    def scale(self) -> Array:
        """w_i / sum w of the rows that are trained on as one batch (m,), in the dtype of X."""
        weights = self.training.weights
        if self.places is not None and weights is not None:
            weights = weights[self.places]
        return scale_of(len(self), weights, self.training.X.dtype)

    def largest(self) -> tuple[float, float]:
        """Largest size of a number in X and in Y."""
        found = [0.0, 0.0]
        for first in range(0, len(self), BLOCK):
            block = slice(first, first + BLOCK)
            rows = block if self.places is None else self.places[block]
            for k, values in enumerate((self.training.X, self.training.Y)):
                found[k] = max(found[k], float(np.abs(values[rows]).max()))
        return found[0], found[1]

    def sample(self, most: int = SAMPLE) -> TrainingData:
        """At most so many rows of each, evenly spaced and copied: a small, fixed view of the data."""
        held = self.held_out
        weights = self.held_out_weights
        return TrainingData(
            _evenly(self.training, most, self.places),
            None if held is None else _evenly(held, most),
            None if held is None or weights is None else weights[_spaced(len(held), most)],
        )


def _spaced(m: int, most: int) -> IntArray:
    """Row numbers, all of them or `most` evenly spaced ones."""
    return np.arange(m) if m <= most else np.arange(most) * m // most


def _evenly(examples: Examples, most: int, places: IntArray | None = None) -> Examples:
    chosen = _spaced(len(examples) if places is None else len(places), most)
    return examples.take(chosen if places is None else places[chosen])


def prepare(
    network: Network,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    dtype: npt.DTypeLike,
    *,
    seed: int,
    validation: Validation | None,
    sample_weight: npt.ArrayLike | None,
    class_weight: ClassWeight | None,
    label_smoothing: float,
    in_place: bool = False,
) -> TrainingData:
    """Check what the user gave, hold rows out, weigh and smooth.

    Parameters
    ----------
    in_place : bool
        Whether the rows to train on may stay among those held out, instead of being copied from there.

    Raises
    ------
    DataError, SpecificationError
        When data or settings cannot be used; the message says what to do.
    """
    loss = network.loss
    given = check_examples(network, X, Y, dtype, sample_weight)
    training, held_out, kept, places = given, None, None, None
    if isinstance(validation, tuple | list):
        held_out = _own_validation(network, validation, dtype)
    elif validation is not None:
        kept, held = hold_out(loss, given.Y, _fraction(validation), seed)
        kept = compact(kept) if in_place else kept
        held_out = given.take(held)
        del held
        training, places = (given, kept) if in_place else (given.take(kept), None)
    taught = slice(None) if places is None else places
    by_class = None
    if class_weight is not None:
        weights = None if training.weights is None else training.weights[taught]
        by_class = class_weights(loss, training.Y[taught], weights, class_weight)
    ready = smoothed(loss, weighted(loss, training, by_class), label_smoothing)
    del given, training  # targets before they were smoothed
    if ready.weights is not None and not (ready.weights != 0)[taught].any():
        raise DataError("every training row has weight 0; give at least one a positive weight")
    if held_out is None:
        return TrainingData(ready, rows=kept)
    judged = weighted(loss, held_out, by_class)
    if not judged.total_weight():
        raise DataError("every validation row has weight 0; give at least one a positive weight")
    return TrainingData(ready, judged, held_out.weights, kept, places)


def _own_validation(network: Network, validation: Any, dtype: npt.DTypeLike) -> Examples:
    if len(validation) not in (2, 3):
        raise SpecificationError(
            f"validation is a fraction, (X, Y) or (X, Y, weights), not {len(validation)} things"
        )
    inputs = check_inputs(network, validation[0], dtype, "validation X")
    targets = check_targets(network, validation[1], len(inputs), dtype, "validation Y")
    weights = check_weights(validation[2] if len(validation) == 3 else None, len(inputs))
    return Examples(inputs, targets, weights)


def _fraction(validation: Any) -> float:
    number = isinstance(validation, float | np.floating) and 0 < validation < 1
    if not number:
        raise SpecificationError(
            f"validation is a fraction between 0 and 1, (X, Y) or (X, Y, weights), not {validation!r}"
        )
    return float(validation)


def hold_out(loss: Loss, Y: Array, fraction: float, seed: int) -> tuple[IntArray, IntArray]:
    """Rows to train on and rows to hold out, both ascending; a function of (Y, fraction, seed).

    Classes are held out in proportion (largest remainders), and every class keeps a row to train on;
    numbers and several labels at once are held out at random.

    Parameters
    ----------
    Y : ndarray (m, n_L)
        Checked targets.

    Examples
    --------
    >>> from clearprop.formulas.losses import losses
    >>> Y = np.repeat([[0.0], [1.0]], [6, 4], axis=0)
    >>> kept, held = hold_out(losses["binary_cross_entropy"], Y, 0.5, seed=0)
    >>> len(kept), Y[held, 0].sum()
    (5, np.float64(2.0))
    """
    m = len(Y)
    if m < 2:
        raise DataError(f"validation={fraction:g} holds rows out, and there is only {m}; give more, or none")
    wanted = min(max(round(fraction * m), 1), m - 1)
    held = np.zeros(m, dtype=np.bool_)
    if not loss.for_classes or is_multilabel(loss, Y):
        held[generator_of(seed, SPLIT).permutation(m)[:wanted]] = True
        return np.flatnonzero(~held), np.flatnonzero(held)
    classes = decide(loss, Y)
    counts = np.bincount(classes)
    exact = counts * (wanted / m)
    share = np.minimum(np.floor(exact).astype(np.int64), np.maximum(counts - 1, 0))
    for k in np.argsort(-(exact - np.floor(exact)), kind="stable"):
        if share.sum() < wanted and share[k] < counts[k] - 1:
            share[k] += 1
    if not share.any():
        raise DataError(
            f"validation={fraction:g} holds rows out, and every class has a single row; "
            "give more rows, or (X, Y) of your own"
        )
    classes = classes.astype(np.min_scalar_type(len(counts)))  # a byte a row, mostly, from here on
    shuffled = generator_of(seed, SPLIT).permutation(m)
    classes = classes[shuffled]
    for k in range(len(counts)):
        held[shuffled[classes == k][: share[k]]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)
