"""Jacobians: how every output moves with every parameter and every input, by the same backpropagated deltas.

For one output k, (BP1) starts from delta[L] = da_k/dz instead of the loss's; (BP2) carries it down; and (BP4)
without its sum over the examples is one row of the Jacobian for each example.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array
from clearprop.engines.examples import check_examples, check_inputs
from clearprop.engines.textbook import ForwardPass, deltas_below, forward_pass, output_delta, pull_back
from clearprop.errors import SpecificationError
from clearprop.specification import Network, Parameters

BLOCK_NUMBERS = 1 << 22  #: numbers of a Jacobian that are held at once


def output_deltas(network: Network, theta: Parameters, seen: ForwardPass) -> Iterator[dict[int, Array]]:
    """For each output k in turn, da_k/dz[l] of every layer: (m, r_l)."""
    L = network.depth
    for k in range(network.output.units):
        upstream = np.zeros_like(seen.a[L])
        upstream[:, k] = 1
        top = pull_back(network.output.activation, upstream, seen.z[L], seen.a[L])
        yield deltas_below(network, theta, seen, top)


def parameter_jacobian(network: Network, theta: Parameters, seen: ForwardPass) -> Array:
    """da_k/dtheta of each example and output, (m, n_L, n_parameters)."""
    m = len(seen.x[1])
    jacobian = np.empty((m, network.output.units, network.n_parameters), dtype=theta.dtype)
    for k, delta in enumerate(output_deltas(network, theta, seen)):
        for segment in network.segments:
            l, piece = segment.layer, jacobian[:, k, segment.offset : segment.stop]
            if segment.kind == "b":
                piece[:] = delta[l]
            else:
                np.multiply(delta[l][:, :, None], seen.x[l][:, None, :], out=piece.reshape(m, *segment.shape))
    return jacobian


def jacobian(
    network: Network,
    theta: Parameters,
    X: npt.ArrayLike,
    *,
    by: Literal["parameters", "inputs"] = "parameters",
) -> Array:
    """Exact derivatives of every output by every parameter, or by every input, example by example.

    Parameters
    ----------
    X : array (m, n_0)
        Computed in the dtype of `theta`, without dropout.
    by : {"parameters", "inputs"}

    Returns
    -------
    ndarray (m, n_L, n_parameters) or (m, n_L, n_0)
        Parameters in the order of `theta.flat`.

    Raises
    ------
    SpecificationError, DataError
        When `by` is neither, or X does not fit the network.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(1, "tanh")])
    >>> theta = Parameters(net, np.array([1.0, -1.0, 0.0]))
    >>> jacobian(net, theta, [[2.0, 2.0]]).tolist()
    [[[2.0, 2.0, 1.0]]]
    >>> jacobian(net, theta, [[2.0, 2.0]], by="inputs").tolist()
    [[[1.0, -1.0]]]

    Notes
    -----
    BP1 to BP4 of the notes 001 and 004, from da_k/dz of the output instead of the loss's slope.
    """
    if by not in ("parameters", "inputs"):
        raise SpecificationError(f"a jacobian is by 'parameters' or by 'inputs', not by {by!r}")
    inputs = check_inputs(network, X, theta.dtype)
    with np.errstate(over="ignore", under="ignore"):
        seen = forward_pass(network, theta, inputs)
        if by == "parameters":
            return parameter_jacobian(network, theta, seen)
        rows = [delta[1] @ theta.W[1] for delta in output_deltas(network, theta, seen)]
    return np.stack(rows, axis=1)


def input_gradient(network: Network, theta: Parameters, X: npt.ArrayLike, Y: npt.ArrayLike) -> Array:
    """dLoss_i/dx of each example's own loss by its inputs, (m, n_0): what the loss asks of every input.

    Parameters
    ----------
    X : array (m, n_0)
    Y : array (m, n_L), or (m,) class indices (one column of numbers for losses of numbers)

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(1)], loss="half_squared_error")
    >>> theta = Parameters(net, np.array([1.0, -1.0, 0.0]))
    >>> input_gradient(net, theta, [[3.0, 1.0]], [1.0]).tolist()
    [[1.0, -1.0]]
    """
    network.require_trainable()
    examples = check_examples(network, X, Y, theta.dtype)
    with np.errstate(over="ignore", under="ignore"):
        seen = forward_pass(network, theta, examples.X)
        top = output_delta(network, seen, examples.Y)
        gradient: Array = deltas_below(network, theta, seen, top)[1] @ theta.W[1]
    return gradient
