"""The course of a run: what happens at the end of every epoch, whoever takes the steps.

`Course` is the one place where a run's state lives: parameters, optimizer state, history, the best epoch.
The loop over batches (descent.py), L-BFGS and Levenberg-Marquardt change `theta` and call `end_epoch`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, TypeAlias

import numpy as np

from clearprop.arrays import Array
from clearprop.company import turn
from clearprop.engines.protocol import Engine, OptimizerState
from clearprop.engines.textbook import penalize, penalty
from clearprop.metrics import Metric
from clearprop.specification import Parameters
from clearprop.training.checkpoint import Checkpoints, Position, Standing
from clearprop.training.progress import Moment, Silence
from clearprop.training.run import (
    HISTORY,
    EpochReport,
    History,
    Run,
    RunRecord,
    Snapshot,
    Stopped,
    TrainingDiverged,
    digest,
)
from clearprop.training.stopping import Plateau, Standstill, StoppingRules
from clearprop.training.validation import TrainingData

ENDS = ("epochs", "patience", "tolerance", "gradient norm")  #: after these there is nothing to go on with
BLOCK = 4096  #: examples in one pass over a whole data set

Callback: TypeAlias = Callable[[EpochReport], Any]


def mean_gradient(engine: Engine, theta: Array, data: TrainingData) -> tuple[float, Array]:
    """Mean loss of the training rows and its gradient, float64, no penalties; in fixed blocks of rows."""
    examples, scale = data.training, data.scale()
    loss, gradient = 0.0, np.zeros(theta.size)
    for first in range(0, len(data), BLOCK):
        block = slice(first, first + BLOCK)
        rows = block if data.places is None else data.places[block]
        value, piece = engine.gradient_sum(theta, examples.X[rows], examples.Y[rows], scale[block])
        loss += value
        gradient += piece
    return loss, gradient


@dataclass
class Course:
    """A run under way.

    Attributes
    ----------
    theta : ndarray (n_parameters,)
        In the engine's dtype; the loops write to it.
    monitored : Metric or None
        What early stopping goes by; None means the loss.
    shown_metric : Metric
        What is measured on the held-out rows and shown.
    snapshot : ndarray
        Parameters at the end of the last finite epoch, read-only; `best` those of the best epoch.
    digests : list of str
        Of the parameters at first and after each epoch.
    snapshot_every : int or None
        Epochs from one of `snapshots` to the next.
    position : Position
        Where in the epoch it stands.
    """

    engine: Engine
    data: TrainingData
    theta: Array
    state: OptimizerState
    rules: StoppingRules
    record: RunRecord
    shown_metric: Metric
    monitored: Metric | None
    callbacks: Sequence[Callback]
    progress: Silence
    plateau: Plateau | None = None
    snapshot_every: int | None = None
    checkpoints: Checkpoints | None = None
    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.history: History = {name: [] for name in HISTORY}
        self.standstill = Standstill(self.rules.tolerance)
        self.snapshot = _frozen_copy(self.theta)
        self.best, self.best_epoch, self.best_value = self.snapshot, 0, math.inf
        self.sample = self.data.sample()
        self.digests = [digest(self.theta)]
        self.snapshots: dict[int, Snapshot] = {}
        self.position = Position()
        self.penalised = any(segment.l1 or segment.l2 for segment in self.engine.network.segments)

    @property
    def epoch(self) -> int:
        """Epochs finished."""
        return len(self.history["epoch"])

    @property
    def reductions(self) -> int:
        """Reductions of the learning rate so far."""
        return self.plateau.reductions if self.plateau else 0

    @property
    def seconds(self) -> float:
        """Seconds since training began."""
        return time.perf_counter() - self.started

    @property
    def out_of_time(self) -> bool:
        """Whether the time budget is spent."""
        return self.rules.time_budget is not None and self.seconds >= self.rules.time_budget

    def restore(self, standing: Standing) -> None:
        """Go on from where a run stood: a checkpoint, or an earlier epoch of this very run."""
        self.theta[:] = standing.theta
        self.state.slots[:], self.state.t = standing.state.slots, standing.state.t
        self.history, self.digests = standing.history, list(standing.digests)
        self.snapshot, self.best = _frozen_copy(standing.snapshot), _frozen_copy(standing.best)
        counters = standing.counters
        self.best_epoch, self.best_value = int(counters["best_epoch"]), counters["best_value"]
        self.standstill.reference = counters["reference"]
        self.standstill.epochs = int(counters["standstill"])
        if self.plateau is not None:
            self.plateau.reductions = int(counters.get("reductions", 0))
            self.plateau.standstill.reference = counters.get("plateau_reference", math.inf)
            self.plateau.standstill.epochs = int(counters.get("plateau_epochs", 0))
        self.position = standing.position
        self.started = time.perf_counter() - standing.seconds

    def standing(self, position: Position, stopped: str = "") -> Standing:
        """Where the run stands, in the very arrays and lists that go on changing: copy what is to last."""
        counters: dict[str, float] = {
            "best_epoch": self.best_epoch,
            "best_value": self.best_value,
            "reference": self.standstill.reference,
            "standstill": self.standstill.epochs,
        }
        if self.plateau is not None:
            counters |= {
                "reductions": self.plateau.reductions,
                "plateau_reference": self.plateau.standstill.reference,
                "plateau_epochs": self.plateau.standstill.epochs,
            }
        return Standing(
            theta=self.theta,
            snapshot=self.snapshot,
            best=self.best,
            state=self.state,
            position=position,
            counters=counters,
            history=self.history,
            digests=tuple(self.digests),
            seconds=self.seconds,
            stopped=stopped,
        )

    def checkpoint(self, position: Position, stopped: Stopped | None = None) -> None:
        """Commit where the run stands, if it is time, or where it stops (for good, or to go on later)."""
        if self.checkpoints is None or not (stopped or self.checkpoints.due):
            return
        ended = stopped if stopped in ENDS else ""
        self.checkpoints.write(self.standing(position, ended or ""))

    def close_epoch(self, loss: float, weight: float, batches: int, learning_rate: float) -> Stopped | None:
        """End an epoch of steps, from the sums over its batches of loss * weight and of weight."""
        mean = loss / weight
        network, total = self.engine.network, mean
        if self.penalised:
            total = mean + float(penalty(network, Parameters(network, self.theta)))
        if not (np.isfinite(self.theta).all() and np.isfinite(total)):
            self.diverge("a parameter was not finite", batches, mean if np.isfinite(mean) else None)
        return self.end_epoch(total, learning_rate)

    def lose(self, batch: int, loss: float, weight: float) -> NoReturn:
        """Raise TrainingDiverged for a batch (from 1) whose loss is not finite, after the sums before it."""
        before = self.history["loss"][-1] if self.epoch else None
        self.diverge("the loss was not finite", batch, loss / weight if weight else before)

    def show(self, done: float) -> None:
        """Tell the progress that `done` epochs are done (a fraction within an epoch)."""
        loss, validation_loss, metric = (
            self.history[name][-1] if self.epoch else None
            for name in ("loss", "validation_loss", "validation_metric")
        )
        name = self.shown_metric.name
        self.progress.show(Moment(done, self.rules.epochs, loss, validation_loss, metric, name))

    def end_epoch(self, loss: float, learning_rate: float | None) -> Stopped | None:
        """Judge the parameters, keep the best, tell everyone; the reason to stop, or None.

        `loss` is that of the epoch, penalties included.
        """
        validation_loss, metric = self._judge()
        self.snapshot = _frozen_copy(self.theta)
        self.digests.append(digest(self.snapshot))
        gradient_norm = self._gradient_norm() if self.rules.gradient_norm is not None else None
        row = (self.epoch + 1, loss, validation_loss, metric, learning_rate, self.seconds)
        for name, value in zip(HISTORY, row, strict=True):
            self.history[name].append(value)
        if self.snapshot_every and self.epoch % self.snapshot_every == 0:
            self.snapshots[self.epoch] = Snapshot(self.snapshot, self.state.copy())
        watched = loss if validation_loss is None else validation_loss
        value = watched
        if self.monitored is not None:
            value = math.nan if metric is None else -metric if self.monitored.higher_is_better else metric
        if value < self.best_value:
            self.best, self.best_epoch, self.best_value = self.snapshot, self.epoch, value
        if self.plateau is not None:
            self.plateau.watch(watched)
        standstill = self.standstill.after(value)
        self.show(self.epoch)
        if self._tell_callbacks(gradient_norm):
            return "callback"
        if gradient_norm is not None and gradient_norm <= (self.rules.gradient_norm or 0):
            return "gradient norm"
        if standstill >= self.rules.standstill:
            return "tolerance" if self.rules.patience is None else "patience"
        if self.epoch >= self.rules.epochs:
            return "epochs"
        return "time budget" if self.out_of_time else None

    def _judge(self) -> tuple[float | None, float | None]:
        """Loss and metric on the held-out rows."""
        held_out = self.data.held_out
        if held_out is None:
            return None, None
        loss, y_hat = self.engine.evaluate(self.theta, held_out.X, held_out.Y, held_out.scale())
        network = self.engine.network
        weights = self.data.held_out_weights
        return loss, self.shown_metric.of(network.loss, held_out.Y, y_hat, weights)

    def _gradient_norm(self) -> float:
        """Euclidean norm of dC/dtheta over the training data, penalties included, nothing dropped."""
        _, gradient = mean_gradient(self.engine, self.theta, self.data)
        return float(np.linalg.norm(penalize(self.engine.network, self.theta.astype(np.float64), gradient)))

    def _tell_callbacks(self, gradient_norm: float | None) -> bool:
        if not self.callbacks:
            return False
        last = {name: values[-1] for name, values in self.history.items()}
        theta = Parameters(self.engine.network, self.snapshot)
        report = EpochReport(
            epochs=self.rules.epochs, gradient_norm=gradient_norm, theta=theta, sample=self.sample, **last
        )
        with turn():
            answers = [callback(report) for callback in self.callbacks]  # each is told, whatever another says
        return any(answers)

    def run(self, stopped: Stopped) -> Run:
        """The run as plain data; the best parameters where there are held-out rows."""
        restored = self.data.held_out is not None and self.best_epoch
        whole = stopped != "diverged" and np.isfinite(self.theta).all()
        theta = self.best if restored else self.theta if whole else self.snapshot
        network = self.engine.network
        return Run(
            network=network,
            theta=Parameters(network, theta.copy()),
            history=self.history,
            stopped=stopped,
            best_epoch=self.best_epoch,
            seconds=self.seconds,
            record=replace(self.record, steps=self.state.t, digests=tuple(self.digests)),
            state=self.state,
            sample=self.sample,
            snapshots=self.snapshots,
        )

    def diverge(self, what: str, batch: int, last_loss: float | None) -> NoReturn:
        """Raise TrainingDiverged for the epoch under way; `batch` counts from 1."""
        epoch = self.epoch + 1
        known = f"; the last finite loss was {last_loss:.4g}" if last_loss is not None else ""
        message = f"training diverged: {what} in epoch {epoch}, batch {batch}{known}. {self._remedy()}"
        raise TrainingDiverged(message, self.run("diverged"), epoch, batch)

    def _remedy(self) -> str:
        """Words that fit the data: unlike scales first, then the learning rate."""
        optimizer = self.engine.optimizer
        largest_x, largest_y = self.data.largest()
        advice = []
        if largest_x > 30:
            advice.append(f"standardise the inputs (the largest is {largest_x:.3g} in size)")
        if largest_y > 30:
            advice.append(f"standardise the targets (the largest is {largest_y:.3g} in size)")
        if optimizer.step:
            rate = optimizer.learning_rate["rate"]
            advice.append(f"lower the learning rate (now {rate:g}), e.g. {optimizer.title}({rate / 10:g})")
            if optimizer.clip_norm is None:
                advice.append(f"clip the gradient, e.g. {optimizer.title}({rate:g}, clip_norm=1.0)")
        elif not advice:
            advice.append("start from smaller weights, or train with Adam first")
        sentence = "; or ".join(advice)
        return sentence[0].upper() + sentence[1:]


def _frozen_copy(theta: Array) -> Array:
    copy = theta.copy()
    copy.flags.writeable = False
    return copy
