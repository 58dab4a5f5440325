"""The gradient certificate: an engine's dC/dtheta against the complex step of the forward pass.

The two ways share nothing but the formula of the forward pass. The complex step, Im C(theta + ih) / h, has
no truncation error and subtracts nothing; comparisons in formulas look at real parts, so it is exact for
piecewise formulas as well.

What is subtle is against what an error is measured. On a trained network the terms of a gradient cancel,
and the relative error of an honest engine grows without bound. Here the *error of an element* is

    |g - g_complex_step| / max(size, 0.001 * largest size of its array)

where `size` is the same gradient taken with absolute values (`magnitude.py`). The floor of a thousandth is
for elements whose terms all but vanish (a saturated exp in float32 is accurate to the largest value beside
it, not to itself); a wrong element still shows unless it is below tolerance / 1000 of the largest one. The
*norm error* of an array is |g - g_complex_step|_2 / |size|_2. Where both are exactly 0, so is the error.

Examples that sit on a kink (within 1e-12, or within what rounding to the engine's dtype leaves undecided)
have no derivative there: they are counted and left out of both sides. So are weights of 0 under an L1
penalty.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, BoolArray, IntArray
from clearprop.engines import EngineName, check_masks, engine_for, textbook
from clearprop.engines.examples import Examples, check_examples
from clearprop.engines.protocol import Masks
from clearprop.engines.textbook import example_losses, forward_pass, penalty
from clearprop.formulas.activations import Activation, AnyActivation
from clearprop.glassbox.certificate import ArrayCheck, Certificate, Kink
from clearprop.glassbox.magnitude import STEP, Sized, Sizes, backward_sizes, sized
from clearprop.specification import Network, Parameters, Segment

TOLERANCES: Mapping[str, float] = {"float64": 1e-12, "float32": 1e-5}
CANCELLATION = 100.0  #: terms so many times as large as their sum cost no more digits than the tolerance has
FLOOR = 1e-3  #: an element is measured against at least this share of its array's largest size
KINK = 1e-12  #: a distance below which a number counts as on a kink
MOST_STEPS = 2000  #: complex steps taken at most; a larger network is sampled
MOST_WORK = 4e9  #: multiplications the complex steps may take (some seconds), which samples more sparsely
LEAST_STEPS = 50
LEAST_SAMPLE = 5  #: elements of one array


def certify(
    network: Network,
    theta: Parameters,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    masks: Masks | None = None,
    engine: EngineName = "compiled",
) -> Certificate:
    """Compare an engine's gradient of the exact objective with the complex step, parameter by parameter.

    The objective is C of `cp.gradient`: weighted mean loss, penalties, dropout frozen by `masks`. In
    float32 the reference is the float64 complex step at the same float32 numbers.

    Parameters
    ----------
    theta : Parameters
        Its dtype, float32 or float64, is the engine's.
    X : array (m, n_0)
    Y : array (m, n_L), or (m,) class indices
    sample_weight : array (m,), optional
    masks : mapping from layer l = 0..L-1 to bool array (m, n_l), optional
    engine : "compiled" or "textbook"

    Returns
    -------
    Certificate
        Tolerance 1e-12 in float64, 1e-5 in float32; more where pre-activations are small differences of
        terms more than a hundred times as large, since no order of summing them is right to the last digits.

    Examples
    --------
    >>> import numpy as np
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(3, "tanh"), Dense(1, "sigmoid")], l2=0.1)
    >>> certify(net, net.initialize(seed=0), np.eye(2), [0, 1], engine="textbook").holds
    True

    Notes
    -----
    Squire and Trapp, SIAM Review 40 (1998), for the complex step.
    """
    started = time.perf_counter()
    network.require_trainable()
    theta = Parameters(network, theta.flat)
    given = check_examples(network, X, Y, theta.dtype, sample_weight)
    masks = check_masks(network, masks, len(given))
    objective = _Objective(
        network,
        theta.flat.astype(np.float64),
        Examples(given.X.astype(np.float64), given.Y.astype(np.float64), given.weights),
        _scale(given),
        masks,
    )
    kinks, on_kink = _kinks(objective, float(np.finfo(theta.dtype).eps))
    arrays: tuple[ArrayCheck, ...] = ()
    if not on_kink.all():
        kept = np.flatnonzero(~on_kink)
        batch, kept_masks = given.take(kept), _take(masks, kept)
        scale = given.scale()[kept]
        computing = engine_for(engine, network, dtype=theta.dtype)
        _, flat = computing.gradient_sum(theta.flat, batch.X, batch.Y, scale, kept_masks)
        found = textbook.penalize(network, theta.flat, flat).astype(np.float64)
        arrays = _compare(objective.take(kept), found)
    return Certificate(
        engine=engine,
        dtype=str(theta.dtype),
        tolerance=TOLERANCES[str(theta.dtype)] * max(1.0, objective.cancellation() / CANCELLATION),
        arrays=arrays,
        kinks=kinks,
        examples=len(given),
        left_out=int(on_kink.sum()),
        parameters=network.n_parameters,
        checked=sum(check.checked for check in arrays),
        seconds=time.perf_counter() - started,
    )


@dataclass(frozen=True)
class _Objective:
    """C as a function of theta, by the textbook's forward pass alone; all in float64."""

    network: Network
    theta: Array  # (n_parameters,)
    examples: Examples
    scale: Array  # (m,)
    masks: Masks | None

    def take(self, rows: IntArray) -> _Objective:
        """The objective of some of the examples, with the weights they had among all."""
        batch, masks = self.examples.take(rows), _take(self.masks, rows)
        return _Objective(self.network, self.theta, batch, self.scale[rows], masks)

    def sizes(self) -> Sizes:
        """The backward pass with absolute values."""
        theta = Parameters(self.network, self.theta)
        with np.errstate(all="ignore"):
            seen = forward_pass(self.network, theta, self.examples.X, self.masks)
        return backward_sizes(self.network, theta, seen, self.examples.Y, self.scale, self.masks)

    def cancellation(self) -> float:
        """How much larger than a row's pre-activations the terms of their sums are, at worst."""
        theta = Parameters(self.network, self.theta)
        with np.errstate(all="ignore"):
            seen = forward_pass(self.network, theta, self.examples.X, self.masks)
            worst = 1.0
            for l in range(1, self.network.depth + 1):
                terms = np.abs(seen.x[l]) @ np.abs(theta.W[l]).T
                bias = theta.b[l]
                if bias is not None:
                    terms = terms + np.abs(bias)
                ratios = terms.max(axis=1) / np.abs(seen.z[l]).max(axis=1)
                worst = max(worst, float(np.nanmax(np.where(np.isfinite(ratios), ratios, 1.0))))
        return worst

    def slope(self, elements: IntArray, direction: Array | float = 1.0) -> float:
        """Derivative of C along a direction of some elements of theta, by the complex step."""
        stepped = Parameters(self.network, self.theta.astype(np.complex128))
        stepped.flat[elements] += 1j * STEP * direction
        with np.errstate(all="ignore"):
            seen = forward_pass(self.network, stepped, self.examples.X, self.masks)
            losses = example_losses(self.network, seen, self.examples.Y)
            total = (self.scale * losses).sum() + penalty(self.network, stepped)
        return float(np.imag(total)) / STEP


def _scale(given: Examples) -> Array:
    """w_i / sum w in float64 whatever the dtype of the examples."""
    weights = np.ones(len(given)) if given.weights is None else given.weights
    return weights / weights.sum()


def _take(masks: Masks | None, rows: IntArray) -> Masks | None:
    return None if masks is None else {l: mask[rows] for l, mask in masks.items()}


def _compare(objective: _Objective, found: Array) -> tuple[ArrayCheck, ...]:
    """Errors of the gradient `found` (n_parameters,), array by array."""
    network, m = objective.network, len(objective.examples)
    sizes = objective.sizes().gradient.flat
    total = network.n_parameters
    steps = min(total, MOST_STEPS, max(LEAST_STEPS, int(MOST_WORK / (m * total))))
    generator = np.random.default_rng(0)
    checks = []
    for segment in network.segments:
        elements = np.arange(segment.offset, segment.stop)
        if segment.l1:
            elements = elements[objective.theta[elements] != 0]
        direction = None
        if steps < total and len(elements):
            signs = generator.choice([-1.0, 1.0], len(elements))
            along = math.fsum(found[elements] * signs) - objective.slope(elements, signs)
            direction = float(_relative(np.abs(along), np.linalg.norm(sizes[elements])))
            count = min(len(elements), max(LEAST_SAMPLE, round(steps * len(elements) / total)))
            elements = np.sort(generator.choice(elements, count, replace=False))
        checks.append(_check(segment, elements, found, sizes, objective, direction))
    return tuple(checks)


def _check(
    segment: Segment,
    elements: IntArray,
    found: Array,
    sizes: Array,
    objective: _Objective,
    direction: float | None,
) -> ArrayCheck:
    name = f"{segment.kind}[{segment.layer}]"
    if not len(elements):
        return ArrayCheck(name, segment.shape, 0, 0.0, (), 0.0, direction)
    exact = np.array([objective.slope(elements[i : i + 1]) for i in range(len(elements))])
    difference = np.abs(found[elements] - exact)
    floor = FLOOR * sizes[segment.offset : segment.stop].max()
    errors = _relative(difference, np.maximum(sizes[elements], floor))
    worst = int(np.argmax(np.where(np.isnan(errors), np.inf, errors)))
    at = np.unravel_index(elements[worst] - segment.offset, segment.shape)
    norm = _relative(np.linalg.norm(difference), np.linalg.norm(sizes[elements]))
    return ArrayCheck(
        name,
        segment.shape,
        len(elements),
        float(errors[worst]),
        tuple(int(i) for i in at),
        float(norm),
        direction,
    )


def _relative(difference: Array | np.floating, size: Array | np.floating) -> Array:
    """Quotient difference / size, where 0 / 0 is 0; NaN stays NaN."""
    with np.errstate(all="ignore"):
        return np.where(difference == 0, 0.0, np.divide(difference, size))


def _kinks(objective: _Objective, eps: float) -> tuple[tuple[Kink, ...], BoolArray]:
    """Numbers on kinks by row of the formula tables, and the examples (m,) they belong to.

    Examples of weight 0 and dropped units have no derivative to lose.
    """
    network, masks = objective.network, objective.masks or {}
    sizes = objective.sizes()
    used = objective.scale[:, None] > 0
    on_kink = np.zeros(len(used), dtype=np.bool_)
    kinks: list[Kink] = []

    def report(where: str, near: BoolArray) -> None:
        nonlocal on_kink
        if near.any():
            kinks.append(Kink(where, int(near.sum())))
            on_kink |= near.any(axis=1)

    for l, layer in enumerate(network.layers, start=1):
        near = _near_kink(layer.activation, sizes.z[l], eps) & used
        report(f"layer {l} ({layer.activation.name})", near & masks.get(l, True))
    loss = network.loss
    if not network.is_linked:
        a = sizes.a[network.depth]
        for text in loss.kinks:
            distance = sized(text, {"a": a, "y": objective.examples.Y, **loss.constants}, a.value)
            report(f"loss ({loss.name}: {text} = 0)", _near(distance.value, distance.size, eps) & used)
    for segment in network.segments:
        zeros = int((objective.theta[segment.offset : segment.stop] == 0).sum())
        if segment.l1 and zeros:
            kinks.append(Kink(f"{segment.kind}[{segment.layer}] (weights of 0 under L1)", zeros))
    return tuple(kinks), on_kink


def _near(distance: Array, size: Array, eps: float) -> BoolArray:
    near: BoolArray = np.abs(distance) <= np.maximum(KINK, 8 * eps * size)
    return near


def _near_kink(row: AnyActivation, z: Sized, eps: float) -> BoolArray:
    """Units (m, n_l) whose z lies on a kink; for maxout, whose two largest pieces are equal."""
    m = len(z.value)
    if isinstance(row, Activation):
        near = np.zeros(z.value.shape, dtype=np.bool_)
        for kink in row.kinks:
            near |= _near(z.value - kink, z.size + abs(kink), eps)
        return near
    if row.pieces == 1:
        return np.zeros((m, z.value.shape[1]), dtype=np.bool_)
    pieces = np.sort(z.value.reshape(m, -1, row.pieces), axis=2)
    size = z.size.reshape(m, -1, row.pieces).max(axis=2)
    return _near(pieces[:, :, -1] - pieces[:, :, -2], 2 * size, eps)
