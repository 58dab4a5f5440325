"""Exercises as plain data: a few steps of gradient descent, or of the perceptron's learning rule.

Every number is the textbook engine's, in float64; a sheet asks for them, a key derives them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array
from clearprop.engines.textbook import forward_pass
from clearprop.glassbox.trace import Trace, trace
from clearprop.specification import Network, Parameters

MOST_SWEEPS = 50  #: passes over a perceptron's table before it counts as not learnt


@dataclass(frozen=True, eq=False)
class Descent:
    """Steps of gradient descent, theta <- theta - eta dC/dtheta, on a few examples.

    Attributes
    ----------
    network : Network
    eta : float
        Learning rate.
    passes : tuple of Trace
        The forward and backward pass before each step, and one after the last; where numbers were taken as
        given there is none after it, as they belong to the old weights.
    thetas : tuple of Parameters
        Before each step, and after the last.
    """

    network: Network
    eta: float
    passes: tuple[Trace, ...]
    thetas: tuple[Parameters, ...]

    @property
    def steps(self) -> int:
        """Steps taken."""
        return len(self.thetas) - 1

    @property
    def losses(self) -> tuple[float, ...]:
        """C of each pass."""
        return tuple(seen.loss for seen in self.passes)

    @property
    def falls(self) -> bool:
        """Whether every step made the loss smaller."""
        return all(after < before for before, after in zip(self.losses, self.losses[1:], strict=False))


def descend(
    network: Network,
    theta: Parameters,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    *,
    eta: float,
    steps: int = 1,
    given: Mapping[str, float] | None = None,
) -> Descent:
    """Steps of gradient descent on X (m, n_0) and Y (m, n_L), from theta.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(1, [Dense(1)], loss="half_squared_error")
    >>> done = descend(net, Parameters(net, np.array([2.0, 1.0])), [[1.0]], [[5.0]], eta=0.5)
    >>> done.thetas[1].flat, done.losses
    (array([3., 2.]), (2.0, 0.0))

    Notes
    -----
    The step is that of the notes 001 and 004.
    """
    thetas, passes = [theta], []
    for _ in range(steps):
        seen = trace(network, thetas[-1], X, Y, given=given)
        assert seen.gradient is not None  # noqa: S101 - there are targets
        passes.append(seen)
        thetas.append(Parameters(network, thetas[-1].flat - eta * seen.gradient.flat))
    if not given:
        passes.append(trace(network, thetas[-1], X, Y))
    return Descent(network, eta, tuple(passes), tuple(thetas))


@dataclass(frozen=True, eq=False)
class Visit:
    """One example as the perceptron's rule meets it.

    Attributes
    ----------
    sweep, example : int
        From 0.
    z, y_hat, error : float
        error = y - y_hat: 0 where the unit is right, else 1 or -1.
    before, after : Parameters
    """

    sweep: int
    example: int
    z: float
    y_hat: float
    error: float
    before: Parameters
    after: Parameters


@dataclass(frozen=True, eq=False)
class Perceptron:
    """The perceptron's rule, w <- w + eta (y - y_hat) x and b <- b + eta (y - y_hat), example by example.

    Attributes
    ----------
    task : str
        What is to be learnt: "AND", "the points below".
    network : Network
        One unit with the activation `step`.
    X, y : ndarray (m, n_0), (m,)
    eta : float
    visits : tuple of Visit
    """

    task: str
    network: Network
    X: Array
    y: Array
    eta: float
    visits: tuple[Visit, ...]

    @property
    def sweeps(self) -> int:
        """Passes over the table."""
        return self.visits[-1].sweep + 1

    def sweep(self, k: int) -> tuple[Visit, ...]:
        """Visits of one pass."""
        return tuple(visit for visit in self.visits if visit.sweep == k)

    @property
    def mistakes(self) -> tuple[int, ...]:
        """Mistakes of each pass."""
        return tuple(sum(visit.error != 0 for visit in self.sweep(k)) for k in range(self.sweeps))

    @property
    def learnt(self) -> bool:
        """Whether the last pass made no mistake."""
        return self.mistakes[-1] == 0


def learn(
    task: str, network: Network, theta: Parameters, X: Array, y: Array, *, eta: float, sweeps: int
) -> Perceptron:
    """Passes of the perceptron's rule over X (m, n_0) and y (m,), `sweeps` or until one makes no mistake.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(1, [Dense(1, "step")])
    >>> X, y = np.array([[0.0], [1.0]]), np.array([1.0, 0.0])
    >>> done = learn("NOT", net, Parameters(net, np.array([1.0, 0.25])), X, y, eta=1.0, sweeps=9)
    >>> done.mistakes, done.visits[-1].after.flat
    ((1, 2, 1, 0), array([-1.  ,  0.25]))

    Notes
    -----
    Rosenblatt, Psychological Review 65 (1958); the note 001 has the unit.
    """
    visits: list[Visit] = []
    for sweep in range(sweeps):
        for example, x in enumerate(X):
            seen = forward_pass(network, theta, x[None])
            z, y_hat = float(seen.z[1][0, 0]), float(seen.a[1][0, 0])
            error = float(y[example]) - y_hat
            after = Parameters(network, theta.flat + eta * error * np.append(x, 1.0))
            visits.append(Visit(sweep, example, z, y_hat, error, theta, after))
            theta = after
        if all(visit.error == 0 for visit in visits[-len(X) :]):
            break
    return Perceptron(task, network, X, y, eta, tuple(visits))
