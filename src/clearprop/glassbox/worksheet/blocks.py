"""What a sheet is made of, as plain data: headings, prose, equations, grids to fill in, derivations.

Pieces are what stands in a line: words, a quantity by its name, a formula, a number, a matrix, a notation
that each rendering spells in its own way. Nothing here knows LaTeX, HTML or the screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from clearprop.arrays import Array
from clearprop.glassbox.node import Node
from clearprop.glassbox.quantity import Quantity
from clearprop.specification import Network


@dataclass(frozen=True)
class Notation:
    """Mathematics that each rendering spells in its own way."""

    text: str
    latex: str
    mathml: str


@dataclass(frozen=True)
class Formula:
    """A formula of the house's language, some of its letters replaced by quantities or numbers."""

    text: str
    letters: Mapping[str, Quantity | float | Notation] = field(default_factory=dict)


@dataclass(frozen=True)
class Matrix:
    """Numbers in brackets, (rows, columns)."""

    numbers: Array


Piece: TypeAlias = str | float | Quantity | Formula | Matrix | Notation


@dataclass(frozen=True)
class Heading:
    """A heading: level 1 begins an exercise, 2 a step of it."""

    words: str
    level: int = 1


@dataclass(frozen=True)
class Prose:
    """A paragraph."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Equations:
    """Lines such as z = W x + b, each a chain of equal pieces; `sign` stands between the first two."""

    chains: tuple[tuple[Piece, ...], ...]
    sign: str = "="


@dataclass(frozen=True)
class Given:
    """Names with their numbers and matrices, side by side where there is room."""

    chains: tuple[tuple[Piece, Piece], ...]


@dataclass(frozen=True)
class Cell:
    """A named number of a grid; None is to be filled in."""

    name: Quantity
    value: float | None


@dataclass(frozen=True)
class Grid:
    """Rows of named numbers; `sign` is "=", or "<-" where they become new ones."""

    rows: tuple[tuple[Cell, ...], ...]
    sign: str = "="


@dataclass(frozen=True)
class Table:
    """Columns under a header; None is to be filled in."""

    header: tuple[Piece, ...]
    rows: tuple[tuple[Piece | None, ...], ...]


@dataclass(frozen=True)
class Worked:
    """Numbers with the equations they come from, each in its own line."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Drawing:
    """The network drawn, where a rendering can."""

    network: Network


@dataclass(frozen=True)
class Room:
    """Room to write."""

    lines: int


Block: TypeAlias = Heading | Prose | Equations | Given | Grid | Table | Worked | Drawing | Room


@dataclass(frozen=True)
class Paper:
    """A whole sheet or key."""

    title: str
    subtitle: str
    named: bool  #: whether there is a line for the student's name
    blocks: tuple[Block, ...]
    digits: int


def blank_unless(shown: bool, value: float) -> float | None:
    """The value, or a blank to fill in."""
    return value if shown else None
