"""Levenberg-Marquardt: Newton's steps for squared losses, from exact Jacobians alone.

With residuals r_ik = sqrt(2 c s_i) (a_ik - y_ik), where s_i = w_i / sum w and the loss is c (a - y)**2, the
objective is |r|**2 / 2 + P and its Gauss-Newton Hessian H = J'J + l2 (on weights). A step solves
(H + damping I) d = -gradient; the damping falls while the model of the loss predicts it well, and grows
until a step is better than none. Where a step's gain is below the rounding of the loss, the largest slope
judges it instead; so the optimum is found to the precision of its gradient.

It pays on small data: memory is n_parameters**2, and a step costs m n_L n_parameters**2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.blas import one_blas_thread
from clearprop.engines.examples import Examples
from clearprop.engines.jacobian import BLOCK_NUMBERS, parameter_jacobian
from clearprop.engines.textbook import forward_pass, penalize, penalty
from clearprop.errors import SpecificationError
from clearprop.formulas.optimizers import Optimizer, optimizers
from clearprop.specification import Network, Parameters
from clearprop.training.course import Course
from clearprop.training.run import Stopped

MOST_PARAMETERS = 5000  #: of a network; their Hessian takes 200 MB
_CURVATURES = {"half_squared_error": 1.0, "squared_error": 2.0}  #: 2 c


def require_levenberg(network: Network, optimizer: Optimizer) -> None:
    """Raise SpecificationError for a network or settings that Levenberg-Marquardt has no use for."""
    if network.loss.name not in _CURVATURES:
        raise SpecificationError(
            f"Levenberg-Marquardt minimises squared errors, not {network.loss.name!r}; use loss "
            "'squared_error' (numbers), or train with LBFGS()"
        )
    if network.has_dropout:
        raise SpecificationError(
            "Levenberg-Marquardt compares the loss from step to step, and dropout draws another network each "
            "time; train with Adam, or set dropout to 0 (l2= on the Network regularises too)"
        )
    if network.l1:
        raise SpecificationError(
            "Levenberg-Marquardt needs a penalty with a second derivative, and l1 has none; use l2, or Adam"
        )
    if optimizer.learning_rate != optimizers["levenberg_marquardt"].learning_rate:
        raise SpecificationError(
            "Levenberg-Marquardt finds the length of its steps itself; leave learning_rate out"
        )
    if optimizer.weight_decay or optimizer.clip_norm is not None:
        raise SpecificationError(
            "Levenberg-Marquardt takes neither weight_decay nor clip_norm; give the Network l2= instead"
        )
    if network.n_parameters > MOST_PARAMETERS:
        raise SpecificationError(
            f"Levenberg-Marquardt solves for all parameters at once and takes {MOST_PARAMETERS} at most; "
            f"this network has {network.n_parameters}. Use fewer units, or LBFGS()"
        )


@dataclass(frozen=True)
class LeastSquares:
    """The objective of a network with a squared loss on examples: value, gradient and Hessian; float64."""

    network: Network
    examples: Examples

    def __post_init__(self) -> None:
        examples = self.examples
        X, Y = (given.astype(np.float64, copy=False) for given in (examples.X, examples.Y))
        weights = None if examples.weights is None else examples.weights.astype(np.float64, copy=False)
        given = Examples(X, Y, weights)
        object.__setattr__(self, "examples", given)

    @property
    def curvature(self) -> float:
        """2 c of the loss c (a - y)**2: the second derivative of its value."""
        return _CURVATURES[self.network.loss.name]

    def value(self, theta: Array) -> float:
        """Mean loss and penalties; inf where they are not finite."""
        parameters = Parameters(self.network, theta)
        with np.errstate(all="ignore"):
            outputs = forward_pass(self.network, parameters, self.examples.X).a[self.network.depth]
            losses = ((outputs - self.examples.Y) ** 2).sum(axis=1) * (self.curvature / 2)
            value = float(self.examples.scale() @ losses) + float(penalty(self.network, parameters))
        return value if np.isfinite(value) else np.inf

    def linearise(self, theta: Array) -> tuple[Array, Array]:
        """Gradient (P,) and J'J (P, P), without the penalties' l2, in fixed blocks of examples."""
        network, examples = self.network, self.examples
        P, parameters = network.n_parameters, Parameters(network, theta)
        gradient, hessian = np.zeros(P), np.zeros((P, P))
        scale = examples.scale() * self.curvature
        rows = max(1, BLOCK_NUMBERS // (P * network.output.units))
        for first in range(0, len(examples), rows):
            block = slice(first, first + rows)
            seen = forward_pass(network, parameters, examples.X[block])
            roots = np.sqrt(scale[block])[:, None]
            J = (parameter_jacobian(network, parameters, seen) * roots[:, :, None]).reshape(-1, P)
            r = (roots * (seen.a[network.depth] - examples.Y[block])).ravel()
            gradient += J.T @ r
            hessian += J.T @ J
        return penalize(network, theta, gradient), hessian

    @property
    def penalty_curvature(self) -> Array:
        """Second derivatives of the penalties, (P,)."""
        curvature = np.zeros(self.network.n_parameters)
        for segment in self.network.segments:
            curvature[segment.offset : segment.stop] = segment.l2
        return curvature


@dataclass(frozen=True)
class Step:
    """Parameters after an accepted step, and the objective there."""

    theta: Array
    value: float


def levenberg_marquardt(
    problem: LeastSquares, theta: Array, *, damping: float, tolerance: float
) -> Iterator[Step]:
    """Accepted steps, until the largest slope is within `tolerance` or no step is better than none.

    Source: Madsen, Nielsen and Tingleff, Methods for Non-Linear Least Squares Problems (2004), 3.2.
    """
    from scipy.linalg import cho_factor, cho_solve

    theta = theta.astype(np.float64)
    value = problem.value(theta)
    curvature = problem.penalty_curvature
    growth, mu = 2.0, 0.0
    while True:
        with one_blas_thread():
            gradient, hessian = problem.linearise(theta)
        if not np.isfinite(hessian).all() or np.abs(gradient).max() <= tolerance:
            return
        diagonal = np.diag_indices_from(hessian)
        hessian[diagonal] += curvature
        mu = mu or damping * float(hessian[diagonal].max())
        plain = hessian[diagonal].copy()
        while True:
            hessian[diagonal] = plain + mu
            try:
                with one_blas_thread():
                    d = -cho_solve(cho_factor(hessian, lower=True, check_finite=False), gradient)
            except np.linalg.LinAlgError:  # not positive in rounding: more damping makes it so
                mu, growth = mu * growth, growth * 2
                continue
            if np.abs(d).max() <= 4 * np.finfo(np.float64).eps * (np.abs(theta).max() + 1e-30):
                return
            tried = problem.value(theta + d)
            foreseen = 0.5 * float(d @ (mu * d - gradient))
            if foreseen <= 16 * np.finfo(np.float64).eps * value:
                with one_blas_thread():
                    slope, _ = problem.linearise(theta + d)
                if not np.abs(slope).max() < np.abs(gradient).max():
                    return
                theta, value = theta + d, tried
                break
            if tried < value:
                theta, gain = theta + d, (value - tried) / foreseen
                value, mu, growth = tried, mu * max(1 / 3, 1 - (2 * gain - 1) ** 3), 2.0
                break
            mu, growth = mu * growth, growth * 2
        yield Step(theta, value)


def minimise_squares(course: Course) -> Stopped:
    """Take Levenberg-Marquardt's steps until a rule of the run stops it; a step counts as an epoch."""
    row = course.engine.optimizer
    problem = LeastSquares(course.engine.network, course.data.training)
    if not np.isfinite(problem.value(course.theta.astype(np.float64))):
        course.diverge("the loss was not finite", 1, None)
    steps = levenberg_marquardt(problem, course.theta, damping=row["damping"], tolerance=row["tolerance"])
    for step in steps:
        course.theta[:] = step.theta
        course.state.t += 1
        stopped = course.end_epoch(step.value, None)
        if stopped is not None:
            return stopped
    gradient, _ = problem.linearise(course.theta.astype(np.float64))
    return "gradient norm" if np.abs(gradient).max() <= row["tolerance"] else "tolerance"
