"""The working of a key: which numbers are asked for, and each of them with the equation it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from clearprop.glassbox.backward_nodes import Builder
from clearprop.glassbox.node import Node
from clearprop.glassbox.quantity import Quantity
from clearprop.glassbox.trace import Trace
from clearprop.specification import Parameters

#: how formulas guard against overflow -> how they stand on paper; a sheet's numbers are far from the guards
_GUARDS: Sequence[tuple[str, str]] = (
    (r"log\(maximum\(((?:1 - )?[ay]), 1e-30\)", r"log(\1"),
    (r"maximum\(([ay]), 1e-30\)", r"\1"),
    (r"maximum\((1 - a), 1e-30\)", r"(\1)"),
    (r"exp\(minimum\(30, z\)\) \* \(1 \+ maximum\(z - 30, 0\)\)", "exp(z)"),
    (r"minimum\((?:30|0), z\)", "z"),
)


def on_paper(text: str) -> str:
    """A formula without its guards.

    >>> on_paper("-y * log(maximum(a, 1e-30)) - (1 - y) * log(maximum(1 - a, 1e-30))")
    '-y * log(a) - (1 - y) * log(1 - a)'
    >>> on_paper("(1 - y) / maximum(1 - a, 1e-30) - y / maximum(a, 1e-30)")
    '(1 - y) / (1 - a) - y / a'
    """
    for guarded, plain in _GUARDS:
        text = re.sub(guarded, plain, text)
    return text


def forward_rows(seen: Trace) -> Iterator[list[Quantity]]:
    """z and a of each unit, a row for each; layer by layer, example by example; then C."""
    for e in examples_of(seen):
        for l, layer in enumerate(seen.network.layers, start=1):
            for j in range(layer.units):
                yield [Quantity("z", l, (j,), e), activation_name(seen.network.depth, l, j, e)]
    yield [Quantity("C")]


def activation_name(depth: int, l: int, j: int, e: int | None) -> Quantity:
    """a[l][j], which at the output is y_hat[j]."""
    return Quantity("y_hat", None, (j,), e) if l == depth else Quantity("a", l, (j,), e)


def delta_rows(seen: Trace) -> Iterator[list[Quantity]]:
    """The deltas of each example, a row for each layer, from the output down."""
    for e in examples_of(seen):
        for l in range(seen.network.depth, 0, -1):
            yield [Quantity("delta", l, (j,), e) for j in range(seen.network.layers[l - 1].units)]


def gradient_rows(seen: Trace) -> Iterator[list[Quantity]]:
    """dC/dW and dC/db of each unit, a row for each, from the output down."""
    for l in range(seen.network.depth, 0, -1):
        layer = seen.network.layers[l - 1]
        for j in range(layer.units):
            weights = [Quantity("dW", l, (j, i)) for i in range(seen.network.widths[l - 1])]
            yield [*weights, *([Quantity("db", l, (j,))] if layer.bias else [])]


def parameter_rows(seen: Trace) -> Iterator[list[Quantity]]:
    """W and b of each unit, a row for each, from the first layer up."""
    rows = list(gradient_rows(seen))
    for row in sorted(rows, key=lambda row: (row[0].layer, row[0].units)):
        yield [replace(q, kind="W" if q.kind == "dW" else "b") for q in row]


def examples_of(seen: Trace) -> list[int | None]:
    """Examples of the batch; [None] for a single one, which bears no number."""
    return [None] if len(seen) == 1 else list(range(len(seen)))


def value_of(seen: Trace, q: Quantity, theta: Parameters | None = None) -> float:
    """The number of that name in a trace; W and b are those of `theta`."""
    e, l = q.example or 0, q.layer or 0
    if q.kind in ("W", "b"):
        of = seen.theta if theta is None else theta
        array = of.W[l] if q.kind == "W" else of.b[l]
        assert array is not None  # noqa: S101 - named only where it is
        return float(array[q.units])
    match q.kind:
        case "C":
            return seen.loss
        case "y_hat":
            return float(seen.y_hat[e, q.units[0]])
        case "dW":
            return float(seen.dW[l][q.units])
        case "db":
            db = seen.db[l]
            assert db is not None  # noqa: S101 - named only where it is
            return float(db[q.units])
        case "z":
            return float(seen.z[l][e, q.units[0]])
        case "a":
            return float(seen.a[l][e, q.units[0]])
        case "delta":
            return float(seen.delta[l][e, q.units[0]])
    raise AssertionError(f"a sheet asks for no {q.kind}")


def worked(seen: Trace, rows: Iterable[Sequence[Quantity]], known: set[Quantity]) -> tuple[Node, ...]:
    """Each number of the rows after those it comes from; what is `known` is left out, and joins it."""
    builder = Builder(seen, terms=10**6)
    found: list[Node] = []
    for q in (q for row in rows for q in row):
        root = builder.node(q)
        if root.how == "given" and q not in known:  # in an exercise that takes it as it is
            known.add(q)
            found.append(root)
        found.extend(_causes_first(root, known))
    return tuple(_tidied(node) for node in _without_copies(found))


def _causes_first(node: Node, known: set[Quantity]) -> Iterator[Node]:
    """The named numbers of a tree that are computed and not known yet, each after those it comes from."""
    if node.quantity in known or node.how == "given":
        return
    for part in node.parts:
        yield from _causes_first(part, known)
    if node.quantity is not None:
        known.add(node.quantity)
        yield node


def _tidied(node: Node) -> Node:
    """The node without the guards of its formulas; an example's share of the mean is a mere number."""
    parts = []
    for part in node.parts:
        if part.quantity is None:
            parts.append(_tidied(part))
        elif part.quantity.kind == "share":
            parts.append(replace(part, quantity=None))
        else:
            parts.append(part)
    return replace(node, text=on_paper(node.text), parts=tuple(parts))


def _without_copies(nodes: Sequence[Node]) -> Iterator[Node]:
    """Where C is a sum of a single loss, it is that loss."""
    by_name = {node.quantity: node for node in nodes}
    whole: dict[Quantity | None, Node] = {}  # the single term -> the number that is a copy of it
    for node in nodes:
        single = node.how == "sum" and len(node.parts) == 1 and node.parts[0].quantity in by_name
        if single and node.quantity is not None and node.quantity.kind in ("C", "loss"):
            whole[node.parts[0].quantity] = node
    for node in nodes:
        if node.quantity in whole:
            continue
        source = node
        while source.how == "sum" and len(source.parts) == 1 and source.parts[0].quantity in whole:
            source = by_name[source.parts[0].quantity]
        yield replace(source, quantity=node.quantity)


def step_nodes(
    seen: Trace, rows: Iterable[Sequence[Quantity]], eta: float, after: Parameters
) -> tuple[Node, ...]:
    """W - eta dC/dW and b - eta dC/db with their numbers."""
    nodes = []
    for q in (q for row in rows for q in row):
        of = replace(q, kind="dW" if q.kind == "W" else "db")
        parts = (Node(q, value_of(seen, q)), Node(of, value_of(seen, of)))
        value = value_of(seen, q, after)
        text, letters = "w - eta * g", ("w", "g")
        nodes.append(Node(q, value, "formula", parts, "the step", text, letters, {"eta": eta}))
    return tuple(nodes)
