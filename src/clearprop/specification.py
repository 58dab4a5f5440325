"""What a network is: `Dense`, `Network` (both frozen), and its `Parameters`.

The parameters live in one flat vector: W[1], b[1], W[2], b[2], ... each weight matrix row by row (a row is
a receiving unit). `theta.W[l]` and `theta.b[l]` are writable views of it, so a student edits one weight
and an optimizer walks one array.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array
from clearprop.errors import FormulaError, SpecificationError
from clearprop.formulas.activations import AnyActivation, activation_from_dict, as_activation
from clearprop.formulas.initializers import Initializer, as_initializer
from clearprop.formulas.losses import Loss, as_loss, loss_for, loss_from_dict


@dataclass(frozen=True)
class Dense:
    """A layer of units that each see the whole layer below: z = W x + b, a = g(z).

    Parameters
    ----------
    units : int
        Width n_l, from 1.
    activation : str or row
        Name or row: `"tanh"`, `LeakyReLU(0.1)`, your own `Activation(...)`.
    bias : bool
        Whether the layer has a bias.
    dropout : float
        Chance, below 1, that a unit's activation is dropped in training; the kept are divided by the
        chance of being kept. Not on the output layer.
    initializer : str, optional
        Overrides the activation's own, e.g. `"he_normal"`, `"zeros"`.

    Examples
    --------
    >>> Dense(5, "tanh", dropout=0.1)
    Dense(5, 'tanh', dropout=0.1)
    """

    units: int
    activation: AnyActivation = field(default="identity")  # type: ignore[assignment]  # a name becomes its row
    bias: bool = True
    dropout: float = 0.0
    initializer: Initializer | None = None

    def __post_init__(self) -> None:
        if isinstance(self.units, bool) or not isinstance(self.units, int | np.integer) or self.units < 1:
            raise SpecificationError(f"Dense: units is a whole number from 1, not {self.units!r}")
        object.__setattr__(self, "units", int(self.units))
        object.__setattr__(self, "activation", as_activation(self.activation))
        object.__setattr__(self, "bias", bool(self.bias))
        object.__setattr__(self, "dropout", _chance(self.dropout, "Dense: dropout"))
        if self.initializer is not None:
            object.__setattr__(self, "initializer", as_initializer(self.initializer))

    @property
    def rows(self) -> int:
        """Rows r_l of W: one a unit, but `pieces` a unit for maxout."""
        return self.units * self.activation.pieces

    def __repr__(self) -> str:
        row = self.activation
        shown = [str(self.units), repr(row.name) if row == as_shipped(row) else repr(row)]
        shown += ["bias=False"] if not self.bias else []
        shown += [f"dropout={self.dropout:g}"] if self.dropout else []
        shown += [f"initializer={self.initializer.name!r}"] if self.initializer else []
        return f"Dense({', '.join(shown)})"


def as_shipped(row: AnyActivation) -> AnyActivation | None:
    """The shipped row of the same name, or None."""
    try:
        return as_activation(row.name)
    except FormulaError:
        return None


def _chance(value: float, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value < 1:
        raise SpecificationError(f"{what} is a number from 0 to below 1, not {value!r}")
    return float(value)


@dataclass(frozen=True)
class Segment:
    """A piece of the flat vector: one layer's weights or biases, and how an optimizer treats it."""

    layer: int  #: l, from 1
    kind: str  #: "W" or "b"
    offset: int
    shape: tuple[int, ...]  #: (r_l, n_{l-1}) or (r_l,)
    rate_factor: float = 1.0
    decays: bool = False
    l1: float = 0.0
    l2: float = 0.0

    @property
    def size(self) -> int:
        """Numbers in the segment."""
        return math.prod(self.shape)

    @property
    def stop(self) -> int:
        """End of the segment in the flat vector."""
        return self.offset + self.size


@dataclass(frozen=True)
class Network:
    """A feedforward network of dense layers with the loss it is trained on.

    Parameters
    ----------
    inputs : int
        Width n_0.
    layers : sequence of Dense
        Hidden layers, then the output layer; a single one makes linear, logistic or softmax regression.
    loss : str or Loss, optional
        Left out, the one the notes pair with the output activation: softmax with cross-entropy, sigmoid
        with binary cross-entropy, exp with Poisson, anything else with squared error.
    l1, l2 : float
        Penalty P = l2/2 |W|^2 + l1 |W|_1 on all weights, never on biases.
    input_dropout : float
        Chance that an input is dropped in training.

    Raises
    ------
    SpecificationError, FormulaError
        When a value is out of range, or the loss cannot judge the output activation.

    Examples
    --------
    >>> net = Network(4, [Dense(5, "tanh"), Dense(3, "softmax")])
    >>> net.loss.name, net.n_parameters
    ('cross_entropy', 43)
    >>> theta = net.initialize(seed=0)
    >>> theta.W[1].shape, theta.b[2].shape
    ((5, 4), (3,))
    """

    inputs: int
    layers: tuple[Dense, ...]
    loss: Loss = None  # type: ignore[assignment]  # None becomes the paired loss
    l1: float = 0.0
    l2: float = 0.0
    input_dropout: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.inputs, bool) or not isinstance(self.inputs, int | np.integer) or self.inputs < 1:
            raise SpecificationError(f"Network: inputs is a whole number from 1, not {self.inputs!r}")
        if isinstance(self.layers, Dense) or not isinstance(self.layers, Sequence) or not self.layers:
            raise SpecificationError("Network: layers is a list of Dense, the output layer last")
        for position, layer in enumerate(self.layers, start=1):
            if not isinstance(layer, Dense):
                raise SpecificationError(f"Network: layer {position} is a Dense, not {layer!r}")
        set_ = object.__setattr__
        set_(self, "inputs", int(self.inputs))
        set_(self, "layers", tuple(self.layers))
        set_(self, "loss", loss_for(self.output.activation) if self.loss is None else as_loss(self.loss))
        set_(self, "input_dropout", _chance(self.input_dropout, "Network: input_dropout"))
        for name in ("l1", "l2"):
            value = getattr(self, name)
            if not isinstance(value, int | float | np.number) or not 0 <= value < math.inf:
                raise SpecificationError(f"Network: {name} is a number from 0, not {value!r}")
            set_(self, name, float(value))
        if self.output.dropout:
            raise SpecificationError("Network: the output layer takes no dropout; put it on the layer below")
        if self.output.activation.name == "softmax" and self.output.units == 1:
            raise SpecificationError(
                "Network: softmax over one output is always 1; use Dense(1, 'sigmoid'), or 2 outputs"
            )
        self.loss.require_fit(self.output.activation)
        self._require_parameters_for_outputs()

    def _require_parameters_for_outputs(self) -> None:
        """Raise SpecificationError where the loss has numbers for other outputs than there are."""
        if self.loss.outputs not in (None, self.output.units):
            raise SpecificationError(
                f"Network: {self.loss!r} has parameters for {self.loss.outputs} output(s), and the network "
                f"has {self.output.units}; give one number for all, or one for each output"
            )
        levels = np.atleast_1d(self.loss.constants.get("q", 0))
        if self.output.activation.name == "monotone" and (np.diff(levels) <= 0).any():
            raise SpecificationError(
                "Network: the outputs of 'monotone' increase, so each quantile is above the one before; "
                f"{self.loss!r} has them in another order"
            )

    @property
    def output(self) -> Dense:
        """The last layer, L."""
        return self.layers[-1]

    @property
    def depth(self) -> int:
        """L, the number of layers with weights."""
        return len(self.layers)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """(n_0, n_1, ..., n_L)."""
        return (self.inputs, *(layer.units for layer in self.layers))

    @cached_property
    def dropouts(self) -> tuple[float, ...]:
        """Dropout of the inputs and of each layer, (p_0, ..., p_L)."""
        return (self.input_dropout, *(layer.dropout for layer in self.layers))

    @cached_property
    def has_dropout(self) -> bool:
        """Whether anything is dropped in training."""
        return any(self.dropouts)

    @property
    def is_linked(self) -> bool:
        """Whether output activation and loss are a matched pair, taken together in z."""
        return self.loss.is_linked(self.output.activation)

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Pieces of the flat vector in order."""
        pieces: list[Segment] = []
        offset = 0
        for l, layer in enumerate(self.layers, start=1):
            weights = Segment(
                l, "W", offset, (layer.rows, self.widths[l - 1]), decays=True, l1=self.l1, l2=self.l2
            )
            pieces.append(weights)
            offset = weights.stop
            if layer.bias:
                pieces.append(Segment(l, "b", offset, (layer.rows,)))
                offset = pieces[-1].stop
        return tuple(pieces)

    @cached_property
    def n_parameters(self) -> int:
        """Length of the flat vector."""
        return self.segments[-1].stop

    def require_trainable(self) -> None:
        """Raise SpecificationError, with the reason, when a layer's activation cannot be trained."""
        for l, layer in enumerate(self.layers, start=1):
            if layer.activation.refuses_training:
                raise SpecificationError(
                    f"layer {l} cannot be trained with {layer.activation.name!r}: "
                    f"{layer.activation.refuses_training}"
                )

    def initialize(self, seed: int = 0, dtype: npt.DTypeLike = np.float64) -> Parameters:
        """First parameters: weights drawn by each layer's initializer, biases 0.

        Parameters
        ----------
        seed : int
            Each layer draws from its own stream (seed, l); a new layer on top leaves the others alone.
        dtype : float32 or float64
            Drawn in float64, then rounded.
        """
        theta = Parameters(self, np.zeros(self.n_parameters))
        for l, layer in enumerate(self.layers, start=1):
            generator = np.random.default_rng([_seed(seed), l])
            row = layer.initializer or as_initializer(layer.activation.initializer)
            theta.W[l][...] = row.draw(theta.W[l].shape, self.widths[l - 1], layer.units, generator)
        return Parameters(self, theta.flat.astype(dtype))

    def with_loss(self, loss: str | Loss) -> Network:
        """The same layers with another loss."""
        return replace(self, loss=as_loss(loss))

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON types), formula texts included."""
        layers = [
            {
                "units": layer.units,
                "activation": layer.activation.to_dict(),
                "bias": layer.bias,
                "dropout": layer.dropout,
                "initializer": layer.initializer.name if layer.initializer else None,
            }
            for layer in self.layers
        ]
        return {
            "inputs": self.inputs,
            "layers": layers,
            "loss": self.loss.to_dict(),
            "l1": self.l1,
            "l2": self.l2,
            "input_dropout": self.input_dropout,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Network:
        """Network from the plain data of `to_dict`; every formula is checked again."""
        given = dict(plain)
        layers = [
            Dense(**{**layer, "activation": activation_from_dict(layer["activation"])})
            for layer in given.pop("layers")
        ]
        return cls(layers=tuple(layers), loss=loss_from_dict(given.pop("loss")), **given)

    def __repr__(self) -> str:
        shown = f"Network({self.inputs}, {list(self.layers)}, loss={self.loss.name!r}"
        for name in ("l1", "l2", "input_dropout"):
            shown += f", {name}={getattr(self, name):g}" if getattr(self, name) else ""
        return shown + ")"


def _seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise SpecificationError(f"seed is a whole number from 0, not {seed!r}")
    return int(seed)


class Parameters:
    """All weights and biases of a network: one flat vector, and views of it by layer.

    Attributes
    ----------
    flat : ndarray (n_parameters,)
        The numbers themselves; writing to a view writes here.
    W : mapping from l = 1..L to ndarray (r_l, n_{l-1})
    b : mapping from l = 1..L to ndarray (r_l,), or None for a layer without bias

    Examples
    --------
    >>> theta = Network(2, [Dense(1)]).initialize(seed=0)
    >>> theta.W[1][0, 1] = 7.0
    >>> float(theta.flat[1])
    7.0
    """

    def __init__(self, network: Network, flat: Array) -> None:
        flat = np.ascontiguousarray(flat)
        if flat.shape != (network.n_parameters,):
            raise SpecificationError(
                f"the network has {network.n_parameters} parameters, and the vector has shape {flat.shape}"
            )
        self.network = network
        self.flat = flat
        weights: dict[int, Array] = {}
        biases: dict[int, Array | None] = dict.fromkeys(range(1, network.depth + 1))
        for segment in network.segments:
            view = flat[segment.offset : segment.stop].reshape(segment.shape)
            if segment.kind == "W":
                weights[segment.layer] = view
            else:
                biases[segment.layer] = view
        self.W: Mapping[int, Array] = MappingProxyType(weights)
        self.b: Mapping[int, Array | None] = MappingProxyType(biases)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype the engines compute in."""
        return self.flat.dtype

    def copy(self) -> Parameters:
        """The same numbers in a vector of their own."""
        return Parameters(self.network, self.flat.copy())

    def astype(self, dtype: npt.DTypeLike) -> Parameters:
        """Copy rounded to another dtype."""
        return Parameters(self.network, self.flat.astype(dtype))

    def items(self) -> Iterator[tuple[str, Array]]:
        """Pairs such as ("W[1]", array), in order of the flat vector."""
        for segment in self.network.segments:
            view = self.W if segment.kind == "W" else self.b
            array = view[segment.layer]
            if array is not None:
                yield f"{segment.kind}[{segment.layer}]", array

    def __reduce__(self) -> tuple[Any, ...]:
        return Parameters, (self.network, self.flat)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in self.items())
        return f"Parameters({self.flat.size} {self.dtype} numbers: {shapes})"


def parameters_from_arrays(
    network: Network, weights: Sequence[npt.ArrayLike], biases: Sequence[npt.ArrayLike | None]
) -> Parameters:
    """Parameters from arrays given by hand, W[1] first; a bias is None where the layer has none.

    >>> net = Network(2, [Dense(1, "sigmoid")])
    >>> parameters_from_arrays(net, [[[1.0, 2.0]]], [[0.5]]).flat
    array([1. , 2. , 0.5])
    """
    theta = Parameters(network, np.zeros(network.n_parameters))
    if len(weights) != network.depth or len(biases) != network.depth:
        raise SpecificationError(
            f"the network has {network.depth} layers, and {len(weights)} weight and {len(biases)} bias "
            "arrays were given"
        )
    for l in range(1, network.depth + 1):
        for name, view, given in (("W", theta.W[l], weights[l - 1]), ("b", theta.b[l], biases[l - 1])):
            if view is None and given is None:
                continue
            array = None if given is None else np.asarray(given, dtype=np.float64)
            if view is None or array is None or array.shape != view.shape:
                expected = "no bias" if view is None else f"shape {view.shape}"
                got = "none" if array is None else f"shape {array.shape}"
                raise SpecificationError(f"{name}[{l}] has {expected} in this network, and {got} was given")
            view[...] = array
    return theta
