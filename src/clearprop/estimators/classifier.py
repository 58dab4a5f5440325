"""`MLPClassifier`: scikit-learn's classifier of that name, on clearprop's engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels
from sklearn.utils.validation import check_is_fitted, validate_data

from clearprop.arrays import Array
from clearprop.estimators.class_weights import weights_of_classes, weights_of_rows
from clearprop.estimators.ensemble import fit_members, mean_and_spread
from clearprop.estimators.inspecting import dense
from clearprop.estimators.labels import Labels
from clearprop.estimators.multilayer import MultilayerPerceptron
from clearprop.estimators.settings import CONSTRAINTS, ActivationSetting, loss_and_output
from clearprop.estimators.validating import validated
from clearprop.formulas.activations import AnyActivation
from clearprop.formulas.losses import Loss, losses
from clearprop.formulas.optimizers import Optimizer
from clearprop.formulas.rows import Interval
from clearprop.formulas.schedules import Schedule

_PROBABILITIES = Interval(0, 1, (True, True))


class MLPClassifier(ClassifierMixin, MultilayerPerceptron):  # type: ignore[misc]
    """Classifier in place of `sklearn.neural_network.MLPClassifier`: same settings, same steps.

    Minimises the mean over a batch of the log-loss, plus alpha/2 |W|^2 / (weight of the batch).

    Parameters
    ----------
    hidden_layer_sizes, activation, ..., max_fun
        As in scikit-learn. Besides, `activation` takes any name or row of `clearprop.activations`, or a
        list with one for each hidden layer; `solver` an optimizer such as `AdamW(1e-3)`, whose own values
        replace `learning_rate_init`, `momentum`, `beta_1`, ...; `learning_rate` a schedule such as
        `Cosine(1e-3)`, whose own rate replaces `learning_rate_init`, for every solver.
    dropout : float
        Chance that a hidden unit is dropped in training.
    class_weight : mapping from label to weight, or "balanced", optional
    output_activation : str or row, optional
        Softmax for several classes, else a sigmoid on each output.
    loss : str or Loss, optional
        The log-loss of these outputs. Another, such as "hinge", brings the output activation it is made for.
    l1 : float
        Penalty l1 |W|_1, divided like `alpha`'s.
    n_ensemble : int
        Networks that are fitted from seeds of their own and averaged; `estimators_` holds them, and
        `predict_proba(X, return_std=True)` gives their spread.
    n_jobs : int, optional
        Threads to compute with, at most: -1 for all cores, None for as many as the work pays for. No bit of a
        result depends on it.

    Attributes
    ----------
    classes_ : ndarray (K,), or a list for several outputs
    coefs_, intercepts_ : list of ndarray (n_in, n_out), (n_out,)
    loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_
    n_iter_, t_, n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As in scikit-learn.
    validation_loss_curve_ : list of float, or None
        Loss on the held-out rows, one entry an epoch.
    early_stopped_ : bool
        Whether a validation set has ended a sequence of `partial_fit`.
    estimators_ : list of MLPClassifier
        The members of an ensemble, which take the place of `coefs_`, `loss_curve_`, ...
    network_ : Network
        Without penalties.
    theta_ : Parameters
    model_ : Model

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = MLPClassifier((16,), solver="lbfgs", alpha=0.1, random_state=0, max_iter=1000)
    >>> classifier.fit(X, y).score(X, y) > 0.95
    True
    >>> classifier.predict_proba(X[:2]).shape
    (2, 3)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
        "loss": [StrOptions({"log_loss", *losses}), Loss, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: ActivationSetting = "relu",
        *,
        solver: str | Optimizer = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: str | Schedule = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        class_weight: Mapping[Any, float] | str | None = None,
        output_activation: str | AnyActivation | None = None,
        loss: str | Loss | None = None,
        l1: float = 0.0,
        n_ensemble: int = 1,
        n_jobs: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.class_weight = class_weight
        self.output_activation = output_activation
        self.loss = loss
        self.l1 = l1
        self.n_ensemble = n_ensemble
        self.n_jobs = n_jobs

    def _read(self, X: Any, y: Any, *, incremental: bool, reset: bool) -> tuple[Array, Array]:
        X, y = self._checked(X, y, reset=reset)
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            self._known = Labels.of(y)
            self.classes_ = self._known.classes
        else:
            self._require_known(unique_labels(y))
        return dense(X), self._known.columns(y)

    def _read_held_out(self, X: Any, y: Any) -> tuple[Array, Array]:
        X, y = self._checked(X, y, reset=False)
        unknown = np.setdiff1d(unique_labels(y), self.classes_)
        if len(unknown):
            raise ValueError(f"y has labels {unknown.tolist()} that were not there in fit: {self.classes_}")
        return dense(X), self._known.columns(y)

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
        """X and y as scikit-learn checks them; a column of labels as one dimension."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=(np.float64, np.float32),
            reset=reset,
        )
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    @property
    def _label_binarizer(self) -> Any:
        """The one that scikit-learn's classifier keeps under this name."""
        return self._known.binarizer()

    def _require_known(self, classes: Array) -> None:
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to "
                    f"fit. Previously got {self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {classes}."
            )

    @property
    def _exclusive(self) -> bool:
        """Whether exactly one of several outputs is right."""
        return self._known.kind == "multiclass"

    def _loss_and_output(self) -> tuple[Loss, AnyActivation]:
        return loss_and_output(self.loss, self.output_activation, exclusive=self._exclusive)

    def _targets(self, Y: Array, loss: Loss) -> Array:
        return 2.0 * Y - 1.0 if loss.targets == "signs" else Y

    def _learn_class_weights(self, Y: Array, incremental: bool) -> None:
        if incremental and self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all classes at once, and partial_fit sees a batch; give "
                "compute_class_weight('balanced', classes=..., y=...) as a mapping"
            )
        self._weights_of_classes = weights_of_classes(self.class_weight, self.classes_, Y, self._several)

    def _class_weights(self, Y: Array) -> Array | None:
        return weights_of_rows(self._weights_of_classes, Y, self._several)

    @property
    def _several(self) -> bool:
        """Whether rows bear several labels at once."""
        return self._known.several

    def _stratification(self, Y: Array) -> Array | None:
        return Y[:, 0] if Y.shape[1] == 1 else None

    @property
    def _threshold(self) -> float:
        signs = self.network_.loss.targets == "signs"
        return 0.0 if signs and self.network_.output.activation.range.low < 0 else 0.5

    def _validation_score(self, y_hat: Array, Y: Array, weights: Array | None) -> float:
        if self._exclusive:
            right = y_hat.argmax(axis=1) == Y.argmax(axis=1)
        else:
            right = ((y_hat > self._threshold) == Y).all(axis=1)
        return float(np.average(right, weights=weights))

    def predict(self, X: Any) -> Array:
        """Labels (m,), or (m, n_L) rows of 0/1 for several labels at once."""
        return self._labels(self._outputs(X))

    def _labels(self, y_hat: Array) -> Array:
        given = y_hat.ravel() if self.n_outputs_ == 1 else y_hat
        return self._known.answers(given, self._threshold)

    def _gives_probabilities(self) -> bool:
        if hasattr(self, "network_"):
            output = self.network_.output.activation
        else:
            _, output = loss_and_output(self.loss, self.output_activation, exclusive=True)
        if not output.range.within(_PROBABILITIES):
            raise AttributeError(
                f"predict_proba needs probabilities, and the output layer gives {output.name!r} in "
                f"{output.range}; use output_activation='softmax' or 'sigmoid', and a loss that fits"
            )
        return True

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any, return_std: bool = False) -> Any:
        """Probabilities (m, K), in the order of `classes_`; of each label, for several labels at once.

        Parameters
        ----------
        return_std : bool
            Whether to give, beside the mean of an ensemble (`n_ensemble`), the standard deviation over its
            members, of the same shape.
        """
        if not return_std:
            return self._probabilities(self._outputs(X))
        check_is_fitted(self)
        if not hasattr(self, "estimators_"):
            raise ValueError(
                "return_std is the spread of several networks, and this is one; fit with n_ensemble=5, say"
            )
        return mean_and_spread([member.predict_proba(X) for member in self.estimators_])

    def _probabilities(self, y_hat: Array) -> Array:
        if self.n_outputs_ == 1:
            return np.column_stack((1 - y_hat, y_hat))
        if self._exclusive and self.network_.output.activation.name != "softmax":
            return np.asarray(y_hat / np.maximum(y_hat.sum(axis=1, keepdims=True), 1e-30))
        return y_hat

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> Array:
        """Logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(lambda self: self._check_solver())  # type: ignore[untyped-decorator]
    @validated
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        classes: Any = None,
        *,
        validation_data: Any = None,
    ) -> Any:
        """Train one epoch more, the optimizer going on from where it was.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array (K,), optional
            All labels there will be; needed in the first call.
        validation_data : (X, y) or (X, y, sample_weight), optional
            As in `fit`. With `early_stopping=True`, once `n_iter_no_change` calls in a row were no better,
            the best parameters are put back, `early_stopped_` is true and later calls change nothing.
        """
        given = {"sample_weight": sample_weight, "validation_data": validation_data}
        if self.n_ensemble > 1:
            return fit_members(self, "partial_fit", True, X, y, classes=classes, **given)
        if _check_partial_fit_first_call(self, classes):
            several = type_of_target(y).startswith("multilabel")
            self._known = Labels.of(y if several else classes)
        return self._fit(X, y, incremental=True, **given)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
