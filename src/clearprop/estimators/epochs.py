"""Fits by mini-batches, epoch after epoch, in scikit-learn's order of draws and decisions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from clearprop.arrays import Array, IntArray
from clearprop.engines.examples import BLOCK
from clearprop.estimators.judging import Judge
from clearprop.estimators.steps import Objective, Reported, Steps


def fit_epochs(estimator: Any, objective: Objective, judge: Judge, data: Reported, theta: Array) -> Array:
    """Parameters after `max_iter` epochs, or fewer."""
    steps = estimator._optimizer = Steps(objective, estimator)
    order = data.rows
    size = _batch_size(estimator, len(data))
    estimator.n_iter_ = 0
    if judge.stops_early:
        judge.best = theta.copy()
    try:
        while estimator.n_iter_ < estimator.max_iter:
            order = _shuffled(estimator, order)
            told_to_stop = _epoch(estimator, objective, judge, data, theta, order, size)
            if told_to_stop or not np.isfinite(estimator.loss_):
                break  # scikit-learn goes on with parameters that are lost
            if judge.stands_still:
                if steps.stops(judge.message, verbose=bool(estimator.verbose)):
                    break
                estimator._no_improvement_count = 0
            if estimator.n_iter_ == estimator.max_iter:
                warnings.warn(
                    f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the "
                    "optimization hasn't converged yet.",
                    ConvergenceWarning,
                    stacklevel=6,
                )
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=6)
    return judge.kept(theta)


def fit_one_epoch(estimator: Any, objective: Objective, judge: Judge, data: Reported, theta: Array) -> Array:
    """Parameters after one epoch of `partial_fit`; as they are, once its validation set has stopped it."""
    if not judge.stops_early:
        end_of_partial_fits(estimator)
    elif getattr(estimator, "early_stopped_", False):
        return theta
    elif not hasattr(estimator, "_best"):  # the first of a sequence
        estimator._no_improvement_count, estimator.best_validation_score_ = 0, -np.inf
    if not hasattr(estimator, "_optimizer"):
        estimator._optimizer = Steps(objective, estimator)
    state = estimator._optimizer.state
    if not state.slots.flags.writeable:  # read from a mapped file
        state.slots = state.slots.copy()
    judge.best = getattr(estimator, "_best", None)
    estimator.n_iter_ = 0
    size = _batch_size(estimator, len(data))
    order = _shuffled(estimator, np.arange(len(data)))
    _epoch(estimator, objective, judge, data, theta, order, size)
    if judge.stops_early:
        estimator._best, estimator.early_stopped_ = judge.best, judge.stands_still
        return judge.kept(theta) if estimator.early_stopped_ else theta
    verbose = bool(estimator.verbose)
    if judge.stands_still and not estimator._optimizer.stops(judge.message, verbose=verbose):
        estimator._no_improvement_count = 0
    return theta


def end_of_partial_fits(estimator: Any) -> None:
    """Forget what a sequence of `partial_fit` with a validation set of its own has found."""
    for name in ("early_stopped_", "_best"):
        vars(estimator).pop(name, None)


def _shuffled(estimator: Any, order: IntArray) -> IntArray:
    """The rows' order for the next epoch, drawn as sklearn.utils.shuffle does, at a tenth of its time."""
    if not estimator.shuffle:
        return order.astype(np.int64, copy=False)
    permutation = np.arange(len(order))
    estimator._random_state.shuffle(permutation)
    for first in range(0, len(order), BLOCK):  # order[permutation], without a third array
        rows = permutation[first : first + BLOCK]
        rows[...] = order[rows]
    return permutation


def _epoch(
    estimator: Any,
    objective: Objective,
    judge: Judge,
    data: Reported,
    theta: Array,
    order: IntArray,
    size: int,
) -> bool:
    """Take an epoch's steps; whether a callback stops the fit."""
    m, steps = len(data), estimator._optimizer
    if objective.network.has_dropout and not hasattr(estimator, "_dropout_seed"):
        estimator._dropout_seed = int(estimator._random_state.randint(2**31 - 1))
    rates = steps.rates(-(-m // size), estimator.max_iter)
    loss = steps.epoch(
        objective,
        theta,
        data,
        order,
        batch_size=size,
        rates=rates,
        seed=estimator._dropout_seed if objective.network.has_dropout else 0,
        epoch=len(estimator.loss_curve_),
    )
    estimator.t_ += m
    told_to_stop = judge.end_epoch(theta, loss, float(rates[-1]))
    steps.epoch_ends(estimator.t_, loss)
    return told_to_stop


def _batch_size(estimator: Any, m: int) -> int:
    """Rows of a batch, at most all."""
    if estimator.batch_size == "auto":
        return min(200, m)
    if estimator.batch_size > m:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=7,
        )
    return min(int(estimator.batch_size), m)
