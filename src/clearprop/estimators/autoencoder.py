"""`Autoencoder`: a network that gives back its inputs through a narrow code, as scikit-learn's transformer.

Here are its parameters and its fit, by the house's own loop on pairs (x, x); what it then answers is in
`coder`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, validate_data

from clearprop.arrays import Array
from clearprop.company import at_most
from clearprop.engines.examples import check_weights
from clearprop.estimators.coder import REAL, Coder, in_order
from clearprop.estimators.jobs import threads_of
from clearprop.estimators.settings import (
    CONSTRAINTS,
    ROWS_OF_ACTIVATIONS,
    ActivationSetting,
    as_row,
    hidden_rows,
    hidden_sizes,
)
from clearprop.estimators.validating import validated
from clearprop.formulas.activations import AnyActivation, activations
from clearprop.formulas.losses import Loss, as_loss, losses
from clearprop.formulas.optimizers import Optimizer, optimizers
from clearprop.model import Model
from clearprop.specification import Dense, Network, Parameters
from clearprop.training import train

#: parameters that mean what they mean in the drop-ins
_SHARED = (
    *("hidden_layer_sizes", "activation", "output_activation", "l1", "dropout", "batch_size", "max_iter"),
    *("learning_rate_init", "tol", "n_iter_no_change", "early_stopping", "random_state", "verbose", "n_jobs"),
)


class Autoencoder(Coder):
    """Learn a code of a few numbers from which the inputs can be told: a curved principal component analysis.

    Minimises the weighted mean over rows of loss(decoder(encoder(x)), x), plus l2/2 |W|^2 + l1 |W|_1. With
    `hidden_layer_sizes=()` and identities it is a linear map onto the principal components' subspace.
    Standardise the inputs first.

    Parameters
    ----------
    n_components : int
        Numbers in the code.
    hidden_layer_sizes : int or sequence of int
        Units of the encoder's hidden layers, from the inputs to the code; the decoder's are the same, back.
    activation : str, row, or a list with one for each of the encoder's hidden layers
        Of the hidden layers; the decoder's mirror the encoder's.
    code_activation : str or row
    output_activation : str or row, optional
        The one that the loss is made for: the identity for a squared error.
    loss : str or Loss
        Such as "huber", or "binary_cross_entropy" for inputs from 0 to 1.
    solver : str or Optimizer
        A name of `clearprop.optimizers`, with the rate `learning_rate_init`; or an optimizer such as
        `AdamW(Cosine(0.01))`, whose own values replace it. "lbfgs" takes all rows at once and ends when no
        entry of the gradient is larger than `tol`.
    l1, l2 : float
        Penalties on the weights, beside the mean loss.
    batch_size : int or "auto"
        Rows a step; "auto" takes 200, or all if there are fewer.
    learning_rate_init : float
    max_iter : int
        Epochs, at most.
    tol, n_iter_no_change : float, int
        So many epochs in a row that do not lower the loss (`early_stopping`: on held-out rows) by more
        than `tol` end the fit.
    early_stopping : bool
        Whether to hold out `validation_fraction` of the rows, and keep the parameters best on them.
    validation_fraction : float
    dropout, denoising : float
        Chance that a hidden unit, an input, is dropped in training; the whole input is to be given back.
    random_state : int, RandomState or None
        An integer is the seed itself: the same fit, to the bit.
    verbose : bool
        Whether to show a progress bar on standard error.
    n_jobs : int, optional
        Threads to compute with, at most, as for `MLPClassifier`.

    Attributes
    ----------
    model_ : Model
        The whole network, with its history; `encoder_` and `decoder_` are Models of its halves. Each can be
        saved by itself.
    network_ : Network
    theta_ : Parameters
    reconstruction_error_ : float
        Squared error of the rows fitted to, mean over rows (by weight) and features, nothing dropped.
    loss_curve_ : list of float
        One loss an epoch, penalties included.
    n_iter_ : int
        Epochs.
    n_components_, n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only when X was a DataFrame.

    Notes
    -----
    A weight of 2 is a row given twice, and a weight of 0 a row left out, as long as a batch holds all rows
    and nothing is dropped or held out; in smaller batches the rows meet in another order.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import StandardScaler
    >>> X = StandardScaler().fit_transform(load_iris().data)
    >>> autoencoder = Autoencoder(n_components=2, random_state=0).fit(X)
    >>> autoencoder.transform(X).shape
    (150, 2)
    >>> autoencoder.reconstruction_error_ < 0.04  # two principal components leave 0.042
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{name: CONSTRAINTS[name] for name in _SHARED},
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "code_activation": [StrOptions({"logistic", *activations}), *ROWS_OF_ACTIVATIONS],
        "loss": [StrOptions(set(losses)), Loss],
        "solver": [StrOptions(set(optimizers)), Optimizer],
        "l2": [Interval(Real, 0, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "denoising": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        n_components: int = 2,
        *,
        hidden_layer_sizes: int | Sequence[int] = (32,),
        activation: ActivationSetting = "tanh",
        code_activation: str | AnyActivation = "identity",
        output_activation: str | AnyActivation | None = None,
        loss: str | Loss = "half_squared_error",
        solver: str | Optimizer = "adam",
        l1: float = 0.0,
        l2: float = 0.0,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate_init: float = 0.01,
        max_iter: int = 500,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        dropout: float = 0.0,
        denoising: float = 0.0,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int = False,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.code_activation = code_activation
        self.output_activation = output_activation
        self.loss = loss
        self.solver = solver
        self.l1 = l1
        self.l2 = l2
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.dropout = dropout
        self.denoising = denoising
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs

    @validated
    def fit(self, X: Any, y: Any = None, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Learn the code of rows X.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix (m, n_0)
            Numbers; float32 is computed in float32, anything else in float64. Sparse input is made dense.
        y : ignored
        sample_weight : array (m,), optional

        Returns
        -------
        self

        Raises
        ------
        DataError, SpecificationError
            When data or settings cannot be used.
        TrainingDiverged
            When the loss stops being finite.
        """
        X = in_order(validate_data(self, X, accept_sparse=["csr", "csc"], dtype=REAL))
        weights = None
        if sample_weight is not None:
            weights = check_weights(_check_sample_weight(sample_weight, X, dtype=np.float64), len(X))
        if weights is not None and not weights.all():
            X, weights = X[weights > 0], weights[weights > 0]
        network, rule = self._network(X.shape[1]), self._rule()
        state = self.random_state
        seed = int(state if isinstance(state, int | np.integer) else check_random_state(state).randint(2**31))
        by_standstill = (rule.step or self.early_stopping) and np.isfinite(self.n_iter_no_change)
        with at_most(threads_of(self.n_jobs)):
            run = train(
                network,
                X,
                X,
                optimizer=rule,
                batch_size=min(200, len(X)) if self.batch_size == "auto" else self.batch_size,
                epochs=self.max_iter,
                seed=seed,
                validation=float(self.validation_fraction) if self.early_stopping else None,
                sample_weight=weights,
                initial=_first_parameters(network, X, weights, seed),
                patience=int(self.n_iter_no_change) if by_standstill else None,
                tolerance=float(self.tol) if by_standstill else 0.0,
                progress=bool(self.verbose),
            )
        if run.stopped == "epochs":
            warnings.warn(
                f"max_iter={self.max_iter} epochs were taken before the loss stood still; give more, or a "
                "larger tol",
                ConvergenceWarning,
                stacklevel=3,
            )
        elif run.stopped == "interrupted":
            warnings.warn("Training interrupted by user.", stacklevel=3)
        self.model_ = Model.of(run)
        self.n_components_ = int(self.n_components)
        self.n_iter_ = len(run.history["epoch"])
        self.loss_curve_: list[float] = run.history["loss"]
        self.reconstruction_error_ = float(np.average(self._errors(X), weights=weights))
        return self

    def _rule(self) -> Optimizer:
        if isinstance(self.solver, Optimizer):
            return self.solver
        row = optimizers[self.solver]
        return row(self.learning_rate_init) if row.step else row(tolerance=float(self.tol))

    def _network(self, inputs: int) -> Network:
        """The encoder's layers, and the decoder's on top."""
        sizes = hidden_sizes(self.hidden_layer_sizes)
        rows = hidden_rows(self.activation, len(sizes))
        hidden = [Dense(n, row, dropout=self.dropout) for n, row in zip(sizes, rows, strict=True)]
        code = Dense(self.n_components, as_row(self.code_activation))
        loss = as_loss(self.loss)
        output = Dense(
            inputs, as_row(loss.link if self.output_activation is None else self.output_activation)
        )
        layers = (*hidden, code, *reversed(hidden), output)
        return Network(inputs, layers, loss=loss, l1=self.l1, l2=self.l2, input_dropout=self.denoising)


def _first_parameters(network: Network, X: Array, weights: Array | None, seed: int) -> Parameters:
    """Drawn weights; biases such that the inputs' means are taken off at the bottom, and put back on top.

    Back only where outputs are plain sums. So means, however far from 0, need not be learnt.
    """
    theta = network.initialize(seed)
    means = np.average(X, axis=0, weights=weights)
    first, last = theta.b[1], theta.b[network.depth]
    if first is not None:
        first -= theta.W[1] @ means
    if last is not None and network.output.activation == activations["identity"]:
        last[...] = means
    return theta
