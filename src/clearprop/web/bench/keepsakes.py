"""What a run can be taken away as: a model that reads its table, and what is exported of it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from clearprop.export import Pipeline
from clearprop.model import Model
from clearprop.specification import Parameters
from clearprop.table_model import TableModel
from clearprop.table_model.baselines import class_shares
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.script import require_finite


def model(bench: Bench) -> Model | TableModel:
    """The network as it stands now, with its table's encoders where it has them.

    Raises
    ------
    SpecificationError
        When the run has diverged.

    Examples
    --------
    >>> bench = Bench()
    >>> bool((model(bench).theta.flat == bench.moment().theta).all())
    True
    >>> bench.close()
    """
    data, network, pace = bench.standing()
    run, moment = pace.standing()
    require_finite(moment)
    history = {name: list(values[: moment.epoch]) for name, values in run.history.items()}
    record = None if moment.edits else run.record  # which says that it gives these parameters
    bare = Model(network, Parameters(network, moment.theta), history, record, classes=data.classes)
    plan, taught = data.plan, data.model
    if plan is not None:
        y = data.training.Y if plan.target.task == "classes" else np.empty(0, dtype=np.int64)
        shares = class_shares(plan.target, y)
        return TableModel(bare, plan.encoder, plan.target, shares, plan.share)
    if taught is not None:
        return TableModel(bare, taught.encoder, taught.target, taught.shares, taught.test)
    return bare


def model_bytes(bench: Bench) -> bytes:
    """The model file."""
    with tempfile.TemporaryDirectory(prefix="clearprop-") as folder:
        path = Path(folder) / "model.safetensors"
        model(bench).save(path)
        return path.read_bytes()


def pipeline(bench: Bench) -> Pipeline:
    """What becomes ONNX."""
    found = model(bench)
    if isinstance(found, TableModel):
        return found.pipeline
    return Pipeline(found.network, found.theta, found.classes)
