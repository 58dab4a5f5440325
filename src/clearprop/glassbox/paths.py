"""The sum over all paths: how a weight reaches the loss, path by path, as the notes do for a thin network.

A path leads from the weight's unit up to one unit of the output layer. Along it dC/dW is a product: what
the weight is fed, the derivative of each pre-activation by the one below, and the output's delta. Of the
very many paths of a wide network the largest are found without listing the others (a product of sizes is
largest where its parts are), and the rest is one term, exactly what is missing to the sum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.textbook import pull_back
from clearprop.errors import SpecificationError
from clearprop.formulas.activations import Activation
from clearprop.glassbox.backward_nodes import Builder
from clearprop.glassbox.forward_nodes import TERMS
from clearprop.glassbox.node import Node, product_of
from clearprop.glassbox.quantity import Quantity, read_name
from clearprop.glassbox.whole_pass import WholePass


@dataclass(frozen=True)
class Path:
    """Rows of z from the weight's layer to the output's, and the product along them."""

    rows: tuple[int, ...]
    product: float


def derive_by_paths(
    seen: WholePass, name: str, *, example: int | None = None, terms: int = TERMS, single: bool = False
) -> Node:
    """Tree of dC/dW[l][j,i] or dC/db[l][j] of one example as the sum over its paths; penalties left out.

    Parameters
    ----------
    terms : int
        Paths that are written out, the largest.
    single : bool
        Whether to insist on a network with one path, whose derivative is one product.

    Raises
    ------
    SpecificationError
        When the name is not a weight's or bias's, or `single` and there are several paths.
    """
    quantity = read_name(name)
    if quantity.kind not in ("dW", "db"):
        raise SpecificationError(f"paths lead from a weight or a bias to the loss, not from {name!r}")
    builder = Builder(seen, terms)
    builder.require(quantity, name)
    if len(seen) > 1 and (example is None or not 0 <= example < len(seen)):
        raise SpecificationError(f"paths are those of one row, and there are {len(seen)}; say example=0, ...")
    e = example if len(seen) > 1 else None
    l, j = quantity.layer or 0, quantity.units[0]
    network = seen.network
    count = math.prod(layer.rows for layer in network.layers[l:])
    if single and count > 1:
        raise SpecificationError(
            f"{name!r} has {count} paths to the loss, so it is no single product; use view='paths'"
        )
    fed = builder.received(l, quantity.units[1], e) if quantity.kind == "dW" else None
    start = 1.0 if fed is None else fed.value
    links = {s: link(seen, s, e or 0) for s in range(l + 1, network.depth + 1)}
    ends = seen.delta[network.depth][e or 0]
    paths = largest_paths(links, l, j, start, ends, terms)
    parts = [_written(builder, path, l, e, fed, links) for path in paths]
    total = float(seen.delta[l][e or 0, j]) * start
    if len(parts) == 1 and count == 1:
        return Node(quantity.of(e), parts[0].value, "product", parts[0].parts, "the chain rule")
    if count > len(parts):
        shown = math.fsum(part.value for part in parts)
        parts.append(Node(Quantity("rest", units=(count - len(parts),)), total - shown))
    rule = f"the chain rule over {count} paths"
    return Node(quantity.of(e), math.fsum(part.value for part in parts), "sum", tuple(parts), rule)


def link(seen: WholePass, s: int, example: int) -> Array:
    """dz[s]/dz[s-1] of one example, (r_s, r_{s-1})."""
    below = seen.network.layers[s - 2]
    z, a = seen.z[s - 1][[example]], seen.a[s - 1][[example]]
    weights = seen.theta.W[s]
    if seen.masks is not None and s - 1 in seen.masks:
        weights = weights * (seen.masks[s - 1][example] / (1 - seen.network.dropouts[s - 1]))
    rows = len(weights)
    return pull_back(below.activation, weights, np.repeat(z, rows, axis=0), np.repeat(a, rows, axis=0))


def largest_paths(
    links: dict[int, Array], l: int, j: int, start: float, ends: Array, most: int
) -> list[Path]:
    """The paths from row j of layer l with the largest products in size, at most so many, largest first."""
    reached = {j: [Path((j,), start)]}
    for s in sorted(links):
        D, above = links[s], {}
        for k in range(len(D)):
            found = [
                Path((*path.rows, k), path.product * float(D[k, row]))
                for row, paths in reached.items()
                for path in paths
            ]
            above[k] = sorted(found, key=lambda path: (-abs(path.product), path.rows))[:most]
        reached = above
    whole = [Path(p.rows, p.product * float(ends[k])) for k, paths in reached.items() for p in paths]
    return sorted(whole, key=lambda path: (-abs(path.product), path.rows))[:most]


def _written(
    builder: Builder, path: Path, l: int, e: int | None, fed: Node | None, links: dict[int, Array]
) -> Node:
    """A path as a product, from the output down to the weight."""
    network = builder.network
    factors = [builder.node(Quantity("delta", network.depth, (path.rows[-1],), e))]
    for s in range(network.depth, l, -1):
        k, row = path.rows[s - l], path.rows[s - l - 1]
        activation = network.layers[s - 2].activation
        if isinstance(activation, Activation):
            factors.append(builder.weight(s, k, row))
            if builder.kept(s - 1):
                factors.append(builder.keep(s - 1, row, e))
            factors.append(builder.node(Quantity("slope", s - 1, (row,), e)))
        else:
            factors.append(builder.leaf(Quantity("dz", s, (k, row), e), float(links[s][k, row])))
    if fed is not None:
        factors.append(fed)
    return product_of(None, "", tuple(factors))
