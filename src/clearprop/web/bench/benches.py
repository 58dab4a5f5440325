"""Benches by id, in memory: each tab has its own, which outlives a reload; old ones make room for new."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict

from clearprop.errors import DataError
from clearprop.web.bench.bench import Bench

MOST = 8  #: benches at once


class Benches:
    """Benches by id.

    Examples
    --------
    >>> benches = Benches(most=1)
    >>> first = benches.add(Bench())
    >>> second = benches.add(Bench())
    >>> benches.get(second) is not None, len(benches)
    (True, 1)
    >>> benches.close()
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._benches: OrderedDict[str, Bench] = OrderedDict()
        self._turn = threading.Lock()

    def __len__(self) -> int:
        return len(self._benches)

    def add(self, bench: Bench) -> str:
        """Keep a bench, and give its id; the one that was not asked for longest is closed, if need be."""
        name = secrets.token_hex(8)
        with self._turn:
            self._benches[name] = bench
            leaving = [self._benches.popitem(last=False)[1] for _ in range(len(self._benches) - self.most)]
        for old in leaving:
            old.close()
        return name

    def get(self, name: str) -> Bench:
        """The bench of an id.

        Raises
        ------
        DataError
            When there is none (any more).
        """
        with self._turn:
            if name not in self._benches:
                raise DataError("this bench is gone; reload the page for a new one")
            self._benches.move_to_end(name)
            return self._benches[name]

    def close(self) -> None:
        """End all runs."""
        with self._turn:
            leaving = list(self._benches.values())
            self._benches.clear()
        for bench in leaving:
            bench.close()
