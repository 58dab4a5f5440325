"""Where drawings are plugged in: a name, and what draws it from a scene.

The page names the drawings it shows, so what nobody looks at costs nothing. A drawing is a pure function of
the scene and gives a piece of HTML or SVG: everything escaped, no scripts, and no `style` attributes, which
the page's policy forbids (classes, and rules in `web/drawings/style.py`, instead). The page puts it wherever
an element says `data-drawing="name"`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clearprop.glassbox.trace import Trace, trace
from clearprop.glassbox.whole_pass import WholePass, whole_pass
from clearprop.specification import Network, Parameters
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.coming import Coming
from clearprop.web.bench.dataset import Dataset, Example
from clearprop.web.bench.pace import Moment
from clearprop.web.bench.settings import Settings
from clearprop.web.views.answers import confused, has_landscape, landscape, mistaken
from clearprop.web.views.findings import diagnosis
from clearprop.web.views.learning import activations, losses, norms
from clearprop.web.views.network import layers_table, network_view
from clearprop.web.views.rows import SAMPLE, some


@dataclass(frozen=True)
class Scene:
    """What a drawing may look at: the data, the network, a moment of its run, and the row that was picked.

    Attributes
    ----------
    example : Example
        The picked row, as it was typed in by hand if it was.
    drawn : bool
        Whether the first parameters were drawn, not given by a lesson or a model file.
    """

    data: Dataset
    network: Network
    moment: Moment
    example: Example
    settings: Settings
    drawn: bool = True

    @classmethod
    def of(cls, bench: Bench, number: int | None = None) -> Scene:
        """The scene on a bench, now; the first row to train on is picked, if none is said."""
        data, network, pace = bench.standing()
        picked = bench.example(data.first if number is None else number)
        return cls(data, network, pace.look(), picked, bench.settings, bench.start is None)

    @classmethod
    def poised(cls, bench: Bench, number: int) -> tuple[Scene, Coming]:
        """The scene of a row, now, and the step that the run would take next."""
        data, network, pace = bench.standing()
        moment, step = pace.poised()
        return cls(data, network, moment, bench.example(number), bench.settings), step

    @cached_property
    def theta(self) -> Parameters:
        """The parameters, as W[l] and b[l]."""
        return Parameters(self.network, self.moment.theta)

    @cached_property
    def trace(self) -> Trace:
        """Every number of the network for the picked row."""
        return trace(self.network, self.theta, self.example.X, self.example.Y)

    @cached_property
    def sample(self) -> WholePass:
        """A pass of some of the rows to train on, always the same."""
        part = some(self.data.training, SAMPLE)
        return whole_pass(self.network, self.theta, part.X, part.Y)


#: name -> what draws it
DRAWINGS: Mapping[str, Callable[[Scene], str]] = {
    "network": lambda scene: network_view(scene.data, scene.trace, "weights", scene.settings),
    "activations": lambda scene: network_view(scene.data, scene.trace, "activations", scene.settings),
    "gradients": lambda scene: network_view(scene.data, scene.trace, "gradients", scene.settings),
    "layers": lambda scene: layers_table(scene.trace),
    "curves": lambda scene: losses(scene.moment),
    "norms": lambda scene: norms(scene.moment, scene.sample),
    "histograms": lambda scene: activations(scene.sample),
    "landscape": lambda scene: landscape(scene.data, scene.network, scene.theta, scene.example),
    "confusion": lambda scene: confused(scene.data, scene.network, scene.theta),
    "mistakes": lambda scene: mistaken(scene.data, scene.network, scene.theta),
    "diagnosis": lambda scene: diagnosis(
        scene.data, scene.network, scene.moment, scene.settings, drawn=scene.drawn
    ),
}

#: name -> whether there is such a drawing of these data; any other one always is
APPLIES: Mapping[str, Callable[[Dataset, Network], bool]] = {
    "landscape": has_landscape,
    "confusion": lambda data, network: data.task == "classes",
    "mistakes": lambda data, network: data.task == "classes",
}


def applying(data: Dataset, network: Network) -> list[str]:
    """Names of the drawings that there are of these data."""
    return [name for name in DRAWINGS if name not in APPLIES or APPLIES[name](data, network)]


def known(names: list[str]) -> list[str]:
    """Each name once, unknown ones left out."""
    return [name for name in dict.fromkeys(names) if name in DRAWINGS]


def drawn(scene: Scene, names: list[str]) -> dict[str, str]:
    """The drawings of these names; unknown ones, and those that do not apply, are passed over."""
    there = set(applying(scene.data, scene.network))
    with np.errstate(all="ignore"):  # a network that diverged is drawn as it is
        return {name: DRAWINGS[name](scene) for name in names if name in there}
