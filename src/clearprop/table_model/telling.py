"""A plan, a network and a baseline in words: what the command line and the report say alike."""

from __future__ import annotations

import numpy as np

from clearprop.formulas.optimizers import Optimizer
from clearprop.specification import Network
from clearprop.table_model.baselines import METRICS
from clearprop.table_model.model import TableModel
from clearprop.table_model.plan import TablePlan
from clearprop.words import percent, plural


def split_in_words(plan: TablePlan) -> str:
    """Which rows train, and which judge."""
    rows, seed = plan.training.n_rows, plan.settings.seed
    if plan.test is None:
        words = f"all {plural(rows, 'row')} to train on, none held out"
    else:
        drawn = f"{'drawn by class' if plan.target.task == 'classes' else 'drawn'}, seed {seed}"
        if plan.ties is not None:
            name = plan.ties.name
            by_group = f"whole groups of {name!r}, seed {seed}"
            drawn = by_group if plan.ties.kind == "group" else f"the latest by {name!r}"
        words = (
            f"{plural(rows, 'row')} to train on, {plan.test.n_rows:,} held out to judge the result ({drawn})"
        )
    share, metric = plan.settings.validation_for(rows), plan.settings.metric
    by = f" by {METRICS[metric][0]}" if metric else ""
    return words + (f"; {percent(share)} of the training rows choose the best epoch{by}" if share else "")


def network_in_words(network: Network) -> str:
    """The network in one line: layers, parameters, loss."""
    hidden = [f"{layer.units} {layer.activation.name}" for layer in network.layers[:-1]]
    output = f"{network.output.units} {network.output.activation.name}"
    chain = " -> ".join([plural(network.inputs, "input"), *hidden, output])
    return f"{chain}; {plural(network.n_parameters, 'parameter')}; {network.loss.name}"


def training_in_words(row: Optimizer, batch_size: int, epochs: int, dtype: str) -> str:
    """The settings of a training in one line."""
    if not row.step:
        name = "L-BFGS" if row.name == "lbfgs" else "Levenberg-Marquardt"
        return f"{name} on all rows at once, {epochs} iterations at most; {dtype}"
    decay = f", weight decay {row.weight_decay:.3g}" if row.weight_decay else ""
    rate = row.learning_rate
    return (
        f"{row.title or row.name}, learning rate {rate['rate']:g} ({rate.name}){decay}; "
        f"batches of {batch_size}, {plural(epochs, 'epoch')}; {dtype}"
    )


def baseline_in_words(model: TableModel) -> str:
    """What the baseline does."""
    if model.target.task == "numbers":
        return "predicts the mean of the training rows"
    usual = model.target.classes[int(np.argmax(model.shares))]
    more = "" if not model.gives_probabilities else ", with the classes' shares as probabilities"
    return f"always says {usual}, the most frequent class in training{more}"
