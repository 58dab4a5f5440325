"""`clearprop explain`: one row through the network, and any number of it derived."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from clearprop.cli.answering import DONE, answering, require_writable
from clearprop.cli.console import complain
from clearprop.cli.reading import Reading, reading_options
from clearprop.durable import write_durably
from clearprop.errors import DataError


class Form(StrEnum):
    """What a derivation is written as."""

    text = "text"
    latex = "latex"
    html = "html"


class View(StrEnum):
    """How a derivative is taken apart."""

    recursive = "recursive"
    paths = "paths"
    product = "product"


@answering
@reading_options
def explain(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model file that train wrote.")],
    data: Annotated[list[str], typer.Argument(metavar="DATA", help="A table with the training columns.")],
    row: Annotated[int, typer.Option(help="Number of the row, from 1.")] = 1,
    of: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help='Derive it: "C", "y_hat[0]", "z[1][2]", "delta[1][2]", "W[1][2,0]" (dC/dW), "x[3]".',
        ),
    ] = None,
    view: Annotated[View, typer.Option(help="By layers, by paths, or as one product.")] = View.recursive,
    to: Annotated[Form, typer.Option(help="Text, a LaTeX file, or a page with MathML.")] = Form.text,
    terms: Annotated[int, typer.Option(min=1, help="Terms of a sum that are written out.")] = 8,
    digits: Annotated[int, typer.Option(min=1, max=17, help="Significant digits.")] = 6,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write here, not to the screen.")] = None,
    *,
    reading: Reading,
) -> int:
    """Show every number of the network for one row, or derive one of them with the numbers put in."""
    from clearprop.glassbox.quantity import read_name
    from clearprop.table_model import TableModel
    from clearprop.table_model.explaining import explain_row, in_own_units

    if out is not None:
        require_writable(out, *data, model)
    if of is None and to is not Form.text:
        raise DataError(f'--to {to.value} writes a derivation; say of what, such as --of "W[1][2,0]"')
    loaded = TableModel.load(model)
    table = reading.table(data)
    seen = explain_row(loaded, table, row)
    if of is None:
        text = f"{seen}\n"
    else:
        derivation = seen.trace.derive(of, view=view.value, terms=terms, digits=digits)

        def in_units(name: str) -> str:
            """What dC/dx[i] is by the column's own units."""
            quantity = read_name(name)
            own = in_own_units(loaded, seen, quantity.units[0]) if quantity.kind == "dx" else None
            if own is None:
                return ""
            column, slope = own
            return f"dC/d({column}) = {slope:.{digits}g}  (in the column's own units: dC/dx / deviation)\n"

        title = f"{of} of row {row} of {table.source}"
        text = {
            Form.text: lambda: f"{derivation}\n{in_units(of)}\n{seen.inputs_table()}\n",
            Form.latex: lambda: derivation.latex(document=True),
            Form.html: lambda: derivation.html(title=title),
        }[to]()
    if out is None:
        print(text, end="" if text.endswith("\n") else "\n")
    else:
        write_durably(out, text.encode())
        complain(f"written to {out}")
    return DONE
