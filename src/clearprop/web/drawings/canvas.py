"""What every drawing of the page has: a title and words for it, things to click, numbers as short as a unit.

A drawing that can be clicked is a group of buttons to a screen reader, any other one a picture: nothing
inside of a picture could be reached.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable

import numpy as np

from clearprop.arrays import Array, BoolArray
from clearprop.glassbox.quantity import Quantity
from clearprop.report.frame import Axis, Frame, said

SHORT = 5  #: letters of a number inside a unit
HUGE = 1e100  #: larger numbers have no place on an axis, whose ends would overflow


def drawing(
    width: float, height: float, pieces: Iterable[str], title: str, about: str = "", data: str = ""
) -> str:
    """A drawing with its title, a longer text for who cannot see it, and more attributes.

    >>> print(drawing(20, 10, [], "Nothing <yet>")[-41:])
    <title>Nothing &lt;yet&gt;</title>
    </svg>
    """
    body = "\n".join(pieces)
    role = "group" if 'role="button"' in body else "img"
    inside = [f"<title>{said(title)}</title>", f"<desc>{said(about)}</desc>" if about else "", body]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="{role}" class="drawing"{data}>'
        + "\n".join(each for each in [*inside, "</svg>"] if each)
    )


def plotted(frame: Frame, pieces: Iterable[str], title: str, about: str = "", foot: float = 0.0) -> str:
    """A drawing of a frame; `data-plot` says where its numbers lie, `foot` is room below it."""
    around = [*frame.around(), *pieces]
    return drawing(frame.width, frame.height + foot, around, title, about, f' data-plot="{_places(frame)}"')


def _places(frame: Frame) -> str:
    """Edges of the plot and ends of its axes, as JSON in an attribute."""

    def ends(axis: Axis) -> dict[str, object]:
        return {"low": axis.low, "high": axis.high, "log": axis.powers, "words": axis.words}

    found = {
        "left": round(frame.left, 1),
        "right": round(frame.right, 1),
        "top": round(frame.top, 1),
        "bottom": round(frame.bottom, 1),
        "x": ends(frame.across),
        "y": ends(frame.up),
    }
    return said(json.dumps(found))


def button(quantity: Quantity, label: str) -> str:
    """Attributes of what stands for a number: a click derives it.

    >>> button(Quantity("W", 1, (2, 0)), "W[1][2,0] = 0.5")
    'data-quantity="W[1][2,0]" tabindex="0" role="button" aria-label="W[1][2,0] = 0.5"'
    """
    return f'data-quantity="{quantity.text}" tabindex="0" role="button" aria-label="{said(label)}"'


def in_words(value: float) -> str:
    """A number with six digits, or a word.

    >>> in_words(1 / 3), in_words(float("nan")), in_words(-float("inf"))
    ('0.333333', 'not a number', 'minus infinity')
    """
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinity" if value > 0 else "minus infinity"
    return f"{value + 0.0:.6g}"


def short(value: float) -> str:
    """A number in at most five letters, as exact as these allow.

    >>> [short(value) for value in (0.1234, -0.1234, 12345.6, 1.5e-7, -0.0031, 1.0, 1234.5)]
    ['0.123', '−0.12', '1.2e4', '1e-7', '−3e-3', '1', '1234']
    >>> short(float("nan")), short(float("-inf"))
    ('NaN', '−inf')
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("inf" if value > 0 else "−inf")
    if 100 <= abs(value) < 9999.5:
        found = f"{value:.0f}"
    else:
        tried = (f"{value:.3g}", f"{value:.2g}", f"{value:.1g}", f"{value:.1e}", f"{value:.0e}")
        plain = [re.sub(r"e([+-])0*", r"e\1", each).replace("e+", "e") for each in tried]
        found = next((each for each in plain if len(each) <= SHORT), plain[-1])
    return found.replace("-", "−", 1) if value < 0 else found.removeprefix("-")


def hue_of(value: float) -> str:
    """Class of a number's sign: blue above 0, orange below, grey at 0, dotted for what is no number."""
    if not math.isfinite(value):
        return "odd"
    return "k0" if value > 0 else "k1" if value < 0 else "k5"


def placeable(numbers: Array) -> BoolArray:
    """Which numbers an axis has a place for: finite, and not beyond all use.

    >>> placeable(np.array([1.0, np.nan, -np.inf, 1e300]))
    array([ True, False, False, False])
    """
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(numbers) < HUGE)


def largest(numbers: Array) -> float:
    """Largest size of the finite numbers, 0 where there are none.

    >>> largest(np.array([1.0, -3.0, np.inf])), largest(np.zeros(0))
    (3.0, 0.0)
    """
    if not numbers.size:
        return 0.0
    found = max(float(numbers.max()), -float(numbers.min()))
    return found if math.isfinite(found) else float(np.abs(numbers[np.isfinite(numbers)]).max(initial=0.0))


def share_of(value: float, most: float) -> float:
    """Size of a number beside the largest, 0 to 1; 1 for what is no number, so that it is seen."""
    if not math.isfinite(value):
        return 1.0
    return min(abs(value) / most, 1.0) if most > 0 else 0.0
