"""`fit_distributed`: one call for a fit whose bits do not depend on how many workers share it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from clearprop.distributed.plan import SHARDS, Plan, plan_distributed
from clearprop.distributed.politeness import require_worth
from clearprop.distributed.worker import Result, work
from clearprop.engines.shards import Alone, require_shards
from clearprop.errors import SpecificationError
from clearprop.table_model.model import TableModel, warn_of
from clearprop.table_model.settings import Settings
from clearprop.tables.deciding import Task
from clearprop.training.checkpoint import SECONDS
from clearprop.training.progress import progress_on
from clearprop.training.stopping import require_whole


def fit_distributed(
    source: Any,
    target: str | Sequence[str],
    *,
    settings: Settings | None = None,
    shards: int = SHARDS,
    workers: int | tuple[int, int] = 1,
    address: str | None = None,
    checkpoint_dir: str | os.PathLike[str] | None = None,
    checkpoint_seconds: float = SECONDS,
    max_failures: int = 5,
    task: Task | None = None,
    exclude: Iterable[str] = (),
    test: float | None = None,
    threads: int | None = None,
    spool: str | os.PathLike[str] | None = None,
    force: bool = False,
    progress: bool = False,
) -> TableModel:
    """Learn to predict columns of Parquet files, by any number of workers, to the same bits.

    The rows are dealt to S logical shards; a batch's gradient is the sum of its shards' in one
    fixed tree. So the result is a function of the files, the settings and S: one process, and 1 to S workers
    of a cluster, give the same parameters bit for bit on one CPU kind. Encodings equal `fit_stream`'s.

    Parameters
    ----------
    source : str, path or list of these
        Parquet files, patterns such as "data/*.parquet", or URLs ("s3://bucket/data/*.parquet"). With
        `address`, every worker must find them by the same names.
    target, task, exclude, test, settings
        As in `fit_stream`; `test` and `validation` hold out 100,000 rows at most.
    shards : int
        S: a setting of the run, kept in the model. Another S gives other bits.
    workers : int or (int, int)
        Workers, or the fewest and the most; at most S. Without `address`, 1: this process.
    address : str, optional
        Of a Ray cluster ("auto", "host:port", or "local" for one of its own; extra `ray`); None runs in this
        process.
    checkpoint_dir : path, optional
        A folder where the run commits where it stands; the same call goes on from there, to the bits of an
        undisturbed run. With `address`, one that every machine sees by this name: any may become the first.
    checkpoint_seconds : float
        From one commit to the next at least; 0 commits after each stretch of batches.
    max_failures : int
        Times that a group of workers is started again after one was lost.
    threads : int, optional
        Of each worker; no bit depends on it.
    spool : path, optional
        Where each worker's encoded rows lie while training runs, about 4 bytes a number; else the system's.
    force : bool
        Go on where one machine would do, and do it faster; else that is refused, with the arithmetic.
    progress : bool

    Raises
    ------
    DataError, SpecificationError
        When files or settings cannot be used; a corrupt row group is named with its file.
    CommunicationError
        When workers were lost more often than `max_failures`.

    Warns
    -----
    UserWarning
        As `fit_stream`.

    Examples
    --------
    >>> import tempfile, polars as pl
    >>> from clearprop.datasets import penguins_path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     penguins = pl.read_csv(penguins_path(), null_values="NA")
    ...     penguins.write_parquet(folder + "/penguins.parquet", row_group_size=50)
    ...     model = fit_distributed(folder + "/*.parquet", "species", test=0.25, shards=4)
    >>> model.evaluation.metrics["accuracy"] > 0.9, model.model.record.shards
    (True, 4)
    """
    plan = plan_distributed(
        source,
        target,
        shards=shards,
        task=task,
        exclude=exclude,
        test=test,
        settings=settings,
        threads=threads,
        checkpoint_seconds=checkpoint_seconds,
        spool=spool,
    )
    result = run_plan(
        plan,
        workers=workers,
        address=address,
        checkpoint_dir=checkpoint_dir,
        max_failures=max_failures,
        force=force,
        progress=progress,
    )
    warn_of(plan.manifest.source, result.notices, level=3)
    return result.table_model()


def run_plan(
    plan: Plan,
    *,
    workers: int | tuple[int, int] = 1,
    address: str | None = None,
    checkpoint_dir: str | os.PathLike[str] | None = None,
    max_failures: int = 5,
    force: bool = False,
    progress: bool = False,
) -> Result:
    """Take a plan to its end; see `fit_distributed`."""
    fewest, most = bounds_of(workers, plan.shards)
    require_whole("max_failures", max_failures, zero=True)
    folder = _folder(checkpoint_dir)
    if address is None:
        if most > 1:
            raise SpecificationError(
                f'{most} workers need a cluster: name its address= ("auto" for the Ray of this machine), or '
                "ask for one worker, which gives the same bits"
            )
        with progress_on(progress) as shown:
            result = work(Alone(plan.shards), plan, folder, shown.show)
        assert result is not None  # noqa: S101 - rank 0 of one
        return result
    if not force:
        require_worth(plan, most)
    return _launched(
        plan,
        address=address,
        workers=(fewest, most),
        checkpoint_dir=folder,
        max_failures=max_failures,
        progress=progress,
    )


def _folder(checkpoint_dir: str | os.PathLike[str] | None) -> Path | None:
    """The folder, absolute, as workers have other working folders."""
    if checkpoint_dir is None:
        return None
    if not os.fspath(checkpoint_dir) or "://" in os.fspath(checkpoint_dir):
        raise SpecificationError(
            f"checkpoint_dir is a folder of a file system that the workers share, not {checkpoint_dir!r}; "
            "name one that is mounted"
        )
    return Path(checkpoint_dir).absolute()


def bounds_of(workers: int | tuple[int, int], shards: int) -> tuple[int, int]:
    """The fewest and the most workers.

    >>> bounds_of(3, 16), bounds_of((2, 8), 16)
    ((3, 3), (2, 8))
    """
    fewest, most = workers if isinstance(workers, tuple | list) and len(workers) == 2 else (workers, workers)
    require_whole("workers", fewest)
    require_whole("workers", most)
    if fewest > most:
        raise SpecificationError(f"workers are the fewest and the most, such as (2, 16), not {workers!r}")
    require_shards(int(most), shards)
    return int(fewest), int(most)


def _launched(plan: Plan, **options: Any) -> Result:
    """The result of a cluster's workers."""
    try:
        launcher = importlib.import_module("clearprop.distributed.ray_launcher")
    except ImportError as error:
        raise SpecificationError(
            f'a fit on Ray needs {error.name}, which is not installed; pip install "clearprop[ray]"'
        ) from None
    result: Result = launcher.launch(plan, **options)
    return result
