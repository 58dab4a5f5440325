"""Drawings of the page: pure functions from plain data to SVG or HTML text, in the page's own colours.

`stylesheet` is what they wear, `standalone` puts it into a file of its own. What can be clicked carries its
name as `data-quantity`, and rows of data `data-row`; pages drive, these only draw.
"""

from __future__ import annotations

from clearprop.web.drawings.answers import Picture, confusion_table, picture_tiles
from clearprop.web.drawings.epochs import curves_by_epoch, gradient_norms, loss_curves
from clearprop.web.drawings.histograms import LayerHistogram, activation_histograms, layer_histogram
from clearprop.web.drawings.marks import Points
from clearprop.web.drawings.network import network_drawing
from clearprop.web.drawings.style import standalone, stylesheet
from clearprop.web.drawings.surface import Surface, decision_surface, fitted_curve
from clearprop.web.drawings.unit import neighbourhood
from clearprop.web.drawings.update import Change, update_arrows

__all__ = [
    "Change",
    "LayerHistogram",
    "Picture",
    "Points",
    "Surface",
    "activation_histograms",
    "confusion_table",
    "curves_by_epoch",
    "decision_surface",
    "fitted_curve",
    "gradient_norms",
    "layer_histogram",
    "loss_curves",
    "neighbourhood",
    "network_drawing",
    "picture_tiles",
    "standalone",
    "stylesheet",
    "update_arrows",
]
