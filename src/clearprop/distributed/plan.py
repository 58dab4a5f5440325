"""The plan of a distributed fit: all that the run is a function of, small enough to hand to every worker."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from clearprop.distributed.dealing import Piece, deal
from clearprop.distributed.manifest import Manifest, read_manifest
from clearprop.engines.helpers import check_threads
from clearprop.errors import DataError, SpecificationError
from clearprop.formulas.optimizers import as_optimizer
from clearprop.table_model.settings import Settings
from clearprop.table_model.streaming import require_in_pieces
from clearprop.tables.deciding import Task
from clearprop.training.checkpoint import SECONDS
from clearprop.training.stopping import StoppingRules, require_number, require_whole

SHARDS = 16  #: unless the user says otherwise
MOST_SHARDS = 4096


@dataclass(frozen=True)
class Plan:
    """A distributed fit before anything is read; `plan_distributed` makes one.

    Attributes
    ----------
    manifest : Manifest
    dealt : tuple of tuples of Piece
        Of each of the S shards.
    targets, exclude : tuple of str
    task, test, settings
        As in `fit_stream`.
    threads : int or None
        Of the engine on each rank; no bit depends on it.
    checkpoint_seconds : float
        From one commit to the next at least; 0 for every stretch of batches.
    spool : str or None
        Folder on each worker's machine for its encoded rows; None for the system's.
    """

    manifest: Manifest
    dealt: tuple[tuple[Piece, ...], ...]
    targets: tuple[str, ...]
    task: Task | None = None
    exclude: tuple[str, ...] = ()
    test: float | None = None
    settings: Settings = field(default_factory=Settings)
    threads: int | None = None
    checkpoint_seconds: float = SECONDS
    spool: str | None = None

    @property
    def shards(self) -> int:
        """Logical shards, S."""
        return len(self.dealt)

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that may be features, in the files' order."""
        return tuple(name for name in self.manifest.names if name not in (*self.targets, *self.exclude))

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON types: the record of the plan, without what changes no bit."""
        settings = {each.name: getattr(self.settings, each.name) for each in fields(self.settings)}
        record = {
            "manifest": self.manifest.to_dict(),
            "shards": self.shards,
            "dealt": [[[piece.group, piece.first, piece.last] for piece in each] for each in self.dealt],
            "target": list(self.targets),
            "exclude": list(self.exclude),
            "task": self.task,
            "test": self.test,
            "settings": settings,
        }
        plain: dict[str, Any] = json.loads(json.dumps(record, default=_plain))
        return plain

    @property
    def data(self) -> str:
        """Digest of what the rows are a function of: the files, how they are dealt, and what is learnt."""
        record = {
            name: value
            for name, value in self.to_dict().items()
            if name not in ("manifest", "settings", "task")  # these are in the checkpoint's own record
        }
        return hashlib.sha256(json.dumps([self.manifest.digest, record]).encode()).hexdigest()[:16]


def plan_distributed(
    source: Any,
    target: str | Sequence[str],
    *,
    shards: int = SHARDS,
    task: Task | None = None,
    exclude: Iterable[str] = (),
    test: float | None = None,
    settings: Settings | None = None,
    threads: int | None = None,
    checkpoint_seconds: float = SECONDS,
    spool: str | os.PathLike[str] | None = None,
) -> Plan:
    """Read the footers of Parquet files, and deal their row groups to the shards; see `fit_distributed`.

    Examples
    --------
    >>> import tempfile, polars as pl
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": ["a", "b", "a", "b"]})
    ...     frame.write_parquet(Path(folder) / "a.parquet", row_group_size=2)
    ...     plan = plan_distributed(folder + "/a.parquet", "y", shards=2)
    >>> plan.shards, plan.features, [piece.rows for pieces in plan.dealt for piece in pieces]
    (2, ('x',), [2, 2])
    """
    settings = settings or Settings()
    require_in_pieces(settings)
    if settings.threshold is not None:
        raise SpecificationError("a threshold needs the table in memory; leave it out")
    rule = as_optimizer(settings.optimizer)
    if not rule.step:
        raise SpecificationError(
            f"{rule.title} takes all rows at once, which are dealt to workers here; use AdamW or SGD"
        )
    if settings.batch_size != "auto":
        require_whole("batch_size", settings.batch_size)
    epochs = 1 if settings.epochs == "auto" else settings.epochs
    StoppingRules(epochs, settings.patience, time_budget=settings.time_budget)  # each value is looked at
    require_whole("shards", shards)
    if shards > MOST_SHARDS:
        raise SpecificationError(f"shards is a whole number from 1 to {MOST_SHARDS}, not {shards!r}")
    require_number("checkpoint_seconds", checkpoint_seconds, zero=True)
    check_threads(threads)
    manifest = read_manifest(source)
    names = (target,) if isinstance(target, str) else tuple(target)
    passed = (exclude,) if isinstance(exclude, str) else tuple(sorted(set(exclude or ())))
    manifest.require_columns((*names, *passed))
    if len(set(names)) < len(names):
        raise DataError(f"the target columns are {list(names)}; name each of them once")
    return Plan(
        manifest,
        deal(manifest, int(shards)),
        names,
        task,
        passed,
        test,
        settings,
        threads,
        float(checkpoint_seconds),
        None if spool is None else os.path.abspath(spool),  # noqa: PTH100 - workers have other folders
    )


def _plain(value: Any) -> Any:
    """A row of formulas as plain data, NumPy's numbers as Python's; else what a value says of itself."""
    if isinstance(value, np.generic):
        return value.item()
    return value.to_dict() if hasattr(value, "to_dict") else repr(value)
