"""Findings about the way back: deltas that vanish or explode from layer to layer (BP2)."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.glassbox.diagnosis.case import GROWN, Case
from clearprop.glassbox.diagnosis.finding import Finding
from clearprop.glassbox.diagnosis.measuring import LayerMeasure, is_bounded

#: a first layer that hears a fiftieth of the error learns fifty times more slowly than the last; runs that
#: learn keep above a tenth, while sigmoids lose a factor of four a layer
VANISHED = 0.02
#: the first layer's error a hundred times the last's: no rate serves both
EXPLODED = 1e2
#: these matter while more than this level is left to learn
UNLEARNT = 0.5

_EQUATION = (
    "delta[l] = (delta[l+1] W[l+1]) * g'(z[l])  (BP2), so |delta[1]| <= |delta[L]| * product over l < L of "
    "|W[l+1]| max |g'(z[l])|"
)
_LATEX = (
    r"\delta^{l} = \left(\delta^{l+1} W^{l+1}\right) \odot g_l'(z^{l}), \qquad "
    r"\lVert \delta^{1} \rVert \le \lVert \delta^{L} \rVert \prod_{l=1}^{L-1} \lVert W^{l+1} \rVert \, "
    r"\max \lvert g_l'(z^{l}) \rvert"
)


def norm_of_delta(layer: LayerMeasure) -> float:
    """|delta[l]| of an example, up to a factor that all layers share."""
    return layer.delta.rms * float(np.sqrt(layer.units))


def vanishing(case: Case) -> Finding | None:
    """Deltas that die out on the way from the last layer to the first."""
    ratio = _ratio(case)
    if ratio is None or not 0 < ratio < VANISHED or case.left < UNLEARNT or case.crushed:
        return None
    bounded = any(is_bounded(layer.activation) for layer in case.network.layers[:-1])
    change: dict[str, Any]
    if bounded:
        words = "Use hidden units whose slope does not fall below 1 on one side (relu, leaky_relu, elu) with "
        change = {"activation": "relu", "initializer": None}
    else:
        words = "Draw larger first weights: leave the initializer to the activation, or use "
        change = {"initializer": "he_normal"}
    return _finding(
        case,
        "vanishing gradients",
        ratio,
        VANISHED,
        "The error dies out on its way back: the first layers hardly move while much is left to learn.",
        words + "He's initialization; or fewer layers.",
        change,
    )


def exploding(case: Case) -> Finding | None:
    """Deltas that grow on the way from the last layer to the first."""
    ratio = _ratio(case)
    if ratio is None or ratio <= EXPLODED or (case.level < UNLEARNT and not case.diverged):
        return None
    if case.thrown is not None and case.growth > GROWN:
        return None
    drawn = any(layer.initializer is not None for layer in case.network.layers)
    change: dict[str, Any]
    if drawn or case.given:
        change = {"initializer": None} if drawn else {"initial": None}
    elif case.optimizer is not None and case.optimizer.step:
        change = {"optimizer": case.optimizer(clip_norm=1.0)}
    else:
        change = {"initializer": "he_normal"}
    return _finding(
        case,
        "exploding gradients",
        ratio,
        EXPLODED,
        "The error grows on its way back: the first layers are thrown about by steps that suit the last.",
        "Draw smaller first weights (leave the initializer to the activation), and clip the gradient "
        "(clip_norm=1.0).",
        change,
    )


def _ratio(case: Case) -> float | None:
    """|delta[1]| / |delta[L]|; None for one layer, or without an error at the end."""
    first, last = (norm_of_delta(case.found.layers[k]) for k in (0, -1))
    if case.network.depth < 2 or not last > 0 or not np.isfinite([first, last]).all():
        return None
    return first / last


def _finding(
    case: Case, name: str, ratio: float, threshold: float, said: str, remedy: str, change: dict[str, Any]
) -> Finding:
    layers = case.found.layers
    numbers = {f"|delta[{each.layer}]|": norm_of_delta(each) for each in layers}
    numbers |= {"first / last": ratio, "threshold": threshold, "level of the loss": case.level}
    by_layer = ratio ** (1 / (len(layers) - 1))
    return Finding(
        name=name,
        where=f"layers 1 to {len(layers)}",
        severity="fault",
        numbers=numbers,
        equation=_EQUATION,
        latex=_LATEX,
        explanation=f"{said} A layer multiplies it by {by_layer:.3g} on average.",
        remedy=remedy,
        change=change,
    )
