"""A Boolean function as the list of its 2^n values, whatever it was given as.

Row r of the table has the inputs that are r's binary digits, the first variable first: 00, 01, 10, 11.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, BoolArray
from clearprop.constructions import expression
from clearprop.errors import DataError, SpecificationError

MOST_VARIABLES = 16

BooleanFunction: TypeAlias = str | Callable[..., Any] | Mapping[Any, Any] | Sequence[Any] | npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class TruthTable:
    """Names of the variables, and the function's value for each row."""

    variables: tuple[str, ...]
    values: BoolArray  #: (2^n,)

    @property
    def rows(self) -> Array:
        """Inputs (2^n, n), 0 or 1."""
        return rows_of(len(self.variables))


def rows_of(n: int) -> Array:
    """All rows of n inputs.

    >>> rows_of(2).tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    places = np.arange(n - 1, -1, -1)
    return ((np.arange(2**n)[:, None] >> places) & 1).astype(np.float64)


class Bit(int):
    """0 or 1, for which ~ is `not`: what a function of Boolean variables is called with.

    >>> ~Bit(1), Bit(1) & ~Bit(0), Bit(1) + Bit(1) + Bit(0) >= 2
    (0, 1, True)
    """

    def __invert__(self) -> Bit:
        return Bit(1 - self)

    def __and__(self, other: int) -> Bit:
        return Bit(int(self) & int(other))

    def __or__(self, other: int) -> Bit:
        return Bit(int(self) | int(other))

    def __xor__(self, other: int) -> Bit:
        return Bit(int(self) ^ int(other))

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__


def truth_table(f: BooleanFunction, variables: Sequence[str] | None = None) -> TruthTable:
    """Table of a function given as formula, callable, mapping or list of values.

    Parameters
    ----------
    f : str, callable, mapping or sequence
        See `clearprop.boolean`.
    variables : sequence of str, optional
        Names in the order of the network's inputs.

    Raises
    ------
    FormulaError, DataError, SpecificationError
        When f is none of these, is incomplete, gives anything but 0 and 1, or has too many variables.

    Examples
    --------
    >>> truth_table("q & ~p", variables=("p", "q")).values
    array([False,  True, False, False])
    >>> truth_table(lambda p, q: p + q >= 1).variables
    ('p', 'q')
    """
    named = None if variables is None else _names(variables)
    if isinstance(f, str):
        return _of_formula(f, named)
    if callable(f):
        return _of_callable(f, named)
    if isinstance(f, Mapping):
        return _of_mapping(f, named)
    return _of_values(f, named)


def _names(variables: Sequence[str]) -> tuple[str, ...]:
    found = tuple(variables) if isinstance(variables, Sequence) else ()
    if not found or not all(isinstance(name, str) and name for name in found):
        raise SpecificationError(f"variables is a list of names such as ('p', 'q'), not {variables!r}")
    if len(set(found)) < len(found):
        raise SpecificationError(f"variables names one twice: {', '.join(found)}")
    _require_few(len(found))
    return found


def _require_few(n: int) -> None:
    if n > MOST_VARIABLES:
        raise SpecificationError(
            f"the function has {n} variables, and a truth table is written down for at most "
            f"{MOST_VARIABLES} (2^{n} rows); compose networks of fewer variables, or train one on examples"
        )


def _of_formula(text: str, named: tuple[str, ...] | None) -> TruthTable:
    tree = expression.parse(text)
    own = expression.names(tree)
    found = own if named is None else named
    if unknown := [name for name in own if name not in found]:
        raise SpecificationError(f"{text!r} uses {', '.join(unknown)}, which variables={named!r} leaves out")
    if not found:
        raise SpecificationError(
            f"{text!r} has no variable, and a network has an input; name some: variables=('p',)"
        )
    _require_few(len(found))
    columns = dict(zip(found, rows_of(len(found)).T.astype(bool), strict=True))
    values = np.broadcast_to(expression.value(tree, columns), 2 ** len(found))
    return TruthTable(found, np.array(values, dtype=bool))


def _of_callable(f: Callable[..., Any], named: tuple[str, ...] | None) -> TruthTable:
    if named is None:
        try:
            parameters = list(inspect.signature(f).parameters.values())
        except ValueError:  # some built-in functions do not tell
            parameters = []
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        if not parameters or any(each.kind not in positional for each in parameters):
            raise SpecificationError(
                "the function's arguments are its variables, and it names none or takes any number; name "
                "them: variables=('p', 'q', 'r')"
            )
        named = tuple(each.name for each in parameters)
        _require_few(len(named))
    values = []
    for row in product((0, 1), repeat=len(named)):
        given = ", ".join(f"{name}={bit}" for name, bit in zip(named, row, strict=True))
        try:
            answer = f(*map(Bit, row))
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise DataError(f"the function fails for {given}: {what}; it must answer every row") from error
        values.append(_bit(answer, f"the function's value for {given}"))
    return TruthTable(named, np.array(values))


def _bit(answer: Any, what: str) -> bool:
    """The value, if it is 0 or 1."""
    try:
        if answer in (0, 1):
            return bool(answer)
    except (TypeError, ValueError):
        pass
    hint = "; use `not`, since ~True is -2 in Python" if answer in (-1, -2) else ""
    raise DataError(f"{what} is {answer!r}, and must be 0 or 1{hint}")


def _of_mapping(f: Mapping[Any, Any], named: tuple[str, ...] | None) -> TruthTable:
    if not f:
        raise DataError("the truth table is empty; give each row its value: {(0, 0): 0, (0, 1): 1, ...}")
    answers: dict[tuple[int, ...], bool] = {}
    for key, answer in f.items():
        digits = list(key) if isinstance(key, str | tuple | list) else [key]
        if not digits or any(digit not in (0, 1, "0", "1") for digit in digits):
            raise DataError(f"row {key!r} of the truth table is not made of 0 and 1, as (0, 1) or '01' is")
        answers[tuple(int(digit) for digit in digits)] = _bit(answer, f"the value of row {key!r}")
    n = max(map(len, answers))
    _require_few(n)
    if other := next((row for row in answers if len(row) != n), None):
        raise DataError(f"row {other} of the truth table has {len(other)} inputs, and others have {n}")
    rows = list(product((0, 1), repeat=n))
    if missing := [row for row in rows if row not in answers]:
        raise DataError(
            f"the truth table has no value for {len(missing)} of {2**n} rows, the first {missing[0]}; "
            "decide each"
        )
    return _named_table([answers[row] for row in rows], named)


def _of_values(f: Any, named: tuple[str, ...] | None) -> TruthTable:
    try:
        values = np.asarray(f)
    except ValueError as error:
        raise DataError(f"the truth table is no array: {error}") from None
    if values.ndim > 1 and set(values.shape) == {2}:
        values = values.ravel()  # indexed by the variables
    n = values.size.bit_length() - 1
    if values.ndim != 1 or values.size < 2 or values.size != 2**n:
        raise DataError(
            f"a truth table has 2, 4, 8, ... values (2^n of n variables), and this has shape {values.shape}; "
            "give all rows in the order 00, 01, 10, 11"
        )
    _require_few(n)
    return _named_table([_bit(each, f"value {r}") for r, each in enumerate(values.tolist())], named)


def _named_table(values: Sequence[bool], named: tuple[str, ...] | None) -> TruthTable:
    n = len(values).bit_length() - 1
    if named is not None and len(named) != n:
        raise SpecificationError(
            f"variables names {len(named)}, and a truth table of {len(values):,} rows has {n}"
        )
    return TruthTable(named or tuple(f"x{i}" for i in range(n)), np.array(values, dtype=bool))
