"""Engines: the passes and the steps, over arrays the caller owns; nothing here reads files or keeps state.

`textbook` is NumPy and the oracle; `compiled` is the default. Training, the glass box and the model call
`engine_for`; users call `forward` and `gradient`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from clearprop.errors import SpecificationError
from clearprop.formulas.optimizers import Optimizer
from clearprop.specification import Network, Parameters

if TYPE_CHECKING:
    from clearprop.arrays import Array
    from clearprop.engines.protocol import Engine, Masks

EngineName = Literal["compiled", "textbook"]


def engine_for(
    name: EngineName,
    network: Network,
    *,
    dtype: npt.DTypeLike,
    optimizer: Optimizer | None = None,
    threads: int | None = None,
) -> Engine:
    """Engine of that name for a network; `threads` of the compiled one, as many as pay if left out.

    Raises
    ------
    SpecificationError
        When there is no such engine, or the dtype is neither float32 nor float64.
    """
    if name == "textbook":
        from clearprop.engines.textbook import Textbook

        return Textbook(network, dtype, optimizer)
    if name == "compiled":
        from clearprop.engines.compiled import Compiled

        return Compiled(network, dtype, optimizer, threads=threads)
    raise SpecificationError(f"engine is 'compiled' or 'textbook', not {name!r}")


def forward(
    network: Network, theta: Parameters, X: npt.ArrayLike, *, engine: EngineName = "compiled"
) -> Array:
    """Outputs of a network, without dropout: a^L of every row of X.

    Parameters
    ----------
    X : array (m, n_0)
        Examples; computed in the dtype of `theta`.

    Returns
    -------
    ndarray (m, n_L)
        y_hat: probabilities under softmax and sigmoid, numbers otherwise.

    Examples
    --------
    >>> import numpy as np
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(1, "sigmoid", initializer="zeros")])
    >>> forward(net, net.initialize(), np.ones((1, 2)), engine="textbook")
    array([[0.5]])
    """
    from clearprop.engines.examples import PIECE, check_table, converted

    _require_own(network, theta)
    table, real = check_table(network, X), theta.dtype
    computing = engine_for(engine, network, dtype=real)
    ready = table.dtype == real and table.flags.c_contiguous
    if ready or engine == "textbook":  # whose rows have other last bits in pieces
        return computing.forward(theta.flat, converted(table, real))
    y_hat = np.empty((len(table), network.widths[-1]), dtype=real)
    length = max(1, PIECE // (table.shape[1] * real.itemsize))
    for first in range(0, len(table), length):
        rows = slice(first, first + length)
        y_hat[rows] = computing.forward(theta.flat, converted(table[rows], real, first_row=first))
    return y_hat


def gradient(
    network: Network,
    theta: Parameters,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    *,
    engine: EngineName = "compiled",
    sample_weight: npt.ArrayLike | None = None,
    masks: Masks | None = None,
) -> tuple[float, Parameters]:
    """Loss C of a batch and dC/dtheta: weighted mean over examples plus penalties.

    Parameters
    ----------
    X : array (m, n_0)
    Y : array (m, n_L), or (m,) class indices (one column of numbers for losses of numbers)
    sample_weight : array (m,), optional
        Weights w_i; the mean is sum w_i loss_i / sum w_i.
    masks : mapping from layer l = 0..L-1 to bool array (m, n_l), optional
        Frozen dropout masks, True where a unit is kept; without them nothing is dropped.

    Returns
    -------
    loss : float
    gradient : Parameters
        dC/dW[l] at `gradient.W[l]`, dC/db[l] at `gradient.b[l]`.

    Examples
    --------
    >>> import numpy as np
    >>> from clearprop.specification import Dense
    >>> net = Network(1, [Dense(1)], loss="half_squared_error")
    >>> theta = net.initialize(seed=0)
    >>> theta.flat[:] = 2.0, 1.0
    >>> loss, grad = gradient(net, theta, [[3.0]], [[5.0]], engine="textbook")
    >>> loss, float(grad.W[1][0, 0]), float(grad.b[1][0])
    (2.0, 6.0, 2.0)

    Notes
    -----
    BP1 to BP4 of the notes 001 and 004; see `engines/textbook.py`.
    """
    from clearprop.engines.examples import check_examples
    from clearprop.engines.textbook import penalize, penalty

    _require_own(network, theta)
    network.require_trainable()
    examples = check_examples(network, X, Y, theta.dtype, sample_weight)
    checked = check_masks(network, masks, len(examples))
    computing = engine_for(engine, network, dtype=theta.dtype)
    loss, flat = computing.gradient_sum(theta.flat, examples.X, examples.Y, examples.scale(), checked)
    return loss + float(penalty(network, theta)), Parameters(network, penalize(network, theta.flat, flat))


def _require_own(network: Network, theta: Parameters) -> None:
    if not isinstance(network, Network) or not isinstance(theta, Parameters):
        raise SpecificationError(
            f"a Network and its Parameters come first (Parameters(network, flat) makes them of a vector), "
            f"not {type(network).__name__} and {type(theta).__name__}"
        )
    if theta.network.widths != network.widths or theta.flat.size != network.n_parameters:
        raise SpecificationError(f"theta belongs to {theta.network!r}, not to {network!r}")


def check_masks(network: Network, masks: Masks | None, m: int) -> Masks | None:
    """Masks as given, checked for layers and shapes."""
    if masks is None:
        return None
    wanted = {l: (m, network.widths[l]) for l, dropout in enumerate(network.dropouts) if dropout}
    given = {l: np.shape(mask) for l, mask in masks.items()}
    if given != wanted:
        raise SpecificationError(
            f"masks have shapes {given} by layer, and the network's dropout asks for {wanted}"
        )
    return {l: np.ascontiguousarray(mask, dtype=np.bool_) for l, mask in masks.items()}
