"""What ranks tell each other besides numbers: bytes of any length, and errors, through tree sums alone.

An error of one rank is raised by all of them, so that nobody waits for a rank that has given up.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping

import numpy as np

from clearprop import errors
from clearprop.arrays import IntArray
from clearprop.engines.shards import Comm, owned
from clearprop.errors import ClearpropError, CommunicationError

CHUNK = 2**22  #: bytes told at a time
MEET_SECONDS = 5.0  #: from one meeting to the next while a job takes longer
_WELL, _ERROR = b"=", b"!"


def together(comm: Comm, job: Callable[[], Mapping[int, bytes]]) -> list[bytes]:
    """What each rank's job gives for its shards, told to all: S texts, in the order of the shards.

    Parameters
    ----------
    job : callable
        Gives bytes for some of the rank's shards; for the others nothing is told.

    Raises
    ------
    Exception
        The error of the job of the first rank where it raised one: as it was on that rank, by its kind and
        message on the others (a ClearpropError, if it was none).

    Examples
    --------
    >>> from clearprop.engines.shards import Alone
    >>> together(Alone(3), lambda: {0: b"zero", 2: b"two"})
    [b'zero', b'', b'two']
    """
    own = owned(comm.rank, comm.world, comm.shards)
    said, mine = dict.fromkeys(own, b""), None
    try:
        said.update({shard: _WELL + text for shard, text in _while_meeting(comm, job).items()})
    except CommunicationError:
        raise
    except Exception as error:
        mine = error
        said[own[0]] = _ERROR + json.dumps([type(error).__name__, str(error)]).encode()
    told = _gather(comm, said)
    for shard, text in enumerate(told):
        if text[:1] == _ERROR:
            if mine is not None and shard in own:
                raise mine
            raise _as_told(*json.loads(text[1:]))
    return [text[1:] for text in told]


def _as_told(kind: str, message: str) -> ClearpropError:
    """Another rank's error."""
    known = getattr(errors, kind, None)
    if isinstance(known, type) and issubclass(known, ClearpropError):
        return known(message)
    return ClearpropError(f"a worker met {kind}: {message}")


def _while_meeting(comm: Comm, job: Callable[[], Mapping[int, bytes]]) -> Mapping[int, bytes]:
    """What the job gives; another thread meets the other ranks every few seconds, until all are done.

    So ranks that wait can tell one that is still at work, however long, from one that is lost.
    """
    if comm.world == 1:
        return job()
    done, lost = threading.Event(), list[Exception]()
    own = owned(comm.rank, comm.world, comm.shards)

    def meet() -> None:
        ready = 0
        try:
            while ready < comm.world:
                done.wait(MEET_SECONDS)
                mine = {s: np.array(int(s == own[0] and done.is_set()), dtype=np.int64) for s in own}
                ready = int(comm.tree_sum(mine))
        except Exception as error:
            lost.append(error)

    meeting = threading.Thread(target=meet, daemon=True)
    meeting.start()
    result, raised = dict[int, bytes](), list[Exception]()
    try:
        result.update(job())
    except Exception as error:
        raised.append(error)
    done.set()
    meeting.join()
    for first in (*lost, *raised):
        raise first
    return result


def from_first(comm: Comm, job: Callable[[], bytes]) -> bytes:
    """What the job gives on rank 0, told to all; it runs nowhere else."""
    return together(comm, lambda: {0: job()} if comm.rank == 0 else {})[0]


def of_shards(comm: Comm, numbers: Mapping[int, int]) -> IntArray:
    """A whole number of each shard, on every rank (S,)."""
    places = np.arange(comm.shards)
    told: IntArray = comm.tree_sum(
        {shard: np.where(places == shard, number, 0).astype(np.int64) for shard, number in numbers.items()}
    )
    return told


def _gather(comm: Comm, said: Mapping[int, bytes]) -> list[bytes]:
    """The texts of all shards, on every rank: each lays its bytes where the others have zeros."""
    shards = comm.shards
    lengths = of_shards(comm, {shard: len(text) for shard, text in said.items()})
    starts = np.concatenate(([0], np.cumsum(lengths)))
    whole = bytearray(int(starts[-1]))
    for first in range(0, len(whole), CHUNK):
        size = min(CHUNK, len(whole) - first)
        own, nothing = {}, np.zeros(size, dtype=np.uint8)
        for shard, text in said.items():
            low, high = max(int(starts[shard]), first), min(int(starts[shard + 1]), first + size)
            own[shard] = nothing
            if low < high:
                own[shard] = np.zeros(size, dtype=np.uint8)
                part = text[low - int(starts[shard]) : high - int(starts[shard])]
                own[shard][low - first : high - first] = np.frombuffer(part, dtype=np.uint8)
        whole[first : first + size] = comm.tree_sum(own).tobytes()
    return [bytes(whole[starts[s] : starts[s + 1]]) for s in range(shards)]
