"""Dropout factors: 0 for a dropped unit, 1 / keep for the others, from the counter-based hash.

The hash is that of `engines/dropout.py`, bit by bit; a test compares the two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.engines.builds import build_of

_BUILD = build_of(__name__)
kernel, inline, REAL = _BUILD.kernel, _BUILD.inline, _BUILD.real
ZERO = REAL(0)
U32 = np.uint32


@inline
def mixed(x: Any) -> Any:
    """One round of the lowbias32 hash; the same as `dropout.mix`."""
    x = U32(x ^ (x >> U32(16)))
    x = U32(x * U32(0x7FEB352D))
    x = U32(x ^ (x >> U32(15)))
    x = U32(x * U32(0x846CA68B))
    return U32(x ^ (x >> U32(16)))


@kernel
def draw_factors(key: int, threshold: int, factor: Any, examples: Any, factors: Any, n: int) -> None:
    """factors = 0 where (key, example, unit) is dropped and 1 / keep elsewhere."""
    for i in range(examples.size):
        row = mixed(U32(U32(key) ^ mixed(U32(U32(examples[i]) + U32(0x9E3779B9)))))
        for j in range(n):
            hashed = mixed(U32(row + U32(U32(j) * U32(0x9E3779B9))))
            factors[i * n + j] = factor if np.int64(hashed) >= threshold else ZERO
