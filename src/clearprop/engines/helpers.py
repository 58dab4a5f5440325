"""Helper threads: how many a computation deserves, and a pool that lends them.

Helpers never hold a computation up: whoever asked for them does the work that they do not come to.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from clearprop.arrays import IntArray
from clearprop.errors import SpecificationError

WORTH_A_THREAD = 3e6  #: floating-point operations between two meetings of threads, about 20 us
MOST_THREADS = 256

Wait = Callable[[IntArray, int], None]  #: wait(flag, seen): a while, until flag[0] is another number


class _Job:
    """A call that a helper is asked for."""

    def __init__(self, function: Callable[[int], None], thread: int, wait: Wait) -> None:
        self.function, self.thread, self.wait = function, thread, wait
        self.ended, self.flag = threading.Event(), np.zeros(1, dtype=np.int64)
        self.error: BaseException | None = None

    def do(self) -> None:
        try:
            self.function(self.thread)
        except BaseException as error:  # belongs to whoever asked
            self.error = error
        self.flag[0] = 1
        self.ended.set()

    def result(self) -> None:
        """Wait for the end; to fall asleep and be woken takes longer than most waits."""
        self.wait(self.flag, 0)
        self.ended.wait()
        if self.error is not None:
            raise self.error


class _Helper(threading.Thread):
    """A thread that does one job after the other, and stays awake a while after each."""

    def __init__(self) -> None:
        super().__init__(name="clearprop", daemon=True)
        self._jobs: deque[_Job] = deque()
        self._ready = threading.Semaphore(0)
        self._posted = np.zeros(1, dtype=np.int64)
        self.start()

    def post(self, job: _Job) -> None:
        self._jobs.append(job)
        self._posted[0] += 1
        self._ready.release()

    def withdraw(self, job: _Job) -> bool:
        """Whether the job could be taken back, not begun."""
        try:
            self._jobs.remove(job)
        except ValueError:
            return False
        return True

    def run(self) -> None:
        while True:
            self._ready.acquire()
            try:
                job = self._jobs.popleft()
            except IndexError:  # taken back
                continue
            seen, wait = int(self._posted[0]), job.wait
            job.do()
            del job
            wait(self._posted, seen)


class _Pool:
    """The free helpers of this process; a process that was forked starts its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = -1
        self._free: list[_Helper] = []

    def lend(self, count: int) -> list[_Helper]:
        with self._lock:
            if self._owner != os.getpid():
                self._free, self._owner = [], os.getpid()
            lent = [self._free.pop() for _ in range(min(count, len(self._free)))]
        return lent + [_Helper() for _ in range(count - len(lent))]

    def give_back(self, helpers: list[_Helper]) -> None:
        with self._lock:
            if self._owner == os.getpid():
                self._free += helpers


_pool = _Pool()


@contextmanager
def helping(threads: int, function: Callable[[int], None], wait: Wait) -> Iterator[None]:
    """Have function(1) .. function(threads - 1) called by helpers while the body runs, then wait for them.

    One that has not begun when the body ends is called off.
    """
    if threads == 1:
        yield
        return
    helpers = _pool.lend(threads - 1)
    jobs = [_Job(function, thread, wait) for thread in range(1, threads)]
    for helper, job in zip(helpers, jobs, strict=True):
        helper.post(job)
    try:
        yield
    finally:
        begun = [job for helper, job in zip(helpers, jobs, strict=True) if not helper.withdraw(job)]
        for job in begun:
            job.result()
        _pool.give_back(helpers)


def usable_cores() -> int:
    """Cores this process may use: OMP_NUM_THREADS if it is set, else what affinity and containers allow."""
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
