"""`check_formula`: whether a formula that was derived by hand is right, and by which slip it is not."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from clearprop.errors import ClearpropError, FormulaError, SpecificationError
from clearprop.glassbox.checker.asked import Asked, read_asked
from clearprop.glassbox.checker.counterexample import Counterexample, find
from clearprop.glassbox.checker.evaluation import ShapeError
from clearprop.glassbox.checker.explaining import VAGUE, Explanation, by_one, by_two, simplest
from clearprop.glassbox.checker.judging import Case
from clearprop.glassbox.checker.matrix_language import leaf_of, letters_of, read_formula
from clearprop.glassbox.checker.scene import draws, small_scenes
from clearprop.glassbox.checker.verdict import FormulaVerdict
from clearprop.glassbox.checker.view import Convention, View
from clearprop.specification import Network

_DRAWS = 4
_SMALL = 60
_EXAMPLES = 3


def check_formula(
    formula: str,
    of: str,
    *,
    network: Network,
    convention: Literal["auto", "columns", "rows"] = "auto",
) -> FormulaVerdict:
    """Check a formula that was derived by hand against the network's own equations.

    Parameters
    ----------
    formula : str
        NumPy-like: `W[2].T @ delta[2] * dg[1](z[1])`, or in index notation
        `sum(k, delta[2][k] * W[2][k,j]) * dg[1](z[1][j])`; layers from 1 (a[0] is x), units from 0. There are
        W, b, z, a, delta, x, y, y_hat, m, eta, l1, l2, the derivatives dC/dW[l], dC/db[l], dC/da[l] and
        dC/dy_hat, g[l](...) and its derivative dg[l](...), the activations by name and d_NAME, and functions.
    of : str
        What it should be: C, loss, y_hat, z[l], a[l], delta[l], W[l] and b[l] (dC/dW, dC/db), dC/da[l],
        dC/dy_hat, x (dC/dx), a local derivative such as da[1]/dz[1], or "new W[l]" after a step of descent;
        an element, such as W[1][j,i]; with l for the layer, every layer for which the formula has a meaning.
    network : Network
        The truth is this network's, by the textbook engine's passes, on numbers drawn several times.
    convention : {"auto", "columns", "rows"}
        Columns: one example, vectors as columns, as in the notes (a batch of columns where the formula speaks
        of m or an axis). Rows: a batch with one example a row. Auto tries both.

    Returns
    -------
    FormulaVerdict

    Raises
    ------
    FormulaError, SpecificationError
        When the formula or what is asked cannot be read, or the network cannot be trained.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(3, "sigmoid"), Dense(1, "sigmoid")])
    >>> check_formula("W[2].T @ delta[2] * a[1] * (1 - a[1])", "delta[1]", network=net).right
    True
    >>> verdict = check_formula("W[2].T @ delta[2]", "delta[1]", network=net)
    >>> verdict.right, verdict.slips[0].names, verdict.slips[0].formula
    (False, ('missing_slope',), 'W[2].T @ delta[2] * dg[1](z[1])')

    Notes
    -----
    The equations are those of the notes 001 and 004; the slips are in `checker/slips.py`.
    """
    if convention not in ("auto", "columns", "rows"):
        raise SpecificationError(f"convention is 'auto', 'columns' or 'rows', not {convention!r}")
    if not isinstance(network, Network):
        raise SpecificationError(f"network is a Network, not {type(network).__name__}")
    network.require_trainable()
    own = frozenset(layer.activation.name for layer in network.layers)
    question = Question(formula, read_formula(formula, own), read_asked(of), network)
    conventions: tuple[Convention, ...] = ("columns", "rows") if convention == "auto" else (convention,)
    return question.verdict(conventions)


@dataclass(frozen=True)
class Finding:
    """How a formula fared in one convention."""

    convention: Convention
    right: bool
    hard_alone: bool = False
    misfit: str = ""
    unreadable: FormulaError | None = None


@dataclass(frozen=True)
class Question:
    """A formula that was read, what it should be, and the network."""

    formula: str
    tree: ast.expr
    asked: Asked
    network: Network

    def verdict(self, conventions: Sequence[Convention]) -> FormulaVerdict:
        """The verdict over some conventions."""
        findings = [self.finding(convention) for convention in conventions]
        right = [each for each in findings if each.right]
        readable = [each for each in findings if each.unreadable is None]
        refused = [each.unreadable for each in findings if each.unreadable is not None]
        if refused and all(each.misfit for each in readable):
            raise refused[0]
        if right:
            caveat = self.caveat(right)
            return self._told(True, tuple(each.convention for each in right), caveat=caveat)
        explanations = simplest(self.explanations(readable))
        first = explanations[0].convention if explanations else readable[0].convention
        judged = next(each for each in readable if each.convention == first)
        example = None if judged.misfit else self.counterexample(first)
        return self._told(False, (first,), slips=explanations, counterexample=example, misfit=judged.misfit)

    def explanations(self, findings: Sequence[Finding]) -> list[Explanation]:
        """Explanations by one slip or, where there is none but a vague one, by two."""
        single: list[Explanation] = []
        for hard in (False, True) if self.is_of_classes else (False,):
            for each in findings:
                single += by_one(*self._parts(each), self.drawn(each.convention, hard))
            if single:
                break
        if any(not set(each.names) & VAGUE for each in single):
            return single
        for each in findings:
            double = by_two(*self._parts(each), self.drawn(each.convention, hard=False))
            if double:
                return double
        return single

    def _parts(self, finding: Finding) -> tuple[ast.expr, Asked, Network, Convention]:
        return self.tree, self.asked, self.network, finding.convention

    def drawn(self, convention: Convention, hard: bool) -> list[Case]:
        """Draws of the network, and of its wider twin where the formula has a meaning there."""
        twin = self.twin()
        wider = [] if twin is None else self._cases(twin, convention, hard)[:2]
        return self.cases(convention, hard) + wider

    @property
    def is_of_classes(self) -> bool:
        """Whether targets may be probabilities, or 0 and 1 alone."""
        return self.network.loss.targets in ("probabilities", "distribution")

    def _told(self, right: bool, conventions: tuple[Convention, ...], **found: object) -> FormulaVerdict:
        plain = FormulaVerdict(self.formula, self.asked.text, right, conventions)
        return replace(plain, **found)  # type: ignore[arg-type]

    def finding(self, convention: Convention) -> Finding:
        """Right or wrong in one convention, on soft targets or else on hard ones."""
        try:
            if self._holds(convention, hard=False):
                return Finding(convention, True)
            if self.is_of_classes and self._holds(convention, hard=True):
                return Finding(convention, True, hard_alone=True)
        except ShapeError as misfit:
            return Finding(convention, False, misfit=str(misfit))
        except FormulaError as error:
            return Finding(convention, False, unreadable=error)
        return Finding(convention, False)

    def _holds(self, convention: Convention, hard: bool) -> bool:
        return all(case.judge(self.tree).right for case in self.cases(convention, hard))

    def cases(self, convention: Convention, hard: bool) -> list[Case]:
        """Draws of the network, for every layer that the letter l may stand for."""
        return self._cases(self.network, convention, hard)

    def _cases(self, network: Network, convention: Convention, hard: bool) -> list[Case]:
        m = self.examples(convention)
        letters = letters_of(self.tree)
        found = []
        for scene in draws(network, m, hard=hard, count=_DRAWS):
            known: dict[tuple[str, int | None], object] = {}
            for l in self.layers():
                found.append(Case(self.asked, View(scene, convention, l, known), letters))  # type: ignore[arg-type]
        return found

    def examples(self, convention: Convention) -> int:
        """Examples of a draw: one in columns, unless the formula speaks of m, a mean or an axis."""
        if convention == "rows":
            return _EXAMPLES
        speaks = any(
            (isinstance(node, ast.Name) and node.id in ("m", "mean")) or isinstance(node, ast.keyword)
            for node in ast.walk(self.tree)
        )
        return _EXAMPLES if speaks else 1

    def layers(self) -> tuple[int | None, ...]:
        """Layers that l stands for: all for which every layer that is named exists."""
        if not self.asked.is_generic:
            return (None,)
        (scene,) = draws(self.network, self.examples("columns"), hard=True, count=1)
        found: list[int | None] = []
        refused: FormulaError | None = None
        for l in range(1, self.network.depth + 1):
            try:
                Case(self.asked, View(scene, "columns", l), letters_of(self.tree)).judge(self.tree)
                found.append(l)
            except ShapeError:
                found.append(l)
            except FormulaError as error:
                refused = error
        if not found:
            raise refused or AssertionError
        return tuple(found)

    def caveat(self, right: Sequence[Finding]) -> str:
        """What a right formula's rightness hangs on: hard targets, or a layer of a single unit."""
        told = []
        if all(each.hard_alone for each in right):
            told.append("for targets of 0 and 1 alone, not for probabilities")
        twin = self.twin()
        if twin is not None and not any(each.hard_alone for each in right):
            wide = replace(self, network=twin)
            findings = [wide.finding(each.convention) for each in right]
            if not any(each.right or each.unreadable for each in findings):
                widths = "-".join(map(str, twin.widths))
                reason = f" ({findings[0].misfit})" if findings[0].misfit else ""
                told.append(f"for this network's widths alone; with layers {widths} it is wrong{reason}")
        return "; ".join(told)

    def twin(self) -> Network | None:
        """The same network with wider layers, all different; None where units are written out."""
        if _written_out(self.tree) or _written_out_in(self.asked):
            return None
        widths: list[int] = []
        for width in self.network.widths:
            width = max(width + 1, 3)  # of two outputs, a factor 2 could be the mean that is missing
            while width in widths:
                width += 1
            widths.append(width)
        layers = [
            replace(layer, units=width) for layer, width in zip(self.network.layers, widths[1:], strict=True)
        ]
        try:
            return replace(self.network, inputs=widths[0], layers=tuple(layers))
        except ClearpropError:
            return None

    def counterexample(self, convention: Convention) -> Counterexample | None:
        """A counterexample in small numbers."""
        m = min(self.examples(convention), 2)
        layers = self.layers()
        scenes = ((scene, l) for scene in small_scenes(self.network, m, _SMALL) for l in layers)
        return find(self.tree, self.asked, convention, scenes)


def _written_out(tree: ast.expr) -> bool:
    """Whether a formula names a unit by its number."""
    for node in ast.walk(tree):
        leaf = leaf_of(node) if isinstance(node, ast.expr) else None
        if leaf is not None and any(isinstance(unit, ast.Constant) for unit in leaf.units):
            return True
    return False


def _written_out_in(asked: Asked) -> bool:
    by = asked.by.units if asked.by else ()
    return any(isinstance(unit, ast.Constant) for unit in (*asked.of.units, *by))
