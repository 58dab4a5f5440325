"""An epoch's order: the permutation that `Engine.order` has from NumPy, bit by bit, in half its time.

NumPy shuffles from the last place down: each place takes the number of a place that is drawn among those not
yet settled, by bits of the Philox generator (10 rounds of 4 x 64 bits; Salmon and others, Parallel random
numbers: as easy as 1, 2, 3, 2011) masked until they are small enough. A test compares the two.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from clearprop.engines.builds import build_of
from clearprop.engines.memory import argument_types

_BUILD = build_of(__name__)
inline, entry = _BUILD.inline, _BUILD.entry
T = argument_types(_BUILD.real)
U32, U64 = np.uint32, np.uint64
FACTORS = U64(0xD2E7470EE14C6C93), U64(0xCA5A826395121157)
STEPS = U64(0x9E3779B97F4A7C15), U64(0xBB67AE8584CAA73B)
ROUNDS = 10
WORDS = 8  #: of 32 bits in a draw of the generator
DRAWS = 32  #: at once


@intrinsic
def high_product(typingctx: Any, a: Any, b: Any) -> Any:
    """The upper 64 bits of a * b."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(arg, wide) for arg in args))
        return builder.trunc(builder.lshr(product, wide(64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), codegen


@inline
def draw(counter: Any, key: Any, other_key: Any, words: Any, at: int) -> None:
    """Eight words of 32 bits, for one count of Philox."""
    x0, x1, x2, x3 = counter, U64(0), U64(0), U64(0)
    for _ in range(ROUNDS):
        x0, x1, x2, x3 = (
            high_product(FACTORS[1], x2) ^ x1 ^ key,
            FACTORS[1] * x2,
            high_product(FACTORS[0], x0) ^ x3 ^ other_key,
            FACTORS[0] * x0,
        )
        key, other_key = key + STEPS[0], other_key + STEPS[1]
    for x in (x0, x1, x2, x3):
        words[at], words[at + 1] = U32(x), U32(x >> U64(32))
        at += 2


@entry(T.nothing(types.uint64, types.uint64, T.integers))
def shuffle(key: int, other_key: int, order: Any) -> None:
    """Order (m,) = NumPy's permutation of 0 to m - 1 by Philox with that key; m below 2**32."""
    words, counter, last = np.empty(DRAWS * WORDS, dtype=np.uint32), U64(0), order.size - 1
    for i in range(order.size):
        order[i] = i
    mask = U32(1)
    while mask < last:
        mask = U32(mask * U32(2) + U32(1))
    while last > 0:
        for k in range(DRAWS):
            counter += U64(1)
            draw(counter, key, other_key, words, k * WORDS)
        for word in words:
            mask >>= U32(last <= np.int64(mask >> U32(1)))
            drawn = np.int64(word & mask)
            fits = drawn <= last
            other = drawn if fits else last  # without a branch that nobody can foretell
            order[last], order[other] = order[other], order[last]
            last -= fits
            if last <= 0:
                break
