"""What a user sets: scales, layers, loss, optimizer, batch, rate, seed; read from the page's plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clearprop.errors import SpecificationError
from clearprop.formulas.activations import activations
from clearprop.formulas.initializers import initializers
from clearprop.formulas.losses import Loss, losses
from clearprop.formulas.optimizers import Optimizer, as_optimizer, optimizers
from clearprop.formulas.schedules import as_schedule, schedules
from clearprop.specification import Dense, Network
from clearprop.table_model import Settings as TableSettings
from clearprop.tables.deciding import Task
from clearprop.web.bench.dataset import Dataset
from clearprop.web.bench.scaling import SCALES, scaled

MOST_LAYERS, MOST_UNITS, MOST_PARAMETERS = 12, 1024, 2_000_000
MOST_EPOCHS, MOST_BATCH = 100_000, 100_000


@dataclass(frozen=True)
class Layer:
    """A hidden layer, as it is set."""

    units: int = 8
    activation: str = "tanh"
    dropout: float = 0.0
    bias: bool = True


@dataclass(frozen=True)
class Settings:
    """A network and how it is trained.

    Attributes
    ----------
    layers : tuple of Layer
        The hidden ones; the output layer follows from the target and the loss.
    output_bias : bool
    loss : str or None
        None: the one that belongs to the target.
    initializer : str or None
        Of every layer; None: the one that belongs to its activation.
    class_weight : str or None
        "balanced": rare classes count as much as frequent ones.
    weight_decay : float or None
        None: the optimizer's own.
    batch_size : int or None
        None: all rows.
    patience : int or None
        Epochs without progress that end the run; None: it goes on.
    inputs, targets : str or None
        "standardised" or "raw"; None: as the set has them.
    """

    layers: tuple[Layer, ...] = (Layer(),)
    output_bias: bool = True
    loss: str | None = None
    l1: float = 0.0
    l2: float = 0.0
    initializer: str | None = None
    class_weight: str | None = None
    optimizer: str = "adam"
    learning_rate: float = 0.01
    weight_decay: float | None = None
    clip_norm: float | None = None
    schedule: str = "constant"
    batch_size: int | None = 32
    epochs: int = 2000
    patience: int | None = None
    inputs: str | None = None
    targets: str | None = None
    seed: int = 0
    dtype: str = "float64"

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Settings:
        """Settings from JSON's types; what is left out has its default.

        Raises
        ------
        SpecificationError
            When something is unknown, of another type or out of range.

        Examples
        --------
        >>> Settings.from_plain({"layers": [{"units": 4}], "seed": 7}).layers
        (Layer(units=4, activation='tanh', dropout=0.0, bias=True),)
        """
        given = dict(plain)
        layers = given.pop("layers", None)
        read = _read(cls, given)
        if layers is not None:
            if not isinstance(layers, list) or not all(isinstance(each, dict) for each in layers):
                raise SpecificationError("layers is a list of objects")
            read["layers"] = tuple(Layer(**_read(Layer, each)) for each in layers)
        settings = cls(**read)
        settings.require_fit()
        return settings

    def to_plain(self) -> dict[str, Any]:
        """The same as JSON's types."""
        plain = dataclasses.asdict(self)
        return {**plain, "layers": list(plain["layers"])}

    def require_fit(self) -> None:
        """Raise SpecificationError for what no data could mend."""
        _require(len(self.layers) <= MOST_LAYERS, f"there are {MOST_LAYERS} hidden layers at most")
        for l, layer in enumerate(self.layers, start=1):
            _require(1 <= layer.units <= MOST_UNITS, f"layer {l} has 1 to {MOST_UNITS:,} units")
            _require(layer.activation in trainable(), f"{layer.activation!r} is no activation to train")
        _require(1 <= self.epochs <= MOST_EPOCHS, f"epochs is a number from 1 to {MOST_EPOCHS:,}")
        size = self.batch_size
        _require(size is None or 1 <= size <= MOST_BATCH, f"a batch has 1 to {MOST_BATCH:,} rows")
        waits = self.patience
        _require(waits is None or 1 <= waits <= MOST_EPOCHS, f"patience is 1 to {MOST_EPOCHS:,} epochs")
        for name, scale in (("inputs", self.inputs), ("targets", self.targets)):
            _require(scale is None or scale in SCALES, f"{name} are {' or '.join(SCALES)}, or left out")
        _require(0 <= self.seed < 2**53, "seed is a whole number from 0 to below 2**53")
        _require(self.dtype in ("float32", "float64"), "dtype is float32 or float64")
        _require(0 < self.learning_rate <= 1000, "the learning rate is a positive number up to 1000")
        _require(self.optimizer in stepping(), f"{self.optimizer!r} is no optimizer to step with")
        of = self.initializer
        _require(of is None or of in initializers, f"{of!r} is no initializer")
        _require(self.class_weight in (None, "balanced"), "class_weight is balanced, or left out")
        _require(self.schedule in schedules, f"{self.schedule!r} is no schedule")

    def scaled(self, data: Dataset) -> Dataset:
        """The data on the scales that are set.

        Raises
        ------
        DataError
            When these data cannot be standardised.
        """
        return scaled(data, inputs=self.inputs, targets=self.targets)

    def loss_for(self, data: Dataset) -> Loss:
        """Loss row for that target."""
        if self.loss is None:
            if data.task == "numbers":
                return losses["squared_error"]
            return losses["binary_cross_entropy" if len(data.classes) == 2 else "cross_entropy"]
        if self.loss not in fitting(data.task):
            raise SpecificationError(
                f"{self.loss!r} judges no {data.task}; losses for them: {', '.join(fitting(data.task))}"
            )
        return losses[self.loss]

    def network(self, data: Dataset) -> Network:
        """The network for that data.

        Raises
        ------
        SpecificationError, FormulaError
            When the loss does not judge what the target is, or the network would be too large.
        """
        loss, outputs = self.loss_for(data), data.outputs
        if outputs == 2 and data.classes and loss.targets != "distribution":
            outputs = 1
        of = self.initializer
        hidden = [
            Dense(each.units, each.activation, each.bias, each.dropout, of)  # type: ignore[arg-type]
            for each in self.layers
        ]
        output = Dense(outputs, loss.link, self.output_bias, initializer=of)  # type: ignore[arg-type]
        network = Network(len(data.features), (*hidden, output), loss, l1=self.l1, l2=self.l2)
        count = network.n_parameters
        _require(count <= MOST_PARAMETERS, f"{count:,} parameters are more than the {MOST_PARAMETERS:,} here")
        return network

    def rule(self) -> Optimizer:
        """The optimizer with its schedule."""
        schedule = as_schedule(self.schedule)
        return as_optimizer(self.optimizer)(
            schedule(self.learning_rate), weight_decay=self.weight_decay, clip_norm=self.clip_norm
        )

    def table_settings(self) -> TableSettings:
        """What a table's first parameters are drawn by."""
        return TableSettings(seed=self.seed, dtype=self.dtype)


def trainable() -> tuple[str, ...]:
    """Activations of a hidden layer."""
    return tuple(name for name, row in activations.items() if not row.refuses_training)


def stepping() -> tuple[str, ...]:
    """Optimizers that take a step a batch, and so can stand still between two."""
    return tuple(name for name, row in optimizers.items() if row.step)


def fitting(task: Task) -> tuple[str, ...]:
    """Losses that judge such a target."""
    return tuple(name for name, row in losses.items() if row.for_classes == (task == "classes"))


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SpecificationError(otherwise)


_KINDS: Mapping[str, tuple[type, ...]] = {
    "int": (int,),
    "int | None": (int, type(None)),
    "float": (int, float),
    "float | None": (int, float, type(None)),
    "bool": (bool,),
    "str": (str,),
    "str | None": (str, type(None)),
}


def _read(kind: type, plain: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a dataclass from plain data, each of its type."""
    known = {each.name: str(each.type) for each in dataclasses.fields(kind)}
    for name, value in plain.items():
        if name not in known:
            raise SpecificationError(f"there is no setting {name!r}; there are {', '.join(known)}")
        allowed = _KINDS.get(known[name], ())
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise SpecificationError(f"{name} is {known[name]}, not {value!r}")
    return {
        name: float(value) if "float" in known[name] and value is not None else value
        for name, value in plain.items()
    }
