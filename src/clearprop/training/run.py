"""What a training run is, as plain data: `Run`, `RunRecord`, `EpochReport`, and how it can go wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeAlias

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.engines.examples import BLOCK
from clearprop.engines.protocol import OptimizerState
from clearprop.environment import cpu_name, versions
from clearprop.errors import ClearpropError
from clearprop.glassbox.certificate import Certificate
from clearprop.specification import Network, Parameters
from clearprop.training.validation import TrainingData

Stopped: TypeAlias = Literal[
    "epochs",
    "patience",
    "tolerance",
    "gradient norm",
    "time budget",
    "callback",
    "interrupted",
    "diverged",
]

#: one list for each, with one entry an epoch; None where there was nothing to measure
HISTORY = ("epoch", "loss", "validation_loss", "validation_metric", "learning_rate", "seconds")

History: TypeAlias = dict[str, list[Any]]


@dataclass(frozen=True)
class EpochReport:
    """What a callback is told at the end of an epoch.

    Attributes
    ----------
    epoch, epochs : int
        This epoch, from 1, of so many.
    loss : float
        Mean loss of the epoch's batches as they were trained, plus the penalties at its end.
    validation_loss, validation_metric : float or None
        On the held-out rows; the loss without penalties.
    learning_rate : float or None
        Of the epoch's last step; None for L-BFGS, which has none.
    gradient_norm : float or None
        Norm of dC/dtheta over the training data, if `stop_gradient_norm` asked for it.
    seconds : float
        Since training began.
    theta : Parameters
        A copy that cannot be written to.
    sample : TrainingData
        A few hundred rows, the same in every epoch: `.training` as trained on and `.held_out` (or None).
    """

    epoch: int
    epochs: int
    loss: float
    validation_loss: float | None
    validation_metric: float | None
    learning_rate: float | None
    gradient_norm: float | None
    seconds: float
    theta: Parameters = field(repr=False)
    sample: TrainingData = field(repr=False)


@dataclass(frozen=True)
class RunRecord:
    """The settings of a run, and what computed it: enough to compute it again from the same data.

    `rows` counts the rows trained on, `held_out` those judged; `steps` the updates taken. `data` is the
    digest of the training examples as they were trained on; `digests` are those of the parameters, at first
    and after each epoch: what a replay is held against. `shards` are those whose gradients met in a tree.
    """

    seed: int
    batch_size: int
    epochs: int
    shuffle: bool
    engine: str
    dtype: str
    optimizer: Mapping[str, Any]
    rows: int
    held_out: int
    validation_fraction: float | None
    weighted: bool
    class_weight: Mapping[str, float] | str | None
    label_smoothing: float
    initial_given: bool
    steps: int = 0
    data: str = ""
    digests: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=lambda: dict(versions()))
    cpu: str = field(default_factory=cpu_name)
    shards: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON types); one shard goes without saying, as before there were any."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        if self.shards == 1:
            del plain["shards"]
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> RunRecord:
        """Record from the plain data of `to_dict`; TypeError when a piece is missing or unknown."""
        return cls(**plain)


@dataclass
class Run:
    """The outcome of training, as plain data.

    Attributes
    ----------
    network : Network
    theta : Parameters
        Of `best_epoch` where there were held-out rows, else the last.
    history : dict of lists
        "epoch" (from 1), "loss", "validation_loss", "validation_metric", "learning_rate", "seconds" (since
        the start): one entry a full epoch, None where there was nothing to measure.
    stopped : str
        "epochs", "patience", "tolerance", "gradient norm", "time budget", "callback", "interrupted", or,
        in the run that `TrainingDiverged` carries, "diverged".
    best_epoch : int
        Epoch with the best of what was monitored; 0 when no epoch was finished.
    seconds : float
    record : RunRecord
    state : OptimizerState
        What the optimizer remembers at the end.
    sample : TrainingData
        A few hundred of the rows, for looking at the network afterwards.
    snapshots : mapping from epoch to Snapshot
        Every so many epochs, where `snapshots=` asked for them.
    certificate : Certificate or None
        That the gradient at `theta` is the mathematics' own, where `certify=True` asked for it.
    """

    network: Network
    theta: Parameters
    history: History
    stopped: Stopped
    best_epoch: int
    seconds: float
    record: RunRecord
    state: OptimizerState = field(repr=False)
    sample: TrainingData = field(repr=False)
    snapshots: Mapping[int, Snapshot] = field(default_factory=dict, repr=False)
    certificate: Certificate | None = field(default=None, repr=False)


class TrainingDiverged(ClearpropError):  # noqa: N818 - it says what happened
    """The loss or a parameter stopped being a finite number.

    Attributes
    ----------
    run : Run
        With the parameters of the best epoch (held-out rows) or the last finite one, so nothing is lost.
    epoch, batch : int
        Where, both from 1.
    """

    def __init__(self, message: str, run: Run, epoch: int, batch: int) -> None:
        super().__init__(message)
        self.run = run
        self.epoch = epoch
        self.batch = batch

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.run, self.epoch, self.batch)


def require_json(record: RunRecord) -> None:
    """Raise TypeError when a field of a record read from a file is not of its kind."""
    kinds: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (int, float),
        "str": (str,),
        "bool": (bool,),
        "float | None": (int, float, type(None)),
        "Mapping[str, float] | str | None": (dict, str, type(None)),
        "Mapping[str, Any]": (dict,),
        "Mapping[str, str]": (dict,),
        "Sequence[str]": (list, tuple),
    }
    for each in fields(record):
        value = getattr(record, each.name)
        if not isinstance(value, kinds[str(each.type)]):
            raise TypeError(f"record: {each.name} is {value!r}")
    if not all(isinstance(digest, str) for digest in record.digests):
        raise TypeError("record: digests are not all text")


def digest(*arrays: Array | None, rows: IntArray | None = None) -> str:
    """16 hexadecimal digits that tell arrays apart, by their dtypes, shapes and every bit.

    With `rows`, those of these rows of the arrays, without a copy of them all.

    >>> import numpy as np
    >>> digest(np.zeros(2)) == digest(np.zeros(2)), digest(np.zeros(2)) == digest(np.array([0.0, -0.0]))
    (True, False)
    """
    found = hashlib.sha256()
    for array in arrays:
        if array is None:
            found.update(b"-")
        elif rows is None:
            found.update(f"{array.dtype.str}{array.shape}".encode())
            found.update(np.ascontiguousarray(array).data)
        else:
            found.update(f"{array.dtype.str}{(len(rows), *array.shape[1:])}".encode())
            for first in range(0, len(rows), BLOCK):
                found.update(array[rows[first : first + BLOCK]].data)
    return found.hexdigest()[:16]


@dataclass(frozen=True)
class Snapshot:
    """Where a run stood at the end of an epoch: theta (n_parameters,) and what the optimizer remembered."""

    theta: Array
    state: OptimizerState
