"""A plot's frame: axes with round numbers, a legend above, places of points; SVG in the page's colours.

A picture is as wide as a phone, so its letters are read there as they are; on a screen several stand side
by side. What is told by colour is told by a dash, a place or a word, too.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from clearprop.arrays import Array
from clearprop.glassbox.render.curve import ticks
from clearprop.words import plain

WIDTH, HEIGHT = 360, 270
DIGIT = 6.6  #: width of a digit
HUES = 6  #: colours; the page's style has them as k0 to k5
_TOP, _RIGHT, _BOTTOM, _LINE = 10, 14, 40, 15
_DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 2", "1 2")


def said(text: object) -> str:
    """Text for a page or a picture: control characters spelled out, marks escaped."""
    return escape(plain(str(text)))


def cut(text: object, letters: int) -> str:
    """Text of at most so many letters, escaped.

    >>> cut("Chinstrap & co", 10)
    'Chinstrap…'
    """
    whole = plain(str(text))
    return escape(whole if len(whole) <= letters else whole[: letters - 1].rstrip() + "…")


def width_of(text: object) -> float:
    """Width of a text in a picture, a little too large rather than too small."""
    return sum(_width_of_letter(letter) for letter in plain(str(text)))


def _width_of_letter(letter: str) -> float:
    if letter in "MWmw@%<>=+~^#&—…سشصض" or ord(letter) > 0x2E7F:
        return 15.0 if ord(letter) >= 0x1F000 else 13.0 if "\u0600" < letter < "\u0700" else 11.0
    if unicodedata.combining(letter):
        return 0.0
    if letter.isupper():
        return 8.2 if letter.isascii() else 11.0
    if letter in "iljtf.,:;'|! ":
        return 3.9
    return 6.9 if letter.isascii() or "\u0590" <= letter < "\u0700" else 9.0


def cut_to(text: object, width: float) -> str:
    """Text as far as it fits, not escaped.

    >>> cut_to("Chinstrap", 100), cut_to("Chinstrap", 45), cut_to("WWWWWWWWW", 45)
    ('Chinstrap', 'Chins…', 'WWW…')
    """
    whole = plain(str(text))
    if width_of(whole) <= width:
        return whole
    while whole and width_of(whole) + 11 > width:
        whole = whole[:-1]
    return whole + "…"


def fitted(text: object, width: float) -> str:
    """What a `<text>` holds of a text as far as it fits, escaped; of one that was cut its title is the whole.

    >>> fitted("Chinstrap", 45), fitted("<b>", 100)
    ('Chins…<title>Chinstrap</title>', '&lt;b&gt;')
    """
    short = cut_to(text, width)
    return said(short) if short == plain(str(text)) else f"{said(short)}<title>{said(text)}</title>"


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high`, linear or by powers of ten; `whole` has whole numbers at its ticks."""

    words: str
    low: float
    high: float
    powers: bool = False
    whole: bool = False

    def share(self, values: Array) -> Array:
        """Where values lie, 0 to 1 along the axis; held within it."""
        low, high = self.low, self.high
        if self.powers:
            low, high, values = math.log10(low), math.log10(high), np.log10(np.maximum(values, low))
        return np.asarray(np.clip((values - low) / (high - low), 0.0, 1.0))

    def ticks(self) -> list[float]:
        """Round numbers along it."""
        if not self.powers:
            found = ticks(self.low, self.high, 5)
            return [tick for tick in found if tick == round(tick)] if self.whole else found
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        steps = (1, 2, 5) if last - first <= 2 else (1,)
        every = max(1, (last - first) // 6)
        found = [k * 10.0**e for e in range(first, last + 1, every) for k in steps]
        return [tick for tick in found if self.low <= tick <= self.high]


def axis_over(words: str, *values: Array, powers: bool = False, air: float = 0.04) -> Axis:
    """An axis that holds all values, with some air.

    >>> import numpy as np
    >>> axis = axis_over("epoch", np.array([0.0, 100.0]))
    >>> (axis.low, axis.high), axis.ticks()
    ((-4.0, 104.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0])
    """
    every = np.concatenate([np.ravel(each) for each in values])
    finite = every[np.isfinite(every)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    if powers:
        return Axis(words, low / 1.15, high * 1.15, powers=True)
    room = air * (high - low) if high > low else 0.5 * max(abs(high), 1.0)
    return Axis(words, low - room, high + room)


def tick_label(value: float) -> str:
    """A number at a tick."""
    return f"{value + 0.0:.4g}".replace("e+0", "e").replace("e-0", "e-")


@dataclass(frozen=True)
class Key:
    """A line of a legend: a hue, how it is drawn, and words."""

    hue: int
    words: str
    mark: str = "line"  #: line, point, box or plain

    @property
    def dash(self) -> str:
        """Attribute of a line in this hue."""
        dash = _DASHES[self.hue % HUES]
        return f' stroke-dasharray="{dash}"' if dash else ""


class Frame:
    """Where numbers lie in a plot, and everything around them."""

    def __init__(
        self, across: Axis, up: Axis, keys: Sequence[Key] = (), size: tuple[float, float] = (WIDTH, HEIGHT)
    ) -> None:
        self.across, self.up = across, up
        self.width, height = size
        labels = [tick_label(tick) for tick in up.ticks()]
        self.left = 26 + max(map(len, labels), default=0) * DIGIT
        self.legend, rows = _legend(keys, self.left, self.width)
        self.top = _TOP + rows * _LINE
        self.right = self.width - _RIGHT
        self.bottom = self.top + height - _TOP - _BOTTOM
        self.height = self.bottom + _BOTTOM

    def x(self, value: float) -> float:
        """Across."""
        return float(self._xs(np.array(value)))

    def y(self, value: float) -> float:
        """Down."""
        return float(self._ys(np.array(value)))

    def _xs(self, values: Array) -> Array:
        return np.round(self.left + self.across.share(values) * (self.right - self.left), 1)

    def _ys(self, values: Array) -> Array:
        return np.round(self.bottom - self.up.share(values) * (self.bottom - self.top), 1)

    def places(self, xs: Array, ys: Array) -> Array:
        """Places (m, 2) in the picture of those points that are finite."""
        there = np.isfinite(xs) & np.isfinite(ys)
        return np.stack([self._xs(xs[there]), self._ys(ys[there])], axis=1)

    def line(self, xs: Array, ys: Array, hue: int | None) -> str:
        """A line through points, without those that change nothing. A hue of None is pale."""
        points = _bends(self.places(xs, ys))
        style = 'class="pale"' if hue is None else f'class="line k{hue % HUES}"{Key(hue, "").dash}'
        return f'<polyline points="{" ".join(f"{x:g},{y:g}" for x, y in points)}" {style}/>'

    def points(self, xs: Array, ys: Array, hue: int, style: str = "cloud") -> str:
        """A cloud of points, or a few large "dots"."""
        drawn = "".join(f"M{x:g} {y:g}h0" for x, y in self.places(xs, ys))
        return f'<path d="{drawn}" class="{style} k{hue}"/>'

    def picture(self, pieces: Iterable[str], what: str) -> str:
        """The whole plot."""
        return svg(self.width, self.height, [*self.around(), *pieces], what)

    def around(self) -> Iterable[str]:
        """Legend, grid and axes."""
        yield from self.legend
        yield from self._axes()

    def _axes(self) -> Iterable[str]:
        for tick in self.up.ticks():
            y = self.y(tick)
            yield f'<path d="M{self.left:g} {y:g}H{self.right}" class="grid"/>'
            yield f'<text x="{self.left - 5:g}" y="{y + 4:g}" text-anchor="end">{tick_label(tick)}</text>'
        free = -math.inf
        for tick in self.across.ticks():
            x, half = self.x(tick), len(tick_label(tick)) * DIGIT / 2
            if x - half < free or x + half > self.width:
                continue
            free = x + half + 4
            yield f'<path d="M{x:g} {self.bottom:g}v4" class="axis"/>'
            yield f'<text x="{x:g}" y="{self.bottom + 16:g}" text-anchor="middle">{tick_label(tick)}</text>'
        yield f'<path d="M{self.left:g} {self.top:g}V{self.bottom:g}H{self.right}" class="axis"/>'
        middle = (self.left + self.right) / 2
        foot, wide = self.bottom + 33, 2 * min(middle, self.width - middle) - 8
        words = fitted(self.across.words, wide)
        yield f'<text x="{middle:g}" y="{foot:g}" text-anchor="middle">{words}</text>'
        half = (self.top + self.bottom) / 2
        turned = f'text-anchor="middle" transform="rotate(-90 12 {half:g})"'
        words = fitted(self.up.words, 2 * min(half, self.height - half) - 8)
        yield f'<text x="12" y="{half:g}" {turned}>{words}</text>'


def _bends(places: Array) -> Array:
    """Places (m, 2) without those closer than half a unit to the one before, but for the last."""
    steps = np.floor(places * 2)
    kept = np.ones(len(places), dtype=np.bool_)
    kept[1:-1] = (steps[1:-1] != steps[:-2]).any(axis=1)
    places = places[kept]
    straight = np.zeros(len(places), dtype=np.bool_)  # on the way along or up, as the one before and after
    before, after = places[1:-1] - places[:-2], places[2:] - places[1:-1]
    straight[1:-1] = ((before == 0) & (after == 0)).any(axis=1) & ((before * after) >= 0).all(axis=1)
    return places[~straight]


def svg(width: float, height: float, pieces: Iterable[str], what: str) -> str:
    """A picture, and what it shows in words."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{said(what)}" class="plot" style="--w:{width:g}">\n' + "\n".join(pieces) + "\n</svg>"
    )


def _legend(keys: Sequence[Key], left: float, width: float) -> tuple[list[str], int]:
    """Entries in rows from the left, and how many rows."""
    found, x, row = [], left, 0
    for key in keys:
        room = width - left - 26
        wide = 26 + width_of(cut_to(key.words, room)) + 8
        if x > left and x + wide > width + 8:
            x, row = left, row + 1
        y = _TOP + row * _LINE
        hue = f"k{key.hue % HUES}"
        found.append(
            {
                "line": f'<path d="M{x:g} {y - 2}h20" class="line {hue}"{key.dash}/>',
                "pale": f'<path d="M{x:g} {y - 2}h20" class="pale"/>',
                "point": f'<path d="M{x + 10:g} {y - 2}h0" class="dots {hue}"/>',
                "box": f'<rect x="{x + 4:g}" y="{y - 8}" width="14" height="10" class="fill {hue}"/>',
                "plain": f'<path d="M{x:g} {y - 2}h20" class="ideal"/>',
            }[key.mark]
            + f'<text x="{x + 25:g}" y="{y + 2}">{fitted(key.words, room)}</text>'
        )
        x += wide
    return found, row + 1 if keys else 0
