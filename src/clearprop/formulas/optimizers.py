"""Optimizers: one row each, the update rule of one parameter as text.

A rule is read top to bottom: `scalars` once a step, then each slot (a number kept for every parameter;
its right-hand side sees the slot's old value and the slots above it), then `step`, the new theta. A
formula may use `theta`, `g` (the gradient dC/dtheta, penalties included), `rate`, `t` (the step, from 1;
scalars only), the slots and the row's parameters. Before the rule, every optimizer may clip the gradient
(`clip_norm`) and shrink the weights (`weight_decay`, decoupled: theta * (1 - rate * weight_decay)).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import FormulaError, SpecificationError
from clearprop.formulas import language
from clearprop.formulas.rows import Row, look_up
from clearprop.formulas.schedules import Schedule, as_schedule, schedules

MOST_SLOTS = 2  #: slots a rule may have
MOST_SCALARS = 2  #: scalars a rule may have

_SHARES = ("beta1", "beta2", "momentum", "rho")  #: parameters that are shares of the past

Rules = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Optimizer(Row):
    """An update rule with its learning rate.

    Call a row to set its values: `Adam(1e-3)`, `Adam(Cosine(0.01), beta2=0.99, clip_norm=1.0)`.

    Attributes
    ----------
    scalars, slots : tuple of (name, text)
    step : str
        The new theta; empty for L-BFGS, whose steps SciPy takes.
    learning_rate : Schedule
    weight_decay : float
        Decoupled decay of weights, never of biases.
    clip_norm : float or None
        Largest Euclidean norm of the whole gradient.

    Examples
    --------
    >>> optimizers["adam"](0.01, clip_norm=1.0)
    Adam(0.01, clip_norm=1)
    """

    step: str
    scalars: Rules = ()
    slots: Rules = ()
    learning_rate: Schedule = schedules["constant"]
    weight_decay: float = 0.0
    clip_norm: float | None = None
    title: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        owner = f"optimizer {self.name!r}"
        if len(self.slots) > MOST_SLOTS or len(self.scalars) > MOST_SCALARS:
            raise FormulaError(f"{owner}: a rule has at most {MOST_SLOTS} slots and {MOST_SCALARS} scalars")
        constants = frozenset(self.parameter_names)
        for name, text in self.scalars:
            language.require_names(text, constants | {"t"}, f"{owner}, scalar {name!r}")
        known = constants | {"theta", "g", "rate"} | {name for name, _ in self.scalars + self.slots}
        for name, text in self.slots:
            language.require_names(text, known, f"{owner}, slot {name!r}")
        if self.step:
            language.require_names(self.step, known, f"{owner}, step")
        if not isinstance(self.weight_decay, int | float) or not 0 <= self.weight_decay < math.inf:
            raise SpecificationError(f"{owner}: weight_decay is a number from 0, not {self.weight_decay!r}")
        if self.clip_norm is not None and not 0 < self.clip_norm < math.inf:
            raise SpecificationError(
                f"{owner}: clip_norm is a positive number or None, not {self.clip_norm!r}"
            )

    def __call__(
        self,
        learning_rate: float | Schedule | None = None,
        *,
        weight_decay: float | None = None,
        clip_norm: float | None = None,
        **parameters: float,
    ) -> Optimizer:
        """Copy with other values."""
        unknown = [name for name in parameters if name not in self.parameter_names]
        if unknown:
            given = ", ".join(["learning_rate", "weight_decay", "clip_norm", *self.parameter_names])
            hint = "did you mean learning_rate? " if unknown[0] in ("lr", "rate", "eta") else ""
            raise FormulaError(f"{self.title or self.name} has no {unknown[0]!r}; {hint}it takes {given}")
        row = self.with_parameters(**parameters)
        for name in row.parameter_names:
            value = row[name]
            if name in _SHARES and not 0 <= value < 1:
                raise SpecificationError(f"{self.title}: {name} is a number from 0 to below 1, not {value!r}")
            if name == "epsilon" and value < 0:
                raise SpecificationError(f"{self.title}: epsilon is a number from 0, not {value!r}")
        return replace(
            row,
            learning_rate=self.learning_rate if learning_rate is None else as_schedule(learning_rate),
            weight_decay=self.weight_decay if weight_decay is None else weight_decay,
            clip_norm=self.clip_norm if clip_norm is None else clip_norm,
        )

    def scalar_values(self, first: int, steps: int = 1) -> Array:
        """Scalars of `steps` steps from t = `first` (counted from 1), float64 (steps, scalars)."""
        t = np.arange(first, first + steps, dtype=np.float64)
        given = {"t": t, **dict(self.parameters)}
        values = np.empty((steps, len(self.scalars)))
        for i, (_, text) in enumerate(self.scalars):
            values[:, i] = language.evaluate(text, given)
        return values

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON types)."""
        plain = super().to_dict()
        plain["learning_rate"] = self.learning_rate.to_dict()
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Optimizer:
        """Optimizer from the plain data of `to_dict`.

        >>> Optimizer.from_dict(optimizers["adam"](0.01, clip_norm=1.0).to_dict())
        Adam(0.01, clip_norm=1)
        """
        given, schedule = dict(plain), dict(plain["learning_rate"])
        for row in (given, schedule):
            row["parameters"] = tuple(row["parameters"].items())
        given["scalars"], given["slots"] = (
            tuple((str(name), str(text)) for name, text in given[rules]) for rules in ("scalars", "slots")
        )
        return cls(**{**given, "learning_rate": Schedule(**schedule)})

    def __str__(self) -> str:
        """The rule, one assignment after the other."""
        lines = [f"{name} = {text}" for name, text in (*self.scalars, *self.slots)]
        return f"{self!r}: " + "; ".join([*lines, f"theta = {self.step}"] if self.step else [self.source])

    def __repr__(self) -> str:
        rate = self.learning_rate
        shown = [f"{rate['rate']:g}" if rate.name == "constant" else repr(rate)] if self.step else []
        default = optimizers.get(self.name, self)
        shown += [f"{n}={v:g}" for n, v in self.parameters if (n, v) not in default.parameters]
        shown += [f"weight_decay={self.weight_decay:g}"] if self.weight_decay != default.weight_decay else []
        shown += [f"clip_norm={self.clip_norm:g}"] if self.clip_norm is not None else []
        return f"{self.title or self.name}({', '.join(shown)})"


_ADAM: dict[str, Any] = {
    "scalars": (("correction1", "1 / (1 - beta1**t)"), ("correction2", "1 / (1 - beta2**t)")),
    "slots": (("m", "beta1 * m + (1 - beta1) * g"), ("v", "beta2 * v + (1 - beta2) * g**2")),
    "step": "theta - rate * (m * correction1) / (sqrt(v * correction2) + epsilon)",
    "parameters": (("beta1", 0.9), ("beta2", 0.999), ("epsilon", 1e-8)),
}
_CONSTANT = schedules["constant"]

_ROWS = (
    Optimizer(
        name="sgd",
        title="SGD",
        step="theta - rate * g",
        learning_rate=_CONSTANT(0.01),
        source="000-004 (000 prints w - (-eta dE/dw), which ascends)",
    ),
    Optimizer(
        name="momentum",
        title="Momentum",
        slots=(("v", "momentum * v - rate * g"),),
        step="theta + v",
        parameters=(("momentum", 0.9),),
        learning_rate=_CONSTANT(0.01),
        source="Polyak, 1964",
    ),
    Optimizer(
        name="nesterov",
        title="Nesterov",
        slots=(("v", "momentum * v - rate * g"),),
        step="theta + momentum * v - rate * g",
        parameters=(("momentum", 0.9),),
        learning_rate=_CONSTANT(0.01),
        source="Sutskever et al., ICML 2013",
    ),
    Optimizer(
        name="adagrad",
        title="Adagrad",
        slots=(("s", "s + g**2"),),
        step="theta - rate * g / (sqrt(s) + epsilon)",
        parameters=(("epsilon", 1e-10),),
        learning_rate=_CONSTANT(0.01),
        source="Duchi et al., JMLR 12 (2011)",
    ),
    Optimizer(
        name="rmsprop",
        title="RMSprop",
        slots=(("s", "rho * s + (1 - rho) * g**2"),),
        step="theta - rate * g / (sqrt(s) + epsilon)",
        parameters=(("rho", 0.9), ("epsilon", 1e-8)),
        source="Hinton, Coursera lecture 6e, 2012",
    ),
    Optimizer(name="adam", title="Adam", source="arXiv:1412.6980", **_ADAM),
    Optimizer(name="adamw", title="AdamW", source="arXiv:1711.05101", weight_decay=0.01, **_ADAM),
    Optimizer(
        name="lbfgs",
        title="LBFGS",
        step="",
        parameters=(("memory", 10.0), ("tolerance", 1e-7)),
        source="Liu and Nocedal, 1989; the steps are SciPy's L-BFGS-B",
    ),
    Optimizer(
        name="levenberg_marquardt",
        title="LevenbergMarquardt",
        step="",
        parameters=(("damping", 1e-3), ("tolerance", 1e-7)),
        source="(J'J + damping) d = -gradient; Levenberg 1944, Marquardt 1963, damped as in Madsen, Nielsen "
        "and Tingleff, Methods for Non-Linear Least Squares Problems (2004)",
    ),
)

#: the shipped optimizers, by name
optimizers: Mapping[str, Optimizer] = MappingProxyType({row.name: row for row in _ROWS})


def as_optimizer(optimizer: str | Optimizer) -> Optimizer:
    """Optimizer of that name with its default learning rate, or the optimizer itself.

    >>> as_optimizer("sgd")
    SGD(0.01)
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if isinstance(optimizer, str):
        row: Optimizer = look_up(optimizers, optimizer, "an optimizer")
        return row
    raise FormulaError(
        "an optimizer is a name such as 'adam' or an object such as Adam(0.001), "
        f"not {type(optimizer).__name__}"
    )


#: the rows under names of their own, as they stand in code
SGD = optimizers["sgd"]
Momentum = optimizers["momentum"]
Nesterov = optimizers["nesterov"]
Adagrad = optimizers["adagrad"]
RMSprop = optimizers["rmsprop"]
Adam = optimizers["adam"]
AdamW = optimizers["adamw"]
LBFGS = optimizers["lbfgs"]
LevenbergMarquardt = optimizers["levenberg_marquardt"]
