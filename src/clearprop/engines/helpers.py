"""Helper threads: how many a computation deserves, and a pool that lends them.

Helpers never hold a computation up: whoever asked for them does the work that they do not come to.
"""

from __future__ import annotations

import os
import threading
from typing import Protocol

import numpy as np

from clearprop import company
from clearprop.arrays import IntArray
from clearprop.engines.tasks import BOARD, MAILBOX, POSTED, THREAD
from clearprop.errors import SpecificationError

WORTH_A_THREAD = 3e6  #: floating-point operations between two meetings of threads, about 20 us
MOST_THREADS = 256


class Kernels(Protocol):
    """What helpers are driven by; see the kernels' file `working`."""

    def work(self, board: IntArray, thread: int) -> None:
        """A thread's part of what a board says."""

    def serve(self, mail: IntArray) -> None:
        """Work on what comes by mail, until nothing comes for a while."""

    def call_off(self, mail: IntArray) -> None:
        """Take the last letter back, or wait until it is done."""


class _Helper(threading.Thread):
    """A thread that works with one build's kernels on the boards it is sent; it stays awake after each."""

    def __init__(self, kernels: Kernels) -> None:
        super().__init__(name="clearprop", daemon=True)
        self.mail = np.zeros(MAILBOX, dtype=np.int64)
        self._kernels = kernels
        self._ready = threading.Semaphore(0)
        self.start()

    def post(self, board: IntArray, thread: int) -> None:
        """Send a board; the number of the letter goes last, since an awake helper opens it at once."""
        self.mail[[BOARD, THREAD]] = board.ctypes.data, thread
        self.mail[POSTED] += 1
        self._ready.release()

    def run(self) -> None:
        while True:
            self._ready.acquire()
            while self._ready.acquire(blocking=False):
                pass
            self._kernels.serve(self.mail)


class _Pool:
    """The free helpers of this process; a process that was forked starts its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = -1
        self._free: dict[Kernels, list[_Helper]] = {}

    def lend(self, kernels: Kernels, count: int) -> list[_Helper]:
        with self._lock:
            if self._owner != os.getpid():
                self._free, self._owner = {}, os.getpid()
            free = self._free.setdefault(kernels, [])
            lent = [free.pop() for _ in range(min(count, len(free)))]
        return lent + [_Helper(kernels) for _ in range(count - len(lent))]

    def give_back(self, kernels: Kernels, helpers: list[_Helper]) -> None:
        with self._lock:
            if self._owner == os.getpid():
                self._free[kernels] += helpers


_pool = _Pool()


def work_together(kernels: Kernels, board: IntArray, threads: int) -> None:
    """Work on a board with threads - 1 helpers; those that have not begun when all is done are called off."""
    helpers = _pool.lend(kernels, threads - 1)
    try:
        for thread, helper in enumerate(helpers, start=1):
            helper.post(board, thread)
        kernels.work(board, 0)
    finally:
        for helper in helpers:
            kernels.call_off(helper.mail)
        _pool.give_back(kernels, helpers)


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
