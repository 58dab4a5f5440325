"""The encoders of a distributed fit, in one pass: each column is looked at whole, by one shard's owner.

A Parquet file is read by columns, so the pass is shared by columns, not by rows: every byte is read once over
all ranks, and each encoding is computed by the very function of a table in memory, `fit_column`, from the
same cells in the same order. Means, deviations, medians and levels are therefore *equal* to those of
`fit_stream`, not close to them. The price is room for a column at a time; without it, the pass refuses.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np

from clearprop.arrays import BoolArray
from clearprop.distributed.plan import Plan
from clearprop.distributed.reading import whole_columns
from clearprop.distributed.room import memory
from clearprop.distributed.telling import together
from clearprop.engines.shards import Comm, owned
from clearprop.errors import DataError
from clearprop.specification import Network
from clearprop.table_model.streaming import drawn_rows
from clearprop.tables import Encoder, Table, Target, noticing
from clearprop.tables.encodings import encoding_from_dict, fit_column
from clearprop.words import plural

CELL = 100  #: bytes for each row of a column while it is encoded: its cells, copies to sort, masks

TOGETHER = 2**27  #: bytes of columns that are looked at in one pass over the files, one column at least


@dataclass(frozen=True)
class TableReading:
    """How the table is read: the same on every rank.

    Attributes
    ----------
    training, test, validation : ndarray of bool (rows of the table,)
    notices : tuple of str
        What the user should know.
    """

    encoder: Encoder
    target: Target
    network: Network
    training: BoolArray
    test: BoolArray
    validation: BoolArray
    notices: tuple[str, ...]


def fit_reading(comm: Comm, plan: Plan) -> TableReading:
    """Fit the target and the encoders of all columns, on all ranks together.

    Raises
    ------
    DataError, SpecificationError
        As `fit_stream` does, on every rank; and when a column would not fit this machine's memory.
    """

    def first() -> dict[int, bytes]:
        require_room(plan.manifest.rows, memory(), plan.manifest.source)
        return {0: _target(plan)} if comm.rank == 0 else {}

    said, _, bits = together(comm, first)[0].partition(b"\n")
    plain, known = json.loads(said), np.unpackbits(np.frombuffer(bits, dtype=np.uint8))
    mask = known[: plan.manifest.rows].astype(np.bool_)
    training, test, validation = drawn_rows(mask, plan.test, plan.settings, plan.manifest.source)
    target = Target.from_dict(plain["target"])
    encoder = _encoder(comm, plan, training)
    return TableReading(
        encoder,
        target,
        plan.settings.network(len(encoder.feature_names), target),
        training,
        test,
        validation,
        (*plain["notices"], *noticing.unread(encoder)),
    )


def require_room(rows: int, room: float, source: str) -> None:
    """Raise DataError when a column of so many rows does not fit so many bytes.

    >>> require_room(10**9, 16e9, "a.parquet")
    Traceback (most recent call last):
        ...
    clearprop.errors.DataError: a.parquet: 1,000,000,000 rows: a column's exact median and mean are taken \
from the whole column, about 100 bytes a row, 100.0 GB, and this machine has 16.0 GB for it; use workers \
with more memory, or fewer rows
    """
    if CELL * rows > room:
        raise DataError(
            f"{source}: {plural(rows, 'row')}: a column's exact median and mean are taken from the whole "
            f"column, about {CELL} bytes a row, {CELL * rows / 1e9:.1f} GB, and this machine has "
            f"{room / 1e9:.1f} GB for it; use workers with more memory, or fewer rows"
        )


def _target(plan: Plan) -> bytes:
    """The target as fitted on the training rows, what is to be said of it, and which rows have one."""
    manifest = plan.manifest
    wanted = Table(
        whole_columns(manifest, plan.targets),
        manifest.source,
        np.arange(1, manifest.rows + 1, dtype=np.int64),
    )
    whole = Target.fit(wanted, plan.targets, plan.task)
    known = whole.known_rows(wanted)
    training, _, _ = drawn_rows(known, plan.test, plan.settings, manifest.source)
    target = replace(Target.fit(wanted.take(training), plan.targets, whole.task), reason=whole.reason)
    plan.settings.require_fit(int(training.sum()), target)
    said = {"target": target.to_dict(), "notices": list(noticing.without_target(wanted, whole))}
    return json.dumps(said).encode() + b"\n" + np.packbits(known).tobytes()


def _encoder(comm: Comm, plan: Plan, training: BoolArray) -> Encoder:
    """The encodings of the features: column c is fitted by the owner of shard c % S."""
    rows, names = np.flatnonzero(training), plan.features
    most = max(1, TOGETHER // (CELL * plan.manifest.rows))

    def fitted() -> dict[int, bytes]:
        own = owned(comm.rank, comm.world, comm.shards)
        mine = [c for c in range(len(names)) if c % comm.shards in own]
        found = {}
        for first in range(0, len(mine), most):
            some = mine[first : first + most]
            for c, column in zip(some, whole_columns(plan.manifest, [names[c] for c in some]), strict=True):
                found[c] = fit_column(column.take(rows)).to_dict()
        return {s: json.dumps([found[c] for c in mine if c % comm.shards == s]).encode() for s in own}

    told = [json.loads(text) for text in together(comm, fitted)]
    plain = [told[c % comm.shards][c // comm.shards] for c in range(len(names))]
    return Encoder.of([encoding_from_dict(each) for each in plain], plan.manifest.source)
