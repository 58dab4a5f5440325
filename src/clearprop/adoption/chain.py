"""A foreign network as a chain of affine maps and activations, and the `Model` of such a chain.

Every reader of this folder ends here. Between two activations the affine maps are folded into one, in
float64: scalers and batch norms vanish into the weights of the layer they stand beside. Two maps stay apart
where folding would do harm: where the one map would have more numbers than the two (a linear bottleneck),
and where a shift is so large beside the weights that adding it to a bias would cost digits of the sum.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import FormulaError, SpecificationError
from clearprop.formulas.activations import AnyActivation, activations
from clearprop.formulas.losses import Loss
from clearprop.model import Model
from clearprop.specification import Dense, Network, parameters_from_arrays

_DIGITS = 1e-8  #: rounding of a folded bias beyond which a shift stays a layer of its own


@dataclass(frozen=True, eq=False)
class Affine:
    """x -> W x + b, with W (r, n), or (n,) for a factor of each column; b (r,) or None.

    `layer` marks a layer of the original network, as against a scaler or a batch norm; `place` is what an
    error calls it.
    """

    W: Array
    b: Array | None = None
    layer: bool = False
    place: str = "an affine map"

    @property
    def inputs(self) -> int:
        """Columns it takes."""
        return int(self.W.shape[-1])

    @property
    def outputs(self) -> int:
        """Columns it gives."""
        return int(self.W.shape[0])

    @property
    def is_shift(self) -> bool:
        """Whether it only adds a bias."""
        return self.W.ndim == 1 and bool((self.W == 1).all())


@dataclass(frozen=True)
class Dropout:
    """Dropout of what the step before it gives."""

    chance: float
    place: str


Step: TypeAlias = Affine | AnyActivation | Dropout


def shift_of(amount: Any, place: str) -> Affine:
    """x + amount, columnwise; amount (n,)."""
    amount = np.asarray(amount)
    return Affine(np.ones_like(amount), amount, place=place)


def scale_of(factor: Any, place: str) -> Affine:
    """x * factor, columnwise; factor (n,)."""
    return Affine(np.asarray(factor), place=place)


def model_of(
    steps: Sequence[Step],
    *,
    inputs: int | None = None,
    loss: str | Loss | None = None,
    classes: tuple[Any, ...] = (),
) -> Model:
    """Model of a chain that begins at the inputs.

    Parameters
    ----------
    inputs : int, optional
        Width n_0, if it is known; else that of the first affine map.

    Returns
    -------
    Model
        With numbers of its own, in float64 if anything was rounded in folding or came in float64.

    Raises
    ------
    SpecificationError
        When two steps do not fit each other, a parameter is not finite, or nothing is left of the chain.
    """
    width = _check_widths(steps, inputs)
    layers, input_dropout, rounded = _layers(steps, width)
    if not layers:
        raise SpecificationError(
            "adopt: the network has no layer with weights or activation; give one that has"
        )
    specified = [Dense(m.outputs // row.pieces, row, m.b is not None, dropout=p) for m, row, p in layers]
    try:
        network = Network(width, specified, loss=loss, input_dropout=input_dropout)  # type: ignore[arg-type]
    except FormulaError as error:
        raise SpecificationError(
            f"adopt: {error}. A network that ends in logits gets its activation first, as in "
            "nn.Sequential(net, nn.Softmax(dim=1)), or nn.Sigmoid() for a single logit"
        ) from error
    theta = parameters_from_arrays(
        network,
        [np.diag(m.W) if m.W.ndim == 1 else m.W for m, _, _ in layers],
        [m.b for m, _, _ in layers],
    )
    for m, _, _ in layers:
        if not (np.isfinite(m.W).all() and (m.b is None or np.isfinite(m.b).all())):
            raise SpecificationError(
                f"adopt: {m.place} has a parameter that is not finite; fit the network again"
            )
    given = [
        array.dtype
        for step in steps
        if isinstance(step, Affine)
        for array in (step.W, step.b)
        if array is not None
    ]
    single = bool(given) and not rounded and all(dtype.itemsize < 8 for dtype in given)
    return Model(network, theta.astype(np.float32) if single else theta, classes=classes)


def _check_widths(steps: Sequence[Step], inputs: int | None) -> int:
    """Width n_0, once every affine map has been seen to take what it is given."""
    width = first = inputs
    for step in steps:
        if isinstance(step, Dropout):
            continue
        if not isinstance(step, Affine):
            width = None if width is None else width // step.pieces
            continue
        if step.b is not None and step.b.shape != (step.outputs,):
            raise SpecificationError(
                f"adopt: {step.place} has a bias of shape {step.b.shape} for {step.outputs} outputs"
            )
        if width is not None and width != step.inputs:
            raise SpecificationError(
                f"adopt: {step.place} takes {step.inputs} columns, and the step before it gives {width}"
            )
        first = step.inputs if first is None else first
        width = step.outputs
    if first is None:
        raise SpecificationError(
            "adopt: nothing in the network says how many inputs it has; give one with a layer of weights"
        )
    return first


_Layer: TypeAlias = tuple[Affine, AnyActivation, float]


def _layers(steps: Sequence[Step], width: int) -> tuple[list[_Layer], float, bool]:
    """Map, activation and dropout of each layer; dropout of the inputs; whether folding rounded."""
    layers: list[_Layer] = []
    pending: list[Affine] = []
    input_dropout, rounded = 0.0, False

    def flush(row: AnyActivation) -> None:
        nonlocal rounded
        maps, inexact = _fold(pending)
        rounded = rounded or inexact
        layers.extend((m, activations["identity"], 0.0) for m in maps[:-1])
        layers.append((maps[-1], row, 0.0))
        pending.clear()

    for position, step in enumerate(steps):
        if isinstance(step, Affine):
            pending.append(step)
        elif isinstance(step, Dropout):
            following = next((s for s in steps[position + 1 :] if not isinstance(s, Dropout)), None)
            if following is None or (pending and not isinstance(following, Affine)):
                _warn_of_dropout(step)
                continue
            if pending:
                flush(activations["identity"])
            if layers:
                m, row, chance = layers[-1]
                layers[-1] = (m, row, _both(chance, step.chance))
            else:
                input_dropout = _both(input_dropout, step.chance)
        elif pending:
            flush(step)
        elif step != activations["identity"]:
            units = layers[-1][0].outputs // layers[-1][1].pieces if layers else width
            pending.append(Affine(np.ones(units, dtype=np.float32), place=f"activation {step.name!r}"))
            flush(step)
    if pending:
        flush(activations["identity"])
    return layers, input_dropout, rounded


def _both(first: float, second: float) -> float:
    """Chance of being dropped by one or the other."""
    return 1 - (1 - first) * (1 - second)


def _warn_of_dropout(step: Dropout) -> None:
    warnings.warn(
        f"adopt: {step.place} is left out: a Dense drops its activations, on their way to a further layer. "
        "Predictions are the same; further training drops nothing there",
        stacklevel=6,
    )


def _fold(maps: Sequence[Affine]) -> tuple[list[Affine], bool]:
    """The same maps, one after the other, in as few as does no harm; whether any number was rounded."""
    joined: list[Affine] = []
    for m in maps:  # a bias put where there was none is exact
        if joined and joined[-1].b is None and m.is_shift:
            joined[-1] = replace(joined[-1], b=m.b)
        else:
            joined.append(m)
    last, apart, rounded = joined[-1], [], False
    for first in reversed(joined[:-1]):
        if _grows(first, last) or _loses_digits(first, last):
            apart.append(last)
            last = first
        else:
            last, rounded = _composed(first, last), True
    return [last, *reversed(apart)], rounded


def _grows(first: Affine, last: Affine) -> bool:
    """Whether two layers of weights have fewer numbers than their product."""
    return first.layer and last.layer and first.inputs * last.outputs > first.W.size + last.W.size


def _loses_digits(first: Affine, last: Affine) -> bool:
    """Whether the shift of a scaler, seen through the weights above it, is too large for a bias."""
    if first.W.ndim == 2 or first.b is None:
        return False
    seen = _times(np.abs(_double(last.W)), np.abs(_double(first.b)))
    kept = np.ones(last.outputs) if last.b is None else np.maximum(1, np.abs(_double(last.b)))
    return bool((np.finfo(np.float64).eps * seen > _DIGITS * kept).any())


def _composed(first: Affine, last: Affine) -> Affine:
    """`last` after `first`, in float64."""
    W, V = _double(first.W), _double(last.W)
    rows = V[:, None] if V.ndim == 1 < W.ndim else V  # a factor of each row of W
    weights = V @ W if V.ndim == W.ndim == 2 else rows * W
    bias = None if last.b is None else _double(last.b)
    if first.b is not None:
        through = _times(V, _double(first.b))
        bias = through if bias is None else through + bias
    place = first.place if first.place == last.place else f"{first.place} with {last.place}"
    return Affine(weights, bias, first.layer or last.layer, place)


def _times(W: Array, x: Array) -> Array:
    return W * x if W.ndim == 1 else W @ x


def _double(array: Array) -> Array:
    return array.astype(np.float64)
