"""Who proposes what to try next: chance, or Optuna, which learns from what was tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from clearprop.arrays import generator_of
from clearprop.errors import SpecificationError
from clearprop.table_model.search_space import Range, Space, drawn

SamplerName = Literal["random", "optuna"]


class Sampler(Protocol):
    """Proposes choices and is told how good they were.

    Attributes
    ----------
    learns : bool
        Whether what it proposes depends on the scores of the trials before.
    """

    learns: bool

    def ask(self, number: int) -> dict[str, Any]:
        """Choices for trial `number`, from 1."""

    def tell(self, score: float | None) -> None:
        """The score of the choices last asked for; None where there is none."""


class RandomSampler:
    """Draws each trial from the seed and its number alone."""

    learns = False

    def __init__(self, space: Space, seed: int) -> None:
        self.space, self.seed = space, seed

    def ask(self, number: int) -> dict[str, Any]:
        """Choices for trial `number`."""
        return drawn(self.space, generator_of(self.seed, number))

    def tell(self, score: float | None) -> None:
        """Learn nothing."""


class OptunaSampler:
    """Optuna's tree-structured Parzen estimator (Bergstra et al., 2011), behind the extra `search`."""

    learns = True

    def __init__(self, space: Space, seed: int, higher_is_better: bool) -> None:
        try:
            import optuna
        except ImportError:
            raise SpecificationError(
                'sampler="optuna" needs Optuna: pip install "clearprop[search]"; or use sampler="random"'
            ) from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # it logs each study and trial otherwise
        self.space, self.failed = space, optuna.trial.TrialState.FAIL
        direction = "maximize" if higher_is_better else "minimize"
        sampler = optuna.samplers.TPESampler(seed=seed % 2**32)
        self.study = optuna.create_study(direction=direction, sampler=sampler)

    def ask(self, number: int) -> dict[str, Any]:
        """Choices for trial `number`."""
        self.trial = self.study.ask()
        return {name: self._suggested(name, row) for name, row in self.space.items()}

    def tell(self, score: float | None) -> None:
        """Learn from a score."""
        if score is None:
            self.study.tell(self.trial, state=self.failed)
        else:
            self.study.tell(self.trial, score)

    def _suggested(self, name: str, row: Any) -> Any:
        if not isinstance(row, Range):  # by place, for a choice may be anything
            return row[self.trial.suggest_categorical(name, range(len(row)))]
        return float(f"{self.trial.suggest_float(name, row.low, row.high, log=row.log):.4g}")


def sampler_of(name: SamplerName, space: Space, seed: int, higher_is_better: bool) -> Sampler:
    """The sampler of that name; SpecificationError when there is none, or it is not installed."""
    made: Mapping[str, Any] = {
        "random": lambda: RandomSampler(space, seed),
        "optuna": lambda: OptunaSampler(space, seed, higher_is_better),
    }
    if name not in made:
        raise SpecificationError(f"sampler is 'random' or 'optuna', not {name!r}")
    sampler: Sampler = made[name]()
    return sampler
