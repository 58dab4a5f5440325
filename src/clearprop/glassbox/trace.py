"""`trace`: a pass that prints itself, and derives each of its numbers.

A teacher's network may take some numbers as given ("the activation is 0.37"): the equations then go on from
these, and `conflicts` says where they are not what the rest of the network makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Literal

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array
from clearprop.engines.protocol import Masks
from clearprop.errors import SpecificationError
from clearprop.glassbox.derivation import derive
from clearprop.glassbox.forward_nodes import TERMS
from clearprop.glassbox.node import Node
from clearprop.glassbox.paths import derive_by_paths
from clearprop.glassbox.render import as_html, as_latex, as_text
from clearprop.glassbox.render.lines import DIGITS
from clearprop.glassbox.render.svg import UNITS, as_svg
from clearprop.glassbox.whole_pass import Conflict, WholePass, whole_pass
from clearprop.specification import Network, Parameters

ROWS = 6  #: examples of a batch that are printed
TRACE_STYLE = """.trace svg { max-width: 100%; height: auto; }
.trace pre { overflow-x: auto; }"""
COLUMNS = 10  #: units of a layer that are printed


class Derivation:
    """A derived number: prints as text, shows as MathML in a notebook, and gives LaTeX.

    Attributes
    ----------
    tree : Node
    value : float
    """

    def __init__(self, tree: Node, digits: int = DIGITS) -> None:
        self.tree, self.digits = tree, digits

    @property
    def value(self) -> float:
        """The number itself."""
        return self.tree.value

    def __str__(self) -> str:
        return as_text(self.tree, self.digits)

    def __repr__(self) -> str:
        name = self.tree.quantity.text if self.tree.quantity else "a number"
        return f"<Derivation of {name} = {self.value:.{self.digits}g}>"

    def _repr_html_(self) -> str:
        return as_html(self.tree, self.digits)

    def text(self) -> str:
        """Aligned text."""
        return str(self)

    def latex(self, *, document: bool = False) -> str:
        """An `align*` environment, or a whole file that `latex` compiles."""
        return as_latex(self.tree, self.digits, document=document)

    def html(self, *, page: bool = True, title: str = "") -> str:
        """A whole page with MathML, or the table alone."""
        name = self.tree.quantity.text if self.tree.quantity else "Derivation"
        return as_html(self.tree, self.digits, page=page, title=title or f"Derivation of {name}")


@dataclass(frozen=True)
class Trace(WholePass):
    """All numbers of a forward and a backward pass; see `WholePass` for what it holds.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(1, "sigmoid")])
    >>> theta = Parameters(net, np.array([1.0, -1.0, 0.0]))
    >>> print(trace(net, theta, [[3.0, 1.0]], [1]).derive("W[1][0,1]"))
    dC/dW[1][0,1] = delta[1][0] * x[1]  (BP4)
                  = (-0.119203) * 1
                  = -0.119203
    delta[1][0] = y_hat[0] - y[0]  (BP1)
                = 0.880797 - 1
                = -0.119203
    """

    def derive(
        self,
        name: str,
        *,
        view: Literal["recursive", "paths", "product"] = "recursive",
        example: int | None = None,
        terms: int = TERMS,
        digits: int = DIGITS,
    ) -> Derivation:
        """Derivation of a number by the chain rule, with the numbers put in.

        Parameters
        ----------
        name : str
            "C", "y_hat[k]", "z[l][j]", "a[l][j]", "delta[l][j]", "W[l][j,i]" and "b[l][j]" (dC/dW, dC/db), or
            "x[i]" (dC/dx); layers from 1, units from 0.
        view : {"recursive", "paths", "product"}
            Through the deltas, layer by layer; or, for dC/dW and dC/db, as the sum over all paths from the
            weight to the loss; or as the one product of a network with a single path.
        example : int, optional
            Row of a batch, for a number that belongs to one.
        terms : int
            Terms of a sum that are written out; the others are one term with their exact sum.
        digits : int
            Significant digits.
        """
        if view == "recursive":
            return Derivation(derive(self, name, example=example, terms=terms), digits)
        if view not in ("paths", "product"):
            raise SpecificationError(f"view is 'recursive', 'paths' or 'product', not {view!r}")
        single = view == "product"
        tree = derive_by_paths(self, name, example=example, terms=terms, single=single)
        return Derivation(tree, digits)

    def svg(self, *, example: int = 0, units: int = UNITS, digits: int = 3) -> str:
        """Drawing of the network with its values for one row, as SVG; wide layers are folded."""
        return as_svg(self, example=example, units=units, digits=digits)

    def __str__(self) -> str:
        return "\n".join(f"{title}\n{body}" for title, body in self._tables())

    def _repr_html_(self) -> str:
        tables = "".join(
            f"<h4>{escape(title)}</h4><pre>{escape(body)}</pre>" for title, body in self._tables()
        )
        return f'<style>\n{TRACE_STYLE}\n</style>\n<div class="trace">{self.svg()}\n{tables}</div>'

    def _tables(self) -> list[tuple[str, str]]:
        """Titles and aligned tables: inputs, each layer, the loss."""
        found = [("x (inputs)", _table({"x": self.X}))]
        for l, layer in enumerate(self.network.layers, start=1):
            shown = {f"z[{l}]": self.z[l], f"a[{l}]": self.a[l]}
            if self.delta:
                shown[f"delta[{l}]"] = self.delta[l]
            title = f"layer {l}: {layer.units} {layer.activation.name}"
            gradient = f"\n{_table({f'dC/dW[{l}]': self.dW[l]})}" if self.gradient is not None else ""
            found.append((title, _table(shown) + gradient))
        if self.losses is not None and self.Y is not None:
            body = _table({"y": self.Y, "loss": self.losses[:, None]})
            found.append((f"C = {self.loss:.{DIGITS}g} ({self.network.loss.name})", body))
        if self.conflicts:
            found.append(("Given, though:", "\n".join(f"  {conflict}" for conflict in self.conflicts)))
        return found


def _table(arrays: Mapping[str, Array]) -> str:
    """Arrays (rows, columns) beside their names, the numbers right-aligned; long ones are cut, and say so."""
    lines = []
    for name, array in arrays.items():
        shown = [[f"{value:.{DIGITS}g}" for value in row[:COLUMNS]] for row in np.atleast_2d(array)[:ROWS]]
        width = max(len(cell) for row in shown for cell in row)
        more = " ..." if array.shape[1] > COLUMNS else ""
        for k, row in enumerate(shown):
            label = name if k == 0 else ""
            lines.append(f"  {label:12}" + "  ".join(f"{cell:>{width}}" for cell in row) + more)
        if len(array) > ROWS:
            lines.append(f"  {'':12}... {len(array) - ROWS} more rows")
    return "\n".join(lines)


def trace(
    network: Network,
    theta: Parameters,
    X: npt.ArrayLike,
    Y: npt.ArrayLike | None = None,
    *,
    sample_weight: npt.ArrayLike | None = None,
    masks: Masks | None = None,
    given: Mapping[str, float] | None = None,
) -> Trace:
    """Every number of a forward and a backward pass over a batch, for one row `X[:1]` or many.

    Parameters
    ----------
    X : array (m, n_0)
    Y : array (m, n_L), or (m,) class indices (one column of numbers for losses of numbers), optional
        Left out, the forward pass alone is traced.
    sample_weight : array (m,), optional
    masks : mapping from layer l = 0..L-1 to bool array (m, n_l), optional
        Frozen dropout masks, True where a unit is kept.
    given : mapping from name to number, optional
        Numbers taken as they are, such as `{"a[1][0]": 0.37, "y_hat[0]": 0.25}` in an exercise: the equations
        go on from these. `conflicts` names those that the network makes otherwise.

    Returns
    -------
    Trace
        `trace.z[l]`, `.a[l]`, `.delta[l]`, `.dW[l]`, `.db[l]`, `.loss`; `trace.derive("W[1][2,0]")`.

    Raises
    ------
    SpecificationError, DataError
        When theta, X, Y or a name do not fit the network.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(1, [Dense(1, "tanh"), Dense(1, "sigmoid")])
    >>> theta = Parameters(net, np.array([0.1, 0.0, 12.0, 0.0]))
    >>> seen = trace(net, theta, [[60.0]], [1], given={"a[1][0]": 0.37, "y_hat[0]": 0.25})
    >>> seen.dW[2][0, 0].round(4), len(seen.conflicts)
    (np.float64(-0.2775), 2)
    """
    return whole_pass(network, theta, X, Y, sample_weight=sample_weight, masks=masks, given=given, kind=Trace)


__all__ = ["Conflict", "Derivation", "Trace", "trace"]
