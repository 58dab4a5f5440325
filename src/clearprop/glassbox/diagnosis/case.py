"""What a diagnosis is made of: the rows measured, the run's history and settings, where it started.

Losses are compared with what is at stake: the best constant answer's loss is 1, the best possible is 0. This
*level* means the same for squared errors of any size and for entropies of any number of classes.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.textbook import activate, example_losses, forward_pass, penalty
from clearprop.formulas.losses import Loss
from clearprop.formulas.optimizers import Optimizer, optimizers
from clearprop.formulas.schedules import Schedule
from clearprop.glassbox.diagnosis.measuring import Measurement
from clearprop.glassbox.whole_pass import WholePass
from clearprop.specification import Network, Parameters
from clearprop.training.run import History, RunRecord

LEARNT = 0.1  #: below this level the network has learnt, whatever else is found
GROWN = 3.0  #: weights so many times as large as drawn were driven there by steps
CRUSHED = 0.1  #: weights all this far below their first size were held down, not taught
THROWN = 10.0  #: a loss this many times the first (or a constant answer's) was thrown there by a step


@dataclass(frozen=True, eq=False)
class Case:
    """A network on rows, and how it came there.

    Attributes
    ----------
    seen : WholePass
        Forward and backward on the rows, float64.
    found : Measurement
    history : dict of lists
        May be empty.
    record : RunRecord or None
    start : Parameters or None
        Where training began, if it is known.
    moved : float or None
        How far the run went from there, or from where it was first seen: |theta - theta_start|.
    stopped : str
        Why training ended, if it did.
    training_loss : float or None
        Of the rows trained on, where those measured are others.
    losses : tuple of float or None
        Loss on the rows after each epoch, without penalties, if it was measured (by a `Watch`).
    columns, classes : tuple
        Names of the inputs and labels of the classes, where there are some.
    """

    seen: WholePass
    found: Measurement
    history: History = field(default_factory=dict)
    record: RunRecord | None = None
    start: Parameters | None = None
    moved: float | None = None
    stopped: str = ""
    training_loss: float | None = None
    losses: tuple[float, ...] | None = None
    columns: tuple[Any, ...] = ()
    classes: tuple[Any, ...] = ()

    def column(self, i: int) -> str:
        """What an input is called."""
        return f"column {self.columns[i]}" if self.columns else f"column {i}"

    def label(self, k: int) -> str:
        """What a class is called."""
        return f"class {self.classes[k]}" if self.classes else f"class {k}"

    @property
    def network(self) -> Network:
        """The network."""
        return self.seen.network

    @property
    def Y(self) -> Array:
        """Targets (m, n_L)."""
        assert self.seen.Y is not None  # noqa: S101 - a diagnosis has targets
        return self.seen.Y

    @functools.cached_property
    def bounds(self) -> tuple[float, float]:
        """Loss of the best possible answer and of the best constant one, without penalties."""
        loss, scale = self.network.loss, self.seen.scale
        return least_loss(loss, self.Y, scale), constant_loss(loss, self.Y, scale)

    @property
    def stake(self) -> float:
        """What a constant answer loses."""
        least, constant = self.bounds
        return max(constant - least, 0.0)

    def level_of(self, loss: float) -> float:
        """A loss (without penalties) on the scale of 0, the best possible, to 1, the best constant answer."""
        return (loss - self.bounds[0]) / self.stake if self.stake > 1e-12 else 0.0

    @functools.cached_property
    def level(self) -> float:
        """Level of the loss on the rows."""
        return self.level_of(self.found.loss - self.seen.penalty)

    @property
    def left(self) -> float:
        """What is left to learn: the level, or that of the last epoch where an earlier one was kept."""
        return min([self.level, *(self.levels[-1:] if np.isfinite(self.levels[-1:]).all() else ())])

    @functools.cached_property
    def levels(self) -> Array:
        """Level of the training loss after each epoch.

        A history's losses bear the penalties of their epochs; those of the end are taken off.
        """
        if self.stake <= 1e-12:
            return np.zeros(0)
        if self.losses is not None:
            losses = np.array(self.losses)
        else:
            losses = np.array(self.history.get("loss") or [], dtype=np.float64) - self.seen.penalty
        return (losses - self.bounds[0]) / self.stake

    @functools.cached_property
    def first_level(self) -> float:
        """Level before training, at least 1: of the first parameters, else of z = 0 in the output layer.

        As in `levels`, the penalties of the end are taken off those of the start, which are often larger.
        """
        if self.start is not None:
            first = self.level_of(data_loss(self, self.start) - self.seen.penalty)
        elif self.seen.penalty and self.losses is None:
            return np.inf
        else:
            output = self.network.output
            with np.errstate(all="ignore"):
                flat = activate(output.activation, np.zeros((len(self.Y), output.rows)))
                losses = self.network.loss.value_of(flat, self.Y).sum(axis=1)
            first = self.level_of(float(self.seen.scale @ losses))
        return max(first, 1.0) if np.isfinite(first) else 1.0

    @functools.cached_property
    def thrown(self) -> int | None:
        """Epoch in which a step had thrown the loss far above the first, if there is one."""
        if not len(self.levels) or not self.levels.max() > THROWN * self.first_level:
            return None
        worst = int(self.levels.argmax())
        return int((self.history.get("epoch") or range(1, len(self.levels) + 1))[worst])

    @functools.cached_property
    def growth(self) -> float:
        """How much larger a weight matrix is than its initializer draws it, at the most."""
        drawn = self.network.initialize()
        norms = [(np.linalg.norm(W), np.linalg.norm(drawn.W[l])) for l, W in self.seen.theta.W.items()]
        return max((float(now / first) for now, first in norms if first > 0), default=1.0)

    @property
    def given(self) -> bool:
        """Whether the run is known to have begun from parameters given by hand."""
        return self.record is not None and self.record.initial_given

    @property
    def drawn(self) -> bool:
        """Whether the run is known to have begun from drawn weights, so that `growth` is the steps' doing."""
        return self.record is not None and not self.record.initial_given

    @property
    def decay(self) -> float:
        """Weight decay of the optimizer, where it is known."""
        return 0.0 if self.optimizer is None else self.optimizer.weight_decay

    @property
    def crushed(self) -> bool:
        """Whether penalties or weight decay have taken every weight matrix to next to nothing.

        A drop-in estimator keeps its penalty to itself, so of a run that is watched the weights alone tell.
        """
        held = self.network.l1 or self.network.l2 or self.decay or self.losses is not None
        return bool(held) and self.growth < CRUSHED

    @functools.cached_property
    def optimizer(self) -> Optimizer | None:
        """The optimizer of the run, built again from its record."""
        return None if self.record is None else optimizer_of(self.record.optimizer)

    @property
    def rate(self) -> float | None:
        """Its learning rate (the schedule's own number), or the last in the history."""
        if self.optimizer is not None:
            return float(self.optimizer.learning_rate["rate"]) if self.optimizer.step else None
        rates = [rate for rate in self.history.get("learning_rate", []) if rate]
        return float(max(rates)) if rates else None

    @property
    def diverged(self) -> bool:
        """Whether numbers stopped being finite."""
        return self.stopped == "diverged" or not np.isfinite([*self.history.get("loss", [])[-1:], 0.0]).all()


def least_loss(loss: Loss, Y: Array, scale: Array) -> float:
    """Loss of outputs that are the targets themselves: an entropy for smoothed ones, mostly 0."""
    return float(scale @ loss.value_of(Y, Y).sum(axis=1))


def constant_loss(loss: Loss, Y: Array, scale: Array) -> float:
    """Least loss among constant answers: the mean, and quantiles where outputs may be any numbers.

    >>> from clearprop.formulas.losses import losses
    >>> Y, scale = np.array([[0.0], [2.0]]), np.full(2, 0.5)
    >>> constant_loss(losses["squared_error"], Y, scale), constant_loss(losses["hinge"], Y - 1, scale)
    (1.0, 1.0)
    """
    candidates = [scale @ Y]
    if loss.targets == "signs":
        candidates += [np.full(Y.shape[1], sign) for sign in (-1.0, 1.0)]
    elif loss.targets in ("numbers", "counts"):
        candidates += list(np.percentile(Y, np.arange(5, 100, 5), axis=0))
    by_output = [scale @ loss.value_of(np.broadcast_to(each, Y.shape), Y) for each in candidates]
    return float(np.min(by_output, axis=0).sum())


def optimizer_of(plain: Mapping[str, Any]) -> Optimizer:
    """Optimizer from the plain data of `to_dict`.

    >>> from clearprop.formulas.optimizers import Adam
    >>> optimizer_of(Adam(0.02, clip_norm=1.0).to_dict())
    Adam(0.02, clip_norm=1)
    """
    given = {name: value for name, value in plain.items() if name != "learning_rate"}
    for name in ("scalars", "slots"):
        given[name] = tuple((key, text) for key, text in given[name])
    schedule = dict(plain["learning_rate"])
    schedule["parameters"] = tuple(schedule["parameters"].items())
    given["parameters"] = tuple(given["parameters"].items())
    return Optimizer(**given, learning_rate=Schedule(**schedule))


def with_rate(rule: Optimizer, rate: float) -> Optimizer:
    """The same optimizer with another learning rate, its schedule kept."""
    return rule(rule.learning_rate(rate=float(f"{rate:.3g}")))


def own_rate(rule: Optimizer) -> float:
    """The learning rate the row has by itself."""
    return float(optimizers.get(rule.name, rule).learning_rate["rate"])


def training_loss_of(history: History, theta: Parameters) -> float | None:
    """Training loss of the epoch that was kept (the best on held-out rows, else the last), less penalties."""
    losses = history.get("loss") or []
    if not losses:
        return None
    held = [np.inf if value is None else value for value in history.get("validation_loss") or []]
    kept = int(np.argmin(held)) if np.isfinite(held).any() else -1
    return float(losses[kept]) - float(penalty(theta.network, theta))


def data_loss(case: Case, theta: Parameters) -> float:
    """Loss of other parameters on the case's rows, penalties included."""
    with np.errstate(all="ignore"):
        losses = example_losses(case.network, forward_pass(case.network, theta, case.seen.X), case.Y)
        return float(case.seen.scale @ losses) + float(penalty(case.network, theta))
