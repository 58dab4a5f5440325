"""The page: a table for each note, the counterexamples below it, and the parts that are written by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import clearprop as cp
from clearprop.formulas import language
from notes_checked.formulas import NOTES
from notes_checked.networks import NETWORKS

_BY_HAND = Path(__file__).parent / "by_hand.md"


@dataclass(frozen=True)
class Entry:
    """One formula of a note with its verdict.

    Attributes
    ----------
    verdict : {"right", "wrong", "unreadable"}
    told : str
        The verdict in Markdown.
    example : str
        Counterexample as text, or nothing.
    """

    latex: str
    read: str
    network: str
    verdict: str
    told: str
    example: str = ""


def entries(note: str) -> list[Entry]:
    """Every formula of a note, checked."""
    return [number(*row) if row[1] == "number" else formula(*row) for row in NOTES[note]]


def number(latex: str, _: str, expression: str, told: float, remark: str) -> Entry:
    """A number of the notes beside what it is, to the digits that the note gives."""
    value = float(language.evaluate(expression, {}))
    exact = Decimal(str(told))
    right = abs(value - told) <= 10.0 ** int(exact.as_tuple().exponent) / 2 * (1 + 1e-9)
    says = f"the note has {told:g}, it is {value:.6g}"
    verdict = "right" if right else f"**wrong**: {says}"
    return Entry(latex, expression, "", "right" if right else "wrong", _with(verdict, remark))


def formula(latex: str, of: str, text: str, name: str, remark: str, convention: str = "auto") -> Entry:
    """A formula of the notes, checked in its network."""
    read = f"{of} = {text}"
    try:
        found = cp.check_formula(text, of, network=NETWORKS[name], convention=convention)
    except cp.FormulaError as error:
        return Entry(latex, read, name, "unreadable", _with(f"**cannot be read**: {error}", remark))
    if found.right:
        verdict = "right" + (f", {found.caveat}" if found.caveat else "")
        return Entry(latex, read, name, "right", _with(verdict, remark))
    lines = "**wrong**"
    if found.slips:
        first = found.slips[0]
        lines += ": " + ", and ".join(f"*{name.replace('_', ' ')}*" for name in first.names)
        lines += ". " + " ".join(f"{_plain(str(each))}." for each in first.corrections)
        lines += f" Right is `{of} = {first.formula}`" if first.formula else ""
    else:
        lines += ", and no usual slip explains it"
    example = str(found.counterexample or f"  {found.misfit}")
    return Entry(latex, read, name, "wrong", _with(lines, remark), example)


def _with(verdict: str, remark: str) -> str:
    return f"{verdict} ({remark})" if remark else verdict


def _plain(text: str) -> str:
    """Text whose stars, underscores and brackets are no Markdown."""
    return re.sub(r"([*_[])", r"\\\1", text)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _section(note: str, found: list[Entry]) -> list[str]:
    wrong = sum(each.verdict != "right" for each in found)
    lines = [f"## Note {note}: {len(found)} formulas, {wrong} not right as they stand", ""]
    lines += ["| | the note writes | read as | network | verdict |", "|---|---|---|---|---|"]
    for k, each in enumerate(found, start=1):
        cells = [str(k), f"${each.latex}$", f"`{each.read}`", each.network, each.told]
        lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    examples = [(k, each) for k, each in enumerate(found, start=1) if each.example]
    lines += ["", f"Counterexamples of note {note}:", "", "```text"]
    for k, each in examples:
        lines += [f"{k}. {each.read}", each.example, ""]
    return [*lines[:-1], "```", ""]


def page() -> str:
    """The whole page."""
    checked = {note: entries(note) for note in NOTES}
    everything = [each for found in checked.values() for each in found]
    count = {
        verdict: sum(e.verdict == verdict for e in everything) for verdict in ("right", "wrong", "unreadable")
    }
    opening, assignment = _BY_HAND.read_text(encoding="utf-8").split("<!-- tables -->\n")
    opening = opening.replace("COUNT", str(len(everything))).replace("RIGHT", str(count["right"]))
    opening = opening.replace("WRONG", str(count["wrong"])).replace("UNREADABLE", str(count["unreadable"]))
    networks = ["| network | is |", "|---|---|"]
    networks += [f"| {name} | `{network!r}` |" for name, network in NETWORKS.items()]
    sections = [line for note, found in checked.items() for line in _section(note, found)]
    return opening + "\n".join([*networks, "", *sections]) + "\n" + assignment
