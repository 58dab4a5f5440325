"""Pages made from the rows of optimizers, schedules and initializers: one for each table."""

from __future__ import annotations

import numpy as np

import clearprop as cp
from clearprop.formulas.latex import latex
from website.plots import plot
from website.rows import Pages, drawn, equation, facts, parameters, source_of, words_of


def pages() -> Pages:
    """All three."""
    yield "optimizers.md", _optimizers()
    yield "schedules.md", _schedules()
    yield "initializers.md", _initializers()


def _optimizers() -> str:
    parts = [
        "# Optimizers\n",
        "Each is a row of `cp.optimizers`, and a name of its own that takes values: `cp.Adam(0.01, clip_norm=1.0)`. "
        "Of every parameter: $\\theta$, its gradient $g$ (penalties included), the rate, and slots, which are numbers "
        "kept from step to step (0 at first). All can clip the norm of the whole gradient (`clip_norm`) and shrink "
        "the weights by themselves (`weight_decay`: $\\theta \\leftarrow \\theta (1 - \\text{rate} \\cdot "
        "\\text{decay})$, never of biases); $t$ counts the steps from 1.\n",
    ]
    symbols = {"rate": r"\text{rate}", "theta": r"\theta"}
    for name, row in cp.optimizers.items():
        words = words_of("optimizers", name)
        parts += [f"## {row.title}\n", f"{words.when}\n"]
        steps = [*row.scalars, *row.slots, *([("theta", row.step)] if row.step else [])]
        arrow = {"theta": r"\theta", "correction1": r"c_1", "correction2": r"c_2"}
        shown = {**symbols, "correction1": "c_1", "correction2": "c_2"}
        parts += [
            equation(f"{arrow.get(left, left)} \\leftarrow {latex(text, shown)}") for left, text in steps
        ]
        rate = f"`learning_rate` = {row.learning_rate['rate']:g}" if row.step else ""
        decay = f"`weight_decay` = {row.weight_decay:g}" if row.weight_decay else ""
        given = ", ".join(value for value in (rate, parameters(row), decay) if value)
        parts.append(
            facts({"in Python": f"`cp.{row.title}`", "parameters": given, "source": source_of(row, words)})
        )
    return "\n".join(parts)


def _schedules() -> str:
    parts = [
        "# Schedules\n",
        "Each is a row of `cp.schedules` and stands in place of a learning rate: `cp.Adam(cp.Cosine(0.01))`. "
        "$t$ is the step from 0, $T$ the steps of the whole run, *epoch* is $t$ over the steps of an epoch, and "
        "*reductions* counts the plateaus met.\n",
    ]
    t = np.arange(400)
    for name, row in cp.schedules.items():
        words = words_of("schedules", name)
        title = "".join(word.capitalize() for word in name.split("_"))
        own = f"`cp.{title}`" if title in cp.__all__ else "a number: `cp.Adam(0.001)`"
        if name == "reduce_on_plateau":
            rates = np.array(
                [row.rates(k, k + 1, steps=400, steps_per_epoch=10, reductions=int(k // 100))[0] for k in t]
            )
            label = "step (a plateau met every 100)"
        else:
            rates, label = (
                row.rates(0, 400, steps=400, steps_per_epoch=10),
                "step (400 in the run, 10 an epoch)",
            )
        symbols = {word: rf"\text{{{word}}}" for word in (*row.parameter_names, "epoch", "reductions")}
        parts += [
            f"## {title}\n",
            f"{words.when}\n",
            equation(f"\\eta_t = {latex(row.formula, symbols)}"),
            drawn(plot(t, [("rate", rates)], label, f"{title}: the learning rate of each step", bottom=0.0)),
            facts({"in Python": own, "parameters": parameters(row), "source": source_of(row, words)}),
        ]
    return "\n".join(parts)


def _initializers() -> str:
    lines = [
        f"| `{name}` | {row.distribution} | ${latex(row.scale, {'fan_in': 'n_{in}', 'fan_out': 'n_{out}'})}$ "
        f"| {words_of('initializers', name).when} | {source_of(row, words_of('initializers', name))} |"
        for name, row in cp.initializers.items()
    ]
    return (
        "# Initializers\n\n"
        'A layer takes one by name: `cp.Dense(16, "relu", initializer="he_normal")`; left out, it is the one that '
        "suits the activation. $n_{in}$ and $n_{out}$ are the units below and of the layer; the scale is the "
        "half-width of a uniform distribution, or the standard deviation of a normal one. Biases begin at 0.\n\n"
        "| name | distribution | scale | when | source |\n|---|---|---|---|---|\n" + "\n".join(lines) + "\n"
    )
