"""`Model`: a trained network and what is known about it, one line a verb over the files below."""

from __future__ import annotations

import functools
import inspect
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec, cast

import numpy as np
import numpy.typing as npt

from clearprop import model_file, training
from clearprop.arrays import Array
from clearprop.engines import EngineName, engine_for, forward
from clearprop.engines.examples import check_examples
from clearprop.errors import DataError, SpecificationError
from clearprop.formulas.rows import Row
from clearprop.metrics import scores_of
from clearprop.specification import Network, Parameters
from clearprop.training.run import History, Run, RunRecord, Snapshot
from clearprop.training.validation import TrainingData

if TYPE_CHECKING:
    from clearprop.engines.protocol import Masks
    from clearprop.glassbox.certificate import Certificate
    from clearprop.glassbox.replay import Replay
    from clearprop.glassbox.trace import Trace

_P = ParamSpec("_P")


@dataclass
class Model:
    """A network with its parameters, and how it came by them.

    Attributes
    ----------
    network : Network
    theta : Parameters
        `theta.W[l]`, `theta.b[l]` are writable.
    history : dict of lists
        One entry an epoch; see `Run`. Empty for a network that was written down, not trained.
    record : RunRecord or None
        Settings, versions and CPU of the run.
    classes : tuple
        Labels in the order of the class indices; empty where there are none.
    encoder, target : mapping or None
        Plain data of a table's encoders, carried along into the model file.
    engine : {"compiled", "textbook"}
        What computes; not part of the model file.
    stopped : str
        Why training ended; empty if there was none, or the model was loaded.
    certificate : Certificate or None
        That the gradient at the end of the training was right, where `train(..., certify=True)` asked.
    snapshots : mapping from epoch to Snapshot
        Where `replay` may start; empty unless `train` was asked for them.
    sample : TrainingData or None
        A few hundred rows of the training, in memory alone: what `diagnose` looks at by default.

    Examples
    --------
    >>> import numpy as np
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(1, "sigmoid", initializer="zeros")])
    >>> model = Model(net, net.initialize(), engine="textbook")
    >>> model.predict(np.ones((1, 2)))
    array([[0.5]])
    """

    network: Network
    theta: Parameters
    history: History = field(default_factory=dict, repr=False)
    record: RunRecord | None = field(default=None, repr=False)
    classes: tuple[Any, ...] = ()
    encoder: Mapping[str, Any] | None = field(default=None, repr=False)
    target: Mapping[str, Any] | None = field(default=None, repr=False)
    engine: EngineName = "compiled"
    stopped: str = ""
    certificate: Certificate | None = field(default=None, repr=False)
    snapshots: Mapping[int, Snapshot] = field(default_factory=dict, repr=False)
    sample: TrainingData | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, run: Run) -> Model:
        """Model that a training run gave."""
        engine = cast(EngineName, run.record.engine)
        return cls(
            run.network,
            run.theta,
            run.history,
            run.record,
            engine=engine,
            stopped=run.stopped,
            certificate=run.certificate,
            snapshots=run.snapshots,
            sample=run.sample,
        )

    def predict(self, X: npt.ArrayLike) -> Array:
        """Outputs y_hat (m, n_L) of X (m, n_0), in the dtype of theta: probabilities, or numbers."""
        return forward(self.network, self.theta, X, engine=self.engine)

    def evaluate(
        self, X: npt.ArrayLike, Y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, float | None]:
        """Loss (without penalties) and metrics on examples.

        Parameters
        ----------
        X : array (m, n_0)
        Y : array (m, n_L), or (m,) labels: of `classes` where the model has them, else class indices; or (m,)
            numbers
        sample_weight : array (m,), optional

        Returns
        -------
        dict
            "loss", and for classes "accuracy", "log_loss", "roc_auc"; for numbers "rmse", "mae", "r2".
            None for a metric that has no meaning on these rows, such as the ROC of a single class.

        Examples
        --------
        >>> from clearprop.specification import Dense
        >>> net = Network(1, [Dense(1)])
        >>> theta = net.initialize()
        >>> theta.W[1][:] = 2.0
        >>> Model(net, theta, engine="textbook").evaluate([[1.0], [2.0]], [2.0, 5.0])["mae"]
        0.5
        """
        examples = check_examples(self.network, X, self._indices(Y), self.theta.dtype, sample_weight)
        engine = engine_for(self.engine, self.network, dtype=self.theta.dtype)
        loss, y_hat = engine.evaluate(self.theta.flat, examples.X, examples.Y, examples.scale())
        return {"loss": loss, **scores_of(self.network.loss, examples.Y, y_hat, examples.weights)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a model file (safetensors; see `clearprop.load`); ModelFileError if that cannot be done."""
        contents = model_file.ModelContents(
            self.theta,
            self.classes,
            self.history,
            self.record,
            self.encoder,
            self.target,
            certificate=self.certificate,
            snapshots=self.snapshots,
        )
        model_file.save(path, contents)

    def export(self, path: str | os.PathLike[str], name: str | None = None) -> None:
        """Write the network as ONNX (`.onnx`, extra `onnx`) or as one file of C99 (`.c`).

        Parameters
        ----------
        path : path
        name : str, optional
            What the names in a C file begin with; else the file's own name.

        Raises
        ------
        SpecificationError
            When the suffix is another, or the package onnx is missing.

        See Also
        --------
        TableModel.export : the columns of a table, too.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> from clearprop.specification import Dense
        >>> net = Network(2, [Dense(1, "sigmoid")])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "gate.c")
        ...     Model(net, net.initialize()).export(file)
        ...     "void gate_predict(const double *x, double *y_hat);" in file.read_text()
        True
        """
        from clearprop.export import Pipeline, write

        write(Pipeline(self.network, self.theta, self.classes), path, name)

    def trace(
        self,
        X: npt.ArrayLike,
        Y: npt.ArrayLike | None = None,
        *,
        sample_weight: npt.ArrayLike | None = None,
        masks: Masks | None = None,
        given: Mapping[str, float] | None = None,
    ) -> Trace:
        """Every number of a forward and a backward pass over rows, to print and to derive; see `cp.trace`.

        Examples
        --------
        >>> from clearprop.specification import Dense
        >>> net = Network(1, [Dense(1)], loss="half_squared_error")
        >>> theta = net.initialize()
        >>> theta.flat[:] = 2.0, 1.0
        >>> print(Model(net, theta).trace([[3.0]], [5.0]).derive("W[1][0,0]"))
        dC/dW[1][0,0] = delta[1][0] * x[0]  (BP4)
                      = 2 * 3
                      = 6
        delta[1][0] = dC/da[1][0] * g'(z[1][0])  (BP1)
                    = 2 * 1
                    = 2
        dC/da[1][0] = y_hat[0] - y[0]  (the loss's slope)
                    = 7 - 5
                    = 2
        g'(z[1][0]) = 1  (g')
        """
        from clearprop.glassbox.trace import trace

        targets = None if Y is None else self._indices(Y)
        return trace(
            self.network, self.theta, X, targets, sample_weight=sample_weight, masks=masks, given=given
        )

    def gradient_norms(self, X: npt.ArrayLike, Y: npt.ArrayLike) -> Array:
        """Norm of each example's own gradient (m,): large where the network finds a label hard to believe.

        It costs less than one gradient of the whole batch; see `clearprop.gradient_norms`.
        """
        from clearprop.glassbox.influence import gradient_norms

        return gradient_norms(self.network, self.theta, X, self._indices(Y), engine=self.engine)

    def certify(
        self,
        X: npt.ArrayLike,
        Y: npt.ArrayLike,
        *,
        sample_weight: npt.ArrayLike | None = None,
        masks: Masks | None = None,
    ) -> Certificate:
        """Certificate that the engine's gradient on these examples is the mathematics' own."""
        from clearprop.glassbox.certifying import certify

        return certify(
            self.network,
            self.theta,
            X,
            self._indices(Y),
            sample_weight=sample_weight,
            masks=masks,
            engine=self.engine,
        )

    def replay(
        self,
        X: npt.ArrayLike,
        Y: npt.ArrayLike,
        epoch: int,
        batch: int | None = None,
        *,
        row: int | None = None,
        sample_weight: npt.ArrayLike | None = None,
        initial: Parameters | None = None,
    ) -> Replay:
        """One step of the training again, with the same bits: its parameters, batch, trace and update.

        Parameters
        ----------
        X, Y, sample_weight, initial
            As they were given to `train`; digests say whether they are.
        epoch, batch : int
            Both from 1.
        row : int, optional
            A row of X, from 0, in place of `batch`: the batch of the epoch that holds it.

        Raises
        ------
        SpecificationError, DataError
            When there was no such step, or these are not the run's data; see `clearprop.glassbox.replay`.

        Examples
        --------
        >>> import clearprop as cp
        >>> X, y = np.eye(4), [0, 1, 1, 0]
        >>> net = cp.Network(4, [cp.Dense(1, "sigmoid")])
        >>> model = cp.train(net, X, y, epochs=5, batch_size=2, engine="textbook", progress=False)
        >>> seen = model.replay(X, y, epoch=5, row=3)
        >>> seen.batch, seen.rows.tolist(), seen.same_bits
        (2, [1, 3], True)
        >>> print(seen.trace.derive("delta[1][0]", example=seen.example).value < 1)
        True
        """
        from clearprop.glassbox.replay import replay

        if self.record is None:
            raise SpecificationError("no run of clearprop.train made this model, so there is none to replay")
        return replay(
            self.network,
            self.record,
            self.history,
            X,
            self._indices(Y),
            epoch,
            batch,
            row=row,
            sample_weight=sample_weight,
            initial=initial,
            snapshots=self.snapshots,
        )

    def _indices(self, Y: npt.ArrayLike) -> npt.ArrayLike:
        """Class indices of labels, where the model has classes; anything else as it is."""
        labels = np.asarray(Y)
        if not self.classes or labels.ndim != 1 or not self.network.loss.for_classes:
            return Y
        of = {label: index for index, label in enumerate(self.classes)}
        known = [of.get(label) for label in labels.tolist()]
        if None not in known:
            return np.array(known, dtype=np.int64)
        named = all(isinstance(label, str) for label in self.classes)
        if named and labels.dtype.kind in "iu":
            return Y  # indices of labels that are texts
        wrong = known.index(None)
        raise DataError(
            f"Y has {labels[wrong]!s} at row {wrong} (counted from 0), and the model knows the classes "
            f"{', '.join(map(str, self.classes))}"
        )


def _giving_a_model(run: Callable[_P, Run]) -> Callable[_P, Model]:
    """The same function, its run given as a `Model`; signature and docstring are kept."""

    @functools.wraps(run)
    def train(*args: _P.args, **options: _P.kwargs) -> Model:
        return Model.of(run(*args, **options))

    signature = inspect.signature(run).replace(return_annotation="Model")
    train.__signature__ = signature  # type: ignore[attr-defined]
    return train


train = _giving_a_model(training.train)


def load(path: str | os.PathLike[str], rows: Iterable[Row] = ()) -> Model:
    """Model from a model file.

    Parameters
    ----------
    rows : iterable of Activation or Loss
        Rows of yours that take the place of the file's rows of the same name.

    Raises
    ------
    ModelFileError
        When the file is not there, damaged, foreign, or from a newer version.

    Examples
    --------
    >>> load("nowhere.safetensors")
    Traceback (most recent call last):
    ...
    clearprop.errors.ModelFileError: nowhere.safetensors: there is no such file; check the path
    """
    model = read_model(path, rows)
    if model.encoder is not None:
        warnings.warn(
            f"{os.fspath(path)} was trained on a table; this is its bare network, which takes encoded inputs "
            "and gives standardised outputs. clearprop.TableModel.load opens all of it",
            stacklevel=2,
        )
    return model


def read_model(path: str | os.PathLike[str], rows: Iterable[Row] = ()) -> Model:
    """Model of a file, whatever else the file holds; see `load`."""
    contents = model_file.load(path, rows)
    return Model(
        network=contents.theta.network,
        theta=contents.theta,
        history={name: list(values) for name, values in contents.history.items()},
        record=contents.record,
        classes=contents.classes,
        encoder=contents.encoder,
        target=contents.target,
        certificate=contents.certificate,
        snapshots=contents.snapshots,
    )
