"""Fits that take all examples at once: scikit-learn's L-BFGS, and Levenberg-Marquardt.

Both go through `Judge` iteration by iteration, so curves, early stopping and callbacks work as they do
with mini-batches. L-BFGS has scikit-learn's options when it is asked for by name, and so its numbers; an
`LBFGS(...)` object runs on to its own tolerance.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from clearprop.arrays import Array
from clearprop.errors import SpecificationError
from clearprop.estimators.judging import Judge
from clearprop.estimators.steps import Objective, Reported
from clearprop.training.lbfgs import minimum
from clearprop.training.levenberg import LeastSquares, levenberg_marquardt, require_levenberg


def fit_lbfgs(estimator: Any, objective: Objective, judge: Judge, data: Reported, theta: Array) -> Array:
    """Parameters after SciPy's L-BFGS-B; steps in float64, gradients in the objective's dtype."""
    if objective.network.has_dropout:
        raise SpecificationError(
            "L-BFGS compares losses from step to step, and dropout draws another network each time; use "
            "solver='adam', or dropout=0"
        )
    stopped = False
    estimator.n_iter_ = estimator._no_improvement_count = 0

    def after_iteration(theta: Array, loss: float) -> None:
        nonlocal stopped
        stopped = judge.end_epoch(theta.astype(objective.dtype), loss, None)
        stopped = stopped or (judge.stops_early and judge.stands_still)
        if stopped:
            raise StopIteration

    search = _as_scikit_learn if estimator.solver == "lbfgs" else _to_the_gradient
    result = search(estimator, objective, data, theta.astype(np.float64), after_iteration)
    if not stopped:
        from sklearn.utils.optimize import _check_optimize_result  # brings scipy.optimize

        estimator.n_iter_ = _check_optimize_result("lbfgs", result, estimator.max_iter)
        estimator.loss_ = estimator.loss_curve_[-1] if estimator.loss_curve_ else float(result.fun)
    return judge.kept(result.x.astype(objective.dtype))


def _as_scikit_learn(
    estimator: Any, objective: Objective, data: Reported, theta: Array, after_iteration: Any
) -> Any:
    """SciPy's result with scikit-learn's options, its loss reported by mean and its gradient by sum."""
    from scipy.optimize import minimize

    def told(intermediate_result: Any) -> None:
        after_iteration(intermediate_result.x, float(intermediate_result.fun))

    return minimize(
        objective.loss_and_gradient,
        theta,
        args=(data,),
        method="L-BFGS-B",
        jac=True,
        callback=told,
        options={"maxfun": estimator.max_fun, "maxiter": estimator.max_iter, "gtol": estimator.tol},
    )


def _to_the_gradient(
    estimator: Any, objective: Objective, data: Reported, theta: Array, after_iteration: Any
) -> Any:
    """Result of a search that goes on until the rule's tolerance holds; loss and gradient belong together."""
    rule = objective.rule
    trained = replace(objective, share=1.0)
    single = objective.dtype == np.float32
    return minimum(
        lambda at: trained.loss_and_gradient(at, data),
        theta,
        tolerance=rule["tolerance"],
        memory=int(rule["memory"]),
        iterations=estimator.max_iter,
        calls=estimator.max_fun,
        least_gain=8 * float(np.finfo(np.float32).eps) if single else 0.0,
        after_iteration=lambda at, loss: after_iteration(at, _reported(objective, data, at, loss)),
    )


def _reported(objective: Objective, data: Reported, theta: Array, trained: float) -> float:
    """The loss to report for the trained one, penalties included in both."""
    penalty = objective.engine.penalty(theta) / data.examples.total_weight()
    return (trained - penalty) * objective.share + penalty


def least_squares(objective: Objective, data: Reported) -> LeastSquares:
    """The objective as Levenberg-Marquardt sees it, its penalty divided by the weight of the examples."""
    alpha = objective.alpha / data.examples.total_weight()
    network = replace(objective.network, l2=alpha, l1=objective.l1)
    require_levenberg(network, objective.rule)
    weights = data.examples.weights
    if weights is not None and (weights < 0).any():
        raise ValueError(
            f"Levenberg-Marquardt takes sample weights from 0, and the least is {weights.min():g}"
        )
    return LeastSquares(network, data.examples)


def fit_levenberg(estimator: Any, objective: Objective, judge: Judge, data: Reported, theta: Array) -> Array:
    """Parameters after Levenberg-Marquardt's steps, in float64."""
    problem, rule = least_squares(objective, data), objective.rule
    if not np.isfinite(problem.value(theta.astype(np.float64))):
        estimator.loss_ = np.nan
        return theta * np.nan
    estimator.n_iter_ = estimator._no_improvement_count = 0
    steps = levenberg_marquardt(problem, theta, damping=rule["damping"], tolerance=rule["tolerance"])
    for step in steps:
        theta = step.theta
        reported = _reported(objective, data, theta, step.value)
        stopped = judge.end_epoch(theta.astype(objective.dtype), reported, None)
        if stopped or (judge.stops_early and judge.stands_still):
            break
        if estimator.n_iter_ >= estimator.max_iter:
            warnings.warn(
                f"Levenberg-Marquardt: Maximum iterations ({estimator.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=6,
            )
            break
    if estimator.n_iter_ == 0:  # the first parameters were the optimum
        reported = _reported(objective, data, theta, problem.value(theta.astype(np.float64)))
        judge.end_epoch(theta.astype(objective.dtype), reported, None)
    return judge.kept(theta.astype(objective.dtype))
