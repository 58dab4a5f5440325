"""Which slip explains a wrong formula: corrections are tried, one and then two; those that help are kept.

A correction counts when the corrected formula is right on every draw, and on the network's wider twin, where
no layer has a single unit that hides a lost sum or transpose.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

from clearprop.errors import FormulaError
from clearprop.glassbox.checker.asked import Asked, read_asked
from clearprop.glassbox.checker.evaluation import ShapeError
from clearprop.glassbox.checker.judging import Case
from clearprop.glassbox.checker.matrix_language import letters_of, written
from clearprop.glassbox.checker.numbers_corrected import (
    of_letters,
    of_numbers,
    of_repeated_numbers,
    of_transposes,
)
from clearprop.glassbox.checker.places import Place, places
from clearprop.glassbox.checker.products_corrected import (
    of_left_out,
    of_loss_slopes,
    of_missing_factors,
    of_missing_terms,
    of_operands,
    of_powers,
    of_scalars,
    of_signs,
    of_sums,
)
from clearprop.glassbox.checker.setting import Change, Setting
from clearprop.glassbox.checker.slips import SLIPS
from clearprop.glassbox.checker.slopes_corrected import of_slopes
from clearprop.glassbox.checker.view import Convention, View
from clearprop.specification import Network

#: proposes changes of a place
Kind: TypeAlias = Callable[[Place, Setting], Iterator[Change]]

_KINDS: tuple[Kind, ...] = (
    of_transposes,
    of_numbers,
    of_repeated_numbers,
    of_letters,
    of_operands,
    of_sums,
    of_signs,
    of_powers,
    of_scalars,
    of_slopes,
    of_left_out,
    of_missing_factors,
    of_missing_terms,
    of_loss_slopes,
)
#: slips that only say where the formula is wrong; two others are tried before one of these is told
VAGUE = frozenset({"wrong_slope", "wrong_loss_slope"})
#: pairs of slips of which the second says the same as the first, and more
_SAME = (
    ("sign", "reversed_difference"),
    ("sign_of_term", "reversed_difference"),
    ("wrong_symbol", "slope_of_activation"),
    ("wrong_layer", "slope_of_wrong_layer"),
)
_WORK = 250_000  #: nodes that are evaluated at most, for one slip and for two
_SHOWN = 3  #: explanations that are kept


@dataclass(frozen=True)
class Correction:
    """One slip in a formula, put right.

    Attributes
    ----------
    slip : str
        Its name in `SLIPS`.
    old, new : str
        The piece as it is written, and what should stand there.
    """

    slip: str
    old: str
    new: str

    def __str__(self) -> str:
        row = SLIPS[self.slip]
        return f"{row.what.format(old=self.old, new=self.new)}: {row.why}"


@dataclass(frozen=True)
class Explanation:
    """Slips that explain a wrong formula, and the formula without them.

    Attributes
    ----------
    corrections : tuple of Correction
    formula : str
        Right, in `convention`; empty where the formula is right for another quantity.
    convention : {"columns", "rows"}
    """

    corrections: tuple[Correction, ...]
    formula: str
    convention: Convention

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the slips."""
        return tuple(correction.slip for correction in self.corrections)

    @property
    def rank(self) -> tuple[int, int, int]:
        """Simpler explanations come first."""
        ranks = sum(SLIPS[name].rank for name in self.names)
        return len(self.names), ranks, len(self.formula) + (self.convention == "rows")


@dataclass(frozen=True)
class Candidate:
    """A corrected formula, the change that leads to it, and what proposed that."""

    tree: ast.expr
    change: Change
    kind: Kind


def corrected(tree: ast.expr, setting: Setting, kinds: Sequence[Kind] = _KINDS) -> Iterator[Candidate]:
    """The formula with each single correction."""
    for place in places(tree):
        for kind in kinds:
            for found in kind(place, setting):
                yield Candidate(place.rebuilt(found.new), found, kind)


def by_one(
    tree: ast.expr, asked: Asked, network: Network, convention: Convention, cases: Sequence[Case]
) -> list[Explanation]:
    """Explanations of a wrong formula by one slip, the simplest first.

    Parameters
    ----------
    cases : sequence of Case
        Draws on which the corrected formula must be right; the first is tried first, and those of a wider
        network may be among them.
    """
    setting = Setting(tree, asked, network, convention)
    singles = _distinct(islice(corrected(tree, setting), _budget(tree, network)))
    found = [
        _explanation(each.tree, (each.change,), convention) for each in singles if _right(each.tree, cases)
    ]
    other = _other_quantity(tree, asked, network, cases)
    if other is not None:
        found.append(Explanation((Correction("other_quantity", asked.text, other),), "", convention))
    return sorted(found, key=lambda each: each.rank)


def by_two(
    tree: ast.expr, asked: Asked, network: Network, convention: Convention, cases: Sequence[Case]
) -> list[Explanation]:
    """Explanations by two slips at once, the same made twice first; simple ones first, within a budget."""
    setting = Setting(tree, asked, network, convention)
    budget = _budget(tree, network)
    singles = sorted(
        _distinct(islice(corrected(tree, setting), budget)), key=lambda each: SLIPS[each.change.slip].rank
    )
    later = replace(setting, first=False)
    twice = (
        (first, second)
        for first in singles
        for second in corrected(first.tree, later, (first.kind,))
        if second.change.slip == first.change.slip
    )
    any_two = ((first, second) for first in singles for second in corrected(first.tree, later))
    for pairs in (twice, any_two):
        found = [
            _explanation(second.tree, (first.change, second.change), convention)
            for first, second in islice(pairs, budget)
            if not {first.change.slip, second.change.slip} & VAGUE
            and _right(second.tree, cases)
            and second.change.old_text != first.change.new_text  # not a piece that was just put there
        ]
        if found:
            break
    return sorted(found, key=lambda each: each.rank)


def _budget(tree: ast.expr, network: Network) -> int:
    """Corrections to try, fewer of a formula that is long or has many letters."""
    elements = max(network.widths) ** len(letters_of(tree))
    return _WORK // (sum(1 for _ in places(tree)) * (1 + elements // 500))


def _distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Candidates without those that read the same as an earlier one of the same slip."""
    kept: dict[tuple[str, str], Candidate] = {}
    for each in candidates:
        kept.setdefault((each.change.slip, ast.unparse(each.tree)), each)
    return [*kept.values()]


def _right(tree: ast.expr, cases: Sequence[Case]) -> bool:
    somewhere = False
    for case in cases:
        try:
            if not case.judge(tree).right:
                return False
            somewhere = True
        except ShapeError:
            return False
        except FormulaError:  # of all layers l, one may have no such number
            if case.view.l is None:
                return False
    return somewhere


def _explanation(tree: ast.expr, changes: Sequence[Change], convention: Convention) -> Explanation:
    corrections = tuple(Correction(each.slip, each.old_text, each.new_text) for each in changes)
    return Explanation(corrections, written(tree), convention)


def _other_quantity(tree: ast.expr, asked: Asked, network: Network, cases: Sequence[Case]) -> str | None:
    """Name of another quantity for which the formula is right as it stands."""
    places = [*asked.of.units, *(asked.by.units if asked.by else ())]
    units = list(dict.fromkeys(ast.unparse(place) for place in places))
    layers = ["l", "l+1", "l-1"] if asked.is_generic else [*map(str, range(network.depth, 0, -1))]
    names, vectors = [], ["z", "a", "delta", "dC/db", "dC/da"]
    if not units:
        names = ["C", "loss", "y_hat", "dC/dy_hat", *(f"da[{l}]/dz[{l}]" for l in layers)]
        vectors.append("dC/dW")
    place = f"[{units[0]}]" if units else ""
    names += [f"{kind}[{l}]{place}" for l in layers for kind in vectors]
    if len(units) == 2:
        names += [f"dC/dW[{l}][{','.join(pair)}]" for l in layers for pair in (units, units[::-1])]
    for name in names:
        other = read_asked(name)
        if other == asked or (other.of, other.by) == (asked.of, asked.by):
            continue
        views = [View(case.view.scene, case.view.convention, case.view.l, case.view.known) for case in cases]
        if _right(tree, [Case(other, view, letters_of(tree)) for view in views]):
            return name
    return None


def simplest(found: Iterable[Explanation]) -> tuple[Explanation, ...]:
    """The explanations with the fewest slips, simplest first, one of each kind; none says another's again."""
    ordered = sorted(found, key=lambda each: each.rank)
    if any(not set(each.names) & VAGUE for each in ordered):
        ordered = [each for each in ordered if not set(each.names) & VAGUE]
    fewest = len(ordered[0].names) if ordered else 0
    kept: dict[frozenset[str], Explanation] = {}
    for each in ordered:
        if len(each.names) == fewest:
            kept.setdefault(frozenset(each.names), each)
    told = [
        each
        for names, each in kept.items()
        if not any(names - {plain} | {special} in kept for plain, special in _SAME if plain in names)
    ]
    return tuple(told[:_SHOWN])
