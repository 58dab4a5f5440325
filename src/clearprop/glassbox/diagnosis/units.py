"""Findings about units: dead, saturated, all alike, and the slow start of a squared error on a sigmoid."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.glassbox.diagnosis.case import LEARNT, Case, own_rate, with_rate
from clearprop.glassbox.diagnosis.finding import Finding
from clearprop.glassbox.diagnosis.measuring import is_bounded, slopes_of

#: half of a layer without a slope leaves a network half as wide as it was meant
DEAD_SHARE = 0.5
#: half of a layer's slopes below 1 % of the largest: BP2 passes on next to nothing there
SATURATED_SHARE = 0.5
#: slopes below a tenth of the largest where the error is large: the wrong answers learn most slowly
SLOW_SLOPE = 0.1
#: and at least so many outputs are that wrong
SLOW_SHARE = 0.1

_BP2 = "delta[l] = (delta[l+1] W[l+1]) * g'(z[l])  (BP2)"
_LATEX = r"\delta^{l} = \left(\delta^{l+1} W^{l+1}\right) \odot g_l'(z^{l})"


def dead_units(case: Case) -> Finding | None:
    """Units whose slope is 0 on all rows: no example can change their weights."""
    hidden = [each for each in case.found.layers[:-1] if each.dead is not None]
    if not hidden or case.left < LEARNT:
        return None
    worst = max(hidden, key=lambda each: each.dead or 0.0)
    share = worst.dead or 0.0
    if share < DEAD_SHARE or case.crushed:
        return None
    numbers = {f"dead in layer {each.layer}": each.dead or 0.0 for each in hidden}
    drawn = case.network.layers[worst.layer - 1].initializer is not None
    return Finding(
        name="dead units",
        where=f"layer {worst.layer}",
        severity="fault",
        numbers={**numbers, "threshold": DEAD_SHARE, "level of the loss": case.level},
        equation=f"{_BP2}, and g'(z) = 0 on every row: delta, dC/dW and dC/db of the unit are 0",
        latex=_LATEX + r" = 0 \quad \text{where } g_l'(z^{l}) = 0",
        explanation=f"{round(share * worst.units)} of the {worst.units} {worst.activation} units of layer "
        f"{worst.layer} have no slope on any row. No gradient reaches their weights, so they never change.",
        remedy="Leave the initializer to the activation: its weights keep z about as large as the inputs."
        if drawn
        else "Use units that keep a slope on both sides (leaky_relu, elu); lower the learning rate if a long "
        "step pushed them there; begin with biases near 0.",
        change={"initializer": None} if drawn else {"activation": "leaky_relu"},
    )


def saturated_units(case: Case) -> Finding | None:
    """Units of bounded rows far out on their flat ends."""
    hidden = [each for each in case.found.layers[:-1] if each.saturated is not None]
    if not hidden or case.left < LEARNT:
        return None
    worst = max(hidden, key=lambda each: each.saturated or 0.0)
    share = worst.saturated or 0.0
    if share < SATURATED_SHARE:
        return None
    l = worst.layer
    numbers = {f"saturated in layer {each.layer}": each.saturated or 0.0 for each in hidden}
    numbers |= {f"root of the mean square of z[{l}]": worst.z.rms, "threshold": SATURATED_SHARE}
    words, change = _towards_the_bend(case, l)
    return Finding(
        name="saturated units",
        where=f"layer {l}",
        severity="fault",
        numbers={**numbers, "level of the loss": case.level},
        equation=f"{_BP2}, and g'(z) is near 0 for large |z|; z[{l}] = W[{l}] x[{l}] + b[{l}]  (F1)",
        latex=_LATEX + r", \qquad \lvert z \rvert \gg 1 \Rightarrow g'(z) \approx 0",
        explanation=f"{100 * share:.3g} % of the slopes of layer {l} ({worst.activation}) are below 1 % of "
        "the largest: its units answer the same to nearly all rows, and learn from none.",
        remedy=words,
        change=change,
    )


def _towards_the_bend(case: Case, l: int) -> tuple[str, dict[str, Any]]:
    """Words and change that fit the cause: large inputs, large first weights, or long steps."""
    inputs = float(np.sqrt((case.seen.x[l] ** 2).mean()))
    if l == 1 and inputs > 3:
        return f"Standardise the inputs, whose usual size is {inputs:.3g}.", {"X": "standardised"}
    if case.given:
        return "Begin with smaller weights, such as the initializer's own.", {"initial": None}
    if case.network.layers[l - 1].initializer is not None:
        return "Begin with smaller weights: leave the initializer to the activation.", {"initializer": None}
    words = "The weights have grown in training: lower the learning rate, or hold them back with l2."
    rule = case.optimizer
    if rule is None or not rule.step:
        return words, {"l2": 1e-3}
    rate = float(rule.learning_rate["rate"])
    return words, {"optimizer": with_rate(rule, min(rate / 10, own_rate(rule)))}


def identical_units(case: Case) -> Finding | None:
    """A hidden layer whose units have the same weights, and go on having them."""
    for l in range(1, case.network.depth):
        W, above = case.seen.theta.W[l], case.seen.theta.W[l + 1]
        if len(W) > 1 and _alike(W) and _alike(above.T):
            break
    else:
        return None
    return Finding(
        name="units that are all alike",
        where=f"layer {l}",
        severity="fault",
        numbers={
            "units": float(len(W)),
            "largest difference between their weights": float(np.ptp(W, axis=0).max()),
            "largest weight": float(np.abs(W).max()),
            "level of the loss": case.level,
        },
        equation=f"delta[{l}] = (delta[{l + 1}] W[{l + 1}]) * g'(z[{l}])  (BP2) has equal columns where "
        f"W[{l + 1}] has, so equal weights get equal gradients for ever",
        latex=r"W^{l}_{j\cdot} = W^{l}_{k\cdot},\; W^{l+1}_{\cdot j} = W^{l+1}_{\cdot k} \;\Rightarrow\; "
        r"\frac{\partial C}{\partial W^{l}_{j\cdot}} = \frac{\partial C}{\partial W^{l}_{k\cdot}}",
        explanation=f"All {len(W)} units of layer {l} have the same weights, so the layer is worth a single "
        "unit (none, if they are 0), and training cannot tell them apart.",
        remedy="Draw the first weights at random: leave the initializer to the activation.",
        change={"initial": None}
        if case.record is not None and case.record.initial_given
        else {"initializer": None},
    )


def _alike(rows: Any) -> bool:
    """Whether rows are equal, up to rounding of float32."""
    return bool(np.ptp(rows, axis=0).max() <= 1e-5 * np.abs(rows).max())


def slow_start(case: Case) -> Finding | None:
    """A loss that does not cancel the output's slope, on outputs that are wrong and flat."""
    network, L = case.network, case.network.depth
    row = network.output.activation
    if network.is_linked or not is_bounded(row):
        return None
    slopes = slopes_of(row, case.seen.z[L], case.seen.a[L])
    width = row.range.high - row.range.low
    wrong = np.abs(case.seen.a[L] - case.Y) > width / 2
    if (
        slopes is None
        or wrong.mean() < SLOW_SHARE / network.output.units
        or slopes[wrong].mean() > SLOW_SLOPE
    ):
        return None
    paired = {"sigmoid": "binary_cross_entropy", "softmax": "cross_entropy"}.get(row.name)
    probabilities = case.Y.min() >= 0 and case.Y.max() <= 1
    change = {"loss": paired} if paired and probabilities else {"output": "identity"}
    said = f"the loss {paired!r}, made for it" if paired and probabilities else "an output without bounds"
    return Finding(
        name="slow start on a saturated output",
        where=f"layer {L}",
        severity="fault",
        numbers={
            "share of outputs wrong by more than half the range": float(wrong.mean()),
            "mean slope there, as a share of the largest": float(slopes[wrong].mean()),
            "threshold": SLOW_SLOPE,
            "level of the loss": case.level,
        },
        equation=f"delta[{L}] = dLoss/da * g'(z[{L}])  (BP1): where the output is flat, g' is near 0 (a "
        "sigmoid's is a (1 - a)), however large the error; the matched loss cancels it, delta = y_hat - y",
        latex=r"\delta^{L} = (\hat y - y)\, \hat y (1 - \hat y) \to 0 \text{ for } \hat y \to 0, 1; "
        r"\qquad \text{cross-entropy: } \delta^{L} = \hat y - y",
        explanation=f"The outputs that are most wrong learn most slowly: {row.name} is flat where they "
        f"stand, and {network.loss.name} does not make up for it (the notes' slow start, 001).",
        remedy=f"Use {said}.",
        change=change,
    )
