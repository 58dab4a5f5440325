"""`clearprop check`: the gradient certificate of a model on rows of a table."""

from __future__ import annotations

from typing import Annotated

import typer

from clearprop.cli.answering import CHECK_FAILED, DONE, answering, write_json
from clearprop.cli.reading import Reading, reading_options
from clearprop.errors import DataError


@answering
@reading_options
def check(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model file that train wrote.")],
    data: Annotated[list[str], typer.Argument(metavar="DATA", help="A table with the target; see train.")],
    rows: Annotated[int, typer.Option(min=1, help="Rows to take, the first whose target is known.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    *,
    reading: Reading,
) -> int:
    """Certify that the engine's gradient on a model's rows is the mathematics' own; else exit code 1."""
    from clearprop.glassbox.certifying import certify
    from clearprop.table_model import TableModel
    from clearprop.table_model.plan import features, targets

    loaded, table = TableModel.load(model), reading.table(data)
    known = loaded.target.known_rows(table)
    if not known.any():
        names = ", ".join(loaded.target.columns)
        raise DataError(f"{table.source}: no row has a value of the target {names}, and a loss needs one")
    table = table.take(known)
    table = table.take(range(min(rows, table.n_rows)))
    X, Y = features(loaded.encoder, table), targets(loaded.network, loaded.target, table)
    found = certify(loaded.network, loaded.theta, X, Y)
    if as_json:
        write_json({"model": model, "data": table.source, **found.to_dict()})
    else:
        print(found)
    return DONE if found.holds else CHECK_FAILED
