"""What the tests of fits on Ray share: a table, its plan, the marks of what needs Ray."""

import re

import numpy as np
import polars as pl
import pytest

from clearprop.distributed.plan import plan_distributed
from clearprop.distributed.worker import work
from clearprop.engines.shards import Alone
from clearprop.table_model.settings import Settings

SHARDS = 4
#: Ray warns of its own code; what our own code warns of is tested without it
ray_needed = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def slow(test):
    """Mark a test that needs Ray."""
    for mark in ray_needed:
        test = mark(test)
    return test


def write_table(folder, rows=6000):
    """Three files of four row groups each; the glob that finds them."""
    generator = np.random.default_rng(0)
    for k in range(3):
        x, colour = generator.normal(size=(rows // 3, 5)), generator.integers(0, 4, rows // 3)
        frame = pl.DataFrame(
            {
                **{f"x{j}": x[:, j] for j in range(5)},
                "colour": [f"colour {c}" for c in colour],
                "y": np.where(x[:, 0] * x[:, 1] + (colour - 1.5) * x[:, 2] > 0, "yes", "no"),
            }
        )
        frame.write_parquet(folder / f"part-{k}.parquet", row_group_size=rows // 12)
    return str(folder / "part-*.parquet")


def plan_of(source, epochs=3, **given):
    return plan_distributed(
        source,
        "y",
        shards=SHARDS,
        threads=1,
        checkpoint_seconds=0,  # a commit after every stretch of batches
        settings=Settings(epochs=epochs, batch_size=64, hidden=(16,)),
        **given,
    )


def alone(plan):
    """Digest of the parameters that one machine comes to."""
    return work(Alone(plan.shards), plan, None, lambda moment: None).digest


def starts(caplog):
    """Sizes of the groups that were started."""
    return [int(found[1]) for found in map(re.compile(r"a group of (\d+)").match, caplog.messages) if found]
