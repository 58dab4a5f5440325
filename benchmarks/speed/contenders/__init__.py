"""Who trains: a file for each library, loaded when its turn comes.

Every contender is a `Trainer` made by `Class(case, threads, X, Y)`; one that cannot take a case raises
`CannotRunError` with the reason.
"""

from __future__ import annotations

import importlib
from typing import Protocol

import numpy.typing as npt
from benchmarks.speed.networks import Array, Case, Weights

RATE = 1e-3  #: everyone's learning rate


class CannotRunError(Exception):
    """A contender has nothing to say about a case; the message is the reason."""


class Trainer(Protocol):
    """A network under training."""

    def start(self, weights: Weights) -> None:
        """Begin anew from these weights with a fresh optimizer; what was compiled stays."""

    def epoch(self) -> None:
        """Take `case.steps` steps, finished when it returns."""

    def classes(self, X: Array) -> npt.NDArray:
        """Predicted class indices (m,) of X (m, n_0)."""


_PLACES = {
    "clearprop": "ours:Engine",
    "PyTorch": "torch_:Eager",
    "torch.compile": "torch_:Compiled",
    "scikit-learn": "sklearn_:Sklearn",
    "JAX step": "jax_:Step",
    "JAX scan": "jax_:Scan",
    "products, NumPy": "products:NumPyProducts",
    "products, PyTorch": "products:TorchProducts",
}
OURS = "clearprop"
PEERS = ("PyTorch", "torch.compile", "scikit-learn", "JAX step", "JAX scan")
PRODUCTS = ("products, NumPy", "products, PyTorch")


def trainer(name: str, case: Case, threads: int, X: Array, Y: npt.NDArray) -> Trainer:
    """Contender of that name on a case.

    Raises
    ------
    CannotRunError
        Where it cannot take the case.
    """
    module, _, made = _PLACES[name].partition(":")
    return getattr(importlib.import_module(f"{__name__}.{module}"), made)(case, threads, X, Y)
