"""Generated sets: points in the plane, and a curve, with a noise to choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from clearprop.arrays import Array

Drawn = tuple[Array, Array]  #: X (m, n_0), and class indices or numbers (m,)
Draw = Callable[[np.random.Generator, int], Drawn]


def _halves(m: int) -> Array:
    """Class of each row, half of them 1."""
    return (np.arange(m) % 2).astype(np.int64)


def moons(generator: np.random.Generator, m: int) -> Drawn:
    """Two half circles that reach into each other."""
    y, t = _halves(m), generator.uniform(0, np.pi, m)
    upper = np.stack([np.cos(t), np.sin(t)], axis=1)
    lower = np.stack([1 - np.cos(t), 0.5 - np.sin(t)], axis=1)
    return np.where(y[:, None] == 1, lower, upper) - (0.5, 0.25), y


def circles(generator: np.random.Generator, m: int) -> Drawn:
    """A circle within a circle."""
    y, t = _halves(m), generator.uniform(0, 2 * np.pi, m)
    return np.where(y, 0.5, 1.0)[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1), y


def spirals(generator: np.random.Generator, m: int) -> Drawn:
    """Two arms around each other, one turn and three quarters."""
    y, share = _halves(m), np.sqrt(generator.uniform(0.005, 1, m))
    t = 3.5 * np.pi * share + np.pi * y
    return share[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1), y


def exclusive_or(generator: np.random.Generator, m: int) -> Drawn:
    """A square: 1 where one coordinate alone is positive."""
    X = generator.uniform(-1, 1, (m, 2))
    X += 0.06 * np.sign(X)
    return X, (X[:, 0] * X[:, 1] < 0).astype(np.int64)


def sine(generator: np.random.Generator, m: int) -> Drawn:
    """A sine over one and a half periods."""
    x = generator.uniform(-1, 1, m)
    return x[:, None], np.sin(1.5 * np.pi * x)


def tower(generator: np.random.Generator, m: int) -> Drawn:
    """1 between -0.3 and 0.4, else 0: what two steep sigmoids build."""
    x = generator.uniform(-1, 1, m)
    return x[:, None], ((x > -0.3) & (x < 0.4)).astype(np.float64)


#: name -> what draws it; in the order of the menu
GENERATED: Mapping[str, Draw] = MappingProxyType(
    {
        "moons": moons,
        "circles": circles,
        "spirals": spirals,
        "xor": exclusive_or,
        "sine": sine,
        "tower": tower,
    }
)


def drawn(name: str, rows: int, noise: float, seed: int) -> Drawn:
    """Rows of a generated set, normal noise of that deviation on the inputs (on y, where y is a number).

    Examples
    --------
    >>> X, y = drawn("xor", 4, 0.0, seed=0)
    >>> X.shape, bool((y == (X[:, 0] * X[:, 1] < 0)).all())
    ((4, 2), True)
    """
    generator = np.random.default_rng(seed)
    X, y = GENERATED[name](generator, rows)
    if y.dtype == np.int64:
        return X + noise * generator.normal(size=X.shape), y
    return X, y + noise * generator.normal(size=y.shape)
