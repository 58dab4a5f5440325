"""Sheets as pages with MathML: no script, light and dark by the reader's choice, black on white on paper."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from clearprop.formulas import mathml
from clearprop.glassbox.quantity import Quantity
from clearprop.glassbox.render.html import STYLE, MathmlWriter, math_of
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
from clearprop.glassbox.worksheet.drawing import network_drawing

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<h1>{title}</h1>
<p class="subtitle">{subtitle}</p>
{body}
</body>
</html>
"""
STYLE_OF_SHEETS = """:root { color-scheme: light dark; }
body {
  font-family: system-ui, sans-serif; line-height: 1.5;
  margin: 2rem auto; max-width: 46rem; padding: 0 1rem;
}
h1 { font-size: 1.5rem; margin-bottom: 0; }
h2 {
  border-top: 1px solid color-mix(in srgb, currentColor 30%, transparent);
  font-size: 1.25rem; margin-top: 2.5rem; padding-top: 1rem;
}
h3 { font-size: 1.05rem; margin: 1.5rem 0 0.5rem; }
.subtitle { margin-top: 0; opacity: 0.7; }
.name { display: flex; gap: 1.5rem; margin: 1.5rem 0; }
.name span { border-bottom: 1px solid currentColor; flex: 3; }
.name span + span { flex: 1; }
math { font-size: 1.1em; }
svg { display: block; height: auto; margin: 0.5rem auto; max-width: 100%; }
table { border-collapse: collapse; margin: 0.75rem 0 0.75rem 1.5rem; }
.equations td { padding: 0.2rem 0.35rem; }
.equations td:first-child, .grid td.symbol { text-align: right; white-space: nowrap; }
.grid td { padding: 0.3rem 0.35rem; }
.grid td.blank { vertical-align: bottom; }
.wide .derivation td { vertical-align: middle; }
.grid td.number { min-width: 6em; padding-right: 1.25rem; }
.grid td.blank span { border-bottom: 1px dotted currentColor; display: block; height: 1.9em; }
.table th, .table td {
  border: 1px solid color-mix(in srgb, currentColor 45%, transparent);
  min-width: 2.3em; padding: 0.3rem 0.4rem; text-align: center;
}
.table th { font-weight: normal; }
.table td.blank { height: 1.9em; }
.room {
  border: 1px dashed color-mix(in srgb, currentColor 30%, transparent); border-radius: 4px;
  margin: 0.5rem 0 1.25rem;
}
.given { align-items: center; display: flex; flex-wrap: wrap; gap: 0.75rem 2rem; margin-left: 1.5rem; }
.derivation .equal { display: inline-block; padding-right: 0.5em; }
.wide { overflow-x: auto; }
@media print {
  @page { size: A4; margin: 18mm 16mm; }
  :root { color-scheme: light; }
  body { font-size: 10.5pt; margin: 0; max-width: none; padding: 0; }
  h2.next { border-top: none; break-before: page; margin-top: 0; padding-top: 0; }
  h2, h3 { break-after: avoid; }
  .grid, .table, .equations, .room, svg, tr { break-inside: avoid; }
  .asked, .wide:has(+ .room) { break-after: avoid; }
  .wide { overflow: visible; }
}
"""
NAME = '<p class="name">Name <span></span> Date <span></span></p>'


def paper_as_html(paper: Paper) -> str:
    """A whole sheet or key, as a page."""
    writer = _HtmlPaper(paper.digits)
    body = "\n".join([*([NAME] if paper.named else []), *map(writer.block, paper.blocks)])
    title, subtitle, style = escape(paper.title), escape(paper.subtitle), STYLE_OF_SHEETS + STYLE
    return PAGE.format(title=title, subtitle=subtitle, style=style, body=body)


class _HtmlPaper:
    def __init__(self, digits: int) -> None:
        self.writer = MathmlWriter(digits)
        self.begun = False

    def math(self, piece: Piece) -> str:
        """MathML of a piece, without the `<math>` around it."""
        match piece:
            case str():
                return f"<mtext> {escape(piece)}</mtext>"
            case int() | float():
                return self.writer.number(piece)
            case Quantity() | Notation():
                return piece.mathml
            case Formula():
                letters = {
                    name: mathml.bracketed(self.math(each))
                    if isinstance(each, int | float) and each < 0
                    else self.math(each)
                    for name, each in piece.letters.items()
                }
                return self.writer.formula(piece.text, letters)
            case Matrix():
                rows = "".join(
                    "<mtr>" + "".join(f"<mtd>{self.writer.number(float(v))}</mtd>" for v in row) + "</mtr>"
                    for row in piece.numbers
                )
                return mathml.bracketed(f"<mtable>{rows}</mtable>")

    def inline(self, piece: Piece) -> str:
        """A piece within words."""
        return escape(piece) if isinstance(piece, str) else f"<math>{self.math(piece)}</math>"

    def block(self, block: Block) -> str:
        """A block."""
        match block:
            case Heading(words=words, level=1):
                later = ' class="next"' if self.begun else ""
                self.begun = True
                return f"<h2{later}>{escape(words)}</h2>"
            case Heading(words=words):
                return f"<h3>{escape(words)}</h3>"
            case Prose():
                return f'<p class="asked">{"".join(map(self.inline, block.pieces))}</p>'
            case Equations():
                return self._equations(block)
            case Given():
                shown = (
                    f"<span><math>{self.math(name)}<mo>=</mo>{self.math(value)}</math></span>"
                    for name, value in block.chains
                )
                return f'<p class="given">{" ".join(shown)}</p>'
            case Grid():
                return self._grid(block)
            case Table():
                return self._table(block)
            case Worked():
                return _table("derivation", [self._worked(self.writer.line(node)) for node in block.nodes])
            case Room():
                return f'<div class="room" style="height: {1.6 * block.lines:.1f}em"></div>'
            case Drawing():
                return network_drawing(block.network)

    def _equations(self, block: Equations) -> str:
        sign = "←" if block.sign == "<-" else "="
        rows = []
        for first, *others in block.chains:
            shown = "".join(
                ("" if k == 0 or isinstance(other, str) else "<mo>=</mo>") + self.math(other)
                for k, other in enumerate(others)
            )
            rows.append(
                f"<tr><td><math>{self.math(first)}</math></td><td>{sign}</td>"
                f'<td><math displaystyle="true">{mathml.row(shown)}</math></td></tr>'
            )
        return _table("equations", rows)

    def _grid(self, grid: Grid) -> str:
        sign = "←" if grid.sign == "<-" else "="
        rows = []
        for row in grid.rows:
            cells = []
            for cell in row:
                name = f'<td class="symbol"><math>{cell.name.mathml}</math> {sign}</td>'
                blank = '<td class="number blank"><span></span></td>'
                value = "" if cell.value is None else self.writer.number(cell.value)
                cells.append(name + (f'<td class="number"><math>{value}</math></td>' if value else blank))
            rows.append(f"<tr>{''.join(cells)}</tr>")
        return _table("grid", rows)

    def _worked(self, line: Line) -> str:
        """A number in one line that breaks before its signs of equality."""
        chain = "".join(
            f'<span class="equal">{"= " if k else ""}{math_of(terms)}</span>'
            for k, terms in enumerate(line.chain)
        )
        cells = [("symbol", math_of([line.symbol])), ("", "←" if line.becomes else "="), ("", chain)]
        cells.append(("rule", escape(line.rule)))
        row = "".join(f'<td class="{kind}">{cell}</td>' for kind, cell in cells)
        return f'<tr class="first">{row}</tr>'

    def _table(self, table: Table) -> str:
        head = "".join(f"<th>{self.inline(piece)}</th>" for piece in table.header)
        rows = [f"<tr>{head}</tr>"]
        for row in table.rows:
            cells = (
                '<td class="blank"></td>' if piece is None else f"<td>{self.inline(piece)}</td>"
                for piece in row
            )
            rows.append(f"<tr>{''.join(cells)}</tr>")
        return _table("table", rows)


def _table(kind: str, rows: Sequence[str]) -> str:
    return f'<div class="wide"><table class="{kind}"><tbody>\n' + "\n".join(rows) + "\n</tbody></table></div>"
