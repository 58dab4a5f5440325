"""Who has which rows, and when they come: row groups dealt to shards, shards' rows dealt to batches.

Both are functions of the plan alone. A shard's part of batch t is what lies between `begin(t)` and
`begin(t + 1)` of the shard's rows in the epoch's order: every shard gives in proportion to its rows, and all
of them come to their end with the last batch, however unevenly the rows could be dealt. So every row comes
once an epoch, and an epoch has as many steps for every worker.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from clearprop.arrays import IntArray, generator_of
from clearprop.distributed.manifest import Manifest


@dataclass(frozen=True, order=True)
class Piece:
    """Rows `first` to `last` - 1 of a row group (counted through all files), from 0 in the row group."""

    group: int
    first: int
    last: int

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.last - self.first


def deal(manifest: Manifest, shards: int) -> tuple[tuple[Piece, ...], ...]:
    """Rows of each shard: of all files in a row, from s/S to (s + 1)/S, by row groups.

    A row group at a border is read by two shards. A function of the row counts alone.

    >>> from clearprop.distributed.manifest import ParquetFile
    >>> manifest = Manifest((ParquetFile("a", 0, "", (30, 10)), ParquetFile("b", 0, "", (20,))), ())
    >>> [[(piece.group, piece.first, piece.last) for piece in shard] for shard in deal(manifest, 4)]
    [[(0, 0, 15)], [(0, 15, 30)], [(1, 0, 10), (2, 0, 5)], [(2, 5, 20)]]
    """
    borders = [s * manifest.rows // shards for s in range(shards + 1)]
    return tuple(_between(manifest, first, last) for first, last in pairwise(borders))


def _between(manifest: Manifest, first: int, last: int) -> tuple[Piece, ...]:
    """The row groups that hold rows `first` to `last` - 1 of all files, and which of theirs these are."""
    starts = manifest.starts
    if first == last:
        return ()
    groups = range(bisect_right(starts, first) - 1, bisect_left(starts, last))
    pieces = (
        Piece(g, max(first, starts[g]) - starts[g], min(last, starts[g + 1]) - starts[g]) for g in groups
    )
    return tuple(piece for piece in pieces if piece.rows)


@dataclass(frozen=True)
class Batching:
    """How the rows that each shard trains on are dealt to the batches of an epoch.

    Attributes
    ----------
    rows : tuple of int
        Of each shard.
    batch_size : int
        Rows of a batch over all shards; a few more or fewer in some, as shards give whole rows.
    """

    rows: tuple[int, ...]
    batch_size: int

    @property
    def total(self) -> int:
        """Rows of an epoch."""
        return sum(self.rows)

    def __len__(self) -> int:
        """Batches of an epoch."""
        return -(-self.total // self.batch_size)

    def begin(self, batch: int) -> IntArray:
        """Rows of each shard (S,) that came before this batch of an epoch, from 0 to `len(self)`.

        >>> dealt = Batching((5, 3, 0), batch_size=4)
        >>> [dealt.begin(t).tolist() for t in range(len(dealt) + 1)]
        [[0, 0, 0], [2, 1, 0], [5, 3, 0]]
        """
        rows, count = np.array(self.rows, dtype=np.int64), len(self)
        late = np.arange(len(rows), dtype=np.int64) * count // len(rows)  # shards round up at other batches
        return np.asarray((rows * batch + late) // count, dtype=np.int64)


def bucket_order(seed: int, epoch: int, shard: int, shards: int, buckets: int) -> list[int]:
    """Order of a shard's buckets in an epoch, a function of (seed, epoch, shard)."""
    return [int(k) for k in _generator(seed, epoch, shard, shards, 0).permutation(buckets)]


def row_order(seed: int, epoch: int, shard: int, shards: int, bucket: int, rows: int) -> IntArray:
    """Order of the rows of a shard's bucket in an epoch, a function of (seed, epoch, shard, bucket)."""
    order: IntArray = _generator(seed, epoch, shard, shards, bucket + 1).permutation(rows)
    return order


def _generator(seed: int, epoch: int, shard: int, shards: int, place: int) -> np.random.Generator:
    """A generator of its own for each place of each shard in each epoch."""
    return generator_of(seed, epoch * shards + shard, place)
