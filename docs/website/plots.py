"""Plots of the rows as SVG that stands in the page, in the page's own colours: light and dark alike."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np

import clearprop as cp
from clearprop.formulas.activations import AnyActivation, CoupledActivation
from clearprop.formulas.losses import Loss

#: matplotlib's colour -> the page's
_COLOURS = {
    "#010101": "var(--color-foreground-secondary)",
    "#020202": "var(--color-background-border)",
    "#030303": "var(--plot-first)",
    "#040404": "var(--plot-second)",
    "#050505": "var(--plot-third)",
}
_TEXT, _GRID, *_LINES = _COLOURS
#: coupled activation -> pre-activations of one example, and which of them changes
_COUPLED = {"softmax": ((0.0, 0.0, 1.0), 0), "maxout": ((0.0, 0.0), 0), "monotone": ((0.0, 0.0, 0.0), 1)}
#: targets -> outputs to draw, from and to, and the targets to draw them for
_OUTPUTS = {
    "numbers": (-3.0, 3.0, (0.0,)),
    "counts": (0.05, 8.0, (3.0,)),
    "probabilities": (0.08, 0.92, (1.0, 0.0)),
    "signs": (-3.0, 3.0, (1.0,)),
    "distribution": (0.08, 1.0, (1.0,)),
}
_DASHES = ["-", "--", "-.", ":"]


def plot(
    x: Any,
    curves: list[tuple[str, Any]],
    label: str,
    title: str,
    colours: int = 3,
    bottom: float | None = None,
) -> str:
    """SVG of curves over x; a curve is its name and its values, NaN where it has none.

    `title` is what a reader is told who cannot see it; curve k has line style k, and colour k of `colours`; the axis begins at `bottom`.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": title, "font.family": "sans-serif", "font.size": 11}
    ):
        figure = Figure(figsize=(6.4, 3.4), layout="constrained")
        axes = figure.add_subplot()
        for k, (name, values) in enumerate(curves):
            axes.plot(x, values, _DASHES[k % 4], color=_LINES[k % colours], linewidth=2, label=name)
        axes.set_xlabel(label, color=_TEXT)
        axes.set_ylim(bottom=bottom)
        axes.grid(color=_GRID, linewidth=0.8)
        axes.tick_params(colors=_TEXT)
        for spine in axes.spines.values():
            spine.set_color(_GRID)
        axes.legend(frameon=False, labelcolor=_TEXT)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = drawn.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(
        r'<svg [^>]*?viewBox="([^"]+)"[^>]*>',
        rf'<svg class="plot" viewBox="\1" role="img"><title>{title}</title>',
        svg,
    )
    for ours, theirs in _COLOURS.items():
        svg = svg.replace(ours, theirs)
    return re.sub(r"\n\s*\n", "\n", svg)


def unbroken(values: Any, kinks: tuple[float, ...], x: Any) -> Any:
    """Values as float64, with a gap at each kink, so that a jump is not drawn as a line."""
    shown = np.array(np.broadcast_to(values, x.shape), dtype=np.float64)
    for kink in kinks:
        shown[np.argmin(np.abs(x - kink))] = np.nan
    return shown


def activation_plot(row: AnyActivation) -> str:
    """An activation and its derivative; of a coupled one, as one of its pre-activations changes."""
    if isinstance(row, CoupledActivation):
        return _coupled_plot(row)
    z = np.linspace(-4, 2.5, 401) if row.name == "exp" else np.linspace(-5, 5, 401)
    a = row.value(z)
    jumps = row.kinks if row.name == "step" else ()
    curves = [("g(z)", unbroken(a, jumps, z)), ("g'(z)", unbroken(row.slope(z, a), row.kinks, z))]
    return plot(z, curves, "z", f"{row.name} and its derivative")


def _coupled_plot(row: CoupledActivation) -> str:
    others, moving = _COUPLED[row.name]
    size = len(others)
    units = size // row.pieces
    network = cp.Network(size, [cp.Dense(units, row, bias=False)])
    theta = cp.parameters_from_arrays(network, [np.eye(size)], [None])
    z = np.linspace(-5, 5, 400)
    inputs = np.tile(others, (len(z), 1))
    inputs[:, moving] = z
    a = cp.forward(network, theta, inputs, engine="textbook")
    slopes = cp.jacobian(network, theta, inputs, by="inputs")[..., moving]
    names = [str(k) if units > 1 else "" for k in range(units)]
    curves = [(f"a{name}", a[:, k]) for k, name in enumerate(names)]
    k = moving if units > 1 else 0
    curves.append((f"da{names[k]}/dz{moving}", slopes[:, k]))
    fixed = ", ".join(f"z{k} = {value:g}" for k, value in enumerate(others) if k != moving)
    return plot(z, curves, f"z{moving}   ({fixed})", f"{row.name} as one pre-activation changes")


def loss_plot(row: Loss) -> str:
    """The loss of one output and its slope, for usual targets."""
    low, high, targets = _OUTPUTS[row.targets]
    a = np.linspace(low, high, 401)
    curves = []
    for y in targets:
        targeted = np.full_like(a, y)
        kinks = (y,) if "a - y" in row.kinks else (1.0,) if row.kinks else ()
        curves.append((f"loss, y = {y:g}", row.value_of(a, targeted)))
        curves.append((f"slope, y = {y:g}", unbroken(row.slope_of(a, targeted), kinks, a)))
    return plot(a, curves, "y_hat", f"{row.name} and its slope", colours=2)
