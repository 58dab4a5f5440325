"""Scikit-learn estimators: `mlp.py` (drop-in), `tabular.py` (raw tables), `autoencoder.py`.

Only files here import scikit-learn. Users call; nothing in the house but the command line's later verbs may.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clearprop.estimators.autoencoder import Autoencoder as Autoencoder
    from clearprop.estimators.mlp import MLPClassifier as MLPClassifier
    from clearprop.estimators.mlp import MLPRegressor as MLPRegressor
    from clearprop.estimators.tabular import TabularClassifier as TabularClassifier
    from clearprop.estimators.tabular import TabularRegressor as TabularRegressor

_HOMES = {
    "Autoencoder": "autoencoder",
    "MLPClassifier": "classifier",
    "MLPRegressor": "regressor",
    "TabularClassifier": "tabular",
    "TabularRegressor": "tabular",
}

__all__ = ["Autoencoder", "MLPClassifier", "MLPRegressor", "TabularClassifier", "TabularRegressor"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'clearprop.estimators' has no attribute {name!r}")
    return getattr(importlib.import_module(f"clearprop.estimators.{_HOMES[name]}"), name)
