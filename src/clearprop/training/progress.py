"""How far a run is, shown on standard error: a bar on a terminal, at most ten lines in a log, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from clearprop.company import attend, in_company

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINES = 10  #: most lines a run writes to a log
REFRESH_SECONDS = 0.1  #: least time between two looks of the bar


@dataclass(frozen=True)
class Moment:
    """What is known after some of the epochs; a fraction of an epoch counts as a fraction.

    Attributes
    ----------
    done, epochs : float, int
        Epochs done, of so many.
    loss, validation_loss, metric : float or None
        Of the last full epoch (None before it).
    metric_name : str
    """

    done: float
    epochs: int
    loss: float | None = None
    validation_loss: float | None = None
    metric: float | None = None
    metric_name: str = ""

    def values(self) -> str:
        """Loss and validation metric in a few words.

        >>> Moment(1, 2, loss=0.25, metric=0.9, metric_name="accuracy").values()
        'loss 0.25, accuracy 0.9'
        """
        given = (
            ("loss", self.loss),
            ("validation loss", self.validation_loss),
            (self.metric_name.replace("_", " "), self.metric),
        )
        return ", ".join(f"{name} {value:.4g}" for name, value in given if value is not None)


class Silence:
    """Shows nothing; what the others do is described here.

    Used as a context: `show` may be called as often as one likes, between entering and leaving.
    """

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, however the run ended."""

    def show(self, standing: Moment) -> None:
        """Take note of the standing, and perhaps show it."""


class Member(Silence):
    """Tells the run's company, which has one display for all, and ends the run when the company stops."""

    def show(self, standing: Moment) -> None:
        """Tell the part that is done; KeyboardInterrupt if the run is to end."""
        attend(standing.done / standing.epochs)


class Lines(Silence):
    """At most ten plain lines a run, each after a further tenth of its epochs."""

    def __init__(self, stream: TextIO, unit: str) -> None:
        self.stream, self.unit = stream, unit
        self.started = time.perf_counter()
        self.first: tuple[float, float] | None = None  # when the first moment came, and what was done then
        self.shown = 0

    def show(self, standing: Moment) -> None:
        """Write a line when a further tenth of the epochs is done."""
        done, now = int(standing.done), time.perf_counter()
        if self.first is None:
            self.first = now, standing.done
        tenths = done * LINES // standing.epochs
        if tenths <= self.shown:
            return
        self.shown = tenths
        # by the steps of this call alone: not by what came before them, or by an earlier call's
        began, before = self.first if self.first[1] < standing.done else (self.started, 0.0)
        pace = (now - began) / (standing.done - before)
        left = f"{pace * (standing.epochs - standing.done):.0f} s left"
        words = "; ".join(filter(None, (standing.values(), left)))
        self.stream.write(f"{self.unit} {done}/{standing.epochs}: {words}\n")
        self.stream.flush()


class Bar(Silence):
    """A bar on a terminal: epochs, losses and metric, the time that remains."""

    def __init__(self, stream: TextIO, unit: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.table import Column

        self.bar: Progress = Progress(
            TextColumn(f"{unit} {{task.fields[done]}}"),
            BarColumn(bar_width=10),
            TimeRemainingColumn(elapsed_when_finished=True, table_column=Column(min_width=7)),
            TextColumn("{task.fields[values]}"),
            console=Console(file=stream),
            refresh_per_second=round(1 / REFRESH_SECONDS),
        )
        self.task: TaskID | None = None
        self.last = -REFRESH_SECONDS
        self.waiting: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Draw the empty bar."""
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw the last standing and leave it on the screen."""
        if self.task is not None:
            self.bar.update(self.task, **self.waiting)
        self.bar.stop()

    def show(self, standing: Moment) -> None:
        """Move the bar, at most ten times a second."""
        self.waiting = {
            "completed": standing.done,
            "done": f"{int(standing.done)}/{standing.epochs}",
            "values": standing.values(),
        }
        if self.task is None:
            self.task = self.bar.add_task("", total=standing.epochs, done="", values="")
        elif time.perf_counter() - self.last < REFRESH_SECONDS:
            return
        self.last = time.perf_counter()
        self.bar.update(self.task, **self.waiting)


def progress_on(shown: bool, stream: TextIO | None = None, unit: str = "epoch") -> Silence:
    """What shows the progress of a run: a bar if the stream is a terminal, else lines.

    Parameters
    ----------
    shown : bool
        False: nothing is shown.
    stream : text stream, optional
        Standard error by default.
    unit : str
        What is counted.

    Examples
    --------
    >>> with progress_on(True, sys.stdout) as progress:
    ...     progress.show(Moment(2, 2, loss=0.25))  # doctest: +ELLIPSIS
    epoch 2/2: loss 0.25; 0 s left
    """
    if in_company():
        return Member()
    stream = sys.stderr if stream is None else stream
    if not shown or stream is None:
        return Silence()
    return Bar(stream, unit) if stream.isatty() else Lines(stream, unit)


@contextmanager
def counting(shown: bool, pieces: int, unit: str) -> Iterator[Callable[[float], None]]:
    """One display for a company: a function to be told how many of its pieces are done."""
    with progress_on(shown, unit=unit) as display:
        yield lambda done: display.show(Moment(done, pieces))
