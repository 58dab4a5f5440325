"""The tables and drawings of docs/scaling-out.md."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from benchmarks.distributed.measuring import BATCH
from benchmarks.distributed.model import batch_for
from matplotlib.figure import Figure

from clearprop.distributed.step_time import StepTime

GIGABITS = (10, 25, 100)
WORLDS = (10, 100, 1000)
PARAMETERS = (1e4, 1e5, 1e6, 1e7, 1e8)
COLOURS = ("#3d7ea6", "#d1495b", "#2e6f40", "#edae49", "#111111")
CORES = 16  #: of a worker


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table of Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *([str(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def few(value: float) -> str:
    """Two digits that count, in plain words.

    >>> few(1234.5), few(0.0123), few(float("inf"))
    ('1,200', '0.012', 'never')
    """
    if math.isinf(value):
        return "never"
    if value >= 1e6:
        return f"{value / 1e6:,.2g} million" if value < 1e8 else f"{value / 1e6:,.0f} million"
    digits = 1 - math.floor(math.log10(value)) if value > 0 else 0
    return f"{round(value, digits):,.{max(0, digits)}f}"


def compared(found: Mapping[str, Any], model: StepTime) -> Iterator[tuple[str, float, float]]:
    """Where, and the measured and modelled seconds of every sum and step of several ranks."""
    cores = found["cores"]
    groups = [("loopback", math.inf, found)]
    groups += [(f"{g['gigabits']:g} Gbit/s", g["gigabits"] * 1e9, g) for g in found["slow"]]
    for where, bits, measured in groups:
        for each in measured["sums"]:
            crowd = max(1.0, each["world"] / cores)
            yield (
                f"sum, {where}",
                each["seconds"],
                model.collective(each["parameters"], each["world"], bits, crowd),
            )
        for each in measured["steps"]:
            crowd = max(1.0, each["world"] / cores)
            if each["world"] > 1:
                said = model.step(each["parameters"], each["rows"], each["world"], bits, crowd=crowd)
                yield f"step, {where}", each["step"], said


def write_tables(path: Path, found: Mapping[str, Any], model: StepTime) -> None:
    """All tables, as one page of Markdown."""
    text = "<!-- written by python -m benchmarks.distributed -->\n\n# Scaling out: the tables\n\n"
    for name, value in found["machine"].items():
        text += f"- {name}: {value}\n"
    text += "\n## Coefficients\n\n" + table(
        ("of", "fitted"),
        [
            ("gradient of a shard: start", f"{model.start * 1e6:.1f} us"),
            ("write a parameter's gradient", f"{model.write * 1e9:.3f} ns"),
            ("multiply: a parameter and example", f"{model.multiply * 1e12:.1f} ps"),
            ("update (Adam), a parameter", f"{model.update * 1e9:.2f} ns"),
            ("collective: start", f"{model.exchange * 1e6:.0f} us"),
            ("a further rank", f"{model.peer * 1e6:.0f} us"),
            ("a byte of the gradient, both exchanges", f"{model.byte * 1e9:.2f} ns"),
            ("tail: mean excess over the median", f"{model.tail:.3f}"),
            ("latency of the network (assumed)", f"{model.latency * 1e6:.0f} us"),
        ],
    )
    text += "\n## Model against measurement\n\n" + table(
        ("what", "cases", "measured / modelled, median", "least", "most"), _ratios(found, model)
    )
    text += f"\n## Measured steps, batch of {BATCH:,}, ranks sharing {found['cores']} cores\n\n" + table(
        (
            "parameters",
            "1 process, 1 thread",
            f"1 process, {found['cores']} threads",
            "2 ranks",
            "3 ranks",
            "4 ranks",
            "2 ranks over 1 thread",
            f"2 ranks over {found['cores']} threads",
        ),
        _steps(found),
    )
    for words, known in (("the measured tail", model), ("no tail", replace(model, tail=0.0))):
        for gain, title in ((0.5, "for half of the efficiency"), (0.0, "below which one machine is faster")):
            text += f"\n## Batch {title}, workers of {CORES} cores, {words}\n\n"
            text += table(
                ("parameters", *(f"{W:,} at {g} Gbit/s" for g in GIGABITS for W in WORLDS)),
                (
                    (
                        few(P),
                        *(
                            few(batch_for(known, max(1.0, gain * W), P, W, g * 1e9, CORES))
                            for g in GIGABITS
                            for W in WORLDS
                        ),
                    )
                    for P in PARAMETERS
                ),
            )
    path.write_text(text)


def _ratios(found: Mapping[str, Any], model: StepTime) -> Iterator[tuple[object, ...]]:
    cases: dict[str, list[float]] = {}
    for where, measured, modelled in compared(found, model):
        cases.setdefault(where, []).append(measured / modelled)
    for where, ratios in cases.items():
        yield where, len(ratios), f"{np.median(ratios):.2f}", f"{min(ratios):.2f}", f"{max(ratios):.2f}"


def _steps(found: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    times: dict[int, dict[int, float]] = {}
    for each in found["threaded"]:
        times[each["parameters"]] = {0: each["step"]}
    for each in found["steps"]:
        if each["rows"] == BATCH:
            times[each["parameters"]][each["world"]] = each["step"]
    for parameters, by_world in times.items():
        shown = (f"{by_world[world] * 1e3:.2f} ms" for world in (1, 0, 2, 3, 4))
        over = (f"{by_world[2] / by_world[world]:.2f}" for world in (1, 0))
        yield f"{parameters:,}", *shown, *over


def write_drawings(folder: Path, found: Mapping[str, Any], model: StepTime) -> None:
    """Model against measurement; efficiency by W; the batch that a cluster needs."""
    with mpl.rc_context({"svg.hashsalt": "clearprop", "font.size": 9, "axes.spines.top": False}):
        for name, draw in (("checked", _checked), ("efficiency", _efficiency), ("batches", _batches)):
            figure = draw(found, model)
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})


def _checked(found: Mapping[str, Any], model: StepTime) -> Figure:
    figure = Figure(figsize=(5, 4.2), layout="constrained")
    axes = figure.subplots()
    points: dict[str, list[tuple[float, float]]] = {}
    for where, measured, modelled in compared(found, model):
        points.setdefault(where, []).append((modelled * 1e3, measured * 1e3))
    for k, (where, pairs) in enumerate(points.items()):
        marker = "o" if where.startswith("sum") else "s"
        axes.scatter(*zip(*pairs, strict=True), s=14, marker=marker, color=COLOURS[k // 2 % 5], label=where)
    ends = [min(min(pair) for pairs in points.values() for pair in pairs), max(map(max, points.values()))[0]]
    axes.plot(ends, ends, color="#777777", linewidth=1)
    axes.set(xscale="log", yscale="log", xlabel="modelled, ms", ylabel="measured, ms")
    axes.legend(frameon=False, fontsize=7)
    return figure


def _efficiency(found: Mapping[str, Any], model: StepTime) -> Figure:
    model = replace(model, tail=0.0)
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    worlds = np.unique(np.geomspace(1, 1000, 60).round())
    for axes, gigabits in zip(figure.subplots(1, 3, sharey=True), GIGABITS, strict=True):
        for colour, P in zip(COLOURS, (1e4, 1e6, 1e8), strict=False):
            for line, rows_of in (("-", lambda W: 65_536), ("--", lambda W: 8192 * W)):
                values = [model.efficiency(P, rows_of(W), W, gigabits * 1e9, CORES) for W in worlds]
                label = f"{P:,.0f} parameters" if line == "-" else None
                axes.plot(worlds, values, line, color=colour, label=label)
        axes.set(xscale="log", ylim=(0, 1.02), xlabel=f"workers of {CORES} cores", title=f"{gigabits} Gbit/s")
    figure.axes[0].set_ylabel("efficiency")
    figure.axes[0].legend(
        frameon=False, fontsize=7, title="batch 65,536; dashed 8,192 a worker", title_fontsize=7
    )
    return figure


def _batches(found: Mapping[str, Any], model: StepTime) -> Figure:
    model = replace(model, tail=0.0)
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    sizes = np.geomspace(1e4, 1e8, 40)
    for axes, gigabits in zip(figure.subplots(1, 3, sharey=True), GIGABITS, strict=True):
        for colour, W in zip(COLOURS, WORLDS, strict=False):
            for line, gain in (("-", W / 2), ("--", 1.0)):
                values = [batch_for(model, gain, P, W, gigabits * 1e9, CORES) for P in sizes]
                axes.plot(sizes, values, line, color=colour, label=f"{W:,} workers" if line == "-" else None)
        axes.set(xscale="log", yscale="log", xlabel="parameters", title=f"{gigabits} Gbit/s")
    figure.axes[0].set_ylabel("batch (rows)")
    figure.axes[0].legend(
        frameon=False, fontsize=7, title="half of the efficiency; dashed: as fast as one", title_fontsize=7
    )
    return figure
