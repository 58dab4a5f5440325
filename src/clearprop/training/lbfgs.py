"""L-BFGS: SciPy takes the steps, an engine gives loss and gradient over all examples at once.

What is subtle is the end. A loss in float64 is known to about 1e-16 of itself, and near an optimum it is
flat: parameters a part in 1e8 apart give the same loss to the last bit, long before the gradient is small.
Two things would end a run there: SciPy's `ftol`, and a line search that compares losses. So in float64
`ftol` is 0, and once losses no longer tell steps apart the gain is taken from the gradients, which still do.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.protocol import Engine
from clearprop.engines.textbook import penalize, penalty
from clearprop.errors import SpecificationError
from clearprop.formulas.optimizers import Optimizer, optimizers
from clearprop.specification import Network, Parameters
from clearprop.training.course import Course, mean_gradient
from clearprop.training.run import Stopped

#: a function of theta (n,) that gives its value and its gradient (n,), float64
Objective: TypeAlias = Callable[[Array], tuple[float, Array]]

OUT_OF_ITERATIONS = 1  #: SciPy's status when iterations or calls are spent


def require_lbfgs(network: Network, optimizer: Optimizer) -> None:
    """Raise SpecificationError for settings that L-BFGS has no use for."""
    if network.has_dropout:
        raise SpecificationError(
            "L-BFGS compares the loss from step to step, and dropout draws another network each time; "
            "train with Adam, or set dropout to 0 (l2= on the Network regularises too)"
        )
    if optimizer.learning_rate != optimizers["lbfgs"].learning_rate:
        raise SpecificationError("L-BFGS finds the length of its steps itself; leave learning_rate out")
    if optimizer.weight_decay or optimizer.clip_norm is not None:
        raise SpecificationError(
            "L-BFGS takes neither weight_decay nor clip_norm; give the Network l2= instead"
        )


def minimise(course: Course) -> Stopped:
    """Iterate on the full batch until a rule of the run stops it, or nothing is left to gain.

    An iteration counts as an epoch. Steps, losses and penalties are float64 whatever the engine computes
    in; its gradients carry its own dtype's rounding, which sets how small a gain still means something.
    """
    engine, network = course.engine, course.engine.network
    stopped: list[Stopped] = []
    seen: list[float] = []

    def objective(theta: Array) -> tuple[float, Array]:
        loss, gradient = mean_gradient(engine, theta.astype(engine.dtype), course.data)
        loss += float(penalty(network, Parameters(network, theta)))
        gradient = penalize(network, theta, gradient)
        if not (np.isfinite(loss) and np.isfinite(gradient).all()):
            course.diverge("the loss or its gradient was not finite", 1, seen[-1] if seen else None)
        return loss, gradient

    def after_iteration(theta: Array, loss: float) -> None:
        course.theta[:] = theta
        course.state.t += 1
        seen.append(loss)
        reason = course.end_epoch(loss, None)
        if reason is not None:
            stopped.append(reason)
            raise StopIteration

    epochs, row = course.rules.epochs, engine.optimizer
    single = engine.dtype == np.float32
    with _one_thread(engine):
        result = minimum(
            objective,
            course.theta.astype(np.float64),
            tolerance=row["tolerance"],
            memory=int(row["memory"]),
            iterations=epochs + 1,  # the rules count them
            calls=40 * epochs + 1000,
            least_gain=8 * float(np.finfo(np.float32).eps) if single else 0.0,
            after_iteration=after_iteration,
        )
    if stopped:
        return stopped[0]
    return "gradient norm" if np.abs(result.jac).max() <= row["tolerance"] else "tolerance"


def _one_thread(engine: Engine) -> AbstractContextManager[None]:
    """One BLAS thread for SciPy's own products beside a compiled engine's.

    They are too small to share: threads that wait for each other cost up to 20 times the products, and the
    bits would depend on their number.
    """
    if engine.name == "textbook":
        return nullcontext()
    from clearprop.blas import one_blas_thread

    return one_blas_thread()


def minimum(
    objective: Objective,
    theta: Array,
    *,
    tolerance: float,
    memory: int = 10,
    iterations: int = 15000,
    calls: int = 15000,
    least_gain: float = 0.0,
    after_iteration: Callable[[Array, float], None] | None = None,
) -> Any:
    """Minimum of a smooth function by L-BFGS, as near as its gradient tells.

    Parameters
    ----------
    objective : function of theta (n,) -> (loss, gradient (n,)), float64
    theta : ndarray (n,), float64
        Where to start.
    tolerance : float
        Largest entry of the gradient, in size, at which the search ends.
    memory : int
        Pairs of steps and gradient differences that are remembered.
    iterations, calls : int
        Most iterations, and about the most calls of the objective.
    least_gain : float
        Gain of an iteration, as a share of the loss (or of 1, if that is more), that ends the search. With
        0 the search goes on by gradients alone where losses do not tell its steps apart.
    after_iteration : function of (theta, loss), optional
        Told after every iteration; ends the search by raising StopIteration.

    Returns
    -------
    scipy.optimize.OptimizeResult
        `x`, `fun`, `jac`, and the last search's `status` and `message`; `nit` and `nfev` count all of it.

    Examples
    --------
    >>> curvature = np.array([1.0, 1e-4])
    >>> result = minimum(lambda x: (1 + x @ (curvature * x), 2 * curvature * x), np.ones(2), tolerance=1e-13)
    >>> bool(abs(result.x).max() < 1e-9)
    True
    """
    from scipy.optimize import minimize as scipy_minimize

    searched, called = 0, 0
    halted = False

    def search(sought: Objective, start: Array, known: float) -> Any:
        def told(intermediate_result: Any) -> None:
            nonlocal halted
            if after_iteration is not None:
                halted = True  # unless the call below comes back
                after_iteration(intermediate_result.x, known + float(intermediate_result.fun))
                halted = False

        return scipy_minimize(
            sought,
            start,
            jac=True,
            method="L-BFGS-B",
            callback=told,
            options={
                "maxcor": memory,
                "gtol": tolerance,
                "ftol": least_gain,
                "maxiter": iterations - searched,
                "maxfun": calls - called,
            },
        )

    result = search(objective, theta, 0.0)
    searched, called, last = result.nit, result.nfev, np.inf
    while not (least_gain or halted or result.status == OUT_OF_ITERATIONS):
        size = np.abs(result.jac).max()
        if size <= tolerance or size > last / 2 or searched >= iterations or called >= calls:
            break
        last, start = size, result.x
        loss, slope = objective(start)  # after a line search that failed, SciPy's own may be another point's
        result = search(gain_over(objective, start, loss, slope), start, loss)
        result.fun += loss
        searched, called = searched + result.nit, called + result.nfev
    result.nit, result.nfev = searched, called
    return result


def gain_over(objective: Objective, start: Array, loss: float, gradient: Array) -> Objective:
    """The objective less its value at a point near the optimum, to many more digits than a difference gives.

    The gain is the trapezoid rule's, (gradient(start) + gradient(theta)) / 2 . (theta - start): exact for a
    quadratic function, which a smooth one is so near to its optimum. Where that and the difference of the
    two losses are further apart than the losses' rounding, it is the difference itself.
    """
    rounding = 64 * np.finfo(np.float64).eps * abs(loss)

    def gain(theta: Array) -> tuple[float, Array]:
        value, slope = objective(theta)
        difference, trapezoid = value - loss, 0.5 * float((gradient + slope) @ (theta - start))
        return trapezoid if abs(trapezoid - difference) <= rounding else difference, slope

    return gain
