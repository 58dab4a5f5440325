"""`clearprop train`: read a table, say how it is read, train, judge, save, and say what to type next."""

from __future__ import annotations

import glob
import logging
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from clearprop.cli.answering import DONE, INTERRUPTED, answering, require_writable, write_json
from clearprop.cli.console import Screen, complain
from clearprop.cli.reading import Reading, reading_options
from clearprop.errors import DataError, SpecificationError
from clearprop.formulas.activations import activations
from clearprop.formulas.losses import losses
from clearprop.formulas.optimizers import optimizers
from clearprop.tables.opening import PACKED, STDIN, path_suffix
from clearprop.words import number, plural

if TYPE_CHECKING:
    from clearprop.glassbox.diagnosis import Watch
    from clearprop.table_model import TableModel
    from clearprop.table_model.plan import TablePlan
    from clearprop.tables import Table

WATCHED = 60  #: epochs that a report's picture of the gradients shows, about
MOST_COLUMNS = 40  #: columns of the table that are described one by one

_TRAINABLE = [name for name, row in activations.items() if not row.refuses_training]


@answering
@reading_options
def train(
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="DATA",
            help='Files (.csv, .tsv, also .gz or .zst; .parquet, .arrow, .jsonl), "-" for standard input; '
            '"penguins", shipped.',
        ),
    ],
    target: Annotated[
        list[str], typer.Option(metavar="COLUMN", help="To predict; may be repeated for number columns.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="Model file; by default DATA's name.safetensors.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(metavar="classes|numbers", help="Overrules how the target is read.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="No feature; may be repeated.")
    ] = None,
    test: Annotated[float, typer.Option(help="Share of rows held out to judge the model; 0: none.")] = 0.2,
    hidden: Annotated[
        str, typer.Option(metavar="WIDTHS", help='Hidden layers, such as 64,64; "none" for none.')
    ] = "64,64",
    activation: Annotated[
        str, typer.Option(metavar="NAME", help=f"Of the hidden layers: {', '.join(_TRAINABLE)}.")
    ] = "silu",
    loss: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"By default the task's own; {', '.join(losses)}.")
    ] = None,
    optimizer: Annotated[str, typer.Option(metavar="NAME", help=f"{', '.join(optimizers)}.")] = "adamw",
    learning_rate: Annotated[float | None, typer.Option(help="Peak of the cosine schedule.")] = None,
    weight_decay: Annotated[
        float | None, typer.Option(help="By default 1000 / rows, at most 1.5, for adamw.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="By default 2000 to 4000 steps.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="By default 32 to 256, by rows.")] = None,
    dropout: Annotated[float, typer.Option(help="Of the hidden units.")] = 0.0,
    l1: Annotated[float, typer.Option(help="Penalty on the absolute weights.")] = 0.0,
    l2: Annotated[float, typer.Option(help="Penalty on the squared weights.")] = 0.0,
    label_smoothing: Annotated[float, typer.Option(help="Mixed into class targets.")] = 0.0,
    validation: Annotated[
        float | None,
        typer.Option(help="Share of training rows that chooses the best epoch; 0.1 from 10,000 rows."),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            help="Epochs without progress (of the validation loss, else the training loss) before stopping."
        ),
    ] = None,
    class_weight: Annotated[str | None, typer.Option(metavar="balanced", help="Weigh classes alike.")] = None,
    seed: Annotated[int, typer.Option(help="The one seed of everything drawn.")] = 0,
    time_budget: Annotated[float | None, typer.Option(help="Seconds of training, at most.")] = None,
    dtype: Annotated[str, typer.Option(metavar="float32|float64", help="To compute in.")] = "float32",
    certify: Annotated[
        bool, typer.Option("--certify", help="Certify the gradient at the end, in the model file.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page about data, training and score (HTML).")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Commit where training stands to this folder, twice a minute."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint, to the same bits.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Write nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    *,
    reading: Reading,
) -> int:
    """Train a network on a table and write a model file.

    Ctrl-C ends training early: the model so far is judged and saved, and the exit code is 130. With
    --checkpoint DIR a run that was killed goes on by the same command and --resume.
    """
    from clearprop.table_model import train_plan
    from clearprop.table_model.plan import plan_table
    from clearprop.table_model.settings import Settings

    if quiet:
        logging.getLogger("clearprop").setLevel(logging.ERROR)
    path = out or Path(_stem(data) + ".safetensors")
    require_writable(path, *data)
    if report is not None:
        require_writable(report, *data, option="--report")
        if report.resolve() == path.resolve():
            raise DataError(f"{str(report)!r} is to be the model file and the report; name two files")
    settings = Settings(
        hidden=_widths(hidden),
        activation=activation,
        loss=loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        dropout=dropout,
        l1=l1,
        l2=l2,
        batch_size="auto" if batch_size is None else batch_size,
        epochs="auto" if epochs is None else epochs,
        validation="auto" if validation is None else validation or None,
        patience=patience,
        class_weight=cast(Literal["balanced"] | None, class_weight),
        label_smoothing=label_smoothing,
        seed=seed,
        time_budget=time_budget,
        dtype=dtype,
    )
    table = reading.table(data, says=False)
    plan = plan_table(
        table,
        target,
        task=cast(Literal["classes", "numbers"] | None, task),
        exclude=exclude or (),
        test=test or None,
        settings=settings,
    )
    screen = Screen(not (quiet or as_json))
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

        write_report(model, plan, report, watch=watch, seed=seed)
    _show_outcome(screen, model, data, path, report)
    if as_json:
        write_json(_as_plain(table, plan, model, path))
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


def _widths(hidden: str) -> tuple[int, ...]:
    """Widths of the hidden layers from "64,64"."""
    if hidden.strip().lower() in ("none", "0", ""):
        return ()
    try:
        return tuple(int(width) for width in hidden.split(","))
    except ValueError:
        raise SpecificationError(
            f'--hidden is widths such as 64 or 64,64, or "none", not {hidden!r}'
        ) from None


def _stem(data: list[str]) -> str:
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


def _show_outcome(
    screen: Screen, model: TableModel, data: list[str], path: Path, report: Path | None
) -> None:
    """Write how training went, the metrics, where the model lies, and what to type next."""
    history, run = model.history, model.model
    steps = run.record.steps if run.record else 0
    seconds = history["seconds"][-1] if history["seconds"] else 0.0
    loss = f"; training loss {number(history['loss'][-1])}" if history["loss"] else ""
    why = "" if run.stopped == "epochs" else f", stopped by {run.stopped}"
    epochs = plural(len(history["epoch"]), "epoch")
    screen.line(f"{epochs} ({plural(steps, 'step')}) in {seconds:.2g} s{why}{loss}")
    if run.certificate is not None:
        found = run.certificate
        verdict = "holds" if found.holds else "DOES NOT HOLD"
        screen.line(f"Gradient certificate: {verdict} (worst error {found.worst:.1e})")
    if model.evaluation is not None:
        from clearprop.cli.reports import show_evaluation

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
        "test": model.evaluation.to_dict() if model.evaluation else None,
        "notices": list(plan.notices),
        "model": str(path),
    }
