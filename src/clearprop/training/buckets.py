"""Examples on disk, in buckets: what is larger than memory is shuffled once and read a bucket at a time.

Each row goes to a bucket drawn by (seed, row), so that every bucket is a sample of the whole, also where the
rows were sorted. An epoch takes the buckets in an order of its own and the rows of each in another; what is
left of a batch at a bucket's end begins the next one. So an epoch is a function of the rows and the seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from clearprop.arrays import Array, IntArray, generator_of
from clearprop.engines.dropout import mix
from clearprop.engines.examples import Examples

BUCKET_BYTES = 32 * 2**20  #: of a bucket, about


def places_of(seed: int, rows: IntArray, count: int) -> IntArray:
    """One of `count` places for each row, a function of (seed, row) alone.

    >>> places_of(0, np.arange(4), 3).tolist() == places_of(0, np.arange(4), 3).tolist()
    True
    """
    key = mix(np.array([seed & 0xFFFFFFFF], dtype=np.uint32) ^ np.uint32(0x85EBCA6B))
    low = mix((rows & 0xFFFFFFFF).astype(np.uint32) + np.uint32(0x9E3779B9))
    high = mix((rows >> 32).astype(np.uint32) ^ low ^ key)
    places: IntArray = (high.astype(np.uint64) * np.uint64(count) >> np.uint64(32)).astype(np.int64)
    return places


@dataclass
class Buckets:
    """Examples of a run in files of a folder, written once and read in every epoch.

    Parameters
    ----------
    folder : Path
        Of the caller, who removes it.
    inputs, outputs : int
        Columns of X and of Y.
    dtype : dtype of both
    count : int
        Buckets.
    seed : int
    """

    folder: Path
    inputs: int
    outputs: int
    dtype: np.dtype[Any]
    count: int
    seed: int
    rows: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rows = [0] * self.count
        self._files: list[IO[bytes]] = []

    @classmethod
    def for_rows(
        cls, folder: Path, rows: int, inputs: int, outputs: int, dtype: np.dtype[Any], seed: int
    ) -> Buckets:
        """As many buckets as so many rows ask for."""
        size = rows * (inputs + outputs) * dtype.itemsize
        return cls(folder, inputs, outputs, dtype, max(1, -(-size // BUCKET_BYTES)), seed)

    def __len__(self) -> int:
        return sum(self.rows)

    def add(self, X: Array, Y: Array, numbers: IntArray) -> None:
        """Put rows with those numbers into their buckets."""
        if not self._files:
            self._files = [self._path(k).open("wb") for k in range(self.count)]
        together = np.ascontiguousarray(np.hstack([X, Y]), dtype=self.dtype)
        places = places_of(self.seed, numbers, self.count)
        order = np.argsort(places, kind="stable")
        ends = np.cumsum(np.bincount(places, minlength=self.count))
        for k, rows in enumerate(np.split(order, ends[:-1])):
            if len(rows):
                self._files[k].write(together[rows].tobytes())
                self.rows[k] += len(rows)

    def close(self) -> None:
        """End the writing."""
        for file in self._files:
            file.close()
        self._files = []

    def epoch(self, epoch: int, batch_size: int) -> Iterator[Examples]:
        """The examples of an epoch (from 0) in its order; each piece is whole batches but the last."""
        generator = generator_of(self.seed, epoch)
        order = [int(k) for k in generator.permutation(self.count) if self.rows[k]]
        width = self.inputs + self.outputs
        left = np.empty((0, width), dtype=self.dtype)
        with ThreadPoolExecutor(1) as reader:
            coming = reader.submit(self._read, order[0])
            for place in range(len(order)):
                found = coming.result()
                if place + 1 < len(order):
                    coming = reader.submit(self._read, order[place + 1])
                found = found[generator.permutation(len(found))]
                if len(left):
                    found = np.concatenate((left, found))
                last = place + 1 == len(order)
                whole = len(found) if last else len(found) // batch_size * batch_size
                left = found[whole:].copy()
                if whole:
                    yield self._examples(found[:whole])

    def _examples(self, together: Array) -> Examples:
        X = np.ascontiguousarray(together[:, : self.inputs])
        return Examples(X, np.ascontiguousarray(together[:, self.inputs :]))

    def _read(self, k: int) -> Array:
        flat = np.fromfile(self._path(k), dtype=self.dtype)
        return flat.reshape(self.rows[k], self.inputs + self.outputs)

    def _path(self, k: int) -> Path:
        return self.folder / f"bucket-{k}"
