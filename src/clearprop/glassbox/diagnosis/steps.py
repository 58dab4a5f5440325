"""Findings about the steps of a run: learning rates too high or too low, and overfitting.

A rate is too high where the loss swings or rises; how far it is beyond what the loss allows is seen from the
curvature along the gradient. It is too low where the whole run went less far than one good step would.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.textbook import backward_pass, forward_pass, penalize
from clearprop.glassbox.diagnosis.case import GROWN, LEARNT, Case, data_loss, own_rate, with_rate
from clearprop.glassbox.diagnosis.finding import Finding
from clearprop.glassbox.diagnosis.measuring import LayerMeasure
from clearprop.specification import Parameters

#: the loss swings if on average it rises by this share of what is at stake in an epoch, going nowhere
SWING = 0.05
FEWEST_EPOCHS = 8  #: to speak of swings and trends
#: most units of a layer past their slope, with weights that have grown, were pushed there by long steps
WITHOUT_SLOPE = 0.5
#: above this level little has been learnt, and a rate that leaves it there is worth a word
HARDLY_LEARNT = 0.3
#: what one good step must still gain, as a share of what is at stake, for a rate to be called too low
GAIN = 0.05
#: a run that went less than half as far as one good step would has hardly begun
GOOD_STEPS = 0.5
#: a run of usual length goes some tens of good steps
USUAL_STEPS = 20.0
#: overfitting: the held-out loss stays this far above its best, and above the training loss
RISEN = 0.1
GAP = 0.25


def rate_too_high(case: Case) -> Finding | None:
    """The loss diverges, is thrown up, or swings without falling."""
    rate, seen = case.rate, _how_it_shows(case)
    if rate is None or seen is None or (case.crushed and not case.diverged):
        return None
    overshot = _overshot(case, rate)
    if overshot is not None:
        return overshot
    said, numbers = seen
    numbers["learning rate"] = rate
    bend = curvature(case) if case.optimizer is not None and not case.optimizer.slots else 0.0
    if bend > 0:
        numbers["longest step of steepest descent that still gains, 2 / curvature"] = 2 / bend
    return Finding(
        name="learning rate too high",
        where="",
        severity="fault",
        numbers=numbers,
        equation="C(theta - rate g) = C(theta) - rate |g|^2 (1 - rate c / 2) + ..., g = dC/dtheta, "
        "c = g'Hg / |g|^2 the curvature along g: a step gains only while rate < 2 / c",
        latex=r"C(\theta - \eta g) \approx C(\theta) - \eta \lVert g \rVert^2 "
        r"\left(1 - \frac{\eta c}{2}\right), \qquad c = \frac{g^\top H g}{\lVert g \rVert^2}",
        explanation=f"The learning rate of {rate:g} is too high: {said}.",
        remedy="Lower the learning rate at least tenfold, towards the optimizer's own; clipping the gradient "
        "(clip_norm=1.0) or a schedule helps where only some steps are too long.",
        change=_with_rate(case, lambda own: min(rate / 10, max(own, min(rate / 30, 10 * own)))),
    )


def _how_it_shows(case: Case) -> tuple[str, dict[str, float]] | None:
    """What steps that are too long have done, in words and numbers; None if they were not."""
    levels = case.levels
    half, pushed = levels[len(levels) // 2 :], _pushed(case)
    numbers: dict[str, float] = {"epochs": float(len(levels)), "level at the end": case.level}
    if case.diverged:
        return "the loss or a parameter stopped being a finite number", numbers
    if case.thrown is not None and case.level > LEARNT:
        numbers |= {"highest level": float(levels.max()), "level before training": case.first_level}
        said = f"in epoch {case.thrown} the loss was {levels.max():.3g} times that of a constant answer"
        return said, numbers
    if len(levels) >= FEWEST_EPOCHS and _swing(half) > SWING and half[0] - half[-1] < 4 * _swing(half):
        numbers |= {"mean rise in an epoch": _swing(half), "threshold": SWING}
        return "the loss swings from epoch to epoch and does not fall", numbers
    if pushed is not None:
        without = max(pushed.dead or 0.0, pushed.saturated or 0.0)
        numbers |= {
            f"dead or saturated in layer {pushed.layer}": without,
            "largest growth of a weight matrix": case.growth,
        }
        said = f"long steps have pushed most units of layer {pushed.layer} to where they have no slope"
        return said, numbers
    return None


def _overshot(case: Case, rate: float) -> Finding | None:
    """The same, where it is the weight decay that overshoots 0."""
    if case.optimizer is None or rate * case.decay <= 1:
        return None
    return Finding(
        name="learning rate too high",
        where="weight decay",
        severity="fault",
        numbers={"learning rate": rate, "weight decay": case.decay, "their product": rate * case.decay},
        equation="theta <- theta * (1 - rate * weight_decay) - rate * step: a factor below 0 turns the "
        "weights round, below -1 they grow without end",
        latex=r"\theta \leftarrow (1 - \eta \lambda)\, \theta - \eta s, \qquad \eta \lambda \le 1",
        explanation=f"The learning rate times the weight decay is {rate * case.decay:.3g}: each step takes "
        "the weights past 0.",
        remedy="Lower the weight decay, so that a step takes a small share of the weights.",
        change={"optimizer": case.optimizer(weight_decay=float(f"{0.01 / rate:.3g}"))},
    )


def _swing(levels: Any) -> float:
    """Mean rise from one epoch to the next, falls counted as 0."""
    return float(np.maximum(np.diff(levels), 0).mean()) if len(levels) > 1 else 0.0


def _pushed(case: Case) -> LayerMeasure | None:
    """A hidden layer whose units lost their slope while drawn weights grew, and little was learnt."""
    if not case.drawn or case.growth < GROWN or case.level < HARDLY_LEARNT:
        return None
    worst = max(
        case.found.layers[:-1], key=lambda each: max(each.dead or 0.0, each.saturated or 0.0), default=None
    )
    if worst is None or max(worst.dead or 0.0, worst.saturated or 0.0) < WITHOUT_SLOPE:
        return None
    return worst


def _with_rate(case: Case, choose: Any) -> dict[str, Any]:
    """The optimizer with another rate; the rate alone where the optimizer is not known."""
    rule = case.optimizer
    if rule is None:
        return {"learning_rate": float(f"{choose(1e-3):.3g}")}
    return {"optimizer": with_rate(rule, choose(own_rate(rule)))}


def rate_too_low(case: Case) -> Finding | None:
    """One step of the right length down the gradient goes further, and gains more, than the run did."""
    moved, rate = case.moved, case.rate
    if moved is None or rate is None or case.diverged or case.level < HARDLY_LEARNT or case.stake <= 1e-12:
        return None
    length, gain = good_step(case)
    gain = gain / case.stake
    if gain < GAIN or moved > GOOD_STEPS * length or _judged_best_before_the_end(case):
        return None
    epochs = len(case.history.get("loss", []))
    wanted = USUAL_STEPS * rate * max(length / moved, 1.0) if moved > 0 else np.inf
    return Finding(
        name="learning rate too low",
        where="",
        severity="fault",
        numbers={
            "learning rate": rate,
            "epochs": float(epochs),
            "distance the run went": moved,
            "length of one good step": length,
            "what that step gains": gain,
            "level of the loss": case.level,
        },
        equation="|theta - theta_start| is far below |t g|, with the t that makes C(theta - t g) least, "
        "g = dC/dtheta",
        latex=r"\lVert \theta - \theta_0 \rVert \ll \lVert t\, g \rVert, \qquad "
        r"t = \arg\min_t C(\theta - t\, g), \quad g = \frac{\partial C}{\partial \theta}",
        explanation=f"The whole run moved the parameters by {moved:.3g}; one good step down the gradient is "
        f"{length:.3g} long and would gain {100 * gain:.3g} % of what is at stake. With a learning rate of "
        f"{rate:g}, {epochs} epoch(s) were far too little.",
        remedy="Raise the learning rate, so that the run goes as far as some twenty good steps, up to ten "
        "times the optimizer's own; or train for more epochs.",
        change=_with_rate(case, lambda own: min(wanted, 10 * max(own, rate))),
    )


def _judged_best_before_the_end(case: Case) -> bool:
    """Whether held-out rows stopped getting better, so that to go further is no gain."""
    held = [value for value in case.history.get("validation_loss") or [] if value is not None]
    return bool(held) and int(np.argmin(held)) < 0.8 * (len(held) - 1)


def curvature(case: Case) -> float:
    """c = g'Hg / |g|^2 where the run began (or is), by a difference of gradients along g."""
    theta = (case.start or case.seen.theta).flat
    g = _gradient(case, theta)
    norm = float(np.linalg.norm(g))
    if not 0 < norm < np.inf:
        return 0.0
    h = 1e-4 * max(float(np.linalg.norm(theta)), 1e-8) / norm
    change = _gradient(case, theta + h * g) - _gradient(case, theta - h * g)
    found = float(g @ change) / (2 * h * norm**2)
    return found if np.isfinite(found) else 0.0


def _gradient(case: Case, flat: Array) -> Array:
    """dC/dtheta of other parameters on the case's rows, penalties included."""
    network, theta = case.network, Parameters(case.network, flat)
    with np.errstate(all="ignore"):
        forward = forward_pass(network, theta, case.seen.X)
        _, plain = backward_pass(network, theta, forward, case.Y, case.seen.scale)
    return penalize(network, flat, plain.flat)


def good_step(case: Case) -> tuple[float, float]:
    """Length of the best step down the gradient, and what it gains: by doubling, from Polyak's step."""
    gradient = case.seen.gradient
    assert gradient is not None  # noqa: S101 - a diagnosis has targets
    norm = float(np.linalg.norm(gradient.flat))
    if not 0 < norm < np.inf:
        return 0.0, 0.0
    first = max(case.found.loss - case.bounds[0], 0.0) / norm**2
    best, gain = 0.0, 0.0
    for power in range(-12, 8):
        t = first * 2.0**power
        theta = Parameters(case.network, case.seen.theta.flat - t * gradient.flat)
        won = case.found.loss - data_loss(case, theta)
        if won > gain:
            best, gain = t * norm, won
    return best, gain


def overfitting(case: Case) -> Finding | None:
    """The held-out loss has risen from its best while the training loss fell, and a gap has opened."""
    if case.diverged or case.stake <= 1e-12:
        return None
    held = [value for value in case.history.get("validation_loss") or [] if value is not None]
    levels = case.levels
    if len(held) == len(levels) and len(held) >= FEWEST_EPOCHS:
        judged = np.array([case.level_of(value) for value in held])
        best = int(judged.argmin())
        end = float(np.mean(judged[-max(3, len(judged) // 10) :]))
        trained = float(np.mean(levels[-max(3, len(levels) // 10) :]))
        lost = end - float(judged[best])
        numbers = {
            "best epoch": best + 1.0,
            "held-out level there": float(judged[best]),
            "held-out level at the end": end,
            "training level at the end": trained,
        }
        if not (lost > RISEN and end - trained > GAP and levels[best] > trained):
            return None
    elif case.training_loss is not None:
        end, trained = case.level, case.level_of(case.training_loss)
        numbers = {"level on these rows": end, "level on the training rows": trained}
        if end - trained <= max(GAP, 2 * trained):
            return None
    else:
        return None
    rows = case.record.rows if case.record is not None else len(case.seen)
    l2 = float(f"{max(10 * case.network.l2, 5 / rows):.2g}")
    return Finding(
        name="overfitting",
        where="",
        severity="note",
        numbers=numbers,
        equation="C(held out) - C(training) > 0 and growing, while dC(training)/dtheta is still followed; "
        "P = l2/2 |W|^2 holds the weights back",
        latex=r"C_{\mathrm{held\,out}} - C_{\mathrm{training}} > 0, \qquad "
        r"P = \frac{\lambda}{2} \lVert W \rVert^2",
        explanation="The network learns its training rows by heart: the loss on rows it has not seen is "
        f"{end:.3g} of a constant answer's, on its own {trained:.3g}.",
        remedy="Hold the weights back (l2, weight decay, dropout), take a smaller network or more rows, and "
        "stop early (validation=0.2, patience=10). With held-out rows the best epoch's parameters are kept.",
        change={"l2": l2, "patience": 10},
    )
