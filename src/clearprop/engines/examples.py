"""What an engine is given: arrays that have been checked once, in the engine's dtype.

Targets given as class indices become the rows the loss asks for: 0/1 columns, or -1/+1 for the hinge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, IntArray
from clearprop.errors import DataError
from clearprop.formulas.losses import TARGETS
from clearprop.specification import Network

BLOCK = 4096  #: rows looked at in one go, so that no check takes memory of the size of the data
PIECE = 2**22  #: bytes of rows that are copied in one go, where the engine cannot take them as they are


@dataclass(frozen=True)
class Examples:
    """Checked examples: X (m, n_0), Y (m, n_L), weights (m,) float64 or None; C-contiguous."""

    X: Array
    Y: Array
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: IntArray) -> Examples:
        """The examples of those rows, copied."""
        weights = None if self.weights is None else self.weights[rows]
        return Examples(self.X[rows], self.Y[rows], weights)

    def scale(self) -> Array:
        """w_i / sum w of these examples as one batch, in the dtype of X; zeros if all weights are."""
        return scale_of(len(self), self.weights, self.X.dtype)

    def total_weight(self) -> float:
        """Sum of the weights, added from the first to the last (the kernels add in that order)."""
        return float(len(self)) if self.weights is None else float(np.cumsum(self.weights)[-1])


def scale_of(m: int, weights: Array | None, dtype: npt.DTypeLike) -> Array:
    """w_i / sum w of m examples as one batch (m,); zeros if all weights are, 1/m if there are none."""
    if weights is None:
        return np.full(m, 1.0 / m, dtype=dtype)
    total = float(np.cumsum(weights)[-1])
    return (weights / total if total else weights).astype(dtype)


def check_inputs(network: Network, X: npt.ArrayLike, dtype: npt.DTypeLike, name: str = "X") -> Array:
    """X as a C-contiguous (m, n_0) array of that dtype, copied only if it must be.

    Raises
    ------
    DataError
        When X is not a table of finite numbers with one column for each input.
    """
    return converted(check_table(network, X, name), dtype, name)


def check_table(network: Network, X: npt.ArrayLike, name: str = "X") -> Array:
    """X as an array of numbers, of whatever type, with one column for each input; DataError if it is not."""
    if hasattr(X, "toarray"):
        X = X.toarray()
    array = np.asarray(X)
    if array.dtype.kind not in "fiub":
        raise DataError(
            f"{name} holds {array.dtype} values, and a network takes numbers; encode text columns first "
            "(TabularClassifier and TabularRegressor do)"
        )
    if array.ndim != 2:
        raise DataError(
            f"{name} has {array.ndim} dimension(s), and a network takes two: rows of examples, columns of "
            "inputs; a single example is X.reshape(1, -1)"
        )
    if array.shape[1] != network.inputs:
        raise DataError(
            f"{name} has {array.shape[1]} columns, and the network has {network.inputs} inputs; "
            "give one column for each input"
        )
    if len(array) == 0:
        raise DataError(f"{name} has no rows; give at least one example")
    return array


def converted(array: Array, dtype: npt.DTypeLike, name: str = "X", first_row: int = 0) -> Array:
    """The same numbers, C-contiguous, of that dtype and finite (DataError if not).

    `first_row` is the place of their first row in what the user gave.
    """
    with np.errstate(over="ignore"):  # a number beyond the dtype is named below
        checked = np.ascontiguousarray(array, dtype=dtype)
    _require_finite(checked, array, name, first_row)
    return checked


def _require_finite(checked: Array, given: Array, name: str, first_row: int = 0) -> None:
    """Raise DataError naming the first number that is not finite; the sum finds out in one pass."""
    with np.errstate(all="ignore"):
        if np.isfinite(checked.sum()):
            return
    for first in range(0, len(checked), BLOCK):  # the sum may have overflowed
        wrong = np.argwhere(~np.isfinite(checked[first : first + BLOCK]))
        if not len(wrong):
            continue
        place = (first + int(wrong[0][0]), *(int(i) for i in wrong[0][1:]))
        where = f"row {first_row + place[0]}" + (f", column {place[1]}" if len(place) > 1 else "")
        remedy = (
            "impute missing values or drop the row"
            if np.isnan(given[place])
            else "scale the column down, or clip it"
        )
        raise DataError(f"{name} has {given[place]} at {where} (counted from 0); {remedy}")


def check_targets(network: Network, Y: npt.ArrayLike, m: int, dtype: npt.DTypeLike, name: str = "Y") -> Array:
    """Y as a C-contiguous (m, n_L) array: 1-D means class indices for class losses, else one column.

    Raises
    ------
    DataError
        When Y does not fit the output layer or holds values the loss has no meaning for.
    """
    array = np.asarray(Y)
    if array.dtype.kind not in "fiub":
        raise DataError(
            f"{name} holds {array.dtype} values; give class indices 0, 1, ... or numbers "
            "(the estimators take labels as they are)"
        )
    n_outputs, loss = network.output.units, network.loss
    if array.ndim == 1 and loss.for_classes:
        array = _columns_of_classes(array, n_outputs, signs=loss.targets == "signs", dtype=dtype, name=name)
    elif array.ndim == 1:
        array = array[:, None]
    if array.ndim == 2 and array.shape[1] == 1 and loss.outputs == n_outputs:
        array = np.repeat(array, n_outputs, axis=1)  # one target, judged by each output in its own way
    if array.ndim != 2 or array.shape != (m, n_outputs):
        raise DataError(
            f"{name} has shape {np.shape(Y)}, and {m} examples of a network with {n_outputs} output(s) ask "
            f"for ({m}, {n_outputs})" + (f" or class indices ({m},)" if loss.for_classes else "")
        )
    with np.errstate(over="ignore"):
        checked = np.ascontiguousarray(array, dtype=dtype)
    _require_finite(checked, array, name)
    low, high = {"counts": (0.0, np.inf), "probabilities": (0.0, 1.0), "distribution": (0.0, 1.0)}.get(
        loss.targets, (-np.inf, np.inf)
    )
    signs = loss.targets == "signs"
    if checked.min() < low or checked.max() > high or (signs and not np.isin(checked, (-1, 1)).all()):
        wrong = np.abs(checked) != 1 if signs else (checked < low) | (checked > high)
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        raise DataError(
            f"{name} has {array[row, column]} at row {row}, column {column} (counted from 0), and loss "
            f"{loss.name!r} takes {TARGETS[loss.targets]}"
        )
    if loss.targets == "distribution":
        sums = checked.sum(axis=1)
        off = np.abs(sums - 1) > 1e-4
        if off.any():
            row = int(np.argmax(off))
            raise DataError(
                f"{name} sums to {sums[row]:g} in row {row} (counted from 0), and loss {loss.name!r} takes "
                f"{TARGETS[loss.targets]}"
            )
    return checked


def _columns_of_classes(
    indices: Array, n_outputs: int, *, signs: bool, dtype: npt.DTypeLike, name: str
) -> Array:
    """One column a class (0/1, or -1/+1); a single column for two classes and one output."""
    n_classes = max(n_outputs, 2)
    with np.errstate(invalid="ignore"):
        wrong = ~((indices >= 0) & (indices < n_classes) & (indices == np.floor(indices)))
    if signs and n_outputs == 1 and np.isin(indices, (-1, 1)).all():
        return indices[:, None]
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"{name} has {indices[row]} at row {row} (counted from 0), and class indices for "
            f"{n_outputs} output(s) run from 0 to {n_classes - 1}"
        )
    indices = indices.astype(np.int64, copy=False)
    low = -1 if signs else 0
    columns = np.full((len(indices), n_outputs), low, dtype=dtype)
    for first in range(0, len(indices), BLOCK):
        block, marked = columns[first : first + BLOCK], indices[first : first + BLOCK]
        if n_outputs == 1:
            block[marked == 1] = 1
        else:
            block[np.arange(len(marked)), marked] = 1
    return columns


def check_weights(sample_weight: npt.ArrayLike | None, m: int) -> Array | None:
    """Example weights as a float64 (m,) array, or None for equal weights."""
    if sample_weight is None:
        return None
    array = np.ascontiguousarray(sample_weight, dtype=np.float64)
    if array.shape != (m,):
        raise DataError(
            f"sample_weight has shape {array.shape}, and {m} examples ask for ({m},): one number each"
        )
    _require_finite(array, array, "sample_weight")
    if (array < 0).any():
        raise DataError(f"sample_weight has {array.min():g} at row {int(array.argmin())}; weights are from 0")
    if not array.any():
        raise DataError("sample_weight is 0 for every example; give at least one a positive weight")
    return array


def check_examples(
    network: Network,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    dtype: npt.DTypeLike,
    sample_weight: npt.ArrayLike | None = None,
) -> Examples:
    """Checked examples from what a user gives."""
    inputs = check_inputs(network, X, dtype)
    targets = check_targets(network, Y, len(inputs), dtype)
    return Examples(inputs, targets, check_weights(sample_weight, len(inputs)))
