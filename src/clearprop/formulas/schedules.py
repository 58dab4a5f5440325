"""Schedules: the learning rate of each step, as text.

A formula may use `rate` (the value given first), `t` (the step, from 0), `T` (steps in the whole run),
`epoch` (t over the steps of one epoch), and `reductions` (how often a plateau was met, which the training
loop counts: the only state a schedule has).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import FormulaError, SpecificationError
from clearprop.formulas import language
from clearprop.formulas.rows import Row, look_up

_GIVEN = frozenset({"t", "T", "epoch", "reductions"})


@dataclass(frozen=True, kw_only=True, repr=False)
class Schedule(Row):
    """A learning rate as a function of the step.

    Examples
    --------
    >>> Cosine = schedules["cosine"]
    >>> Cosine(0.1, warmup=0.0).rates(0, 4, steps=4, steps_per_epoch=2).round(4)
    array([0.1   , 0.0854, 0.05  , 0.0146])
    """

    formula: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if "rate" not in self.parameter_names:
            raise FormulaError(f"schedule {self.name!r} needs a parameter 'rate'")
        allowed = _GIVEN | frozenset(self.parameter_names)
        language.require_names(self.formula, allowed, f"schedule {self.name!r}")
        if self["rate"] < 0:
            raise SpecificationError(f"{self.name}: a learning rate is not negative, and {self['rate']!r} is")

    def __call__(self, *values: float, **named: float) -> Schedule:
        """Copy with other parameter values: `Cosine(0.01, warmup=0.1)`."""
        return self.with_parameters(*values, **named)

    def rates(self, first: int, last: int, *, steps: int, steps_per_epoch: int, reductions: int = 0) -> Array:
        """Learning rates of steps `first` to `last` - 1 of a run of `steps`, float64 (last - first,)."""
        t = np.arange(first, last, dtype=np.float64)
        given: dict[str, Any] = {
            "t": t,
            "T": float(steps),
            "epoch": t / steps_per_epoch,
            "reductions": float(reductions),
            **dict(self.parameters),
        }
        rates = np.empty_like(t)
        rates[:] = language.evaluate(self.formula, given)
        return rates


_ROWS = (
    Schedule(name="constant", formula="rate", parameters=(("rate", 1e-3),)),
    Schedule(
        name="inverse_scaling",
        formula="rate / (t + 1)**power",
        parameters=(("rate", 1e-2), ("power", 0.5)),
        source="Robbins and Monro, 1951",
    ),
    Schedule(
        name="step_decay",
        formula="rate * factor ** floor(epoch / every)",
        parameters=(("rate", 1e-2), ("factor", 0.5), ("every", 10.0)),
    ),
    Schedule(
        name="exponential",
        formula="rate * factor ** epoch",
        parameters=(("rate", 1e-2), ("factor", 0.95)),
    ),
    Schedule(
        name="cosine",
        formula="where(t < warmup * T, rate * (t + 1) / maximum(warmup * T, 1), "
        "final + (rate - final) * (1 + cos(pi * (t - warmup * T) / maximum(T - warmup * T, 1))) / 2)",
        parameters=(("rate", 1e-3), ("warmup", 0.05), ("final", 0.0)),
        source="arXiv:1608.03983, one cycle; warmup is a fraction of the run",
    ),
    Schedule(
        name="one_cycle",
        formula="where(t < warmup * T, "
        "rate / start + (rate - rate / start) * (1 - cos(pi * t / maximum(warmup * T, 1))) / 2, "
        "rate / end + (rate - rate / end) "
        "* (1 + cos(pi * (t - warmup * T) / maximum(T - warmup * T, 1))) / 2)",
        parameters=(("rate", 1e-2), ("warmup", 0.3), ("start", 25.0), ("end", 1e5)),
        source="arXiv:1708.07120; start and end divide the peak rate",
    ),
    Schedule(
        name="reduce_on_plateau",
        formula="rate * factor ** reductions",
        parameters=(("rate", 1e-3), ("factor", 0.5), ("patience", 5.0), ("tolerance", 1e-4)),
    ),
)

#: the shipped schedules, by name
schedules: Mapping[str, Schedule] = MappingProxyType({row.name: row for row in _ROWS})


def as_schedule(rate: float | str | Schedule) -> Schedule:
    """Schedule of that name, the constant schedule of a number, or the schedule itself.

    >>> as_schedule(0.1)
    Schedule('constant', rate=0.1)
    """
    if isinstance(rate, Schedule):
        return rate
    if isinstance(rate, str):
        row: Schedule = look_up(schedules, rate, "a schedule")
        return row
    if isinstance(rate, bool) or not isinstance(rate, int | float | np.number) or not math.isfinite(rate):
        raise SpecificationError(
            f"a learning rate is a number or a schedule such as Cosine(0.01), not {rate!r}"
        )
    return schedules["constant"](float(rate))


#: the rows under names of their own, as they stand in code
InverseScaling = schedules["inverse_scaling"]
StepDecay = schedules["step_decay"]
Exponential = schedules["exponential"]
Cosine = schedules["cosine"]
OneCycle = schedules["one_cycle"]
ReduceOnPlateau = schedules["reduce_on_plateau"]
