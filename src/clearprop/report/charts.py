"""The report's pictures: learning curves, ROC, calibration, residuals, importance, confusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.report.curves import Reliability
from clearprop.report.frame import WIDTH, Axis, Frame, Key, axis_over, cut_to, said, svg, tick_label, width_of
from clearprop.report.importance import Importance
from clearprop.table_model.baselines import METRICS
from clearprop.words import plain

MOST_NAMED = 6  #: curves with a colour and a name of their own
MOST_PALE = 40  #: curves behind them
MOST_POINTS = 1000  #: points of a cloud
MOST_COLUMNS = 15  #: bars of importance
LONGEST_LABEL = 125.0  #: width of a name beside a picture
MOST_NUMBERED = 12  #: classes whose confusion is written in numbers
UNLIKE = 20.0  #: losses this many times apart are drawn by powers of ten


def learning_curves(epochs: Sequence[int], loss: Sequence[float], validation: Sequence[float | None]) -> str:
    """Loss over the epochs, of training and of the rows held out from it for validation."""
    x = np.asarray(epochs, dtype=np.float64)
    train = np.asarray(loss, dtype=np.float64)
    held = np.array([np.nan if value is None else value for value in validation], dtype=np.float64)
    seen = np.concatenate([train, held])
    seen = seen[np.isfinite(seen)]
    powers = bool(len(seen) and seen.min() > 0 and seen.max() > UNLIKE * seen.min())
    judged = bool(np.isfinite(held).any())
    keys = [Key(0, "training"), *([Key(1, "validation")] if judged else [])]
    epoch = replace(axis_over("epoch", x, air=0.0), whole=True)
    frame = Frame(epoch, axis_over("loss", seen, powers=powers), keys)
    pieces = [frame.line(x, train, 0)]
    if len(x) == 1:
        pieces.append(frame.points(x, train, 0, "dots"))
    if judged:
        best = int(np.nanargmin(held))
        pieces.append(frame.line(x, held, 1))
        pieces.append(
            f'<path d="M{frame.x(x[best])} {frame.y(held[best])}h0" class="dots k1"><title>best: epoch '
            f"{epochs[best]}, {held[best]:.4g}</title></path>"
        )
    return frame.picture(pieces, "The loss over the epochs")


def curves(
    named: Sequence[tuple[str, Array, Array]],
    pale: Sequence[tuple[Array, Array]],
    words: tuple[str, str],
    *,
    diagonal: bool = False,
) -> str:
    """Curves of shares against shares, some by name and others behind them."""
    keys = [Key(k, cut_to(name, 150)) for k, (name, _, _) in enumerate(named)]
    keys += [Key(0, "other classes", "pale")] if pale else []
    keys += [Key(0, "chance", "plain")] if diagonal else []
    frame = Frame(Axis(words[0], 0.0, 1.0), Axis(words[1], 0.0, 1.0), keys)
    pieces = [frame.line(x, y, None) for x, y in pale[:MOST_PALE]]
    if diagonal:
        pieces.append(f'<path d="M{frame.x(0)} {frame.y(0)}L{frame.x(1)} {frame.y(1)}" class="ideal"/>')
    pieces += [frame.line(x, y, k) for k, (_, x, y) in enumerate(named)]
    return frame.picture(pieces, f"{words[1]} against {words[0]}")


def reliability_diagram(found: Reliability, words: str) -> str:
    """What came true against the probability given, and at the foot how many rows each bin has."""
    most = int(found.counts.max())
    keys = [Key(0, "bin", "point"), Key(2, f"its rows (most: {most:,})", "box"), Key(0, "ideal", "plain")]
    frame = Frame(Axis(words, 0.0, 1.0), Axis("share that came true", 0.0, 1.0), keys)
    bins, pieces = len(found.counts), []
    for k, count in enumerate(found.counts.tolist()):
        left, right = frame.x(k / bins) + 1, frame.x((k + 1) / bins) - 1
        tall = round(0.25 * (frame.bottom - frame.top) * count / most, 1)
        pieces.append(
            f'<rect x="{left:g}" y="{frame.bottom - tall:g}" width="{right - left:g}" height="{tall:g}" '
            f'class="fill k2"><title>{count:,} rows</title></rect>'
        )
    pieces.append(f'<path d="M{frame.x(0)} {frame.y(0)}L{frame.x(1)} {frame.y(1)}" class="ideal"/>')
    there = found.counts > 0
    x, y = found.predicted[there], found.observed[there]
    pieces.append(frame.line(x, y, 0))
    pieces.append(frame.points(x, y, 0, "dots"))
    return frame.picture(pieces, "Reliability: the share that came true against the probability given")


def predicted_against_true(true: Array, predicted: Array, name: str) -> str:
    """A cloud around the diagonal."""
    both = axis_over(f"{name}, true", true, predicted)
    frame = Frame(both, Axis("predicted", both.low, both.high), [Key(0, "row", "point"), _ideal("exact")])
    ends = f"M{frame.x(both.low)} {frame.y(both.low)}L{frame.x(both.high)} {frame.y(both.high)}"
    pieces = [f'<path d="{ends}" class="ideal"/>', frame.points(true, predicted, 0)]
    return frame.picture(pieces, f"{plain(name)}: predicted against true")


def residuals_against_prediction(predicted: Array, residuals: Array) -> str:
    """A cloud around 0."""
    frame = Frame(
        axis_over("predicted", predicted),
        axis_over("residual: true - predicted", residuals, np.zeros(1)),
        [Key(0, "row", "point"), _ideal("0")],
    )
    zero = f'<path d="M{frame.left:g} {frame.y(0)}H{frame.right}" class="ideal"/>'
    return frame.picture([zero, frame.points(predicted, residuals, 0)], "Residuals against the prediction")


def residual_histogram(residuals: Array) -> str:
    """How many rows have a residual of that size."""
    finite = residuals[np.isfinite(residuals)]
    bins = int(np.clip(np.sqrt(len(finite)) * 1.5, 5, 40))
    counts, edges = np.histogram(finite, bins) if len(finite) else (np.zeros(1, np.int64), np.arange(2.0))
    frame = Frame(
        axis_over("residual: true - predicted", edges), Axis("rows", 0.0, max(1.05 * counts.max(), 1.0))
    )
    pieces = []
    for count, low, high in zip(counts.tolist(), edges[:-1], edges[1:], strict=True):
        x, y = frame.x(low), frame.y(count)
        pieces.append(
            f'<rect x="{x + 0.5:g}" y="{y:g}" width="{max(frame.x(high) - x - 1, 0.5):.1f}" '
            f'height="{frame.bottom - y:.1f}" class="fill k0"><title>{count:,} rows</title></rect>'
        )
    if edges[0] < 0 < edges[-1]:
        pieces.append(f'<path d="M{frame.x(0)} {frame.top:g}V{frame.bottom:g}" class="ideal"/>')
    return frame.picture(pieces, "Histogram of the residuals")


def importance_bars(found: Importance) -> str:
    """The most important columns: mean loss, and a whisker of one standard deviation to either side."""
    means, spreads = found.means[:MOST_COLUMNS], found.spreads[:MOST_COLUMNS]
    names = [cut_to(name, LONGEST_LABEL) for name in found.columns[:MOST_COLUMNS]]
    low, high = min(0.0, float((means - spreads).min())), max(0.0, float((means + spreads).max()))
    left = 12 + max(map(width_of, names))
    axis, row = Axis("", low, high if high > low else low + 1.0), 20
    foot = 8 + row * len(names)

    def x(value: float) -> float:
        return round(left + float(axis.share(np.array(value))) * (WIDTH - 20 - left), 1)

    pieces = []
    for tick in axis.ticks():
        pieces.append(f'<path d="M{x(tick)} 4V{foot}" class="grid"/>')
    for tick in axis.ticks()[:: 2 if max(len(tick_label(tick)) for tick in axis.ticks()) > 5 else 1]:
        pieces.append(f'<text x="{x(tick)}" y="{foot + 14}" text-anchor="middle">{tick_label(tick)}</text>')
    for k, (name, mean, spread) in enumerate(zip(names, means.tolist(), spreads.tolist(), strict=True)):
        y, (start, stop) = 8 + k * row, sorted((x(0), x(mean)))
        whole = f"{said(found.columns[k])}: {mean:.4g}, deviation {spread:.2g}"
        pieces.append(
            f'<g><title>{whole}</title><text x="{left - 6:g}" y="{y + 13}" text-anchor="end">'
            f"{said(name)}</text>"
            f'<rect x="{start}" y="{y + 3}" width="{stop - start:.1f}" height="{row - 6}" class="fill k0"/>'
            f'<path d="M{x(mean - spread)} {y + row // 2}H{x(mean + spread)}" class="axis"/></g>'
        )
    pieces.append(f'<path d="M{x(0)} 4V{foot}" class="axis"/>')
    words = f"{METRICS[found.score][0]} gets worse by"
    pieces.append(f'<text x="{(left + WIDTH) / 2:g}" y="{foot + 31}" text-anchor="middle">{words}</text>')
    return svg(WIDTH, foot + 38, pieces, "Permutation importance of the columns")


def confusion_map(table: IntArray, labels: Sequence[str]) -> str:
    """Shades by the share of the true class; the counts too, where classes are few."""
    K = len(labels)
    numbered = K <= MOST_NUMBERED
    names = [cut_to(label, LONGEST_LABEL - 20) for label in labels]
    longest = max(map(width_of, names))
    names, side = [said(name) for name in names], longest + 14
    cell = max(min((WIDTH - side - 8) / K, 56.0), 26.0 if numbered else 15.0)
    turned = longest > cell - 2
    top = 24 + (longest if turned else 14)
    pieces = [
        f'<text x="{side + K * cell / 2:g}" y="12" text-anchor="middle" class="soft">predicted</text>',
        '<text x="2" y="12" class="soft">true</text>',
    ]
    for k, name in enumerate(names):
        y = top + (k + 0.5) * cell + 4
        x = side + (k + 0.5) * cell
        pieces.append(f'<text x="{side - 6:g}" y="{y:g}" text-anchor="end">{name}</text>')
        place = f'transform="translate({x + 4:.1f} {top - 6:g}) rotate(-90)"' if turned else (
            f'x="{x:.1f}" y="{top - 6:g}" text-anchor="middle"'
        )  # fmt: skip
        pieces.append(f"<text {place}>{name}</text>")
    sums = np.maximum(table.sum(axis=1, keepdims=True), 1)
    for i, j in np.ndindex(K, K):
        count, share = int(table[i, j]), float(table[i, j] / sums[i, 0])
        if not count and not numbered:
            continue
        x, y = side + j * cell, top + i * cell
        hue = "k0" if i == j else "k1"
        title = f"<title>{names[i]} taken for {names[j]}: {count:,}</title>" if not numbered else ""
        pieces.append(
            f'<rect x="{x + 0.5:.1f}" y="{y + 0.5:.1f}" width="{cell - 1:.1f}" height="{cell - 1:.1f}" '
            f'class="fill {hue}" fill-opacity="{(0.15 if count else 0.04) + 0.5 * share:.2f}">{title}</rect>'
        )
        if numbered:
            soft = "" if count else ' class="soft"'
            place = f'x="{x + cell / 2:.1f}" y="{y + cell / 2 + 4:.1f}" text-anchor="middle"'
            pieces.append(f"<text {place}{soft}>{count}</text>")
    width, height = side + K * cell + 4, top + K * cell + 4
    pieces.append(
        f'<rect x="{side:g}" y="{top:g}" width="{K * cell:.1f}" height="{K * cell:.1f}" class="axis"/>'
    )
    return svg(max(width, 200), height, pieces, "Confusion of true and predicted classes")


def _ideal(words: str) -> Key:
    return Key(0, words, "plain")
