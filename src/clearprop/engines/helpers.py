"""Helper threads: how many a computation deserves, and a pool that lends them.

Helpers never hold a computation up: whoever asked for them does the work that they do not come to.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from clearprop import company
from clearprop.errors import SpecificationError

WORTH_A_THREAD = 3e6  #: floating-point operations between two meetings of threads, about 20 us
MOST_THREADS = 256


class _Pool:
    """Threads of this process; a process that was forked starts its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = -1
        self._executor: ThreadPoolExecutor | None = None

    def submit(self, function: Callable[[int], None], thread: int) -> Future[None]:
        with self._lock:
            if self._executor is None or self._owner != os.getpid():
                self._executor = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="clearprop")
                self._owner = os.getpid()
            return self._executor.submit(function, thread)


_pool = _Pool()


@contextmanager
def helping(threads: int, function: Callable[[int], None]) -> Iterator[None]:
    """Have function(1) .. function(threads - 1) called by helpers while the body runs, then wait for them.

    One that has not begun when the body ends is called off.
    """
    called = [_pool.submit(function, thread) for thread in range(1, threads)]
    try:
        yield
    finally:
        for future in called:
            if not future.cancel():
                future.result()


def usable_cores() -> int:
    """Cores this process may use: OMP_NUM_THREADS if it is set, else what affinity and containers allow.

    In a company of networks, a network's share of them.
    """
    share = company.share()
    if share is not None:
        return share
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if asked.isdecimal() and int(asked) > 0:
        return min(int(asked), MOST_THREADS)
    from joblib import cpu_count

    return int(min(cpu_count(), MOST_THREADS))


def threads_for(asked: int | None, work: float) -> int:
    """Threads for a piece of work: what was asked for, or as many as it is worth and there are cores.

    Parameters
    ----------
    work : float
        Floating-point operations between two meetings.
    """
    if asked is not None:
        return asked
    worth = int(work / WORTH_A_THREAD)
    return 1 if worth < 2 else min(worth, usable_cores())


def check_threads(threads: int | None) -> int | None:
    """Threads as given, if they are a whole number from 1 or None."""
    if threads is None or (
        isinstance(threads, int) and not isinstance(threads, bool) and 1 <= threads <= MOST_THREADS
    ):
        return threads
    raise SpecificationError(f"threads is a whole number from 1 to {MOST_THREADS}, or None, not {threads!r}")
