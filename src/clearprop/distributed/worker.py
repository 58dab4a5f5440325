"""`work`: what every worker of a distributed fit runs, whatever starts the workers and lets them meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from clearprop.engines.shards import Comm
from clearprop.training.progress import Moment

#: is told how far the run is, on rank 0 alone: at the end of each epoch and, between them, of each stretch
Report: TypeAlias = Callable[[Moment], Any]


@dataclass(frozen=True)
class Result:
    """What a distributed fit gives, as plain data that any transport can carry.

    Attributes
    ----------
    model : bytes
        The model file.
    digest : str
        Of the parameters at the end; the same for any number of workers.
    steps : int
    stopped : str
        Why training ended.
    """

    model: bytes
    digest: str
    steps: int
    stopped: str


def work(comm: Comm, plan: Any, folder: Path | None, report: Report) -> Result | None:
    """Take a rank's part of a distributed fit, from the files to the model.

    Parameters
    ----------
    comm : Comm
        With `comm.shards == plan.shards`. Every rank calls `work` with the same plan.
    plan : Plan
        Of `plan_distributed`; can be pickled. Its `threads` is for the engine of each rank.
    folder : Path or None
        Where rank 0, and it alone, commits where the run stands, every `plan.checkpoint_seconds` between two
        stretches of batches, and goes on from. What it holds is told to the other ranks by `comm`, so it has
        to be the same folder (a shared file system) only if another machine may become rank 0. None: the run
        cannot go on after a failure, and starts anew.
    report : callable
        Called on rank 0 with a `Moment`.

    Returns
    -------
    Result on rank 0, None on the others.

    Raises
    ------
    CommunicationError
        From `comm`, when ranks did not meet. Start the group again, with any number of workers from 1 to
        `plan.shards`: the run goes on from the last commit, to the bits of an undisturbed one.
    ClearpropError
        Any other is final (a corrupt file, a diverged run): another attempt would end alike. It is raised on
        every rank that meets the cause, maybe one alone; the others then see a CommunicationError.
    """
    raise NotImplementedError
