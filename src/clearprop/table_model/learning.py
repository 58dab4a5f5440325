"""The training of what was planned: arrays out of the rows, `train`, and a model around the run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.model import Model
from clearprop.table_model.baselines import class_shares
from clearprop.table_model.ensembles import ensemble_network, member_seed, side_by_side
from clearprop.table_model.model import TableModel
from clearprop.table_model.plan import TablePlan, features, first_parameters, targets
from clearprop.training import train, train_many
from clearprop.training.course import Callback
from clearprop.training.launch import CERTIFIED_ROWS
from clearprop.training.run import Run


def train_network(
    plan: TablePlan,
    *,
    certify: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = False,
    callbacks: Callback | Sequence[Callback] = (),
) -> TableModel:
    """Train what was planned, deciding for the likelier class, and judge it on the rows held out.

    Ctrl-C ends training and gives what was learnt so far; `.model.stopped` is "interrupted" then.
    """
    settings, rows = plan.settings, plan.training.n_rows
    count = settings.ensemble
    ensemble_network(plan.network, count)  # what is wrong, now
    X = features(plan.encoder, plan.training)
    Y = targets(plan.network, plan.target, plan.training)
    weights, validation = plan.weights, settings.validation_for(rows)
    parted = plan.validation_rows() if plan.ties is not None or count > 1 else None
    first, held = (slice(None), None) if parted is None else parted
    own = None if held is None else (X[held], Y[held], *(() if weights is None else (weights[held],)))
    X = X[first]  # the whole is not kept beside it
    jobs = []
    for k in range(count):
        seed, folder = member_seed(settings.seed, k), checkpoint
        if checkpoint is not None and count > 1:
            folder = Path(checkpoint) / f"member-{k + 1}"
        initial = first_parameters(plan.network, replace(settings, seed=seed), plan.encoder)
        jobs.append({"seed": seed, "checkpoint": folder, "initial": initial})
    runs = _trained(
        jobs,
        network=plan.network,
        X=X,
        Y=Y[first],
        optimizer=settings.optimizer_for(rows),
        batch_size=settings.batch_size_for(rows),
        epochs=settings.epochs_for(rows),
        validation=validation if own is None else own,
        sample_weight=None if weights is None else weights[first],
        class_weight=settings.class_weight_for(plan.target),
        label_smoothing=settings.label_smoothing,
        dtype=settings.dtype,
        metric=settings.metric,
        patience=settings.patience,
        time_budget=settings.time_budget,
        certify=certify and count == 1,
        resume=resume,
        progress=progress,
        callbacks=callbacks,
    )
    models = [Model.of(run) for run in runs]
    trained = models[0] if count == 1 else _together(models, certify=certify)
    y = Y if plan.target.task == "classes" else np.empty(0, dtype=np.int64)
    shares = class_shares(plan.target, y, plan.weights)
    model = TableModel(
        trained,
        plan.encoder,
        plan.target,
        shares,
        plan.share,
        roles=plan.roles,
        validation=None if own is None else validation,
    )
    return model if plan.test is None else replace(model, evaluation=model.judge_table(plan.test))


def _trained(jobs: Sequence[Mapping[str, Any]], *, callbacks: Any, **common: Any) -> list[Run]:
    """The runs of an ensemble, or its single one; after Ctrl-C those that have learnt something.

    Callbacks are told of one member after the other, so members do not train side by side then.
    """
    if len(jobs) > 1 and not callbacks:
        runs = train_many(jobs, **common)
        return [run for run in runs if run.history["epoch"]] or runs[:1]
    runs = []
    for job in jobs:
        runs.append(train(**job, callbacks=callbacks, **common))
        if runs[-1].stopped == "interrupted":
            break
    return runs


def _together(models: Sequence[Model], *, certify: bool) -> Model:
    """The members as one model; it keeps the first one's history, and no record of a single run."""
    first, ended = models[0], [model.stopped for model in models]
    theta = side_by_side([model.theta for model in models])
    whole = replace(
        first,
        network=theta.network,
        theta=theta,
        record=None,
        snapshots={},
        certificate=None,
        stopped="interrupted" if "interrupted" in ended else ended[-1],
    )
    if certify and first.sample is not None:
        few = first.sample.sample(CERTIFIED_ROWS).training
        whole.certificate = whole.certify(few.X, few.Y, sample_weight=few.weights)
    return whole
