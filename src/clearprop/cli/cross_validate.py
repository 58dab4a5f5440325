"""`clearprop cross-validate`: how good a network is on rows that did not teach it, fold by fold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clearprop.cli.answering import DONE, answering, require_writable, write_json
from clearprop.cli.config import given_data
from clearprop.cli.console import Screen, complain
from clearprop.cli.learning import Learning
from clearprop.cli.options import with_options
from clearprop.cli.predict import encoded, require_suffix
from clearprop.cli.reading import Reading
from clearprop.cli.threads import Threads
from clearprop.durable import write_durably
from clearprop.words import number, plural


@answering
@with_options(learning=Learning, reading=Reading)
def cross_validate(
    context: typer.Context,
    data: Annotated[
        list[str] | None, typer.Argument(metavar="DATA", help="A table with the target; see train.")
    ] = None,
    folds: Annotated[int, typer.Option(help="All but one teach, in turn.")] = 5,
    repeats: Annotated[int, typer.Option(help="With other folds each time.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Predictions out of fold, in the order of DATA (.csv, .csv.gz, .parquet)."
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Write nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    threads: Threads = None,
    *,
    learning: Learning,
    reading: Reading,
) -> int:
    """Judge a network by rows that did not teach it: mean and standard error over the folds, and no model."""
    from clearprop.table_model.baselines import METRICS
    from clearprop.table_model.cross_validation import cross_validate_table

    data = given_data(context, data)
    if out is not None:
        require_suffix(out)
        require_writable(out, *data)
    screen = Screen(not (quiet or as_json))
    found = cross_validate_table(
        reading.table(data, says=False),
        learning.target,
        folds=folds,
        repeats=repeats,
        settings=learning.settings(),
        progress=screen.shown,
        **learning.rows(),
    )
    if out is not None:
        write_durably(out, encoded(out, found.columns(), learning.dtype == "float32"))
    if as_json:
        write_json({**found.to_dict(), "out": None if out is None else str(out)})
    judged = int((found.fold[0] >= 0).sum())
    screen.heading("Data")
    screen.line(f"{found.source}: {plural(len(found.row_numbers), 'row')}, {judged:,} judged out of fold")
    for notice in found.notices:
        screen.line(f"note: {notice}")
    screen.heading("Target")
    screen.line(found.target.reason)
    screen.heading(f"Metrics, mean over {plural(len(found.scores), 'fold')}")
    screen.line(found.in_words())
    error, baseline = found.standard_error, found.baseline
    rows = [
        (METRICS[name][0], number(mean), number(error[name]), number(baseline[name]))
        for name, mean in found.mean.items()
    ]
    screen.table(("", "network", "std. error", "baseline"), rows, right=(1, 2, 3))
    screen.heading("By fold")
    header = [METRICS[name][0] for name in found.mean]
    each = [
        (str(i + 1), str(fold.rows), *(number(fold.metrics[name]) for name in found.mean))
        for i, fold in enumerate(found.scores)
    ]
    screen.table(("fold", "rows", *header), each, right=range(2 + len(header)))
    screen.close()
    if out is not None and not quiet:
        complain(f"{plural(len(found.row_numbers), 'row')} written to {out}")
    return DONE
