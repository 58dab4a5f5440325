"""L-BFGS: SciPy takes the steps, an engine gives loss and gradient over all examples at once."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.textbook import penalize, penalty
from clearprop.errors import SpecificationError
from clearprop.formulas.optimizers import Optimizer, optimizers
from clearprop.specification import Network, Parameters
from clearprop.training.course import Course, mean_gradient
from clearprop.training.run import Stopped


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
    from scipy.optimize import minimize

    engine, network = course.engine, course.engine.network
    stopped: list[Stopped] = []
    seen: list[float] = []

    def objective(theta: Array) -> tuple[float, Array]:
        loss, gradient = mean_gradient(engine, theta.astype(engine.dtype), course.data.training)
        loss += float(penalty(network, Parameters(network, theta)))
        gradient = penalize(network, theta, gradient)
        if not (np.isfinite(loss) and np.isfinite(gradient).all()):
            course.diverge("the loss or its gradient was not finite", 1, seen[-1] if seen else None)
        return loss, gradient

    def after_iteration(intermediate_result: object) -> None:
        theta: Array = intermediate_result.x  # type: ignore[attr-defined]
        loss = float(intermediate_result.fun)  # type: ignore[attr-defined]
        course.theta[:] = theta
        course.state.t += 1
        seen.append(loss)
        reason = course.end_epoch(loss, None)
        if reason is not None:
            stopped.append(reason)
            raise StopIteration

    epochs, row = course.rules.epochs, engine.optimizer
    result = minimize(
        objective,
        course.theta.astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        callback=after_iteration,
        options={
            "maxcor": int(row["memory"]),
            "gtol": row["tolerance"],
            "ftol": 8 * float(np.finfo(engine.dtype).eps),
            "maxiter": epochs + 1,  # the rules count them
            "maxfun": 40 * epochs + 1000,
        },
    )
    if stopped:
        return stopped[0]
    return "gradient norm" if np.abs(result.jac).max() <= row["tolerance"] else "tolerance"
