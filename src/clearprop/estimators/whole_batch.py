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
from sklearn.utils.optimize import _check_optimize_result

from clearprop.arrays import Array
from clearprop.errors import SpecificationError
from clearprop.estimators.judging import Judge
from clearprop.estimators.steps import Objective, Reported
from clearprop.training.levenberg import LeastSquares, levenberg_marquardt, require_levenberg


def fit_lbfgs(estimator: Any, objective: Objective, judge: Judge, data: Reported, theta: Array) -> Array:
    """Parameters after SciPy's L-BFGS-B; steps in float64, gradients in the objective's dtype."""
    from scipy.optimize import minimize

    if objective.network.has_dropout:
        raise SpecificationError(
            "L-BFGS compares losses from step to step, and dropout draws another network each time; use "
            "solver='adam', or dropout=0"
        )
    rule = objective.rule
    stopped = False

    def after_iteration(intermediate_result: Any) -> None:
        nonlocal stopped
        parameters = intermediate_result.x.astype(objective.dtype)
        stopped = judge.end_epoch(parameters, float(intermediate_result.fun), None)
        stopped = stopped or (judge.stops_early and judge.stands_still)
        if stopped:
            raise StopIteration

    options = {"maxfun": estimator.max_fun, "maxiter": estimator.max_iter, "gtol": rule["tolerance"]}
    if estimator.solver != "lbfgs":
        options |= {"maxcor": int(rule["memory"]), "ftol": 8 * float(np.finfo(objective.dtype).eps)}
    result = minimize(
        objective.loss_and_gradient,
        theta.astype(np.float64),
        args=(data,),
        method="L-BFGS-B",
        jac=True,
        callback=after_iteration,
        options=options,
    )
    if not stopped:
        estimator.n_iter_ = _check_optimize_result("lbfgs", result, estimator.max_iter)
    estimator.loss_ = float(result.fun)
    return judge.kept(result.x.astype(objective.dtype))


def least_squares(objective: Objective, data: Reported) -> LeastSquares:
    """The objective as Levenberg-Marquardt sees it, its penalty divided by the weight of the examples."""
    alpha = objective.alpha / data.examples.total_weight()
    network = replace(objective.network, l2=alpha, l1=objective.l1)
    require_levenberg(network, objective.rule)
    return LeastSquares(network, data.examples)


def fit_levenberg(estimator: Any, objective: Objective, judge: Judge, data: Reported, theta: Array) -> Array:
    """Parameters after Levenberg-Marquardt's steps, in float64."""
    problem, rule = least_squares(objective, data), objective.rule
    if not np.isfinite(problem.value(theta.astype(np.float64))):
        return theta * np.nan
    steps = levenberg_marquardt(problem, theta, damping=rule["damping"], tolerance=rule["tolerance"])
    weight = data.examples.total_weight()
    for step in steps:
        theta = step.theta
        penalty = objective.engine.penalty(theta) / weight
        reported = objective.reported(step.value - penalty, data) + penalty
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
        judge.end_epoch(theta.astype(objective.dtype), problem.value(theta.astype(np.float64)), None)
    return judge.kept(theta.astype(objective.dtype))
