"""`clearprop warmup`: compile the kernels now rather than at the first training."""

from __future__ import annotations

import time

from clearprop.cli.answering import DONE, answering


@answering
def warmup() -> int:
    """Compile the kernels, once on this machine; takes about a minute.

    They are kept in the user's cache, or in the folder that CLEARPROP_CACHE_DIR names.
    """
    import numpy as np

    from clearprop.errors import DataError
    from clearprop.kernel_cache import asked_elsewhere, folder_of, is_complete
    from clearprop.specification import Dense, Network
    from clearprop.training import train

    for dtype in ("float32", "float64"):
        began = time.perf_counter()
        network = Network(1, (Dense(1),))
        train(network, np.zeros((2, 1)), np.zeros(2), epochs=1, dtype=dtype, progress=False)
        print(f"{dtype}: ready ({time.perf_counter() - began:.1f} s)", flush=True)
        place = folder_of(dtype)
        if asked_elsewhere(place) or not is_complete(place):
            raise DataError(asked_elsewhere(place) or f"the kernels could not be written to {place}")
    print(f"kernels are kept in {place.parent}")
    return DONE
