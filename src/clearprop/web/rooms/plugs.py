"""Where drawings are plugged in: a name, and what draws it from a scene.

The page names the drawings it shows, so what nobody looks at costs nothing. A drawing is a pure function of
the scene and gives a piece of HTML or SVG: everything escaped, no scripts, and no `style` attributes, which
the page's policy forbids (classes, and rules in `static/drawings.css`, instead). The page puts it wherever
an element says `data-drawing="name"`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clearprop.glassbox.trace import Trace, trace
from clearprop.report.charts import learning_curves
from clearprop.report.frame import WIDTH
from clearprop.specification import Network, Parameters
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.dataset import Dataset, Example
from clearprop.web.bench.pace import Moment
from clearprop.web.rooms.rendering import rendered

MOST_POINTS = 300  #: of a curve


@dataclass(frozen=True)
class Scene:
    """What a drawing may look at: the data, the network, a moment of its run, and the row that was picked.

    Attributes
    ----------
    number : int
        The picked row, by its number in the source.
    example : Example
        The same, as it was typed in by hand if it was.
    """

    data: Dataset
    network: Network
    moment: Moment
    number: int
    example: Example

    @classmethod
    def of(cls, bench: Bench, number: int | None = None) -> Scene:
        """The scene on a bench, now; the first row to train on is picked, if none is said."""
        data, network, pace = bench.standing()
        picked = bench.example(data.first if number is None else number)
        return cls(data, network, pace.look(), picked.number, picked)

    @cached_property
    def theta(self) -> Parameters:
        """The parameters, as W[l] and b[l]."""
        return Parameters(self.network, self.moment.theta)

    @cached_property
    def trace(self) -> Trace:
        """Every number of the network for the picked row."""
        return trace(self.network, self.theta, self.example.X, self.example.Y)


def curves(scene: Scene) -> str:
    """Loss over the epochs, some hundred points of it."""
    moment = scene.moment
    if not moment.epoch:
        return '<p class="soft">No epoch yet.</p>'
    places = np.unique(np.linspace(0, moment.epoch - 1, MOST_POINTS).astype(int)).tolist()
    epochs, loss, held = (
        [moment.history[name][k] for k in places] for name in ("epoch", "loss", "validation_loss")
    )
    return learning_curves(epochs, loss, held).replace(f' style="--w:{WIDTH:g}"', "")


def layers(scene: Scene) -> str:
    """The network as a table, until it is drawn: each layer, its units, and how large its numbers are."""
    seen, rows = scene.trace, []
    for l, layer in enumerate(scene.network.layers, start=1):
        size, slope = np.abs(scene.theta.W[l]).mean(), np.linalg.norm(seen.dW[l])
        rows.append((l, layer, size, seen.a[l].mean(), slope))
    return rendered("layers.html", rows=rows)


#: name -> what draws it
DRAWINGS: Mapping[str, Callable[[Scene], str]] = {
    "network": layers,
    "curves": curves,
}


def drawn(scene: Scene, names: list[str]) -> dict[str, str]:
    """The drawings of these names; unknown ones are passed over."""
    return {name: DRAWINGS[name](scene) for name in names if name in DRAWINGS}
