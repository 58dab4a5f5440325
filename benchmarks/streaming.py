"""Rows a second from buckets on disk beside rows in memory, the same network on the same rows, one core.

python benchmarks/streaming.py [ROWS]
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import clearprop as cp
from clearprop.engines.examples import check_targets
from clearprop.training.buckets import Buckets
from clearprop.training.streaming import train_buckets

EPOCHS, ROUNDS, COLUMNS = 3, 3, 50


def main() -> None:
    """Train in memory and from buckets in turn, and print the ratio of their medians."""
    rows = int(float(sys.argv[1])) if len(sys.argv) > 1 else 1_000_000
    generator = np.random.default_rng(0)
    X = generator.normal(size=(rows, COLUMNS)).astype(np.float32)
    y = (X[:, 0] + np.sin(3 * X[:, 1]) > 0).astype(int)
    network = cp.Network(COLUMNS, [cp.Dense(64, "silu"), cp.Dense(64, "silu"), cp.Dense(1, "sigmoid")])
    given = {"optimizer": cp.AdamW(3e-3), "batch_size": 256, "epochs": EPOCHS, "seed": 0, "progress": False}
    initial = network.initialize(0, np.float32)
    cp.train(network, X[:1000], y[:1000], **given)  # compiles
    memory, disk = [], []
    with tempfile.TemporaryDirectory() as folder:
        buckets = Buckets.for_rows(Path(folder), rows, COLUMNS, 1, np.dtype(np.float32), 0)
        for first in range(0, rows, 65_536):
            piece = slice(first, first + 65_536)
            numbers = np.arange(first, min(first + 65_536, rows))
            Y = check_targets(network, y[piece], len(numbers), np.float32)
            buckets.add(X[piece], Y, numbers)
        buckets.close()
        for _ in range(ROUNDS):
            began = time.perf_counter()
            run = cp.train(network, X, y, initial=initial, **given)
            memory.append(time.perf_counter() - began)
            began = time.perf_counter()
            streamed = train_buckets(network, buckets, None, initial=initial, dtype=np.float32, **given)
            disk.append(time.perf_counter() - began)
    print(f"{rows:,} rows x {COLUMNS}, {buckets.count} buckets, {EPOCHS} epochs, medians of {ROUNDS} rounds")
    print(f"losses: {run.history['loss'][-1]:.4f} in memory, {streamed.history['loss'][-1]:.4f} from disk")
    seconds = [statistics.median(times) for times in (memory, disk)]
    speeds = [f"{EPOCHS * rows / each:,.0f}" for each in seconds]
    print(f"rows a second: {speeds[0]} in memory, {speeds[1]} from disk")
    print(f"from disk / in memory: {seconds[0] / seconds[1]:.2f}")


if __name__ == "__main__":
    main()
