"""`clearprop diagnose`: what keeps a model's network from learning, seen on rows of a table."""

from __future__ import annotations

from typing import Annotated

import typer

from clearprop.cli.answering import CHECK_FAILED, DONE, answering, write_json
from clearprop.cli.reading import Reading, reading_options


@answering
@reading_options
def diagnose(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model file that train wrote.")],
    data: Annotated[list[str], typer.Argument(metavar="DATA", help="A table with the target; see train.")],
    rows: Annotated[int, typer.Option(min=1, help="Rows to look at, at most, evenly spaced.")] = 2000,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    *,
    reading: Reading,
) -> int:
    """Look for what keeps a network from learning, each with its remedy; exit code 1 if there is any."""
    from clearprop.table_model import TableModel
    from clearprop.table_model.diagnosing import diagnose_table

    table = reading.table(data)
    found = diagnose_table(TableModel.load(model), table, rows)
    if as_json:
        write_json({"model": model, "data": table.source, **found.to_dict()})
    else:
        print(found)
    return CHECK_FAILED if found else DONE
