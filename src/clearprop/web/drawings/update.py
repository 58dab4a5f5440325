"""What one update does: numbers before and after it, and an arrow as long as the change."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from clearprop.glassbox.quantity import Quantity
from clearprop.report.frame import said, width_of
from clearprop.web.drawings.canvas import button, drawing, hue_of, in_words, largest, share_of, short

_ROW, _TOP, _ARROWS, _NUMBER = 26, 36, 230, 92


@dataclass(frozen=True)
class Change:
    """A number before and after an update.

    >>> Change(Quantity("C"), 0.75, 0.5).by
    -0.25
    """

    quantity: Quantity
    before: float
    after: float

    @property
    def by(self) -> float:
        """The difference."""
        with np.errstate(all="ignore"):
            return float(np.float64(self.after) - np.float64(self.before))


def update_arrows(changes: Sequence[Change]) -> str:
    """SVG of changes in rows: name, before, after, and an arrow from 0 on one scale for all.

    Arrows to the right are blue and grow, those to the left orange and dashed.

    Examples
    --------
    >>> drawn = update_arrows([Change(Quantity("C"), 0.75, 0.5), Change(Quantity("b", 1, (0,)), 0.0, 0.1)])
    >>> drawn.count('class="arrow'), 'data-quantity="b[1][0]"' in drawn
    (2, True)
    """
    most = largest(np.array([change.by for change in changes]))
    names = max([width_of(change.quantity.text) for change in changes], default=40.0)
    first, second = 20 + names + _NUMBER, 20 + names + 2 * _NUMBER
    middle = second + 72 + _ARROWS / 2
    width, height = middle + _ARROWS / 2 + 76, _TOP + max(len(changes), 1) * _ROW + 6
    pieces = [
        f'<text x="{first:g}" y="18" text-anchor="end" class="soft">before</text>',
        f'<text x="{second:g}" y="18" text-anchor="end" class="soft">after</text>',
        f'<text x="{middle:g}" y="18" text-anchor="middle" class="soft">change</text>',
        f'<path d="M{middle:g} {_TOP - 8}V{height - 6:g}" class="axis"/>',
    ]
    if not changes:
        pieces.append(f'<text x="12" y="{_TOP + 16}" class="soft">no update yet</text>')
    for k, change in enumerate(changes):
        pieces += _row(change, _TOP + k * _ROW, (12 + names, first, second, middle), most)
    told = "; ".join(
        f"{change.quantity.text} from {in_words(change.before)} to {in_words(change.after)}"
        for change in changes
    )
    return drawing(width, height, pieces, "What one update changes", told)


def _row(change: Change, y: float, places: tuple[float, float, float, float], most: float) -> Iterator[str]:
    name, label = change.quantity.text, f"from {in_words(change.before)} to {in_words(change.after)}"
    end, first, second, middle = places
    by = change.by
    long = round(share_of(by, most) * _ARROWS / 2, 1) if math.isfinite(by) else 0.0
    way, base = (-1 if by < 0 else 1), y + _ROW / 2
    tip = middle + way * long
    d = f"M{middle:g} {base:g}H{tip:g}" + (f"m{-6 * way} -5l{6 * way} 5l{-6 * way} 5" if long > 0 else "")
    anchor = "end" if way < 0 else "start"
    text = "no change" if by == 0 else _printed(by, "+.3g")
    yield (
        f"<g {button(change.quantity, f'{name} {label}')}>"
        f'<rect x="6" y="{y}" width="{middle + _ARROWS / 2 + 62:g}" height="{_ROW - 2}" '
        f'class="row"/><text x="{end:g}" y="{base + 4:g}" text-anchor="end">{said(name)}</text>'
        f'<text x="{first:g}" y="{base + 4:g}" text-anchor="end">{_printed(change.before)}</text>'
        f'<text x="{second:g}" y="{base + 4:g}" text-anchor="end" class="strong">'
        f"{_printed(change.after)}</text>"
        f'<path d="{d}" class="arrow {hue_of(by)}"/>'
        f'<text x="{tip + 6 * way:g}" y="{base + 4:g}" text-anchor="{anchor}">{text}</text></g>'
    )


def _printed(value: float, form: str = ".6g") -> str:
    """A number in a column."""
    return f"{value + 0.0:{form}}".replace("-", "−") if math.isfinite(value) else short(value)
