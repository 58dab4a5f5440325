"""`clearprop search`: try settings, train by the best, judge that on rows no trial saw, and save it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from clearprop.cli.answering import DONE, INTERRUPTED, answering, require_writable, write_json
from clearprop.cli.config import given_data, read_toml
from clearprop.cli.console import Screen, complain
from clearprop.cli.learning import Learning
from clearprop.cli.options import with_options
from clearprop.cli.reading import Reading
from clearprop.cli.threads import Threads
from clearprop.cli.train import stem
from clearprop.errors import DataError
from clearprop.words import number, plural

if TYPE_CHECKING:
    from clearprop.table_model.search_space import Space

MOST_TRIALS = 10  #: listed


@answering
@with_options(learning=Learning, reading=Reading)
def search(
    context: typer.Context,
    data: Annotated[
        list[str] | None, typer.Argument(metavar="DATA", help="A table with the target; see train.")
    ] = None,
    trials: Annotated[int, typer.Option(help="Settings to try, those given here first.")] = 20,
    folds: Annotated[int, typer.Option(help="Each is judged by the mean over so many folds.")] = 3,
    holdout: Annotated[
        float | None, typer.Option(help="Judge by one split with this share of the rows instead.")
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="By log_loss, accuracy or roc_auc; by rmse, mae or r2."),
    ] = None,
    space: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml",
            help="What to try: width = [8, 16], learning-rate = {low = 1e-3, high = 0.1, log = true}, ...",
        ),
    ] = None,
    search_seconds: Annotated[float | None, typer.Option(help="Begin no trial after that.")] = None,
    sampler: Annotated[
        str, typer.Option(metavar="random|optuna", help="Who proposes; optuna is an extra.")
    ] = "random",
    out: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="Model file; by default DATA's name.safetensors.")
    ] = None,
    test: Annotated[float, typer.Option(help="Share of rows held out to judge the model; 0: none.")] = 0.2,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Write nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    threads: Threads = None,
    *,
    learning: Learning,
    reading: Reading,
) -> int:
    """Search widths, depth, activation, dropout, learning rate and weight decay; write the best's model file.

    Ctrl-C ends the search: the best so far is trained and saved, and the exit code is 130.
    """
    from clearprop.cli.reports import show_evaluation
    from clearprop.table_model.baselines import METRICS
    from clearprop.table_model.samplers import SamplerName
    from clearprop.table_model.search import search_table

    data = given_data(context, data)
    path = out or Path(stem(data) + ".safetensors")
    require_writable(path, *data)
    screen = Screen(not (quiet or as_json))
    found = search_table(
        reading.table(data, says=False),
        learning.target,
        trials=trials,
        space=None if space is None else _space(space),
        folds=folds,
        validation=holdout,
        metric=judge,
        time_budget=search_seconds,
        sampler=cast(SamplerName, sampler),
        test=test or None,
        settings=learning.settings(),
        progress=screen.shown,
        **learning.rows(),
    )
    found.model.save(path)
    interrupted = found.stopped == "interrupted"
    if as_json:
        write_json({**found.to_dict(), "model": str(path)})
    name = METRICS[found.metric][0]
    if found.notices:
        screen.heading("Data")
    for notice in found.notices:
        screen.line(f"note: {notice}")
    screen.heading(f"Trials, judged by {name} on {found.judged_by}")
    rows = [
        (str(trial.number), number(trial.score), number(trial.standard_error), trial.in_words())
        for trial in found.ranked[:MOST_TRIALS]
    ]
    screen.table(("trial", name, "std. error", "settings"), rows, right=(0, 1, 2))
    others = len(found.trials) - len(rows)
    if others:
        screen.line(f"... and {plural(others, 'other')}; --json has them all")
    if found.model.evaluation is not None:
        of = f"the {found.model.evaluation.rows:,} held-out rows, which no trial saw"
        show_evaluation(screen, found.model.evaluation, found.model, of)
    screen.heading("Model")
    screen.verbatim(f"{path} ({path.stat().st_size / 1000:.3g} kB)")
    screen.heading("Next")
    screen.verbatim(shlex.join(["clearprop", "predict", str(path), *data]), style="cyan")
    screen.close()
    if interrupted:
        complain(f"interrupted: the best of {plural(len(found.trials), 'trial')} is saved in {path}")
    return INTERRUPTED if interrupted else DONE


def _space(path: Path) -> Space:
    """The space to search from a file: a list is choices, {low, high, log} a range."""
    from clearprop.table_model.search_space import Range

    space = {}
    for key, value in read_toml(path).items():
        if isinstance(value, dict):
            low, high, log = value.pop("low", None), value.pop("high", None), value.pop("log", False)
            numbers = all(type(each) in (int, float) for each in (low, high))
            if value or not numbers or not isinstance(log, bool):
                raise DataError(f"{path}: {key!r} is a range such as {{low = 1e-3, high = 0.1, log = true}}")
            value = Range(low, high, log)
        space[key.replace("-", "_")] = value
    return space
