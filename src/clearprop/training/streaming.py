"""Training on examples that lie in buckets on disk: the epoch loop of what is larger than memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from clearprop.engines import engine_for
from clearprop.engines.examples import Examples
from clearprop.engines.protocol import OptimizerState
from clearprop.errors import SpecificationError
from clearprop.formulas.optimizers import Optimizer
from clearprop.metrics import default_metric
from clearprop.specification import Network, Parameters
from clearprop.training.buckets import Buckets
from clearprop.training.course import Course
from clearprop.training.descent import slice_length
from clearprop.training.launch import plateau_of
from clearprop.training.progress import progress_on
from clearprop.training.run import Run, RunRecord, Stopped
from clearprop.training.stopping import StoppingRules
from clearprop.training.validation import SAMPLE, TrainingData


def train_buckets(
    network: Network,
    buckets: Buckets,
    held_out: Examples | None,
    *,
    optimizer: Optimizer,
    batch_size: int,
    epochs: int,
    seed: int,
    initial: Parameters,
    dtype: npt.DTypeLike,
    patience: int | None = None,
    time_budget: float | None = None,
    progress: bool = True,
) -> Run:
    """Minimise the loss of a network over examples in buckets; see `clearprop.train` for the settings.

    Parameters
    ----------
    buckets : Buckets
        Closed; its rows are checked examples.
    held_out : Examples or None
        In memory, to judge the epochs.

    Raises
    ------
    SpecificationError
        For an optimizer that takes all rows at once.
    TrainingDiverged
        When the loss stops being finite.
    """
    if not optimizer.step:
        raise SpecificationError(
            f"{optimizer.title} takes all rows at once, which are larger than memory; use AdamW or SGD"
        )
    real = np.dtype(dtype)
    engine = engine_for("compiled", network, dtype=real, optimizer=optimizer)
    first = next(buckets.epoch(0, batch_size))
    with progress_on(progress) as shown:
        course = Course(
            engine=engine,
            data=TrainingData(first.take(np.arange(min(len(first), SAMPLE))), held_out),
            theta=initial.flat.astype(real),
            state=OptimizerState.fresh(network, real),
            rules=StoppingRules(epochs, patience, 0.0, None, time_budget),
            record=RunRecord(
                seed=seed,
                batch_size=batch_size,
                epochs=epochs,
                shuffle=True,
                engine="compiled",
                dtype=real.name,
                optimizer=optimizer.to_dict(),
                rows=len(buckets),
                held_out=0 if held_out is None else len(held_out),
                validation_fraction=None,
                weighted=False,
                class_weight=None,
                label_smoothing=0.0,
                initial_given=True,
            ),
            shown_metric=default_metric(network.loss),
            monitored=None,
            callbacks=(),
            progress=shown,
            plateau=plateau_of(optimizer.learning_rate),
        )
        try:
            stopped = _descend(course, buckets)
        except KeyboardInterrupt:
            stopped = "interrupted"
        return course.run(stopped)


def _descend(course: Course, buckets: Buckets) -> Stopped:
    """Epoch after epoch, piece by piece, until a rule stops the run."""
    engine, record = course.engine, course.record
    size, count = record.batch_size, -(-len(buckets) // record.batch_size)
    schedule, length = engine.optimizer.learning_rate, slice_length(engine.network, size, engine.name)
    while True:
        epoch, done = course.epoch, 0
        loss, weight, rates = 0.0, 0.0, np.zeros(1)
        for k, piece in enumerate(buckets.epoch(epoch, size)):
            order, batches = np.arange(len(piece)), -(-len(piece) // size)
            for first in range(0, batches, length):
                last = min(first + length, batches)
                rates = schedule.rates(
                    epoch * count + done + first,
                    epoch * count + done + last,
                    steps=course.rules.epochs * count,
                    steps_per_epoch=count,
                    reductions=course.reductions,
                )
                stretch = engine.run(
                    course.theta, course.state, piece, order, first, last, batch_size=size, rates=rates,
                    seed=record.seed, epoch=epoch * buckets.count + k,
                )  # fmt: skip
                loss, weight = loss + stretch.loss, weight + stretch.weight
                if stretch.failed >= 0:
                    course.lose(done + stretch.failed + 1, loss, weight)
                if course.out_of_time and done + last < count:
                    return "time budget"
            done += batches
            if done < count:  # a whole epoch is shown by its end, with its own numbers
                course.show(epoch + done / count)
        stopped = course.close_epoch(loss, weight, count, float(rates[-1]))
        if stopped is not None:
            return stopped
