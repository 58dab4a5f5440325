"""A rank's rows, encoded once into buckets on its own disk, and read back in the order of each epoch.

A shard's row goes to a bucket drawn by (seed, row), so that each bucket is a sample of the shard, also where
the files are sorted; an epoch takes the buckets, and the rows of each, in orders of its own. One bucket of
each own shard is in memory at a time. Row numbers stay beside the rows: dropout masks are a function of them.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.distributed.dealing import Batching, Piece, bucket_order, row_order
from clearprop.distributed.encoders import TableReading
from clearprop.distributed.plan import Plan
from clearprop.distributed.reading import row_groups, table_of
from clearprop.distributed.telling import of_shards, together
from clearprop.engines.examples import Examples, check_targets
from clearprop.engines.shards import Comm, owned
from clearprop.errors import DataError
from clearprop.table_model.plan import features, targets
from clearprop.tables import Table
from clearprop.training.buckets import places_of
from clearprop.training.weighting import smoothed

HELD_BYTES = 2**26  #: of the buckets in memory, one for each of all shards, about
ENCODED_CELLS = 2**21  #: numbers that are encoded at a time
_SIZE = 8  #: bytes of a size


@dataclass
class ShardRows:
    """The encoded training rows of one shard, in buckets.

    Parameters
    ----------
    file : binary file
        Of the rank, not buffered, and without a name, so that nothing stays when the process is killed.
    shard, shards, seed : int
    record : dtype
        Of a row: "row" (its number), "X" and "Y".
    count : int
        Buckets.
    """

    file: io.FileIO
    shard: int
    shards: int
    seed: int
    record: np.dtype[Any]
    count: int

    def __post_init__(self) -> None:
        self.rows = [0] * self.count
        self._runs: list[list[tuple[int, int]]] = [[] for _ in range(self.count)]  # where, and how many rows
        self._held: tuple[tuple[int, int], Array] | None = None
        self._order: tuple[int, list[int], IntArray] | None = None
        self._nothing = np.empty(0, dtype=self.record)

    def __len__(self) -> int:
        return sum(self.rows)

    def add(self, rows: Array) -> None:
        """Put rows into their buckets."""
        places = places_of(self.seed, rows["row"], self.count)
        start = self.file.seek(0, io.SEEK_END)
        rest = rows[np.argsort(places, kind="stable")].data.cast("B")
        while rest:
            rest = rest[self.file.write(rest) :]
        for bucket, count in enumerate(np.bincount(places, minlength=self.count).tolist()):
            if count:
                self._runs[bucket].append((start, count))
                self.rows[bucket] += count
                start += count * self.record.itemsize

    def part(self, epoch: int, begin: int, end: int) -> Array:
        """Rows from `begin` to `end` - 1 of an epoch's order, as records."""
        order, ends = self._ordered(epoch)
        found = []
        place = int(np.searchsorted(ends, begin, side="right"))
        while begin < min(end, len(self)):
            held, first = self._bucket(epoch, order[place]), int(ends[place]) - self.rows[order[place]]
            found.append(held[begin - first : end - first])
            begin, place = int(ends[place]), place + 1
        return np.concatenate(found) if len(found) > 1 else found[0] if found else self._nothing

    def _ordered(self, epoch: int) -> tuple[list[int], IntArray]:
        """The buckets in the order of an epoch, and the rows up to the end of each."""
        if self._order is None or self._order[0] != epoch:
            drawn = bucket_order(self.seed, epoch, self.shard, self.shards, self.count)
            order = [bucket for bucket in drawn if self.rows[bucket]]
            self._order = epoch, order, np.cumsum([self.rows[bucket] for bucket in order])
        return self._order[1:]

    def _bucket(self, epoch: int, bucket: int) -> Array:
        """A bucket's rows in their order, kept until another is asked for."""
        if self._held is None or self._held[0] != (epoch, bucket):
            self._held = None
            order = row_order(self.seed, epoch, self.shard, self.shards, bucket, self.rows[bucket])
            self._held = (epoch, bucket), self._read(bucket)[order]
        return self._held[1]

    def _read(self, bucket: int) -> Array:
        """A bucket's rows as they were written."""
        rows, first = np.empty(self.rows[bucket], dtype=self.record), 0
        for start, count in self._runs[bucket]:
            self.file.seek(start)
            rest = rows[first : first + count].data.cast("B")
            while rest:
                read = self.file.readinto(rest)
                if not read:
                    raise DataError(
                        "encoded rows cannot be read back whole; name another folder for them (spool=)"
                    )
                rest = rest[read:]
            first += count
        return rows


@dataclass(frozen=True)
class EncodedShards:
    """What a rank holds of the table.

    Attributes
    ----------
    own : mapping from shard to ShardRows
    batching : Batching
        Of all shards, the same on every rank.
    counts : ndarray of int64 (classes,)
        Training rows of each class, over all shards.
    judge : Examples or None
        Validation rows, the same on every rank.
    tested : (X, y) or None
        Test rows, y as `target.transform` gives it.
    digest : str
        Of the rows that the run is a function of, as they were encoded.
    """

    own: Mapping[int, ShardRows]
    batching: Batching
    counts: Array
    judge: Examples | None
    tested: tuple[Array, Array] | None
    digest: str


def encode_shards(comm: Comm, plan: Plan, reading: TableReading, spool: io.FileIO) -> EncodedShards:
    """Read the row groups of a rank's shards, one at a time, and encode them into buckets in a file.

    Raises
    ------
    DataError
        On every rank, when one of them cannot read a row group or a cell.
    """
    writer = _Writer(comm, plan, reading, spool)
    held = [writer.unpacked(text) for text in together(comm, writer.encode)]
    sizes = of_shards(comm, {shard: len(rows) for shard, rows in writer.own.items()})
    checks = of_shards(comm, writer.checks)
    counts = comm.tree_sum(writer.counts)
    total = int(sizes.sum())
    size = int(min(plan.settings.batch_size_for(total), total))
    judge, tested = (np.concatenate(rows) for rows in zip(*held, strict=True))
    return EncodedShards(
        writer.own,
        Batching(tuple(sizes.tolist()), size),
        counts,
        Examples(*_in_order(judge)) if len(judge) else None,
        _in_order(tested) if len(tested) else None,
        hashlib.sha256(checks.tobytes()).hexdigest()[:16],
    )


class _Writer:
    """One rank's pass over its row groups."""

    def __init__(self, comm: Comm, plan: Plan, reading: TableReading, spool: io.FileIO) -> None:
        self.plan, self.reading = plan, reading
        network, target, settings = reading.network, reading.target, plan.settings
        self.real = np.dtype(settings.dtype)
        row, X = ("row", np.int64), ("X", self.real, (network.inputs,))
        as_given = ("Y", np.int64) if target.classes else ("Y", np.float64, (len(target.columns),))
        self.record = np.dtype([row, X, ("Y", self.real, (network.output.units,))])
        self.tested = np.dtype([row, X, as_given])  #: of a test row, "Y" as `target.transform` gives it
        self.together = max(1, ENCODED_CELLS // network.inputs)
        most = max(1, HELD_BYTES // (comm.shards * self.record.itemsize))
        self.own: dict[int, ShardRows] = {}
        self.counts: dict[int, Array] = {}
        for shard in owned(comm.rank, comm.world, comm.shards):
            buckets = max(1, -(-sum(piece.rows for piece in plan.dealt[shard]) // most))
            self.own[shard] = ShardRows(spool, shard, comm.shards, settings.seed, self.record, buckets)
            self.counts[shard] = np.zeros(len(reading.target.classes), dtype=np.int64)
        self.checks = dict.fromkeys(self.own, 0)
        self.held: dict[int, tuple[list[Array], list[Array]]] = {shard: ([], []) for shard in self.own}

    def encode(self) -> dict[int, bytes]:
        """Encode all pieces; the rows held out of each shard, packed."""
        for shard, table in self._tables():
            at = table.row_numbers - 1
            reading = self.reading
            for mask, job in (
                (reading.test, self._test),
                (reading.validation, self._judge),
                (reading.training, self._train),
            ):
                if mask[at].any():
                    job(shard, table.take(mask[at]))
        return {shard: _packed(*held) for shard, held in self.held.items()}

    def unpacked(self, text: bytes) -> tuple[Array, Array]:
        """The validation and test rows of a shard that `_packed` put into a text."""
        end = _SIZE + int.from_bytes(text[:_SIZE], "little")
        return np.frombuffer(text[_SIZE:end], self.record), np.frombuffer(text[end:], self.tested)

    def _tables(self) -> Iterator[tuple[int, Table]]:
        """Rows of the own shards, some at a time; a row group that is shared among them is read once."""
        manifest, reading = self.plan.manifest, self.reading
        wanted: dict[int, list[tuple[Piece, int]]] = {}
        for shard in self.own:
            for piece in self.plan.dealt[shard]:
                wanted.setdefault(piece.group, []).append((piece, shard))
        names = (*reading.encoder.column_names, *reading.target.columns)
        for group, frame in row_groups(manifest, sorted(wanted), names):
            for piece, shard in sorted(wanted[group]):
                for first in range(piece.first, piece.last, self.together):
                    rows = frame.slice(first, min(self.together, piece.last - first))
                    yield shard, table_of(rows, manifest, manifest.starts[group] + first)

    def _examples(self, table: Table) -> tuple[Examples, Array]:
        reading = self.reading
        X, Y = features(reading.encoder, table), targets(reading.network, reading.target, table)
        return Examples(X.astype(self.real), check_targets(reading.network, Y, len(X), self.real)), Y

    def _train(self, shard: int, table: Table) -> None:
        checked, Y = self._examples(table)
        if len(self.counts[shard]):
            self.counts[shard] += np.bincount(Y, minlength=len(self.counts[shard]))
        ready = smoothed(self.reading.network.loss, checked, self.plan.settings.label_smoothing)
        try:
            self.own[shard].add(self._checked(shard, _records(self.record, table, ready.X, ready.Y)))
        except OSError as error:
            raise DataError(
                f"encoded rows cannot be written to {self.plan.spool or 'the temporary folder'} "
                f"({error.strerror or error}); make room there, or name another folder (spool=)"
            ) from None

    def _checked(self, shard: int, rows: Array) -> Array:
        """Rows, after they were added to the checksum of what the shard's part of the run depends on."""
        self.checks[shard] = zlib.crc32(rows.data.cast("B"), self.checks[shard])
        return rows

    def _judge(self, shard: int, table: Table) -> None:
        checked, _ = self._examples(table)
        self.held[shard][0].append(self._checked(shard, _records(self.record, table, checked.X, checked.Y)))

    def _test(self, shard: int, table: Table) -> None:
        X = features(self.reading.encoder, table).astype(self.real)
        self.held[shard][1].append(_records(self.tested, table, X, self.reading.target.transform(table)))


def _records(record: np.dtype[Any], table: Table, X: Array, Y: Array) -> Array:
    rows = np.empty(len(X), dtype=record)
    rows["row"], rows["X"], rows["Y"] = table.row_numbers - 1, X, Y
    return rows


def _packed(judged: list[Array], tested: list[Array]) -> bytes:
    """Their bytes, behind the number of those of the first: every rank knows what a row is."""
    first, second = (b"".join(rows.tobytes() for rows in pieces) for pieces in (judged, tested))
    return len(first).to_bytes(_SIZE, "little") + first + second


def _in_order(rows: Array) -> tuple[Array, Array]:
    """X and Y by the number of the row, so in the order of the files."""
    ordered = rows[np.argsort(rows["row"], kind="stable")]
    return np.ascontiguousarray(ordered["X"]), np.ascontiguousarray(ordered["Y"])
