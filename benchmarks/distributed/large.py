"""Parquet that is larger than the memory of its workers: python -m benchmarks.distributed.large [GIGABYTES].

Writes random numbers to a temporary folder (TMPDIR; half as much again is spooled there), learns them by two
workers on Ray, and prints the largest memory that a worker ever held.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

COLUMNS, GROUP, GROUPS = 100, 20_000, 16  #: of a file: 16 row groups of 16 MB


def write(folder: Path, gigabytes: float) -> int:
    """Files of random numbers; their bytes."""
    import polars as pl

    generator, written, number = np.random.default_rng(0), 0, 0
    while written < gigabytes * 1e9:
        x = generator.normal(size=(GROUP * GROUPS, COLUMNS))
        frame = pl.DataFrame(x, schema=[f"x{j}" for j in range(COLUMNS)])
        frame = frame.with_columns(pl.Series("y", np.where(x[:, 0] * x[:, 1] > 0, "yes", "no")))
        path = folder / f"part-{number:03}.parquet"
        frame.write_parquet(path, row_group_size=GROUP, compression="uncompressed")
        written, number = written + path.stat().st_size, number + 1
    return written


class Watch(threading.Thread):
    """Looks at the workers' memory until told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.done = threading.Event()
        self.peaks: dict[int, int] = {}

    def run(self) -> None:
        """Take down the peaks of all workers, by process, in kB."""
        while not self.done.wait(0.5):
            for folder in Path("/proc").glob("[0-9]*"):
                with suppress(OSError, StopIteration):
                    if (folder / "cmdline").read_bytes().startswith(b"ray::RayTrainWorker"):
                        lines = (folder / "status").read_text().splitlines()
                        peak = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
                        self.peaks[int(folder.name)] = int(peak)


def main() -> None:
    """Write, learn, and print."""
    import clearprop as cp
    from clearprop.distributed.plan import plan_distributed
    from clearprop.distributed.ray_launcher import launch

    logging.basicConfig(level=logging.WARNING)
    gigabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    with tempfile.TemporaryDirectory() as folder:
        written = write(Path(folder), gigabytes)
        settings = cp.Settings(hidden=(32,), epochs=1, batch_size=1024)
        plan = plan_distributed(
            f"{folder}/*.parquet", "y", shards=4, threads=1, settings=settings, spool=folder
        )
        watch = Watch()
        watch.start()
        began = time.perf_counter()
        result = launch(plan, address="local", workers=(2, 2), progress=False)
        seconds = time.perf_counter() - began
        watch.done.set()
    size = f"{written / 1e9:.2f} GB of Parquet, {plan.manifest.rows:,} rows"
    print(f"{size}: {result.steps:,} steps, {seconds:.0f} s")
    print(
        "most memory of a worker:", ", ".join(f"{peak * 1024 / 1e6:,.0f} MB" for peak in watch.peaks.values())
    )


if __name__ == "__main__":
    main()
