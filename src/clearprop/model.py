"""`Model`: a trained network and what is known about it, one line a verb over the files below."""

from __future__ import annotations

import functools
import inspect
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import numpy.typing as npt

from clearprop import model_file, training
from clearprop.arrays import Array
from clearprop.engines import EngineName, forward
from clearprop.formulas.rows import Row
from clearprop.glassbox.certificate import Certificate
from clearprop.glassbox.verbs import GlassBox
from clearprop.specification import Network, Parameters
from clearprop.training.run import History, Run, RunRecord, Snapshot
from clearprop.training.validation import TrainingData

if TYPE_CHECKING:
    from clearprop.engines.row_forward import RowForward

_P = ParamSpec("_P")
_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass
class Model(GlassBox):
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

    def compiled(self) -> RowForward:
        """A function of a single row, for servers and control loops: `predict` in about a microsecond.

        Returns
        -------
        callable
            Takes a row (n_0,) of numbers, cast to the dtype of theta and not checked; gives y_hat (n_L,),
            with the bits that `predict` gives. It keeps the parameters as they are now. Several threads
            need one each.

        Examples
        --------
        >>> from clearprop.specification import Dense
        >>> net = Network(2, [Dense(1, "sigmoid", initializer="zeros")])
        >>> model = Model(net, net.initialize())
        >>> answer = model.compiled()
        >>> answer([1.0, 2.0])
        array([0.5])
        """
        from clearprop.engines.compiled import Compiled

        return Compiled(self.network, self.theta.dtype, threads=1).for_rows(self.theta.flat)

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


def _giving_a_model(run: Callable[_P, Run]) -> Callable[_P, Model]:
    """The same function, its run given as a `Model`; signature and docstring are kept."""

    @functools.wraps(run)
    def train(*args: _P.args, **options: _P.kwargs) -> Model:
        return Model.of(run(*args, **options))

    return _annotated(train, run, "Model")


def _giving_models(runs: Callable[_P, list[Run]]) -> Callable[_P, list[Model]]:
    """The same for a function that gives many."""

    @functools.wraps(runs)
    def train_many(*args: _P.args, **options: _P.kwargs) -> list[Model]:
        return [Model.of(run) for run in runs(*args, **options)]

    return _annotated(train_many, runs, "list[Model]")


def _annotated(given: _F, original: Callable[..., Any], returns: str) -> _F:
    signature = inspect.signature(original).replace(return_annotation=returns)
    given.__signature__ = signature  # type: ignore[attr-defined]
    return given


train = _giving_a_model(training.train)


train_many = _giving_models(training.train_many)


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
