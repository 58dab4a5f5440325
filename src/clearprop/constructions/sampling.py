"""The function that towers are built for, as text or callable; refused where it is not finite."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array
from clearprop.errors import DataError, SpecificationError
from clearprop.formulas import language

RealFunction: TypeAlias = str | Callable[..., Any]
Sampler: TypeAlias = Callable[[Array], Array]  #: points (m, n) to values (m,)
Domain: TypeAlias = tuple[tuple[float, float], ...]

MOST_INPUTS = 6
WIDEST = 1e100  #: ends of an interval, and 1 / the narrowest


def domain_of(given: Sequence[Any]) -> Domain:
    """Intervals of (low, high), or of one such pair for each input.

    Raises
    ------
    SpecificationError
        When an interval is empty or not finite.

    Examples
    --------
    >>> domain_of((0, 1)), domain_of([(0, 1), (-1, 1)])
    (((0.0, 1.0),), ((0.0, 1.0), (-1.0, 1.0)))
    """
    try:
        ends = np.atleast_2d(np.asarray(given, dtype=np.float64))
    except (TypeError, ValueError):
        ends = np.empty((0, 0))
    if ends.ndim != 2 or ends.shape[1] != 2 or not len(ends):
        raise SpecificationError(
            f"domain is (low, high), or a list of such pairs, one for each input, not {given!r}"
        )
    for low, high in ends.tolist():
        if not (np.isfinite([low, high]).all() and low < high and np.isfinite(high - low)):
            raise SpecificationError(
                f"domain: the interval from {low:g} to {high:g} is empty or endless; the low end comes first "
                "and both are finite"
            )
        if high - low < 1 / WIDEST or max(abs(low), abs(high)) > WIDEST:
            raise SpecificationError(
                f"domain: the interval from {low:g} to {high:g} leaves float64 no room to compute in; scale f"
            )
    if len(ends) > MOST_INPUTS:
        raise SpecificationError(
            f"the domain has {len(ends)} inputs, and towers are built for at most {MOST_INPUTS}, since "
            "their number grows as a power of that; train a network instead"
        )
    return tuple((low, high) for low, high in ends.tolist())


def names_of(n: int) -> tuple[str, ...]:
    """Names of the inputs in a text.

    >>> names_of(1), names_of(2), names_of(4)
    (('x',), ('x', 'y'), ('x0', 'x1', 'x2', 'x3'))
    """
    return ("x", "y", "z")[:n] if n <= 3 else tuple(f"x{i}" for i in range(n))


def sampler(f: RealFunction, n: int) -> Sampler:
    """Function of points (m, n), whatever it was given as; a callable is called on arrays, else on numbers.

    Raises
    ------
    FormulaError, DataError, SpecificationError
        When the text is no formula in the inputs' names, f is neither text nor callable, or, on a call, f
        fails or gives something that is not a finite number.

    Examples
    --------
    >>> import math
    >>> sampler("x * y", 2)(np.array([[2.0, 3.0]])), sampler(math.sin, 1)(np.zeros((2, 1)))
    (array([6.]), array([0., 0.]))
    """
    names = names_of(n)
    if isinstance(f, str):
        language.require_names(f, frozenset(names), "the function")
        text = f

        def called(*columns: Array) -> Any:
            return language.evaluate(text, dict(zip(names, columns, strict=True)))

    elif callable(f):
        called = f
    else:
        raise SpecificationError(f"f is a function or a formula such as 'sin(3*x)', not {f!r}")

    def values(points: Array) -> Array:
        found = _called(called, points)
        wrong = np.flatnonzero(~np.isfinite(found))
        if wrong.size:
            place, value = told(points[wrong[0]]), found[wrong[0]]
            raise DataError(
                f"f({place}) is {value}; towers need a function that is finite and continuous on the whole "
                "domain, so leave that place out of it"
            )
        return found

    return values


def told(point: Array) -> str:
    """A point as it stands between parentheses."""
    return ", ".join(f"{x:.6g}" for x in point.tolist())


def _called(f: Callable[..., Any], points: Array) -> Array:
    with np.errstate(all="ignore"):
        with contextlib.suppress(Exception):  # math.sin takes no arrays; a real fault shows again below
            found = f(*points.T.copy())
            if np.shape(found) == (len(points),):
                return _as_numbers(found)
        answers = []
        for row in points:
            try:
                answers.append(f(*row.tolist()))
            except Exception as error:
                what = f"{type(error).__name__}: {error}"
                raise DataError(
                    f"f({told(row)}) fails ({what}); leave that place out of the domain"
                ) from error
    if not answers:
        return np.empty(0)
    if text := next((answer for answer in answers if np.shape(answer) not in ((), (1,))), None):
        raise DataError(f"f gives {text!r}, and towers are built for a function with one number as its value")
    return _as_numbers([np.reshape(answer, ()) for answer in answers])


def _as_numbers(values: npt.ArrayLike) -> Array:
    try:
        found = np.asarray(values)
        if found.dtype.kind not in "biufO":
            raise TypeError
        return np.array([float(each) for each in found]) if found.dtype.kind == "O" else found.astype(float)
    except (TypeError, ValueError):
        raise DataError(
            "f gives something that is no real number; give a function with real values"
        ) from None
