"""What a contender does in one turn: steps of training, predictions, or a whole training to an accuracy.

A task is sent to a process with so many threads; `load` there gives its turn, a function of the round that
returns what was measured. Classes here name what they measure and know nothing of other contenders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from benchmarks.speed.contenders import trainer
from benchmarks.speed.networks import Case, first_weights, noise
from benchmarks.speed.timing import sample, seconds_of

Turn = Callable[[int], dict[str, float]]  #: of the round, from 0; "seconds" or "rate", and other numbers

WARM = 0.3  #: seconds of a call that is still repeated to warm up in each round
MOST_EPOCHS = 60  #: of a training to an accuracy


class Task(Protocol):
    """Something that contenders do in turns."""

    @property
    def key(self) -> str:
        """Name among the results."""

    def load(self, contender: str, threads: int) -> Turn:
        """A contender's turn, ready to run; raises `CannotRunError` where it has none."""


@dataclass(frozen=True)
class Training:
    """Steps on rows of noise: seconds a step."""

    case: Case

    @property
    def key(self) -> str:
        return self.case.key

    def load(self, contender: str, threads: int) -> Turn:
        training = trainer(contender, self.case, threads, *noise(self.case))
        weights = first_weights(self.case)
        training.start(weights)
        training.epoch()
        short = seconds_of(training.epoch) < WARM

        def turn(_: int) -> dict[str, float]:
            if short:
                training.start(weights)
                training.epoch()
            return {"seconds": sample(training.epoch) / self.case.steps}

        return turn


@dataclass(frozen=True)
class ToAccuracy:
    """Seconds of training until the test accuracy is reached at an epoch's end; looking is not counted."""

    data: str
    accuracy: float
    widths: tuple[int, ...]
    batch: int

    @property
    def key(self) -> str:
        return f"reach {self.accuracy} on {self.data}"

    def load(self, contender: str, threads: int) -> Turn:
        from benchmarks.speed.datasets import DATA

        X, y, X_test, y_test = DATA[self.data]()
        case = Case(self.data, self.widths, self.batch, rows=len(X))
        training = trainer(contender, case, threads, X, y)
        training.start(first_weights(case))
        training.epoch()
        training.classes(X_test)

        def turn(k: int) -> dict[str, float]:
            training.start(first_weights(case, seed=k))
            seconds = 0.0
            for epoch in range(1, MOST_EPOCHS + 1):
                seconds += seconds_of(training.epoch)
                if (training.classes(X_test) == y_test).mean() >= self.accuracy:
                    return {"seconds": seconds, "epochs": epoch}
            return {"epochs": MOST_EPOCHS}

        return turn


@dataclass(frozen=True)
class Inference:
    """Outputs of 30-64-64-3 for some rows, float32: seconds a call."""

    rows: int

    @property
    def key(self) -> str:
        return f"predict 30-64-64-3 rows {self.rows}"

    def load(self, contender: str, threads: int) -> Turn:
        from benchmarks.speed.inference import predictor

        call = predictor(contender, self.rows, threads)
        calls = 200 if self.rows == 1 else 1

        def many() -> None:
            for _ in range(calls):
                call()

        def turn(_: int) -> dict[str, float]:
            many()
            return {"seconds": sample(many) / calls}

        return turn


@dataclass(frozen=True)
class Ceiling:
    """What the machine can do: a rate, in operations or bytes a second."""

    name: str

    @property
    def key(self) -> str:
        return f"ceiling {self.name}"

    def load(self, contender: str, threads: int) -> Turn:
        from benchmarks.speed.ceilings import CEILINGS

        return CEILINGS[self.name](contender, threads)
