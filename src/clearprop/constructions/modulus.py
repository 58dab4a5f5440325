"""How fast a function can change: a modulus of continuity, as it was given, or estimated from samples.

A modulus w says |f(x) - f(y)| <= w(|x - y|) for all x, y of the domain, with the Euclidean distance; it is 0
at 0 in the limit, and does not decrease. A Lipschitz constant L is the modulus w(h) = L h.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from clearprop.arrays import Array
from clearprop.constructions.sampling import Domain, Sampler, told
from clearprop.errors import DataError, SpecificationError

SAMPLES = 2**13  #: intervals between the samples of an estimate in one dimension
GRID = 2**16  #: samples of an estimate in more dimensions, about
SAFETY = 1.1  #: an estimate is taken so many times as large as what the samples show
LEAST = 1e-13  #: share of the domain below which no distance is looked at


@dataclass(frozen=True)
class Modulus:
    """A modulus of continuity, and where it comes from.

    Attributes
    ----------
    omega : callable
        Distance to the largest change.
    lipschitz : float or None
        The constant, where it is one.
    estimated : bool
        Taken from samples, so that what follows from it is proven only if it is right.
    source : str
        In words.

    Examples
    --------
    >>> steep = Modulus(lambda h: 3 * h, 3.0, False, "Lipschitz constant 3, as given")
    >>> steep.inverse(0.75, most=10.0), steep.interpolation(0.5)
    (0.25, 0.75)
    """

    omega: Callable[[float], float] = field(repr=False)
    lipschitz: float | None
    estimated: bool
    source: str

    def __call__(self, h: float) -> float:
        """Largest change over a distance."""
        return float(self.omega(h))

    def interpolation(self, h: float) -> float:
        """Largest distance of f from the straight line between its values at two points h apart.

        At a share t of the way it is at most (1 - t) w(t h) + t w((1 - t) h): for w(h) = L h that is
        2 t (1 - t) L h <= L h / 2, and for t <= 1/2 (the other half is its mirror) at most
        w(h/2) (1 - t) + t w(h) <= (w(h/2) + w(h)) / 2, since w(h) >= w(h/2).
        """
        return self(h) / 2 if self.lipschitz is not None else (self(h / 2) + self(h)) / 2

    def inverse(self, target: float, most: float, change: Callable[[float], float] | None = None) -> float:
        """Largest distance, up to `most`, over which the modulus, or another `change`, is at most that."""
        change = change or self
        if change(most) <= target:
            return most
        if self.lipschitz is not None:
            return target / (change(1.0))
        low, high = LEAST * most, most
        if not change(low) <= target:
            remedy = "split the domain where it jumps"
            if self.estimated:
                remedy += ", or, if the samples were too few for it, give lipschitz="
            raise DataError(
                f"the modulus of continuity ({self.source}) is still {change(low):.3g} at a distance of "
                f"{low:.3g}, above the {target:.3g} that is needed: it must go to 0 with the distance, so "
                f"the function has to be continuous; {remedy}"
            )
        while high / low > 1 + 1e-9:
            middle = math.sqrt(low) * math.sqrt(high)
            low, high = (middle, high) if change(middle) <= target else (low, middle)
        return low


def modulus_of(
    f: Sampler, domain: Domain, lipschitz: float | None, omega: Callable[[float], float] | None
) -> Modulus:
    """Modulus that was given, if samples do not contradict it, or an estimate.

    Raises
    ------
    SpecificationError
        When both are given, or one is no such number.
    DataError
        When samples contradict it, or f jumps.

    Examples
    --------
    >>> from clearprop.constructions.sampling import sampler
    >>> modulus_of(sampler("sin(x)", 1), ((0.0, 1.0),), None, None).source
    'estimated from 8,193 samples'
    >>> modulus_of(sampler("where(x > 0.3, 1, 0)", 1), ((0.0, 1.0),), None, None)
    Traceback (most recent call last):
    ...
    clearprop.errors.DataError: f jumps by 1 at about x = (0.3): it is not continuous there, ...
    """
    if lipschitz is not None and omega is not None:
        raise SpecificationError("lipschitz and modulus say the same thing in two ways; give one of them")
    if lipschitz is not None:
        if not isinstance(lipschitz, int | float | np.number) or not 0 <= lipschitz < math.inf:
            raise SpecificationError(f"lipschitz is a number from 0, not {lipschitz!r}")
        constant = float(lipschitz)
        stated = Modulus(
            lambda h: constant * h, constant, False, f"Lipschitz constant {constant:g}, as given"
        )
        _require_consistent(f, domain, stated)
        return stated
    if omega is not None:
        stated = Modulus(_checked(omega), None, False, "as given")
        _require_consistent(f, domain, stated)
        return stated
    return _estimated_line(f, domain) if len(domain) == 1 else _estimated_grid(f, domain)


def _checked(omega: Callable[[float], float]) -> Callable[[float], float]:
    if not callable(omega):
        raise SpecificationError(
            f"modulus is a function of a distance, such as `lambda h: 3 * h`, not {omega!r}"
        )

    def value(h: float) -> float:
        try:
            found = float(omega(h))
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise SpecificationError(
                f"modulus({h:.3g}) fails ({what}); it is a function of a distance"
            ) from error
        if not found >= 0:
            raise SpecificationError(f"modulus({h:.3g}) is {found}, and must be a number from 0")
        return found

    return value


def grid_of(domain: Domain, intervals: int) -> tuple[list[Array], Array]:
    """Coordinates of an even grid, and its points (m, n), the last coordinate fastest."""
    axes = [np.linspace(low, high, intervals + 1) for low, high in domain]
    return axes, np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(domain))


def _sampled(f: Sampler, domain: Domain) -> tuple[list[Array], Array]:
    n = len(domain)
    intervals = SAMPLES if n == 1 else max(int(GRID ** (1 / n)), 4)
    axes, points = grid_of(domain, intervals)
    return axes, f(points).reshape([intervals + 1] * n)


def _require_consistent(f: Sampler, domain: Domain, stated: Modulus) -> None:
    """Raise DataError where neighbouring samples differ by more than the modulus says."""
    axes, values = _sampled(f, domain)
    for d, axis in enumerate(axes):
        change = np.abs(np.diff(values, axis=d))
        step = float(axis[1] - axis[0])
        worst = float(change.max())
        if worst > stated(step) * (1 + 1e-6) + 1e-12 * float(np.abs(values).max()):
            low, high = _ends(axes, d, np.unravel_index(int(change.argmax()), change.shape))
            raise DataError(
                f"f changes by {worst:.4g} from ({told(low)}) to ({told(high)}), a slope of "
                f"{worst / step:.4g}; the modulus of continuity ({stated.source}) allows {stated(step):.4g}: "
                "give a larger one"
            )


def _ends(axes: list[Array], d: int, place: tuple[np.intp, ...]) -> tuple[Array, Array]:
    low = np.array([axis[k] for axis, k in zip(axes, place, strict=True)])
    high = low.copy()
    high[d] = axes[d][place[d] + 1]
    return low, high


def _require_no_jump(f: Sampler, axes: list[Array], values: Array) -> None:
    """Raise DataError where the largest change between neighbours stays as its interval is halved."""
    changes = [np.abs(np.diff(values, axis=d)) for d in range(values.ndim)]
    d = max(range(values.ndim), key=lambda d: float(changes[d].max()))
    first = float(changes[d].max())
    if first <= 1e-9 * float(np.abs(values).max()):
        return
    low, high = _ends(axes, d, np.unravel_index(int(changes[d].argmax()), changes[d].shape))
    at_low, at_high = f(np.stack([low, high]))
    while True:
        middle = (low + high) / 2
        if not low[d] < middle[d] < high[d]:
            break
        (at_middle,) = f(middle[None])
        if abs(at_middle - at_low) > abs(at_high - at_middle):
            high, at_high = middle, at_middle
        else:
            low, at_low = middle, at_middle
    if (jump := abs(at_high - at_low)) > first / 4:
        raise DataError(
            f"f jumps by {jump:.4g} at about x = ({told(low)}): it is not continuous there, and no number of "
            "towers comes near it on both sides; split the domain at that place"
        )


def _estimated_line(f: Sampler, domain: Domain) -> Modulus:
    """Largest changes over 1, 2, 4, ... sample distances; between them straight, below them a power."""
    axes, values = _sampled(f, domain)
    _require_no_jump(f, axes, values)
    step = float(axes[0][1] - axes[0][0])
    high, low, width = values, values, 1
    distances, changes = [0.0], [0.0]
    while width <= SAMPLES:
        half = max(width // 2, 1)
        high, low = np.maximum(high[:-half], high[half:]), np.minimum(low[:-half], low[half:])
        distances.append(width * step)
        changes.append(SAFETY * float((high - low).max()))
        width *= 2
    one, two = changes[1:3]
    power = min(max(math.log2(two / one), 0.0), 1.0) if one > 0 else 1.0

    def omega(h: float) -> float:
        if h < step:
            return one * (h / step) ** power if h > 0 else 0.0
        return float(np.interp(h, distances, changes))

    return Modulus(omega, None, True, f"estimated from {values.size:,} samples")


def _estimated_grid(f: Sampler, domain: Domain) -> Modulus:
    """Lipschitz constant from the largest slopes along the axes."""
    axes, values = _sampled(f, domain)
    _require_no_jump(f, axes, values)
    slopes = [
        float(np.abs(np.diff(values, axis=d)).max()) / float(axis[1] - axis[0]) for d, axis in enumerate(axes)
    ]
    constant = SAFETY * math.hypot(*slopes)
    source = f"Lipschitz constant {constant:.4g}, estimated from {values.size:,} samples"
    return Modulus(lambda h: constant * h, constant, True, source)
