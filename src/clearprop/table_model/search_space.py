"""What a search tries: a range or a few choices for each setting, and the settings that a draw makes.

`width` and `depth` are two more names beside those of `Settings`: that many hidden layers of one width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

import numpy as np

from clearprop.errors import SpecificationError
from clearprop.formulas.optimizers import Optimizer, as_optimizer
from clearprop.table_model.settings import Settings
from clearprop.tables.table import near_matches


@dataclass(frozen=True)
class Range:
    """Numbers from low to high; drawn evenly, or with `log` so that each factor is as likely.

    Examples
    --------
    >>> Range(1e-4, 1e-2, log=True).at(0.5)
    0.001
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise SpecificationError(f"a Range goes from a number up to a larger one, unlike {self!r}")
        if self.log and self.low <= 0:
            raise SpecificationError(f"a Range with log=True begins above 0, unlike {self!r}")

    def at(self, share: float) -> float:
        """The number at a share from 0 to 1 of the way; four digits, so that it can be read and typed."""
        if self.log:
            return _readable(self.low * (self.high / self.low) ** share)
        return _readable(self.low + (self.high - self.low) * share)


Space: TypeAlias = Mapping[str, Range | Sequence[Any]]

#: what is tried by default: nets from 16 to 768 units, regularised or not
DEFAULT_SPACE: Space = {
    "width": (16, 32, 64, 128, 256),
    "depth": (1, 2, 3),
    "activation": ("silu", "relu", "tanh"),
    "dropout": (0.0, 0.1, 0.2, 0.4),
    "learning_rate": Range(3e-4, 1e-2, log=True),
    "weight_decay": Range(1e-3, 3.0, log=True),
}
_OF_STEPS = ("dropout", "learning_rate", "weight_decay")
_FIXED = ("seed", "dtype", "metric", "threshold", "time_budget", "class_weight")
KEYS = ("width", "depth", *(each.name for each in fields(Settings) if each.name not in _FIXED))


def checked_space(space: Space | None, settings: Settings) -> Space:
    """The space, or the default for these settings.

    Raises
    ------
    SpecificationError
        When a name is not known, or there is nothing to choose from.
    """
    if space is None:
        stepping = not isinstance(settings.optimizer, Optimizer) and as_optimizer(settings.optimizer).step
        return {name: row for name, row in DEFAULT_SPACE.items() if stepping or name not in _OF_STEPS}
    for name, row in space.items():
        if name not in KEYS:
            near = near_matches(name, KEYS)
            remedy = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(KEYS)}"
            raise SpecificationError(f"nothing to search is named {name!r}; {remedy}")
        if not isinstance(row, Range) and (isinstance(row, str) or not isinstance(row, Sequence) or not row):
            raise SpecificationError(f"{name} is searched over a Range or a list of choices, not {row!r}")
    if "hidden" in space and ("width" in space or "depth" in space):
        raise SpecificationError("search over hidden, or over width and depth; not over both")
    if not space:
        raise SpecificationError("the space to search is empty; name a setting, such as dropout")
    return space


def drawn(space: Space, generator: np.random.Generator) -> dict[str, Any]:
    """One value for each name, at random.

    >>> drawn({"depth": (1, 2, 3), "dropout": Range(0.0, 0.5)}, np.random.default_rng(0))
    {'depth': 2, 'dropout': 0.1349}
    """
    shares = generator.random(len(space))  # one a name, so that names do not shift each other's draws
    return {
        name: row.at(share) if isinstance(row, Range) else row[int(share * len(row))]
        for (name, row), share in zip(space.items(), shares.tolist(), strict=True)
    }


def chosen_settings(settings: Settings, chosen: Mapping[str, Any]) -> Settings:
    """The settings with what was chosen in place.

    >>> chosen_settings(Settings(), {"width": 32, "depth": 3, "dropout": 0.1}).hidden
    (32, 32, 32)
    """
    changes = dict(chosen)
    if "width" in changes or "depth" in changes:
        width = changes.pop("width", settings.hidden[0] if settings.hidden else 64)
        depth = changes.pop("depth", len(settings.hidden) or 1)
        changes["hidden"] = (width,) * depth
    if "hidden" in changes:
        changes["hidden"] = tuple(changes["hidden"])
    return replace(settings, **changes)


def _readable(value: float) -> float:
    return float(f"{value:.4g}")
