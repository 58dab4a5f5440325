"""Which rows are looked at: the same from frame to frame, few enough to be passed through at once."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.textbook import forward_pass
from clearprop.specification import Network, Parameters
from clearprop.web.bench.dataset import Dataset, Part

SAMPLE = 256  #: rows to train on whose passes are measured
JUDGED = 2000  #: rows whose answers are counted


def some(part: Part, most: int) -> Part:
    """At most so many rows of a part, evenly spread.

    >>> part = Part(np.arange(10.0)[:, None], np.arange(10), np.arange(1, 11))
    >>> some(part, 4).numbers
    array([ 1,  4,  7, 10])
    """
    if len(part) <= most:
        return part
    kept = np.linspace(0, len(part) - 1, most).astype(np.int64)
    return Part(part.X[kept], part.Y[kept], part.numbers[kept])


def judged(data: Dataset) -> tuple[Part, str]:
    """Rows by which a network is judged, and what they are called."""
    held = data.held_out
    if held is not None and len(held):
        return some(held, JUDGED), "held-out"
    return some(data.training, JUDGED), "training"


def answers(network: Network, theta: Parameters, X: Array) -> Array:
    """y_hat (m, n_L) of inputs (m, n_0), in float64; what a network that diverged gives, too."""
    exact = Parameters(network, theta.flat.astype(np.float64))
    with np.errstate(all="ignore"):
        return forward_pass(network, exact, np.asarray(X, np.float64)).a[network.depth]
