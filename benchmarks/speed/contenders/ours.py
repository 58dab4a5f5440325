"""clearprop: the compiled engine as `train` drives it, one `run` an epoch with an order of its own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from benchmarks.speed.contenders import RATE
from benchmarks.speed.networks import Array, Case, Weights

from clearprop.engines import engine_for
from clearprop.engines.examples import check_examples
from clearprop.engines.protocol import OptimizerState
from clearprop.formulas.optimizers import optimizers
from clearprop.specification import Dense, Network


def network_of(case: Case) -> Network:
    """The case as a specification."""
    hidden = [Dense(width, case.hidden) for width in case.widths[1:-1]]
    last = Dense(case.widths[-1], "softmax" if case.classes else "identity")
    return Network(case.widths[0], [*hidden, last])


class Engine:
    """The compiled engine, on as many of its CPUs as it finds the work worth."""

    def __init__(self, case: Case, threads: int, X: Array, Y: npt.NDArray) -> None:
        self.case, self.network = case, network_of(case)
        self.examples = check_examples(self.network, X, Y, case.dtype)
        rule = optimizers[case.optimizer](RATE)
        self.engine = engine_for("compiled", self.network, dtype=case.dtype, optimizer=rule)
        self.rates = np.full(case.rows // case.batch, RATE)

    def start(self, weights: Weights) -> None:
        theta = self.network.initialize(seed=0, dtype=self.case.dtype)
        for l, (W, b) in enumerate(weights, start=1):
            theta.W[l][:], theta.b[l][:] = W, b
        self.theta, self.done = theta.flat, 0
        self.state = OptimizerState.fresh(self.network, self.case.dtype)

    def epoch(self) -> None:
        for _ in range(self.case.epochs):
            rows = self.case.rows
            order = np.arange(rows) if self.case.full else self.engine.order(0, self.done, rows)
            self.engine.run(
                self.theta,
                self.state,
                self.examples,
                order,
                0,
                len(self.rates),
                batch_size=self.case.batch,
                rates=self.rates,
            )
            self.done += 1

    def classes(self, X: Array) -> npt.NDArray:
        return self.engine.forward(self.theta, X).argmax(axis=1)
