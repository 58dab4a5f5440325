"""Descent: the epoch loop of examples in memory (`streaming` has that of examples on disk).

What is subtle is the cut of an epoch into slices. An engine takes the steps of a slice without a look at
the world; between slices a run sees Ctrl-C, its time budget and its progress bar. A slice's losses are
summed by the engine and the sums added here, so the cut shows in the last bit of the reported loss, on
which early stopping and plateaus may depend. Slices are therefore *fixed pieces*: their length follows
from the network, the batch and the engine alone (about 50 ms of work), never from a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.engines.examples import BLOCK, Examples
from clearprop.engines.protocol import Engine, OptimizerState, Stretch
from clearprop.specification import Network
from clearprop.training.checkpoint import Position
from clearprop.training.course import Course
from clearprop.training.run import RunRecord, Stopped

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
        if self.record.shuffle:
            order = self.engine.order(self.record.seed, epoch, self.rows)
        else:
            order = np.arange(self.rows, dtype=np.int64)
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


class Descent:
    """The epoch loop of a course, standing still between two batches: where it is, is in the course alone.

    Pauses change no bit of the run. A slice's losses are one sum of the engine's; of a slice that was cut it
    is had by taking the slice once more, whole, from a copy of where it began.
    """

    def __init__(self, course: Course) -> None:
        engine, record = course.engine, course.record
        self.course = course
        self.batches = Batches(engine, course.data.training, record, course.data.places)
        self.count = len(self.batches)
        self.length = slice_length(engine.network, record.batch_size, engine.name)
        self._order: tuple[int, IntArray] = (-1, np.zeros(0, dtype=np.int64))
        self._begun: tuple[Array, OptimizerState] | None = None  # where a slice that is cut began
        self._sums = (0.0, 0.0)  # loss and weight of the slice under way, where it is cut

    def advance(self, most: int | None = None) -> Stopped | None:
        """Take the batches up to the end of the slice, or the next `most` of them; why the run ends, or None.

        Raises
        ------
        TrainingDiverged
            When the loss stops being finite.
        """
        course, at = self.course, self.course.position
        epoch, first = course.epoch, at.batch
        start = first - first % self.length
        end = min(start + self.length, self.count)
        last = end if most is None else min(first + most, end)
        if first == start:
            self._begun, self._sums = None, (0.0, 0.0)
            if last < end:
                self._begun = course.theta.copy(), course.state.copy()
        stretch, rate = self._take(course.theta, course.state, first, last)
        self._sums = self._sums[0] + stretch.loss, self._sums[1] + stretch.weight
        if stretch.failed >= 0:
            course.lose(stretch.failed + 1, at.loss + self._sums[0], at.weight + self._sums[1])
        if last < end:
            course.position = replace(at, batch=last)
            return None
        sums = self._sums
        if self._begun is not None:
            whole, _ = self._take(*self._begun, start, end)
            sums = whole.loss, whole.weight
        loss, weight = at.loss + sums[0], at.weight + sums[1]
        if last < self.count:
            course.position = Position(last, loss, weight)
            spent: Stopped | None = "time budget" if course.out_of_time else None
            course.checkpoint(course.position, spent)
            if spent is None:
                course.show(epoch + last / self.count)
            return spent
        course.position = Position()
        self._order = (-1, np.zeros(0, dtype=np.int64))  # before the next is drawn
        stopped = course.close_epoch(loss, weight, self.count, rate)
        course.checkpoint(course.position, stopped)
        return stopped

    def touched(self) -> None:
        """Take note that parameters were set by hand, so that the slice cannot be taken once more."""
        self._begun = None

    def _take(self, theta: Array, state: OptimizerState, first: int, last: int) -> tuple[Stretch, float]:
        """Take these batches of the epoch under way; what they brought, and the last one's rate."""
        epoch = self.course.epoch
        if self._order[0] != epoch:
            self._order = (epoch, self.batches.order(epoch))
        rates = self.batches.rates(epoch, first, last, self.course.reductions)
        return self.batches.take(theta, state, self._order[1], epoch, first, last, rates), float(rates[-1])


def descend(course: Course) -> Stopped:
    """Epoch after epoch of batches, slice by slice, until a rule stops the run."""
    descent = Descent(course)
    stopped = descent.advance()
    while stopped is None:
        stopped = descent.advance()
    return stopped


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
