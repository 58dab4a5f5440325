"""`boolean`: any Boolean function as a network of perceptrons with one hidden layer, exact on every row.

Each hidden unit is a product of the disjunctive normal form or a clause of the conjunctive one, whichever
form has fewer; the output unit is their `or`, or their `and`. The weights are 1, -1 and 0 and the biases
halves, so that every sum is exact in any engine and precision, and no unit ever stands on its kink.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from clearprop.arrays import BoolArray
from clearprop.constructions.normal_form import Cover, Product, cover_of
from clearprop.constructions.predicting import predicted
from clearprop.constructions.truth_table import BooleanFunction, TruthTable, rows_of, truth_table
from clearprop.engines import EngineName
from clearprop.errors import SpecificationError
from clearprop.model import Model
from clearprop.specification import Dense, Network, Parameters
from clearprop.words import plural

Form: TypeAlias = Literal["disjunctive", "conjunctive"]

LEAST_TOLERANCE = 1e-9
SHOWN = 8  #: products of a form, and wrong rows, that are printed


@dataclass(frozen=True)
class RowsChecked:
    """What a network answers to all rows of a truth table.

    Attributes
    ----------
    rows : int
    wrong : tuple of str
        Rows, as binary digits, whose answer is farther from the function's value than the tolerance.
    error : float
        Largest distance of an answer.
    """

    rows: int
    wrong: tuple[str, ...]
    error: float

    @property
    def holds(self) -> bool:
        """Whether every row is right."""
        return not self.wrong

    def __str__(self) -> str:
        if self.holds:
            return f"all {plural(self.rows, 'row')} right, the largest error {self.error:.3g}"
        shown = ", ".join(self.wrong[:SHOWN]) + (", ..." if len(self.wrong) > SHOWN else "")
        told = f"{len(self.wrong):,} of {plural(self.rows, 'row')} wrong: {shown}"
        return f"{told}; the largest error {self.error:.3g}"


@dataclass(frozen=True, eq=False)
class BooleanNetwork:
    """A Boolean function as a network, with what is known about it.

    Attributes
    ----------
    model : Model
        An ordinary model: one hidden layer, one output.
    variables : tuple of str
        The inputs, in order.
    values : bool array (2^n,)
        The function; row r has the inputs that are r's binary digits.
    form : {"disjunctive", "conjunctive"}
        Whether the hidden units are products that the output joins by `or`, or clauses joined by `and`.
    pieces : tuple of str
        What each hidden unit computes.
    fewest : bool
        Whether neither normal form of the function has fewer products or clauses, which is proven up to
        10 variables unless the search for it was given up. It is no statement about other networks.
    tolerance : float
        How far an output may be from the function's value: 0 with steps.
    steepness : float or None
        Factor of all weights and biases, with sigmoids.
    checked : RowsChecked
        What the network answered when it was written down.
    """

    model: Model
    variables: tuple[str, ...]
    values: BoolArray = field(repr=False)
    form: Form
    pieces: tuple[str, ...] = field(repr=False)
    fewest: bool
    tolerance: float
    steepness: float | None
    checked: RowsChecked

    @property
    def formula(self) -> str:
        """The normal form that the network computes."""
        return _joined(self.form, self.pieces)

    def verify(self, engine: EngineName = "compiled") -> RowsChecked:
        """Compare the network, as its parameters are now, with the function on all 2^n rows.

        Examples
        --------
        >>> both = boolean("p & q")
        >>> both.model.theta.W[1][0, 1] = -1.0
        >>> print(both.verify(engine="textbook"))
        1 of 4 rows wrong: 11; the largest error 1
        """
        return _checked(self.model.network, self.model.theta, self.values, self.tolerance, engine)

    def __str__(self) -> str:
        network = self.model.network
        hidden, output = network.layers
        unit = "product" if self.form == "disjunctive" else "clause"
        shown = _joined(self.form, self.pieces[:SHOWN])
        if len(self.pieces) > SHOWN:
            shown += f" {'|' if self.form == 'disjunctive' else '&'} ... ({len(self.pieces) - SHOWN:,} more)"
        least = "no normal form has fewer" if self.fewest else "none can be left out; fewer are not ruled out"
        lines = [
            f"{plural(network.inputs, 'input')} ({', '.join(self.variables)}) -> {hidden.units:,} "
            f"{hidden.activation.name} -> 1 {output.activation.name}; {network.n_parameters:,} parameters",
            f"{self.form} normal form, {plural(len(self.pieces), unit)} ({least}):",
            f"  {shown}",
        ]
        if self.steepness is not None:
            lines.append(f"steepness {self.steepness:g}: outputs within {self.tolerance:g} of 0 and 1")
        return "Boolean function as a network\n" + "\n".join(f"  {each}" for each in [*lines, self.checked])


def boolean(
    f: BooleanFunction,
    *,
    variables: Sequence[str] | None = None,
    tolerance: float | None = None,
    engine: EngineName = "compiled",
) -> BooleanNetwork:
    """Write down a network with one hidden layer that computes a Boolean function on every row.

    With a product t of literals goes the unit w x + b >= 0 that has w_i = 1 for x_i in t, -1 for `not x_i`,
    and b = 1/2 - (literals that are not negated): the sum is 1/2 where t is true, and at most -1/2 elsewhere.
    A clause is the negation of a product. The output is a_1 + ... + a_k - 1/2 >= 0 (`or`), or
    a_1 + ... + a_k - k + 1/2 >= 0 (`and`).

    Parameters
    ----------
    f : str, callable, mapping or sequence
        A formula such as `"(a & ~b) | c"` (`& | ^ ~`, `and or xor not`, 0 and 1); a callable whose arguments
        are the variables; or a truth table: 2^n values in the order 00, 01, 10, 11, an array of shape (2,
        ..., 2), or a mapping from rows, (0, 1) or "01", to values. At most 16 variables.
    variables : sequence of str, optional
        Names in the order of the inputs. Left out: those of the formula in order of appearance, the
        callable's arguments, or x0, x1, ...
    tolerance : float, optional
        Sigmoids instead of steps, so steep that every output is within `tolerance` (from 1e-9, below 1/2) of
        0 or 1, and rounds to the function's value. They have slopes, and can be trained further.
    engine : {"compiled", "textbook"}
        Of the model.

    Returns
    -------
    BooleanNetwork
        `.model` is the network; the rest says what it is made of.

    Raises
    ------
    FormulaError, DataError, SpecificationError
        When f is not a Boolean function of 1 to 16 variables, or the tolerance is out of range.

    Examples
    --------
    >>> xor = boolean("p ^ q", engine="textbook")
    >>> print(xor)
    Boolean function as a network
      2 inputs (p, q) -> 2 step -> 1 step; 9 parameters
      disjunctive normal form, 2 products (no normal form has fewer):
        ~p & q | p & ~q
      all 4 rows right, the largest error 0
    >>> xor.model.predict([[0, 1], [1, 1]]).tolist()
    [[1.0], [0.0]]
    >>> boolean([0, 0, 0, 1], tolerance=0.01, engine="textbook").steepness
    10.0

    Notes
    -----
    Note 001: "a multilayer network of perceptrons with a single hidden layer can be used to approximate any
    Boolean function precisely". A function that one threshold decides (and, or, majority) needs no hidden
    layer; this construction gives it one all the same.

    With sigmoids of steepness s a hidden unit is within h = sigmoid(-s/2) of its step, so the sum of k of
    them leaves the output's own sum at least 1/2 - k h away from 0, and the output is within
    sigmoid(-s (1/2 - k h)) of 0 or 1; s is the first whole number for which that is at most the tolerance.
    """
    numeric = tolerance is None or isinstance(tolerance, int | float | np.number)
    if not numeric or (tolerance is not None and not LEAST_TOLERANCE <= tolerance < 0.5):
        raise SpecificationError(
            f"tolerance is a number from {LEAST_TOLERANCE:g} to below 0.5, so that outputs round to the "
            f"function's values, not {tolerance!r}; leave it out for steps, which are exact"
        )
    table = truth_table(f, variables)
    form, cover, fewest = _smaller(table)
    sign = 1 if form == "disjunctive" else -1
    steepness = None if tolerance is None else _steepness(len(cover.products), tolerance)
    activation = "step" if steepness is None else "sigmoid"
    n, k = len(table.variables), len(cover.products)
    network = Network(n, [Dense(k, activation), Dense(1, activation)])  # type: ignore[arg-type]
    theta = Parameters(network, np.zeros(network.n_parameters))
    _write(theta, cover.products, sign)
    theta.flat *= steepness or 1.0
    return BooleanNetwork(
        model=Model(network, theta, engine=engine),
        variables=table.variables,
        values=table.values,
        form=form,
        pieces=tuple(_piece(product, table.variables, sign) for product in cover.products),
        fewest=fewest,
        tolerance=tolerance or 0.0,
        steepness=steepness,
        checked=_checked(network, theta, table.values, tolerance or 0.0, engine),
    )


def _smaller(table: TruthTable) -> tuple[Form, Cover, bool]:
    """The form with fewer products or clauses, then fewer literals; whether fewer are proven not to do."""
    disjunctive, conjunctive = cover_of(table.values), cover_of(~table.values)
    forms: list[tuple[Form, Cover]] = [("disjunctive", disjunctive), ("conjunctive", conjunctive)]
    some = [
        each for each in forms if each[1].products
    ]  # a constant has an empty form, and a layer no 0 units
    form, cover = min(some, key=lambda each: (len(each[1].products), each[1].literals))
    return form, cover, disjunctive.fewest and conjunctive.fewest


def _write(theta: Parameters, products: Sequence[Product], sign: int) -> None:
    """Weights and biases of the hidden units, and of the `or` (sign 1) or `and` (-1) over them."""
    n = theta.network.inputs
    places = np.arange(n - 1, -1, -1)
    care, ones = np.array(products, dtype=np.int64).T[:, :, None] >> places & 1
    hidden, output = theta.b[1], theta.b[2]
    assert hidden is not None  # noqa: S101 - a Dense has a bias unless told
    assert output is not None  # noqa: S101
    theta.W[1][...] = sign * (2 * ones - care)
    hidden[...] = sign * (0.5 - ones.sum(axis=1))
    theta.W[2][...] = 1.0
    output[...] = -0.5 if sign == 1 else 0.5 - len(products)


def _steepness(k: int, tolerance: float) -> float:
    """First whole factor with which k sigmoids and one over them are as near to steps as asked."""
    wanted = math.log((1 - tolerance) / tolerance)
    steep = (s for s in itertools.count(1) if s * (0.5 - k / (1 + math.exp(s / 2))) >= wanted)
    return float(next(steep))


def _piece(product: Product, variables: tuple[str, ...], sign: int) -> str:
    """A product in words, or (sign -1) the clause that is its negation."""
    care, ones = product
    last = len(variables) - 1
    found = []
    for i, name in enumerate(variables):
        bit = 1 << (last - i)
        if care & bit:
            found.append(name if bool(ones & bit) == (sign == 1) else f"~{name}")
    if not found:
        return "1" if sign == 1 else "0"
    return (" & " if sign == 1 else " | ").join(found)


def _joined(form: Form, pieces: Sequence[str]) -> str:
    if form == "disjunctive":
        return " | ".join(pieces)
    return " & ".join(f"({each})" if " | " in each and len(pieces) > 1 else each for each in pieces)


def _checked(
    network: Network, theta: Parameters, values: BoolArray, tolerance: float, engine: EngineName
) -> RowsChecked:
    n = network.inputs
    rows = rows_of(n)
    error = np.abs(predicted(theta, rows, engine) - values)
    wrong = np.flatnonzero(~(error <= tolerance))
    return RowsChecked(len(rows), tuple(f"{row:0{n}b}" for row in wrong.tolist()), float(error.max()))
