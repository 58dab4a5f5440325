"""What a shard costs on one machine: an epoch of `fit_distributed` by S, beside one of `fit_stream`.

python benchmarks/shards.py [--rows 300000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

import clearprop as cp

NUMBERS, FILES, EPOCHS, TEST = 20, 4, 3, 0.1
SHARDS = (1, 4, 16, 64)
SETTINGS = cp.Settings(epochs=EPOCHS, batch_size=256, seed=1, validation=None)


def write(folder: Path, rows: int) -> str:
    """A table of numbers and a text, whose target is the sign of a product."""
    rng = np.random.default_rng(0)
    for k in range(FILES):
        X = rng.normal(size=(rows // FILES, NUMBERS))
        columns = {f"x{j}": X[:, j] for j in range(NUMBERS)}
        columns["text"] = rng.choice(list("abcdefgh"), len(X))
        columns["y"] = (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(np.int64)
        pl.DataFrame(columns).write_parquet(folder / f"{k}.parquet", row_group_size=20_000)
    return str(folder / "*.parquet")


def epoch_seconds(model: cp.TableModel) -> float:
    """Of an epoch after the first, whose numbers are still being read."""
    seconds = model.history["seconds"]
    return float(seconds[-1] - seconds[0]) / (len(seconds) - 1)


def main() -> None:
    """Print seconds an epoch, the ratio to `fit_stream`, and the accuracy on the rows held out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = write(Path(folder), asked.rows)
        ways: dict[str, Callable[[], cp.TableModel]] = {
            "fit_stream": lambda: cp.fit_stream(source, "y", test=TEST, settings=SETTINGS, threads=1)
        }
        for shards in SHARDS:
            ways[f"S = {shards}"] = lambda shards=shards: cp.fit_distributed(
                source, "y", test=TEST, settings=SETTINGS, shards=shards, threads=1
            )
        taken: dict[str, list[float]] = {name: [] for name in ways}
        scores = {}
        for _ in range(asked.rounds):
            for name, way in ways.items():
                model = way()
                taken[name].append(epoch_seconds(model))
                assert model.evaluation is not None
                scores[name] = model.evaluation.metrics["accuracy"]
    print(f"{asked.rows} rows, batches of 256, 64-64 silu, float32, one thread, {asked.rounds} rounds")
    for name, seconds in taken.items():
        ratios = [own / first for own, first in zip(seconds, taken["fit_stream"], strict=True)]
        print(
            f"  {name:10} {statistics.median(seconds):.3f} s an epoch; {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f}) of fit_stream; accuracy {scores[name]:.4f}"
        )


if __name__ == "__main__":
    main()
