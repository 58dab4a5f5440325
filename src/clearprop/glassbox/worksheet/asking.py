"""What a worksheet is asked for: widths, a network or a perceptron, numbers of one's own; checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from clearprop.errors import SpecificationError
from clearprop.formulas.activations import AnyActivation, CoupledActivation, as_activation
from clearprop.formulas.losses import Loss, as_loss
from clearprop.glassbox.worksheet.drawing_numbers import Fixed
from clearprop.specification import Dense, Network, Parameters

MOST_PARAMETERS = 100  #: that a sheet asks a person to calculate with
MOST_INPUTS = 4  #: of a perceptron, for a table that fits the page

_PARAMETER = re.compile(r"([Wb])\[(\d+)\]\[(\d+)(?:,(\d+))?\]")
_EXAMPLE = re.compile(r"([xy])\[(\d+)\]")


def require_count(name: str, number: int) -> None:
    """Raise SpecificationError for what is no whole number from 1."""
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 1:
        raise SpecificationError(f"{name} is a whole number from 1, not {number!r}")


def is_number(value: object) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value))


def read_layers(layers: str | Sequence[int]) -> tuple[int, ...]:
    """Widths of a network, inputs first.

    >>> read_layers("2-3-1")
    (2, 3, 1)
    """
    if isinstance(layers, str):
        if not re.fullmatch(r"[1-9]\d*(-[1-9]\d*)+", layers):
            raise SpecificationError(
                f"layers is widths from the inputs to the outputs, such as 2-2-1, not {layers!r}"
            )
        return tuple(map(int, layers.split("-")))
    if not isinstance(layers, list | tuple) or len(layers) < 2:
        raise SpecificationError(f"layers has at least inputs and outputs, such as (2, 1), not {layers!r}")
    for width in layers:
        require_count("each of layers", width)
    return tuple(layers)


def require_perceptron(widths: tuple[int, ...], others: Mapping[str, object]) -> None:
    """Raise SpecificationError for what the perceptron's rule has not."""
    if len(widths) != 2 or widths[1] != 1:
        raise SpecificationError(
            "the perceptron's rule trains one unit without hidden layers, such as layers 2-1, not "
            f"{'-'.join(map(str, widths))}; kind 'descent' trains hidden layers"
        )
    if widths[0] > MOST_INPUTS:
        raise SpecificationError(f"a perceptron has at most {MOST_INPUTS} inputs on a sheet, not {widths[0]}")
    for name, value in others.items():
        if value not in (None, "step", True, {}) or (name != "activation" and value == "step"):
            raise SpecificationError(
                f"a perceptron is one 'step' unit with a bias and a rule of its own; leave {name} away"
            )


def network_of(
    widths: tuple[int, ...],
    activation: str | AnyActivation | None,
    output: str | AnyActivation | None,
    loss: str | Loss | None,
    bias: bool,
) -> Network:
    """The network of an exercise, its output and loss chosen where they are left open."""
    hidden = as_activation("sigmoid" if activation is None else activation)
    judged = None if loss is None else as_loss(loss)
    if output is not None:
        last = as_activation(output)
    elif judged is not None and judged.linked_value:
        last = as_activation(judged.link)
    else:
        bounded = np.isfinite([hidden.range.low, hidden.range.high]).all()
        last = hidden if bounded or len(widths) == 2 else as_activation("identity")
    if judged is None:
        judged = as_loss("cross_entropy" if last.name == "softmax" else "half_squared_error")
    rows = [*([hidden] * (len(widths) - 2)), last]
    for l, row in enumerate(rows, start=1):
        if isinstance(row, CoupledActivation) and (row.name != "softmax" or l < len(rows)):
            raise SpecificationError(
                f"layer {l}: a worksheet takes activations of one unit each, and 'softmax' at the output, "
                f"not {row.name!r}"
            )
        if row.name == "step":
            raise SpecificationError(
                f"layer {l} cannot be trained with 'step': {row.refuses_training}; kind 'perceptron' has a "
                "rule for a single such unit"
            )
    dense = [Dense(units, row, bias=bias) for units, row in zip(widths[1:], rows, strict=True)]
    network = Network(widths[0], tuple(dense), loss=judged)
    network.require_trainable()
    if network.n_parameters > MOST_PARAMETERS:
        raise SpecificationError(
            f"{network.n_parameters} parameters are more than the {MOST_PARAMETERS} that a sheet asks a "
            "person to calculate with; use narrower layers"
        )
    return network


def fixed_numbers(
    network: Network, given: Mapping[str, float], exercises: int, examples: int, steps: int
) -> Fixed:
    """The numbers that are given, by where they stand."""
    if given and (exercises > 1 or examples > 1):
        raise SpecificationError(
            "given numbers belong to a single exercise with one example; ask for one of each"
        )
    fixed = Fixed(
        Parameters(network, np.full(network.n_parameters, np.nan)),
        np.full(network.inputs, np.nan),
        np.full(network.output.units, np.nan),
        {},
    )
    taken: dict[str, float] = {}
    for name, value in given.items():
        if not is_number(value):
            raise SpecificationError(f"given {name!r} is a finite number, not {value!r}")
        plain = name.replace(" ", "")
        try:
            if found := _PARAMETER.fullmatch(plain):
                kind, l, *indices = found.groups()
                array = (fixed.theta.W if kind == "W" else fixed.theta.b)[int(l)]
                if array is None:
                    raise IndexError
                place = tuple(int(i) for i in indices if i is not None)
                if len(place) != array.ndim:
                    raise IndexError
                array[place] = value
            elif found := _EXAMPLE.fullmatch(plain):
                (fixed.x if found.group(1) == "x" else fixed.y)[int(found.group(2))] = value
            else:
                taken[plain] = float(value)
        except (IndexError, KeyError):
            raise SpecificationError(
                f"given {name!r} is no number of this network; parameters are W[l][j,i] and b[l][j], layers "
                "from 1 and units from 0, inputs x[i], targets y[k]"
            ) from None
    missing = np.isnan(fixed.y)
    if network.loss.targets == "distribution" and missing.any() and not missing.all():
        raise SpecificationError(
            f"the targets of {network.loss.name!r} sum to 1; give all of y[0] to y[{len(missing) - 1}]"
        )
    if taken and steps > 1:
        raise SpecificationError(
            f"{', '.join(taken)}: numbers of the forward pass can be given for one step only, as the next "
            "step has others"
        )
    return Fixed(fixed.theta, fixed.x, fixed.y, taken)
