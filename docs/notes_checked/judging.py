"""The verdict on a row: right, slipped with proof and correction, or open and answered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

import clearprop as cp
from clearprop.formulas import language
from notes_checked.networks import NETWORKS
from notes_checked.rows import Claim, Formula, Number, Row, Verdict


@dataclass(frozen=True)
class Judged:
    """A row with its verdict.

    Attributes
    ----------
    read : str
        The row in the house's notation, as Markdown.
    proof : str
        What shows the verdict: of a slip the counterexample and the correction.
    numbers : str
        All numbers of the counterexample, as text, or nothing.
    mended : tuple of str
        Of a slipped formula the correction: (of, formula, network).
    """

    row: Row
    verdict: Verdict
    read: str
    proof: str
    numbers: str = ""
    mended: tuple[str, str, str] | None = None


def judge(row: Row) -> Judged:
    """The verdict on a row, computed."""
    if isinstance(row, Formula):
        return _formula(row)
    return _number(row) if isinstance(row, Number) else _claim(row)


def _formula(row: Formula) -> Judged:
    read = f"`{_left(row.of)} = {row.text}` ({row.network})"
    found = cp.check_formula(row.text, row.of, network=NETWORKS[row.network], convention=row.convention)
    if found.right:
        return Judged(row, "right", read, _joined(found.caveat, row.remark))
    slips, mended = "", row.mended
    if found.slips:
        first = found.slips[0]
        names = " and ".join(name.replace("_", " ") for name in first.names)
        slips = f"*{names}*: " + "; ".join(_plain(str(each)) for each in first.corrections)
        if mended is None and first.formula:
            mended = (row.of, first.formula, row.network)
    example = found.counterexample
    gap = _plain(found.misfit)
    if example is not None:
        gap = f"`{_left(example.element)}`: it gives {example.value:.6g}, true is {example.truth:.6g}"
    right = f"right is `{_left(mended[0])} = {mended[1]}`" if mended else ""
    if mended and mended[2] != row.network:
        right += f" ({mended[2]})"
    numbers = f"{_left(row.of)} = {row.text}\n{example}" if example is not None else ""
    return Judged(row, "slipped", read, _joined(slips, gap, right, row.remark), numbers, mended)


def _left(of: str) -> str:
    """What is asked for, as it is read: W[1] stands for dC/dW[1], as on the command line."""
    return f"dC/d{of}" if of.startswith(("W[", "b[")) else of


def _number(row: Number) -> Judged:
    value, read = float(language.evaluate(row.expression, {})), f"`{row.expression}`"
    if row.told is None:
        return Judged(row, "open", read, _joined(f"it is {value:.6g}", row.remark))
    exact = Decimal(str(row.told))
    right = abs(value - row.told) <= 10.0 ** int(exact.as_tuple().exponent) / 2 * (1 + 1e-9)
    if right:
        return Judged(row, "right", read, _joined(f"{value:.6g}", row.remark))
    return Judged(row, "slipped", read, _joined(f"the note has {row.told:g}, it is {value:.6g}", row.remark))


def _claim(row: Claim) -> Judged:
    holds, evidence = row.check(row.said)
    if holds:
        return Judged(row, "right", row.house, _joined(evidence, row.correction))
    told = f"right is: {row.correction}" if row.correction else ""
    return Judged(row, "slipped", row.house, _joined(evidence, told))


def _joined(*parts: str) -> str:
    """The parts that there are, on one line."""
    return "; ".join(part.rstrip(". ") for part in parts if part)


def _plain(text: str) -> str:
    """Text whose stars, underscores and brackets are no Markdown."""
    return re.sub(r"([*_[])", r"\\\1", text)
