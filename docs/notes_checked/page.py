"""The page: a summary, then each note in order, then the assignment that one of them sets."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

from notes_checked.assignment import derivation
from notes_checked.judging import Judged, judge
from notes_checked.networks import NETWORKS
from notes_checked.note_000 import NOTE_000
from notes_checked.note_001_chain import CHAIN
from notes_checked.note_001_loss import LOSS
from notes_checked.note_001_model import MODEL
from notes_checked.note_001_softmax import SOFTMAX
from notes_checked.note_002 import NOTE_002
from notes_checked.note_003 import NOTE_003
from notes_checked.note_004 import NOTE_004
from notes_checked.rows import Claim, Section

_BY_HAND = Path(__file__).parent / "by_hand.md"

#: note -> its sections, in order
NOTES: dict[str, tuple[Section, ...]] = {
    "000": NOTE_000,
    "001": (*MODEL, *LOSS, *CHAIN, *SOFTMAX),
    "002": NOTE_002,
    "003": NOTE_003,
    "004": NOTE_004,
}


@cache
def judged(note: str) -> tuple[tuple[str, tuple[Judged, ...]], ...]:
    """The sections of a note, each with its rows judged: (title, rows)."""
    return tuple((section.title, tuple(map(judge, section.rows))) for section in NOTES[note])


def page() -> str:
    """The whole page."""
    opening, notation, assignment = _BY_HAND.read_text(encoding="utf-8").split("<!-- generated -->\n")
    parts = [opening, _summary(), notation, _networks(), *map(_note, NOTES), assignment]
    return "".join(parts).replace("<!-- derivation -->", derivation())


def _summary() -> str:
    lines = ["| note | places | right | slipped | left open, answered |", "|---|---|---|---|---|"]
    total: Counter[str] = Counter()
    for note in NOTES:
        found = Counter(each.verdict for _, rows in judged(note) for each in rows)
        total += found
        lines.append(_row(f"[{note}](#note-{note})", found))
    return "\n".join([*lines, _row("all", total), ""])


def _row(name: str, found: Counter[str]) -> str:
    counts = (found.total(), found["right"], found["slipped"], found["open"])
    return f"| {name} | " + " | ".join(map(str, counts)) + " |"


def _networks() -> str:
    lines = [f"| {name} | `{network!r}` |" for name, network in NETWORKS.items()]
    return "\n".join(["| network | is |", "|---|---|", *lines, "", ""])


def _note(note: str) -> str:
    lines = [f"## Note {note}", ""]
    for title, rows in judged(note):
        lines += [f"### {note}: {title}", ""]
        lines += [
            "| line | the note says | in the house's notation | verdict | proof, correction |",
            "|---|---|---|---|---|",
        ]
        lines += [_cells(each) for each in rows] + [""]
    slipped = [each for _, rows in judged(note) for each in rows if each.numbers]
    if slipped:
        lines += [f"### {note}: the counterexamples in full", "", "```text"]
        lines += [f"{each.row.place}. {each.numbers}\n" for each in slipped]
        lines += ["```", ""]
    return "\n".join(lines) + "\n"


def _latex(text: str) -> str:
    """LaTeX for a table's cell, where a bar ends the cell."""
    return "$" + text.replace("|", r"\vert ") + "$"


def _cells(each: Judged) -> str:
    says = each.row.says if isinstance(each.row, Claim) else _latex(each.row.says)
    verdict = "**slipped**" if each.verdict == "slipped" else each.verdict
    cells = [each.row.place, says, each.read, verdict, each.proof]
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
