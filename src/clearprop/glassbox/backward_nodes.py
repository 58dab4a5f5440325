"""Nodes of the backward pass: delta, and the derivatives of C by weights, biases, activations and inputs."""

from __future__ import annotations

import numpy as np

from clearprop.formulas import language
from clearprop.formulas.activations import Activation
from clearprop.glassbox.forward_nodes import ForwardBuilder
from clearprop.glassbox.node import Node, product_of
from clearprop.glassbox.quantity import Quantity


class Builder(ForwardBuilder):
    """Builds every node of a pass, forward and backward."""

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
        return self._from_above(q, l + 1, k)

    def _from_above(self, q: Quantity, l: int, k: int) -> Node:
        """Sum over the rows r of layer l of delta[l][r] * W[l][r,k]."""
        e = q.example
        values = self.seen.delta[l][e or 0] * self.seen.theta.W[l][:, k]
        return self.folded_sum(
            q,
            "BP2",
            values.tolist(),
            lambda r: (self.node(Quantity("delta", l, (r,), e)), self.weight(l, r, k)),
        )

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
        whole = self._from_above(q, 1, i)
        if not self.kept(0):
            return whole
        keep = self.keep(0, i, e)
        return Node(
            q, whole.value * keep.value, "product", (Node(None, whole.value, "sum", whole.parts), keep), "BP2"
        )
