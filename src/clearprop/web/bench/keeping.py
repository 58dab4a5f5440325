"""Where a run has been, kept so that it can go back: a few epochs, from which any other is trained again.

A run is a function of its record, so an epoch that was not kept is reached, bit for bit, from the one before
it that was. So that memory and time stay small however long a run is, the kept epochs thin out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from clearprop.arrays import Array
from clearprop.training.checkpoint import Position, Standing
from clearprop.training.course import Course

MOST_KEPT = 128  #: epochs
MOST_BYTES = 1 << 26  #: of their arrays


@dataclass(frozen=True, eq=False)
class Kept:
    """The end of an epoch that was kept; what was `measured` of it lives as long."""

    epoch: int
    standing: Standing
    measured: dict[str, Any] = field(default_factory=dict)

    @property
    def theta(self) -> Array:
        """Parameters at the end of the epoch (n_parameters,), read-only."""
        return self.standing.snapshot


class Keeping:
    """Some epochs of a course: at least the start, and one in every `every`."""

    def __init__(self, course: Course) -> None:
        self.course, self.every = course, 1
        self._kept: dict[int, Kept] = {}
        self._pinned: set[int] = set()
        size = 3 * course.theta.nbytes + course.state.slots.nbytes
        self.most = max(min(MOST_KEPT, MOST_BYTES // size), 4)
        self.note()

    def note(self, *, pin: bool = False) -> None:
        """Keep the end of the epoch, if it is one to keep; `pin` it where training does not lead to it."""
        epoch = self.course.epoch
        if pin:
            self._pinned.add(epoch)
        elif epoch % self.every:
            return
        standing = self.course.standing(Position())
        kept = replace(standing, theta=standing.snapshot, state=standing.state.copy(), history={}, digests=())
        self._kept[epoch] = Kept(epoch, kept)
        while len(self._kept) > self.most + len(self._pinned):
            self.every *= 2
            self._kept = {
                e: kept for e, kept in self._kept.items() if e % self.every == 0 or e in self._pinned
            }

    def epochs(self) -> tuple[Kept, ...]:
        """What is kept, in order."""
        return tuple(self._kept[epoch] for epoch in sorted(self._kept))

    def restore(self, epoch: int) -> None:
        """Stand at the last kept epoch up to that one; later ones are forgotten."""
        nearest = max(e for e in self._kept if e <= epoch)
        self._kept = {e: kept for e, kept in self._kept.items() if e <= nearest}
        self._pinned = {e for e in self._pinned if e <= nearest}
        kept, course = self._kept[nearest].standing, self.course
        history = {name: values[:nearest] for name, values in course.history.items()}
        course.restore(
            replace(
                kept, state=kept.state.copy(), history=history, digests=tuple(course.digests[: nearest + 1])
            )
        )
