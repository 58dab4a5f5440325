"""Derivations: a number of a network as a tree of the equations it comes from, with the numbers put in.

Every node holds its value, the rule that gives it (F1 to F3, BP1 to BP4 of the textbook engine) and the
nodes it is computed from; an inner node's value is what its rule makes of its parts. A sum of many terms
keeps its largest and one more that holds the rest, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import SpecificationError
from clearprop.formulas import language
from clearprop.formulas.activations import Activation
from clearprop.formulas.rows import Row
from clearprop.glassbox.quantity import Quantity, read_name
from clearprop.glassbox.whole_pass import WholePass

How = Literal["given", "sum", "product", "formula"]
TERMS = 8  #: of a sum that are written out


@dataclass(frozen=True)
class Node:
    """A number and what it comes from.

    Attributes
    ----------
    quantity : Quantity or None
        Its name; None for a product that stands inside a sum.
    value : float
    how : {"given", "sum", "product", "formula"}
        How `parts` make the value.
    parts : tuple of Node
    rule : str
        Which equation it is.
    text : str
        Of a formula, in the house's language; `letters` name the parts in it.
    constants : mapping
        Parameters of the formula.
    """

    quantity: Quantity | None
    value: float
    how: How = "given"
    parts: tuple[Node, ...] = ()
    rule: str = ""
    text: str = ""
    letters: tuple[str, ...] = ()
    constants: Mapping[str, float] = field(default_factory=dict)

    def combined(self) -> tuple[float, float]:
        """What the parts make, and the size of the terms it is made from."""
        values = [part.value for part in self.parts]
        if self.how == "sum":
            return math.fsum(values), math.fsum(map(abs, values))
        if self.how == "product":
            value = math.prod(values)
            return value, abs(value)
        if self.how == "formula":
            given = {**self.constants, **{n: np.array(v) for n, v in zip(self.letters, values, strict=True)}}
            value = float(language.evaluate(self.text, given))
            return value, max(abs(value), *(abs(v) for v in values), 0.0)
        return self.value, abs(self.value)

    def walk(self) -> Iterator[Node]:
        """Every named node once, a node before those it comes from."""
        seen: set[Quantity] = set()
        waiting = [self]
        while waiting:
            node = waiting.pop(0)
            if node.quantity is not None:
                if node.quantity in seen:
                    continue
                seen.add(node.quantity)
                yield node
            waiting.extend(node.parts)

    def worst_error(self) -> float:
        """Largest difference of a node from what its parts make, relative to the size of their terms."""
        worst = 0.0
        for node in self.walk():
            for each in (node, *node.parts):
                made, size = each.combined()
                worst = max(worst, abs(made - each.value) / max(size, abs(each.value), 1e-300))
        return worst


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


class Builder:
    """Builds nodes by name, each once."""

    def __init__(self, seen: WholePass, terms: int) -> None:
        self.seen, self.terms = seen, terms
        self.network = seen.network
        self.known: dict[Quantity, Node] = {}

    def require(self, q: Quantity, name: str) -> None:
        """Raise SpecificationError where the network has no such number."""
        L, widths = self.network.depth, self.network.widths
        if q.layer is not None and not 1 <= q.layer <= L:
            raise SpecificationError(f"{name!r}: there are layers 1 to {L}")
        if q.layer is not None:
            layer = self.network.layers[q.layer - 1]
            rows = layer.units if q.kind == "a" else layer.rows
            sizes: tuple[int, ...] = (rows, widths[q.layer - 1]) if q.kind == "dW" else (rows,)
            if q.kind == "db" and not layer.bias:
                raise SpecificationError(f"{name!r}: layer {q.layer} has no bias")
        else:
            sizes = {"y_hat": (widths[-1],), "dx": (widths[0],)}.get(q.kind, ())
        for unit, size in zip(q.units, sizes, strict=True):
            if unit >= size:
                raise SpecificationError(f"{name!r}: index {unit} is beyond the last, {size - 1}")
        if self.seen.Y is None and q.kind not in ("z", "a", "y_hat"):
            raise SpecificationError(f"{name!r} needs targets; trace(X, Y) instead of trace(X)")

    def node(self, q: Quantity) -> Node:
        """Node of a quantity."""
        if q not in self.known and self.is_given(q):
            self.known[q] = (
                self.act(q.layer or self.network.depth, q.units[0], q.example)
                if q.kind != "z"
                else (self.pre(q.layer or 0, q.units[0], q.example))
            )
        if q not in self.known:
            build = getattr(self, f"_{q.kind}")
            self.known[q] = build(q)
        return self.known[q]

    def is_given(self, q: Quantity) -> bool:
        """Whether an exercise takes the number as it is."""
        plain = q.of(None)
        names = {plain.text}
        if plain.kind == "y_hat":
            names.add(Quantity("a", self.network.depth, plain.units).text)
        if plain.kind == "a" and plain.layer == self.network.depth:
            names.add(Quantity("y_hat", None, plain.units).text)
        return bool(names & self.seen.given.keys())

    def leaf(self, q: Quantity, value: float) -> Node:
        """A number that is taken as it is."""
        return Node(q, float(value))

    # Numbers of the forward pass, as leaves.

    def at(self, q: Quantity) -> int:
        """Row of the arrays."""
        return q.example or 0

    def weight(self, l: int, j: int, i: int) -> Node:
        """W[l][j,i]."""
        return self.leaf(Quantity("W", l, (j, i)), self.seen.theta.W[l][j, i])

    def pre(self, l: int, j: int, e: int | None) -> Node:
        """z[l][j] of an example, as the forward pass left it."""
        return self.leaf(Quantity("z", l, (j,), e), self.seen.z[l][e or 0, j])

    def act(self, l: int, k: int, e: int | None) -> Node:
        """a[l][k] of an example, an output as y_hat[k]."""
        q = Quantity("y_hat", None, (k,), e) if l == self.network.depth else Quantity("a", l, (k,), e)
        return self.leaf(q, self.seen.a[l][e or 0, k])

    def received(self, l: int, i: int, e: int | None) -> Node:
        """x[l][i]: the input, the activation below, or that with its dropout."""
        value = self.seen.x[l][e or 0, i]
        if l == 1:
            return self.leaf(Quantity("x", None, (i,), e), value)
        if self.kept(l - 1):
            return self.leaf(Quantity("x", l, (i,), e), value)
        return self.leaf(Quantity("a", l - 1, (i,), e), value)

    def kept(self, l: int) -> bool:
        """Whether layer l has a dropout mask."""
        return self.seen.masks is not None and l in self.seen.masks

    def keep(self, l: int, j: int, e: int | None) -> Node:
        """mask / keep of a unit."""
        masks = self.seen.masks or {}
        factor = float(masks[l][e or 0, j]) / (1 - self.network.dropouts[l])
        return self.leaf(Quantity("keep", l, (j,), e), factor)

    def share(self, e: int | None) -> Node:
        """w_i / sum w of an example."""
        return self.leaf(Quantity("share", example=e), self.seen.scale[e or 0])

    def targets(self) -> Array:
        """Y, (m, n_L)."""
        assert self.seen.Y is not None  # noqa: S101 - required at the start
        return self.seen.Y

    # Combinations.

    def sum_of(
        self, q: Quantity, rule: str, products: Sequence[tuple[Node, ...]] | Iterator[tuple[Node, ...]]
    ) -> Node:
        """Sum of products, the largest written out."""
        inline = [factors[0] if len(factors) == 1 else product_of(None, "", factors) for factors in products]
        if len(inline) > self.terms + 1:
            order = sorted(range(len(inline)), key=lambda k: -abs(inline[k].value))
            shown = sorted(order[: self.terms])
            rest = [inline[k].value for k in order[self.terms :]]
            other = Node(Quantity("rest", units=(len(rest),)), math.fsum(rest))
            inline = [inline[k] for k in shown] + [other]
        return Node(q, math.fsum(part.value for part in inline), "sum", tuple(inline), rule)

    def formula(
        self,
        q: Quantity,
        rule: str,
        text: str,
        letters: Mapping[str, Node],
        row: Row | None,
        value: float,
        k: int = 0,
    ) -> Node:
        """A formula of the rows, with the parts that occur in it."""
        used = language.names(text)
        chosen = {letter: node for letter, node in letters.items() if letter in used}
        constants = (
            {}
            if row is None
            else {name: float(v[k] if isinstance(v, tuple) else v) for name, v in row.parameters}
        )
        return Node(q, float(value), "formula", tuple(chosen.values()), rule, text, tuple(chosen), constants)

    # Forward.

    def _z(self, q: Quantity) -> Node:
        (j,), l, e = q.units, q.layer or 0, q.example
        products: list[tuple[Node, ...]] = [
            (self.weight(l, j, i), self.received(l, i, e)) for i in range(self.network.widths[l - 1])
        ]
        b = self.seen.theta.b[l]
        if b is not None:
            products.append((self.leaf(Quantity("b", l, (j,)), b[j]),))
        return self.sum_of(q, "F1", products)

    def _y_hat(self, q: Quantity) -> Node:
        return self._output_of(q, self.network.depth)

    def _a(self, q: Quantity) -> Node:
        return self._output_of(q, q.layer or 0)

    def _output_of(self, q: Quantity, l: int) -> Node:
        (k,), e = q.units, q.example
        row, value = self.network.layers[l - 1].activation, self.seen.a[l][e or 0, k]
        z = [self.node(Quantity("z", l, (j,), e)) for j in ([k] if row.name != "softmax" else [])]
        if isinstance(row, Activation):
            return self.formula(q, "F2", row.formula, {"z": z[0]}, row, value)
        if row.name == "softmax":
            return self._softmax(q, l)
        if row.name == "monotone":
            step = Node(None, 0.0)
            text = "softplus(z)" if k else "z"
            below = [(self.act(l, k - 1, e),)] if k else []
            made = float(language.evaluate(text, {"z": np.array(z[0].value)}))
            step = Node(None, made, "formula", (z[0],), "", text, ("z",))
            return self.sum_of(q, "F2", [*below, (step,)])
        pieces = range(k * row.pieces, (k + 1) * row.pieces)
        largest = max(pieces, key=lambda j: (self.seen.z[l][e or 0, j], -j))
        return Node(
            q, float(value), "sum", (self.node(Quantity("z", l, (largest,), e)),), "F2, the largest piece"
        )

    def _softmax(self, q: Quantity, l: int) -> Node:
        """exp(z_k) / sum of exp(z_j), all shifted by the largest z where exp would overflow."""
        (k,), e = q.units, q.example
        z = self.seen.z[l][e or 0]
        shift = float(z.max()) if np.abs(z).max() > 300 else 0.0
        text = "exp(z - c)" if shift else "exp(z)"
        powers = [
            Node(
                None,
                float(np.exp(z[j] - shift)),
                "formula",
                (self.node(Quantity("z", l, (j,), e)),),
                "",
                text,
                ("z",),
                {"c": shift} if shift else {},
            )
            for j in range(len(z))
        ]
        total = self.sum_of(Quantity("exp_sum", l, (), e), "F2", [(power,) for power in powers])
        return Node(
            q, float(self.seen.a[l][e or 0, k]), "formula", (powers[k], total), "F2", "p / s", ("p", "s")
        )

    def _C(self, q: Quantity) -> Node:
        losses = [self.node(Quantity("loss", example=e)) for e in self.examples()]
        products: list[tuple[Node, ...]] = [
            (node,) if len(losses) == 1 else (self.share(e), node)
            for e, node in zip(self.examples(), losses, strict=True)
        ]
        if self.seen.penalty:
            products.append((self.leaf(Quantity("P"), self.seen.penalty),))
        return self.sum_of(q, "C", products)

    def examples(self) -> list[int | None]:
        """Examples of the batch; [None] for a single one, which bears no number."""
        return [None] if len(self.seen) == 1 else list(range(len(self.seen)))

    def _loss(self, q: Quantity) -> Node:
        loss, e, L = self.network.loss, q.example, self.network.depth
        terms = []
        for k in range(self.network.output.units):
            a, y = self.node(self.act(L, k, e).quantity or q), self.target(k, e)
            value = float(
                loss.value_of(np.array([[a.value] * (loss.outputs or 1)]), np.array([[y.value]]))[
                    0, k if loss.outputs else 0
                ]
            )
            terms.append(
                (
                    self.formula(
                        Quantity("loss", None, (k,), e),
                        "the loss",
                        loss.value,
                        {"a": a, "y": y},
                        loss,
                        value,
                        k,
                    ),
                )
            )
        return self.sum_of(q, "the loss, summed over the outputs", terms)

    def target(self, k: int, e: int | None) -> Node:
        """y[k] of an example."""
        return self.leaf(Quantity("y", None, (k,), e), self.targets()[e or 0, k])

    # Backward.

    def _delta(self, q: Quantity) -> Node:
        (j,), l, e = q.units, q.layer or 0, q.example
        row, value = self.network.layers[l - 1].activation, self.seen.delta[l][e or 0, j]
        if l == self.network.depth and self.network.is_linked:
            return self._linked_delta(q)
        rule = "BP1" if l == self.network.depth else "BP2"
        if isinstance(row, Activation):
            factors = [self.node(Quantity("da", l, (j,), e))]
            if self.kept(l):
                factors.append(self.keep(l, j, e))
            factors.append(self.node(Quantity("slope", l, (j,), e)))
            return product_of(q, rule, tuple(factors))
        return self._coupled_delta(q, rule, value)

    def _linked_delta(self, q: Quantity) -> Node:
        (j,), l, e = q.units, q.layer or 0, q.example
        loss = self.network.loss
        letters = {"z": self.pre(l, j, e), "a": self.act(l, j, e), "y": self.target(j, e)}
        value, text = self.seen.delta[l][e or 0, j], loss.linked_delta
        if len(self.seen) > 1:
            letters["share"], text = self.share(e), f"share * ({text})"
        return self.formula(q, "BP1", text, letters, loss, value, j)

    def _coupled_delta(self, q: Quantity, rule: str, value: float) -> Node:
        """Through an activation whose outputs depend on several pre-activations."""
        (j,), l, e = q.units, q.layer or 0, q.example
        row, units = self.network.layers[l - 1].activation, range(self.network.layers[l - 1].units)

        def upstream(k: int) -> Node:
            node = self.node(Quantity("da", l, (k,), e))
            if not self.kept(l):
                return node
            return product_of(None, "", (node, self.keep(l, k, e)))

        if row.name == "maxout":
            k = j // row.pieces
            z = self.seen.z[l][e or 0, k * row.pieces : (k + 1) * row.pieces]
            if int(np.argmax(z)) != j % row.pieces:
                return Node(q, 0.0, "sum", (), f"{rule}, not the largest piece")
            return Node(q, float(value), "sum", (upstream(k),), f"{rule}, the largest piece")
        if row.name == "monotone":
            total = self.sum_of(
                Quantity("tail_da", l, (j,), e), rule, [(upstream(k),) for k in units if k >= j]
            )
            if j == 0:
                return Node(q, float(value), "sum", (total,), rule)
            slope = Node(
                Quantity("slope", l, (j,), e),
                float(language.evaluate("sigmoid(z)", {"z": np.array(self.seen.z[l][e or 0, j])})),
                "formula",
                (self.pre(l, j, e),),
                "g'",
                "sigmoid(z)",
                ("z",),
            )
            return product_of(q, rule, (total, slope))
        products = [(self.act(l, k, e), upstream(k)) for k in units]
        mean = self.sum_of(Quantity("mean_da", l, (), e), "the mean under the softmax", products)
        letters = {"a": self.act(l, j, e), "u": upstream(j), "s": mean}
        return self.formula(q, rule, "a * (u - s)", letters, None, value)

    def _da(self, q: Quantity) -> Node:
        (k,), l, e = q.units, q.layer or 0, q.example
        if l == self.network.depth:
            loss = self.network.loss
            a, y = self.act(l, k, e), self.target(k, e)
            shape = (1, loss.outputs or 1)
            slope = loss.slope_of(np.full(shape, a.value), np.full(shape, y.value))[
                0, k if loss.outputs else 0
            ]
            letters, text, value = {"a": a, "y": y}, loss.slope, float(slope)
            if len(self.seen) > 1:
                letters["share"], text = self.share(e), f"share * ({text})"
                value *= float(self.seen.scale[e or 0])
            return self.formula(q, "the loss's slope", text, letters, loss, value, k)
        above = self.network.layers[l]
        products = [
            (self.node(Quantity("delta", l + 1, (r,), e)), self.weight(l + 1, r, k))
            for r in self._largest(l + 1, k, e, above.rows)
        ]
        return self._folded(q, l + 1, k, e, products, above.rows)

    def _largest(self, l: int, k: int, e: int | None, rows: int) -> list[int]:
        """Units of layer l whose terms in the sum for unit k below are the largest, in their order."""
        if rows <= self.terms + 1:
            return list(range(rows))
        sizes = np.abs(self.seen.delta[l][e or 0] * self.seen.theta.W[l][:, k])
        return sorted(np.argsort(-sizes, kind="stable")[: self.terms].tolist())

    def _folded(
        self, q: Quantity, l: int, k: int, e: int | None, products: list[tuple[Node, Node]], rows: int
    ) -> Node:
        """The written terms and the rest, without building nodes for what is not shown."""
        parts = [product_of(None, "", factors) for factors in products]
        if len(parts) < rows:
            shown = {factors[0].quantity.units[0] for factors in products if factors[0].quantity}
            terms = self.seen.delta[l][e or 0] * self.seen.theta.W[l][:, k]
            rest = math.fsum(float(terms[r]) for r in range(rows) if r not in shown)
            parts.append(Node(Quantity("rest", units=(rows - len(shown),)), rest))
        return Node(q, math.fsum(part.value for part in parts), "sum", tuple(parts), "BP2")

    def _slope(self, q: Quantity) -> Node:
        (j,), l, e = q.units, q.layer or 0, q.example
        row = self.network.layers[l - 1].activation
        assert isinstance(row, Activation)  # noqa: S101 - coupled rows have no slope of their own
        z, a = self.pre(l, j, e), self.act(l, j, e)
        value = float(row.slope(np.array(z.value), np.array(a.value)))
        return self.formula(q, "g'", row.derivative, {"z": z, "a": a}, row, value)

    def _dW(self, q: Quantity) -> Node:
        (j, i), l = q.units, q.layer or 0
        products: list[tuple[Node, ...]] = [
            (self.node(Quantity("delta", l, (j,), e)), self.received(l, i, e)) for e in self.examples()
        ]
        if self.network.l1 or self.network.l2:
            products.append((self.node(Quantity("dP", l, (j, i))),))
        if len(products) == 1:
            return product_of(q, "BP4", products[0])
        return self.sum_of(q, "BP4", products)

    def _dP(self, q: Quantity) -> Node:
        (j, i), l = q.units, q.layer or 0
        w, network = self.weight(l, j, i), self.network
        text = "l2 * w + l1 * where(w > 0, 1, where(w < 0, -1, 0))" if network.l1 else "l2 * w"
        value = network.l2 * w.value + network.l1 * float(np.sign(w.value))
        constants = {"l2": network.l2, "l1": network.l1} if network.l1 else {"l2": network.l2}
        return Node(q, value, "formula", (w,), "the penalty's slope", text, ("w",), constants)

    def _db(self, q: Quantity) -> Node:
        return self.sum_of(
            q, "BP3", [(self.node(Quantity("delta", q.layer, q.units, e)),) for e in self.examples()]
        )

    def _dx(self, q: Quantity) -> Node:
        (i,), e = q.units, q.example
        rows = self.network.layers[0].rows
        products = [
            (self.node(Quantity("delta", 1, (r,), e)), self.weight(1, r, i))
            for r in self._largest(1, i, e, rows)
        ]
        whole = self._folded(q, 1, i, e, products, rows)
        if not self.kept(0):
            return whole
        keep = self.keep(0, i, e)
        return Node(
            q, whole.value * keep.value, "product", (Node(None, whole.value, "sum", whole.parts), keep), "BP2"
        )


def product_of(q: Quantity | None, rule: str, factors: tuple[Node, ...]) -> Node:
    """Node of a product."""
    return Node(q, math.prod(factor.value for factor in factors), "product", factors, rule)
