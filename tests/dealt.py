"""Parquet files, plans and communicators that the tests of distributed fits share."""

from __future__ import annotations

import numpy as np
import polars as pl

from clearprop.datasets import penguins_path
from clearprop.distributed.plan import plan_distributed
from clearprop.distributed.threads import in_threads
from clearprop.distributed.worker import work
from clearprop.engines.shards import Alone
from clearprop.errors import CommunicationError
from clearprop.table_model import Settings

SETTINGS = Settings(hidden=(8,), epochs=3, seed=3, batch_size=32)


def write_penguins(folder):
    """The shipped table in two files of several row groups, all of them uneven."""
    frame = pl.read_csv(penguins_path(), null_values="NA")
    frame[:200].write_parquet(folder / "a.parquet", row_group_size=30)
    frame[200:].write_parquet(folder / "b.parquet", row_group_size=50)
    return str(folder / "*.parquet")


def write_mixed(folder, rows=400):
    """Numbers, texts, booleans and dates, with gaps; sorted by the number to predict."""
    rng = np.random.default_rng(rows)
    x = np.sort(rng.normal(size=rows))
    days = np.datetime64("2020-01-01") + rng.integers(0, 900, rows).astype("timedelta64[D]")
    frame = pl.DataFrame(
        {
            "x": np.where(rng.random(rows) < 0.1, np.nan, x),
            "whole": rng.integers(-5, 5, rows),
            "kind": rng.choice(["a", "b", "c"], rows),
            "yes": rng.random(rows) < 0.3,
            "day": days.astype("datetime64[us]"),
            "y": x + 0.1 * rng.normal(size=rows),
        }
    ).with_columns(pl.col("x").fill_nan(None), pl.when(pl.col("whole") > 3).then(None).otherwise("kind"))
    for k, rows_of in enumerate(np.array_split(np.arange(rows), 3)):
        frame[rows_of].write_parquet(folder / f"{k}.parquet", row_group_size=37 + k)
    return str(folder / "*.parquet")


def planned(source, target="species", *, shards=5, settings=SETTINGS, **more):
    return plan_distributed(source, target, shards=shards, settings=settings, checkpoint_seconds=0.0, **more)


def nothing(_moment):
    """Reports go nowhere."""


def fitted(plan, world=1, folder=None, wrap=lambda comm: comm):
    """The result of a plan on so many ranks; with more than one, threads of this process."""
    if world == 1:
        return work(wrap(Alone(plan.shards)), plan, folder, nothing)
    return in_threads(world, plan.shards, lambda comm: work(wrap(comm), plan, folder, nothing))[0]


class Wrapped:
    """A communicator around another, for what goes wrong with one."""

    def __init__(self, comm):
        self.comm, self.rank, self.world, self.shards = comm, comm.rank, comm.world, comm.shards
        self.calls = 0

    def tree_sum(self, own):
        self.calls += 1
        return self.comm.tree_sum(own)

    def barrier(self):
        self.comm.barrier()


class Breaking(Wrapped):
    """Loses a rank at its n-th sum."""

    def __init__(self, comm, at, rank=0):
        super().__init__(comm)
        self.at = at if comm.rank == rank else -1

    def tree_sum(self, own):
        if self.calls == self.at:
            raise CommunicationError("a rank was lost")
        return super().tree_sum(own)


class ByRank(Wrapped):
    """Adds what each rank has, rank by rank: the order that a plain all-reduce has."""

    def tree_sum(self, own):
        first = min(own)
        mine = np.sum([own[shard] for shard in own], axis=0, dtype=own[first].dtype)
        return super().tree_sum({s: mine if s == first else np.zeros_like(mine) for s in own})


class Astray(Wrapped):
    """Gives one rank other last bits than the others."""

    def tree_sum(self, own):
        total = super().tree_sum(own)
        if self.rank == 1 and total.dtype == np.float32:
            total = np.where(total != 0, np.nextafter(total, np.float32(9)), total)
        return total
