"""A counterexample that can be followed by hand: a network in halves on which a formula is visibly wrong."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import FormulaError
from clearprop.glassbox.checker.asked import Asked
from clearprop.glassbox.checker.evaluation import ShapeError
from clearprop.glassbox.checker.judging import Case, Judgement
from clearprop.glassbox.checker.matrix_language import Leaf, leaves, letters_of
from clearprop.glassbox.checker.scene import Scene
from clearprop.glassbox.checker.view import Convention, View

_VISIBLE = 0.05  #: least difference, relative to the larger of value and truth
_TINY = 0.02  #: numbers below are not compared
_DIGITS = 6


@dataclass(frozen=True)
class Counterexample:
    """Small numbers on which a formula and the truth differ.

    Attributes
    ----------
    numbers : tuple of (name, array)
        Weights, biases, inputs, targets, and what the formula names besides.
    element : str
        The element compared, such as "delta[1][0]"; of a whole number its name.
    value, truth : float
        What the formula gives for it, and what is true.
    """

    numbers: tuple[tuple[str, Array], ...]
    element: str
    value: float
    truth: float

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self.numbers)
        lines = [f"  {name:{width}} = {shown(array)}" for name, array in self.numbers]
        told = (
            f"  {self.element}: the formula gives {self.value:.{_DIGITS}g}, true is {self.truth:.{_DIGITS}g}"
        )
        return "\n".join([*lines, told])


def shown(array: Array) -> str:
    """Numbers on one line, in brackets as in NumPy."""
    array = np.asarray(array)
    if array.ndim == 0:
        return f"{float(array):.{_DIGITS}g}"
    return "[" + ", ".join(shown(each) for each in array) + "]"


def find(
    tree: ast.expr, asked: Asked, convention: Convention, scenes: Iterable[tuple[Scene, int | None]]
) -> Counterexample | None:
    """The plainest of the scenes on which the formula is visibly wrong, or None.

    Parameters
    ----------
    scenes : iterable of (Scene, layer)
        The layer that the letter l stands for, where there is one.
    """
    best: tuple[float, View, Judgement] | None = None
    for scene, l in scenes:
        view = View(scene, convention, l)
        try:
            judgement = Case(asked, view, letters_of(tree)).judge(tree)
        except (ShapeError, FormulaError):
            continue
        gap = _gap(judgement)
        if np.isfinite(gap).all() and gap.max(initial=0) > _VISIBLE:
            cost = _cost(scene)
            if best is None or cost < best[0]:
                best = cost, view, judgement
    return None if best is None else _told(tree, asked, best[1], best[2])


def _gap(judgement: Judgement) -> Array:
    size = np.maximum(np.abs(judgement.value), np.abs(judgement.truth))
    with np.errstate(all="ignore"):
        return np.where(size > _TINY, np.abs(judgement.value - judgement.truth) / size, 0)


def _cost(scene: Scene) -> float:
    """How laborious the numbers are: large ones and halves cost, saturated units more."""
    given = np.concatenate([scene.seen.theta.flat, scene.seen.X.ravel()])
    saturated = sum((np.abs(z) > 3).sum() for z in scene.seen.z.values())
    return float((np.abs(given) + 2 * (given % 1 != 0)).sum() + 5 * saturated)


def _told(tree: ast.expr, asked: Asked, view: View, judgement: Judgement) -> Counterexample:
    gap = np.asarray(_gap(judgement))
    place = np.unravel_index(int(gap.argmax()), gap.shape)
    numbers: dict[str, Array] = {}
    network = view.scene.network
    for l in range(1, network.depth + 1):
        numbers[f"W[{l}]"] = view.number("W", l)
        if view.scene.seen.theta.b[l] is not None:
            numbers[f"b[{l}]"] = view.scene.seen.theta.b[l]  # type: ignore[assignment]  # one line
    numbers |= {"x": view.number("x", None), "y": view.number("y", None)}
    for leaf in leaves(tree):
        layer = None if leaf.layer is None else view.index(leaf.layer)
        plain = Leaf(leaf.name, None if layer is None else ast.Constant(layer))
        numbers.setdefault(ast.unparse(plain.node), view.number(leaf.name, layer))
    for scalar in ("m", "eta", "l1", "l2"):
        if any(isinstance(node, ast.Name) and node.id == scalar for node in ast.walk(tree)):
            numbers[scalar] = np.asarray(view.scalar(scalar))
    plain_numbers = {name: _one_line(array, view) for name, array in numbers.items()}
    element = element_name(asked, view, judgement, tuple(int(k) for k in place))
    value, truth = float(judgement.value[place]) + 0.0, float(judgement.truth[place]) + 0.0  # no -0
    return Counterexample(tuple(plain_numbers.items()), element, value, truth)


def _one_line(array: Array, view: View) -> Array:
    """A vector of the one example there is without its second axis."""
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 and view.convention == "columns" else array


def element_name(asked: Asked, view: View, judgement: Judgement, place: tuple[int, ...]) -> str:
    """Name of one element of what is asked, the letters as numbers: W[1][j,i] at (0, 1) is W[1][0,1]."""
    text = asked.text
    if view.l is not None:
        text = (
            text.replace("[l+1]", f"[{view.l + 1}]")
            .replace("[l-1]", f"[{view.l - 1}]")
            .replace("[l]", f"[{view.l}]")
        )
    if asked.is_element:
        for letter, number in zip(judgement.letters, place, strict=False):
            text = _lettered(text, letter, number)
        return text
    if (
        view.convention == "columns"
        and view.scene.m == 1
        and len(place) == 2
        and asked.of.name not in ("dW", "W")
    ):
        place = place[:1] if asked.by is None or judgement.truth.shape[1] == 1 else place
    units = f"[{','.join(map(str, place))}]" if place else ""
    return f"{text}{units}" if "/" not in text or not units else f"({text}){units}"


def _lettered(text: str, letter: str, number: int) -> str:
    import re

    return re.sub(rf"(?<=[\[,])\s*{letter}\s*(?=[,\]])", str(number), text)
