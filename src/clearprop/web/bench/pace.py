"""A run of `clearprop.train` in a thread of its own that can be stopped anywhere, looked at, and taken back.

What is subtle is who may touch the run: its own thread alone. Whoever wants something of it sends an order,
which the thread carries out between two slices (about 50 ms at most); so nothing is locked while kernels
work, and parameters are copied only when somebody asks to see them.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from clearprop.arrays import Array
from clearprop.errors import ClearpropError, SpecificationError
from clearprop.training.course import Course
from clearprop.training.descent import Descent
from clearprop.training.run import History, Run, RunRecord, Stopped, TrainingDiverged
from clearprop.web.bench.coming import Coming, coming
from clearprop.web.bench.keeping import Keeping, Kept

T = TypeVar("T")
Status: TypeAlias = Literal["preparing", "paused", "running", "ended", "diverged", "failed"]
#: what trains: `clearprop.train` with all but the solver given
Train: TypeAlias = Callable[[Callable[[Course], Stopped]], Any]
CLOSE_SECONDS = 2.0
ANSWER_SECONDS = 120.0  #: for an order; kernels may have to be compiled first
MOST_STEPS = 1000.0  #: a second, at a pace to watch


@dataclass(frozen=True, eq=False)
class Moment:
    """Where a run stands.

    Attributes
    ----------
    theta : ndarray (n_parameters,)
        A copy.
    epoch, batch : int
        Epochs done, and batches of the one under way; each has `batches`.
    history : dict of lists
        Its first `epoch` entries count; what comes later may be added while one reads.
    metric : str
        Name of what the history's validation_metric measures.
    ended : str
        Why the run ended, or "".
    edits : int
        How often a parameter was set by hand; if ever, no script gives this run.
    kept : tuple of Kept
        Some of its epochs, from 0 on.
    record : RunRecord or None
        Its settings.
    """

    status: Status
    theta: Array
    epoch: int
    batch: int
    batches: int
    epochs: int
    steps: int
    history: History
    metric: str
    ended: str = ""
    message: str = ""
    edits: int = 0
    kept: tuple[Kept, ...] = ()
    record: RunRecord | None = None

    def last(self, name: str) -> float | None:
        """The last epoch's value of a column of the history."""
        return self.history[name][self.epoch - 1] if self.epoch else None


@dataclass
class _Order(Generic[T]):
    do: Callable[[], T]
    answer: Future[T]


class Pace:
    """A run under way, or standing still.

    Parameters
    ----------
    train : callable
        Given a solver, calls `clearprop.train` with it.
    steps : float
        A second, at most, to watch; 0 for full speed.
    """

    def __init__(self, train: Train, steps: float = 0.0) -> None:
        self._train, self.steps, self._due = train, steps, 0.0
        self._orders: queue.SimpleQueue[_Order[Any]] = queue.SimpleQueue()
        self._course: Course | None = None
        self._going, self._closed = False, False
        self._edits: list[int] = []  # epochs done when a parameter was set by hand
        self._ended = self._message = self._failed = ""
        self.changes = 0  #: of where the run stands
        self._thread = threading.Thread(target=self._work, name="clearprop-run", daemon=True)
        self._thread.start()

    @property
    def status(self) -> Status:
        """What the run is at; "preparing" while kernels compile."""
        if self._failed:
            return "failed"
        if self._course is None:
            return "preparing"
        if self._ended:
            return "diverged" if self._ended == "diverged" else "ended"
        return "running" if self._going else "paused"

    @property
    def message(self) -> str:
        """What went wrong, or ""."""
        return self._failed or self._message

    def run(self) -> None:
        """Train until told otherwise."""
        self._ask(lambda: self._go(True))

    def pause(self) -> None:
        """Stand still after the slice under way."""
        self._ask(lambda: self._go(False))

    def slow(self, steps: float) -> None:
        """Take so many steps a second from now on, to watch them; 0 for full speed."""
        if not 0 <= steps <= MOST_STEPS:
            raise SpecificationError(f"steps a second are a number from 0 to {MOST_STEPS}, not {steps:g}")
        self._ask(lambda: self._slow(steps))

    def one_batch(self) -> None:
        """Take one step, and stand still."""
        self._ask(lambda: self._steps(1))

    def one_epoch(self) -> None:
        """Take the steps up to the end of the epoch, and stand still."""
        self._ask(lambda: self._steps(None))

    def back_to(self, epoch: int) -> None:
        """Stand where the run stood at the end of an epoch (0: at its start); what came later is forgotten.

        Raises
        ------
        SpecificationError
            When the run has not come that far.
        """
        self._ask(lambda: self._back(epoch))

    def edit(self, place: int, value: float) -> None:
        """Set one parameter by hand, by its place in the flat vector."""
        self._ask(lambda: self._edit(place, value))

    def look(self) -> Moment:
        """Where the run stands, its parameters copied."""
        return self._ask(self._look)

    def poised(self) -> tuple[Moment, Coming]:
        """Where the run stands, and the step it would take next, at one moment."""
        return self._ask(lambda: (self._look(), coming(self._standing_course, self._descent.batches)))

    def standing(self) -> tuple[Run, Moment]:
        """The run so far, and where it stands, at one moment."""
        return self._ask(lambda: (self._standing_course.run(self._reason), self._look()))

    def result(self) -> Run:
        """The run so far, as `clearprop.train` would give it."""
        return self._ask(lambda: self._standing_course.run(self._reason))

    def close(self) -> None:
        """End the run; its thread, which may be compiling, is not waited for long."""
        self._closed = True
        self._orders.put(_Order(lambda: None, Future()))
        self._thread.join(CLOSE_SECONDS)

    # below, on the run's own thread

    def _work(self) -> None:
        try:
            self._train(self._take)
        except ClearpropError as error:
            self._failed = str(error)
        except Exception as error:
            self._failed = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._failed = self._failed or "this run is closed"
            self._refuse_orders()

    def _take(self, course: Course) -> Stopped:
        """The solver: slices while it goes, orders between them."""
        self._descent, self._kept = Descent(course), Keeping(course)
        self._course = course
        while not self._closed:
            self._obey(max(self._due - time.monotonic(), 0.0) if self._going else None)
            if self._going and time.monotonic() >= self._due:
                self._due = time.monotonic() + 1 / self.steps if self.steps else 0.0
                self._advance(1 if self.steps else None)
        return "interrupted"

    def _obey(self, wait: float | None) -> None:
        """Carry out what was ordered; wait for a first order so many seconds, or (None) for ever."""
        while not self._closed:
            try:
                order = self._orders.get(block=wait != 0, timeout=wait or None)
            except queue.Empty:
                return
            wait = 0.0
            try:
                order.answer.set_result(order.do())
            except BaseException as error:
                order.answer.set_exception(error)

    def _refuse_orders(self) -> None:
        while True:
            try:
                order = self._orders.get_nowait()
            except queue.Empty:
                return
            order.answer.set_exception(SpecificationError(self._failed))

    def _advance(self, most: int | None = None) -> None:
        course = self._standing_course
        before = course.epoch
        self.changes += 1
        try:
            self._ended = self._descent.advance(most) or ""
        except TrainingDiverged as error:
            self._ended, self._message = "diverged", str(error)
        if course.epoch > before:
            self._kept.note(pin=before in self._edits)
        self._going = self._going and not self._ended

    def _go(self, going: bool) -> None:
        if going:
            self._require_standing()
        self._going = going

    def _slow(self, steps: float) -> None:
        self.steps, self._due = steps, 0.0

    def _steps(self, most: int | None) -> None:
        self._require_standing()
        self._going = False
        before = self._standing_course.epoch
        self._advance(most)
        while most is None and self._standing_course.epoch == before and not self._ended:
            self._advance()

    def _back(self, epoch: int) -> None:
        course = self._standing_course
        if not 0 <= epoch <= course.epoch:
            raise SpecificationError(f"the run has {course.epoch} epochs; go back to one of these, or to 0")
        if epoch == course.epoch and self._ended not in ("", "diverged"):
            return  # it stands there, at its end
        self._going, self._ended, self._message = False, "", ""
        self._kept.restore(epoch)
        self.changes += 1
        self._edits = [edited for edited in self._edits if edited < epoch]
        while course.epoch < epoch:
            self._advance()
        self._ended = ""

    def _edit(self, place: int, value: float) -> None:
        course = self._standing_course
        self._going = False
        course.theta[place] = value
        self._descent.touched()
        self._edits.append(course.epoch)
        self.changes += 1

    def _look(self) -> Moment:
        course = self._standing_course
        return Moment(
            status=self.status,
            theta=course.theta.copy(),
            epoch=course.epoch,
            batch=course.position.batch,
            batches=self._descent.count,
            epochs=course.rules.epochs,
            steps=course.state.t,
            history=course.history,
            metric=course.shown_metric.name,
            ended=self._ended,
            message=self._message,
            edits=len(self._edits),
            kept=self._kept.epochs(),
            record=course.record,
        )

    @property
    def _standing_course(self) -> Course:
        if self._course is None:
            raise SpecificationError(self._failed or "the run is being prepared")
        return self._course

    @property
    def _reason(self) -> Stopped:
        return self._ended or "interrupted"  # type: ignore[return-value]

    def _require_standing(self) -> None:
        if self._ended:
            raise SpecificationError(f"the run has ended ({self._ended}); go back to an epoch, or reset it")

    # above, on the thread of whoever asks

    def _ask(self, do: Callable[[], T]) -> T:
        if self._failed:
            raise SpecificationError(self._failed)
        order = _Order(do, Future())
        self._orders.put(order)
        if self.status == "failed":  # since the look above
            self._refuse_orders()
        return order.answer.result(ANSWER_SECONDS)
