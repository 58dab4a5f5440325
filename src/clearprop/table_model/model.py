"""`TableModel`: a trained network that speaks the table's own language.

A `TableModel` is a `Model` between two frozen readings: the encoder turns columns into inputs, the target
turns outputs into labels or numbers in their own units. All three travel in one model file.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.errors import DataError, ModelFileError, SpecificationError
from clearprop.export import Pipeline, write
from clearprop.metrics import decide
from clearprop.model import Model, read_model
from clearprop.specification import Network, Parameters
from clearprop.table_model.baselines import (
    Evaluation,
    judge_classes,
    judge_numbers,
    roles_from,
    share_from,
    shares_from,
)
from clearprop.table_model.plan import LARGEST_FEATURE, features
from clearprop.table_model.rows import as_table
from clearprop.table_model.threshold import Threshold
from clearprop.tables import Encoder, Table, Target
from clearprop.tables.noticing import unlike_training, without_target


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
    threshold : Threshold or None
        From which probability on the second of two classes is said, if not from one half.
    roles : mapping from {"weight", "group", "time"} to column
        Columns that said how rows count and which belong together in training.
    validation : float or None
        Share of the training rows that chose the best epoch, where groups or times held these apart.
    """

    model: Model
    encoder: Encoder
    target: Target
    shares: tuple[float, ...]
    test: float | None = None
    evaluation: Evaluation | None = field(default=None, repr=False)
    threshold: Threshold | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    validation: float | None = None

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

        Warns
        -----
        UserWarning
            For each of `notices`: texts and gaps that training did not have, columns passed over.
        """
        return self.answers(self.outputs(self._read(source)))

    def predict_proba(self, source: Any) -> Array:
        """Probability of each class, float64 (m, K), in the order of `target.classes`; see `predict`."""
        return self.probabilities(self.outputs(self._read(source)))

    def notices(self, table: Table) -> tuple[str, ...]:
        """What the user should know of rows to predict on: how they were read, and how unlike training.

        Raises
        ------
        DataError
            When a column is missing, or a cell cannot be read as its column was in training.
        """
        return (*table.notices, *unlike_training(table, self.encoder, self.target))

    def answers(self, y_hat: Array) -> Array:
        """What `predict` says for outputs y_hat (m, n_L)."""
        if self.target.task == "classes":
            return self.target.inverse(self.class_indices(y_hat))
        numbers = self._own_units(y_hat)
        return numbers[:, 0] if numbers.shape[1] == 1 else numbers

    def class_indices(self, y_hat: Array) -> IntArray:
        """Class indices (m,) decided for by outputs y_hat (m, n_L)."""
        if self.threshold is None:
            return decide(self.network.loss, y_hat)
        return (self.probabilities(y_hat)[:, 1] >= self.threshold.value).astype(np.int64)

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

        Warns
        -----
        UserWarning
            As `predict`.
        """
        table = self._read(source)
        result = self.judge_table(table)
        warn_of(table.source, without_target(table, self.target), level=3)
        return result

    def judge_table(self, table: Table) -> Evaluation:
        """`evaluate` without a warning."""
        known = self.target.known_rows(table)
        if not known.any():
            names = ", ".join(self.target.columns)
            raise DataError(
                f"{table.source}: no row has a value of the target {names}, so there is nothing to compare "
                "predictions with; fill some in, or use predict"
            )
        table = table.take(known)
        return self.judge(self.target.transform(table), self.outputs(table))

    def judge(self, y: Array, y_hat: Array) -> Evaluation:
        """Metrics of outputs y_hat (m, n_L) beside targets as `target.transform` gives them."""
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
        if self.threshold is not None:
            target["threshold"] = self.threshold.to_dict()
        if self.roles:
            target["roles"] = dict(self.roles)
        if self.validation is not None:
            target["validation"] = self.validation
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

    @property
    def pipeline(self) -> Pipeline:
        """What is exported: the encoders, the network and the target."""
        return Pipeline(
            self.network, self.theta, self.target.classes, self.encoder, self.target, LARGEST_FEATURE
        )

    def export(self, path: str | os.PathLike[str], name: str | None = None) -> None:
        """Write raw columns to answers as ONNX (`.onnx`, extra `onnx`) or as one file of C99 (`.c`).

        Parameters
        ----------
        path : path
        name : str, optional
            What the names in a C file begin with; else the file's own name.

        Raises
        ------
        SpecificationError
            When the suffix is another, the package onnx is missing, or a text has no spelling in C.

        Notes
        -----
        ONNX takes an input (m, 1) for each column, named like it: text ("" where missing), or double (NaN
        where missing; booleans 1 and 0, dates in days since 1970-01-01). It gives "label" (m,) and
        "probabilities" (m, K), or "prediction" (m, k). C takes a struct of a row. See `docs/export.md`.
        """
        write(self.pipeline, path, name)

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
            threshold = Threshold.from_dict(plain.pop("threshold", None))
            roles, validation = roles_from(plain.pop("roles", {})), share_from(plain.pop("validation", None))
            encoder, target = Encoder.from_dict(model.encoder), Target.from_dict(plain)
            shares = shares_from(shares, target)
            read = cls(model, encoder, target, shares, test, None, threshold, roles, validation)
            read._require_fit()
        except DataError as error:
            raise ModelFileError(f"{os.fspath(path)}: {error}") from None
        return read

    def _read(self, source: Any) -> Table:
        """The table of a source; warns of what the user should know."""
        table = as_table(source)
        warn_of(table.source, self.notices(table), level=4)
        return table

    def _own_units(self, y_hat: Array) -> Array:
        if self.network.loss.targets == "counts":
            return y_hat.astype(np.float64)
        return self.target.inverse(y_hat)

    def _require_fit(self) -> None:
        """Raise DataError when encoder, network and target of a file do not belong together."""
        inputs, outputs = self.network.inputs, self.network.output.units
        if self.threshold is not None and (len(self.target.classes) != 2 or not self.gives_probabilities):
            raise DataError("its threshold is not for its target; save the model again with clearprop")
        width = len(self.encoder.feature_names)
        ends = {len(self.target.classes) or len(self.target.columns)}
        ends |= {1} if len(self.target.classes) == 2 else set()
        right = (self.target.task == "classes") == self.network.loss.for_classes
        if width != inputs or outputs not in ends or not right:
            raise DataError(
                f"its encoders ({width} features, target of {self.target.task}) do not fit its network "
                f"({inputs} inputs, {outputs} outputs); save the model again with clearprop"
            )


def warn_of(source: str, notices: Iterable[str], level: int) -> None:
    """Warn whoever called the public function; `level` counts the calls from there."""
    for notice in notices:
        warnings.warn(f"{source}: {notice}", UserWarning, stacklevel=level)
