"""`fit_table`: from a table to a trained network that speaks the table's own language.

A `TableModel` is a `Model` between two frozen readings: the encoder turns columns into inputs, the target
turns outputs into labels or numbers in their own units. All three travel in one model file.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, IntArray
from clearprop.errors import DataError, ModelFileError, SpecificationError
from clearprop.metrics import decide
from clearprop.model import Model, read_model
from clearprop.specification import Network, Parameters
from clearprop.table_model.baselines import (
    Evaluation,
    class_shares,
    judge_classes,
    judge_numbers,
    share_from,
    shares_from,
)
from clearprop.table_model.plan import TablePlan, as_table, features, plan_table, targets
from clearprop.table_model.settings import Settings
from clearprop.tables import Encoder, Target
from clearprop.tables.deciding import Task
from clearprop.training import train
from clearprop.training.course import Callback


@dataclass(frozen=True, eq=False)
class TableModel:
    """A network that reads the rows of a table and answers in labels, or in numbers in their own units.

    Attributes
    ----------
    model : Model
        The network, its parameters and their history.
    encoder : Encoder
    target : Target
    shares : tuple of float
        Share of each class among the training rows: the baseline. Empty for numbers.
    test : float or None
        Share of the rows that was held out to judge the model.
    evaluation : Evaluation or None
        On those rows; not part of the model file.
    """

    model: Model
    encoder: Encoder
    target: Target
    shares: tuple[float, ...]
    test: float | None = None
    evaluation: Evaluation | None = field(default=None, repr=False)

    @property
    def network(self) -> Network:
        """The network."""
        return self.model.network

    @property
    def theta(self) -> Parameters:
        """Its parameters."""
        return self.model.theta

    @property
    def history(self) -> dict[str, list[Any]]:
        """One entry an epoch; see `Run`."""
        return self.model.history

    @property
    def gives_probabilities(self) -> bool:
        """Whether the outputs are probabilities of classes (a hinge loss gives scores)."""
        return self.target.task == "classes" and self.network.loss.targets != "signs"

    def outputs(self, source: Any) -> Array:
        """y_hat (m, n_L) of a table, a path or a DataFrame, as the network gives it."""
        return self.model.predict(features(self.encoder, as_table(source)))

    def predict(self, source: Any) -> Array:
        """Labels (m,) as they were written in training; or numbers (m,), (m, k) for k > 1 targets.

        Parameters
        ----------
        source : Table, path or DataFrame
            Holds the feature columns in any order; others are passed over.

        Raises
        ------
        DataError
            When a column is missing, or a cell cannot be read as its column was in training.
        """
        return self.answers(self.outputs(source))

    def predict_proba(self, source: Any) -> Array:
        """Probability of each class, float64 (m, K), in the order of `target.classes`."""
        return self.probabilities(self.outputs(source))

    def answers(self, y_hat: Array) -> Array:
        """What `predict` says for outputs y_hat (m, n_L)."""
        if self.target.task == "classes":
            return self.target.inverse(self.class_indices(y_hat))
        numbers = self._own_units(y_hat)
        return numbers[:, 0] if numbers.shape[1] == 1 else numbers

    def class_indices(self, y_hat: Array) -> IntArray:
        """Class indices (m,) decided for by outputs y_hat (m, n_L)."""
        return decide(self.network.loss, y_hat)

    def probabilities(self, y_hat: Array) -> Array:
        """What `predict_proba` says for outputs y_hat (m, n_L)."""
        if not self.gives_probabilities:
            if self.target.task == "classes":
                loss = self.network.loss.name
                raise SpecificationError(f"loss {loss!r} gives scores, not probabilities; use cross_entropy")
            names = ", ".join(self.target.columns)
            raise SpecificationError(f"the target {names} is numbers, and these have no probabilities")
        p = y_hat.astype(np.float64)
        if p.shape[1] == 1:
            return np.hstack([1 - p, p])
        sums = p.sum(axis=1, keepdims=True)
        return np.where(sums > 0, p / np.where(sums > 0, sums, 1.0), 1 / p.shape[1])

    def evaluate(self, source: Any) -> Evaluation:
        """Metrics on rows whose target is known, beside the baseline's; rows without one are left out.

        Raises
        ------
        DataError
            When no row has a target, or a class is one that training did not see.
        """
        table = as_table(source)
        known = self.target.known_rows(table)
        if not known.any():
            names = ", ".join(self.target.columns)
            raise DataError(
                f"{table.source}: no row has a value of the target {names}, so there is nothing to compare "
                "predictions with; fill some in, or use predict"
            )
        table = table.take(known)
        y = self.target.transform(table)
        y_hat = self.outputs(table)
        if self.target.task == "numbers":
            return judge_numbers(self.target, self.target.inverse(y), self._own_units(y_hat))
        proper = self.gives_probabilities
        scores = self.probabilities(y_hat) if proper else y_hat
        decided = self.class_indices(y_hat)
        return judge_classes(self.target, self.shares, y, decided, scores, proper=proper)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a model file with the encoders in it; ModelFileError when that cannot be done."""
        model = self.model
        target = {**self.target.to_dict(), "shares": list(self.shares), "test": self.test}
        encoder, classes = self.encoder.to_dict(), self.target.classes
        Model(
            model.network,
            model.theta,
            model.history,
            model.record,
            classes,
            encoder=encoder,
            target=target,
            certificate=model.certificate,
            snapshots=model.snapshots,
        ).save(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TableModel:
        """Read what `save` wrote: the same bits of prediction.

        Raises
        ------
        ModelFileError
            When the file is not there, damaged, foreign, or holds a network without a table's encoders.
        """
        model = read_model(path)
        if model.encoder is None or model.target is None:
            raise ModelFileError(
                f"{os.fspath(path)}: it holds a network without a table's encoders; "
                "open it with clearprop.load, or train one with fit_table"
            )
        try:
            plain = dict(model.target)
            shares, test = plain.pop("shares", None), share_from(plain.pop("test", None))
            encoder, target = Encoder.from_dict(model.encoder), Target.from_dict(plain)
            read = cls(model, encoder, target, shares_from(shares, target), test)
            read._require_fit()
        except DataError as error:
            raise ModelFileError(f"{os.fspath(path)}: {error}") from None
        return read

    def _own_units(self, y_hat: Array) -> Array:
        if self.network.loss.targets == "counts":
            return y_hat.astype(np.float64)
        return self.target.inverse(y_hat)

    def _require_fit(self) -> None:
        """Raise DataError when encoder, network and target of a file do not belong together."""
        inputs, outputs = self.network.inputs, self.network.output.units
        width = len(self.encoder.feature_names)
        ends = {len(self.target.classes) or len(self.target.columns)}
        ends |= {1} if len(self.target.classes) == 2 else set()
        right = (self.target.task == "classes") == self.network.loss.for_classes
        if width != inputs or outputs not in ends or not right:
            raise DataError(
                f"its encoders ({width} features, target of {self.target.task}) do not fit its network "
                f"({inputs} inputs, {outputs} outputs); save the model again with clearprop"
            )


def fit_table(
    source: Any,
    target: str | Sequence[str],
    *,
    task: Task | None = None,
    exclude: Iterable[str] = (),
    test: float | None = None,
    sample_weight: npt.ArrayLike | None = None,
    settings: Settings | None = None,
    certify: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = False,
    callbacks: Callback | Sequence[Callback] = (),
) -> TableModel:
    """Learn to predict columns of a table from the others.

    Parameters
    ----------
    source : Table, path or DataFrame
    target : str or list of str
        The column to predict; several must be numbers.
    task : {"classes", "numbers"}, optional
        How the target is read, where its cells do not say it.
    exclude : iterable of str
        Columns that are no features.
    test : float, optional
        Share of the rows held out to judge the model (`.evaluation`), by class for classes.
    sample_weight : array (m,), optional
        A weight from 0 for each row of the table. Rows of weight 0 are left out. Whole numbers are taken as
        repeats of the training rows, up to 4 times these or 10,000 rows; others weigh in the loss and in the
        encoders' statistics. Rows held out by `test` count once each.
    settings : Settings, optional
        Network and training; the defaults adapt to the number of rows.
    certify : bool
        Whether to certify the gradient at the end; `.model.certificate`, kept in the model file.
    checkpoint : path, optional
        A folder in which training commits where it stands, about twice a minute.
    resume : bool
        Go on from the checkpoint in that folder, if there is one.
    progress : bool
        Whether to show a progress bar on standard error.
    callbacks : callable or sequence of callables
        Told an `EpochReport` after each epoch; a `Watch` is one.

    Returns
    -------
    TableModel
        The same for the same rows in any order, settings and seed, whatever else the machine does.

    Raises
    ------
    DataError, SpecificationError, FormulaError
        When the table or a setting cannot be used; the message says what to do.
    TrainingDiverged
        When the loss stops being finite.

    Warns
    -----
    UserWarning
        When rows are left out because their target is missing.

    Examples
    --------
    >>> from clearprop.datasets import penguins_path
    >>> model = fit_table(penguins_path(), "species", test=0.25)
    >>> model.evaluation.metrics["accuracy"] > 0.95
    True
    >>> model.predict(penguins_path())[:2]
    array(['Adelie', 'Adelie'], dtype=object)
    """
    plan = plan_table(
        source, target, task=task, exclude=exclude, test=test, sample_weight=sample_weight, settings=settings
    )
    for notice in plan.notices:
        warnings.warn(f"{plan.training.source}: {notice}", UserWarning, stacklevel=2)
    return train_plan(
        plan,
        certify=certify,
        checkpoint=checkpoint,
        resume=resume,
        progress=progress,
        callbacks=callbacks,
    )


def train_plan(
    plan: TablePlan,
    *,
    certify: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = False,
    callbacks: Callback | Sequence[Callback] = (),
) -> TableModel:
    """Train what was planned, and judge it on the rows held out; see `fit_table` for the parameters.

    Ctrl-C ends training and gives what was learnt so far; `.model.stopped` is "interrupted" then.
    """
    settings, rows = plan.settings, plan.training.n_rows
    X = features(plan.encoder, plan.training)
    Y = targets(plan.network, plan.target, plan.training)
    run = train(
        plan.network,
        X,
        Y,
        optimizer=settings.optimizer_for(rows),
        batch_size=settings.batch_size_for(rows),
        epochs=settings.epochs_for(rows),
        seed=settings.seed,
        validation=settings.validation_for(rows),
        sample_weight=plan.weights,
        class_weight=settings.class_weight_for(plan.target),
        label_smoothing=settings.label_smoothing,
        initial=plan.first_parameters(),
        dtype=settings.dtype,
        patience=settings.patience,
        time_budget=settings.time_budget,
        certify=certify,
        checkpoint=checkpoint,
        resume=resume,
        progress=progress,
        callbacks=callbacks,
    )
    y = Y if plan.target.task == "classes" else np.empty(0, dtype=np.int64)
    shares = class_shares(plan.target, y, plan.weights)
    model = TableModel(Model.of(run), plan.encoder, plan.target, shares, plan.share)
    return model if plan.test is None else replace(model, evaluation=model.evaluate(plan.test))
