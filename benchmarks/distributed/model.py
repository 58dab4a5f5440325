"""The model: a step is a gradient, the wait for the slowest, a collective, an update.

    step(W) = gradient(m / W) * (1 + tail * (H_W - ln 2)) + collective(P, W) + update(P)
    gradient(n) = start + write * P + multiply * P * n        with one rank, m rows, a shard for each rank
    collective = 0 with one rank, else 2 * wire + exchange + peer * (W - 1) + byte * 4P * crowd
    wire = latency + 4P * (W - 1) / W * 8 / bits              in each of the two exchanges

H_W = 1 + 1/2 + ... + 1/W: of W times whose excess over the median is exponential, the longest is expected at
the median + scale * (H_W - ln 2). `crowd` is W / cores where ranks share the cores of one machine, else 1.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import nnls

REAL = 4  #: bytes of a float32


def fitted(columns: Sequence[Sequence[float]], seconds: Sequence[float]) -> np.ndarray:
    """Coefficients >= 0 with the least squares of relative errors."""
    wanted = np.array(seconds)
    return nnls(np.array(columns) / wanted[:, None], np.ones(len(wanted)))[0]


@dataclass(frozen=True)
class Model:
    """The coefficients, in seconds (an example, a parameter, a byte, a peer)."""

    start: float
    write: float
    multiply: float
    update: float
    exchange: float
    peer: float
    byte: float
    tail: float
    latency: float = 50e-6

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Model:
        """Fit to what was measured on one machine."""
        alone = [step for step in found["steps"] if step["world"] == 1]
        sizes = [step["parameters"] for step in alone]
        gradients = [min(step["gradient"]) for step in alone]
        columns = [(1.0, P, P * step["rows"]) for P, step in zip(sizes, alone, strict=True)]
        start, write, multiply = fitted(columns, gradients)
        updates = [min(step["update"]) for step in alone]
        (update,) = fitted([(P,) for P in sizes], updates)
        sums, cores = found["sums"], found["cores"]
        rows = []
        for each in sums:
            crowd = max(1.0, each["world"] / cores)
            rows.append((1.0, (each["world"] - 1) * crowd, REAL * each["parameters"] * crowd))
        exchange, peer, byte = fitted(rows, [each["seconds"] for each in sums])
        late = []
        for step in alone:
            middle = statistics.median(step["gradient"])
            late.append(statistics.mean(t for t in step["gradient"] if t >= middle) / middle - 1)
        tail = statistics.median(late)
        return cls(*map(float, (start, write, multiply, update, exchange, peer, byte, tail)))

    def gradient(self, P: float, rows: float, cores: float = 1.0) -> float:
        """Seconds of a shard's gradient; `cores` of a worker are taken to share its products ideally."""
        return self.start + (self.write * P + self.multiply * P * rows) / cores

    def collective(self, P: float, world: float, bits: float = math.inf, crowd: float = 1.0) -> float:
        """Seconds until every rank has the sum; `bits` a second go through each worker's link."""
        if world <= 1:
            return 0.0
        wire = 0.0 if math.isinf(bits) else self.latency + REAL * P * (world - 1) / world * 8 / bits
        return 2 * wire + self.exchange + (self.peer * (world - 1) + self.byte * REAL * P) * crowd

    def slowest(self, world: float) -> float:
        """The longest of so many gradients, over the median."""
        harmonic = math.log(world) + 0.5772 + 0.5 / world if world > 1 else math.log(2)
        return 1 + self.tail * max(0.0, harmonic - math.log(2))

    def step(
        self,
        P: float,
        rows: float,
        world: float,
        bits: float = math.inf,
        *,
        cores: float = 1.0,
        crowd: float = 1.0,
    ) -> float:
        """Seconds of a step of a batch of `rows`."""
        gradient = self.gradient(P, rows / world, cores) * crowd * self.slowest(world)
        return gradient + self.collective(P, world, bits, crowd) + self.update * P * crowd / cores

    def efficiency(self, P: float, rows: float, world: float, bits: float, cores: float = 1.0) -> float:
        """One machine's step over W times this one: 1 where no worker waits for anything."""
        one = self.step(P, rows, 1, cores=cores)
        return one / (world * self.step(P, rows, world, bits, cores=cores))

    def batch_for(self, gain: float, P: float, world: float, bits: float, cores: float = 1.0) -> float:
        """The least batch whose step is `gain` times as fast as on one machine; inf where none is."""

        def fast_enough(rows: float) -> bool:
            return world * self.efficiency(P, rows, world, bits, cores) >= gain

        low, high = 1.0, 1e12
        if not fast_enough(high):
            return math.inf
        for _ in range(80):
            middle = math.sqrt(low * high)
            low, high = (low, middle) if fast_enough(middle) else (middle, high)
        return high
