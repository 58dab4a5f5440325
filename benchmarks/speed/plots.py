"""Two drawings: peers over clearprop with the step over the batch, and the cost against size."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from benchmarks.speed.contenders import OURS, PEERS
from benchmarks.speed.jobs import BATCHES, LIGHT_PEERS, SCALES, SWEPT, swept
from benchmarks.speed.networks import NETWORKS
from benchmarks.speed.results import Results
from benchmarks.speed.scaling import curve, power_of
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

COLOURS = dict(
    zip((OURS, *PEERS), ("#111111", "#d1495b", "#edae49", "#3d7ea6", "#8cb369", "#2e6f40"), strict=True)
)


def plain(axis) -> None:
    """Ticks without powers of ten."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def name_lines(axes: Axes) -> None:
    """A legend, where something was drawn."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8)


def ratios(axes: Axes, results: Results, threads: int) -> None:
    """Each peer's time over ours, a group of bars for a network, with the range of the rounds."""
    for k, peer in enumerate(PEERS):
        for place, case in enumerate(NETWORKS.values()):
            spread = results.ratio(case.key, (threads, peer), (threads, OURS))
            if spread is not None:
                reach = [[spread.median - spread.least], [spread.most - spread.median]]
                x = place + (k - (len(PEERS) - 1) / 2) * 0.16
                axes.bar(
                    x, spread.median - 1, 0.15, bottom=1, color=COLOURS[peer], yerr=reach, ecolor="#777777"
                )
        axes.bar(0, 0, color=COLOURS[peer], label=peer)
    axes.axhline(1, color=COLOURS[OURS], linewidth=1)
    axes.set(
        yscale="log",
        ylabel="peer / clearprop",
        xticks=range(len(NETWORKS)),
        title=f"{threads} thread{'s' * (threads > 1)}",
    )
    axes.set_xticklabels([f"{case.name}\n({case.batch:,})" for case in NETWORKS.values()])
    plain(axes.yaxis)
    name_lines(axes)


def over_batches(axes: Axes, results: Results, name: str) -> None:
    """Microseconds an example, one thread drawn through and two dashed."""
    for contender in (OURS, *LIGHT_PEERS):
        for threads, line in ((1, "-"), (2, "--")):
            found = {batch: results.spread(swept(name, batch).key, threads, contender) for batch in BATCHES}
            points = {
                batch: spread.median / batch * 1e6 for batch, spread in found.items() if spread is not None
            }
            if points:
                said = contender if threads == 1 else None
                colour = COLOURS[contender]
                axes.plot(
                    list(points), list(points.values()), line, marker="o", ms=3, color=colour, label=said
                )
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="batch",
        ylabel="us an example",
        title=f"{name}: 1 thread, 2 dashed",
    )
    plain(axes.xaxis)
    plain(axes.yaxis)
    name_lines(axes)


def growth(axes: Axes, results: Results, along: str) -> None:
    """A curve with the fitted power beside its name."""
    for contender in (OURS, "PyTorch"):
        points, power = curve(results, along, contender), power_of(results, along, contender)
        if power is not None:
            said = f"{contender}: {power.exponent:.3f} ± {power.error:.3f}"
            colour = COLOURS[contender]
            axes.plot(list(points), [1e6 * y for y in points.values()], "o", ms=4, color=colour, label=said)
            axes.plot(
                list(points), [1e6 * power.factor * x**power.exponent for x in points], color=colour, lw=1
            )
    what = "us an epoch" if along == "rows" else "us a step"
    axes.set(xscale="log", yscale="log", xlabel=along, ylabel=what)
    plain(axes.xaxis)
    plain(axes.yaxis)
    name_lines(axes)


def write(results: Results, folder: Path) -> None:
    """`speed.svg` and `scaling.svg`, the same bytes for the same results."""
    mpl.rcParams.update({"svg.hashsalt": "clearprop", "font.size": 9})
    speed, scales = (Figure(figsize=(10, 7), layout="constrained") for _ in range(2))
    panels = speed.subplots(2, 2).flat
    for threads in (1, 2):
        ratios(next(panels), results, threads)
    for name in SWEPT:
        over_batches(next(panels), results, name)
    for axes, along in zip(scales.subplots(2, 2).flat, SCALES, strict=True):
        growth(axes, results, along)
    for name, figure in (("speed", speed), ("scaling", scales)):
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
