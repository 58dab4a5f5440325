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
from clearprop.glassbox.checker.matrix_language import leaves
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
    """What is asked, of one view; formulas are judged by it.

    Attributes
    ----------
    letters : frozenset of str
        Letters that the formulas may have, beside those that are asked.
    """

    asked: Asked
    view: View
    letters: frozenset[str] = frozenset()

    @cached_property
    def truths(self) -> tuple[Value, ...]:
        """True values, any of which is right."""
        with np.errstate(all="ignore"):
            return self.asked.truth(self.view)

    @cached_property
    def _axes(self) -> tuple[str, ...]:
        return tuple(sorted(self.letters | set(self.asked.letters)))

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
        asked, truth = self.asked, self.truths[0]
        evaluator = Evaluator(self.view, self._axes, _ranges(asked, truth), self._forbidden)
        with np.errstate(all="ignore"):
            if self.letters and any(isinstance(node, ast.Compare) for node in ast.walk(tree)):
                for leaf in leaves(tree):  # so that a comparison of letters knows how far they count
                    evaluator.value(leaf.node)
            value = evaluator.value(tree)
        if not np.isfinite(value.array if isinstance(value, Elements) else value).all():
            raise ShapeError("the formula gives no finite number, as 0 / 0 or the logarithm of less than 0")
        if asked.letters or isinstance(value, Elements):
            return self._in_letters(value, truth)
        pairs = (_whole(np.asarray(value), np.asarray(truth)) for truth in self.truths)
        found = [judgement for judgement in pairs if judgement is not None]
        if not found:
            wanted = np.shape(np.asarray(truth))
            raise ShapeError(f"the formula has shape {np.shape(value)}, and {asked.text} {wanted}")
        return next((each for each in found if each.right), found[0])

    def _in_letters(self, value: Value, truth: Value) -> Judgement:
        """Both with one axis for each letter that is asked."""
        own = tuple(sorted(self.asked.letters))
        made, true = np.broadcast_arrays(self._reduced(value, self._axes), self._reduced(truth, own))
        return Judgement(made, true, own)

    def _reduced(self, value: Value, axes: tuple[str, ...]) -> Array:
        """Values by the letters that are asked; a letter that is left over was to be summed."""
        asked = self.asked
        if not isinstance(value, Elements):
            array = np.asarray(value)
            if array.size > 1:
                raise ShapeError(
                    f"the formula has shape {array.shape}, and {asked.text} is one number a letter"
                )
            return array.reshape(())
        array = value.array
        free = [k for k, letter in enumerate(axes) if letter not in asked.letters]
        names = [axes[k] for k in free if array.shape[k] > 1]
        if names and not asked.letters:
            raise FormulaError(
                f"{' and '.join(names)} stands for no unit of {asked.text!r}: ask for an element, such as "
                f"{_example_of(asked)}, or sum over it: sum({names[0]}, ...)"
            )
        if names:
            raise ShapeError(
                f"{' and '.join(names)} is free: the formula has a value for each, one is asked for"
            )
        return array.reshape([n for k, n in enumerate(array.shape) if k not in free])


def _whole(value: Array, truth: Array) -> Judgement | None:
    """Both in one shape; None where they have different ones. A single number stands for all elements."""
    if value.size == 1 and (truth.size == 1 or value.ndim == 0):
        return Judgement(np.broadcast_to(value.reshape(()), truth.shape), truth)
    if value.shape == truth.shape:
        return Judgement(value, truth)
    if truth.ndim == 1 and value.shape == (1, *truth.shape):  # a bias as a row
        return Judgement(value[0], truth)
    return None


def _ranges(asked: Asked, truth: Value) -> dict[str, int]:
    if not isinstance(truth, Elements):
        return {}
    return dict(zip(sorted(asked.letters), truth.array.shape, strict=True))


def _example_of(asked: Asked) -> str:
    return f"{asked.text}[j,i]" if asked.of.name in ("dW", "W") else f"{asked.text}[j]"
