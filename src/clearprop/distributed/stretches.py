"""The epoch loop of a rank: stretch after stretch of batches, every rank in step with the others.

What is subtle is what must be alike. Parameters, optimizer, history and every decision to stop are computed
on all ranks from the same numbers; what a clock says, rank 0 says to all. A batch is one tree sum (gradients,
and a count of losses that are not finite). A stretch is a fixed number of batches, at whose end the ranks add
up their losses and compare their parameters, and rank 0 may commit: so no bit depends on when it does.
"""

from __future__ import annotations

import zlib
from itertools import accumulate

import numpy as np

from clearprop.arrays import Array
from clearprop.distributed.bucketed import EncodedShards
from clearprop.engines.dropout import dropout_masks
from clearprop.engines.protocol import Stretch
from clearprop.engines.shards import OwnRows, Sharded
from clearprop.errors import CommunicationError
from clearprop.training.checkpoint import Position
from clearprop.training.course import Course
from clearprop.training.descent import slice_length
from clearprop.training.run import Stopped

MOST_BATCHES = 64  #: of a stretch, each of which is a meeting of all ranks


def descend_together(
    course: Course, engine: Sharded, held: EncodedShards, time_budget: float | None = None
) -> Stopped:
    """Take the steps of a run until a rule stops it, or the seconds of rank 0 are spent.

    Raises
    ------
    TrainingDiverged
        On every rank, when the loss stops being finite.
    CommunicationError
        When ranks do not meet, or their parameters differ.
    """
    stretches = _Stretches(course, engine, held, time_budget)
    stopped = stretches.advance()
    while stopped is None:
        stopped = stretches.advance()
    return stopped


class _Stretches:
    """A run standing between two stretches; where it is, is in the course alone."""

    def __init__(
        self, course: Course, engine: Sharded, held: EncodedShards, time_budget: float | None
    ) -> None:
        self.course, self.engine, self.held, self.time_budget = course, engine, held, time_budget
        self.count = len(held.batching)
        own = slice_length(self.engine.network, held.batching.batch_size, self.engine.name)
        self.length = min(own, MOST_BATCHES)

    def advance(self) -> Stopped | None:
        """Take the batches up to the end of the stretch; why the run ends, or None."""
        course, at = self.course, self.course.position
        first = at.batch
        last = min(first + self.length, self.count)
        rates = self._rates(first, last)
        stretch, spent = self._take(first, last, rates)
        loss, weight = at.loss + stretch.loss, at.weight + stretch.weight
        if stretch.failed >= 0:
            course.lose(stretch.failed + 1, loss, weight)
        stopped: Stopped | None = "time budget" if spent else None
        if last < self.count:
            course.position = Position(last, loss, weight)
            course.checkpoint(course.position, stopped)
            if stopped is None:
                course.show(course.epoch + last / self.count)
            return stopped
        course.position = Position()
        stopped = course.close_epoch(loss, weight, self.count, float(rates[-1])) or stopped
        course.checkpoint(course.position, stopped)
        return stopped

    def _rates(self, first: int, last: int) -> Array:
        course = self.course
        done = course.epoch * self.count
        return self.engine.optimizer.learning_rate.rates(
            done + first,
            done + last,
            steps=course.rules.epochs * self.count,
            steps_per_epoch=self.count,
            reductions=course.reductions,
        )

    def _take(self, first: int, last: int, rates: Array) -> tuple[Stretch, bool]:
        """Take these batches; what they brought, and whether the time is spent."""
        course, engine, batching = self.course, self.engine, self.held.batching
        losses, weight, failed = dict.fromkeys(engine.own, 0.0), 0.0, -1
        begin = batching.begin(first)
        for batch in range(first, last):
            end = batching.begin(batch + 1)
            rows = int((end - begin).sum())
            if rows:  # few rows in many shards may leave a batch without any, which is no step
                own = self._own_rows(begin, end, rows)
                gradient, found, finite = engine.meeting(course.theta, own)
                if not finite:
                    failed = batch
                    break
                engine.update(course.theta, gradient, course.state, float(rates[batch - first]))
                for shard, loss in found.items():
                    losses[shard] += loss * rows
                weight += rows
            begin = end
        mine = float(zlib.crc32(np.ascontiguousarray(course.theta).data.cast("B")))
        spent = self.time_budget is not None and course.seconds >= self.time_budget
        said = {s: (loss, mine, float(spent and s == 0)) for s, loss in losses.items()}
        loss, alike, late = engine.total(said).tolist()
        if alike != mine * engine.comm.shards:
            raise CommunicationError(
                "the parameters of the ranks differ, so their machines do not compute alike; use machines of "
                "one CPU kind, with the same versions of the libraries"
            )
        return Stretch(loss, weight, failed), bool(late)

    def _own_rows(self, begin: Array, end: Array, rows: int) -> OwnRows:
        """The rows of one batch that the rank's own shards give."""
        network, record, epoch = self.engine.network, self.course.record, self.course.epoch
        parts = [held.part(epoch, int(begin[s]), int(end[s])) for s, held in self.held.own.items()]
        found = np.concatenate(parts)
        X, Y = np.ascontiguousarray(found["X"]), np.ascontiguousarray(found["Y"])
        scale = np.full(len(X), 1.0 / rows, dtype=self.engine.dtype)
        masks = dropout_masks(network, record.seed, epoch, found["row"]) if network.has_dropout else None
        return OwnRows(X, Y, scale, list(accumulate(map(len, parts))), masks)
