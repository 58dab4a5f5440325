"""Ranks as processes, on any machines: torch.distributed's gloo carries, and the fixed tree adds.

What is subtle is what we do not use: gloo's own all-reduce adds in an order that depends on the number of
ranks, so its bits would, too. Here an exchange, in which every rank sends a piece to every other, is all that
gloo does. A long array is cut into a slice for each rank: slices go to their adders, each adder adds its own
in the tree over the shards, and a second exchange brings all sums to all. A short one goes to everybody
whole, and everybody adds all of it: one exchange less, the same bits.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.shards import Node, meet, owned, partial_sums, require_own, require_shards, subtrees
from clearprop.errors import CommunicationError, SpecificationError

SECONDS = 120.0  #: the time limit of a call: longer than ranks may drift apart (kernels compile in 20 s)
SHORT = 1 << 15  #: bytes up to which an array goes to everybody whole


class Gloo:
    """The communicator of one process in torch.distributed's default group; see `engines.shards.Comm`.

    Parameters
    ----------
    shards : int
        The number S of logical shards, at least the size of the group.
    timeout : float
        Seconds that any call waits for the other ranks.

    Raises
    ------
    SpecificationError
        When there is no such group, or it has more ranks than shards.
    """

    def __init__(self, shards: int, timeout: float = SECONDS) -> None:
        import torch.distributed as group

        if not (group.is_available() and group.is_initialized() and group.get_backend() == "gloo"):
            raise SpecificationError(
                "this process is in no gloo group; enter one with clearprop.distributed.gloo.meeting_at, or "
                "torch.distributed.init_process_group('gloo', ...)"
            )
        self.rank, self.world = int(group.get_rank()), int(group.get_world_size())
        self.shards, self.timeout = shards, timeout
        require_shards(self.world, shards)
        self._group: Any = group
        self._calls = itertools.count(1)
        self._lost = ""

    @cached_property
    def _nodes(self) -> list[list[Node]]:
        """Of each rank, the subtrees whose sums it sends."""
        return [subtrees(owned(rank, self.world, self.shards), self.shards) for rank in range(self.world)]

    def tree_sum(self, own: Mapping[int, Array]) -> Array:
        """Sum over all shards; two exchanges, or one of a short array."""
        require_own(self, own)
        sums = partial_sums(own, self.shards)
        first = next(iter(sums.values()))
        if self.world == 1 or not first.size:
            return np.array(sums[0, self.shards] if self.world == 1 else first)
        spans = self._spans(first.size, first.nbytes)
        start, stop = spans[self.rank]
        flat = [np.ravel(sums[node]) for node in self._nodes[self.rank]]
        came = self._exchange(
            "tree_sum (slices)",
            np.concatenate([array[a:b] for a, b in spans for array in flat]),
            [len(flat) * (b - a) for a, b in spans],
            [len(nodes) * (stop - start) for nodes in self._nodes],
        )
        rows = came.reshape(-1, stop - start)
        given = (node for nodes in self._nodes for node in nodes)
        total = meet(dict(zip(given, rows, strict=True)), (0, self.shards))
        if stop - start < first.size:
            total = self._exchange(
                "tree_sum (sums)",
                np.tile(total, self.world),
                [stop - start] * self.world,
                [b - a for a, b in spans],
            )
        return np.array(total.reshape(first.shape))

    def _spans(self, size: int, nbytes: int) -> list[tuple[int, int]]:
        """The elements that each rank adds."""
        if nbytes <= SHORT:
            return [(0, size)] * self.world
        return [(r * size // self.world, (r + 1) * size // self.world) for r in range(self.world)]

    def _exchange(self, name: str, sent: Array, sizes: Sequence[int], wanted: Sequence[int]) -> Array:
        """The pieces that all ranks send to this one, in their order."""
        import torch

        came = np.empty(sum(wanted), dtype=sent.dtype)
        self._call(
            name,
            lambda: self._group.all_to_all_single(
                torch.from_numpy(came), torch.from_numpy(sent), list(wanted), list(sizes)
            ),
        )
        return came

    def barrier(self) -> None:
        """Wait for the other ranks; the error on rank 0 names one that did not come."""
        if self.world > 1:
            limit = timedelta(seconds=self.timeout)
            self._call("barrier", lambda: self._group.monitored_barrier(timeout=limit))

    def _call(self, name: str, act: Callable[[], object]) -> None:
        """Make a call of gloo's; CommunicationError, now and from then on, when it fails."""
        number = next(self._calls)
        if self._lost:
            raise CommunicationError(f"{self._lost}; the group cannot be used again, start another")
        try:
            act()
        except RuntimeError as error:  # gloo's errors of all kinds: timeouts, resets, a rank's early end
            why = str(error).partition("This is typically")[0].rpartition("\n")[2].strip()
            self._lost = (
                f"rank {self.rank} of {self.world} did not finish {name}, its call {number}, with the others "
                f"(within {self.timeout:g} s): {why.rpartition('.cc:')[2] or 'no reason given'}"
            )
            raise CommunicationError(self._lost) from None


@contextmanager
def meeting_at(place: str, rank: int, world: int, shards: int, *, timeout: float = SECONDS) -> Iterator[Gloo]:
    """Enter a gloo group of processes, and leave it.

    Parameters
    ----------
    place : str
        Where its processes find each other: a URL such as "tcp://10.0.0.1:29500" (rank 0's machine) or
        "file:///shared/new-file".

    Raises
    ------
    CommunicationError
        When not all are there within the timeout.
    """
    import torch.distributed as group

    limit = timedelta(seconds=timeout)
    try:
        group.init_process_group("gloo", init_method=place, rank=rank, world_size=world, timeout=limit)
    except RuntimeError as error:
        why = str(error).splitlines()[0]
        raise CommunicationError(
            f"rank {rank} of {world} did not meet the others at {place} within {timeout:g} s: {why}"
        ) from None
    try:
        yield Gloo(shards, timeout)
    finally:
        group.destroy_process_group()
