"""What a note says at one place: a formula, a number or a claim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["right", "slipped", "open"]


@dataclass(frozen=True)
class Formula:
    """A formula, which the formula checker reads.

    Attributes
    ----------
    place : str
        Lines of the note.
    says : str
        The note's LaTeX.
    of, text : str
        What it gives and the formula, in the house's notation.
    network : str
        The network in which it is read, a name of `NETWORKS`.
    mended : (of, text, network), optional
        The correction, which the checker must find right, where the checker's own is not the plainest.
    """

    place: str
    says: str
    of: str
    text: str
    network: str
    remark: str = ""
    convention: str = "auto"
    mended: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class Number:
    """A number, which the formula language works out.

    Attributes
    ----------
    told : float, optional
        What the note gives; without it the note leaves the number open.
    """

    place: str
    says: str
    expression: str
    told: float | None
    remark: str = ""


@dataclass(frozen=True)
class Claim:
    """A sentence, a table or a shape, decided by a few lines of code.

    Attributes
    ----------
    says, house : str
        What the note says, in short; and how the house would put it.
    check : callable
        Of a reading of the claim: whether it holds, and the numbers that show it.
    said : object
        The note's reading.
    other : object
        The correction of a slipped claim, which holds; of a right one a planted fault, which does not.
    correction : str
        In words.
    """

    place: str
    says: str
    house: str
    check: Callable[[Any], tuple[bool, str]]
    said: Any
    other: Any
    correction: str = ""


Row = Formula | Number | Claim


@dataclass(frozen=True)
class Section:
    """The rows of one part of a note, in order."""

    title: str
    rows: tuple[Row, ...]
