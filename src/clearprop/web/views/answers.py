"""What the network answers: over two inputs a surface, over one a curve, to classes a table of confusions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clearprop.arrays import Array, BoolArray, IntArray
from clearprop.metrics import confusion, decide, threshold
from clearprop.specification import Network, Parameters
from clearprop.web.bench.dataset import Dataset, Example, Part
from clearprop.web.drawings import (
    Picture,
    Points,
    Surface,
    confusion_table,
    decision_surface,
    fitted_curve,
    picture_tiles,
)
from clearprop.web.rooms.rendering import rendered
from clearprop.web.views.rows import answers, judged

GRID = 44  #: points a side of a surface
CURVE = 240  #: points of a curve
AIR = 0.08  #: around the data, of their range
TILES = 24  #: mistaken rows that are shown


def landscape(data: Dataset, network: Network, theta: Parameters, example: Example | None = None) -> str:
    """Surface or curve, with the rows to train on and those held out; nothing for more inputs.

    The page types in the point that is pressed (`static/views.js`); an example that was typed in is marked.

    Examples
    --------
    >>> from clearprop.web.bench.sets import generated_set
    >>> from clearprop.web.bench.settings import Settings
    >>> data = generated_set("sine")
    >>> net = Settings().network(data)
    >>> landscape(data, net, net.initialize()).count("<polyline")
    1
    """
    if network.inputs not in (1, 2):
        return ""
    draw, fields = (_surface, "x[0] and x[1]") if network.inputs == 2 else (_curve, "x[0]")
    picked = example.X[0] if example is not None and example.by_hand else None
    return (
        f"{draw(data, network, theta, picked)}\n"
        '<p class="soft">Press a point of the data to pick its row, or the ground beside it to type that '
        f"place in as the picked row&#39;s inputs; by keys, type it into {fields} of the glass box.</p>"
    )


def has_landscape(data: Dataset, network: Network) -> bool:
    """Whether inputs are few enough, and the answer a single number or classes."""
    return network.inputs in (1, 2) and (network.output.units == 1 or (data.task == "classes"))


def _surface(data: Dataset, network: Network, theta: Parameters, picked: Array | None) -> str:
    every = _together(data)
    xs, ys = (_over(every.X[:, i], GRID) for i in (0, 1))
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    found = answers(network, theta, grid).reshape(len(ys), len(xs), -1)
    classes, names = _kinds(data, every)
    values = found if data.classes and found.shape[2] > 1 else found[..., 0]
    middle, reach = _middle(data, network)
    points = Points(every.X[:, 0], every.X[:, 1], classes, _held(data), every.numbers)
    first, second = (_called(data, i) for i in (0, 1))
    return decision_surface(
        Surface(xs, ys, values, middle, reach),
        points,
        names=(first, second),
        classes=names,
        picked=None if picked is None else (float(picked[0]), float(picked[1])),
    )


def _curve(data: Dataset, network: Network, theta: Parameters, picked: Array | None) -> str:
    every = _together(data)
    xs = _over(every.X[:, 0], CURVE)
    found = answers(network, theta, xs[:, None])
    wanted, shown = every.Y.astype(np.float64), found[:, 0]
    if data.classes and found.shape[1] > 1:
        shown = found.argmax(axis=1).astype(np.float64)
    name = f"{data.targets[0]}: {' / '.join(data.classes)}" if data.classes else data.targets[0]
    points = Points(every.X[:, 0], wanted.reshape(len(every), -1)[:, 0], None, _held(data), every.numbers)
    at = None if picked is None else float(picked[0])
    return fitted_curve(xs, shown, points, names=(_called(data, 0), name), picked=at)


def _together(data: Dataset) -> Part:
    """All rows, those to train on first."""
    parts = data.parts
    X, Y, numbers = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("X", "Y", "numbers")
    )
    return Part(X, Y, numbers)


def _held(data: Dataset) -> BoolArray:
    return np.concatenate([np.full(len(part), k > 0, np.bool_) for k, part in enumerate(data.parts)])


def _over(values: Array, count: int) -> Array:
    """Points from below the least value to above the largest."""
    low, high = float(values.min()), float(values.max())
    air = AIR * (high - low) or 1.0
    return np.linspace(low - air, high + air, count)


def _called(data: Dataset, i: int) -> str:
    """An input's name; those of a table are drawn as the network reads them."""
    return data.features[i] if data.plan is None else f"{data.features[i]}, encoded"


def _middle(data: Dataset, network: Network) -> tuple[float, float | None]:
    """Where a single answer's colour changes, and how far from there it is full."""
    if data.classes:
        middle = threshold(network.loss)
        return middle, 0.5 if middle else 1.0
    wanted = data.training.Y[:, 0]
    return float(wanted.mean()), float(np.abs(wanted - wanted.mean()).max()) or 1.0


def _kinds(data: Dataset, every: Part) -> tuple[IntArray, Sequence[str]]:
    """Class of each row, and their names; numbers are below the mean or above."""
    if data.classes:
        return every.Y.astype(np.int64).ravel(), data.classes
    mean = float(data.training.Y[:, 0].mean())
    return (every.Y[:, 0] > mean).astype(np.int64), (f"up to {mean:.3g}", f"above {mean:.3g}")


def confused(data: Dataset, network: Network, theta: Parameters) -> str:
    """Confusion of the held-out rows, or of those trained on where none are held out."""
    part, called = judged(data)
    true, said = part.Y.astype(np.int64).ravel(), decide(network.loss, answers(network, theta, part.X))
    head = f'<p class="soft">The {len(part):,} {called} rows.</p>'
    return head + confusion_table(confusion(true, said, len(data.classes)), data.classes)


def mistaken(data: Dataset, network: Network, theta: Parameters) -> str:
    """Rows that are answered wrong, the surest first: their pictures, or a table of them."""
    part, called = judged(data)
    y_hat = answers(network, theta, part.X)
    true, said = part.Y.astype(np.int64).ravel(), decide(network.loss, y_hat)
    sure = _sureness(network, y_hat, said)
    wrong = np.flatnonzero(true != said)
    order = wrong if sure is None else wrong[np.argsort(-np.nan_to_num(sure[wrong]), kind="stable")]
    shown = order[:TILES]
    head = f"{len(wrong):,} of {len(part):,} {called} rows are answered wrong"
    head += f"; the {len(shown)} surest:" if len(shown) < len(wrong) else "."
    rows = [
        (
            int(part.numbers[k]),
            data.classes[true[k]],
            data.classes[said[k]],
            None if sure is None else float(sure[k]),
        )
        for k in shown.tolist()
    ]
    if data.picture is None or not rows:
        return rendered("mistaken.html", head=head, rows=rows)
    pixels = pixels_of(data, part.numbers[shown]).reshape(-1, *data.picture)
    tiles = [
        Picture(seen, truth, answer, row, p)
        for seen, (row, truth, answer, p) in zip(pixels, rows, strict=True)
    ]
    return f'<p class="soft">{head}</p>{picture_tiles(tiles)}'


def _at(sure: Array | None, k: int) -> float | None:
    return None if sure is None else float(sure[k])


def _sureness(network: Network, y_hat: Array, said: IntArray) -> Array | None:
    """Probability of each answer, where the outputs are probabilities."""
    if network.loss.link not in ("softmax", "sigmoid"):
        return None
    if y_hat.shape[1] == 1:
        return np.where(said == 1, y_hat[:, 0], 1 - y_hat[:, 0])
    return np.take_along_axis(y_hat, said[:, None], axis=1)[:, 0]


def pixels_of(data: Dataset, numbers: IntArray) -> Array:
    """Cells of rows (m, n_0) as the table has them, before they were encoded."""
    found = np.zeros((len(numbers), len(data.features)))
    plan = data.plan
    assert plan is not None  # noqa: S101 - pictures are tables
    for table in (plan.training, *(() if plan.test is None else (plan.test,))):
        order = np.argsort(table.row_numbers, kind="stable")
        at = np.clip(np.searchsorted(table.row_numbers[order], numbers), 0, len(order) - 1)
        places = order[at]
        there = table.row_numbers[places] == numbers
        for i, name in enumerate(data.features):
            found[there, i] = table.column(name).values[places[there]]
    return found
