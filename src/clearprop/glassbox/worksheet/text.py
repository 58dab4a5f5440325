"""Sheets as plain text, 80 columns or so; layers and units as in code."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from clearprop.glassbox.quantity import Quantity
from clearprop.glassbox.render.lines import Line
from clearprop.glassbox.render.text import TextWriter, text_of
from clearprop.glassbox.worksheet.blocks import (
    Block,
    Drawing,
    Equations,
    Formula,
    Given,
    Grid,
    Heading,
    Matrix,
    Notation,
    Paper,
    Piece,
    Prose,
    Room,
    Table,
    Worked,
)

WIDTH = 80
INDENT = "    "
BLANK = "." * 11


def paper_as_text(paper: Paper) -> str:
    """A whole sheet or key."""
    writer = _TextPaper(paper.digits)
    head = [paper.title, "=" * len(paper.title), textwrap.fill(paper.subtitle, WIDTH)]
    head += ["", f"Name {'.' * 40}  Date {'.' * 16}"] if paper.named else []
    body = [shown for block in paper.blocks if (shown := writer.block(block)) is not None]
    lines = "\n".join([*head, "", *body]).split("\n")
    return "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"


class _TextPaper:
    def __init__(self, digits: int) -> None:
        self.writer = TextWriter(digits)

    def piece(self, piece: Piece) -> str:
        """What stands in a line."""
        match piece:
            case str():
                return piece
            case int() | float():
                return self.writer.number(piece)
            case Quantity():
                return piece.text
            case Notation():
                return piece.text
            case Formula():
                letters = {
                    name: f"({shown})" if shown.startswith("-") else shown
                    for name, shown in ((name, self.piece(each)) for name, each in piece.letters.items())
                }
                return self.writer.formula(piece.text, letters)
            case Matrix():
                return "\n".join(self._matrix(piece))

    def _matrix(self, matrix: Matrix) -> list[str]:
        rows = [[self.writer.number(float(value)) for value in row] for row in matrix.numbers]
        width = max(len(cell) for row in rows for cell in row)
        return ["[ " + "  ".join(f"{cell:>{width}}" for cell in row) + " ]" for row in rows]

    def block(self, block: Block) -> str | None:
        """A block with the empty line after it, or None for one that text has not."""
        match block:
            case Heading():
                mark = "-" if block.level == 1 else ""
                return f"\n{block.words}\n" + (mark * len(block.words) + "\n" if mark else "")
            case Prose():
                return textwrap.fill("".join(map(self.piece, block.pieces)), WIDTH) + "\n"
            case Equations():
                return "\n".join(self._chain(chain, block.sign) for chain in block.chains) + "\n"
            case Given():
                return "\n".join(self._chain(chain, "=") for chain in block.chains) + "\n"
            case Grid():
                return self._grid(block)
            case Table():
                return self._table(block)
            case Worked():
                lines = (self._worked(self.writer.line(node)) for node in block.nodes)
                return textwrap.indent("\n".join(lines), INDENT) + "\n"
            case Room():
                return "\n" * (block.lines - 1)
            case Drawing():
                return None

    def _chain(self, chain: Sequence[Piece], sign: str) -> str:
        """Pieces with signs between them; a matrix goes on below its first line, a remark has no sign."""
        first, *others = chain
        written = INDENT + self.piece(first)
        for k, other in enumerate(others):
            written += " " if isinstance(other, str) else f" {'=' if k else sign} "
            head, *rest = self.piece(other).split("\n")
            indent = " " * (len(written.split("\n")[-1]))
            written += "\n".join([head, *(indent + line for line in rest)])
        return written

    def _worked(self, line: Line) -> str:
        """A number in one line where it fits, else in three."""
        chain = " = ".join(" + ".join(terms) for terms in line.chain)
        single = f"{line.symbol} {'<-' if line.becomes else '='} {chain}  ({line.rule})"
        return single if len(single) + len(INDENT) <= WIDTH else text_of([line])

    def _grid(self, grid: Grid) -> str:
        rows = [
            [
                (cell.name.text, BLANK if cell.value is None else self.writer.number(cell.value))
                for cell in row
            ]
            for row in grid.rows
        ]
        columns = max(map(len, rows))
        widths = [
            tuple(max(len(row[k][part]) for row in rows if k < len(row)) for part in (0, 1))
            for k in range(columns)
        ]
        lines = []
        for row in rows:
            cells = [
                f"{name:>{widths[k][0]}} {grid.sign} {value:<{widths[k][1]}}"
                for k, (name, value) in enumerate(row)
            ]
            lines.append(INDENT + "   ".join(cells))
        return "\n".join(lines) + "\n"

    def _table(self, table: Table) -> str:
        rows = [[self.piece(piece) for piece in table.header]]
        rows += [["......" if piece is None else self.piece(piece) for piece in row] for row in table.rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)) for row in rows]
        return "\n".join(INDENT + line for line in [lines[0], "-" * len(lines[0]), *lines[1:]]) + "\n"
