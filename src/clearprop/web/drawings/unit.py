"""What makes up a unit's z: each weight times what it receives, as bars, largest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from clearprop.errors import SpecificationError
from clearprop.glassbox.quantity import Quantity
from clearprop.glassbox.whole_pass import WholePass
from clearprop.report.frame import cut_to, fitted, said, width_of
from clearprop.web.drawings.canvas import button, drawing, hue_of, in_words, largest, share_of, short

TERMS = 12  #: that have a bar of their own
LONGEST_NAME = 130.0
_ROW, _TOP, _BARS = 24, 34, 260


@dataclass(frozen=True)
class _Term:
    """A row: its name, what is multiplied, and the product."""

    name: str
    product: str
    value: float
    quantity: Quantity | None = None
    total: bool = False


def neighbourhood(
    seen: WholePass, layer: int, row: int, *, example: int = 0, inputs: Sequence[str] = (), terms: int = TERMS
) -> str:
    """SVG of z[layer][row]: its terms W x and b, those beyond the largest as one bar, their sum, and a.

    Parameters
    ----------
    seen : WholePass
    layer, row : int
        z[layer][row]; the row is the unit, but for maxout, whose units have several.
    example : int
        Row of the pass.
    inputs : sequence of str
        Names of the inputs, for layer 1.
    terms : int
        Bars of single terms.

    Raises
    ------
    SpecificationError
        When there is no such number.

    Examples
    --------
    >>> from clearprop.glassbox.whole_pass import whole_pass
    >>> from clearprop.specification import Dense, Network
    >>> net = Network(2, [Dense(1, "tanh")])
    >>> seen = whole_pass(net, net.initialize(), [[1.0, -2.0]])
    >>> drawn = neighbourhood(seen, 1, 0, inputs=["age", "height"])
    >>> [name in drawn for name in ('"W[1][0,1]"', '"b[1][0]"', '"z[1][0]"', '"a[1][0]"')]
    [True, True, True, True]
    """
    depth = seen.network.depth
    if not 1 <= layer <= depth or not 0 <= row < seen.network.layers[layer - 1].rows:
        raise SpecificationError(f"z[{layer}][{row}] is not of this network, which has {depth} layers")
    if not 0 <= example < len(seen):
        raise SpecificationError(f"the pass has examples 0 to {len(seen) - 1}, and not {example}")
    rows = [*_terms(seen, layer, row, example, inputs, terms), *_sums(seen, layer, row, example)]
    most = largest(np.array([term.value for term in rows]))
    name_wide = max(width_of(cut_to(term.name, LONGEST_NAME)) for term in rows)
    middle = 18 + name_wide + 150 + _BARS / 2
    width, height = middle + _BARS / 2 + 52, _TOP + len(rows) * _ROW + 8
    pieces = [
        f'<text x="12" y="16" class="strong">What makes up z[{layer}][{row}]</text>',
        f'<path d="M{middle:g} {_TOP - 6}V{height - 6:g}" class="axis"/>',
    ]
    for k, term in enumerate(rows):
        y = _TOP + k * _ROW
        if term.total and not rows[k - 1].total:
            pieces.append(f'<path d="M10 {y - 2}H{width - 10:g}" class="total"/>')
        pieces += _bar(term, y, middle, most, name_wide)
    told = "; ".join(f"{term.name} {in_words(term.value)}" for term in rows)
    return drawing(width, height, pieces, f"What makes up z[{layer}][{row}]", told)


def _terms(
    seen: WholePass, l: int, row: int, example: int, inputs: Sequence[str], terms: int
) -> Iterator[_Term]:
    """Products, the largest first, the others as one; then the bias."""
    weights, x = seen.theta.W[l][row], seen.x[l][example]
    with np.errstate(all="ignore"):
        products = weights * x
    sizes = np.where(np.isfinite(products), np.abs(products), np.inf)
    order = np.argsort(-sizes, kind="stable")
    few = order[:terms] if len(order) > terms + 1 else order
    for i in few.tolist():
        name = f"a[{l - 1}][{i}]" if l > 1 else inputs[i] if i < len(inputs) else f"x[{i}]"
        factors = f"{short(float(weights[i]))} · {short(float(x[i]))}"
        yield _Term(name, factors, float(products[i]), Quantity("W", l, (row, i)))
    if len(few) < len(order):
        with np.errstate(all="ignore"):
            rest = float(products[order[terms:]].sum())
        yield _Term(f"the other {len(order) - terms:,} terms", "", rest)
    b = seen.theta.b[l]
    if b is not None:
        yield _Term("bias", f"b[{l}][{row}]", float(b[row]), Quantity("b", l, (row,)))


def _sums(seen: WholePass, l: int, row: int, example: int) -> Iterator[_Term]:
    """z, and the activation that is made of it."""
    activation = seen.network.layers[l - 1].activation
    z, a = Quantity("z", l, (row,)), Quantity("a", l, (row // activation.pieces,))
    yield _Term(z.text, "sum", float(seen.z[l][example, row]), z, total=True)
    yield _Term(a.text, activation.name, float(seen.a[l][example, a.units[0]]), a, total=True)


def _bar(term: _Term, y: float, middle: float, most: float, name_wide: float) -> Iterator[str]:
    """Name, factors, a bar to the right for what adds and to the left for what takes away, the number."""
    share = share_of(term.value, most)
    long = round(share * _BARS / 2, 1)
    left = middle - long if term.value < 0 else middle
    shown = short(term.value)
    end = (f'x="{left - 5:g}" y="{y + 15}" text-anchor="end"' if term.value < 0 else
           f'x="{middle + long + 5:g}" y="{y + 15}"')  # fmt: skip
    label = f"{term.name}: {term.product or 'together'} = {in_words(term.value)}"
    marks = button(term.quantity, label) if term.quantity else ""
    style = ' class="strong"' if term.total else ""
    wide = middle + _BARS / 2 + 36
    yield (
        f'<g {marks}><rect x="8" y="{y}" width="{wide:g}" height="{_ROW - 2}" class="row"/>'
        f'<text x="{12 + name_wide:g}" y="{y + 15}" text-anchor="end"{style}>'
        f"{fitted(term.name, LONGEST_NAME)}</text>"
        f'<text x="{22 + name_wide:g}" y="{y + 15}" class="soft">{said(term.product)}</text>'
        f'<rect x="{left:g}" y="{y + 4}" width="{long:g}" height="{_ROW - 10}" '
        f'class="bar {hue_of(term.value)}"/><text {end}{style}>{shown}</text></g>'
    )
