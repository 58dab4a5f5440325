"""What is exported: a network; of a table also what makes inputs of columns, and answers of outputs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.errors import SpecificationError
from clearprop.specification import Network, Parameters
from clearprop.tables import Encoder, Target
from clearprop.tables.encodings import Encoding


@dataclass(frozen=True, eq=False)
class Pipeline:
    """From raw columns, or plain inputs X, to answers.

    Attributes
    ----------
    network : Network
    theta : Parameters
        float32 or float64.
    classes : tuple
        Labels in the order of the class indices, where they are known.
    encoder : Encoder or None
        None for a bare network.
    target : Target or None
    bound : float
        Encoded features are held within -bound and bound.

    Raises
    ------
    SpecificationError
        For parameters of another dtype.
    """

    network: Network
    theta: Parameters
    classes: tuple[Any, ...] = ()
    encoder: Encoder | None = None
    target: Target | None = None
    bound: float = math.inf

    def __post_init__(self) -> None:
        if self.theta.dtype not in (np.float32, np.float64):
            raise SpecificationError(
                f"a network is exported in float32 or float64, and these parameters are {self.theta.dtype}; "
                "convert them with theta.astype"
            )

    @property
    def columns(self) -> tuple[Encoding, ...]:
        """The encodings that give features, in the order of the features; none for a bare network."""
        rows = self.encoder.columns if self.encoder is not None else ()
        return tuple(row for row in rows if row.feature_names)

    @property
    def gives_classes(self) -> bool:
        """Whether a table's answers are labels."""
        return self.target is not None and self.target.task == "classes"

    @property
    def gives_probabilities(self) -> bool:
        """Whether the outputs are probabilities of labels (a hinge loss gives scores)."""
        return self.gives_classes and self.network.loss.targets != "signs"

    @property
    def standardised(self) -> bool:
        """Whether the outputs are numbers that stand in standard deviations from the mean."""
        return not self.gives_classes and self.network.loss.targets != "counts"
