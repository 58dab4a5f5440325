"""PyTorch: a `Sequential` of dense layers, activations, batch norms and dropout, as in eval mode.

Modules are read by their exact class: a subclass may compute something else. Every number is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from clearprop.adoption import foreign_rows
from clearprop.adoption.chain import Affine, Dropout, Step, model_of, scale_of, shift_of
from clearprop.arrays import Array
from clearprop.errors import SpecificationError
from clearprop.formulas.activations import AnyActivation, activations
from clearprop.formulas.losses import Loss
from clearprop.model import Model


def adopt_module(module: nn.Module, loss: str | Loss | None = None) -> Model:
    """Model of a Sequential or a Linear; see `clearprop.adopt`."""
    if type(module).forward is not nn.Sequential.forward and type(module) is not nn.Linear:
        raise SpecificationError(
            f"adopt: {type(module).__name__} is a module with a forward of its own, whose order cannot be "
            "read; give a torch.nn.Sequential of its layers, or export it: torch.onnx.export(module, "
            "example, 'm.onnx') and adopt the file"
        )
    steps: list[Step] = []
    for path, inner in _leaves(module, ""):
        place = f"layer {path} (as PyTorch counts, from 0), {inner}" if path else str(inner)
        _require_plain(inner, place)
        steps += _read(inner, place)
    return model_of(steps, loss=loss)


def _leaves(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
    """Modules in the order they are called, with their place such as "2.0"; shared ones every time."""
    if type(module).forward is not nn.Sequential.forward:
        yield path, module
        return
    _require_plain(module, f"the Sequential at {path or 'the top'}")
    for name, inner in module._modules.items():
        if inner is not None:
            yield from _leaves(inner, f"{path}.{name}" if path else name)


def _require_plain(module: nn.Module, place: str) -> None:
    if isinstance(module, nn.modules.lazy.LazyModuleMixin):
        raise SpecificationError(
            f"adopt: {place} has no weights before its first batch; call the network once"
        )
    if module._forward_hooks or module._forward_pre_hooks:
        raise SpecificationError(
            f"adopt: {place} has forward hooks, which may change what it gives; remove them (for "
            "weight_norm: torch.nn.utils.remove_weight_norm)"
        )
    if hasattr(module, "parametrizations"):
        raise SpecificationError(
            f"adopt: {place} has parametrizations; make them its weights with "
            "torch.nn.utils.parametrize.remove_parametrizations(module, 'weight')"
        )


def _read(module: nn.Module, place: str) -> list[Step]:
    """Steps of one module."""
    read = _MODULES.get(type(module))
    if read is None:
        raise SpecificationError(f"adopt: {place} cannot be represented; {_remedy(module)}")
    return read(module, place)


def _remedy(module: nn.Module) -> str:
    if isinstance(module, nn.LogSoftmax):
        return (
            "its outputs are logarithms; put torch.nn.Softmax(dim=1) in its place, which gives the "
            "probabilities themselves"
        )
    shown = ", ".join(sorted(known.__name__ for known in _MODULES))
    return f"a Model is made of dense layers, and adopt reads {shown}; take it out, or adopt the dense part"


def _numbers(tensor: torch.Tensor, place: str) -> Array:
    """A copy of a tensor, float64 if it is that and else float32."""
    if tensor.is_complex() or not tensor.is_floating_point():
        raise SpecificationError(
            f"adopt: {place} holds {tensor.dtype} numbers; a network here is of real ones, so convert it"
        )
    if tensor.is_meta:
        raise SpecificationError(f"adopt: {place} is on the meta device and has no numbers; load its weights")
    dtype = torch.float64 if tensor.dtype == torch.float64 else torch.float32
    array: Array = tensor.detach().to("cpu", dtype).numpy().copy()
    return array


def _linear(module: Any, place: str) -> list[Step]:
    b = None if module.bias is None else _numbers(module.bias, place)
    return [Affine(_numbers(module.weight, place), b, layer=True, place=place)]


def _batch_norm(module: Any, place: str) -> list[Step]:
    if module.running_mean is None:
        raise SpecificationError(
            f"adopt: {place} keeps no running statistics, so it normalises each batch by itself; train it "
            "with track_running_stats=True"
        )
    variance = _numbers(module.running_var, place).astype(np.float64)
    factor = 1 / np.sqrt(variance + module.eps)
    if module.weight is not None:
        factor = factor * _numbers(module.weight, place)
    steps: list[Step] = [shift_of(-_numbers(module.running_mean, place), place), scale_of(factor, place)]
    return steps if module.bias is None else [*steps, shift_of(_numbers(module.bias, place), place)]


def _softmax(module: Any, place: str) -> list[Step]:
    if module.dim not in (-1, 1, None):
        raise SpecificationError(
            f"adopt: {place} normalises over the examples of the batch; a softmax goes over the "
            "outputs, dim=1"
        )
    return [activations["softmax"]]


def _dropout(module: Any, place: str) -> list[Step]:
    if module.p == 0:
        return []
    if module.p == 1:
        raise SpecificationError(
            f"adopt: {place} drops everything in training; take it out, or give it a chance below 1"
        )
    return [Dropout(float(module.p), place)]


def _flatten(module: Any, place: str) -> list[Step]:
    if module.start_dim != 1 or module.end_dim not in (-1, 1):
        raise SpecificationError(
            f"adopt: {place} joins other axes than those of one example; a Model takes a table of examples, "
            "so flatten them with start_dim=1"
        )
    return []


def _prelu(module: Any, place: str) -> list[Step]:
    slopes = _numbers(module.weight, place)
    if slopes.size != 1:
        raise SpecificationError(
            f"adopt: {place} has a slope for each of {slopes.size} units, and a layer here has one "
            "activation; train it with PReLU(1)"
        )
    return [_row("leaky_relu", slope=float(slopes[0]))]


def _gelu(module: Any, place: str) -> list[Step]:
    return [foreign_rows.GELU_TANH if module.approximate == "tanh" else activations["gelu"]]


def _softplus(module: Any, place: str) -> list[Step]:
    if module.beta == 0:
        raise SpecificationError(f"adopt: {place} divides by its beta of 0; give it another")
    return [foreign_rows.softplus(float(module.beta), float(module.threshold))]


def _row(name: str, **parameters: float) -> AnyActivation:
    return activations[name](**parameters)


def _always(row: AnyActivation) -> Callable[[Any, str], list[Step]]:
    return lambda module, place: [row]


def _nothing(module: Any, place: str) -> list[Step]:
    return []


_MODULES: dict[type[Any], Callable[[Any, str], list[Step]]] = {
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.Dropout: _dropout,
    nn.Flatten: _flatten,
    nn.Identity: _nothing,
    nn.ReLU: _always(activations["relu"]),
    nn.LeakyReLU: lambda module, place: [_row("leaky_relu", slope=float(module.negative_slope))],
    nn.PReLU: _prelu,
    nn.ELU: lambda module, place: [_row("elu", alpha=float(module.alpha))],
    nn.CELU: lambda module, place: [foreign_rows.CELU(alpha=float(module.alpha))],
    nn.SELU: _always(activations["selu"]),
    nn.GELU: _gelu,
    nn.SiLU: _always(activations["silu"]),
    nn.Mish: _always(activations["mish"]),
    nn.Hardswish: _always(foreign_rows.HARD_SWISH),
    nn.ReLU6: _always(foreign_rows.clip(0, 6)),
    nn.Hardtanh: lambda module, place: [foreign_rows.clip(module.min_val, module.max_val)],
    nn.Sigmoid: _always(activations["sigmoid"]),
    nn.Hardsigmoid: _always(activations["hard_sigmoid"]),
    nn.LogSigmoid: _always(foreign_rows.LOG_SIGMOID),
    nn.Tanh: _always(activations["tanh"]),
    nn.Softsign: _always(foreign_rows.SOFTSIGN),
    nn.Softplus: _softplus,
    nn.Softmax: _softmax,
}
