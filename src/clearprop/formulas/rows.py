"""What every row of the formula tables shares: a name, parameters with values, and its plain-data form.

A row is frozen. Calling it gives a copy with other parameter values, so `LeakyReLU(0.1)` and the plain
`LeakyReLU` are both rows and the second means the default.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self, TypeAlias

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import FormulaError

Value: TypeAlias = float | tuple[float, ...]  #: of a parameter: one number, or one for each output
Parameters: TypeAlias = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Interval:
    """An interval of real numbers; an end belongs to it where `attained` says so.

    >>> str(Interval(0, 1)), str(Interval(0, math.inf, (True, False)))
    ('(0, 1)', '[0, inf)')
    >>> Interval(0, 1).within(Interval(0, math.inf))
    True
    >>> Interval(0, 1, (True, True)).within(Interval(0, math.inf))
    False
    """

    low: float = -math.inf
    high: float = math.inf
    attained: tuple[bool, bool] = (False, False)

    def within(self, other: Interval) -> bool:
        """Whether every number of this interval lies in the other."""
        low = self.low > other.low or (self.low == other.low and self.attained[0] <= other.attained[0])
        high = self.high < other.high or (self.high == other.high and self.attained[1] <= other.attained[1])
        return low and high

    def to_dict(self) -> dict[str, Any]:
        """Plain data; an infinite end is None."""
        ends = [end if math.isfinite(end) else None for end in (self.low, self.high)]
        return {"low": ends[0], "high": ends[1], "attained": list(self.attained)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Interval:
        """Interval from the plain data of `to_dict`."""
        low = -math.inf if plain["low"] is None else float(plain["low"])
        high = math.inf if plain["high"] is None else float(plain["high"])
        first, last = plain["attained"]
        return cls(low, high, (bool(first), bool(last)))

    def __str__(self) -> str:
        opening, closing = "[" if self.attained[0] else "(", "]" if self.attained[1] else ")"
        return f"{opening}{self.low:g}, {self.high:g}{closing}"


REAL_LINE = Interval()


@dataclass(frozen=True, kw_only=True)
class Row:
    """A named formula with parameters; see the tables for the rows that ship."""

    name: str
    parameters: Parameters = ()
    source: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise FormulaError(
                f"a row's name is an identifier such as 'leaky_relu', and {self.name!r} is not one"
            )
        for name, value in self.parameters:
            numbers = value if isinstance(value, tuple) and self.takes_several else (value,)
            for number in numbers:
                wrong = isinstance(number, bool) or not isinstance(number, int | float)
                if wrong or not math.isfinite(number):  # type: ignore[arg-type]
                    form = "a finite number, or a tuple of them" if self.takes_several else "a finite number"
                    raise FormulaError(f"{self.name}: parameter {name} is {form}, and {value!r} is not")
        lengths = {len(value) for _, value in self.parameters if isinstance(value, tuple)}
        if len(lengths) > 1 or 0 in lengths:
            raise FormulaError(f"{self.name}: parameters with one number for each output have unlike lengths")

    @property
    def takes_several(self) -> bool:
        """Whether a parameter may be a tuple, with one number for each output."""
        return False

    @property
    def outputs(self) -> int | None:
        """Outputs that a parameter has numbers for; None where each is one number."""
        return next((len(value) for _, value in self.parameters if isinstance(value, tuple)), None)

    @property
    def values(self) -> Array:
        """Parameter values in the order of their names, float64 (k,), or (outputs, k)."""
        columns = [np.asarray(value, dtype=np.float64) for _, value in self.parameters]
        return np.stack(np.broadcast_arrays(*columns), axis=-1) if columns else np.zeros(0)

    @property
    def constants(self) -> dict[str, Any]:
        """Parameters by name, a tuple as an array (outputs,)."""
        return {name: np.array(v) if isinstance(v, tuple) else v for name, v in self.parameters}

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Parameter names in order."""
        return tuple(name for name, _ in self.parameters)

    def __getitem__(self, parameter: str) -> Any:
        """Value of one parameter: `LeakyReLU(0.1)["slope"]` is 0.1."""
        return dict(self.parameters)[parameter]

    def with_parameters(self, *values: Value, **named: Value) -> Self:
        """Copy of the row with other parameter values, by position or by name."""
        known = self.parameter_names
        if len(values) > len(known):
            raise FormulaError(
                f"{self.name} takes {len(known)} parameter(s) ({', '.join(known)}), not {len(values)}"
            )
        given = dict(zip(known, values, strict=False))
        for name, value in named.items():
            if name not in known:
                has = ", ".join(known) or "none"
                raise FormulaError(f"{self.name} has no parameter {name!r}; its parameters: {has}")
            if name in given:
                raise FormulaError(f"{self.name}: parameter {name!r} is given twice")
            given[name] = value
        merged = tuple((name, plain_value(given.get(name, value))) for name, value in self.parameters)
        return replace(self, parameters=merged)

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON types) from which the row can be built again."""
        plain: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            plain[field.name] = value.to_dict() if isinstance(value, Interval) else value
        plain["parameters"] = dict(self.parameters)
        return plain

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={_shown(value)}" for name, value in self.parameters)
        return f"{type(self).__name__}({self.name!r}{', ' if values else ''}{values})"


def plain_value(value: Any) -> Any:
    """A list or array of numbers as a tuple of them; anything else as it is."""
    if isinstance(value, list | tuple | np.ndarray) and np.ndim(value) == 1:
        return tuple(float(v) if isinstance(v, np.number) else v for v in value)
    return value


def _shown(value: Value) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(f'{number:g}' for number in value)}{',' if len(value) == 1 else ''})"
    return f"{value:g}"


#: what other libraries and papers call a row -> our name
_OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "mse": ("squared_error",),
    "l2": ("squared_error",),
    "mae": ("absolute_error",),
    "l1": ("absolute_error",),
    "bce": ("binary_cross_entropy",),
    "log_loss": ("cross_entropy",),
    "nll": ("cross_entropy",),
    "pinball": ("quantile",),
    "linear": ("identity",),
    "logistic": ("sigmoid",),
    "swish": ("silu",),
    "hardsigmoid": ("hard_sigmoid",),
    "nag": ("nesterov",),
    "l-bfgs": ("lbfgs",),
    "xavier": ("glorot_uniform",),
    "kaiming": ("he_uniform",),
}


def look_up(table: Mapping[str, Any], name: str, what: str) -> Any:
    """Row of that name, or a FormulaError that lists the names there are."""
    if name in table:
        return table[name]
    import difflib

    near = difflib.get_close_matches(name, table, n=1)
    near = [known for known in _OTHER_NAMES.get(name.lower(), ()) if known in table] or near
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise FormulaError(f"{name!r} is not {what}; {hint}there are {', '.join(table)}")
