"""The steps of a fit with scikit-learn's numbers: one batch at a time on an engine of the house.

What is subtle: scikit-learn divides its penalty by the weight of *each batch*, so a short last batch is
penalised more; it reports the loss before the step, penalty included; and it averages the batches of an
epoch by their rows, not by their weights. So each batch is a call of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.engines import engine_for
from clearprop.engines.compiled import one_blas_thread
from clearprop.engines.dropout import dropout_masks
from clearprop.engines.examples import Examples
from clearprop.engines.protocol import Engine, OptimizerState
from clearprop.errors import SpecificationError
from clearprop.formulas.optimizers import Optimizer
from clearprop.formulas.schedules import Schedule
from clearprop.specification import Network
from clearprop.training.stopping import Plateau


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
    offset : ndarray (m,), optional
        What the reported loss adds for each row: the constant part of scikit-learn's Poisson deviance.
    """

    network: Network
    dtype: np.dtype[Any]
    rule: Optimizer
    alpha: float
    l1: float
    share: float = 1.0
    offset: Array | None = None
    _engines: dict[float, Engine] = field(default_factory=dict, repr=False)

    def engine(self, weight: float = np.inf) -> Engine:
        """Engine whose penalty is that of a batch of so much weight; none by default."""
        if weight not in self._engines:
            network = replace(self.network, l2=self.alpha / weight, l1=self.l1 / weight)
            self._engines[weight] = engine_for("compiled", network, dtype=self.dtype, optimizer=self.rule)
        return self._engines[weight]

    def penalty(self, theta: Array, weight: float) -> float:
        """Penalty of a batch of so much weight."""
        total = 0.0
        for segment in self.network.segments:
            if segment.kind == "W":
                W = theta[segment.offset : segment.stop]
                total += 0.5 * self.alpha * float(W @ W)
                total += self.l1 * float(np.abs(W).sum()) if self.l1 else 0.0
        return total / weight

    def add_penalty(self, gradient: Array, theta: Array, weight: float) -> None:
        """Add the penalty's gradient, in place."""
        for segment in self.network.segments:
            if segment.kind == "W":
                piece = slice(segment.offset, segment.stop)
                gradient[piece] += (self.alpha / weight) * theta[piece]
                if self.l1:
                    gradient[piece] += (self.l1 / weight) * np.sign(theta[piece])

    def reported(self, loss: float, rows: Any, weights: Array | None) -> float:
        """Loss of a batch as scikit-learn reports it, without penalty."""
        constant = 0.0 if self.offset is None else np.average(self.offset[rows], weights=weights)
        return loss * self.share + float(constant)

    def loss_and_gradient(self, theta: Array, examples: Examples) -> tuple[float, Array]:
        """Reported loss and gradient over all examples, penalties included, float64."""
        own = theta.astype(self.dtype)
        weight = examples.total_weight()
        loss, piece = self.engine().gradient_sum(own, examples.X, examples.Y, examples.scale())
        gradient = piece.astype(np.float64)
        self.add_penalty(gradient, theta, weight)
        reported = self.reported(loss, slice(None), examples.weights)
        return reported + self.penalty(theta, weight), gradient


class Steps:
    """An optimizer under way: its rule, its slots, and the learning rate as scikit-learn moves it.

    Attributes
    ----------
    learning_rate : float
        Of the last step taken, or the next.
    """

    def __init__(self, objective: Objective, settings: Any) -> None:
        self.state = OptimizerState.fresh(objective.network, objective.dtype)
        own = objective.rule.learning_rate
        self.schedule: Schedule = own
        self.by_name = "constant"
        if settings.solver == "sgd" and isinstance(settings.learning_rate, str):
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
        examples: Examples,
        order: IntArray,
        *,
        batch_size: int,
        rates: Array,
        seed: int,
        epoch: int,
    ) -> float:
        """Take the steps of an epoch; its loss as scikit-learn reports it, nan once it is not finite."""
        total = 0.0
        with one_blas_thread():
            for k, rate in enumerate(rates):
                rows = order[k * batch_size : (k + 1) * batch_size]
                if examples.weights is None:
                    weight, weights = float(len(rows)), None
                    penalty = objective.penalty(theta, weight)
                    stretch = objective.engine(weight).run(
                        theta,
                        self.state,
                        examples,
                        order,
                        k,
                        k + 1,
                        batch_size=batch_size,
                        rates=rates[k : k + 1],
                        seed=seed,
                        epoch=epoch,
                    )
                    loss = stretch.loss / weight if stretch.failed < 0 else np.nan
                else:
                    weights = examples.weights[rows]
                    weight = float(weights.sum())
                    if not weight:
                        continue  # nothing to learn from: scikit-learn divides by 0 here
                    penalty = objective.penalty(theta, weight)
                    loss = self._weighted_step(objective, theta, examples, rows, weight, rate, seed, epoch)
                if not np.isfinite(loss):
                    return np.nan
                total += (objective.reported(loss, rows, weights) + penalty) * len(rows)
        self.learning_rate = float(rates[-1])
        return total / len(order)

    def _weighted_step(
        self,
        objective: Objective,
        theta: Array,
        examples: Examples,
        rows: IntArray,
        weight: float,
        rate: float,
        seed: int,
        epoch: int,
    ) -> float:
        """A step whose penalty is divided by the batch's own weight."""
        engine, batch = objective.engine(), examples.take(rows)
        network = objective.network
        masks = dropout_masks(network, seed, epoch, rows) if network.has_dropout else None
        loss, gradient = engine.gradient_sum(theta, batch.X, batch.Y, batch.scale(), masks)
        if not np.isfinite(loss):
            return np.nan
        objective.add_penalty(gradient, theta, weight)
        engine.update(theta, gradient, self.state, float(rate))
        return loss

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


def minimise(objective: Objective, theta: Array, examples: Examples, iterations: int, calls: int) -> Any:
    """SciPy's result of L-BFGS-B with scikit-learn's options; steps in float64, gradients in the dtype."""
    from scipy.optimize import minimize

    if objective.network.has_dropout:
        raise SpecificationError(
            "L-BFGS compares losses from step to step, and dropout draws another network each time; use "
            "solver='adam', or dropout=0"
        )
    rule = objective.rule
    return minimize(
        objective.loss_and_gradient,
        theta.astype(np.float64),
        args=(examples,),
        method="L-BFGS-B",
        jac=True,
        options={
            "maxfun": calls,
            "maxiter": iterations,
            "gtol": rule["tolerance"],
            "maxcor": int(rule["memory"]),
        },
    )
