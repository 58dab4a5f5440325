"""A model of a step's time by many workers: a gradient, the wait for the slowest, a collective, an update.

    step(W) = gradient(m / W) * (1 + tail * (H_W - ln 2)) + collective(P, W) + update(P)
    gradient(n) = k * (start + write * P) + multiply * P * n     for n rows in k shards of P parameters
    collective = 0 with one worker, else 2 * wire + exchange + peer * (W - 1) + byte * 4P * crowd
    wire = latency + 4P * (W - 1) / W * 8 / bits                 in each of the two exchanges

H_W = 1 + 1/2 + ... + 1/W: of W times whose excess over the median is exponential, the longest is expected at
the median + scale * (H_W - ln 2). `crowd` is W / cores where ranks share the cores of one machine, else 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

REAL = 4  #: bytes of a float32


@dataclass(frozen=True)
class StepTime:
    """The coefficients, in seconds, of a machine and its network.

    Attributes
    ----------
    start : float
        Of a shard's gradient, whatever its size.
    write, multiply : float
        Of a gradient: a parameter, and a parameter and example; on one core.
    update : float
        Of the optimizer's step, a parameter.
    exchange, peer, byte : float
        Of a tree sum: whatever its size, each further worker, each byte.
    tail : float
        Mean excess of a gradient's time over the median, as a share of it.
    latency : float
        Of a message through the network.

    Examples
    --------
    >>> alone, ten = (MEASURED.step(1e6, 8192, world, 10e9) for world in (1, 10))
    >>> ten < alone
    True
    """

    start: float
    write: float
    multiply: float
    update: float
    exchange: float
    peer: float
    byte: float
    tail: float
    latency: float = 50e-6

    def gradient(self, P: float, rows: float, cores: float = 1.0, shards: float = 1.0) -> float:
        """Seconds of a worker's gradient; its `cores` are taken to share the products ideally."""
        return shards * (self.start + self.write * P / cores) + self.multiply * P * rows / cores

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
        shards: float = 1.0,
    ) -> float:
        """Seconds of a step of a batch of `rows`, each worker with so many shards."""
        gradient = self.gradient(P, rows / world, cores, shards) * crowd * self.slowest(world)
        return gradient + self.collective(P, world, bits, crowd) + self.update * P * crowd / cores

    def efficiency(self, P: float, rows: float, world: float, bits: float, cores: float = 1.0) -> float:
        """One machine's step over W times this one: 1 where no worker waits for anything."""
        one = self.step(P, rows, 1, cores=cores)
        return one / (world * self.step(P, rows, world, bits, cores=cores))


def least_rows(enough: Callable[[float], bool]) -> float:
    """The least number of rows for which something holds that holds for all more; inf where for none.

    >>> round(least_rows(lambda rows: rows >= 1234.0))
    1234
    """
    low, high = 1.0, 1e12
    if not enough(high):
        return math.inf
    for _ in range(80):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


#: of a two-core Xeon with AVX-512, as `python -m benchmarks.distributed` fits it
MEASURED = StepTime(
    start=8.8e-6,
    write=0.399e-9,
    multiply=32.8e-12,
    update=0.676e-9,
    exchange=133e-6,
    peer=160e-6,
    byte=1.70e-9,
    tail=0.0716,
)
