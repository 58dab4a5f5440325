"""JAX: a jitted step with donated parameters, and a whole epoch inside one `lax.scan`."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from benchmarks.speed.contenders import RATE
from benchmarks.speed.networks import Array, Case, Weights


def outputs(case: Case, theta, X):
    """z^L of X."""
    for l, (W, b) in enumerate(theta, start=1):
        X = X @ W + b
        if l < len(theta):
            X = jnp.tanh(X) if case.hidden == "tanh" else jax.nn.relu(X)
    return X


def loss(case: Case, theta, X, Y):
    """Mean loss of a batch."""
    z = outputs(case, theta, X)
    if not case.classes:
        return jnp.mean(jnp.square(z - Y))
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), Y[:, None], 1))


def descend(case: Case, state, X, Y):
    """One step of the optimizer."""
    theta, m, v, t = state
    gradient = jax.grad(loss, argnums=1)(case, theta, X, Y)
    if case.optimizer == "sgd":
        return jax.tree.map(lambda p, g: p - RATE * g, theta, gradient), m, v, t
    t = t + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
    by = 1 / (1 - 0.9**t), 1 / (1 - 0.999**t)
    theta = jax.tree.map(lambda p, m, v: p - RATE * (m * by[0]) / (jnp.sqrt(v * by[1]) + 1e-8), theta, m, v)
    return theta, m, v, t


class _Jax:
    def __init__(self, case: Case, threads: int, X: Array, Y: npt.NDArray) -> None:
        jax.config.update("jax_enable_x64", case.dtype == "float64")
        self.case, self.X, self.Y = case, jnp.asarray(X), jnp.asarray(Y)
        self.compile()

    def start(self, weights: Weights) -> None:
        dtype = self.case.dtype
        theta = [(jnp.array(W.T.astype(dtype)), jnp.array(b.astype(dtype))) for W, b in weights]
        m, v = jax.tree.map(jnp.zeros_like, theta), jax.tree.map(jnp.zeros_like, theta)
        self.state = (theta, m, v, jnp.array(0, dtype))
        self.key = jax.random.PRNGKey(0)

    def classes(self, X: Array) -> npt.NDArray:
        return np.asarray(self.predict(self.state[0], X))

    def compile(self) -> None:
        case = self.case
        self.predict = jax.jit(lambda theta, X: outputs(case, theta, X).argmax(axis=1))


class Scan(_Jax):
    """A call of compiled code an epoch; the order is drawn inside."""

    def compile(self) -> None:
        super().compile()
        case = self.case

        def epoch(state, key, X, Y):
            if case.full:
                return jax.lax.scan(
                    lambda state, _: (descend(case, state, X, Y), None), state, None, case.steps
                )[0]
            order = jax.random.permutation(key, case.rows).reshape(-1, case.batch)
            return jax.lax.scan(
                lambda state, rows: (descend(case, state, X[rows], Y[rows]), None), state, order
            )[0]

        self.compiled = jax.jit(epoch)

    def epoch(self) -> None:
        self.key, key = jax.random.split(self.key)
        self.state = jax.block_until_ready(self.compiled(self.state, key, self.X, self.Y))


class Step(_Jax):
    """A call of compiled code a step."""

    def compile(self) -> None:
        super().compile()
        case = self.case

        def step(state, rows, X, Y):
            return descend(case, state, *((X, Y) if case.full else (X[rows], Y[rows])))

        self.compiled = jax.jit(step, donate_argnums=0)
        self.generator = np.random.default_rng(0)

    def epoch(self) -> None:
        for _ in range(self.case.epochs):
            order = self.generator.permutation(self.case.rows)
            for rows in order.reshape(-1, self.case.batch):
                self.state = self.compiled(self.state, rows, self.X, self.Y)
        jax.block_until_ready(self.state)
