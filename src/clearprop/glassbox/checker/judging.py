"""Is a formula right on a scene? Its value beside the truth, to nearly all digits."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import FormulaError
from clearprop.glassbox.checker.asked import Asked
from clearprop.glassbox.checker.evaluation import Elements, Evaluator, ShapeError, Value
from clearprop.glassbox.checker.matrix_language import Leaf, leaves, letters_of
from clearprop.glassbox.checker.view import View

TOLERANCE = 1e-9  #: of a difference, relative to the largest number of the formula's value and the truth


@dataclass(frozen=True)
class Judgement:
    """A formula's value and the truth on one scene, broadcast to one shape.

    Attributes
    ----------
    value, truth : ndarray
        In index notation one axis for each letter of `letters`.
    """

    value: Array
    truth: Array
    letters: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether all elements agree."""
        return agree(self.value, self.truth)


def agree(value: Array, truth: Array) -> bool:
    """Whether two arrays of one shape are equal to nearly all digits; not finite is not equal."""
    size = np.abs(truth).max(initial=0) + np.abs(value).max(initial=0)
    return bool(np.isfinite(size) and (np.abs(value - truth) <= TOLERANCE * size).all())


@dataclass(frozen=True)
class Case:
    """What is asked, of one view; formulas are judged by it."""

    asked: Asked
    view: View

    @cached_property
    def truths(self) -> tuple[Value, ...]:
        """True values, any of which is right."""
        with np.errstate(all="ignore"):
            return self.asked.truth(self.view)

    @cached_property
    def _forbidden(self) -> frozenset[tuple[str, int | None]]:
        return self.asked.forbidden(self.view)

    def judge(self, tree: ast.expr) -> Judgement:
        """Value of a formula beside the truth.

        Raises
        ------
        ShapeError
            When shapes do not fit, within the formula or to what is asked.
        FormulaError
            When the formula names what there is not, or what is asked itself.
        """
        asked = self.asked
        self._forbid(tree)
        free = free_letters(tree) - set(asked.letters)
        if free and not asked.letters:
            raise FormulaError(
                f"{_list(free)} in {ast.unparse(tree)!r} stands for no unit of {asked.text!r}: ask for an "
                f"element, such as {example_of(asked)}, or sum over it: sum({min(free)}, ...)"
            )
        if free:
            raise ShapeError(f"{_list(free)} is free: the formula has another value for each; sum over it")
        letters = tuple(sorted(letters_of(tree) | set(asked.letters)))
        evaluator = Evaluator(self.view, letters, _ranges(asked, self.truths[0]))
        with np.errstate(all="ignore"):
            if any(isinstance(node, ast.Compare) for node in ast.walk(tree)):
                for leaf in leaves(tree):  # so that a comparison of letters knows how far they count
                    evaluator.value(leaf.node)
            value = evaluator.value(tree)
        if not np.isfinite(value.array if isinstance(value, Elements) else value).all():
            raise ShapeError(
                "the formula gives what is no number: too large, 0 / 0, or outside a function's domain"
            )
        if asked.letters or isinstance(value, Elements):
            return _in_letters(value, self.truths[0], asked, letters)
        pairs = (_whole(np.asarray(value), np.asarray(truth)) for truth in self.truths)
        found = [judgement for judgement in pairs if judgement is not None]
        if not found:
            wanted = np.shape(np.asarray(self.truths[0]))
            raise ShapeError(f"the formula has shape {np.shape(value)}, and {asked.text} {wanted}")
        return next((each for each in found if each.right), found[0])

    def _forbid(self, tree: ast.expr) -> None:
        """Raise FormulaError where a formula for a number uses that number."""
        for leaf in leaves(tree):
            layer = None if leaf.layer is None else self.view.index(leaf.layer)
            if (leaf.name, layer) in self._forbidden:
                name = ast.unparse(Leaf(leaf.name, leaf.layer).node)
                raise FormulaError(
                    f"a formula for {self.asked.text} may not use {name}, which is that very number; write "
                    "it with numbers that are there before it"
                )


def _whole(value: Array, truth: Array) -> Judgement | None:
    """Both in one shape; None where they have different ones. A single number stands for all elements."""
    if value.size == 1 and (truth.size == 1 or value.ndim == 0):
        return Judgement(np.broadcast_to(value.reshape(()), truth.shape), truth)
    if value.shape == truth.shape:
        return Judgement(value, truth)
    if truth.ndim == 1 and value.shape == (1, *truth.shape):  # a bias as a row
        return Judgement(value[0], truth)
    return None


def _in_letters(value: Value, truth: Value, asked: Asked, letters: tuple[str, ...]) -> Judgement:
    """Both with one axis for each letter that is asked."""
    arrays = []
    for each, own in ((value, letters), (truth, tuple(sorted(asked.letters)))):
        array = each.array if isinstance(each, Elements) else np.asarray(each)
        if not isinstance(each, Elements) and array.size > 1:
            raise ShapeError(
                f"the formula has shape {array.shape}, and {asked.text} is one number for each letter"
            )
        if isinstance(each, Elements):
            kept = [axis for axis, letter in enumerate(own) if letter in asked.letters]
            array = array.transpose([*kept, *(a for a in range(array.ndim) if a not in kept)])
            array = array.reshape(array.shape[: len(kept)])
        arrays.append(
            array.reshape(()) if array.size == 1 and array.ndim == 2 and not asked.letters else array
        )
    made, true = np.broadcast_arrays(*arrays)
    return Judgement(made, true, tuple(sorted(asked.letters)))


def _ranges(asked: Asked, truth: Value) -> dict[str, int]:
    if not isinstance(truth, Elements):
        return {}
    return dict(zip(sorted(asked.letters), truth.array.shape, strict=True))


def free_letters(tree: ast.expr) -> set[str]:
    """Letters that no sum(k, ...) around them binds."""
    match tree:
        case ast.Call(func=ast.Name(id="sum"), args=[ast.Name(id=letter), body]):
            return free_letters(body) - {letter}
        case ast.Name(id=name):
            return {name} & letters_of(tree)
    inner: set[str] = set()
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.expr) and not (isinstance(tree, ast.Call) and child is tree.func):
            inner |= free_letters(child)
    return inner


def example_of(asked: Asked) -> str:
    """The asked quantity with indices, as an example."""
    name = f"{asked.text}"
    return f"{name}[j,i]" if asked.of.name in ("dW", "W") else f"{name}[j]"


def _list(letters: set[str]) -> str:
    return " and ".join(sorted(letters))
