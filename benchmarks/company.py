"""Many networks one after another and together on two threads, in alternation: the ratio, and the same bits.

python benchmarks/company.py [--networks 64] [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np

import clearprop as cp

ROWS, EPOCHS, THREADS = 4096, 20, 2
NETWORKS = {"S": ((10, 32, 2), 32), "M": ((64, 128, 128, 10), 128)}


def setting(widths: tuple[int, ...], batch_size: int) -> dict[str, Any]:
    """What the networks have in common."""
    rng = np.random.default_rng(0)
    hidden = [cp.Dense(n, "relu") for n in widths[1:-1]]
    return {
        "network": cp.Network(widths[0], [*hidden, cp.Dense(widths[-1], "softmax")]),
        "X": rng.standard_normal((ROWS, widths[0])).astype(np.float32),
        "Y": rng.integers(0, widths[-1], ROWS),
        "batch_size": batch_size,
        "epochs": EPOCHS,
        "progress": False,
    }


def one_after_another(given: dict[str, Any], networks: int) -> list[cp.Model]:
    """Each with one thread."""
    return [cp.train(**given, seed=k, threads=1) for k in range(networks)]


def side_by_side(given: dict[str, Any], networks: int) -> list[cp.Model]:
    """All in one company."""
    return cp.train_many([{"seed": k} for k in range(networks)], threads=THREADS, **given)


def main() -> None:
    """Print seconds, processor seconds, ratios and whether the bits are the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    ways = (one_after_another, side_by_side)
    for name, (widths, batch_size) in NETWORKS.items():
        given = setting(widths, batch_size)
        side_by_side(given, 2)  # may compile
        taken: dict[Any, list[float]] = {way: [] for way in ways}
        worked: dict[Any, list[float]] = {way: [] for way in ways}
        thetas = {}
        for _ in range(asked.rounds):
            for way in ways:
                began, work = time.perf_counter(), time.process_time()
                thetas[way] = [model.theta.flat for model in way(given, asked.networks)]
                taken[way].append(time.perf_counter() - began)
                worked[way].append(time.process_time() - work)
        ratios = [two / one for one, two in zip(*taken.values(), strict=True)]
        same = all(map(np.array_equal, *thetas.values()))
        print(f"{name} {'-'.join(map(str, widths))}: {asked.networks} networks, {asked.rounds} rounds")
        for way in ways:
            best, median, cpu = min(taken[way]), statistics.median(taken[way]), min(worked[way])
            words = way.__name__.replace("_", " ")
            print(f"  {words:18} best {best:.3f} s, median {median:.3f} s; processor time {cpu:.3f} s")
        best = min(taken[side_by_side]) / min(taken[one_after_another])
        print(
            f"  together / one after another: best of each {best:.2f}, "
            f"median {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}); "
            f"same bits: {same}"
        )


if __name__ == "__main__":
    main()
