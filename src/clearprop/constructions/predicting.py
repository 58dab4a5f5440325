"""Outputs of a network of any width on any number of rows, in blocks that take little memory."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.engines import EngineName, forward
from clearprop.specification import Parameters

CELLS = 2**22  #: rows times units that are computed at once


def predicted(theta: Parameters, X: Array, engine: EngineName) -> Array:
    """Only output (m,) of X (m, n_0).

    >>> from clearprop.specification import Dense, Network
    >>> net = Network(1, [Dense(1, bias=False)])
    >>> predicted(Parameters(net, np.array([2.0])), np.array([[1.0], [3.0]]), "textbook")
    array([2., 6.])
    """
    network = theta.network
    step = max(CELLS // max(network.widths), 1)
    blocks = (X[first : first + step] for first in range(0, len(X), step))
    return np.concatenate([forward(network, theta, block, engine=engine)[:, 0] for block in blocks])
