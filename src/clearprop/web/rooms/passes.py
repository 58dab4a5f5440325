"""A row's passes in stages: what each of them reaches, in words and equations."""

from __future__ import annotations

from dataclasses import dataclass

from clearprop.specification import Network


@dataclass(frozen=True)
class Stage:
    """A step of the passes: a title, and what is computed by which equation."""

    title: str
    equation: str


def stages(network: Network) -> list[Stage]:
    """The inputs, each layer forward, the loss, each layer backward.

    What belongs to layer l is reached forward at stage l, backward at stage 2 L + 2 - l.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> [stage.title for stage in stages(Network(2, [Dense(3), Dense(1)]))][2:5]
    ['Forward, layer 2 of 2', 'The loss', 'Backward, layer 2 of 2']
    """
    depth = network.depth
    found = [Stage("The inputs", "a[0] = x")]
    for l, layer in enumerate(network.layers, start=1):
        b = f" + b[{l}]" if layer.bias else ""
        name = layer.activation.name
        equation = f"z[{l}] = W[{l}] {_below(l)}{b} (F1), a[{l}] = {name}(z[{l}]) (F2)"
        found.append(Stage(f"Forward, layer {l} of {depth}", equation))
    found.append(Stage("The loss", f"C = {network.loss.name} of a[{depth}] and y"))
    for l in range(depth, 0, -1):
        through = f"W[{l + 1}]ᵀ delta[{l + 1}]" if l < depth else f"dC/da[{l}]"
        rule = "BP2" if l < depth else "BP1"
        b = f", dC/db[{l}] = delta[{l}] (BP3)" if network.layers[l - 1].bias else ""
        equation = (
            f"delta[{l}] = {through} ⊙ g'(z[{l}]) ({rule}){b}, dC/dW[{l}] = delta[{l}] {_below(l)}ᵀ (BP4)"
        )
        found.append(Stage(f"Backward, layer {l} of {depth}", equation))
    return found


def _below(l: int) -> str:
    return f"a[{l - 1}]" if l > 1 else "x"
