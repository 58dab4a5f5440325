"""The loss along one parameter as a picture: curve, tangent, kinks, saturated stretches; SVG.

Lines and words take the page's own colour, so the picture serves on paper and in the dark; what is told by
colour is told by a dash or a word, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from html import escape

import numpy as np

from clearprop.arrays import Array
from clearprop.glassbox.along import Along, Crossing, Stretch

_BLUE, _ORANGE = "#3b82f6", "#ea580c"
_WIDTH, _LEFT, _RIGHT, _TOP, _PLOT = 720, 76, 20, 30, 280
_ROWS, _ROW = 3, 15  #: rows of kinks' names above the plot
_LANES, _LANE = 6, 18  #: lanes of stretches below it
DRAWN = 40  #: kinks, those nearest to the present value
_LETTER = 6.3  #: width of a letter


def as_curve(along: Along) -> str:
    """Picture of a loss along a parameter."""
    frame = _Frame(along)
    pieces = [
        *frame.stretches(along.stretches),
        *frame.axes(along.name),
        *frame.kinks(),
        frame.curve(along.values, along.losses),
        *frame.tangent(along),
    ]
    label = escape(f"The loss C along {along.name}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {frame.height}" width="{_WIDTH}" '
        f'height="{frame.height}" role="img" aria-label="{label}" font-family="system-ui, sans-serif" '
        'font-size="12" fill="currentColor">\n' + "\n".join(pieces) + "\n</svg>"
    )


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers from low to high.

    >>> ticks(-1.2, 2.3)
    [-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0]
    """
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * k for k in (1, 2, 5, 10) if power * k >= raw * 0.85)
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


class _Frame:
    """Where numbers lie in the picture."""

    def __init__(self, along: Along) -> None:
        self.x0, self.x1 = float(along.values[0]), float(along.values[-1])
        finite = along.losses[np.isfinite(along.losses)]
        low, high = float(finite.min()), float(finite.max())
        room = 0.06 * (high - low) or max(abs(low), 1.0)
        self.y0, self.y1 = low - room, high + room
        self.labels = list(self._labels(along))
        rows = max((row + 1 for _, row, _ in self.labels if row is not None), default=0)
        self.top = _TOP + rows * _ROW
        self.bottom = self.top + _PLOT
        lanes = len({stretch.unit for stretch in along.stretches})
        self.lanes = min(lanes, _LANES)
        self.height = self.bottom + 44 + self.lanes * _LANE + (_LANE if lanes > _LANES else 0)

    def x(self, value: float) -> float:
        """Across."""
        return round(_LEFT + (value - self.x0) / (self.x1 - self.x0) * (_WIDTH - _LEFT - _RIGHT), 2)

    def y(self, loss: float) -> float:
        """Down."""
        return round(self.bottom - (loss - self.y0) / (self.y1 - self.y0) * _PLOT, 2)

    def axes(self, name: str) -> Iterator[str]:
        """Frame, ticks and the names of the axes."""
        right = _WIDTH - _RIGHT
        yield (
            f'<path d="M{_LEFT} {self.top}V{self.bottom}H{right}" fill="none" stroke="currentColor" '
            'stroke-opacity="0.7"/>'
        )
        for value in ticks(self.x0, self.x1):
            x = self.x(value)
            yield f'<line x1="{x}" y1="{self.bottom}" x2="{x}" y2="{self.bottom + 5}" stroke="currentColor"/>'
            yield f'<text x="{x}" y="{self.bottom + 18}" text-anchor="middle">{value + 0.0:.6g}</text>'
        for loss in ticks(self.y0, self.y1, 5):
            y = self.y(loss)
            yield (
                f'<line x1="{_LEFT - 5}" y1="{y}" x2="{right}" y2="{y}" stroke="currentColor" '
                'stroke-opacity="0.15"/>'
            )
            yield f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{loss + 0.0:.6g}</text>'
        yield f'<text x="{(_LEFT + right) / 2}" y="{self.bottom + 35}" text-anchor="middle">{name}</text>'
        yield f'<text x="16" y="{(self.top + self.bottom) / 2}" font-style="italic">C</text>'

    def curve(self, values: Array, losses: Array) -> str:
        """The loss."""
        points = " ".join(
            f"{self.x(v)},{self.y(c)}" for v, c in zip(values, losses, strict=True) if np.isfinite(c)
        )
        return f'<polyline points="{points}" fill="none" stroke="{_BLUE}" stroke-width="2.2"/>'

    def tangent(self, along: Along) -> Iterator[str]:
        """The present value and the line with the gradient's slope through it, as far as the frame."""
        x, y = along.at, along.loss
        told = f"C = {y:.4g}, dC/d{along.name} = {along.slope:.4g} at {x:.4g}"
        mark = f'<tspan fill="{_ORANGE}">- - ●</tspan>'
        yield f'<text x="{_LEFT}" y="18">{mark} the tangent: {escape(told)}</text>'
        if len(along.crossings) > DRAWN:
            more = f"{len(along.crossings) - DRAWN:,} kinks farther away are not drawn"
            place = f'x="{_WIDTH - _RIGHT}" y="{self.bottom + 35}"'
            yield f'<text {place} text-anchor="end">{more}</text>'
        if not (self.x0 <= x <= self.x1 and self.y0 <= y <= self.y1):
            return
        ends = [self.x0, self.x1]
        if along.slope:
            to_frame = sorted(x + (edge - y) / along.slope for edge in (self.y0, self.y1))
            ends = [max(self.x0, to_frame[0]), min(self.x1, to_frame[1])]
        (x1, y1), (x2, y2) = ((self.x(v), self.y(y + along.slope * (v - x))) for v in ends)
        yield (
            f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{_ORANGE}" stroke-width="1.6" '
            'stroke-dasharray="7 4"/>'
        )
        yield f'<circle cx="{self.x(x)}" cy="{self.y(y)}" r="4.5" fill="{_ORANGE}"/>'

    def _labels(self, along: Along) -> Iterator[tuple[Crossing, int | None, float]]:
        """Kinks, near ones first, each with its row of names and the middle of its name."""
        taken: list[list[tuple[float, float]]] = [[] for _ in range(_ROWS)]
        for kink in sorted(along.nearest(DRAWN), key=lambda kink: abs(kink.value - along.at)):
            half = len(kink.where) * _LETTER / 2 + 3
            middle = min(max(self.x(kink.value), _LEFT + half), _WIDTH - half)
            free = (
                k
                for k, labels in enumerate(taken)
                if all(abs(middle - other) > half + width for other, width in labels)
            )
            row = next(free, None)
            if row is not None:
                taken[row].append((middle, half))
            yield kink, row, middle

    def kinks(self) -> Iterator[str]:
        """A dotted line for each kink, named where there is room."""
        for kink, row, middle in self.labels:
            x = self.x(kink.value)
            yield (
                f'<line x1="{x}" y1="{self.top}" x2="{x}" y2="{self.bottom}" stroke="currentColor" '
                f'stroke-opacity="0.6" stroke-dasharray="2 3"><title>{escape(str(kink))}</title></line>'
            )
            if row is not None:
                y = self.top - row * _ROW - 5
                yield f'<text x="{middle:.1f}" y="{y}" text-anchor="middle">{escape(kink.where)}</text>'

    def stretches(self, stretches: Iterable[Stretch]) -> Iterator[str]:
        """Shades over the plot, and below it a lane for each unit; no shade for what is so all the way."""
        by_unit: dict[str, list[Stretch]] = {}
        for stretch in stretches:
            by_unit.setdefault(stretch.unit, []).append(stretch)
        for lane, (unit, own) in enumerate(by_unit.items()):
            y = self.bottom + 44 + lane * _LANE
            if lane >= _LANES:
                more = len(by_unit) - _LANES
                yield f'<text x="{_LEFT}" y="{y + 11}">and {more} more</text>'
                return
            yield f'<text x="{_LEFT - 8}" y="{y + 11}" text-anchor="end">{unit}</text>'
            for stretch in own:
                x1, x2 = self.x(stretch.start), self.x(stretch.stop)
                width = max(x2 - x1, 1.0)
                if (stretch.start, stretch.stop) != (self.x0, self.x1):
                    yield (
                        f'<rect x="{x1}" y="{self.top}" width="{width:.2f}" height="{_PLOT}" '
                        'fill="currentColor" fill-opacity="0.07"/>'
                    )
                yield (
                    f'<rect x="{x1}" y="{y}" width="{width:.2f}" height="{_LANE - 4}" fill="currentColor" '
                    f'fill-opacity="0.18"><title>{escape(str(stretch))}</title></rect>'
                )
                if width > len(stretch.word) * _LETTER:
                    middle = (x1 + x2) / 2
                    yield f'<text x="{middle:.1f}" y="{y + 11}" text-anchor="middle">{stretch.word}</text>'
