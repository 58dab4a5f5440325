"""Training: `train` checks what it is given, sets a `Course` up, and lets a solver take it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array
from clearprop.company import attend, in_company, kept_between, kept_in_common
from clearprop.engines import EngineName, engine_for
from clearprop.engines.dropout import dropout_masks
from clearprop.engines.examples import check_inputs
from clearprop.engines.helpers import check_threads
from clearprop.engines.protocol import OptimizerState
from clearprop.errors import SpecificationError
from clearprop.formulas.optimizers import Optimizer, as_optimizer
from clearprop.formulas.schedules import Schedule
from clearprop.metrics import Metric, as_metric, default_metric
from clearprop.specification import Network, Parameters
from clearprop.training.checkpoint import SECONDS, Checkpoints
from clearprop.training.course import Callback, Course
from clearprop.training.descent import descend
from clearprop.training.lbfgs import minimise, require_lbfgs
from clearprop.training.levenberg import minimise_squares, require_levenberg
from clearprop.training.progress import progress_on
from clearprop.training.run import EpochReport, Run, RunRecord, Stopped, TrainingDiverged, digest
from clearprop.training.stopping import Plateau, StoppingRules, require_number, require_whole
from clearprop.training.validation import TrainingData, Validation, prepare
from clearprop.training.weighting import ClassWeight

if TYPE_CHECKING:
    from clearprop.glassbox.certificate import Certificate

CERTIFIED_ROWS = 32  #: training rows that `certify=True` compares gradients on

__all__ = ["EpochReport", "Run", "RunRecord", "TrainingDiverged", "train"]


def train(
    network: Network,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    *,
    optimizer: str | Optimizer = "adam",
    batch_size: int | None = 32,
    epochs: int = 20,
    seed: int = 0,
    validation: Validation | None = None,
    sample_weight: npt.ArrayLike | None = None,
    class_weight: ClassWeight | None = None,
    label_smoothing: float = 0.0,
    initial: Parameters | None = None,
    engine: EngineName = "compiled",
    dtype: npt.DTypeLike | None = None,
    threads: int | None = None,
    metric: str | Metric | None = None,
    patience: int | None = None,
    tolerance: float = 0.0,
    stop_gradient_norm: float | None = None,
    time_budget: float | None = None,
    progress: bool = True,
    callbacks: Callback | Sequence[Callback] = (),
    shuffle: bool = True,
    snapshots: int | None = None,
    certify: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_seconds: float = SECONDS,
    resume: bool = False,
    solver: Callable[[Course], Stopped] | None = None,
) -> Run:
    """Minimise the loss of a network over examples: theta <- optimizer(theta, dC/dtheta), batch by batch.

    The result is a function of the data, the settings and the seed alone. Ctrl-C ends a run early and
    gives what it has learnt so far.

    Parameters
    ----------
    network : Network
    X : array (m, n_0)
    Y : array (m, n_L), or (m,) class indices (one column of numbers for losses of numbers)
    optimizer : str or Optimizer
        Such as `"sgd"` or `Adam(Cosine(0.01), clip_norm=1.0)`. `LBFGS()`, and on small data
        `LevenbergMarquardt()` (squared errors), take all examples at once; their iterations are the epochs.
    batch_size : int or None
        Examples a step; None for all of them.
    epochs : int
        Passes over the training rows, at most.
    seed : int
        Draws first weights, held-out rows, the order of each epoch and dropout masks.
    validation : float, (X, Y) or (X, Y, weights), optional
        Held-out rows: a fraction of the examples (by class, for classes), or rows of their own. The
        parameters of the best epoch on them are given back.
    sample_weight : array (m,), optional
    class_weight : mapping from class index to weight, or "balanced", optional
        Multiplied into the weights of the training rows and of the validation loss, but not of the metric.
    label_smoothing : float
        Share of the uniform distribution mixed into training targets that are probabilities.
    initial : Parameters, optional
        First parameters, copied; else `network.initialize(seed)`.
    engine : {"compiled", "textbook"}
    dtype : float32 or float64, optional
        What the engine computes in; the dtype of X if it is one of these, else float64.
    threads : int, optional
        Threads of the compiled engine; as many as the work pays for and there are cores (or OMP_NUM_THREADS
        says) if left out. No bit of a result depends on it.
    metric : str or Metric, optional
        What early stopping and the best epoch go by, in place of the validation loss: "accuracy",
        "log_loss", "roc_auc", "rmse", "mae", "r2" or a `Metric`. Needs validation data.
    patience : int, optional
        Stop after so many epochs in a row in which the monitored quantity (metric, else validation loss,
        else training loss) has not improved by more than `tolerance`.
    tolerance : float
        See `patience`; given alone, ten such epochs stop the run.
    stop_gradient_norm : float, optional
        Stop once the norm of dC/dtheta over the training rows is at most this (a pass more each epoch).
    time_budget : float, optional
        Seconds; looked at between slices of about 50 ms, and between iterations of L-BFGS.
    progress : bool
        Whether to show a progress bar (or a few lines, in a log) on standard error.
    callbacks : callable or sequence of callables
        Each is given an `EpochReport` at the end of each epoch, and stops the run by returning true.
    shuffle : bool
        Whether each epoch takes the rows in an order of its own.
    snapshots : int, optional
        Keep parameters and optimizer every so many epochs, from which `Model.replay` starts; without them it
        computes the run again from the seed.
    certify : bool
        Whether to compare the gradient at the end with the complex step, on a few training rows, and keep
        the certificate; warns if it does not hold.
    checkpoint : path, optional
        A folder in which the run commits where it stands, so that it can go on after a crash.
    checkpoint_seconds : float
        From one checkpoint to the next at least; 0 commits after each stretch of about 50 ms.
    resume : bool
        Go on from the checkpoint in that folder, if there is one, to the very bits of an unbroken run; needs
        the same data and settings.
    solver : callable, optional
        Takes the course's steps and says why it ended, in place of the optimizer's own loop: for a page that
        stops a run anywhere, by a `Descent` of its own.

    Returns
    -------
    Run
        `clearprop.train` gives it as a `Model`.

    Raises
    ------
    SpecificationError, FormulaError, DataError
        When settings or data cannot be used.
    ModelFileError
        When the checkpoint's folder cannot be used, or holds what is damaged or was not asked for.
    TrainingDiverged
        When the loss stops being finite; the error's `.run` holds the parameters before.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> run = train(Network(1, [Dense(8, "tanh"), Dense(1)]), X, X[:, 0] ** 2, optimizer="lbfgs",
    ...             epochs=200, progress=False, engine="textbook")
    >>> run.history["loss"][-1] < 1e-4
    True
    """
    network.require_trainable()
    callbacks = (callbacks,) if callable(callbacks) else tuple(callbacks)
    for callback in callbacks:
        if not callable(callback):
            raise SpecificationError(f"a callback is a function of an EpochReport, not {callback!r}")
    rules = StoppingRules(epochs, patience, tolerance, stop_gradient_norm, time_budget)
    rule = as_optimizer(optimizer)
    if rule.name == "lbfgs":
        require_lbfgs(network, rule)
    elif not rule.step:
        require_levenberg(network, rule)
    check_threads(threads)
    if snapshots is not None:
        require_whole("snapshots", snapshots)
    if checkpoint is not None:
        _require_steps(rule)
        require_number("checkpoint_seconds", checkpoint_seconds, zero=True)
    elif resume:
        raise SpecificationError("resume goes on from a checkpoint; name its folder by checkpoint=")
    if metric is not None and validation is None:
        raise SpecificationError("metric is measured on held-out rows; give validation=, such as 0.1")
    real = _dtype(X, dtype)
    seed = _seed(seed)
    drawn = seed if isinstance(validation, float | np.floating) else 0  # what depends on the seed
    in_place = rule.name != "levenberg_marquardt" and not network.has_dropout
    given = (network, X, Y, real, validation, sample_weight, class_weight, label_smoothing, in_place)
    data, data_digest = kept_between("data", (*given, drawn), lambda: _prepared(*given, seed=drawn))
    theta = first_parameters(network, initial, seed, real)
    size = _batch_size(batch_size if rule.step else None, len(data))
    monitored = None if metric is None else as_metric(metric, network.loss)
    schedule = rule.learning_rate
    # may compile, which is not training
    computing = kept_between(
        "engine",
        (engine, network, real, rule, threads),
        lambda: engine_for(engine, network, dtype=real, optimizer=rule, threads=threads),
    )
    with progress_on(progress) as shown:
        course = Course(
            engine=computing,
            data=data,
            theta=theta,
            state=OptimizerState.fresh(network, real),
            rules=rules,
            record=RunRecord(
                seed=seed,
                batch_size=size,
                epochs=int(epochs),
                shuffle=bool(shuffle),
                engine=engine,
                dtype=real.name,
                optimizer=rule.to_dict(),
                rows=len(data),
                held_out=0 if data.held_out is None else len(data.held_out),
                validation_fraction=float(validation)
                if isinstance(validation, float | np.floating)
                else None,
                weighted=sample_weight is not None,
                class_weight=_plain_weights(class_weight),
                label_smoothing=float(label_smoothing),
                initial_given=initial is not None,
                data=data_digest,
            ),
            shown_metric=monitored or default_metric(network.loss),
            monitored=monitored,
            callbacks=callbacks,
            progress=shown,
            plateau=plateau_of(schedule),
            snapshot_every=snapshots,
        )
        standing = None
        if checkpoint is not None:
            course.checkpoints = checkpoints_of(course, Path(checkpoint), checkpoint_seconds, monitored)
            standing = course.checkpoints.prepare(resume=resume)
        if standing is not None:
            course.restore(standing)
        try:
            attend()
            ended = None if standing is None or not standing.stopped else standing.stopped
            stopped = (solver or solve)(course) if ended is None else cast(Stopped, ended)
        except KeyboardInterrupt:
            stopped = "interrupted"
        run = course.run(stopped)
    if certify:
        run.certificate = _certificate(run)
    return run


def _prepared(
    network: Network,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    dtype: np.dtype[Any],
    validation: Validation | None,
    sample_weight: npt.ArrayLike | None,
    class_weight: ClassWeight | None,
    label_smoothing: float,
    in_place: bool,
    *,
    seed: int,
) -> tuple[TrainingData, str]:
    """The data as they are trained on, and their digest."""
    if in_company():  # which converts them once, if they are to be converted
        X = kept_in_common("inputs", (X, dtype), partial(check_inputs, network, X, dtype))
    data = prepare(
        network,
        X,
        Y,
        dtype,
        seed=seed,
        validation=validation,
        sample_weight=sample_weight,
        class_weight=class_weight,
        label_smoothing=label_smoothing,
        in_place=in_place,
    )
    return data, digest(data.training.X, data.training.Y, data.training.weights, rows=data.places)


def solve(course: Course) -> Stopped:
    """Let the solver of the course's optimizer take its steps until a rule stops it."""
    solvers = {"lbfgs": minimise, "levenberg_marquardt": minimise_squares}
    return solvers.get(course.engine.optimizer.name, descend)(course)


def _require_steps(rule: Optimizer) -> None:
    """Raise SpecificationError for a solver whose steps keep a state of their own."""
    if not rule.step:
        raise SpecificationError(
            f"{rule.title} keeps a state that cannot be put into a checkpoint; its runs are short and give "
            "the same bits every time, so train again, or use Adam"
        )


def checkpoints_of(course: Course, folder: Path, every: float, monitored: Metric | None) -> Checkpoints:
    """The folder of the course's checkpoint, and all that must be the same in a run that goes on."""
    settings, rules = course.record.to_dict(), course.rules
    machine = {name: settings.pop(name) for name in ("versions", "cpu")}
    del settings["steps"], settings["digests"]
    settings |= {
        "initial": course.digests[0],
        "patience": rules.patience,
        "tolerance": rules.tolerance,
        "stop_gradient_norm": rules.gradient_norm,
        "metric": None if monitored is None else monitored.name,
    }
    return Checkpoints(folder, course.engine.network, settings, machine, every)


def _certificate(run: Run) -> Certificate:
    """Certificate of the gradient at the run's parameters, dropout frozen as in its first epoch."""
    from clearprop.glassbox.certifying import certify

    few = run.sample.sample(CERTIFIED_ROWS).training
    network, rows = run.network, np.arange(len(few))
    found = certify(
        network,
        run.theta,
        few.X,
        few.Y,
        sample_weight=few.weights,
        masks=dropout_masks(network, run.record.seed, 0, rows) if network.has_dropout else None,
        engine=cast(EngineName, run.record.engine),
    )
    if not found.holds:
        warnings.warn(f"the gradient is not certified; print the certificate\n{found}", stacklevel=4)
    return found


def _dtype(X: Any, dtype: npt.DTypeLike | None) -> np.dtype[Any]:
    if dtype is None:
        own = getattr(X, "dtype", None)
        return np.dtype(np.float32) if own == np.float32 else np.dtype(np.float64)
    try:
        real = np.dtype(dtype)
    except TypeError:
        real = np.dtype(object)
    if real not in (np.float32, np.float64):
        raise SpecificationError(f"dtype is float32 or float64, not {dtype!r}")
    return real


def _seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**64:
        raise SpecificationError(f"seed is a whole number from 0 to below 2**64, not {seed!r}")
    return int(seed)


def _batch_size(batch_size: int | None, m: int) -> int:
    if batch_size is None:
        return m
    require_whole("batch_size", batch_size)
    return min(int(batch_size), m)


def first_parameters(network: Network, initial: Parameters | None, seed: int, dtype: np.dtype[Any]) -> Array:
    """Parameters a run starts from, flat: those given, else drawn from the seed."""
    if initial is None:
        return network.initialize(seed, dtype).flat
    if not isinstance(initial, Parameters):
        raise SpecificationError(f"initial is Parameters, not {type(initial).__name__}")
    ours, theirs = ([(s.layer, s.kind, s.shape) for s in n.segments] for n in (network, initial.network))
    if ours != theirs:
        raise SpecificationError(f"initial belongs to {initial.network!r}, not to {network!r}")
    theta = initial.flat.astype(dtype)
    if not np.isfinite(theta).all():
        raise SpecificationError("initial holds numbers that are not finite")
    return theta


def _plain_weights(class_weight: ClassWeight | None) -> dict[str, float] | str | None:
    if class_weight is None or isinstance(class_weight, str):
        return class_weight
    return {str(k): float(weight) for k, weight in class_weight.items()}


def plateau_of(schedule: Schedule) -> Plateau | None:
    """A counter of plateaus for a schedule that asks for one by its parameters."""
    if not {"patience", "tolerance"} <= set(schedule.parameter_names):
        return None
    return Plateau(schedule["patience"], schedule["tolerance"])
