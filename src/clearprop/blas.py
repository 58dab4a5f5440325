"""One BLAS thread while something is computed.

Products as small as a network's layers are too small to share: threads that wait for each other cost up to
twenty times the product, more on a busy machine, and the bits would depend on their number.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _BlasLimit:
    """Keeps BLAS at one thread while anyone computes.

    The limit belongs to the process, so overlapping computations share one: the first sets it, the last
    lifts it. Each product then has the same bits whoever else computes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._libraries: list[Any] = []
        self._before: list[int] = []

    def _find_libraries(self) -> None:
        """The BLAS libraries of this process; SciPy's, which Numba calls, is loaded by then."""
        import scipy.linalg.cython_blas  # noqa: F401
        from threadpoolctl import ThreadpoolController

        self._libraries = ThreadpoolController().select(user_api="blas").lib_controllers

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            self._users += 1
            if self._users == 1:
                if not self._libraries:
                    self._find_libraries()
                self._before = [library.get_num_threads() for library in self._libraries]
                self._set([1] * len(self._libraries))
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._set(self._before)

    def _set(self, threads: list[int]) -> None:
        """Set each library's threads, whichever thread asks.

        threadpoolctl 3.8 listens to the first thread that set a limit alone while that one lives, and drops
        what others ask for without a word; the lock here is what keeps our threads from contradicting.
        """
        for library, wanted in zip(self._libraries, threads, strict=True):
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)
            library.set_num_threads(wanted)
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)


one_blas_thread = _BlasLimit()
