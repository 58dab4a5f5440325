"""`work`: what every worker of a distributed fit runs, whatever starts the workers and lets them meet."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from io import FileIO
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np

from clearprop.company import at_most
from clearprop.distributed.bucketed import EncodedShards, encode_shards
from clearprop.distributed.encoders import TableReading, fit_reading
from clearprop.distributed.folder import require_usable, standing_in
from clearprop.distributed.plan import Plan
from clearprop.distributed.stretches import descend_together
from clearprop.engines import engine_for
from clearprop.engines.examples import Examples
from clearprop.engines.protocol import OptimizerState
from clearprop.engines.shards import Comm, Sharded
from clearprop.errors import SpecificationError
from clearprop.metrics import as_metric, default_metric
from clearprop.model import Model
from clearprop.table_model.baselines import Evaluation
from clearprop.table_model.model import TableModel
from clearprop.table_model.plan import first_parameters
from clearprop.training.checkpoint import Checkpoints, Standing
from clearprop.training.course import Course
from clearprop.training.launch import checkpoints_of, plateau_of
from clearprop.training.progress import Moment, Silence
from clearprop.training.run import RunRecord, Stopped, digest
from clearprop.training.stopping import StoppingRules
from clearprop.training.validation import SAMPLE, TrainingData

#: is told how far the run is, on rank 0 alone: at the end of each epoch and, between them, of each stretch
Report: TypeAlias = Callable[[Moment], Any]


@dataclass(frozen=True)
class Result:
    """What a distributed fit gives, as plain data that any transport can carry.

    Attributes
    ----------
    model : bytes
        The model file.
    digest : str
        Of the parameters at the end; the same for any number of workers.
    steps : int
    stopped : str
        Why training ended.
    notices : tuple of str
        What the user should know of the data.
    evaluation : Evaluation or None
        On the test rows.
    """

    model: bytes
    digest: str
    steps: int
    stopped: str
    notices: tuple[str, ...] = ()
    evaluation: Evaluation | None = field(default=None, repr=False)

    def table_model(self) -> TableModel:
        """The model itself."""
        with tempfile.TemporaryDirectory(prefix="clearprop-") as folder:
            path = Path(folder) / "model.safetensors"
            path.write_bytes(self.model)
            read = TableModel.load(path)
        return replace(read, model=replace(read.model, stopped=self.stopped), evaluation=self.evaluation)


def work(comm: Comm, plan: Plan, folder: Path | None, report: Report) -> Result | None:
    """Take a rank's part of a distributed fit, from the files to the model.

    Parameters
    ----------
    comm : Comm
        With `comm.shards == plan.shards`. Every rank calls `work` with the same plan.
    plan : Plan
        Of `plan_distributed`; can be pickled. Its `threads` is for the engine of each rank.
    folder : Path or None
        Where rank 0, and it alone, commits where the run stands, every `plan.checkpoint_seconds` between two
        stretches of batches, and goes on from. What it holds is told to the other ranks by `comm`, so it has
        to be the same folder (a shared file system) only if another machine may become rank 0. None: the run
        cannot go on after a failure, and starts anew.
    report : callable
        Called on rank 0 with a `Moment`.

    Returns
    -------
    Result on rank 0, None on the others.

    Raises
    ------
    CommunicationError
        From `comm`, when ranks did not meet. Start the group again, with any number of workers from 1 to
        `plan.shards`: the run goes on from the last commit, to the bits of an undisturbed one.
    ClearpropError
        Any other is final (a corrupt file, a diverged run): another attempt would end alike. It is raised on
        every rank that meets the cause, maybe one alone; the others then see a CommunicationError.
    """
    if comm.shards != plan.shards:
        raise SpecificationError(f"the ranks meet over {comm.shards} shards, and the plan has {plan.shards}")
    with ExitStack() as stack:
        stack.enter_context(at_most(plan.threads))
        require_usable(comm, plan, folder)
        spool = _spool(stack, plan)
        reading = fit_reading(comm, plan)
        held = encode_shards(comm, plan, reading, spool)
        course = _course(comm, plan, reading, held, report)
        course.checkpoints, standing = _standing(comm, plan, course, held, folder)
        if standing is not None:
            course.restore(standing)
        if standing is not None and standing.stopped:
            stopped = cast(Stopped, standing.stopped)
        else:
            stopped = _descend(comm, course, held, plan.settings.time_budget)
        return _result(course, stopped, plan, reading, held) if comm.rank == 0 else None


def _spool(stack: ExitStack, plan: Plan) -> FileIO:
    """A file without a name for the rank's encoded rows, as long as the stack stands."""
    try:
        return stack.enter_context(tempfile.TemporaryFile(prefix="clearprop-", dir=plan.spool, buffering=0))
    except OSError as error:
        raise SpecificationError(
            f"the folder {plan.spool!r} for encoded rows cannot be used ({error.strerror or error}); name "
            "another that is there on every machine (spool=)"
        ) from None


class _Told(Silence):
    """Tells the driver, on rank 0."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def show(self, standing: Moment) -> None:
        """Tell the standing."""
        self.report(standing)


def _course(comm: Comm, plan: Plan, reading: TableReading, held: EncodedShards, report: Report) -> Course:
    """The run before its first step, the same on every rank."""
    settings, network, rows = plan.settings, reading.network, held.batching.total
    real, rule = np.dtype(settings.dtype), settings.optimizer_for(rows)
    monitored = None if settings.metric is None else as_metric(settings.metric, network.loss)
    if monitored is not None and held.judge is None:
        drew = f", and validation={settings.validation!r} drew none" if settings.validation else ""
        raise SpecificationError(f"metric is measured on held-out rows{drew}; give validation=, such as 0.1")
    inner = engine_for("compiled", network, dtype=real, optimizer=rule, threads=plan.threads)
    return Course(
        engine=Sharded(inner, comm),
        data=TrainingData(_sample(held, network.inputs, network.output.units, real), held.judge),
        theta=first_parameters(network, settings, reading.encoder).flat.astype(real),
        state=OptimizerState.fresh(network, real),
        rules=StoppingRules(int(settings.epochs_for(rows)), settings.patience, 0.0, None, None),
        record=RunRecord(
            seed=int(settings.seed),
            batch_size=held.batching.batch_size,
            epochs=int(settings.epochs_for(rows)),
            shuffle=True,
            engine="compiled",
            dtype=real.name,
            optimizer=rule.to_dict(),
            rows=rows,
            held_out=0 if held.judge is None else len(held.judge),
            validation_fraction=None,
            weighted=False,
            class_weight=None,
            label_smoothing=float(settings.label_smoothing),
            initial_given=True,
            shards=plan.shards,
        ),
        shown_metric=monitored or default_metric(network.loss),
        monitored=monitored,
        callbacks=(),
        progress=_Told(report) if comm.rank == 0 else Silence(),
        plateau=plateau_of(rule.learning_rate),
    )


def _sample(held: EncodedShards, inputs: int, outputs: int, real: np.dtype[Any]) -> Examples:
    """A few rows of the rank's own, for what is said of a run that diverges."""
    for rows in held.own.values():
        found = rows.part(0, 0, SAMPLE)
        if len(found):
            return Examples(np.ascontiguousarray(found["X"]), np.ascontiguousarray(found["Y"]))
    return Examples(np.zeros((1, inputs), real), np.zeros((1, outputs), real))


def _standing(
    comm: Comm, plan: Plan, course: Course, held: EncodedShards, folder: Path | None
) -> tuple[Checkpoints | None, Standing | None]:
    """What to write to, and where the run stands; the folder is of these very rows, whatever their files."""
    found = checkpoints_of(course, Path(), plan.checkpoint_seconds, course.monitored)
    settings = {**found.settings, "data": f"{plan.data}-{held.digest}"}
    return standing_in(comm, plan, replace(found, settings=settings), folder)


def _descend(comm: Comm, course: Course, held: EncodedShards, time_budget: float | None) -> Stopped:
    """Take the steps; Ctrl-C ends a run of one process early, and is the launcher's with several."""
    engine = cast(Sharded, course.engine)
    try:
        return descend_together(course, engine, held, time_budget)
    except KeyboardInterrupt:
        if comm.world > 1:
            raise
        return "interrupted"


def _result(
    course: Course, stopped: Stopped, plan: Plan, reading: TableReading, held: EncodedShards
) -> Result:
    """The model, judged on the test rows."""
    run = course.run(stopped)
    shares = tuple((held.counts / held.batching.total).tolist())
    model = TableModel(Model.of(run), reading.encoder, reading.target, shares)
    evaluation = None
    if held.tested is not None:
        X, y = held.tested
        evaluation = model.judge(y, model.model.predict(X))
    with tempfile.TemporaryDirectory(prefix="clearprop-") as folder:
        path = Path(folder) / "model.safetensors"
        model.save(path)
        data = path.read_bytes()
    return Result(data, digest(run.theta.flat), course.state.t, stopped, reading.notices, evaluation)
