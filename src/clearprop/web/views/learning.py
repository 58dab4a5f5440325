"""How a run learns: losses, norms of gradients by layer, activations."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.glassbox.whole_pass import WholePass, whole_pass
from clearprop.specification import Parameters
from clearprop.web.bench.keeping import Kept
from clearprop.web.bench.pace import Moment
from clearprop.web.drawings import activation_histograms, gradient_norms, layer_histogram, loss_curves

MOST_POINTS = 1000  #: of a curve
NORMS = 48  #: kept epochs whose gradients are measured
AT_ONCE = 8  #: of these in a frame, while the run goes on
LAYERS = 12  #: whose activations are drawn
_NOTHING = '<p class="soft">No epoch yet: run, or take one epoch.</p>'


def losses(moment: Moment) -> str:
    """Loss over the epochs, of training and of the rows held out."""
    if not moment.epoch:
        return _NOTHING
    places = np.unique(np.linspace(0, moment.epoch - 1, MOST_POINTS).astype(int)).tolist()
    epochs, loss, held = (
        [moment.history[name][k] for k in places] for name in ("epoch", "loss", "validation_loss")
    )
    return loss_curves(epochs, loss, held if any(value is not None for value in held) else None)


def norms(moment: Moment, sample: WholePass) -> str:
    """|dC/dW[l]| over the epochs: of those the run has kept, on the rows of the sample.

    An epoch is measured when somebody looks, and once.
    """
    kept, step = list(moment.kept), 1
    while len(kept) > NORMS:
        step *= 2
        kept = [each for each in kept if each.epoch % step == 0]
    missing = [each for each in kept if "norms" not in each.measured]
    for each in missing[::-1][: AT_ONCE if moment.status == "running" else NORMS]:
        each.measured["norms"] = _norms_of(_pass_at(each, sample))
    points = [(float(each.epoch), each.measured["norms"]) for each in kept if "norms" in each.measured]
    now = moment.epoch + moment.batch / max(moment.batches, 1)
    points = [point for point in points if point[0] < now] + [(now, _norms_of(sample))]
    return gradient_norms([epoch for epoch, _ in points], np.array([each for _, each in points]))


def _pass_at(kept: Kept, sample: WholePass) -> WholePass:
    network = sample.network
    return whole_pass(network, Parameters(network, kept.theta), sample.X, sample.Y)


def _norms_of(seen: WholePass) -> Array:
    with np.errstate(all="ignore"):
        return np.array([np.linalg.norm(seen.dW[l]) for l in range(1, seen.network.depth + 1)])


def activations(sample: WholePass) -> str:
    """Histograms of the activations of each layer over the sample; a sure output is not called saturated."""
    L = sample.network.depth
    layers = list(enumerate(sample.network.layers, start=1))
    shown = layers if len(layers) <= LAYERS else layers[: LAYERS - 1] + layers[-1:]
    found = [
        layer_histogram(
            f"layer {l}: {layer.activation.name}",
            sample.a[l],
            sample.z[l] if l < L else None,
            layer.activation,
        )
        for l, layer in shown
    ]
    return activation_histograms(found, across=2)
