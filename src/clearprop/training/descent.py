"""Descent: the epoch loop of examples in memory (`streaming` has that of examples on disk).

What is subtle is the cut of an epoch into slices. An engine takes the steps of a slice without a look at
the world; between slices a run sees Ctrl-C, its time budget and its progress bar. A slice's losses are
summed by the engine and the sums added here, so the cut shows in the last bit of the reported loss, on
which early stopping and plateaus may depend. Slices are therefore *fixed pieces*: their length follows
from the network, the batch and the engine alone (about 50 ms of work), never from a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.engines.examples import BLOCK, Examples
from clearprop.engines.protocol import Engine, OptimizerState, Stretch
from clearprop.specification import Network
from clearprop.training.checkpoint import Position
from clearprop.training.course import Course
from clearprop.training.run import RunRecord, Stopped
from clearprop.training.validation import generator_of

SLICE_WORK = 1e9  #: floating-point operations of a slice, about 50 ms at the slow end of the kernels
STEP_WORK = {"textbook": 1e7}  #: what a step costs beside its products, in operations
LEAST_STEP_WORK = 2e4  #: the same, for kernels
RATES_AT_ONCE = 4096  #: learning rates made in one evaluation of the schedule, or those of an epoch


@dataclass(frozen=True)
class Batches:
    """The steps of a run, as a function of its record: any stretch of them can be taken, now or in a replay.

    Attributes
    ----------
    training : Examples
    places : ndarray of int64 or None
        Where the rows that are trained on stand among `training`; None for all, in their order.
    """

    engine: Engine
    training: Examples
    record: RunRecord
    places: IntArray | None = None
    _rates: dict[tuple[int, int], Array] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def rows(self) -> int:
        """Rows of an epoch."""
        return len(self.training) if self.places is None else len(self.places)

    def __len__(self) -> int:
        """Batches of an epoch."""
        return -(-self.rows // self.record.batch_size)

    def order(self, epoch: int) -> IntArray:
        """Rows of `training` in the order of an epoch (from 0)."""
        order = batch_order(self.record.seed, epoch, self.rows, shuffle=self.record.shuffle)
        if self.places is not None:  # the engine's rows in the place of these, without a second array
            for first in range(0, len(order), BLOCK):
                rows = slice(first, first + BLOCK)
                order[rows] = self.places[order[rows]]
        return order

    def rates(self, epoch: int, first: int, last: int, reductions: int) -> Array:
        """Learning rates of batches `first` to `last` - 1 of an epoch, both from 0."""
        count, epochs = len(self), self.record.epochs
        together = max(1, RATES_AT_ONCE // count)
        begin = epoch - epoch % together
        asked = begin, reductions
        if asked not in self._rates:
            self._rates.clear()
            self._rates[asked] = self.engine.optimizer.learning_rate.rates(
                begin * count,
                min(begin + together, epochs) * count,
                steps=epochs * count,
                steps_per_epoch=count,
                reductions=reductions,
            )
        start = (epoch - begin) * count
        return self._rates[asked][start + first : start + last]

    def take(
        self,
        theta: Array,
        state: OptimizerState,
        order: IntArray,
        epoch: int,
        first: int,
        last: int,
        rates: Array,
    ) -> Stretch:
        """Take the steps of batches `first` to `last` - 1; theta and state change in place."""
        return self.engine.run(
            theta,
            state,
            self.training,
            order,
            first,
            last,
            batch_size=self.record.batch_size,
            rates=rates,
            seed=self.record.seed,
            epoch=epoch,
        )


def descend(course: Course) -> Stopped:
    """Epoch after epoch of batches, slice by slice, until a rule stops the run."""
    engine, record = course.engine, course.record
    batches = Batches(engine, course.data.training, record, course.data.places)
    count, length = len(batches), slice_length(engine.network, record.batch_size, engine.name)
    at = course.position
    while True:
        epoch = course.epoch
        order = batches.order(epoch)
        loss, weight, rates = at.loss, at.weight, np.zeros(1)
        for first in range(at.batch, count, length):
            last = min(first + length, count)
            rates = batches.rates(epoch, first, last, course.reductions)
            stretch = batches.take(course.theta, course.state, order, epoch, first, last, rates)
            loss, weight = loss + stretch.loss, weight + stretch.weight
            if stretch.failed >= 0:
                course.lose(stretch.failed + 1, loss, weight)
            if last < count:
                spent: Stopped | None = "time budget" if course.out_of_time else None
                course.checkpoint(Position(last, loss, weight), spent)
                if spent is not None:
                    return spent
                course.show(epoch + last / count)
        del order  # before the next is drawn
        at = Position()
        stopped = course.close_epoch(loss, weight, count, float(rates[-1]))
        course.checkpoint(at, stopped)
        if stopped is not None:
            return stopped


def batch_order(seed: int, epoch: int, m: int, *, shuffle: bool = True) -> IntArray:
    """Rows of the training data in the order of an epoch (from 0), int64 (m,): a function of its arguments.

    >>> batch_order(0, 0, 4, shuffle=False)
    array([0, 1, 2, 3])
    """
    if not shuffle:
        return np.arange(m, dtype=np.int64)
    return generator_of(seed, epoch).permutation(m).astype(np.int64, copy=False)


def slice_length(network: Network, batch_size: int, engine: str) -> int:
    """Batches in a slice, from the work of one: products, activations, the optimizer, and a fixed cost.

    >>> from clearprop.specification import Dense
    >>> wide = Network(784, [Dense(512, "relu"), Dense(10, "softmax")])
    >>> slice_length(wide, 256, "compiled"), slice_length(Network(1, [Dense(1)]), 1, "compiled")
    (1, 49231)
    """
    units = sum(layer.rows for layer in network.layers)
    work = batch_size * (6 * network.n_parameters + 200 * units) + 50 * network.n_parameters
    return max(1, int(SLICE_WORK / (work + STEP_WORK.get(engine, LEAST_STEP_WORK))))
