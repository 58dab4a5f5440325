"""Ranks as threads of one process: a communicator to test with, which times out as a real one does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from clearprop.arrays import Array
from clearprop.engines.shards import Comm, Node, meet, partial_sums, require_own, require_shards
from clearprop.errors import CommunicationError, SpecificationError

_T = TypeVar("_T")


@dataclass
class Company:
    """What the threads of one run have in common."""

    world: int
    shards: int
    timeout: float
    boxes: list[dict[Node, Array]] = field(init=False)

    def __post_init__(self) -> None:
        require_shards(self.world, self.shards)
        self.boxes = [{} for _ in range(self.world)]
        self.gate = threading.Barrier(self.world)


@dataclass(frozen=True)
class Threads:
    """The communicator of one thread; see `engines.shards.Comm`."""

    company: Company
    rank: int

    @property
    def world(self) -> int:
        """Number of threads."""
        return self.company.world

    @property
    def shards(self) -> int:
        """Number of shards."""
        return self.company.shards

    def tree_sum(self, own: Mapping[int, Array]) -> Array:
        """Each thread lays down the sums of its subtrees, and each adds all of them up in the tree."""
        require_own(self, own)
        self.company.boxes[self.rank] = partial_sums(own, self.shards)
        self.barrier()
        sums = {node: array for box in self.company.boxes for node, array in box.items()}
        if len({(array.shape, array.dtype.str) for array in sums.values()}) > 1:
            raise SpecificationError("ranks gave arrays of several shapes or dtypes to one sum")
        total = meet(sums, (0, self.shards)).copy()
        self.barrier()  # nobody lays down the next before all have read these
        return total

    def barrier(self) -> None:
        """Wait for the other threads."""
        try:
            self.company.gate.wait(self.company.timeout)
        except threading.BrokenBarrierError:
            raise CommunicationError(
                f"rank {self.rank} waited for the others in vain (at most {self.company.timeout:g} s)"
            ) from None


def in_threads(world: int, shards: int, job: Callable[[Comm], _T], *, timeout: float = 60.0) -> list[_T]:
    """What a job gives on each of `world` ranks, which are threads.

    Raises
    ------
    Exception
        The first error of a rank that is not a CommunicationError (those are what the others see then),
        else the first of these.

    Examples
    --------
    >>> import numpy as np
    >>> in_threads(2, 3, lambda comm: float(comm.tree_sum(
    ...     {s: np.ones(1) for s in ([0], [1, 2])[comm.rank]})[0]))
    [3.0, 3.0]
    """
    company = Company(world, shards, timeout)
    results: dict[int, _T] = {}
    errors: list[BaseException] = []

    def run(rank: int) -> None:
        try:
            results[rank] = job(Threads(company, rank))
        except BaseException as error:
            errors.append(error)
            company.gate.abort()

    threads = [threading.Thread(target=run, args=(rank,), daemon=True) for rank in range(world)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise min(errors, key=lambda error: isinstance(error, CommunicationError))
    return [results[rank] for rank in range(world)]
