"""The names of a network's numbers: read from text, written as text, LaTeX and MathML.

Units count from 0 in text, as in code, and from 1 in LaTeX and MathML, as in the notes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, cast

from clearprop.errors import SpecificationError
from clearprop.formulas.mathml import identifier, operator, row

#: dW, db, da, dx are derivatives of C; slope is g'(z), keep is mask / keep, share is w_i / sum w
Kind: TypeAlias = Literal[
    "C", "P", "loss", "y", "y_hat", "x", "z", "a", "delta", "W", "b",
    "dW", "db", "da", "dx", "dP", "slope", "keep", "share", "rest",
    "exp_sum", "mean_da", "tail_da", "dz",
]  # fmt: skip
_OF: Mapping[str, Kind] = {"dW": "W", "db": "b", "da": "a", "dx": "x", "dP": "W", "slope": "z"}
_LETTERS = {"y_hat": r"\hat{y}", "delta": r"\delta", "loss": r"\ell"}
_GIVEN = re.compile(r"(?:dC/d)?(C|y_hat|z|a|delta|W|b|x)((?:\[[\d, ]+\])*)")


@dataclass(frozen=True)
class Quantity:
    r"""A number's name: what it is, its layer, its units, and in a batch its example.

    >>> Quantity("delta", 2, (0,)).text, Quantity("dW", 1, (2, 0)).latex
    ('delta[2][0]', '\\frac{\\partial C}{\\partial W^{1}_{3,1}}')
    """

    kind: Kind
    layer: int | None = None
    units: tuple[int, ...] = ()
    example: int | None = None

    def of(self, example: int | None) -> Quantity:
        """The same of one example of a batch."""
        return replace(self, example=example)

    @property
    def text(self) -> str:
        """As in code: units from 0, the example of a batch in round brackets."""
        layer = "" if self.layer is None else f"[{self.layer}]"
        units = f"[{','.join(map(str, self.units))}]" if self.units else ""
        example = "" if self.example is None else f"({self.example})"
        place = f"{layer}{units}{example}"
        match self.kind:
            case "dW" | "db" | "da" | "dx":
                return f"dC/d{self.kind[1:]}{place}"
            case "dP":
                return f"dP/dW{place}"
            case "slope":
                return f"g'(z{place})"
            case "keep":
                return f"mask{layer}{units}{example}/keep"
            case "share":
                return f"w{example}/sum(w)"
            case "rest":
                return f"({self._others})"
            case "dz":
                k, row = self.units
                return f"dz[{self.layer}][{k}]/dz[{(self.layer or 0) - 1}][{row}]{example}"
            case "exp_sum":
                return f"sum(exp(z{place}))"
            case "mean_da":
                return f"sum(a{place} * dC/da{place})"
            case "tail_da":
                return f"sum(dC/da{layer}[{self.units[0]}:]{example})"
        return f"{self.kind}{place}"

    @property
    def latex(self) -> str:
        """As in the notes: the layer above, units from 1 below."""
        match self.kind:
            case "dW" | "db" | "da" | "dx":
                of = replace(self, kind=_OF[self.kind])
                return rf"\frac{{\partial C}}{{\partial {of.latex}}}"
            case "dP":
                return rf"\frac{{\partial P}}{{\partial {replace(self, kind='W').latex}}}"
            case "slope":
                return rf"g'\left({replace(self, kind='z').latex}\right)"
            case "keep":
                return rf"\frac{{m{self._scripts}}}{{p}}"
            case "share":
                return rf"\frac{{w{self._scripts}}}{{\sum w}}"
            case "rest":
                return rf"\text{{({self._others})}}"
            case "dz":
                above, below = self._ends
                return rf"\frac{{\partial {above.latex}}}{{\partial {below.latex}}}"
            case "exp_sum":
                return rf"\sum_k e^{{{replace(self, kind='z').latex}_k}}"
            case "mean_da":
                a = replace(self, kind="a").latex
                return rf"\sum_k {a}_k \frac{{\partial C}}{{\partial {a}_k}}"
            case "tail_da":
                a = replace(self, kind="a", units=()).latex
                return rf"\sum_{{k \ge {self.units[0] + 1}}} \frac{{\partial C}}{{\partial {a}_k}}"
        return _LETTERS.get(self.kind, self.kind) + self._scripts

    @property
    def _others(self) -> str:
        (count,) = self.units
        return f"the other {count} terms" if count > 1 else "the other term"

    @property
    def _ends(self) -> tuple[Quantity, Quantity]:
        """z of a layer and z of the one below, of a derivative of the one by the other."""
        k, row = self.units
        l = self.layer or 0
        return Quantity("z", l, (k,), self.example), Quantity("z", l - 1, (row,), self.example)

    @property
    def _scripts(self) -> str:
        above = [] if self.layer is None else [str(self.layer)]
        above += [] if self.example is None else [f"({self.example + 1})"]
        below = ",".join(str(unit + 1) for unit in self.units)
        raised = r"\,".join(above)
        return (f"^{{{raised}}}" if above else "") + (f"_{{{below}}}" if below else "")

    @property
    def mathml(self) -> str:
        """MathML of the same."""
        match self.kind:
            case "dW" | "db" | "da" | "dx":
                of = replace(self, kind=_OF[self.kind])
                return _derivative("C", of.mathml)
            case "dP":
                return _derivative("P", replace(self, kind="W").mathml)
            case "slope":
                return row("<mi>g′</mi>", operator("("), replace(self, kind="z").mathml, operator(")"))
            case "keep":
                return f"<mfrac>{self._scripted('<mi>m</mi>')}<mi>p</mi></mfrac>"
            case "share":
                return f"<mfrac>{self._scripted('<mi>w</mi>')}{row(operator('∑'), '<mi>w</mi>')}</mfrac>"
            case "rest":
                return f"<mtext>({self._others})</mtext>"
            case "dz":
                above, below = self._ends
                return f"<mfrac>{row('<mo>∂</mo>', above.mathml)}{row('<mo>∂</mo>', below.mathml)}</mfrac>"
            case "exp_sum":
                z = f"<msub>{replace(self, kind='z').mathml}<mi>k</mi></msub>"
                return row("<munder><mo>∑</mo><mi>k</mi></munder>", f"<msup><mi>e</mi>{z}</msup>")
            case "mean_da":
                a = f"<msub>{replace(self, kind='a').mathml}<mi>k</mi></msub>"
                return row("<munder><mo>∑</mo><mi>k</mi></munder>", a, _derivative("C", a))
            case "tail_da":
                a = f"<msub>{replace(self, kind='a', units=()).mathml}<mi>k</mi></msub>"
                under = row("<mi>k</mi><mo>≥</mo>", f"<mn>{self.units[0] + 1}</mn>")
                return row(f"<munder><mo>∑</mo>{under}</munder>", _derivative("C", a))
            case "y_hat":
                return self._scripted("<mover><mi>y</mi><mo>^</mo></mover>")
        return self._scripted(identifier("ℓ" if self.kind == "loss" else self.kind))

    def _scripted(self, letter: str) -> str:
        above = [] if self.layer is None else [f"<mn>{self.layer}</mn>"]
        above += [] if self.example is None else [f"<mo>(</mo><mn>{self.example + 1}</mn><mo>)</mo>"]
        below = "<mo>,</mo>".join(f"<mn>{unit + 1}</mn>" for unit in self.units)
        if above and below:
            return f"<msubsup>{letter}{row(below)}{row(*above)}</msubsup>"
        if above:
            return f"<msup>{letter}{row(*above)}</msup>"
        return f"<msub>{letter}{row(below)}</msub>" if below else letter


def _derivative(of: str, by: str) -> str:
    return f"<mfrac>{row('<mo>∂</mo>', identifier(of))}{row('<mo>∂</mo>', by)}</mfrac>"


def read_name(name: str) -> Quantity:
    """Quantity of a name such as "W[1][2,0]" (meaning dC/dW), "delta[2][0]", "y_hat[1]", "x[3]" or "C".

    Raises
    ------
    SpecificationError
        When it is none of these.

    Examples
    --------
    >>> read_name("W[1][2,0]").kind, read_name("dC/dW[1][2,0]") == read_name("W[1][2,0]")
    ('dW', True)
    """
    found = _GIVEN.fullmatch(name.replace(" ", ""))
    if found is None:
        raise SpecificationError(
            f"{name!r} names no number of a network; there are C, y_hat[k], z[l][j], a[l][j], delta[l][j], "
            "W[l][j,i] and b[l][j] (dC/dW, dC/db), and x[i] (dC/dx); layers from 1, units from 0"
        )
    kind, rest = found.groups()
    indices = [tuple(map(int, each.split(","))) for each in re.findall(r"\[([\d,]+)\]", rest)]
    wanted = {"C": (), "y_hat": (1,), "x": (1,), "W": (1, 2)}.get(kind, (1, 1))
    if tuple(map(len, indices)) != wanted:
        form = kind + "".join("[" + ",".join("ji"[:n] if n == 2 else "k") + "]" for n in wanted)
        raise SpecificationError(f"{name!r} has other indices than {form}; layers from 1, units from 0")
    derivative = cast(Kind, {"W": "dW", "b": "db", "x": "dx"}.get(kind, kind))
    layer = indices[0][0] if len(wanted) == 2 else None
    return Quantity(derivative, layer, indices[-1] if indices else ())
