"""Parameters by name: where W[1][2,0] stands in the flat vector."""

from __future__ import annotations

import numpy as np

from clearprop.errors import DataError
from clearprop.glassbox.quantity import read_name
from clearprop.specification import Network


def place_of(network: Network, name: str) -> int | None:
    """Place in the flat vector of a weight or a bias; None for the name of another number.

    Raises
    ------
    SpecificationError
        When it is no name at all.
    DataError
        When the network has no such parameter.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(3), Dense(1)])
    >>> place_of(net, "W[1][2,1]"), place_of(net, "b[1][0]"), place_of(net, "z[1][0]")
    (5, 6, None)
    """
    quantity = read_name(name)
    if quantity.kind not in ("dW", "db"):
        return None
    for segment in network.segments:
        if quantity.kind == f"d{segment.kind}" and quantity.layer == segment.layer:
            units, shape = quantity.units, segment.shape
            if len(units) == len(shape) and all(u < size for u, size in zip(units, shape, strict=True)):
                return segment.offset + int(np.ravel_multi_index(units, shape))
    raise DataError(f"the network has no parameter {name!r}; one is named like W[1][0,0] or b[1][0]")
