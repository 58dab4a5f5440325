"""What a gradient certificate says: the errors of each array, the kinks that were met, the verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

_KINDS: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "float | None": (int, float, type(None)),
}
_R = TypeVar("_R")


@dataclass(frozen=True)
class ArrayCheck:
    """How far one array of the gradient, dC/dW[l] or dC/db[l], is from the complex step."""

    name: str  #: "W[1]"
    shape: tuple[int, ...]
    checked: int  #: elements compared
    worst: float  #: largest error of an element
    at: tuple[int, ...]  #: the element's index
    norm: float  #: norm error over the compared elements
    direction: float | None = None  #: error along one random direction of all elements, where sampled

    @property
    def error(self) -> float:
        """The largest of the array's errors; NaN when one is."""
        errors = [self.worst, self.norm, *([] if self.direction is None else [self.direction])]
        return math.nan if any(map(math.isnan, errors)) else max(errors)


@dataclass(frozen=True)
class Kink:
    """Where derivatives do not exist: how many numbers sit on the kinks of one row."""

    where: str  #: "layer 1 (relu)", "loss (hinge)", "W[1] at 0 (L1)"
    count: int


@dataclass(frozen=True)
class Certificate:
    """What `certify` found; print it, or ask `holds`.

    Errors are relative to the backward pass taken with absolute values, not to the gradient itself: where
    terms of the gradient cancel, as on a trained network, an error that rounding could have made is not
    told from a slip of that size. A wrong formula shows; a relative error of 1e-9 in one element may not.

    Attributes
    ----------
    arrays : tuple of ArrayCheck
        One for each W[l] and b[l], in order of the layers.
    kinks : tuple of Kink
        Numbers on a kink; their examples (or weights) were left out.
    examples, left_out : int
        Examples given, and those left out because of kinks.
    parameters, checked : int
        Parameters of the network, and those compared one by one; fewer when the network is sampled.
    """

    engine: str
    dtype: str
    tolerance: float
    arrays: tuple[ArrayCheck, ...]
    kinks: tuple[Kink, ...]
    examples: int
    left_out: int
    parameters: int
    checked: int
    seconds: float

    @property
    def worst(self) -> float:
        """The largest error of all arrays; NaN when one is, or when nothing was compared."""
        errors = [check.error for check in self.arrays]
        return math.nan if not errors or any(map(math.isnan, errors)) else max(errors)

    @property
    def sampled(self) -> bool:
        """Whether only a seeded sample of the parameters was compared one by one."""
        return any(check.direction is not None for check in self.arrays)

    @property
    def holds(self) -> bool:
        """Whether every error is within the tolerance, and something was compared at all."""
        return self.checked > 0 and bool(self.worst <= self.tolerance)

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON types); numbers that are not finite are None."""
        plain = asdict(self)
        for check in plain["arrays"]:
            check["shape"], check["at"] = list(check["shape"]), list(check["at"])
            for name in ("worst", "norm", "direction"):
                check[name] = _finite(check[name])
        plain["arrays"], plain["kinks"] = list(plain["arrays"]), list(plain["kinks"])
        return {"holds": self.holds, "worst": _finite(self.worst), **plain}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Certificate:
        """Certificate from the plain data of `to_dict`; TypeError when it is not one."""
        given = {name: value for name, value in plain.items() if name not in ("holds", "worst")}
        given["arrays"] = tuple(
            _read(ArrayCheck, {**check, "shape": tuple(check["shape"]), "at": tuple(check["at"])})
            for check in _dicts(given, "arrays")
        )
        given["kinks"] = tuple(_read(Kink, kink) for kink in _dicts(given, "kinks"))
        return _read(cls, given)

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "DOES NOT HOLD"
        heading = ["array", "shape", "checked", "worst", "norm", "at"]
        rows = [
            [
                check.name,
                "x".join(map(str, check.shape)),
                str(check.checked),
                f"{check.worst:.1e}",
                f"{check.norm:.1e}",
                str(list(check.at)).replace(" ", ""),
                *([] if check.direction is None else [f"{check.direction:.1e}"]),
                *([] if check.error <= self.tolerance else ["<-"]),
            ]
            for check in self.arrays
        ]
        heading += ["direction"] if self.sampled else []
        widths = [max(len(row[i]) for row in [heading, *rows] if i < len(row)) for i in range(len(heading))]
        widths.append(2)
        lines = [
            f"Gradient certificate: {verdict} (worst error {self.worst:.1e}, tolerance {self.tolerance:g})",
            f"{self.engine} engine, {self.dtype}, {self.parameters} parameters, {self.examples} example(s), "
            f"{self.seconds:.2g} s",
            "",
            *(
                "  ".join(
                    cell.ljust(width) if i in (0, 5) else cell.rjust(width)
                    for i, (cell, width) in enumerate(zip(row, widths, strict=False))
                ).rstrip()
                for row in [heading, *rows]
            ),
            "",
            "Errors are relative to the same backward pass taken with absolute values.",
        ]
        if self.sampled:
            lines.append(
                f"{self.checked} of {self.parameters} parameters, drawn by a fixed seed, were compared; "
                "all of them along one random direction an array."
            )
        lines += [f"On a kink, where no derivative exists: {k.count} in {k.where}." for k in self.kinks]
        if self.left_out:
            lines.append(f"{self.left_out} of {self.examples} examples were left out because of kinks.")
        return "\n".join(lines)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _dicts(plain: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects with lists where tuples belong; TypeError if it is none."""
    found = plain.get(name)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise TypeError(f"certificate: {name} is {found!r}")
    for each in found:
        for key in {"shape", "at"} & each.keys() if name == "kinks" else ("shape", "at"):
            numbers = each.get(key)
            if not isinstance(numbers, list) or not all(type(n) is int for n in numbers):
                raise TypeError(f"certificate: {key} is {numbers!r}")
    return found


def _read(kind: type[_R], plain: Mapping[str, Any]) -> _R:
    """A record of plain fields, each of its kind; a missing error reads as NaN, which holds nothing."""
    given = dict(plain)
    for each in fields(kind):  # type: ignore[arg-type]
        wanted = _KINDS.get(str(each.type))
        if str(each.type) == "float" and given.get(each.name, 0.0) is None:
            given[each.name] = math.nan
        value = given.get(each.name)
        if wanted and (not isinstance(value, wanted) or isinstance(value, bool)):
            raise TypeError(f"certificate: {each.name} is {value!r}")
    return kind(**given)
