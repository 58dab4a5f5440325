"""An ensemble as one network: its members side by side, their outputs averaged before the last activation.

The hidden layers of the members stand beside each other, with zeros where one member's units would feed
another's, and the last layer takes the mean of what the members' last layers make (z[L], not the
probabilities). So an ensemble is a network like any other: it is saved, explained, certified and exported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from clearprop.arrays import generator_of
from clearprop.errors import SpecificationError
from clearprop.formulas.activations import Activation
from clearprop.specification import Network, Parameters
from clearprop.training.validation import SPLIT

MOST_PARAMETERS = 50_000_000  #: of an ensemble, zeros included


def member_seed(seed: int, k: int) -> int:
    """Seed of member k, a function of the one seed; the first has it as it is.

    >>> member_seed(7, 0), member_seed(7, 1) == member_seed(7, 1) != member_seed(7, 2)
    (7, True)
    """
    return seed if k == 0 else int(generator_of(seed, SPLIT - k).integers(2**63))


def ensemble_network(network: Network, members: int) -> Network:
    """The network that holds so many members like this one.

    Raises
    ------
    SpecificationError
        When the members' units cannot stand beside each other, or would be too many.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> ensemble_network(Network(2, [Dense(3, "tanh"), Dense(1)]), 4).widths
    (2, 12, 1)
    """
    for layer in network.layers[:-1]:
        row = layer.activation
        if not isinstance(row, Activation) and row.name != "maxout":
            raise SpecificationError(
                f"a hidden layer of {row.name} couples its units, so members cannot stand side by side; "
                "train them one by one, or use another activation"
            )
    *hidden, last = network.layers
    wide = [replace(layer, units=members * layer.units, dropout=0.0) for layer in hidden]
    found = replace(network, layers=(*wide, last), input_dropout=0.0)
    if found.n_parameters > MOST_PARAMETERS:
        raise SpecificationError(
            f"{members} members would have {found.n_parameters:,} parameters side by side, and "
            f"{MOST_PARAMETERS:,} are the most; use fewer, or narrower ones"
        )
    return found


def side_by_side(members: Sequence[Parameters]) -> Parameters:
    """Parameters of the network that holds all members.

    Examples
    --------
    >>> from clearprop.engines import forward
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(3, "tanh"), Dense(2, "relu"), Dense(1)])
    >>> members, X = [net.initialize(seed=k) for k in range(3)], np.ones((1, 2))
    >>> whole = side_by_side(members)
    >>> alone = [forward(net, theta, X, engine="textbook") for theta in members]
    >>> bool(np.allclose(forward(whole.network, whole, X, engine="textbook"), np.mean(alone, axis=0)))
    True
    """
    first, count = members[0], len(members)
    network = ensemble_network(first.network, count)
    whole = Parameters(network, np.zeros(network.n_parameters, dtype=first.dtype))
    depth = network.depth
    for l in range(1, depth + 1):
        rows, columns = first.W[l].shape
        for k, theta in enumerate(members):
            down = slice(None) if l == depth else slice(k * rows, (k + 1) * rows)
            across = slice(None) if l == 1 else slice(k * columns, (k + 1) * columns)
            share = 1 / count if l == depth else 1.0
            whole.W[l][down, across] += (share * theta.W[l]).astype(first.dtype)
            b, own = whole.b[l], theta.b[l]
            if b is not None and own is not None:
                b[down] += (share * own).astype(first.dtype)
    return whole
