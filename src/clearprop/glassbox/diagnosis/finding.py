"""What a diagnosis says: `Finding`, with its numbers, equation and change, and `Diagnosis`, all of them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal, overload

WIDTH = 88  #: columns of the printed text

#: parameters a change may name -> whose they are; any other is a setting of train
PLACES: Mapping[str, str] = {
    "activation": "the hidden layers",
    "initializer": "the layers",
    "output": "the last layer (its activation)",
    "loss": "the network",
    "l1": "the network",
    "l2": "the network",
}


@dataclass(frozen=True)
class Finding:
    """Something that keeps a network from learning, or that its result suffers from.

    Attributes
    ----------
    name : str
        Such as "dead units".
    where : str
        A layer, a column or "".
    severity : {"fault", "note"}
        A fault holds learning up; a note is worth knowing while the network learns all the same.
    numbers : mapping from words to number
        What was measured.
    equation, latex : str
        The equation that explains it, as text and as LaTeX.
    explanation, remedy : str
    change : mapping from parameter to value
        The remedy as settings: of `train` ("optimizer", "epochs", "patience", "class_weight", ...), of the
        network ("loss", "l2"), of its layers ("activation", "initializer", "output"), or "X" and "Y" with
        the value "standardised". A value of None leaves the parameter out.
    """

    name: str
    where: str
    severity: Literal["fault", "note"]
    numbers: Mapping[str, float]
    equation: str
    latex: str
    explanation: str
    remedy: str
    change: Mapping[str, Any]

    @property
    def title(self) -> str:
        """Name and place."""
        return f"{self.name}: {self.where}" if self.where else self.name

    @property
    def figures(self) -> str:
        """The numbers in a line."""
        return "; ".join(f"{name} = {value:.4g}" for name, value in self.numbers.items())

    @property
    def settings(self) -> str:
        """The change in a line."""
        return "; ".join(
            f"{name} {value}"
            if name in ("X", "Y")
            else f"{name} left out of {PLACES.get(name, 'train')}"
            if value is None
            else f"{name}={value!r} of {PLACES.get(name, 'train')}"
            for name, value in self.change.items()
        )

    def __str__(self) -> str:
        """A paragraph: what, the numbers, the equation, the remedy, the change."""
        lines = [self.title, *_wrapped(self.explanation)]
        for label, text in (("numbers", self.figures), ("equation", self.equation), ("remedy", self.remedy)):
            lines += _wrapped(text, label)
        return "\n".join([*lines, *_wrapped(self.settings, "change")])

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON types)."""
        return {
            "name": self.name,
            "where": self.where,
            "severity": self.severity,
            "numbers": {name: _plain(value) for name, value in self.numbers.items()},
            "equation": self.equation,
            "latex": self.latex,
            "explanation": self.explanation,
            "remedy": self.remedy,
            "change": {
                name: value if isinstance(value, str | int | float | None) else repr(value)
                for name, value in self.change.items()
            },
        }


def _plain(value: float) -> float | str:
    """A number as JSON has it; "inf" and "nan" as words."""
    return float(value) if math.isfinite(value) else str(float(value))


def _wrapped(text: str, label: str = "") -> list[str]:
    """Lines of a paragraph below a heading; a label hangs before them."""
    first = f"  {label:10}" if label else "  "
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first), break_long_words=False
    )


@dataclass(frozen=True)
class Diagnosis(Sequence[Finding]):
    """Findings in the order in which they should be tried, and what was looked at.

    Examples
    --------
    >>> print(Diagnosis((), {"rows": 20.0, "loss": 0.25}))
    Nothing found. Looked at: rows = 20; loss = 0.25
    """

    findings: tuple[Finding, ...]
    looked_at: Mapping[str, float] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the findings."""
        return tuple(each.name for each in self.findings)

    @property
    def _seen(self) -> str:
        return "Looked at: " + "; ".join(f"{name} = {value:.4g}" for name, value in self.looked_at.items())

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Finding, ...]: ...
    def __getitem__(self, index: int | slice) -> Finding | tuple[Finding, ...]:
        return self.findings[index]

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __str__(self) -> str:
        if not self.findings:
            return "\n".join(textwrap.wrap(f"Nothing found. {self._seen}", WIDTH))
        paragraphs = [f"{k}. {finding}" for k, finding in enumerate(self.findings, start=1)]
        return "\n\n".join([*paragraphs, "\n".join(textwrap.wrap(self._seen, WIDTH))])

    def _repr_html_(self) -> str:
        items = "".join(_as_html(finding) for finding in self.findings)
        body = f"<ol>{items}</ol>" if items else "<p>Nothing found.</p>"
        return f"{body}<p><small>{escape(self._seen)}</small></p>"

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON types)."""
        return {
            "findings": [finding.to_dict() for finding in self.findings],
            "looked_at": {name: _plain(value) for name, value in self.looked_at.items()},
        }


def _as_html(finding: Finding) -> str:
    left = 'style="text-align:left"'
    rows = "".join(
        f'<tr style="vertical-align:top"><th {left}>{label}</th><td {left}>{escape(text)}</td></tr>'
        for label, text in (
            ("numbers", finding.figures),
            ("equation", finding.equation),
            ("remedy", finding.remedy),
            ("change", finding.settings),
        )
    )
    return f"<li><b>{escape(finding.title)}</b><p>{escape(finding.explanation)}</p><table>{rows}</table></li>"
