"""The loss along one parameter as plain data: a curve, its slopes, and what happens to units on the way."""

from __future__ import annotations

from dataclasses import dataclass

from clearprop.arrays import Array

PRINTED = 12  #: kinks that are printed


@dataclass(frozen=True)
class Crossing:
    """A value of the parameter at which a unit, or the loss, is on a kink.

    >>> print(Crossing("a[1][0]", 0.25, 3))
    a[1][0] at 0.25 (example 3)
    """

    where: str  #: "a[1][0]", "the loss of y_hat[0]", "W[1][0,0] itself (L1)"
    value: float
    example: int | None  #: None for the L1 penalty, which is on no example

    def __str__(self) -> str:
        example = "" if self.example is None else f" (example {self.example})"
        return f"{self.where} at {self.value:.6g}{example}"


@dataclass(frozen=True)
class Stretch:
    """Values of the parameter at which a unit passes (almost) no gradient, whatever the example.

    >>> print(Stretch("a[1][0]", "saturated", -2.0, -0.5))
    a[1][0] is saturated from -2 to -0.5
    """

    unit: str
    word: str  #: "saturated", or "off" where a kink has taken all slope
    start: float
    stop: float

    def __str__(self) -> str:
        return f"{self.unit} is {self.word} from {self.start:.6g} to {self.stop:.6g}"


@dataclass(frozen=True, eq=False)
class Along:
    """The loss C as a function of one parameter, the others fixed.

    Attributes
    ----------
    name : str
        "W[1][2,0]".
    at, loss, slope : float
        The parameter's own value, C there, and dC/d(parameter) there.
    values, losses, slopes : ndarray (points,)
        The parameter, C and its derivative along the way.
    crossings : tuple of Crossing
        From the smallest value to the largest.
    stretches : tuple of Stretch
        Their ends are points of `values`.
    """

    name: str
    at: float
    loss: float
    slope: float
    values: Array
    losses: Array
    slopes: Array
    crossings: tuple[Crossing, ...]
    stretches: tuple[Stretch, ...]

    def nearest(self, count: int) -> list[Crossing]:
        """The crossings nearest to the parameter's own value, from the smallest value to the largest."""
        near = sorted(self.crossings, key=lambda crossing: abs(crossing.value - self.at))[:count]
        return sorted(near, key=lambda crossing: crossing.value)

    def __str__(self) -> str:
        lines = [
            f"C along {self.name}, from {self.values[0]:.6g} to {self.values[-1]:.6g}",
            f"at {self.at:.6g}: C = {self.loss:.6g}, dC/d{self.name} = {self.slope:.6g}",
        ]
        lines += [f"on a kink: {crossing}" for crossing in self.nearest(PRINTED)]
        if len(self.crossings) > PRINTED:
            lines.append(f"and on {len(self.crossings) - PRINTED:,} kinks farther away")
        return "\n".join([*lines, *map(str, self.stretches)])
