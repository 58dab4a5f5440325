"""`clearprop train --ray`: Parquet files learnt by the workers of a cluster, with the bits of one process."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clearprop.cli.console import Screen, complain
from clearprop.cli.learning import Learning
from clearprop.errors import DataError, SpecificationError
from clearprop.words import plural

if TYPE_CHECKING:
    from clearprop.table_model import TableModel

_WORKERS = re.compile(r"(\d+)(?::(\d+))?$")


def workers_of(text: str) -> tuple[int, int]:
    """The fewest and the most workers, from "4" or "2:16".

    >>> workers_of("4"), workers_of("2:16")
    ((4, 4), (2, 16))
    """
    found = _WORKERS.match(text.strip())
    if found is None:
        raise SpecificationError(
            f"--workers is their number, or the fewest and the most as 2:16, not {text!r}"
        )
    fewest, most = found.groups()
    return int(fewest), int(most or fewest)


def train_on_ray(
    data: Sequence[str],
    learning: Learning,
    test: float | None,
    screen: Screen,
    unused: Sequence[str],
    *,
    address: str,
    workers: str | None,
    shards: int | None,
    checkpoint: Path | None,
    threads: int | None,
    force: bool,
) -> TableModel:
    """Learn Parquet files on a cluster, saying what is done; `unused` are options that it has no use for."""
    from clearprop.distributed.fitting import run_plan
    from clearprop.distributed.plan import SHARDS, plan_distributed
    from clearprop.table_model.telling import network_in_words

    rows = learning.rows()
    given = [*unused, *(f"--{name}" for name in ("weight", "group", "time") if getattr(learning, name))]
    if given:
        raise DataError(f"{', '.join(given)}: not with --ray; leave that out, or train on one machine")
    bounds = workers_of(workers or "1")
    plan = plan_distributed(
        list(data),
        learning.target,
        shards=SHARDS if shards is None else shards,
        task=rows.get("task"),
        exclude=rows.get("exclude") or (),
        test=test,
        settings=learning.settings(),
        threads=threads,
    )
    manifest = plan.manifest
    screen.heading("Data")
    screen.line(
        f"{manifest.source}: {plural(manifest.rows, 'row')}, {plural(len(manifest.names), 'column')}, "
        f"{plural(len(manifest.row_groups), 'row group')}, dealt to {plural(plan.shards, 'shard')}"
    )
    screen.heading("Training")
    shown = str(bounds[0]) if bounds[0] == bounds[1] else f"{bounds[0]} to {bounds[1]}"
    screen.line(f"by {shown} {'worker' if shown == '1' else 'workers'} of the Ray cluster {address!r}")
    screen.close()
    with _told(screen, checkpoint):
        result = run_plan(
            plan,
            workers=bounds,
            address=address,
            checkpoint_dir=checkpoint,
            force=force,
            progress=screen.shown,
        )
    model = result.table_model()
    for notice in result.notices:
        screen.line(f"note: {notice}")
    screen.line(network_in_words(model.network))
    return model


@contextmanager
def _told(screen: Screen, checkpoint: Path | None) -> Iterator[None]:
    """Say what becomes of the groups of workers, and where an interrupted run stands."""
    log, handler = logging.getLogger("clearprop"), logging.StreamHandler()
    before = log.level
    if screen.shown:
        log.addHandler(handler)
        log.setLevel(logging.INFO)
    try:
        yield
    except KeyboardInterrupt:
        if checkpoint is not None:
            complain(f"the same command goes on from the last commit in {str(checkpoint)!r}")
        raise
    finally:
        log.removeHandler(handler)
        log.setLevel(before)
