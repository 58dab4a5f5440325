"""`clearprop train` for tables larger than memory, which are read in pieces."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clearprop.cli.console import Screen
from clearprop.cli.learning import Learning
from clearprop.distributed.room import memory
from clearprop.errors import DataError
from clearprop.tables.opening import STDIN, named_files
from clearprop.words import plural

if TYPE_CHECKING:
    from clearprop.table_model import TableModel

SHARE = 0.25  #: of the memory there is, from which a table's files are read in pieces


def is_larger_than_memory(data: Sequence[str]) -> bool:
    """Whether the files are so large that a table of them would fill a quarter of the memory there is."""
    paths = [path for each in data if each not in (STDIN, "penguins") for path in named_files(each)]
    size = sum(Path(path).stat().st_size for path in paths if Path(path).is_file())
    return size > SHARE * memory()


def train_in_pieces(
    data: Sequence[str], learning: Learning, test: float | None, screen: Screen, unused: Sequence[str]
) -> TableModel:
    """Learn a table in pieces, saying what is done; `unused` are options that need it in memory."""
    from clearprop.table_model.streaming import plan_stream, train_stream
    from clearprop.table_model.telling import network_in_words, training_in_words
    from clearprop.tables.scanning import scan_table

    rows = learning.rows()
    given = [*unused, *(f"--{name}" for name in ("weight", "group", "time") if getattr(learning, name))]
    if given:
        raise DataError(
            f"{', '.join(given)}: not with a table that is read in pieces; leave that out, or say --no-stream"
        )
    settings = learning.settings()
    with tempfile.TemporaryDirectory(prefix="clearprop-") as spool:
        scanned = scan_table(list(data), Path(spool))
        screen.heading("Data")
        screen.line(
            f"{scanned.source}: {plural(scanned.n_rows, 'row')}, {plural(len(scanned.names), 'column')}, "
            "read in pieces"
        )
        plan = plan_stream(
            scanned,
            learning.target,
            task=rows.get("task"),
            exclude=rows.get("exclude") or (),
            test=test,
            settings=settings,
        )
        for notice in plan.notices:
            screen.line(f"note: {notice}")
        screen.heading(f"Columns ({plural(len(plan.encoder.feature_names), 'input')} for the network)")
        for row in plan.encoder.describe():
            screen.line(f"{row.column}: {row.encoding}")
        screen.heading("Target")
        screen.line(plan.target.reason)
        screen.heading("Split")
        held = f"{int(plan.test.sum()):,} held out to judge the result"
        chosen = f"{int(plan.validation.sum()):,} to choose the best epoch (drawn, seed {settings.seed})"
        screen.line(f"{plural(plan.rows, 'row')} to train on, {held}, {chosen}")
        screen.heading("Network")
        screen.line(network_in_words(plan.network))
        size, epochs = settings.batch_size_for(plan.rows), settings.epochs_for(plan.rows)
        screen.line(training_in_words(settings.optimizer_for(plan.rows), size, epochs, settings.dtype))
        screen.heading("Training")
        screen.close()
        return train_stream(plan, Path(spool), progress=screen.shown)
