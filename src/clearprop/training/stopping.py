"""When a run ends: the rules a user sets, and counting epochs without progress."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from clearprop.errors import SpecificationError

STANDSTILL = 10  #: epochs without progress that end a run on `tolerance` alone


@dataclass(frozen=True)
class StoppingRules:
    """Limits of a run; None where there is none.

    `patience` epochs in a row that do not improve the monitored quantity by more than `tolerance` end the
    run. A positive `tolerance` alone means ten such epochs. `gradient_norm` ends it once the norm of
    dC/dtheta over the training data is at most that; `time_budget` after so many seconds.
    """

    epochs: int
    patience: int | None = None
    tolerance: float = 0.0
    gradient_norm: float | None = None
    time_budget: float | None = None

    def __post_init__(self) -> None:
        require_whole("epochs", self.epochs)
        if self.patience is not None:
            require_whole("patience", self.patience)
        require_number("tolerance", self.tolerance, zero=True)
        if self.gradient_norm is not None:
            require_number("stop_gradient_norm", self.gradient_norm)
        if self.time_budget is not None:
            require_number("time_budget", self.time_budget)

    @property
    def standstill(self) -> float:
        """Epochs without progress after which the run ends."""
        if self.patience is not None:
            return self.patience
        return STANDSTILL if self.tolerance > 0 else math.inf


def require_whole(name: str, value: object, *, zero: bool = False) -> None:
    """Raise SpecificationError unless the value is a whole number from 1 (or from 0, if `zero`)."""
    least = 0 if zero else 1
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise SpecificationError(f"{name} is a whole number from {least}, not {value!r}")


def require_number(name: str, value: object, *, zero: bool = False) -> None:
    """Raise SpecificationError unless the value is a finite positive number (or 0, if `zero`)."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not (0 <= value < math.inf) or (value == 0 and not zero):  # type: ignore[operator]
        raise SpecificationError(
            f"{name} is a {'number from 0' if zero else 'positive number'}, not {value!r}"
        )


class Standstill:
    """Counts the epochs since a quantity last fell by more than a tolerance.

    Many small steps count once their sum is more than the tolerance.

    Examples
    --------
    >>> standstill = Standstill(tolerance=0.1)
    >>> [standstill.after(loss) for loss in (1.0, 0.95, 0.89, 0.89)]
    [0, 1, 0, 1]
    """

    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance
        self.reference = math.inf
        self.epochs = 0

    def after(self, value: float) -> int:
        """Epochs without progress, this one (with that value; lower is better) included."""
        if value < self.reference - self.tolerance:
            self.reference, self.epochs = value, 0
        else:
            self.epochs += 1
        return self.epochs


class Plateau:
    """Counts the reductions of `ReduceOnPlateau`: one after every `patience` epochs without progress."""

    def __init__(self, patience: float, tolerance: float) -> None:
        self.patience = patience
        self.standstill = Standstill(tolerance)
        self.reductions = 0

    def watch(self, value: float) -> None:
        """Take note of an epoch's loss."""
        if self.standstill.after(value) >= self.patience:
            self.reductions += 1
            self.standstill.epochs = 0
