"""Replay: any step of a finished run again, with the same bits.

Nothing of a run has a hidden state: the order of an epoch, its dropout masks and its learning rates are
functions of the record, so the steps before the one that is asked for are simply taken again, from the seed
or from the nearest snapshot. The digests that the run kept of its parameters, one an epoch, say whether what
was replayed is what happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, IntArray
from clearprop.engines import EngineName, engine_for
from clearprop.engines.dropout import dropout_masks
from clearprop.engines.protocol import Engine, OptimizerState
from clearprop.errors import DataError, SpecificationError
from clearprop.formulas.optimizers import Optimizer
from clearprop.glassbox.replayed import Replay
from clearprop.glassbox.same_run import BitCheck, data_of_run
from clearprop.glassbox.trace import trace
from clearprop.metrics import default_metric
from clearprop.specification import Network, Parameters
from clearprop.training.course import Course
from clearprop.training.descent import Batches, slice_length
from clearprop.training.launch import first_parameters, plateau_of, solve
from clearprop.training.progress import Silence
from clearprop.training.run import EpochReport, History, RunRecord, Snapshot, digest
from clearprop.training.stopping import StoppingRules
from clearprop.training.validation import TrainingData


def replay(
    network: Network,
    record: RunRecord,
    history: History,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    epoch: int,
    batch: int | None = None,
    *,
    row: int | None = None,
    sample_weight: npt.ArrayLike | None = None,
    initial: Parameters | None = None,
    snapshots: Mapping[int, Snapshot] | None = None,
) -> Replay:
    """Take one step of a run again: the parameters before, its batch, every number of it, and the update.

    Parameters
    ----------
    record : RunRecord
    history : dict of lists
        The run's.
    X, Y : arrays
        What the run was given, in the same order; a digest says whether they are.
    epoch, batch : int
        Both from 1; the first batch if neither `batch` nor `row` is given.
    row : int, optional
        A row of X, from 0: the batch of the epoch that holds it.
    sample_weight : array (m,), optional
    initial : Parameters, optional
        As given to the run.
    snapshots : mapping from epoch to Snapshot, optional
        Places to start from.

    Raises
    ------
    SpecificationError
        When there was no such step, or the run kept too little.
    DataError
        When the data, weights or first parameters are not those of the run.

    Warns
    -----
    UserWarning
        When CPU or libraries are not those of the run, and the bits differ.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> from clearprop.training import train
    >>> net = Network(2, [Dense(3, "tanh"), Dense(1, "sigmoid")])
    >>> X, Y = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), [0, 1, 1, 0]
    >>> run = train(net, X, Y, batch_size=2, epochs=3, engine="textbook", progress=False)
    >>> seen = replay(net, run.record, run.history, X, Y, epoch=3, batch=2)
    >>> seen.step, seen.same_bits, bool((seen.after.flat == run.theta.flat).all())
    (6, True, True)
    """
    data = data_of_run(network, record, X, Y, sample_weight)
    rule = Optimizer.from_dict(record.optimizer)
    engine = engine_for(cast(EngineName, record.engine), network, dtype=record.dtype, optimizer=rule)
    theta = first_parameters(network, initial, record.seed, np.dtype(record.dtype))
    if record.initial_given and digest(theta) != record.digests[0]:
        raise DataError("the run started from parameters of its own; give the same ones as initial=")
    finished = len(history["epoch"])
    _require_epoch(epoch, min(finished + 1, record.epochs) if rule.step else finished, finished)
    position = None if row is None else _position(data, row)
    check = BitCheck(record)
    check.note(0, theta)
    if rule.step:
        steps = Batches(engine, data.training, record)
        return _descent(steps, history, snapshots or {}, check, epoch, batch, position, data, theta)
    if batch not in (None, 1):
        raise SpecificationError(f"{rule.title} takes all rows at once; there is batch 1 alone")
    return _iteration(engine, record, check, epoch, position, data, theta)


def _require_epoch(epoch: int, begun: int, finished: int) -> None:
    """Raise SpecificationError for an epoch that the run did not begin."""
    if isinstance(epoch, bool) or not isinstance(epoch, int | np.integer) or not 1 <= epoch <= begun:
        raise SpecificationError(f"epoch is a number from 1 to {finished} (the run's epochs), not {epoch!r}")


def _position(data: TrainingData, row: int) -> int:
    """Place among the training rows of a row of X."""
    rows = np.arange(len(data.training)) if data.rows is None else data.rows
    places = np.flatnonzero(rows == row)
    if len(places):
        return int(places[0])
    held = data.held_out is not None and 0 <= row < len(rows) + len(data.held_out)
    why = "was held out, and judged the run" if held else "is not among the rows, which count from 0"
    raise SpecificationError(f"row {row} {why}; no step was taken on it")


def _descent(
    steps: Batches,
    history: History,
    snapshots: Mapping[int, Snapshot],
    check: BitCheck,
    epoch: int,
    batch: int | None,
    position: int | None,
    data: TrainingData,
    theta: Array,
) -> Replay:
    """A step of the epoch loop: those before it, itself, and those after it in its epoch, which verify it."""
    engine, size = steps.engine, steps.record.batch_size
    e = int(epoch) - 1
    order = steps.order(e)
    k = _batch(batch, position, order, size, len(steps))
    state = OptimizerState.fresh(engine.network, engine.dtype)
    start = max((s for s in snapshots if s <= e), default=0)
    if start:
        theta, state = snapshots[start].theta.copy(), snapshots[start].state.copy()
        check.note(start, theta)
    reductions = _reductions(engine.optimizer, history)
    for past in range(start, e):
        _take(steps, theta, state, steps.order(past), past, range(len(steps)), reductions[past])
        check.note(past + 1, theta)
    _take(steps, theta, state, order, e, range(k), reductions[e])
    before = theta.copy()
    taken = state.t + 1
    rates = steps.rates(e, k, k + 1, reductions[e])
    steps.take(theta, state, order, e, k, k + 1, rates)
    after = theta.copy()
    if e < len(check.digests) - 1:
        _take(steps, theta, state, order, e, range(k + 1, len(steps)), reductions[e])
        check.note(e + 1, theta)
    rows = order[k * size : (k + 1) * size]
    step = _shown(engine.network, check, data, rows, position, before, after, seed=steps.record.seed, epoch=e)
    return replace(step, batch=k + 1, step=taken, learning_rate=float(rates[0]))


def _batch(batch: int | None, position: int | None, order: IntArray, size: int, count: int) -> int:
    """The batch (from 0) that is asked for by its number or by a training row."""
    if position is not None:
        found = int(np.flatnonzero(order == position)[0]) // size
        if batch not in (None, found + 1):
            raise SpecificationError(f"in this epoch the row is in batch {found + 1}, not {batch}")
        return found
    wanted = 1 if batch is None else batch
    if isinstance(wanted, bool) or not isinstance(wanted, int | np.integer) or not 1 <= wanted <= count:
        raise SpecificationError(f"batch is a number from 1 to {count} (batches an epoch), not {batch!r}")
    return int(wanted) - 1


def _reductions(optimizer: Optimizer, history: History) -> list[int]:
    """Reductions of the learning rate in each epoch, and in the one after the last, from what was watched."""
    plateau, found = plateau_of(optimizer.learning_rate), [0]
    for loss, held_out in zip(history["loss"], history["validation_loss"], strict=True):
        if plateau is not None:
            plateau.watch(loss if held_out is None else held_out)
        found.append(0 if plateau is None else plateau.reductions)
    return found


def _take(
    steps: Batches,
    theta: Array,
    state: OptimizerState,
    order: IntArray,
    epoch: int,
    batches: range,
    reductions: int,
) -> None:
    """Take some batches of an epoch, in slices that Ctrl-C may end."""
    length = slice_length(steps.engine.network, steps.record.batch_size, steps.engine.name)
    for first, last in _slices(batches, length):
        rates = steps.rates(epoch, first, last, reductions)
        if steps.take(theta, state, order, epoch, first, last, rates).failed >= 0:
            raise SpecificationError("the run diverged before this batch; ask for the one it names")


def _slices(batches: range, length: int) -> Iterator[tuple[int, int]]:
    for first in range(batches.start, batches.stop, length):
        yield first, min(first + length, batches.stop)


def _iteration(
    engine: Engine,
    record: RunRecord,
    check: BitCheck,
    epoch: int,
    position: int | None,
    data: TrainingData,
    theta: Array,
) -> Replay:
    """An iteration of a solver that takes all rows at once: the run again, up to its end."""
    ends = [theta.copy()]

    def watch(report: EpochReport) -> bool:
        ends.append(report.theta.flat)
        check.note(report.epoch, report.theta.flat)
        return report.epoch == epoch

    solve(
        Course(
            engine=engine,
            data=TrainingData(data.training),
            theta=theta,
            state=OptimizerState.fresh(engine.network, engine.dtype),
            rules=StoppingRules(record.epochs),
            record=record,
            shown_metric=default_metric(engine.network.loss),
            monitored=None,
            callbacks=(watch,),
            progress=Silence(),
        )
    )
    rows = np.arange(len(data.training))
    return _shown(engine.network, check, data, rows, position, *ends[-2:], seed=record.seed, epoch=epoch - 1)


def _shown(
    network: Network,
    check: BitCheck,
    data: TrainingData,
    rows: IntArray,
    position: int | None,
    before: Array,
    after: Array,
    *,
    seed: int,
    epoch: int,
) -> Replay:
    """The step as the user sees it, its batch traced; `rows` are training rows."""
    examples = data.training.take(rows)
    masks = dropout_masks(network, seed, epoch, rows) if network.has_dropout else None
    theta = Parameters(network, before)
    seen = trace(network, theta, examples.X, examples.Y, sample_weight=examples.weights, masks=masks)
    return Replay(
        epoch=epoch + 1,
        batch=1,
        step=epoch + 1,
        rows=rows if data.rows is None else data.rows[rows],
        example=None if position is None else int(np.flatnonzero(rows == position)[0]),
        learning_rate=None,
        before=theta,
        after=Parameters(network, after),
        trace=seen,
        verified=tuple(check.verified),
        differing=tuple(check.differing),
        notice=check.notice,
    )
