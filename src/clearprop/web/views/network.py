"""The network of a run: drawn in one of its views, and as a table."""

from __future__ import annotations

import re

import numpy as np

from clearprop.glassbox.whole_pass import WholePass
from clearprop.web.bench.dataset import Dataset
from clearprop.web.bench.settings import MOST_LAYERS, MOST_UNITS, Settings
from clearprop.web.drawings import network_drawing
from clearprop.web.drawings.layer_controls import Editing
from clearprop.web.drawings.numbers import View
from clearprop.web.rooms.rendering import rendered

ACROSS = 365.0  #: the page's middle


def network_view(data: Dataset, seen: WholePass, view: View, settings: Settings) -> str:
    """The network with its weights, or the activations or gradients of the picked row.

    What stands for a number carries `data-of`: pressed, it is derived. Layers that are those of the settings
    have controls above them; a lesson may have written others down.

    Examples
    --------
    >>> from clearprop.glassbox.trace import trace
    >>> from clearprop.web.bench.sets import generated_set
    >>> data = generated_set("moons")
    >>> net, row = Settings().network(data), data.example(1)
    >>> drawn = network_view(data, trace(net, net.initialize(), row.X, row.Y), "weights", Settings())
    >>> 'data-of="W[1][2,0]"' in drawn
    True
    """
    set_so = [each.units for each in settings.layers] == [each.units for each in seen.network.layers[:-1]]
    editing = Editing(MOST_UNITS, MOST_LAYERS) if set_so else None
    drawn = named_network(data, seen, view, across=ACROSS, editing=editing)
    return re.sub(r'data-quantity="([^"]*)"', r'data-quantity="\1" data-of="\1"', drawn)


def named_network(
    data: Dataset,
    seen: WholePass,
    view: View,
    across: float | None = None,
    editing: Editing | None = None,
) -> str:
    """The drawing of a network whose inputs and outputs have the data's names."""
    units = seen.network.output.units
    outputs = next((names for names in (data.classes, data.targets) if len(names) == units), ())
    return network_drawing(
        seen.network,
        seen.theta,
        view=view,
        seen=seen,
        inputs=data.features,
        outputs=outputs,
        across=across,
        editing=editing,
    )


def layers_table(seen: WholePass) -> str:
    """Each layer, its units and parameters, and how large its numbers are."""
    rows = []
    for l, layer in enumerate(seen.network.layers, start=1):
        W, b = seen.theta.W[l], seen.theta.b[l]
        with np.errstate(all="ignore"):
            size, slope = np.abs(W).mean(), np.linalg.norm(seen.dW[l])
            mean = seen.a[l].mean()
        rows.append((l, layer, W.size + (0 if b is None else b.size), size, mean, slope))
    return rendered("layers.html", rows=rows)
