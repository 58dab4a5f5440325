"""What an experiment is, how its figure looks, and what its command prints.

An experiment is a function that computes, with fixed seeds, what was seen: a figure, a table of numbers, and
sentences that hold or do not hold of them. The sentences are written before the numbers; a verdict is
computed, so the page docs/experiments.md cannot claim what its numbers do not say.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: hues that colour-blind eyes tell apart (after Okabe and Ito, 2008), in the order of use
HUES = ("#0072b2", "#c84e00", "#008860", "#a3478c", "#946c00", "#5b6573")

STYLE = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "font.size": 10,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "savefig.facecolor": "white",
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "clearprop",  # the same picture, the same file
}


@dataclass(frozen=True)
class Claim:
    """A sentence, and whether the numbers bear it out."""

    words: str
    holds: bool


@dataclass(frozen=True)
class Seen:
    """What an experiment found.

    Attributes
    ----------
    table : sequence of rows of text
        The first row is the header.
    claims : sequence of Claim
    figure : Figure
    remark : str
        What the numbers mean, where a verdict alone would mislead. May be empty.
    """

    table: Sequence[Sequence[str]]
    claims: Sequence[Claim]
    figure: Figure
    remark: str = ""


@dataclass(frozen=True)
class Experiment:
    """A claim of the course notes, and how it is tried.

    Attributes
    ----------
    name : str
        That of the script and of the picture.
    title : str
    note : str
        What the notes say, and where.
    setting : str
        Data, networks, seeds.
    look : callable
        Does the experiment.
    """

    name: str
    title: str
    note: str
    setting: str
    look: Callable[[], Seen]


def axes(columns: int = 2, width: float = 4.2, height: float = 3.4) -> tuple[Figure, Any]:
    """Give a figure in the house's style, and its axes side by side."""
    import matplotlib as mpl
    from cycler import cycler
    from matplotlib.figure import Figure

    mpl.rcParams.update({**STYLE, "axes.prop_cycle": cycler(color=HUES)})
    figure = Figure(figsize=(columns * width, height))
    return figure, figure.subplots(1, columns)


def band(plot: Axes, x: Any, runs: Any, label: str, **style: Any) -> None:
    """Draw the median of several runs (runs, points), and all that lies between their extremes."""
    import numpy as np

    (line,) = plot.plot(x, np.median(runs, axis=0), label=label, **style)
    plot.fill_between(x, np.min(runs, axis=0), np.max(runs, axis=0), color=line.get_color(), alpha=0.15, lw=0)


def number(value: float) -> str:
    """Write a number with three digits, as the tables do.

    >>> number(0.00012345), number(1234.5), number(float("inf"))
    ('0.000123', '1,230', 'diverged')
    """
    if value != value or abs(value) == float("inf"):
        return "diverged"
    if abs(value) >= 100:
        digits = len(str(int(abs(value)))) - 3
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"


def spread(values: Any) -> str:
    """Median of several runs, and the lowest and highest.

    >>> spread([0.5, 0.25, 1.0])
    '0.5 (0.25 to 1)'
    """
    import numpy as np

    return f"{number(np.median(values))} ({number(np.min(values))} to {number(np.max(values))})"


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as what its file's name says (SVG, PNG, PDF), without a date."""
    figure.savefig(path, dpi=150, metadata={"Date": None} if Path(path).suffix == ".svg" else None)


def run(experiment: Experiment) -> None:
    """Do the experiment as a command: print what was seen, and write the picture."""
    parser = argparse.ArgumentParser(description=experiment.title)
    parser.add_argument("--out", default=f"{experiment.name}.svg", help="the picture: .svg, .png or .pdf")
    out = parser.parse_args().out
    print(f"{experiment.title}\n")
    print(fill(f"The notes: {experiment.note}", 100), fill(f"Tried: {experiment.setting}", 100), sep="\n\n")
    seen = experiment.look()
    widths = [max(map(len, column)) for column in zip(*seen.table, strict=True)]
    print()
    for row in seen.table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print()
    for claim in seen.claims:
        print(f"{'holds        ' if claim.holds else 'does not hold'}  {claim.words}")
    if seen.remark:
        print("\n" + fill(seen.remark, 100))
    save(seen.figure, out)
    print(f"\nThe picture: {out}")
