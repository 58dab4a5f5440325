"""A whole pass: every number of a forward and a backward pass, by layer and example.

Computed by the textbook's own equations in float64 (a float32 network's parameters are exact in it), so the
numbers belong to each other to the last digit that is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array
from clearprop.engines import check_masks
from clearprop.engines.examples import check_examples, check_inputs
from clearprop.engines.protocol import Masks
from clearprop.engines.textbook import (
    ForwardPass,
    activate,
    backward_pass,
    dropped,
    example_losses,
    forward_pass,
    penalize,
    penalty,
)
from clearprop.errors import SpecificationError
from clearprop.glassbox.quantity import Kind, Quantity, read_name
from clearprop.specification import Network, Parameters


@dataclass(frozen=True)
class Conflict:
    """A number taken as given that the rest of the network makes otherwise.

    >>> print(Conflict("a[1][0]", 0.37, 0.62245933, 0))
    a[1][0] is taken as 0.37, and the equations give 0.622459
    """

    name: str
    given: float
    computed: float
    example: int

    def __str__(self) -> str:
        return f"{self.name} is taken as {self.given:g}, and the equations give {self.computed:.6g}"


@dataclass(frozen=True)
class WholePass:
    """All numbers of a pass, by layer l = 1..L.

    Attributes
    ----------
    network : Network
    theta : Parameters
        float64.
    X : ndarray (m, n_0)
    Y : ndarray (m, n_L) or None
        Targets as the loss takes them; None for a forward pass alone, which has no loss and no delta.
    scale : ndarray (m,)
        w_i / sum w of each example.
    masks : mapping from layer to bool ndarray, or None
        Dropout masks that were frozen.
    x, z, a : mapping from l to ndarray
        What layer l receives (m, n_{l-1}), z = W x + b (m, r_l), a = g(z) (m, n_l).
    delta : mapping from l to ndarray (m, r_l)
        dC/dz of each example, its share of the batch mean included.
    gradient : Parameters or None
        dC/dW[l] at `gradient.W[l]`, dC/db[l] at `gradient.b[l]`, penalties included.
    losses : ndarray (m,) or None
        Loss of each example, summed over its outputs.
    penalty : float
        P.
    given : mapping from name to number
        Numbers that were taken as they are.
    conflicts : tuple of Conflict
        Those that the equations make otherwise, beyond the digits they were given with.
    """

    network: Network
    theta: Parameters
    X: Array
    Y: Array | None
    scale: Array
    masks: Masks | None
    x: Mapping[int, Array]
    z: Mapping[int, Array]
    a: Mapping[int, Array]
    delta: Mapping[int, Array]
    gradient: Parameters | None
    losses: Array | None
    penalty: float
    given: Mapping[str, float] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()

    def __len__(self) -> int:
        return len(self.X)

    @property
    def y_hat(self) -> Array:
        """Outputs a[L], (m, n_L)."""
        return self.a[self.network.depth]

    @property
    def loss(self) -> float:
        """C: the weighted mean of the losses, and the penalties."""
        if self.losses is None:
            raise _unjudged("the loss")
        return float(self.scale @ self.losses) + self.penalty

    @property
    def dW(self) -> Mapping[int, Array]:
        """dC/dW[l], (r_l, n_{l-1}), penalties included."""
        return self._gradient("dC/dW").W

    @property
    def db(self) -> Mapping[int, Array | None]:
        """dC/db[l], (r_l,), or None for a layer without bias."""
        return self._gradient("dC/db").b

    def _gradient(self, what: str) -> Parameters:
        if self.gradient is None:
            raise _unjudged(what)
        return self.gradient


P = TypeVar("P", bound="WholePass")


def _unjudged(what: str) -> SpecificationError:
    return SpecificationError(f"{what} needs targets; trace(X, Y) instead of trace(X)")


def whole_pass(
    network: Network,
    theta: Parameters,
    X: npt.ArrayLike,
    Y: npt.ArrayLike | None = None,
    *,
    sample_weight: npt.ArrayLike | None = None,
    masks: Masks | None = None,
    given: Mapping[str, float] | None = None,
    kind: type[P] = WholePass,  # type: ignore[assignment]
) -> P:
    """Forward and backward pass of a batch, as a `kind` of `WholePass`; see `clearprop.trace`.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(1, "sigmoid")])
    >>> theta = Parameters(net, np.array([1.0, -1.0, 0.0]))
    >>> seen = whole_pass(net, theta, [[2.0, 2.0]], [1])
    >>> seen.z[1], seen.a[1], seen.delta[1], seen.dW[1]
    (array([[0.]]), array([[0.5]]), array([[-0.5]]), array([[-1., -1.]]))

    Notes
    -----
    (F1) to (F3) and BP1 to BP4 of the notes 001 and 004; see `engines/textbook.py`.
    """
    if theta.network.widths != network.widths or theta.flat.size != network.n_parameters:
        raise SpecificationError(f"theta belongs to {theta.network!r}, not to {network!r}")
    exact = Parameters(network, theta.flat.astype(np.float64))
    taken = _numbers_given(network, given or {})
    conflicts: list[Conflict] = []
    if Y is None:
        inputs, targets = check_inputs(network, X, np.float64), None
        scale = np.full(len(inputs), 1 / len(inputs))
    else:
        network.require_trainable()
        examples = check_examples(network, X, Y, np.float64, sample_weight)
        inputs, targets, scale = examples.X, examples.Y, examples.scale()
    checked = check_masks(network, masks, len(inputs))
    delta: dict[int, Array] = {}
    gradient = losses = None
    with np.errstate(all="ignore"):  # a network that diverged is shown as it is, infinities and all
        penalties = float(penalty(network, exact))
        seen = forward_pass(network, exact, inputs, checked)
        if taken:
            seen = _forward_from_given(network, exact, inputs, checked, taken, conflicts)
        if targets is not None:
            outputs_given = any(q.kind == "a" and q.layer == network.depth for q in taken)
            if outputs_given:  # the stable forms in z would judge another output
                losses = network.loss.value_of(seen.a[network.depth], targets).sum(axis=1)
            else:
                losses = example_losses(network, seen, targets)
            delta, plain = backward_pass(network, exact, seen, targets, scale, checked)
            gradient = Parameters(network, penalize(network, exact.flat, plain.flat))
    return kind(
        network=network,
        theta=exact,
        X=inputs,
        Y=targets,
        scale=scale,
        masks=checked,
        x=seen.x,
        z=seen.z,
        a=seen.a,
        delta=delta,
        gradient=gradient,
        losses=losses,
        penalty=penalties,
        given=dict(given or {}),
        conflicts=tuple(conflicts),
    )


def _numbers_given(network: Network, given: Mapping[str, float]) -> dict[Quantity, float]:
    """Quantities z[l][j] and a[l][j] of names; y_hat[k] is a[L][k]."""
    taken: dict[Quantity, float] = {}
    for name, value in given.items():
        q = read_name(name)
        if q.kind == "y_hat":
            q = Quantity("a", network.depth, q.units)
        if q.kind not in ("z", "a"):
            raise SpecificationError(
                f"{name!r} cannot be taken as given: z[l][j], a[l][j] and y_hat[k] can; weights are in "
                "theta, inputs in X"
            )
        l, (j,) = q.layer or 0, q.units
        widths = [layer.rows if q.kind == "z" else layer.units for layer in network.layers]
        if not 1 <= l <= network.depth or j >= widths[l - 1]:
            sizes = ", ".join(map(str, widths))
            raise SpecificationError(f"{name!r}: layers 1 to {network.depth} have {sizes} of these numbers")
        taken[q] = float(value)
    return taken


def _forward_from_given(
    network: Network,
    theta: Parameters,
    X: Array,
    masks: Masks | None,
    taken: Mapping[Quantity, float],
    conflicts: list[Conflict],
) -> ForwardPass:
    """(F1) to (F3), with some z and a replaced as they come up."""
    seen, x = ForwardPass(), dropped(X, network.dropouts[0], masks, 0)
    for l, layer in enumerate(network.layers, start=1):
        seen.x[l] = x
        b = theta.b[l]
        seen.z[l] = _replaced("z", l, x @ theta.W[l].T + (0.0 if b is None else b), taken, conflicts)
        seen.a[l] = _replaced("a", l, activate(layer.activation, seen.z[l]), taken, conflicts)
        x = dropped(seen.a[l], layer.dropout, masks, l)
    return seen


def _replaced(
    kind: Kind, l: int, computed: Array, taken: Mapping[Quantity, float], conflicts: list[Conflict]
) -> Array:
    """Numbers of a layer with those that are given."""
    numbers = computed.copy()
    for q, value in taken.items():
        if (q.kind, q.layer) == (kind, l):
            (j,) = q.units
            for example, other in enumerate(computed[:, j]):
                if not _agrees(value, float(other)):
                    conflicts.append(Conflict(q.text, value, float(other), example))
            numbers[:, j] = value
    return numbers


def _agrees(given: float, computed: float) -> bool:
    """Whether a number rounds to what is given, in the digits it is given with."""
    decimals = len(repr(given).partition("e")[0].partition(".")[2].rstrip("0"))
    return abs(given - computed) <= 0.5000001 * 10.0**-decimals
