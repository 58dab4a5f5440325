"""`clearprop warmup`: compile the kernels now rather than at the first training."""

from __future__ import annotations

import time

from clearprop.cli.answering import DONE, answering


@answering
def warmup() -> int:
    """Compile the kernels, once on this machine; takes about a minute."""
    import numpy as np

    from clearprop.engines.builds import cache_folder
    from clearprop.specification import Dense, Network
    from clearprop.training import train

    for dtype in ("float32", "float64"):
        began = time.perf_counter()
        network = Network(1, (Dense(1),))
        train(network, np.zeros((2, 1)), np.zeros(2), epochs=1, dtype=dtype, progress=False)
        print(f"{dtype}: ready ({time.perf_counter() - began:.1f} s)", flush=True)
    print(f"kernels are kept in {cache_folder()}")
    return DONE
