"""One rank, as a process of its own: python -m benchmarks.distributed.rank PLACE RANK WORLD JOB.

The job is JSON: sizes of sums to time, and steps of a network to time; rank 0 prints the seconds as JSON.
The least of the repeats counts, as other work on a shared machine only adds to them.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

import clearprop as cp
from clearprop.distributed.gloo import meeting_at
from clearprop.engines import engine_for
from clearprop.engines.protocol import OptimizerState
from clearprop.engines.shards import Comm, owned


def network_of(widths: Sequence[int]) -> cp.Network:
    """A classifier of these widths, inputs first, classes last."""
    inputs, *hidden, classes = widths
    layers = [*(cp.Dense(units, "relu") for units in hidden), cp.Dense(classes, "softmax")]
    return cp.Network(inputs, layers, loss="cross_entropy")


def seconds_of(act: Callable[[], object], repeats: int, comm: Comm | None = None) -> list[float]:
    """Seconds of each call, after one that is not counted; ranks begin together."""
    found = []
    for k in range(repeats + 1):
        if comm is not None:
            comm.barrier()
        began = time.perf_counter()
        act()
        if k:
            found.append(time.perf_counter() - began)
    return found


def time_sums(comm: Comm, sizes: Sequence[int], repeats: int) -> list[dict[str, Any]]:
    """Seconds of a tree sum of float32 numbers, a shard for each rank."""
    found = []
    for size in sizes:
        own = {s: np.ones(size, np.float32) for s in owned(comm.rank, comm.world, comm.shards)}
        taken = seconds_of(lambda own=own: comm.tree_sum(own), repeats, comm)
        found.append({"world": comm.world, "parameters": size, "seconds": min(taken)})
    return found


def time_steps(
    comm: Comm | None,
    widths: Sequence[int],
    rows: int,
    repeats: int,
    world: int,
    rank: int,
    threads: int = 1,
) -> dict[str, Any]:
    """Seconds of a step, and of its parts, with the batch's `rows` dealt to the ranks."""
    network, rule = network_of(widths), cp.Adam(1e-4)
    engine = engine_for("compiled", network, dtype=np.dtype(np.float32), optimizer=rule, threads=threads)
    theta = network.initialize(0, np.float32).flat.copy()
    state = OptimizerState.fresh(network, np.float32)
    own = rows * (rank + 1) // world - rows * rank // world
    generator = np.random.default_rng(rank)
    X = generator.normal(size=(own, widths[0])).astype(np.float32)
    Y = np.eye(widths[-1], dtype=np.float32)[generator.integers(0, widths[-1], own)]
    scale = np.full(own, 1 / rows, np.float32)

    def gradient() -> Any:
        return engine.gradient_sum(theta, X, Y, scale)[1]

    def step() -> None:
        found = gradient()
        if comm is not None:
            found = comm.tree_sum({rank: found})
        engine.update(theta, found, state, 1e-4)

    given = gradient()
    alone = world == 1 and threads == 1
    return {
        "world": world,
        "parameters": network.n_parameters,
        "rows": rows,
        "gradient": seconds_of(gradient, repeats) if alone else [],
        "update": seconds_of(lambda: engine.update(theta, given, state, 1e-4), repeats) if alone else [],
        "step": min(seconds_of(step, repeats, comm)),
    }


def main() -> None:
    """Take part, and print what rank 0 measured."""
    place, rank, world, job = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
    if world == 1:
        threads = job.get("threads", 1)
        steps = [time_steps(None, *given, world=1, rank=0, threads=threads) for given in job["steps"]]
        found = {"steps": steps, "sums": []}
    else:
        with meeting_at(place, rank, world, world, timeout=300) as comm:
            found = {
                "sums": time_sums(comm, job["sizes"], job["repeats"]),
                "steps": [time_steps(comm, *given, world=world, rank=rank) for given in job["steps"]],
            }
            comm.barrier()
    if rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
