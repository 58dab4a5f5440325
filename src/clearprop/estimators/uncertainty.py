"""How sure a least-squares fit is of its predictions: Laplace's approximation with the Gauss-Newton Hessian.

Around the optimum the parameters are taken as normal with covariance s2 / m H**-1, where H is the Hessian
of the mean of half squared errors and s2 the noise: sum w r**2 / sum w, raised by m / (m - gamma) for the
gamma parameters that the data determine (gamma = trace of H**-1 J'J). Then var y(x) = s2 + j(x) cov j(x)',
with j(x) the exact Jacobian of the outputs. The m examples are the rows, or the sum of weights that are
whole numbers, which are repeats; other weights say how exact the rows are beside each other, and their
scale makes no difference.

Source: MacKay, A Practical Bayesian Framework for Backpropagation Networks, Neural Computation 4 (1992).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.blas import one_blas_thread
from clearprop.engines.jacobian import BLOCK_NUMBERS, jacobian
from clearprop.engines.textbook import forward_pass
from clearprop.specification import Parameters
from clearprop.training.levenberg import LeastSquares


@dataclass(frozen=True)
class Uncertainty:
    """What a least-squares fit knows about its own errors.

    Attributes
    ----------
    factor : ndarray (P, P)
        F with covariance of the parameters = F.T F * noise variance.
    noise : ndarray (n_L,)
        Standard deviation of the noise of each output.
    determined, numbers : float
        Parameters that the data determine, gamma, of so many numbers to learn from.
    """

    factor: Array
    noise: Array
    determined: float
    numbers: float

    def std(self, theta: Parameters, X: Array) -> Array:
        """Standard deviation of new targets at X (m, n_0): (m, n_L)."""
        if self.numbers - self.determined < 0.5:
            raise ValueError(
                f"return_std: the fit determines {self.determined:.1f} parameters from {self.numbers:g} "
                "numbers, which leaves none to measure its errors by; raise alpha, or fit fewer units"
            )
        network = theta.network
        rows = max(1, BLOCK_NUMBERS // (network.n_parameters * network.output.units))
        spread = []
        for first in range(0, len(X), rows):
            J = jacobian(network, theta, X[first : first + rows])
            spread.append(np.sqrt(((J @ self.factor.T) ** 2).sum(axis=2) + 1) * self.noise)
        return np.concatenate(spread)


def uncertainty_of(problem: LeastSquares, theta: Parameters) -> Uncertainty:
    """Uncertainty of a fit that has reached its optimum, float64."""
    from scipy.linalg import solve_triangular

    examples, network = problem.examples, problem.network
    theta = theta.astype(np.float64)
    with one_blas_thread():
        _, squares = problem.linearise(theta.flat)
        H = squares + np.diag(problem.penalty_curvature)
        H[np.diag_indices_from(H)] += 1e-12 * max(float(np.diag(H).max()), 1e-300)  # directions nothing fixes
        root = np.linalg.cholesky(H)
        inverse = solve_triangular(root, np.eye(len(H)), lower=True)
    determined = float(((inverse @ squares) * inverse).sum())
    residuals = forward_pass(network, theta, examples.X).a[network.depth] - examples.Y
    scale = examples.scale()[:, None]
    weights = np.ones(len(examples)) if examples.weights is None else examples.weights
    m = float(weights.sum() if (weights == np.rint(weights)).all() else (weights > 0).sum())
    numbers = m * network.output.units
    left = max(numbers - determined, 1e-300)
    noise = np.sqrt((scale * residuals**2).sum(axis=0) * numbers / left)
    return Uncertainty(inverse * np.sqrt(problem.curvature / m), noise, determined, numbers)
