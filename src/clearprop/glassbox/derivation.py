"""Derivations: a number of a network as a tree of the equations it comes from, with the numbers put in.

Every node holds its value, the rule that gives it (F1 to F3, BP1 to BP4 of the textbook engine) and the
nodes it is computed from; an inner node's value is what its rule makes of its parts. A sum of many terms
keeps its largest and one more that holds the rest, exactly.
"""

from __future__ import annotations

from clearprop.errors import SpecificationError
from clearprop.glassbox.backward_nodes import Builder
from clearprop.glassbox.forward_nodes import TERMS
from clearprop.glassbox.node import Node
from clearprop.glassbox.quantity import read_name
from clearprop.glassbox.whole_pass import WholePass


def derive(seen: WholePass, name: str, *, example: int | None = None, terms: int = TERMS) -> Node:
    """Tree of a number by the chain rule, layer by layer (the recursive view, through the deltas).

    Parameters
    ----------
    name : str
        "C", "y_hat[k]", "z[l][j]", "a[l][j]", "delta[l][j]", "W[l][j,i]" and "b[l][j]" (dC/dW, dC/db), or
        "x[i]" (dC/dx); layers from 1, units from 0.
    example : int, optional
        Row of a batch; needed where the number belongs to one, unless the batch has a single row.
    terms : int
        Terms of a sum that are written out, at least 1.

    Raises
    ------
    SpecificationError
        When there is no such number.
    """
    if terms < 1:
        raise SpecificationError(f"terms is a whole number from 1, not {terms!r}")
    quantity = read_name(name)
    builder = Builder(seen, terms)
    builder.require(quantity, name)
    whole = quantity.kind in ("C", "dW", "db")
    if len(seen) > 1 and not whole:
        if example is None or not 0 <= example < len(seen):
            raise SpecificationError(
                f"{name!r} belongs to one row, and there are {len(seen)}; say example=0 to {len(seen) - 1}"
            )
        quantity = quantity.of(example)
    return builder.node(quantity)
