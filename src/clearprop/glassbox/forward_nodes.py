"""Nodes of the forward pass: z, a, the outputs and the loss, and the leaves that all derivations end in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import SpecificationError
from clearprop.formulas import language
from clearprop.formulas.activations import Activation
from clearprop.formulas.rows import Row
from clearprop.glassbox.node import Node, product_of
from clearprop.glassbox.quantity import Quantity
from clearprop.glassbox.whole_pass import WholePass

TERMS = 8  #: of a sum that are written out


class ForwardBuilder:
    """Builds nodes by name, each once; the rules of the forward pass."""

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

    def sum_of(self, q: Quantity, rule: str, products: Sequence[tuple[Node, ...]]) -> Node:
        """Sum of products, the largest written out."""
        values = [math.prod(factor.value for factor in factors) for factors in products]
        return self.folded_sum(q, rule, values, products.__getitem__)

    def folded_sum(
        self, q: Quantity, rule: str, values: Sequence[float], factors: Callable[[int], tuple[Node, ...]]
    ) -> Node:
        """Sum of terms of known values; only those that are written out, the largest, are built as nodes."""
        shown = list(range(len(values)))
        if len(shown) > self.terms + 1:
            shown = sorted(sorted(shown, key=lambda k: -abs(values[k]))[: self.terms])
        built = map(factors, shown)
        parts = [each[0] if len(each) == 1 else product_of(None, "", each) for each in built]
        written = set(shown)
        rest = [float(value) for k, value in enumerate(values) if k not in written]
        if rest:
            parts.append(Node(Quantity("rest", units=(len(rest),)), math.fsum(rest)))
        return Node(q, math.fsum(part.value for part in parts), "sum", tuple(parts), rule)

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
