"""`clearprop train`: read a table, say how it is read, train, judge, save, and say what to type next."""

from __future__ import annotations

import glob
import logging
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearprop.cli.answering import DONE, INTERRUPTED, answering, require_page, require_writable, write_json
from clearprop.cli.config import as_toml, config_of, given_data
from clearprop.cli.console import Screen, complain
from clearprop.cli.distributing import train_on_ray
from clearprop.cli.learning import Learning
from clearprop.cli.options import with_options
from clearprop.cli.reading import Reading
from clearprop.cli.streaming import is_larger_than_memory, train_in_pieces
from clearprop.cli.threads import Threads
from clearprop.errors import DataError
from clearprop.tables.opening import PACKED, STDIN, path_suffix
from clearprop.words import number, plural

if TYPE_CHECKING:
    from clearprop.glassbox.diagnosis import Watch
    from clearprop.table_model import TableModel
    from clearprop.table_model.plan import TablePlan
    from clearprop.tables import Table

WATCHED = 60  #: epochs that a report's picture of the gradients shows, about
MOST_COLUMNS = 40  #: columns of the table that are described one by one


@answering
@with_options(learning=Learning, reading=Reading)
def train(
    context: typer.Context,
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DATA",
            help='Files (.csv, .tsv, also .gz or .zst; .parquet, .arrow, .jsonl), "-" for standard input; '
            '"penguins", shipped.',
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="Model file; by default DATA's name.safetensors.")
    ] = None,
    test: Annotated[float, typer.Option(help="Share of rows held out to judge the model; 0: none.")] = 0.2,
    certify: Annotated[
        bool, typer.Option("--certify", help="Certify the gradient at the end, in the model file.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page about data, training and score (HTML).")
    ] = None,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream",
            help="Read the table in pieces; by default where its files fill a quarter of the memory.",
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help='Train Parquet files on a Ray cluster: "auto", host:port, or "local" for one of its own.',
        ),
    ] = None,
    workers: Annotated[
        str | None,
        typer.Option(metavar="N|LOW:HIGH", help="Workers on it; by default 1. No bit depends on it."),
    ] = None,
    shards: Annotated[
        int | None,
        typer.Option(help="Parts of each batch that workers share, as many or more; by default 16."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Use the cluster also where one machine is faster.")
    ] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Commit where training stands to this folder, twice a minute."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint, to the same bits.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Write nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    show_config: Annotated[
        bool,
        typer.Option("--show-config", help="Write all options as TOML for --config, and train nothing."),
    ] = False,
    threads: Threads = None,
    *,
    learning: Learning,
    reading: Reading,
) -> int:
    """Train a network on a table and write a model file.

    Ctrl-C ends training early: the model so far is judged and saved, and the exit code is 130. With
    --checkpoint DIR a run that was killed goes on by the same command and --resume. With --ray the workers
    of a cluster share it, to the bits that any number of them gives. There, the same command with
    --checkpoint goes on by itself, also after Ctrl-C, which saves no model.
    """
    from clearprop.table_model import train_plan
    from clearprop.table_model.plan import plan_table

    data = given_data(context, data)
    if show_config:
        print(as_toml(config_of(context)), end="")
        return DONE
    if quiet:
        logging.getLogger("clearprop").setLevel(logging.ERROR)
    path = out or Path(stem(data) + ".safetensors")
    require_writable(path, *data)
    if report is not None:
        if report.resolve() == path.resolve():
            raise DataError(f"{str(report)!r} is to be the model file and the report; name two files")
        require_page(report, *data)
    settings, screen = learning.settings(), Screen(not (quiet or as_json))
    if ray is not None:
        unused = [
            name
            for name, value in (("--report", report), ("--certify", certify), ("--json", as_json))
            if value
        ]
        model = train_on_ray(
            data, learning, test or None, screen, [*unused, *reading.said()],
            address=ray, workers=workers, shards=shards, checkpoint=checkpoint, threads=threads,
            force=force,
        )  # fmt: skip
        model.save(path)
        _show_outcome(screen, model, data, path, None)
        return INTERRUPTED if model.model.stopped == "interrupted" else DONE
    for name, value in (("--workers", workers), ("--shards", shards), ("--force", force)):
        if value:
            raise DataError(f"{name} is for a cluster; name its address by --ray, such as --ray auto")
    if is_larger_than_memory(data) if stream is None else stream:
        whole = {"--report": report, "--checkpoint": checkpoint, "--certify": certify, "--json": as_json}
        unused = [*(name for name, value in whole.items() if value), *reading.said()]
        model = train_in_pieces(data, learning, test or None, screen, unused)
        model.save(path)
        _show_outcome(screen, model, data, path, None)
        return INTERRUPTED if model.model.stopped == "interrupted" else DONE
    table = reading.table(data, says=False)
    plan = plan_table(table, learning.target, test=test or None, settings=settings, **learning.rows())
    _show_plan(screen, table, plan)
    screen.heading("Training")
    screen.close()
    watch = None if report is None else _watch(plan)
    model = train_plan(
        plan,
        certify=certify,
        checkpoint=checkpoint,
        resume=resume,
        progress=screen.shown,
        callbacks=() if watch is None else watch,
    )
    interrupted = model.model.stopped == "interrupted"
    model.save(path)
    if report is not None:
        from clearprop.report import write_report

        write_report(model, plan, report, watch=watch, seed=settings.seed)
    _show_outcome(screen, model, data, path, report)
    if as_json:
        write_json({**_as_plain(table, plan, model, path), "config": config_of(context)})
    if interrupted:
        complain(f"interrupted: the model so far is saved in {path}")
    return INTERRUPTED if interrupted else DONE


def _watch(plan: TablePlan) -> Watch:
    """A watch that measures so many epochs as a picture can show, and more where training may end early."""
    from clearprop.glassbox.diagnosis import Watch

    settings = plan.settings
    every = max(1, settings.epochs_for(plan.training.n_rows) // WATCHED)
    may_stop = settings.patience is not None or settings.time_budget is not None
    return Watch(every=min(every, 5) if may_stop else every, live=False)


def stem(data: list[str]) -> str:
    """The name of the first file without folder and suffixes."""
    name = "model" if data[0] == STDIN or glob.has_magic(data[0]) else Path(data[0]).name
    suffix = path_suffix(name)
    for end in (*PACKED, suffix):
        name = name[: -len(end)] if end and name.lower().endswith(end) and name.lower() != end else name
    return name


def _show_plan(screen: Screen, table: Table, plan: TablePlan) -> None:
    """Write what was read, and how it will be learnt."""
    from clearprop.table_model.telling import network_in_words, split_in_words, training_in_words

    missing = sum(column.missing for column in table.columns)
    screen.heading("Data")
    gaps = plural(missing, "missing cell") if missing else "no missing cells"
    screen.line(
        f"{table.source}: {plural(table.n_rows, 'row')}, {plural(len(table.columns), 'column')}, {gaps}"
    )
    for notice in plan.notices:
        screen.line(f"note: {notice}")
    described = plan.encoder.describe()
    features = plural(len(plan.encoder.feature_names), "input")
    screen.heading(f"Columns ({features} for the network, from the training rows)")
    rows = [
        (row.column, row.encoding.replace("standard deviation", "std"), str(row.missing or ""))
        for row in described[:MOST_COLUMNS]
    ]
    screen.table(("column", "how it is read", "missing"), rows, right=(2,))
    if len(described) > MOST_COLUMNS:
        screen.line(f"... and {len(described) - MOST_COLUMNS} more; --json has them all")
    screen.heading("Target")
    screen.line(plan.target.reason)
    screen.heading("Split")
    screen.line(split_in_words(plan))
    screen.heading("Network")
    screen.line(network_in_words(plan.network))
    settings, count = plan.settings, plan.training.n_rows
    size, epochs = settings.batch_size_for(count), settings.epochs_for(count)
    screen.line(training_in_words(settings.optimizer_for(count), size, epochs, settings.dtype))
    if settings.ensemble > 1:
        screen.line(
            f"an ensemble of {settings.ensemble}: such networks from seeds of their own, side by side"
        )


def _show_outcome(
    screen: Screen, model: TableModel, data: list[str], path: Path, report: Path | None
) -> None:
    """Write how training went, the metrics, where the model lies, and what to type next."""
    from clearprop.cli.reports import show_evaluation, threshold_in_words

    history, run = model.history, model.model
    steps = f" ({plural(run.record.steps, 'step')})" if run.record else " of each member"
    seconds = history["seconds"][-1] if history["seconds"] else 0.0
    loss = f"; training loss {number(history['loss'][-1])}" if history["loss"] else ""
    why = "" if run.stopped == "epochs" else f", stopped by {run.stopped}"
    epochs = plural(len(history["epoch"]), "epoch")
    screen.line(f"{epochs}{steps} in {seconds:.2g} s{why}{loss}")
    if run.certificate is not None:
        found = run.certificate
        verdict = "holds" if found.holds else "DOES NOT HOLD"
        screen.line(f"Gradient certificate: {verdict} (worst error {found.worst:.1e})")
    if model.evaluation is None and model.threshold is not None:
        screen.line(threshold_in_words(model))
    if model.evaluation is not None:
        show_evaluation(screen, model.evaluation, model, f"the {model.evaluation.rows:,} held-out rows")
    screen.heading("Model")
    screen.verbatim(f"{path} ({path.stat().st_size / 1000:.3g} kB)")
    if report is not None:
        screen.verbatim(f"{report} ({report.stat().st_size / 1000:.3g} kB), the report: open it in a browser")
    screen.heading("Next")
    for verb, remark in (("predict", ""), ("evaluate", "  # training rows included")):
        screen.verbatim(shlex.join(["clearprop", verb, str(path), *data]) + remark, style="cyan")
    screen.close()


def _as_plain(table: Table, plan: TablePlan, model: TableModel, path: Path) -> dict[str, Any]:
    """Everything `train` says, as JSON types."""
    rows, settings, run = plan.training.n_rows, plan.settings, model.model
    epochs = model.history["epoch"]
    return {
        "data": {
            "source": table.source,
            "rows": table.n_rows,
            "columns": len(table.columns),
            "missing": sum(column.missing for column in table.columns),
        },
        "columns": [row._asdict() for row in plan.encoder.describe()],
        "target": {
            "columns": list(plan.target.columns),
            "task": plan.target.task,
            "classes": list(plan.target.classes),
            "reason": plan.target.reason,
        },
        "split": {
            "train": rows,
            "test": plan.test.n_rows if plan.test else 0,
            "validation": settings.validation_for(rows) or 0.0,
            "seed": settings.seed,
            **({plan.ties.kind: plan.ties.name} if plan.ties else {}),
        },
        "network": {
            "widths": list(plan.network.widths),
            "parameters": plan.network.n_parameters,
            "loss": plan.network.loss.name,
            "specification": plan.network.to_dict(),
        },
        "training": {
            "optimizer": settings.optimizer_for(rows).to_dict(),
            "batch_size": run.record.batch_size if run.record else None,
            "epochs": len(epochs),
            "steps": run.record.steps if run.record else None,
            "stopped": run.stopped,
            "seconds": model.history["seconds"][-1] if epochs else 0.0,
            "loss": model.history["loss"][-1] if epochs else None,
        },
        "certificate": run.certificate.to_dict() if run.certificate else None,
        "threshold": model.threshold.to_dict() if model.threshold else None,
        "test": model.evaluation.to_dict() if model.evaluation else None,
        "notices": [*plan.notices, *plan.unread],
        "model": str(path),
    }
