"""Scenes: a network with drawn numbers, and everything that a pass over it makes.

Truth comes from the textbook's passes alone. Numbers are drawn away from 0 and from kinks and are nothing
special, so that a wrong formula is not right by luck; or small (halves), to be followed by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.textbook import ForwardPass, activate, example_losses, penalty, pull_back
from clearprop.errors import SpecificationError
from clearprop.formulas import language
from clearprop.formulas.activations import Activation
from clearprop.glassbox.whole_pass import WholePass, whole_pass
from clearprop.specification import Network, Parameters

SMALL = np.array([-2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2])
_STEP = 1e-150  #: of the complex step
_CLEARANCE = 0.02  #: from a kink


@dataclass(frozen=True)
class Scene:
    """A network with numbers: weights, m examples with targets, a learning rate, and their whole pass."""

    seen: WholePass
    eta: float

    @property
    def network(self) -> Network:
        """The network."""
        return self.seen.network

    @property
    def m(self) -> int:
        """Examples."""
        return len(self.seen)

    @cached_property
    def da(self) -> Mapping[int, Array]:
        """dC/da[l], (m, n_l), l = 0..L, each example's share of the mean included; da[0] is dC/dx."""
        seen, L = self.seen, self.network.depth
        found = {l: seen.delta[l + 1] @ seen.theta.W[l + 1] for l in range(L)}
        found[L] = seen.scale[:, None] * self.network.loss.slope_of(seen.a[L], self.Y)
        return found

    @property
    def Y(self) -> Array:
        """Targets, (m, n_L)."""
        if self.seen.Y is None:
            raise AssertionError("a scene has targets")
        return self.seen.Y

    @property
    def at_kink(self) -> bool:
        """Whether some z, or the loss, is so near a kink that slopes say nothing."""
        seen, network = self.seen, self.network
        for l, layer in enumerate(network.layers, start=1):
            row = layer.activation
            kinks = row.kinks if isinstance(row, Activation) else ()
            if any((np.abs(seen.z[l] - kink) < _CLEARANCE).any() for kink in kinks):
                return True
        given = {"a": seen.y_hat, "y": seen.Y, **network.loss.constants}
        return any(
            (np.abs(np.asarray(language.evaluate(kink, given))) < _CLEARANCE).any()
            for kink in network.loss.kinks
        )

    def jacobian(self, of: str, above: int | None, by: str, below: int | None) -> Array:
        """d of / d by of the one example there is, by the complex step: shape of `of`, then shape of `by`.

        Parameters
        ----------
        of : {"C", "loss", "z", "a", "y_hat"}
        by : {"W", "b", "z", "a", "x", "y_hat"}
        """
        start = self._changed(by, below, None)
        shape = start.shape[1:] if start.ndim == 2 and by not in ("W", "b") else start.shape
        columns = []
        for place in np.ndindex(*shape):
            moved = start.astype(complex)
            moved[(0, *place) if moved.ndim > len(shape) else place] += 1j * _STEP
            columns.append(np.imag(self._changed(by, below, moved, of, above)) / _STEP)
        return np.moveaxis(np.array(columns), 0, -1).reshape(*columns[0].shape, *shape)

    def _changed(
        self, by: str, below: int | None, moved: Array | None, of: str = "", above: int | None = None
    ) -> Array:
        """The number `by` (layer `below`) itself; or, with another value `moved` in its place, `of`."""
        seen, network = self.seen, self.network
        if by in ("W", "b"):
            own = getattr(seen.theta, by)[below]
            if moved is None:
                return own
            theta = Parameters(network, seen.theta.flat.astype(complex))
            getattr(theta, by)[below][...] = moved
            fixed: dict[tuple[str, int], Array] = {}
        else:
            kind, layer = (
                ("a", {"x": 0, "y_hat": network.depth}.get(by, below)) if by != "z" else ("z", below)
            )
            if layer is None:
                raise AssertionError(f"{by} has a layer")
            if moved is None:
                return seen.z[layer] if kind == "z" else seen.X if layer == 0 else seen.a[layer]
            theta, fixed = Parameters(network, seen.theta.flat.astype(complex)), {(kind, layer): moved}
        return self._outcome(theta, fixed, of, above)

    def _outcome(
        self, theta: Parameters, fixed: Mapping[tuple[str, int], Array], of: str, layer: int | None
    ) -> Array:
        """A number of the forward pass in which some numbers are held."""
        made = ForwardPass()
        a = fixed.get(("a", 0), self.seen.X)
        for l, each in enumerate(self.network.layers, start=1):
            z = a @ theta.W[l].T
            bias = theta.b[l]
            z = z if bias is None else z + bias
            made.z[l] = fixed.get(("z", l), z)
            a = made.a[l] = fixed.get(("a", l), activate(each.activation, made.z[l]))
        if of in ("z", "a", "y_hat"):
            kept = made.z if of == "z" else made.a
            return kept[self.network.depth if of == "y_hat" else layer or 0][0]
        network = self.network
        if ("a", network.depth) in fixed:  # the loss of these outputs, not of the z behind them
            loss = network.loss.value_of(a, self.Y).sum()
        else:
            loss = example_losses(network, made, self.Y).sum()
        return np.asarray(loss + (penalty(network, theta) if of == "C" else 0))


def slope(network: Network, l: int, z: Array) -> Array:
    """g'(z) of layer l, elementwise; (m, n_l)."""
    row = network.layers[l - 1].activation
    return pull_back(row, np.ones_like(z), z, activate(row, z))


def draws(network: Network, m: int, *, hard: bool, count: int) -> tuple[Scene, ...]:
    """Scenes of a network with numbers that are nothing special.

    Parameters
    ----------
    m : int
        Examples.
    hard : bool
        Whether targets that may be probabilities are 0 and 1.
    """

    def numbers(generator: np.random.Generator, size: Any) -> Array:
        return generator.choice([-1.0, 1.0], size) * generator.uniform(0.15, 1.1, size)

    found = (scene for scene in _tries(network, m, numbers, hard) if not scene.at_kink)
    return tuple(scene for _, scene in zip(range(count), found, strict=False))


def small_scenes(network: Network, m: int, count: int) -> Iterator[Scene]:
    """Scenes in halves between -2 and 2, targets 0 and 1 or small whole numbers."""

    def numbers(generator: np.random.Generator, size: Any) -> Array:
        return generator.choice(SMALL, size)

    for _, scene in zip(range(count), _tries(network, m, numbers, hard=True), strict=False):
        if not scene.at_kink:
            yield replace(scene, eta=0.5)


def _tries(
    network: Network, m: int, numbers: Callable[[np.random.Generator, Any], Array], hard: bool
) -> Iterator[Scene]:
    """Scenes without end, each from its own seed; a network that none suits is an error."""
    for seed in range(2000):
        generator = np.random.default_rng([seed, m])
        theta = Parameters(network, numbers(generator, network.n_parameters))
        X = numbers(generator, (m, network.inputs))
        Y = _targets(network, generator, m, hard, whole=numbers(generator, 1)[0] in SMALL)
        seen: WholePass = whole_pass(network, theta, X, Y)
        scene = Scene(seen, float(generator.uniform(0.2, 0.9)))
        known = [seen.loss, *(np.abs(delta).max() for delta in seen.delta.values())]
        if np.isfinite(known).all():
            yield scene
    raise SpecificationError(f"no numbers were found on which {network!r} has finite slopes away from kinks")


def _targets(network: Network, generator: np.random.Generator, m: int, hard: bool, whole: bool) -> Array:
    """Targets that the loss takes, (m, n_L)."""
    shape = (m, network.output.units)
    match network.loss.targets:
        case "counts":
            return generator.integers(0, 4, shape).astype(np.float64)
        case "signs":
            return generator.choice([-1.0, 1.0], shape)
        case "probabilities":
            return (
                generator.integers(0, 2, shape).astype(float) if hard else generator.uniform(0.1, 0.9, shape)
            )
        case "distribution":
            if hard:
                return np.eye(shape[1])[generator.integers(0, shape[1], m)]
            return generator.dirichlet(np.full(shape[1], 3.0), m)
    return generator.integers(-2, 3, shape).astype(float) if whole else generator.uniform(-2, 2, shape)
