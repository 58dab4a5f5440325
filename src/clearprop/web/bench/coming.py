"""The step that a run would take next: its optimizer, what that remembers, and its learning rate."""

from __future__ import annotations

from dataclasses import dataclass

from clearprop.engines.protocol import OptimizerState
from clearprop.formulas.optimizers import Optimizer
from clearprop.training.course import Course
from clearprop.training.descent import Batches


@dataclass(frozen=True, eq=False)
class Coming:
    """What the next step of a run begins with, but for its batch.

    Attributes
    ----------
    rule : Optimizer
    state : OptimizerState
        A copy; `state.t` steps were taken so far.
    rate : float or None
        Learning rate by the schedule, after the run's last step that of this; None for a rule without steps.
    over : bool
        Whether the epochs of the run are done, so that the schedule has no rate for one more step.
    """

    rule: Optimizer
    state: OptimizerState
    rate: float | None
    over: bool = False


def coming(course: Course, batches: Batches) -> Coming:
    """The next step of a course between two batches; the course stays as it is."""
    rule, epoch, batch = course.engine.optimizer, course.epoch, course.position.batch
    if not rule.step:
        return Coming(rule, course.state.copy(), None)
    over = epoch >= course.record.epochs
    if over:
        epoch, batch = course.record.epochs - 1, len(batches) - 1
    rates = batches.rates(epoch, batch, batch + 1, course.reductions)
    return Coming(rule, course.state.copy(), float(rates[0]), over)
