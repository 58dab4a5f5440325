"""One look at a network on a few rows: by layer, how its numbers are spread and how far it still learns.

What a layer's slopes say is read from its row: the derivative's own text at every z, beside the largest
slope the row has. So a user's row is measured as the shipped ones are.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.formulas.activations import Activation, AnyActivation
from clearprop.glassbox.whole_pass import WholePass
from clearprop.specification import Parameters

QUANTILES = (0, 5, 25, 50, 75, 95, 100)  #: in per cent
FLAT = 0.01  #: a slope below this share of the row's largest passes on next to nothing
DEAD = 0.001  #: below the leaky rows' slope of 0.01, which is small and enough to come back
STEEP = 10.0  #: no bend of use has such a slope; a row that reaches it grows like exp


@dataclass(frozen=True)
class Distribution:
    """How numbers are spread.

    Attributes
    ----------
    quantiles : tuple of float
        At 0, 5, 25, 50, 75, 95 and 100 %.
    rms : float
        Root of the mean square.

    Examples
    --------
    >>> Distribution.of(np.array([0.0, 3.0, 4.0])).quantiles[3]
    3.0
    """

    quantiles: tuple[float, ...]
    rms: float

    @classmethod
    def of(cls, numbers: Array) -> Distribution:
        """Of all numbers of an array."""
        flat = np.asarray(numbers, dtype=np.float64).ravel()
        largest = float(np.abs(flat).max())
        rms = largest * float(np.sqrt(np.mean((flat / largest) ** 2))) if largest > 0 else 0.0
        return cls(tuple(np.percentile(flat, QUANTILES).tolist()), rms)


@dataclass(frozen=True)
class LayerMeasure:
    """The numbers of one layer.

    Attributes
    ----------
    layer : int
        l, from 1.
    activation : str
    units : int
    z, a : Distribution
    delta, gradient : Distribution
        Of |delta[l]| (each example's share of the mean included) and of |dC/dW[l]|.
    slope : float or None
        Mean of |g'(z)| as a share of the row's largest; None where that has no meaning.
    dead : float or None
        Share of units whose slope is next to 0 on all rows; None where the row's range is bounded.
    saturated : float or None
        Share of (row, unit) pairs whose slope is next to 0; None where the row's range is not bounded.
    """

    layer: int
    activation: str
    units: int
    z: Distribution
    a: Distribution
    delta: Distribution
    gradient: Distribution
    slope: float | None
    dead: float | None
    saturated: float | None


@dataclass(frozen=True)
class Measurement:
    """What a look at a network found.

    Attributes
    ----------
    layers : tuple of LayerMeasure
    loss : float
        C on these rows, penalties included.
    gradient_norm : float
        |dC/dtheta|.
    spread : float
        Deviation of the outputs over the rows, as a share of that of the targets.
    epoch : int or None
        After which epoch, if it is known.
    update : float or None
        |theta_t - theta_{t-1}| / |theta_{t-1}|, if the epoch before is known.
    """

    layers: tuple[LayerMeasure, ...]
    loss: float
    gradient_norm: float
    spread: float
    epoch: int | None = None
    update: float | None = None


@functools.cache
def largest_slope(row: Activation) -> float:
    """Largest |g'(z)| of a row, found on a grid: 1 for tanh, 1/4 for sigmoid.

    >>> from clearprop.formulas.activations import activations
    >>> [round(largest_slope(activations[name]), 3) for name in ("tanh", "sigmoid", "relu")]
    [1.0, 0.25, 1.0]
    """
    z = np.concatenate((np.linspace(-30, 30, 6001), np.linspace(-1, 1, 2001)))
    with np.errstate(all="ignore"):
        slopes = np.abs(row.slope(z, row.value(z)))
    return float(np.max(slopes[np.isfinite(slopes)], initial=0.0))


def slopes_of(row: AnyActivation, z: Array, a: Array) -> Array | None:
    """|g'(z)| as a share of the row's largest, (m, n_l); of softmax 4 a (1 - a), its Jacobian's diagonal.

    None for maxout, which passes on all it takes, for monotone, and for rows such as exp without a largest.
    """
    if isinstance(row, Activation):
        largest = largest_slope(row)
        if not 0 < largest < STEEP:
            return None  # it grows without end, so no slope is small beside its largest
        return np.abs(row.slope(z, a)) / largest
    return 4 * a * (1 - a) if row.name == "softmax" else None


def is_bounded(row: AnyActivation) -> bool:
    """Whether a row's values lie between two numbers, so that it flattens on both sides."""
    return bool(np.isfinite([row.range.low, row.range.high]).all())


def at_rest(row: AnyActivation, slopes: Array | None) -> tuple[float | None, float | None]:
    """Shares of dead units and of saturated numbers, from `slopes_of` (m, n_l); None where it has no meaning.

    A row without bounds dies (no slope on any example), a bounded one saturates.
    """
    if slopes is None:
        return None, None
    if is_bounded(row):
        return None, float((slopes < FLAT).mean())
    return float((slopes < DEAD).all(axis=0).mean()), None


def deviation(numbers: Array) -> float:
    """Root of the summed variances of the columns of (m, n)."""
    return float(np.sqrt(np.var(np.asarray(numbers, dtype=np.float64), axis=0).sum()))


def measure(seen: WholePass, *, epoch: int | None = None, before: Parameters | None = None) -> Measurement:
    """Numbers of a whole pass, by layer.

    Parameters
    ----------
    seen : WholePass
        With targets.
    epoch : int, optional
    before : Parameters, optional
        Those of the epoch before, for the relative update.

    Examples
    --------
    >>> from clearprop.glassbox.whole_pass import whole_pass
    >>> from clearprop.specification import Dense, Network
    >>> net = Network(1, [Dense(2, "relu", bias=False), Dense(1)])
    >>> theta = Parameters(net, np.array([1.0, -1.0, 1.0, 1.0, 0.0]))
    >>> found = measure(whole_pass(net, theta, [[1.0], [2.0]], [0.0, 1.0]))
    >>> found.layers[0].dead, found.layers[0].a.rms, found.layers[1].gradient.quantiles[-1]
    (0.5, 1.118033988749895, 3.0)
    """
    assert seen.gradient is not None  # noqa: S101 - a pass with targets has one
    assert seen.Y is not None  # noqa: S101
    layers = tuple(_layer(seen, l) for l in range(1, seen.network.depth + 1))
    update = None
    if before is not None:
        past = before.flat.astype(np.float64)
        norm = float(np.linalg.norm(past))
        update = float(np.linalg.norm(seen.theta.flat - past)) / norm if norm else None
    of_targets = deviation(seen.Y)
    return Measurement(
        layers=layers,
        loss=seen.loss,
        gradient_norm=float(np.linalg.norm(seen.gradient.flat)),
        spread=deviation(seen.y_hat) / of_targets if of_targets else 1.0,
        epoch=epoch,
        update=update,
    )


def _layer(seen: WholePass, l: int) -> LayerMeasure:
    layer = seen.network.layers[l - 1]
    slopes = slopes_of(layer.activation, seen.z[l], seen.a[l])
    dead, saturated = at_rest(layer.activation, slopes)
    return LayerMeasure(
        layer=l,
        activation=layer.activation.name,
        units=layer.units,
        z=Distribution.of(seen.z[l]),
        a=Distribution.of(seen.a[l]),
        delta=Distribution.of(np.abs(seen.delta[l])),
        gradient=Distribution.of(np.abs(seen.dW[l])),
        slope=None if slopes is None else float(slopes.mean()),
        dead=dead,
        saturated=saturated,
    )
