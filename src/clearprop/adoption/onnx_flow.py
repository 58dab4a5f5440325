"""Values of an ONNX graph as formulas: what a chain has computed so far, and elementwise text upon it.

A `Point` is a place in the chain; points link backwards, so two values with one point share their past. A
`Flow` is a value: scale * f(z) + shift, where z are the numbers at its point and f is text in the house's
formula language. Silu written as Mul(x, Sigmoid(x)) is then the product of two texts at one point, and only
when something other than an elementwise operation wants the value does f become an activation of the chain.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from clearprop.adoption import foreign_rows
from clearprop.adoption.chain import Affine, Step, scale_of, shift_of
from clearprop.adoption.onnx_file import wrong
from clearprop.arrays import Array
from clearprop.errors import FormulaError
from clearprop.formulas import language
from clearprop.formulas.activations import Activation, AnyActivation, activations
from clearprop.formulas.trees import expression_tree

_LONGEST = 1500  #: characters of a text; the language takes 2000


@dataclass(frozen=True, eq=False)
class Point:
    """A place in the chain: the step that leads to it, and the columns it has (None: not known)."""

    before: Point | None
    step: Step | None
    width: int | None

    def then(self, step: Step) -> Point:
        """The place after one more step."""
        return Point(self, step, step.outputs if isinstance(step, Affine) else self.width)

    def steps(self) -> Iterator[Step]:
        """Steps from this place back to the inputs."""
        point: Point | None = self
        while point is not None and point.step is not None:
            yield point.step
            point = point.before


@dataclass(frozen=True, eq=False)
class Flow:
    """scale * f(z) + shift at a point; f is `text`, which may also be a `row` of an `argument`."""

    point: Point
    text: str = "z"
    row: AnyActivation | None = None
    argument: Flow | None = None
    scale: float = 1.0
    shift: float = 0.0
    made_by: tuple[str, ...] = ()  #: operations, for a name

    @property
    def is_linear(self) -> bool:
        """Whether f is z itself."""
        return self.text == "z"

    def times(self, factor: float) -> Flow:
        """The value, multiplied by a number."""
        return self._with(self.scale * factor, self.shift * factor)

    def plus(self, term: float) -> Flow:
        """The value plus a number."""
        return self._with(self.scale, self.shift + term)

    def _with(self, scale: float, shift: float) -> Flow:
        return replace(self, scale=scale, shift=shift)

    def whole_text(self) -> str:
        """The value as text in z."""
        text = self.text
        if self.scale != 1:
            text = f"{number(self.scale)} * ({text})"
        return text if self.shift == 0 else f"({text}) + {number(self.shift)}"

    def under(self, row: Activation, operation: str) -> Flow:
        """A row of this value."""
        text = _put(row, self.whole_text())
        if len(text) > _LONGEST:  # texts in texts grow fast; a layer more does not
            return Flow(self.reached().then(row))
        return Flow(self.point, text, row, self, made_by=(*self.made_by, operation))

    def rewritten(self, text: str, operation: str, *others: Flow) -> Flow:
        """A value of this point with another text; `others` had a part in it."""
        if len(text) > _LONGEST:
            raise wrong(
                f"an elementwise part has {len(text)} characters as a formula, more than {_LONGEST}; "
                "export the activation as an operation of its own"
            )
        made_by = self.made_by
        for other in others:
            made_by += other.made_by
        return Flow(self.point, text, made_by=(*made_by, operation))

    def reached(self) -> Point:
        """The place in the chain where the value stands as it is, f made an activation."""
        if self.is_linear:
            return _scaled(self.point, self.scale, self.shift)
        if self.row is not None and self.argument is not None:
            known = None if self.argument.is_linear else _known(self.text)
            point = self.point.then(known) if known else self.argument.reached().then(self.row)
        else:
            whole = _known(self.whole_text())
            if whole is not None:
                return self.point.then(whole)
            point = self.point.then(_own("_".join(self.made_by).lower(), self.text))
        return _scaled(point, self.scale, self.shift)


def number(value: float) -> str:
    """A number as text that stands anywhere in a formula."""
    return f"({value!r})" if value < 0 else repr(value)


def _scaled(point: Point, scale: float, shift: float) -> Point:
    if (scale, shift) == (1, 0):
        return point
    if point.width is None:
        raise wrong(
            "the input has no fixed number of columns, and the graph scales it before any weights; export it "
            "with an input of shape (m, n)"
        )
    if scale != 1:
        point = point.then(scale_of(np.full(point.width, scale, np.float32), "a factor"))
    return point if shift == 0 else point.then(shift_of(np.full(point.width, shift, np.float32), "a shift"))


def shipped(name: str) -> Activation:
    """An elementwise row of the library."""
    row = activations[name]
    assert isinstance(row, Activation)  # noqa: S101 - for the type checker
    return row


class _Put(ast.NodeTransformer):
    """Puts trees in the place of names."""

    def __init__(self, trees: dict[str, ast.expr]) -> None:
        self.trees = trees

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Call(node.func, [self.visit(argument) for argument in node.args], [])

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.trees.get(node.id, node)


def _put(row: Activation, text: str) -> str:
    """The row's formula with a text for z and its numbers for its parameters."""
    texts = {name: number(row[name]) for name in row.parameter_names} | {"z": text}
    trees = {name: expression_tree(each) for name, each in texts.items()}
    return ast.unparse(_Put(trees).visit(expression_tree(row.formula)))


@cache
def _candidates() -> tuple[tuple[Activation, Array], ...]:
    """Rows without parameters, shipped and foreign, with their values on a grid."""
    shipped = [row for row in activations.values() if isinstance(row, Activation) and row.name != "identity"]
    foreign = [
        foreign_rows.GELU_TANH,
        foreign_rows.HARD_SWISH,
        foreign_rows.SOFTSIGN,
        foreign_rows.LOG_SIGMOID,
        foreign_rows.clip(0, 6),
        foreign_rows.clip(-1, 1),
    ]
    return tuple((row, row.value(_grid())) for row in [*shipped, *foreign])


@cache
def _grid() -> Array:
    return np.concatenate((np.linspace(-20, 20, 4001), [-1e3, -1e2, 1e2, 1e3]))


def _known(text: str) -> Activation | None:
    """The row whose values a text has: exporters write GELU in five operations and float32 constants."""
    z = _grid()
    with np.errstate(all="ignore"):
        try:
            values = np.broadcast_to(np.asarray(language.evaluate(text, {"z": z}), dtype=np.float64), z.shape)
        except FormulaError:  # nested deeper than the language goes; the caller has another way, or says so
            return None
        for row, own in _candidates():
            if np.allclose(values, own, rtol=2e-7, atol=2e-7):
                return row
    return None


def _own(name: str, text: str) -> Activation:
    """A row for a text that nobody has named; SymPy finds its derivative."""
    try:
        return Activation(name[:60], text, source="an ONNX graph")
    except (FormulaError, ImportError, TypeError, ValueError) as error:
        raise wrong(f"the elementwise part {text!r} cannot be made an activation: {error}") from error
