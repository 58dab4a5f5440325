"""The training of what was planned: arrays out of the rows, `train`, and a model around the run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from clearprop.model import Model
from clearprop.table_model.baselines import class_shares
from clearprop.table_model.model import TableModel
from clearprop.table_model.plan import TablePlan, features, targets
from clearprop.training import train
from clearprop.training.course import Callback


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
    X = features(plan.encoder, plan.training)
    Y = targets(plan.network, plan.target, plan.training)
    weights, validation = plan.weights, settings.validation_for(rows)
    parted = None if plan.ties is None else plan.validation_rows()
    first, held = (slice(None), None) if parted is None else parted
    own = None if held is None else (X[held], Y[held], *(() if weights is None else (weights[held],)))
    run = train(
        plan.network,
        X[first],
        Y[first],
        optimizer=settings.optimizer_for(rows),
        batch_size=settings.batch_size_for(rows),
        epochs=settings.epochs_for(rows),
        seed=settings.seed,
        validation=validation if own is None else own,
        sample_weight=None if weights is None else weights[first],
        class_weight=settings.class_weight_for(plan.target),
        label_smoothing=settings.label_smoothing,
        initial=plan.first_parameters(),
        dtype=settings.dtype,
        metric=settings.metric,
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
    model = TableModel(
        Model.of(run),
        plan.encoder,
        plan.target,
        shares,
        plan.share,
        roles=plan.roles,
        validation=None if own is None else validation,
    )
    return model if plan.test is None else replace(model, evaluation=model.judge_table(plan.test))
