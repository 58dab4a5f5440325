"""Sheets as whole LaTeX files, for `pdflatex` with amsmath; layers above, units from 1 below."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from clearprop.formulas.latex import latex
from clearprop.glassbox.quantity import Quantity
from clearprop.glassbox.render.latex import LatexWriter, latex_of
from clearprop.glassbox.render.lines import Line
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

DOCUMENT = r"""\documentclass[a4paper,11pt]{{article}}
\usepackage{{amsmath}}
\usepackage[margin=2.2cm]{{geometry}}
\usepackage{{array}}
\allowdisplaybreaks
\makeatletter\@beginparpenalty=10000\makeatother
\setlength{{\parindent}}{{0pt}}
\setlength{{\parskip}}{{6pt}}
\newcommand{{\blank}}{{\underline{{\hspace{{1.9cm}}}}}}
\begin{{document}}
{{\Large\bfseries {title}}}\par
{subtitle}\par
{body}
\end{{document}}
"""
NAME = r"\bigskip Name \hrulefill\quad Date \underline{\hspace{3.5cm}}\par"
ONE_LINE = 74  #: characters, without LaTeX's marks, that stand in one line of a derivation
_MARKS = re.compile(r"\\[a-zA-Z]+|[{}^_\\]")
WIDE = 11  #: columns of a table beyond which they stand closer
#: characters that LaTeX would take for its own
_ESCAPES = str.maketrans({c: "\\" + c for c in "#$%&_{}"} | {"<": "$<$", ">": "$>$"})


def paper_as_latex(paper: Paper) -> str:
    """A whole sheet or key, as a file that `latex` and `pdflatex` compile."""
    writer = _LatexPaper(paper.digits)
    blocks = [shown for block in paper.blocks if (shown := writer.block(block)) is not None]
    body = "\n".join([*([NAME] if paper.named else []), *blocks])
    return DOCUMENT.format(title=_plain(paper.title), subtitle=_plain(paper.subtitle), body=body)


def _plain(words: str) -> str:
    return words.translate(_ESCAPES)


class _LatexPaper:
    def __init__(self, digits: int) -> None:
        self.writer = LatexWriter(digits)
        self.begun = False

    def math(self, piece: Piece) -> str:
        """A piece as it stands within dollars."""
        match piece:
            case str():
                return rf"\text{{ {_plain(piece)}}}"
            case int() | float():
                return self.writer.number(piece)
            case Quantity() | Notation():
                return piece.latex
            case Formula():
                return latex(piece.text, {name: self.math(each) for name, each in piece.letters.items()})
            case Matrix():
                rows = [" & ".join(self.writer.number(float(v)) for v in row) for row in piece.numbers]
                return "\\begin{pmatrix} " + r" \\ ".join(rows) + " \\end{pmatrix}"

    def inline(self, piece: Piece) -> str:
        """A piece within words."""
        return _plain(piece) if isinstance(piece, str) else f"${self.math(piece)}$"

    def block(self, block: Block) -> str | None:
        """A block, or None for one that LaTeX has not."""
        match block:
            case Heading(words=words, level=1):
                new_page = "\\newpage\n" if self.begun else ""
                self.begun = True
                return rf"{new_page}\section*{{{_plain(words)}}}"
            case Heading(words=words):
                return rf"\subsection*{{{_plain(words)}}}"
            case Prose():
                return "".join(map(self.inline, block.pieces)) + r"\par\nopagebreak"
            case Equations():
                return self._equations(block)
            case Given():
                shown = (f"${self.math(name)} = {self.math(value)}$" for name, value in block.chains)
                return r"{\raggedright " + r"\hspace{2em plus 1em} ".join(shown) + r"\par}"
            case Grid():
                return self._grid(block)
            case Table():
                return self._table(block)
            case Worked():
                return latex_of(_on_one_line(self.writer.line(node)) for node in block.nodes)
            case Room():
                return rf"\vspace{{{0.7 * block.lines:.1f}cm}}"
            case Drawing():
                return None

    def _equations(self, block: Equations) -> str:
        """Chains one below the other."""
        sign = r"\leftarrow" if block.sign == "<-" else "="
        rows = []
        for chain in block.chains:
            first, *others = chain
            shown = " ".join(
                self.math(other) if isinstance(other, str) else f"{'=' if k else sign} {self.math(other)}"
                for k, other in enumerate(others)
            )
            rows.append(f"{self.math(first)} &{shown}")
        return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"

    def _grid(self, grid: Grid) -> str:
        sign = r"\leftarrow" if grid.sign == "<-" else "="
        columns = max(map(len, grid.rows))
        rows = []
        for row in grid.rows:
            cells = [
                rf"${cell.name.latex} {sign}$ & "
                + (r"\blank" if cell.value is None else f"${self.writer.number(cell.value)}$")
                for cell in row
            ]
            rows.append(" & ".join(cells))
        blank = any(cell.value is None for row in grid.rows for cell in row)
        return _tabular("r@{ }l@{\\quad}" * columns, rows, stretch=2.0 if blank else 1.6)

    def _table(self, table: Table) -> str:
        head = " & ".join(self.inline(piece) for piece in table.header)
        rows = [
            " & ".join(r"\hspace{0.85cm}" if piece is None else self.inline(piece) for piece in row)
            for row in table.rows
        ]
        blank = any(piece is None for row in table.rows for piece in row)
        ruled = [r"\hline " + row for row in (head, *rows)]
        narrow = r"\setlength{\tabcolsep}{2.5pt}" if blank and len(table.header) > WIDE else ""
        columns = "|" + "c|" * len(table.header)
        return f"{{{narrow}{_tabular(columns, ruled, 1.7 if blank else 1.25, ruled=True)}}}"


def _on_one_line(line: Line) -> Line:
    """The numbers and the value beside the symbols where there is room."""
    chain = " = ".join(" + ".join(terms) for terms in line.chain)
    if len(_MARKS.sub("", line.symbol + chain)) > ONE_LINE:
        return line
    return replace(line, symbols=[chain], numbers=[chain], value=chain)


def _tabular(columns: str, rows: Sequence[str], stretch: float, ruled: bool = False) -> str:
    """A table in the middle of the line."""
    end = r" \\ \hline" if ruled else ""
    body = " \\\\\n".join(rows) + end
    return (
        rf"{{\renewcommand{{\arraystretch}}{{{stretch}}}\begin{{center}}\begin{{tabular}}{{{columns}}}"
        f"\n{body}\n"
        r"\end{tabular}\end{center}}"
    )
