"""How many threads: set before a library loads, for everything that loads afterwards.

Processes started inside `confined(n)` inherit n CPUs and what each library reads about its threads, so that
none of them has a pool larger than that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

COUNTS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def environment(threads: int) -> dict[str, str]:
    """Variables for a process of so many threads."""
    eigen = "true" if threads > 1 else "false"
    return {name: str(threads) for name in COUNTS} | {
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={threads}",
        "JAX_PLATFORMS": "cpu",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }


def available() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def confined(threads: int) -> Iterator[None]:
    """What is started here has so many CPUs and threads; this process has its own back afterwards."""
    before = dict(os.environ)
    os.environ.update(environment(threads))
    cpus = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set()
    if cpus:
        os.sched_setaffinity(0, set(sorted(cpus)[:threads]))
    try:
        yield
    finally:
        if cpus:
            os.sched_setaffinity(0, cpus)
        for name in environment(threads):
            os.environ.pop(name)
            if name in before:
                os.environ[name] = before[name]
