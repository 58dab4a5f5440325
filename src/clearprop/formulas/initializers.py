"""Initializers: fan-in and fan-out to the scale of a layer's first weights, as text. Biases start at 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import FormulaError
from clearprop.formulas import language
from clearprop.formulas.rows import Row, look_up


@dataclass(frozen=True, kw_only=True, repr=False)
class Initializer(Row):
    """A distribution of first weights; `scale` is the half-width (uniform) or the standard deviation.

    Examples
    --------
    >>> import numpy as np
    >>> glorot = initializers["glorot_uniform"]
    >>> weights = glorot.draw((3, 3), fan_in=3, fan_out=3, generator=np.random.default_rng(0))
    >>> bool(np.abs(weights).max() <= 1.0)
    True
    """

    scale: str
    distribution: Literal["uniform", "normal"]

    def __post_init__(self) -> None:
        super().__post_init__()
        allowed = frozenset({"fan_in", "fan_out", *self.parameter_names})
        language.require_names(self.scale, allowed, f"initializer {self.name!r}")

    def draw(
        self, shape: tuple[int, int], fan_in: int, fan_out: int, generator: np.random.Generator
    ) -> Array:
        """Weights of that shape, float64."""
        given = {"fan_in": float(fan_in), "fan_out": float(fan_out), **dict(self.parameters)}
        scale = float(language.evaluate(self.scale, given))
        if self.distribution == "uniform":
            return generator.uniform(-scale, scale, shape)
        return generator.normal(0.0, scale, shape)


_GLOROT = "Glorot and Bengio, AISTATS 2010"
_HE = "arXiv:1502.01852"
_LECUN = "LeCun et al., Efficient BackProp, 1998"

_ROWS = (
    Initializer(
        name="glorot_uniform", scale="sqrt(6 / (fan_in + fan_out))", distribution="uniform", source=_GLOROT
    ),
    Initializer(
        name="glorot_normal", scale="sqrt(2 / (fan_in + fan_out))", distribution="normal", source=_GLOROT
    ),
    Initializer(name="he_uniform", scale="sqrt(6 / fan_in)", distribution="uniform", source=_HE),
    Initializer(name="he_normal", scale="sqrt(2 / fan_in)", distribution="normal", source=_HE),
    Initializer(name="lecun_uniform", scale="sqrt(3 / fan_in)", distribution="uniform", source=_LECUN),
    Initializer(name="lecun_normal", scale="sqrt(1 / fan_in)", distribution="normal", source=_LECUN),
    Initializer(name="zeros", scale="0", distribution="uniform"),
)

#: the shipped initializers, by name
initializers: Mapping[str, Initializer] = MappingProxyType({row.name: row for row in _ROWS})


def as_initializer(initializer: str | Initializer) -> Initializer:
    """Initializer of that name, or the initializer itself."""
    if isinstance(initializer, Initializer):
        return initializer
    if isinstance(initializer, str):
        row: Initializer = look_up(initializers, initializer, "an initializer")
        return row
    raise FormulaError(f"an initializer is a name such as 'he_normal', not {type(initializer).__name__}")
