"""What the machine can do beside any network: its best matrix product, and how fast its memory streams."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from benchmarks.speed.tasks import Turn
from benchmarks.speed.timing import sample

SIDES = (256, 512, 1024, 2048)
LEAST_BYTES, MOST_BYTES = 256 << 20, 1 << 30  #: of an array that is to lie beyond the caches


def square_product(contender: str, threads: int) -> Turn:
    """Operations a second of the best square float32 product, by NumPy or PyTorch."""
    generator = np.random.default_rng(0)
    pairs = [tuple(generator.standard_normal((2, side, side)).astype(np.float32)) for side in SIDES]
    multiply, outs = np.matmul, [np.empty_like(a) for a, _ in pairs]
    if contender == "PyTorch":
        import torch

        torch.set_num_threads(threads)
        multiply = torch.mm
        pairs = [(torch.from_numpy(a), torch.from_numpy(b)) for a, b in pairs]
        outs = [torch.from_numpy(out) for out in outs]

    def rate(side: int, a: object, b: object, out: object) -> float:
        multiply(a, b, out=out)
        return 2 * side**3 / sample(lambda: multiply(a, b, out=out))

    def turn(_: int) -> dict[str, float]:
        rates = [rate(side, a, b, out) for side, (a, b), out in zip(SIDES, pairs, outs, strict=True)]
        return {"rate": max(rates), "side": SIDES[int(np.argmax(rates))]}

    return turn


def cache_bytes() -> int:
    """The largest cache of the first CPU, 0 where the system does not say."""
    units = {"K": 1 << 10, "M": 1 << 20}
    sizes = [path.read_text().strip() for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("*/size")]
    return max((int(size[:-1]) * units[size[-1]] for size in sizes), default=0)


def array_bytes() -> int:
    """Bytes of an array for the bandwidth: four times the largest cache, within the limits and the memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(max(4 * cache_bytes(), LEAST_BYTES), MOST_BYTES, memory // 16)


def bandwidth(kind: str) -> Callable[[str, int], Turn]:
    """Bytes a second, read and written, of a copy (b = a) or a triad (c = s a, c += b), cut among threads."""

    def load(_: str, threads: int) -> Turn:
        size = array_bytes() // 8
        a, b, c = (np.full(size, value) for value in (1.0, 2.0, 3.0))
        cuts = np.linspace(0, size, threads + 1).astype(int)
        pieces = [slice(first, last) for first, last in itertools.pairwise(cuts)]
        pool = ThreadPoolExecutor(threads)

        def copy(piece: slice) -> None:
            np.copyto(b[piece], a[piece])

        def triad(piece: slice) -> None:
            np.multiply(a[piece], 3.0, out=c[piece])
            np.add(c[piece], b[piece], out=c[piece])

        work, streams = {"copy": (copy, 2), "triad": (triad, 5)}[kind]
        return lambda _: {"rate": streams * a.nbytes / sample(lambda: list(pool.map(work, pieces)))}

    return load


CEILINGS: dict[str, Callable[[str, int], Turn]] = {
    "square product": square_product,
    "memory copy": bandwidth("copy"),
    "memory triad": bandwidth("triad"),
}
