"""Networks written down, not trained: Boolean functions of perceptrons, continuous functions of towers.

`boolean` and `towers` give a `Model` like any other, with what is proven about it and what was measured.
Source: note 001, representative power of multilayer networks.
"""

from __future__ import annotations

from clearprop.constructions.perceptrons import BooleanNetwork, boolean
from clearprop.constructions.picture import Towers
from clearprop.constructions.tower_networks import towers

__all__ = ["BooleanNetwork", "Towers", "boolean", "towers"]
