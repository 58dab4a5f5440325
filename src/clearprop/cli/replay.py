"""`clearprop replay`: a step of a model's training again, and any of its numbers derived."""

from __future__ import annotations

from typing import Annotated

import typer

from clearprop.cli.answering import CHECK_FAILED, DONE, answering
from clearprop.cli.explain import View
from clearprop.cli.reading import Reading, reading_options
from clearprop.cli.threads import Threads


@answering
@reading_options
def replay(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model file that train wrote.")],
    data: Annotated[list[str], typer.Argument(metavar="DATA", help="The table it was trained on.")],
    epoch: Annotated[int, typer.Option(help="Epoch, from 1.")],
    batch: Annotated[int | None, typer.Option(help="Batch of the epoch, from 1.")] = None,
    row: Annotated[int | None, typer.Option(help="Row of the table, from 1: the batch with it.")] = None,
    of: Annotated[
        str | None, typer.Option(metavar="NAME", help='Derive it: "W[1][2,0]", or with --row "delta[1][2]".')
    ] = None,
    view: Annotated[View, typer.Option(help="By layers, by paths, or as one product.")] = View.recursive,
    terms: Annotated[int, typer.Option(min=1, help="Terms of a sum that are written out.")] = 8,
    digits: Annotated[int, typer.Option(min=1, max=17, help="Significant digits.")] = 6,
    threads: Threads = None,
    *,
    reading: Reading,
) -> int:
    """Take one step of the training again, with the same bits; exit code 1 if the bits differ."""
    from clearprop.table_model import TableModel
    from clearprop.table_model.replaying import replay_table

    seen = replay_table(TableModel.load(model), reading.table(data), epoch, batch, row=row)
    text = str(seen)
    if of is not None:
        derivation = seen.trace.derive(of, view=view.value, example=seen.example, terms=terms, digits=digits)
        text += f"\n\n{derivation}"
    print(text)
    return CHECK_FAILED if seen.differing else DONE
