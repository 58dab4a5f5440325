"""Array types of the annotations, whose shapes stand in docstrings; and what numbers are drawn by."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]  #: numbers of the engine's dtype (or complex, or high precision)
BoolArray: TypeAlias = npt.NDArray[np.bool_]
IntArray: TypeAlias = npt.NDArray[np.int64]


def generator_of(seed: int, counter: int, place: int = 0) -> np.random.Generator:
    """Generator that is a function of (seed, counter, place), and nothing else."""
    key = np.array([seed, counter], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, place]))


def compact(rows: IntArray) -> IntArray:
    """Ascending or shuffled row numbers from 0, in 4 bytes each where that holds them.

    >>> import numpy as np
    >>> compact(np.array([7, 2])).dtype, compact(np.array([2**40])).dtype
    (dtype('int32'), dtype('int64'))
    """
    return rows.astype(np.int32 if rows.max(initial=0) < 2**31 else np.int64, copy=False)
