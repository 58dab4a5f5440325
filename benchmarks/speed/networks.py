"""What is trained: the networks, their rows of noise, and their first weights, the same for everyone."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]
Weights = list[tuple[Array, Array]]  #: (W[l] (n_l, n_{l-1}), b[l] (n_l,)) of each layer, float64

LONG = 4e9  #: operations of a call in which full-batch steps are gathered, at most


@dataclass(frozen=True)
class Case:
    """A network with all that decides the speed of a step.

    Attributes
    ----------
    widths : n_0 to n_L
    batch, rows : int
        A batch of all rows is taken as it is: nobody gathers or shuffles.
    hidden : {"relu", "tanh"}
    classes : bool
        Softmax and cross-entropy; else identity and squared error.
    dtype : {"float32", "float64"}
    optimizer : {"adam", "sgd"}
    """

    name: str
    widths: tuple[int, ...]
    batch: int
    rows: int = 4096
    hidden: str = "relu"
    classes: bool = True
    dtype: str = "float32"
    optimizer: str = "adam"

    def __post_init__(self) -> None:
        if self.rows % self.batch:
            raise ValueError(
                f"{self.rows} rows are not whole batches of {self.batch}: libraries would differ"
            )

    @property
    def full(self) -> bool:
        """Whether a batch is all rows."""
        return self.batch == self.rows

    @property
    def flops(self) -> float:
        """Operations of a step's matrix products: three a layer, two in the first."""
        products = [
            2.0 * self.batch * fan_in * fan_out for fan_in, fan_out in itertools.pairwise(self.widths)
        ]
        return 3 * sum(products) - products[0]

    @property
    def epochs(self) -> int:
        """Epochs of a call: several where an epoch is a single short step, so that a call costs nothing."""
        return max(1, min(16, int(LONG / self.flops))) if self.full else 1

    @property
    def steps(self) -> int:
        """Steps of a call."""
        return self.epochs * (self.rows // self.batch)

    @property
    def key(self) -> str:
        """Name among the results."""
        widths = "-".join(str(width) for width in self.widths)
        return f"train {self.name} {widths} batch {self.batch} rows {self.rows} {self.dtype} {self.optimizer}"


NETWORKS = {
    case.name: case
    for case in (
        Case("S", (10, 32, 2), 32),
        Case("M", (64, 128, 128, 10), 128),
        Case("D", (30, 64, 64, 64, 64, 64, 64, 2), 64),
        Case("L", (784, 512, 512, 10), 256),
        Case("XL", (784, 2048, 2048, 10), 512, rows=2048),
        Case("T", (4, 32, 16, 4), 10_000, rows=10_000, hidden="tanh", classes=False),
    )
}


def noise(case: Case) -> tuple[Array, npt.NDArray]:
    """Inputs X (rows, n_0), and class indices (rows,) or numbers Y (rows, n_L), which nobody can learn."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((case.rows, case.widths[0])).astype(case.dtype)
    if case.classes:
        return X, generator.integers(0, case.widths[-1], case.rows)
    return X, generator.standard_normal((case.rows, case.widths[-1])).astype(case.dtype)


def first_weights(case: Case, seed: int = 0) -> Weights:
    """He's normal weights and zero biases."""
    generator = np.random.default_rng(seed)
    return [
        (generator.standard_normal((fan_out, fan_in)) * np.sqrt(2 / fan_in), np.zeros(fan_out))
        for fan_in, fan_out in itertools.pairwise(case.widths)
    ]
