"""`fit_stream`: learn from a table that is larger than memory.

Three passes: a column at a time, to learn how it is encoded (the very encodings of a table in memory); some
rows at a time, to encode them into buckets on disk; and then the epochs, a bucket at a time. Test and
validation rows are drawn by (seed, row) and held in memory, a hundred thousand of each at most.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arrays import Array, BoolArray
from clearprop.company import at_most
from clearprop.engines.examples import Examples, check_targets
from clearprop.engines.helpers import check_threads
from clearprop.errors import DataError, SpecificationError
from clearprop.metrics import decide
from clearprop.model import Model
from clearprop.specification import Network
from clearprop.table_model.model import TableModel, warn_of
from clearprop.table_model.plan import features, first_parameters, targets
from clearprop.table_model.settings import Settings
from clearprop.tables import Encoder, Table, Target, noticing
from clearprop.tables.deciding import Task
from clearprop.tables.dialect import Style
from clearprop.tables.encodings import Encoding, fit_column
from clearprop.tables.scanning import ScannedTable, scan_table
from clearprop.tables.table import column_remedy
from clearprop.training.buckets import Buckets, places_of
from clearprop.training.streaming import train_buckets
from clearprop.training.weighting import smoothed

PIECE = 65_536  #: rows that are encoded at a time
MOST_HELD = 100_000  #: rows held in memory to test, and to validate
_PLACES = 2**20


@dataclass(frozen=True)
class StreamPlan:
    """How a table is read in pieces: its encodings, its network, and what each row is for.

    Attributes
    ----------
    training, test, validation : ndarray of bool (rows of the table,)
    styles : mapping from column to how its numbers are written
    notices : tuple of str
        What the user should know about the rows.
    unread : tuple of str
        Columns that give the network nothing, and why; `encoder.describe` has them too.
    """

    scanned: ScannedTable
    encoder: Encoder
    target: Target
    network: Network
    settings: Settings
    training: BoolArray
    test: BoolArray
    validation: BoolArray
    styles: dict[str, Style]
    notices: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows trained on."""
        return int(self.training.sum())


def fit_stream(
    source: Any,
    target: str | Sequence[str],
    *,
    task: Task | None = None,
    exclude: Iterable[str] = (),
    test: float | None = None,
    settings: Settings | None = None,
    threads: int | None = None,
    folder: str | Path | None = None,
    progress: bool = False,
) -> TableModel:
    """Learn to predict columns of a table that is larger than memory; see `clearprop.fit_table`.

    Encodings are those that `fit_table` would learn from the same rows. Rows are shuffled on disk (each goes
    to a bucket drawn by the seed; an epoch takes the buckets, and the rows of each, in orders of its own), so
    the order of the file matters to the bits, though a sorted file is learnt as well as any other.

    Parameters
    ----------
    source : str, path or list of these
        Parquet or Arrow files, or plain CSV in UTF-8; a pattern such as "data/*.parquet".
    test : float, optional
        Share of the rows held out to judge the model, 100,000 at most.
    settings : Settings, optional
        Without class weights; `validation` holds out 100,000 rows at most.
    threads : int, optional
        As in `fit_table`.
    folder : path, optional
        Where the encoded rows lie while training runs, about 4 bytes a number; else the system's.

    Raises
    ------
    DataError, SpecificationError
        When the table or a setting cannot be used.

    Warns
    -----
    UserWarning
        When rows are left out because their target is missing, and of columns that are left out. Doubtful
        cells and copies of the target are looked for in memory only, by `fit_table`.

    Examples
    --------
    >>> from clearprop.datasets import penguins_path
    >>> model = fit_stream(penguins_path(), "species", test=0.25, settings=Settings(seed=1))
    >>> model.evaluation.metrics["accuracy"] > 0.9
    True
    """
    settings = settings or Settings()
    limited = at_most(check_threads(threads))
    with limited, tempfile.TemporaryDirectory(prefix="clearprop-", dir=folder) as spool:
        plan = plan_stream(
            scan_table(source, Path(spool)), target, task=task, exclude=exclude, test=test, settings=settings
        )
        warn_of(plan.scanned.source, (*plan.notices, *plan.unread), level=3)
        return train_stream(plan, Path(spool), progress=progress)


def plan_stream(
    scanned: ScannedTable,
    target: str | Sequence[str],
    *,
    task: Task | None = None,
    exclude: Iterable[str] = (),
    test: float | None = None,
    settings: Settings,
) -> StreamPlan:
    """Learn the encodings a column at a time, and draw what each row is for."""
    require_in_pieces(settings)
    names = (target,) if isinstance(target, str) else tuple(target)
    passed = (exclude,) if isinstance(exclude, str) else tuple(exclude)
    numbers = np.arange(1, scanned.n_rows + 1, dtype=np.int64)
    heads = Table((), scanned.source, numbers)
    for name in (*names, *passed):
        if name not in scanned.names:
            raise DataError(f"{scanned.source} has no column {name!r}; {column_remedy(name, scanned.names)}")
    wanted = replace(heads, columns=tuple(scanned.column(name) for name in names))
    whole = Target.fit(wanted, names, task)
    training, tested, judged = drawn_rows(whole.known_rows(wanted), test, settings, scanned.source)
    reading = replace(Target.fit(wanted.take(training), names, whole.task), reason=whole.reason)
    encodings: list[Encoding] = []
    styles: dict[str, Style] = {column.name: column.style for column in wanted.columns}
    for name in scanned.names:
        if name not in names and name not in passed:
            column = scanned.column(name)
            styles[name] = column.style
            encodings.append(fit_column(column.take(np.flatnonzero(training))))
    encoder = Encoder.of(encodings, scanned.source)
    network = settings.network(len(encoder.feature_names), reading)
    return StreamPlan(
        scanned,
        encoder,
        reading,
        network,
        settings,
        training,
        tested,
        judged,
        styles,
        notices=noticing.without_target(wanted, whole),
        unread=noticing.unread(encoder),
    )


def require_in_pieces(settings: Settings) -> None:
    """Raise SpecificationError for settings that need the whole table in memory."""
    if settings.ensemble > 1:
        raise SpecificationError(
            "members of an ensemble share a table in memory; leave ensemble out, or learn it there "
            "(fit_table, without --stream and --ray)"
        )
    if settings.class_weight is not None:
        raise SpecificationError(
            "class weights need the table in memory; leave class_weight out, or learn it there (fit_table, "
            "without --stream and --ray)"
        )


def drawn_rows(
    known: BoolArray, test: float | None, settings: Settings, source: str
) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Masks of the rows to train on, to test and to validate, of the rows whose target is known.

    A function of (seed, row): who looks at a row, and when, makes no difference.
    """
    numbers = np.arange(1, len(known) + 1, dtype=np.int64)
    drawn = places_of(settings.seed, numbers, _PLACES)
    tested = known & (drawn < _share(test, known) * _PLACES)
    left = known & ~tested
    share = _share(settings.validation_for(int(left.sum())), left)
    judged = left & (places_of(settings.seed + 1, numbers, _PLACES) < share * _PLACES)
    training = left & ~judged
    if not training.any():
        raise DataError(f"{source}: no row is left to train on; hold fewer out")
    return training, tested, judged


@dataclass(frozen=True)
class Encoded:
    """Rows as a network takes them: those trained on in buckets, the others in memory.

    Attributes
    ----------
    counts : ndarray (classes,)
        Training rows of each class.
    judge : Examples or None
        Validation rows.
    tested : (X, y) or None
        Test rows, y as `target.transform` gives it.
    """

    buckets: Buckets
    counts: Array
    judge: Examples | None
    tested: tuple[Array, Array] | None


def encode(plan: StreamPlan, spool: Path) -> Encoded:
    """Encode every row, a piece at a time; the training rows go into buckets in the folder."""
    settings, network = plan.settings, plan.network
    real = np.dtype(settings.dtype)
    buckets = Buckets.for_rows(spool, plan.rows, network.inputs, network.output.units, real, settings.seed)
    judge: list[Examples] = []
    tested: list[tuple[Array, Array]] = []
    counts = np.zeros(len(plan.target.classes))
    needed = (*plan.encoder.column_names, *plan.target.columns)
    for piece in plan.scanned.pieces(PIECE, plan.styles, needed):
        at = piece.row_numbers - 1
        if plan.test[at].any():
            table = piece.take(plan.test[at])
            tested.append((features(plan.encoder, table).astype(real), plan.target.transform(table)))
        for mask, held in ((plan.validation[at], True), (plan.training[at], False)):
            if not mask.any():
                continue
            table = piece.take(mask)
            X, Y = features(plan.encoder, table), targets(network, plan.target, table)
            checked = Examples(X.astype(real), check_targets(network, Y, len(X), real))
            if held:
                judge.append(checked)
                continue
            if len(counts):
                counts += np.bincount(Y, minlength=len(counts))
            ready = smoothed(network.loss, checked, settings.label_smoothing)
            buckets.add(ready.X, ready.Y, table.row_numbers)
    buckets.close()
    return Encoded(
        buckets,
        counts,
        Examples(_joined(e.X for e in judge), _joined(e.Y for e in judge)) if judge else None,
        (_joined(X for X, _ in tested), _joined(y for _, y in tested)) if tested else None,
    )


def train_stream(plan: StreamPlan, spool: Path, *, progress: bool = False) -> TableModel:
    """Encode the rows into buckets in the folder, train, and judge on the test rows."""
    settings, network, rows = plan.settings, plan.network, plan.rows
    encoded = encode(plan, spool)
    run = train_buckets(
        network,
        encoded.buckets,
        encoded.judge,
        optimizer=settings.optimizer_for(rows),
        batch_size=min(settings.batch_size_for(rows), rows),
        epochs=settings.epochs_for(rows),
        seed=settings.seed,
        initial=first_parameters(network, settings, plan.encoder),
        dtype=settings.dtype,
        patience=settings.patience,
        time_budget=settings.time_budget,
        progress=progress,
    )
    shares = tuple((encoded.counts / rows).tolist())
    model = TableModel(Model.of(run), plan.encoder, plan.target, shares)
    if encoded.tested is None:
        return model
    X, y = encoded.tested
    return replace(model, evaluation=model.judge(y, model.model.predict(X)))


class ExampleStream:
    """Shuffled examples of a table that is larger than memory, for any `partial_fit`; see `open_stream`.

    Attributes
    ----------
    encoder : Encoder
    classes : ndarray (K,)
        Labels, for `partial_fit(X, y, classes=stream.classes)`; empty for numbers.
    rows : int
    """

    def __init__(self, plan: StreamPlan, buckets: Buckets) -> None:
        self.encoder, self.target, self.rows = plan.encoder, plan.target, plan.rows
        self._buckets, self._network = buckets, plan.network
        self.classes = np.array(plan.target.classes)

    def epoch(self, epoch: int = 0, batch_size: int = 1) -> Iterator[tuple[Array, Array]]:
        """Pieces (X (m, d), y (m,)) of an epoch, each of some ten thousand rows, in an order of its own.

        Every piece but the last holds a whole number of batches of `batch_size`.
        """
        for piece in self._buckets.epoch(epoch, batch_size):
            if self.target.task == "classes":
                yield piece.X, self.target.inverse(decide(self._network.loss, piece.Y))
            else:
                y = self.target.inverse(piece.Y)
                yield piece.X, y[:, 0] if y.shape[1] == 1 else y


@contextmanager
def open_stream(
    source: Any,
    target: str | Sequence[str],
    *,
    task: Task | None = None,
    exclude: Iterable[str] = (),
    seed: int = 0,
    dtype: str = "float32",
    folder: str | Path | None = None,
) -> Iterator[ExampleStream]:
    """Encode a table that is larger than memory once, and read it epoch after epoch in shuffled pieces.

    Parameters
    ----------
    source, target, task, exclude, folder
        As for `fit_stream`.
    seed : int
        Of the shuffle.
    dtype : {"float32", "float64"}
        Of X.

    Examples
    --------
    >>> from clearprop.datasets import penguins_path
    >>> from clearprop.estimators import MLPClassifier
    >>> learner = MLPClassifier((8,), learning_rate_init=0.01, random_state=0)
    >>> with open_stream(penguins_path(), "species", exclude=["year"]) as stream:
    ...     for epoch in range(30):
    ...         for X, y in stream.epoch(epoch, batch_size=200):
    ...             learner = learner.partial_fit(X, y, classes=stream.classes)
    ...     score = learner.score(X, y)
    >>> score > 0.9
    True
    """
    settings = Settings(seed=seed, dtype=dtype, validation=None)
    with tempfile.TemporaryDirectory(prefix="clearprop-", dir=folder) as spool:
        scanned = scan_table(source, Path(spool))
        plan = plan_stream(scanned, target, task=task, exclude=exclude, settings=settings)
        yield ExampleStream(plan, encode(plan, Path(spool)).buckets)


def _share(asked: float | None, rows: BoolArray) -> float:
    """The share of rows that is held out, so that no more than `MOST_HELD` are."""
    if asked is None:
        return 0.0
    if isinstance(asked, bool) or not 0 < asked < 1:
        raise SpecificationError(f"a share of the rows is between 0 and 1, not {asked!r}")
    return min(float(asked), MOST_HELD / max(int(rows.sum()), 1))


def _joined(pieces: Iterable[Array]) -> Array:
    return np.concatenate(list(pieces))
