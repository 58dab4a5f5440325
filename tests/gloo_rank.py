"""One rank of a gloo group, a process of its own: python tests/gloo_rank.py CASE PLACE RANK WORLD SECONDS.

Prints what came of its case as JSON: the checksums of sums, or the error it ended with.
"""

import contextlib
import json
import os
import sys
import time
import zlib

import numpy as np

from clearprop.distributed.gloo import meeting_at
from clearprop.engines.shards import owned
from clearprop.errors import CommunicationError

SHARDS = (1, 2, 3, 4, 7, 8)
KINDS = ("float32", "float64", "int64", "uint8")
SHAPES = ((), (3,), (0,), (10, 101), (100_003,))  #: the last is sent in slices


def array_of(shard, kind, shape):
    """Numbers whose sum depends on its order: of all sizes and both signs."""
    generator = np.random.default_rng([shard, len(shape)])
    if kind in ("int64", "uint8"):
        return generator.integers(0, 30, shape).astype(kind)
    return np.asarray(generator.normal(size=shape) * 10.0 ** generator.integers(-6, 7, shape), dtype=kind)


def checksum(array):
    return [zlib.crc32(np.ascontiguousarray(array)), array.dtype.name, list(array.shape)]


def sums(comm):
    """Checksums of the sums for every number of shards, kind and shape."""
    from clearprop.distributed.gloo import Gloo

    found = []
    for shards in SHARDS:
        if shards < comm.world:
            continue
        group = Gloo(shards, comm.timeout)
        for kind in KINDS:
            for shape in SHAPES:
                own = {s: array_of(s, kind, shape) for s in owned(group.rank, group.world, shards)}
                kept = {s: array.copy() for s, array in own.items()}
                total = group.tree_sum(own)
                total += 1  # the caller's own to write to
                assert all(np.array_equal(own[s], kept[s]) for s in own)
                found.append(checksum(total))
        group.barrier()
    return found


def long_sum(comm):
    return comm.tree_sum({s: np.ones(1_000_000) for s in owned(comm.rank, comm.world, comm.shards)})


def lost(comm):
    """Rank 1 ends without a word in the middle of the sums."""
    long_sum(comm)
    if comm.rank == 1:
        os._exit(9)
    return twice(lambda: long_sum(comm))


def late(comm):
    """Rank 1 does not come to a sum, but lives."""
    long_sum(comm)
    if comm.rank == 1:
        time.sleep(3 * comm.timeout)
        return []
    return twice(lambda: long_sum(comm))


def late_to_a_barrier(comm):
    """Rank 1 does not come to a barrier, but lives."""
    comm.barrier()
    if comm.rank == 1:
        time.sleep(3 * comm.timeout)
        return []
    return twice(comm.barrier)


def endless(comm):
    """Sums until somebody cuts the link; says so when the first is done."""
    long_sum(comm)
    print("begun", flush=True)
    return twice(lambda: [long_sum(comm) for _ in range(1_000_000)])


def twice(act):
    """The errors of two calls: the one that fails, and the next."""
    found = []
    for _ in range(2):
        try:
            act()
        except CommunicationError as error:
            found.append(str(error))
    return found


def main():
    case, place, rank, world, seconds = sys.argv[1:]
    rank, world = int(rank), int(world)
    with contextlib.suppress(KeyboardInterrupt):
        try:
            with meeting_at(place, rank, world, world, timeout=float(seconds)) as comm:
                found = globals()[case](comm)
        except CommunicationError as error:
            found = [str(error)]
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
