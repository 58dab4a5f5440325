"""The compiled engine: the default, and the textbook's equations at the speed of the hardware.

It owns the working memory of a network and drives the kernels; the mathematics is in `formulas/`, the
loops in `kernels/`. Results never depend on how batches are cut into calls.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, BoolArray, IntArray
from clearprop.blas import one_blas_thread
from clearprop.engines.builds import build_for
from clearprop.engines.examples import Examples
from clearprop.engines.plan import HAS_MASK, block_rows, make_plan, padded, rule_of, segment_tables
from clearprop.engines.protocol import TRACED, Engine, Masks, OptimizerState, Stretch
from clearprop.formulas.optimizers import MOST_SCALARS, Optimizer
from clearprop.specification import Network

_NO_MASKS: BoolArray = np.zeros(0, dtype=np.bool_)
_NO_ROWS: IntArray = np.zeros(0, dtype=np.int64)
_NO_WEIGHTS: Array = np.zeros(0)
_NO_TRACE: Array = np.zeros((0, len(TRACED)))


def _aligned(size: int, dtype: np.dtype[Any]) -> Array:
    """Zeros that begin on a cache line, so that no vector of a block straddles two."""
    memory = np.zeros(size + 64 // dtype.itemsize, dtype=dtype)
    start = -memory.ctypes.data % 64 // dtype.itemsize
    return memory[start : start + size]


class Compiled(Engine):
    """Numba kernels and BLAS, in float32 or float64.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(1, "sigmoid")])
    >>> Compiled(net, "float32").forward(np.zeros(3, "float32"), np.ones((1, 2), "float32"))
    array([[0.5]], dtype=float32)
    """

    name = "compiled"

    def __init__(self, network: Network, dtype: npt.DTypeLike, optimizer: Optimizer | None = None) -> None:
        super().__init__(network, dtype, optimizer)
        build = build_for(network, self.optimizer, self.dtype)
        self._passes, self._steps = build.part("passes"), build.part("steps")
        rows = block_rows(network, self.dtype.itemsize)
        self._plan = make_plan(network, build, self.dtype, rows)
        self._segments, self._segment_reals = segment_tables(network, self.optimizer)
        self._rule = rule_of(self.optimizer, build)
        self._hyper = padded(self.optimizer).astype(self.dtype)
        self._starts = np.zeros(network.depth + 1, dtype=np.int64)
        self._space = np.empty(0, dtype=self.dtype)
        self._gradient = np.empty(0, dtype=self.dtype)

    def _working_space(self) -> Array:
        """Working memory of a block, made on first use."""
        if self._space.size == 0:
            self._space = _aligned(self._plan.space, self.dtype)
        return self._space

    def forward(self, theta: Array, X: Array) -> Array:
        """y_hat (m, n_L); a row's bits depend neither on the other rows nor on how many there are."""
        y_hat = np.empty((len(X), self.network.widths[-1]), dtype=self.dtype)
        plan = self._plan
        with one_blas_thread():
            self._passes.forward_rows(
                plan.table, plan.parameters, plan.keep, theta, self._working_space(), X, 0, len(X), y_hat
            )
        return y_hat

    def gradient_sum(
        self, theta: Array, X: Array, Y: Array, scale: Array, masks: Masks | None = None
    ) -> tuple[float, Array]:
        """Sum of scale_i * loss_i in float64, and its gradient."""
        plan, m = self._plan, len(X)
        rows = np.arange(m, dtype=np.int64)
        gradient = np.empty_like(theta)
        given, starts = self._packed(masks)
        with one_blas_thread():
            loss = self._passes.gradient_batch(
                plan.table,
                plan.parameters,
                plan.loss_parameters,
                plan.keep,
                theta,
                gradient,
                self._working_space(),
                X,
                Y,
                rows,
                scale,
                bool((scale == scale[0]).all()),
                rows if masks else _NO_ROWS,
                given,
                starts,
            )
        return float(loss), gradient

    def evaluate(self, theta: Array, X: Array, Y: Array, scale: Array) -> tuple[float, Array]:
        """Sum of scale_i * loss_i in float64, and y_hat (m, n_L), in one forward pass."""
        plan = self._plan
        y_hat = np.empty((len(X), self.network.widths[-1]), dtype=self.dtype)
        with one_blas_thread():
            loss = self._passes.evaluate_rows(
                plan.table,
                plan.parameters,
                plan.loss_parameters,
                plan.keep,
                theta,
                self._working_space(),
                X,
                Y,
                scale,
                y_hat,
            )
        return float(loss), y_hat

    def square_norms(self, theta: Array, X: Array, Y: Array) -> Array:
        """|dLoss_i/dtheta|**2 of each example, float64 (m,), without forming a gradient."""
        plan, squares = self._plan, np.empty(len(X))
        with one_blas_thread():
            self._passes.square_norms(
                plan.table,
                plan.parameters,
                plan.loss_parameters,
                plan.keep,
                theta,
                self._working_space(),
                X,
                Y,
                squares,
            )
        return squares

    def _packed(self, masks: Masks | None) -> tuple[BoolArray, IntArray]:
        """Masks of all layers in one array, and where each layer's begins."""
        if not masks:
            return _NO_MASKS, self._starts
        starts, pieces, at = self._starts.copy(), [], 0
        for l in range(self.network.depth):
            if self._plan.table[l, HAS_MASK]:
                starts[l] = at
                pieces.append(np.ascontiguousarray(masks[l], dtype=np.bool_).ravel())
                at += pieces[-1].size
        return np.concatenate(pieces), starts

    def update(
        self, theta: Array, gradient: Array, state: OptimizerState, rate: float, penalty_factor: float = 1.0
    ) -> None:
        """One step of the optimizer, in place."""
        state.require_fit(self.network, self.dtype)
        state.t += 1
        self._steps.update(
            self._segments,
            self._segment_reals,
            self._rule,
            self._hyper,
            self._scalars(state.t, 1)[0],
            float(self.optimizer.clip_norm or 0.0),
            float(rate),
            float(penalty_factor),
            theta,
            gradient.copy(),
            state.slots,
        )

    def _scalars(self, t: int, steps: int) -> Array:
        """The rule's scalars of steps t, t + 1, ... as (steps, MOST_SCALARS)."""
        scalars = np.zeros((steps, MOST_SCALARS), dtype=self.dtype)
        scalars[:, : len(self.optimizer.scalars)] = self.optimizer.scalar_values(t, steps)
        return scalars

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
        """Batches `first` to `last` - 1 in one call, with the bits of the composed run."""
        state.require_fit(self.network, self.dtype)
        plan, dropout = self._plan, self.network.has_dropout
        if dropout:
            plan.set_dropout_keys(seed, epoch)
        if self._gradient.size == 0:
            self._gradient = np.empty(self.network.n_parameters, dtype=self.dtype)
        sums = np.zeros(2)
        with one_blas_thread():
            failed = self._steps.run(
                plan.table,
                plan.parameters,
                plan.loss_parameters,
                plan.keep,
                self._segments,
                self._segment_reals,
                self._rule,
                self._hyper,
                self._scalars(state.t + 1, last - first),
                float(self.optimizer.clip_norm or 0.0),
                np.ascontiguousarray(rates, dtype=np.float64),
                theta,
                self._gradient,
                state.slots,
                self._working_space(),
                np.empty(min(batch_size, len(order)), dtype=self.dtype),
                examples.X,
                examples.Y,
                _NO_WEIGHTS if examples.weights is None else examples.weights,
                order,
                first,
                last,
                batch_size,
                dropout,
                _NO_MASKS,
                self._starts,
                divide_penalty,
                _NO_TRACE if trace is None else trace,
                sums,
            )
        state.t += (failed if failed >= 0 else last) - first
        return Stretch(float(sums[0]), float(sums[1]), int(failed))
