"""Influence, nearly free: how large each example's own gradient is, without forming it.

An example's gradient by W[l] is the outer product of its delta[l] and its x[l], so its squared norm is
|delta[l]|**2 |x[l]|**2, and by b[l] it is |delta[l]|**2; their sum over the layers needs one forward and one
backward pass and no gradient at all. Examples that the network finds hard, or that are labelled wrongly,
have large ones.

Source: Goodfellow, Efficient Per-Example Gradient Computations, arXiv:1510.01799.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array
from clearprop.engines import EngineName, engine_for
from clearprop.engines.examples import check_examples
from clearprop.specification import Network, Parameters


def gradient_norms(
    network: Network,
    theta: Parameters,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    *,
    engine: EngineName = "compiled",
) -> Array:
    """Euclidean norm of each example's own gradient dLoss_i/dtheta, (m,), without penalties.

    Parameters
    ----------
    X : array (m, n_0)
    Y : array (m, n_L), or (m,) class indices (one column of numbers for losses of numbers)

    Returns
    -------
    ndarray (m,)
        float64; nothing is dropped.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(1)], loss="half_squared_error")
    >>> theta = Parameters(net, np.array([1.0, 1.0, 0.0]))
    >>> gradient_norms(net, theta, [[3.0, 4.0], [0.0, 0.0]], [6.0, 2.0]).round(3).tolist()
    [5.099, 2.0]
    """
    network.require_trainable()
    examples = check_examples(network, X, Y, theta.dtype)
    computing = engine_for(engine, network, dtype=theta.dtype)
    return np.sqrt(computing.square_norms(theta.flat, examples.X, examples.Y))
