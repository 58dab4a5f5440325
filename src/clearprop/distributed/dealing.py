"""Who has which rows, and when they come: row groups dealt to shards, shards' rows dealt to batches.

Both are functions of the plan alone. A shard's part of batch t is what lies between `begin(t)` and
`begin(t + 1)` of the shard's rows in the epoch's order: every shard gives in proportion to its rows, and all
of them come to their end with the last batch, however unevenly the rows could be dealt. So every row comes
once an epoch, and an epoch has as many steps for every worker.
"""

from __future__ import annotations

import heapq
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
    """Row groups of each shard, evenly by rows; one larger than a shard's even share is cut.

    The largest go first, each to the shard with the fewest rows (the first of these); a shard's pieces are
    then sorted. A function of the row counts alone.

    >>> from clearprop.distributed.manifest import ParquetFile
    >>> manifest = Manifest((ParquetFile("a", 0, "", (30, 10)), ParquetFile("b", 0, "", (20,))), ())
    >>> [[(piece.group, piece.first, piece.last) for piece in shard] for shard in deal(manifest, 3)]
    [[(2, 0, 20)], [(0, 0, 15), (1, 0, 10)], [(0, 15, 30)]]
    """
    share = max(1, -(-manifest.rows // shards))
    pieces = []
    for group, (file, place) in enumerate(manifest.row_groups):
        rows = manifest.files[file].row_groups[place]
        parts = -(-rows // share)
        cuts = [k * rows // parts for k in range(parts + 1)] if parts else []
        pieces += [Piece(group, first, last) for first, last in pairwise(cuts)]
    loads = [(0, shard) for shard in range(shards)]
    dealt: list[list[Piece]] = [[] for _ in range(shards)]
    for piece in sorted(pieces, key=lambda piece: (-piece.rows, piece)):
        load, shard = heapq.heappop(loads)
        dealt[shard].append(piece)
        heapq.heappush(loads, (load + piece.rows, shard))
    return tuple(tuple(sorted(shard)) for shard in dealt)


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
