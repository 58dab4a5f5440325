"""The verdict on a formula, and how it reads."""

from __future__ import annotations

from dataclasses import dataclass

from clearprop.glassbox.checker.counterexample import Counterexample
from clearprop.glassbox.checker.explaining import Explanation
from clearprop.glassbox.checker.view import Convention


@dataclass(frozen=True, repr=False)
class FormulaVerdict:
    """Whether a formula is right; if not, where, and by which slip.

    Attributes
    ----------
    formula, of : str
        The formula, and what it should be.
    right : bool
    conventions : tuple of {"columns", "rows"}
        In which it is right; for a wrong formula, in which it was judged.
    slips : tuple of Explanation
        What would explain it, the simplest first; empty for a right formula, and where nothing was found.
    counterexample : Counterexample or None
    misfit : str
        Shapes that do not fit, in words.
    caveat : str
        What a right formula is right for alone, or how far it goes.
    """

    formula: str
    of: str
    right: bool
    conventions: tuple[Convention, ...]
    slips: tuple[Explanation, ...] = ()
    counterexample: Counterexample | None = None
    misfit: str = ""
    caveat: str = ""

    def __repr__(self) -> str:
        return f"<FormulaVerdict: {self.of} = {self.formula} is {'right' if self.right else 'wrong'}>"

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        lines = [f"{self.of} = {self.formula}"]
        if self.right:
            lines.append(f"right ({' and '.join(_WORDS[each] for each in self.conventions)})")
            return [*lines, *([f"but: {self.caveat}"] if self.caveat else [])]
        lines.append(f"wrong ({_WORDS[self.conventions[0]]})")
        if self.misfit:
            lines.append(f"  shapes: {self.misfit}")
        for k, each in enumerate(self.slips):
            for position, correction in enumerate(each.corrections):
                opening = "and" if position else "or" if k else "slip"
                lines.append(f"{opening}: {correction}")
            where = f" ({_WORDS[each.convention]})" if each.convention != self.conventions[0] else ""
            if each.formula:
                lines.append(f"  right is {self.of} = {each.formula}{where}")
        if not self.slips:
            lines.append("no usual slip explains it")
        if self.counterexample is not None:
            lines += ["counterexample:", str(self.counterexample)]
        return lines


_WORDS: dict[str, str] = {"columns": "vectors as columns", "rows": "one example a row"}
