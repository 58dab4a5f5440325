"""The steps of a fit with scikit-learn's numbers: an epoch is one call of an engine of the house.

What is subtle: scikit-learn divides its penalty by the weight of *each batch*, so a short last batch is
penalised more; it reports the loss before the step, penalty included; and it averages the batches of an
epoch by their rows, not by their weights. The engine traces each batch for that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.engines import engine_for
from clearprop.engines.examples import Examples
from clearprop.engines.protocol import TRACED, Engine, OptimizerState
from clearprop.engines.textbook import penalize
from clearprop.estimators.settings import trained_network
from clearprop.formulas.optimizers import Optimizer
from clearprop.formulas.schedules import Schedule
from clearprop.specification import Network
from clearprop.training.descent import slice_length
from clearprop.training.stopping import Plateau

LOSS, PENALTY, WEIGHT = range(len(TRACED))


@dataclass
class Objective:
    """What is minimised: mean loss of a batch + (alpha/2 |W|^2 + l1 |W|_1) / weight of the batch.

    Attributes
    ----------
    network : Network
        Without penalties.
    dtype : dtype
    rule : Optimizer
    alpha, l1 : float
    share : float
        What the reported loss is of the trained one: 1 / n_L for scikit-learn's squared error, which it
        sums over the outputs in training and averages in its reports.
    """

    network: Network
    dtype: np.dtype[Any]
    rule: Optimizer
    alpha: float
    l1: float
    share: float = 1.0
    engine: Engine = field(init=False, repr=False)
    _lengths: dict[int, int] = field(default_factory=dict, init=False, repr=False)

    def slice_length(self, batch_size: int) -> int:
        """Batches in one call of the engine; Ctrl-C is heard between calls."""
        if batch_size not in self._lengths:
            self._lengths[batch_size] = slice_length(self.engine.network, batch_size, self.engine.name)
        return self._lengths[batch_size]

    def __post_init__(self) -> None:
        network = trained_network(self.network, self.alpha, self.l1, self.dtype)
        self.engine = engine_for("compiled", network, dtype=self.dtype, optimizer=self.rule)

    def reported(self, loss: float, data: Reported) -> float:
        """Mean loss of all rows as scikit-learn reports it, without penalty."""
        if data.offset is None:
            return loss * self.share
        return loss * self.share + float(np.average(data.offset, weights=data.examples.weights))

    def loss_and_gradient(self, theta: Array, data: Reported) -> tuple[float, Array]:
        """Reported loss and gradient over all examples, penalties included, float64."""
        examples = data.examples
        weight = examples.total_weight()
        own = theta.astype(self.dtype)
        loss, gradient = self.engine.gradient_sum(own, examples.X, examples.Y, examples.scale())
        total = self.reported(loss, data) + self.engine.penalty(theta) / weight
        return total, penalize(self.engine.network, theta, gradient.astype(np.float64), 1 / weight)


@dataclass(frozen=True)
class Reported:
    """Examples, and what the reported loss adds for each row: the constant part of a Poisson deviance.

    Where `places` are given, the examples hold more rows than these, which alone are trained on.
    """

    examples: Examples
    offset: Array | None = None
    places: IntArray | None = None

    def __len__(self) -> int:
        return len(self.examples) if self.places is None else len(self.places)

    @property
    def rows(self) -> IntArray:
        """Where the rows that are trained on stand."""
        return np.arange(len(self.examples)) if self.places is None else self.places

    def take(self, rows: IntArray) -> Reported:
        """Those rows, copied."""
        return Reported(self.examples.take(rows), None if self.offset is None else self.offset[rows])

    def offsets(self, order: IntArray, batch_size: int, weight: Array) -> Array:
        """Weighted mean of the constants in each batch, (batches,)."""
        if self.offset is None:
            return np.zeros(len(weight))
        own = self.offset if self.examples.weights is None else self.offset * self.examples.weights
        sums = np.add.reduceat(own[order], np.arange(0, len(order), batch_size))
        return np.divide(sums, weight, out=np.zeros(len(weight)), where=weight > 0)


class Steps:
    """An optimizer under way: its rule, its slots, and the learning rate as scikit-learn moves it.

    It keeps the settings it began with: a `partial_fit` after `set_params` goes on with them, as there.

    Attributes
    ----------
    learning_rate : float
        Of the last step taken, or the next.
    """

    def __init__(self, objective: Objective, settings: Any) -> None:
        self.state = OptimizerState.fresh(objective.network, objective.dtype)
        self.rule = objective.rule
        own = objective.rule.learning_rate
        self.schedule: Schedule = own
        self.by_name = "constant"
        if settings.solver != "adam" and isinstance(settings.learning_rate, str):
            self.by_name = settings.learning_rate
        self.first_rate = self.learning_rate = own["rate"]
        self.power = settings.power_t
        self.plateau: Plateau | None = None
        if {"patience", "tolerance"} <= set(own.parameter_names):
            self.plateau = Plateau(own["patience"], own["tolerance"])

    def rates(self, batches: int, epochs: int) -> Array:
        """Learning rates of the next epoch's batches, float64 (batches,)."""
        if self.schedule.name == "constant":
            return np.full(batches, self.learning_rate)
        reductions = self.plateau.reductions if self.plateau else 0
        first = self.state.t
        return self.schedule.rates(
            first, first + batches, steps=epochs * batches, steps_per_epoch=batches, reductions=reductions
        )

    def epoch(
        self,
        objective: Objective,
        theta: Array,
        data: Reported,
        order: IntArray,
        *,
        batch_size: int,
        rates: Array,
        seed: int,
        epoch: int,
    ) -> float:
        """Take the steps of an epoch; its loss as scikit-learn reports it, nan once it is not finite."""
        batches, engine = len(rates), objective.engine
        trace = np.zeros((batches, len(TRACED)))
        length = objective.slice_length(batch_size)
        for first in range(0, batches, length):
            last = min(first + length, batches)
            stretch = engine.run(
                theta,
                self.state,
                data.examples,
                order,
                first,
                last,
                batch_size=batch_size,
                rates=rates[first:last],
                seed=seed,
                epoch=epoch,
                divide_penalty=True,
                trace=trace[first:last],
            )
            if stretch.failed >= 0:
                return np.nan
        self.learning_rate = float(rates[-1])
        weight = trace[:, WEIGHT]
        losses = trace[:, LOSS] * objective.share + trace[:, PENALTY]
        losses += data.offsets(order, batch_size, weight)
        rows = np.full(batches, batch_size)
        rows[-1] = len(order) - (batches - 1) * batch_size
        return float(losses @ rows) / len(order)

    def epoch_ends(self, rows_seen: int, loss: float) -> None:
        """Move the learning rate where the settings say so; `rows_seen` counts since the first epoch."""
        if self.by_name == "invscaling":
            self.learning_rate = self.first_rate / (rows_seen + 1) ** self.power
        if self.plateau is not None:
            self.plateau.watch(loss)

    def stops(self, message: str, *, verbose: bool) -> bool:
        """Whether a standstill ends the fit; 'adaptive' divides the rate by 5 first, down to 1e-6."""
        if self.by_name != "adaptive":
            answer, outcome = True, "Stopping."
        elif self.learning_rate <= 1e-6:
            answer, outcome = True, "Learning rate too small. Stopping."
        else:
            self.learning_rate /= 5.0
            answer, outcome = False, f"Setting learning rate to {self.learning_rate:f}"
        if verbose:
            print(f"{message} {outcome}")
        return answer
