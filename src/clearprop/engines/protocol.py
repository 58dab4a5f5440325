"""What every engine can do: forward, gradient_sum, evaluate, update, and run, which composes them.

An engine holds no parameters: theta, the gradient and the optimizer's state are arrays that the caller
owns, so that training, replay and workers on other machines drive any engine alike. A fused `run` must
give the same bits as the composition below.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, BoolArray, IntArray, generator_of
from clearprop.engines.dropout import dropout_masks
from clearprop.engines.examples import Examples
from clearprop.errors import SpecificationError
from clearprop.formulas.optimizers import MOST_SLOTS, Optimizer, optimizers
from clearprop.specification import Network

Masks = Mapping[int, BoolArray]  #: layer l = 0..L-1 -> (m, n_l), True where kept


@dataclass
class OptimizerState:
    """What an optimizer remembers: its slots (MOST_SLOTS, n_parameters) and the steps taken."""

    slots: Array
    t: int = 0

    @classmethod
    def fresh(cls, network: Network, dtype: npt.DTypeLike) -> OptimizerState:
        """Slots of zeros before the first step."""
        return cls(np.zeros((MOST_SLOTS, network.n_parameters), dtype=dtype))

    def require_fit(self, network: Network, dtype: npt.DTypeLike) -> None:
        """Raise SpecificationError when the slots belong to another network or dtype."""
        wanted = (MOST_SLOTS, network.n_parameters)
        if self.slots.shape != wanted or self.slots.dtype != dtype:
            raise SpecificationError(
                f"the optimizer's state has {self.slots.dtype} slots of shape {self.slots.shape}, and this "
                f"network asks for {np.dtype(dtype)} of {wanted}; start with OptimizerState.fresh"
            )

    def copy(self) -> OptimizerState:
        """The same numbers in arrays of their own."""
        return OptimizerState(self.slots.copy(), self.t)


@dataclass(frozen=True)
class Stretch:
    """What a run over some batches brought.

    `loss` is the sum over its batches of (batch loss * batch weight), `weight` the sum of batch weights,
    both in float64 and without penalties; `failed` is the first batch whose loss was not finite, or -1
    (nothing was updated in that batch or after it).
    """

    loss: float
    weight: float
    failed: int = -1


TRACED = ("loss", "penalty", "weight")  #: what `run` notes of each batch, in this order


class Engine(ABC):
    """Forward and backward passes of one network in one dtype, with one optimizer."""

    name: str

    def __init__(self, network: Network, dtype: npt.DTypeLike, optimizer: Optimizer | None = None) -> None:
        self.network = network
        self.dtype = np.dtype(dtype)
        self.optimizer = optimizer or optimizers["sgd"]
        if self.dtype not in (np.float32, np.float64):
            raise SpecificationError(f"an engine computes in float32 or float64, not {self.dtype}")

    @abstractmethod
    def forward(self, theta: Array, X: Array) -> Array:
        """y_hat (m, n_L) of X (m, n_0), without dropout."""

    @abstractmethod
    def gradient_sum(
        self, theta: Array, X: Array, Y: Array, scale: Array, masks: Masks | None = None
    ) -> tuple[float, Array]:
        """Sum of scale_i * loss_i over the examples, and its gradient (n_parameters,); no penalties.

        With `scale` = w_i / sum w over a whole batch, shards of the batch add up to its mean.
        """

    def gradient_sums(
        self,
        theta: Array,
        X: Array,
        Y: Array,
        scale: Array,
        ends: Sequence[int],
        out: Array,
        masks: Masks | None = None,
    ) -> list[float]:
        """`gradient_sum` of several parts of the examples, each with the bits that it has alone.

        Parameters
        ----------
        ends : sequence of int
            Of each part: it begins where the one before ended. A part without rows has loss 0.
        out : ndarray (parts, n_parameters or more)
            Rows in memory one after the other; a part's gradient is written to the beginning of its row.

        Returns
        -------
        list of float
            The losses of the parts.
        """
        losses = []
        for into, (first, last) in zip(out, pairwise((0, *ends)), strict=True):
            loss, gradient = 0.0, np.zeros(1, dtype=self.dtype)
            if first < last:
                rows = slice(first, last)
                held = None if masks is None else {l: mask[rows] for l, mask in masks.items()}
                loss, gradient = self.gradient_sum(theta, X[rows], Y[rows], scale[rows], held)
            into[: theta.size] = gradient
            losses.append(loss)
        return losses

    @abstractmethod
    def evaluate(self, theta: Array, X: Array, Y: Array, scale: Array) -> tuple[float, Array]:
        """Sum of scale_i * loss_i over the examples in float64, and y_hat (m, n_L); nothing is dropped."""

    @abstractmethod
    def square_norms(self, theta: Array, X: Array, Y: Array) -> Array:
        """|dLoss_i/dtheta|**2 of each example's own loss, float64 (m,); no penalties, nothing is dropped."""

    @abstractmethod
    def update(
        self, theta: Array, gradient: Array, state: OptimizerState, rate: float, penalty_factor: float = 1.0
    ) -> None:
        """One step of the optimizer, in place, penalties added to `gradient` (which is left as it was).

        The network's penalties are multiplied by `penalty_factor`.
        """

    def order(self, seed: int, epoch: int, rows: int) -> IntArray:
        """An order of the rows 0 to `rows` - 1, int64: a function of the arguments, the same of every engine.

        NumPy's permutation by `generator_of(seed, epoch)`.
        """
        return generator_of(seed, epoch).permutation(rows).astype(np.int64, copy=False)

    def run(
        self,
        theta: Array,
        state: OptimizerState,
        examples: Examples,
        order: IntArray,
        first: int,
        last: int,
        *,
        batch_size: int,
        rates: Array,
        seed: int = 0,
        epoch: int = 0,
        divide_penalty: bool = False,
        trace: Array | None = None,
    ) -> Stretch:
        """Take the steps of batches `first` to `last` - 1 of an epoch's `order`.

        Batch k holds the examples `order[k * batch_size : (k + 1) * batch_size]`; `rates[k - first]` is
        its learning rate. Theta and state change in place.

        Parameters
        ----------
        divide_penalty : bool
            Whether the penalties are divided by the weight of each batch, as scikit-learn does; a batch
            without weight then counts as a step that changes nothing.
        trace : ndarray (last - first, 3), optional
            Filled with each batch's loss and penalty before its step, and its weight: see `TRACED`.
        """
        loss, weight = 0.0, 0.0
        for k in range(first, last):
            rows = order[k * batch_size : (k + 1) * batch_size]
            batch = examples.take(rows)
            masks = dropout_masks(self.network, seed, epoch, rows) if self.network.has_dropout else None
            total = batch.total_weight()
            if divide_penalty and total == 0:
                state.t += 1
                continue
            factor = 1.0 / total if divide_penalty else 1.0
            value, gradient = self.gradient_sum(theta, batch.X, batch.Y, batch.scale(), masks)
            if not np.isfinite(value):
                return Stretch(loss, weight, failed=k)
            if trace is not None:
                trace[k - first] = value, self.penalty(theta) * factor, total
            self.update(theta, gradient, state, float(rates[k - first]), factor)
            loss += value * total
            weight += total
        return Stretch(loss, weight)

    def penalty(self, theta: Array) -> float:
        """The network's penalties P, summed in float64."""
        total = 0.0
        for segment in self.network.segments:
            if segment.l1 or segment.l2:
                W = theta[segment.offset : segment.stop].astype(np.float64)
                total += 0.5 * segment.l2 * float(W @ W) + segment.l1 * float(np.abs(W).sum())
        return total
