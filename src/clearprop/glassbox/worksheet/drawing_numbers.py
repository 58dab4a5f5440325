"""Numbers that are nice to calculate with, drawn from a seed.

Weights are multiples of a half (a quarter where an exponential makes long decimals anyway), inputs and
targets small integers; no weight or input is 0, and no two units of a layer are alike. A draw is thrown back
when a unit is dead, saturated or near a kink, when an output is right already, or when a step makes the loss
larger or all but 0; where all functions are made of straight pieces, also when a number of the first step has
more digits than are printed. When hundreds of draws fall short of the last two, the first that keeps the
others is taken, or one of them whose loss falls at least.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.textbook import activate
from clearprop.errors import SpecificationError
from clearprop.formulas import language
from clearprop.formulas.activations import Activation, AnyActivation
from clearprop.glassbox.render.lines import DIGITS
from clearprop.glassbox.slopes import slope_share
from clearprop.glassbox.trace import Trace
from clearprop.glassbox.worksheet.exercise import Descent, descend
from clearprop.specification import Network, Parameters

DRAWS = 300  #: of whole exercises
ROW_DRAWS = 60  #: of one unit's weights
HALVES = (-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)
QUARTERS = (-1.5, -1.25, -1.0, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
INPUTS = (-2.0, -1.0, 1.0, 2.0, 3.0)
TARGETS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0)
RATES = (0.5, 0.25, 0.1, 0.05, 0.02, 0.01)  #: tried in this order where none is asked for
ALIVE = 0.1  #: share of an activation's largest slope that a unit keeps
OFF_KINK = 0.2  #: distance of z from a kink
LARGEST = 1e3  #: of any number
LEAP = 0.05  #: share of the loss that a gentle step leaves
FAR = 0.1  #: least distance of an output from its target
LEAST_PROBABILITY = 0.03  #: of a softmax, and of what its outputs are apart


@dataclass(frozen=True)
class Fixed:
    """Numbers that the reader asks for; NaN where one is to be drawn.

    Attributes
    ----------
    theta : Parameters
    x, y : ndarray (n_0,), (n_L,)
        Of the one example.
    taken : mapping
        Numbers of the forward pass that are taken as they are, by name; see `clearprop.trace`.
    """

    theta: Parameters
    x: Array
    y: Array
    taken: Mapping[str, float]

    @property
    def any(self) -> bool:
        """Whether anything is fixed."""
        numbers = np.concatenate((self.theta.flat, self.x, self.y))
        return bool(self.taken) or not np.isnan(numbers).all()


def draw_descent(
    network: Network,
    rng: np.random.Generator,
    *,
    examples: int,
    steps: int,
    eta: float | None,
    fixed: Fixed,
) -> Descent:
    """Exercise of gradient descent with nice numbers.

    Parameters
    ----------
    eta : float or None
        Learning rate; None takes the first of `RATES` whose steps are gentle.

    Raises
    ------
    SpecificationError
        When no draw keeps every unit alive and off its kinks.
    """
    straight = all(_is_straight(layer.activation) for layer in network.layers) and _is_polynomial(network)
    fallback = None
    for _ in range(DRAWS):
        drawn = _draw(network, rng, examples, HALVES if straight else QUARTERS, fixed)
        if drawn is None:
            continue
        theta, X, Y = drawn
        tried = [
            descend(network, theta, X, Y, eta=rate, steps=steps, given=fixed.taken)
            for rate in ((eta,) if eta is not None else RATES)
        ]
        gentle = [each for each in tried if is_gentle(each)]
        for each in (*gentle[:1], tried[-1]):
            if not (_is_finite(each) if fixed.any else is_valid(each)):
                continue
            if fixed.any or (is_gentle(each) and (not straight or _is_short(each))):
                return each
            if fallback is None or (each.falls and not fallback.falls):
                fallback = each
    if fallback is None:
        raise SpecificationError(
            f"each of {DRAWS} draws of small numbers left a unit dead, saturated or on a kink; use a "
            "narrower network, other activations, fewer examples or steps, a smaller eta, or another seed"
        )
    return fallback


def _draw(
    network: Network, rng: np.random.Generator, examples: int, weights: Sequence[float], fixed: Fixed
) -> tuple[Parameters, Array, Array] | None:
    """Parameters, X and Y, layer by layer; None where a layer or a target found none."""
    X = _filled(_inputs(rng, examples, network.inputs), fixed.x)
    theta = Parameters(network, np.zeros(network.n_parameters))
    x = X
    for l in range(1, network.depth + 1):
        a = _draw_layer(network, theta, l, x, rng, weights, fixed)
        if a is None:
            return None
        x = a
    Y = _targets(network, x, rng)
    if Y is None and not fixed.any:
        return None
    return theta, X, _filled(np.zeros_like(x) if Y is None else Y, fixed.y)


def _filled(drawn: Array, fixed: Array) -> Array:
    return np.where(np.isnan(fixed), drawn, fixed)


def _inputs(rng: np.random.Generator, examples: int, width: int) -> Array:
    """Small integers, no two examples alike, nor all inputs of one."""
    while True:
        X = rng.choice(INPUTS, (examples, width))
        if len(np.unique(X, axis=0)) < min(examples, len(INPUTS) ** width):
            continue
        if width == 1 or all(len(set(row)) > 1 for row in X.tolist()):
            return X


def _draw_layer(
    network: Network,
    theta: Parameters,
    l: int,
    x: Array,
    rng: np.random.Generator,
    weights: Sequence[float],
    fixed: Fixed,
) -> Array | None:
    """Weights of layer l, written into theta, that keep its units alive on x (m, n); a (m, n_l)."""
    row, W, b = network.layers[l - 1].activation, theta.W[l], theta.b[l]
    fixed_W, fixed_b = fixed.theta.W[l], fixed.theta.b[l]
    units: list[list[float]] = []
    for j in range(len(W)):
        for _ in range(ROW_DRAWS):
            W[j] = _filled(rng.choice(weights, W.shape[1]), fixed_W[j])
            if b is not None and fixed_b is not None:
                b[j] = _filled(rng.choice(weights), fixed_b[j])
            z = x @ W[j] + (0.0 if b is None else b[j])
            if W[j].tolist() not in units and _is_lively(row, z):
                break
        else:
            if not fixed.any:
                return None
        units.append(W[j].tolist())
    a = activate(row, x @ W.T + (0.0 if b is None else b))
    if row.name == "softmax" and not fixed.any:
        clear = a.min() >= LEAST_PROBABILITY and np.ptp(a, axis=1).min() >= LEAST_PROBABILITY
        return a if clear else None
    return a


def _is_lively(row: AnyActivation, z: Array) -> bool:
    """Whether a unit's z (m,) is small and off the kinks, and its slope not small on every example."""
    if np.abs(z).max() > 8:
        return False
    if not isinstance(row, Activation):
        return True
    a = row.value(z)
    if any(np.abs(z - kink).min() < OFF_KINK for kink in row.kinks):
        return False
    alive = slope_share(row, z, a) >= ALIVE
    enough = alive.any() if row.kinks else alive.all()
    return bool(enough and (np.abs(a[alive]) >= 0.05).all())


def _targets(network: Network, y_hat: Array, rng: np.random.Generator) -> Array | None:
    """Targets (m, n_L) of the loss's kind that the outputs (m, n_L) are off; None where there are none."""
    kind, interval = network.loss.targets, network.output.activation.range
    if kind == "distribution":
        return np.eye(y_hat.shape[1])[rng.integers(y_hat.shape[1], size=len(y_hat))]
    values: Sequence[float] = {
        "numbers": [y for y in TARGETS if interval.low <= y <= interval.high],
        "counts": [y for y in TARGETS if y >= 0],
        "probabilities": [0.0, 1.0],
        "signs": [-1.0, 1.0],
    }[kind]
    Y = np.empty_like(y_hat)
    for (e, k), output in np.ndenumerate(y_hat):
        near = [
            y
            for y in values
            if FAR <= abs(output - y) <= 4 and network.loss.slope_of(y_hat[e], np.full_like(y_hat[e], y))[k]
        ]
        if not near:
            return None
        Y[e, k] = rng.choice(near)
    return Y


def is_valid(exercise: Descent) -> bool:
    """Whether all numbers are finite, no unit is on a kink in any pass, and each moves in the first step."""
    if not _is_finite(exercise):
        return False
    for seen in exercise.passes:
        for l, layer in enumerate(exercise.network.layers, start=1):
            row = layer.activation
            kinks = row.kinks if isinstance(row, Activation) else ()
            if any(np.abs(seen.z[l] - kink).min() < 1e-6 for kink in kinks):
                return False
        loss = exercise.network.loss
        for text in loss.kinks:
            at = language.evaluate(text, {"a": seen.y_hat, "y": seen.Y, **loss.constants})
            if np.abs(at).min() < 1e-6:
                return False
    first = exercise.passes[0]
    return all((np.abs(delta).max(axis=0) > 1e-3).all() for delta in first.delta.values())


def is_gentle(exercise: Descent) -> bool:
    """Whether each step makes the loss smaller, not all but 0 by a leap, and leaves the units alive."""
    pairs = itertools.pairwise(exercise.losses)
    falls = all(after < before and (after > LEAP * before or before < 0) for before, after in pairs)
    return falls and all(_is_alive(seen) for seen in exercise.passes)


def _is_alive(seen: Trace) -> bool:
    """Whether each unit keeps some of its slope on some example, and a softmax some doubt."""
    for l, layer in enumerate(seen.network.layers, start=1):
        if isinstance(layer.activation, Activation):
            shares = slope_share(layer.activation, seen.z[l], seen.a[l])
            if shares.max(axis=0).min() < ALIVE / 2:
                return False
        elif seen.a[l].min() < LEAST_PROBABILITY / 2:
            return False
    return True


def _numbers_of(exercise: Descent, passes: int) -> Array:
    """All numbers of the first passes and steps, as they are printed."""
    found = [theta.flat for theta in exercise.thetas[: passes + 1]]
    for seen in exercise.passes[:passes]:
        assert seen.gradient is not None  # noqa: S101 - there are targets
        found += [seen.gradient.flat, np.atleast_1d(seen.loss)]
        found += [array.ravel() for kind in (seen.z, seen.a, seen.delta) for array in kind.values()]
    return np.concatenate(found)


def _is_finite(exercise: Descent) -> bool:
    numbers = _numbers_of(exercise, len(exercise.passes))
    return bool(np.isfinite(numbers).all() and np.abs(numbers).max() < LARGEST)


def _is_short(exercise: Descent) -> bool:
    """Whether every number of the first step is printed whole."""
    return all(
        abs(float(f"{value:.{DIGITS}g}") - value) <= 1e-12 * abs(value) for value in _numbers_of(exercise, 1)
    )


def _is_straight(row: AnyActivation) -> bool:
    """Whether an activation is made of a few straight pieces whose slopes are short decimals."""
    if not isinstance(row, Activation):
        return False
    z = np.linspace(-10, 10, 2001)
    slopes = np.unique(row.slope(z, row.value(z))).tolist()
    return len(slopes) <= 3 and all(float(f"{slope:.2g}") == slope for slope in slopes)


def _is_polynomial(network: Network) -> bool:
    return not any(name in network.loss.value for name in ("log", "exp"))
