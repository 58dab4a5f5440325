"""A run of the page as a Python script that trains to the same weights, bit for bit."""

from __future__ import annotations

import hashlib

from clearprop.arrays import Array
from clearprop.errors import SpecificationError
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.dataset import Dataset
from clearprop.web.bench.pace import Moment
from clearprop.web.bench.settings import Settings
from clearprop.words import plural

_SETS = ("generated_set", "shipped_set", "table_set", "model_set")
_SCALED = "scaled("
_HEAD = '''"""{about}"""

import hashlib

import clearprop as cp
from clearprop.training.descent import Descent
{imports}
{edited}
data = {recipe}
network = {network}
{initial}reached = {{}}


def as_far_as_the_page(course):
    """Take its steps, and keep the parameters as they stood then, which need not be the best epoch's."""
    descent = Descent(course)
    while course.epoch < {epoch}:
        descent.advance()
{batches}    reached["theta"] = course.theta.copy()
    return "interrupted"


model = cp.train(
    network,
    data.training.X,
    data.training.Y,
    optimizer={optimizer},
    batch_size={batch_size},
    epochs={epochs},
    seed={seed},
    class_weight={class_weight!r},
    patience={patience},
    validation={validation},
    initial={start},
    dtype={dtype!r},
    progress=False,
    solver=as_far_as_the_page,
)
model.theta.flat[:] = reached["theta"]
found = hashlib.sha256(model.theta.flat.tobytes()).hexdigest()
print({question!r}, found == {digest!r})
'''
_BATCHES = """    for _ in range({batch}):
        descent.advance(1)
"""
_EDITED = """
print(
    "parameters were set by hand on the page, so this script cannot repeat its run: what a hand "
    "wrote follows from no seed. It trains as far without that."
)
"""


def script(bench: Bench) -> str:
    """The script of a run as far as it has come.

    Raises
    ------
    SpecificationError
        When the run has diverged, or its network or rows were written down by a lesson.

    Examples
    --------
    >>> bench = Bench(settings=Settings(epochs=3))
    >>> bench.pace.one_epoch()
    >>> "cp.schedules['constant'](0.01)" in script(bench)
    True
    >>> bench.close()
    """
    with bench.held():
        data, settings, pace = bench.data, bench.settings, bench.pace
        network, unseen, opened = _network(bench), data.unseen, bench.opened
        going_on = bench.start is not None and opened is not None
        if not going_on and (bench.start is not None or bench.network != settings.network(data)):
            raise SpecificationError(
                "a lesson wrote this network down, and no settings of the page make it; take the model file, "
                "or build the network anew"
            )
    if not data.recipe:
        raise SpecificationError(
            "a lesson wrote these rows down, and no set of the page has them; take the model file, "
            "or choose a set"
        )
    moment = pace.look()
    require_finite(moment)
    files, initial = [data.file] if data.file else [], ""
    if opened is not None and (going_on or opened.name in data.recipe):
        files.append(opened.name)
    if going_on and opened is not None:
        load = "cp.load" if opened.table_model is None else "cp.TableModel.load"
        network = f"{load}({opened.name!r}).network"
        initial = f"theta = {load}({opened.name!r}).theta\n"
    elif unseen:
        initial = (
            f"theta = network.initialize({settings.seed!r}, {settings.dtype!r})\n"
            f"theta.W[1][:, {list(unseen)}] = 0.0  # inputs that are 0 in every row trained on\n"
        )
    return _HEAD.format(
        about=_about(moment, files),
        imports=_imports(data),
        edited=_EDITED if moment.edits else "",
        recipe=data.recipe,
        network=network,
        initial=initial,
        epoch=moment.epoch,
        batches=_BATCHES.format(batch=moment.batch) if moment.batch else "",
        optimizer=_optimizer(settings),
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        seed=settings.seed,
        class_weight=settings.class_weight,
        patience=settings.patience,
        validation="None" if data.held_out is None else "(data.held_out.X, data.held_out.Y)",
        start="theta" if initial else None,
        dtype=settings.dtype,
        question="the weights of the page, bit for bit:",
        digest=digest(moment.theta),
    )


def require_finite(moment: Moment) -> None:
    """Raise SpecificationError for a run that diverged."""
    if moment.ended == "diverged":
        raise SpecificationError("the run has diverged; go back to an epoch before, then export")


def digest(theta: Array) -> str:
    """SHA-256 of the parameters' bytes."""
    return hashlib.sha256(theta.tobytes()).hexdigest()


def _about(moment: Moment, files: list[str]) -> str:
    """What the script does, and what it needs; a name stands in it as Python writes it."""
    steps = plural(moment.epoch, "epoch")
    if moment.batch:
        steps += f" and {moment.batch} of the {moment.batches} batches of the next"
    lines = [f"Trains a network as the page of clearprop did, to the same bits of weights: {steps}."]
    if moment.edits:
        lines = [
            f"Trains a network as the page of clearprop did, {steps}, but for what was set by hand.",
            "",
            f"Parameters were set by hand ({moment.edits} in all), and that follows from no seed,",
            "so no script gives the page's weights: the model file has them.",
        ]
    for file in files:
        lines += ["", f"It reads {_quoted(file)} by its name: put that file beside this script."]
    lines += ["", "The same bits come of the same versions of clearprop and NumPy, on the same kind of CPU."]
    return "\n".join(lines) + "\n"


def _quoted(name: str) -> str:
    """A name inside a docstring: nothing in it may end the docstring, or be read as an escape."""
    return repr(name).replace("\\", "\\\\").replace('"', "'")


def _imports(data: Dataset) -> str:
    """Imports that the recipe needs."""
    recipe, scaled = data.recipe.removeprefix(_SCALED), ""
    if recipe != data.recipe:
        scaled = "from clearprop.web.bench.scaling import scaled\n"
    if recipe.startswith("OpenedModel"):
        return f"from clearprop.web.bench.opened_model import OpenedModel\n{scaled}".rstrip()
    name = next(each for each in _SETS if recipe.startswith(each))
    return f"{scaled}from clearprop.web.bench.sets import {name}"


def _network(bench: Bench) -> str:
    """The network as Python writes it."""
    settings, network = bench.settings, bench.network
    layers = []
    drawn = f", initializer={settings.initializer!r}" if settings.initializer else ""
    for each in settings.layers:
        dropout = (f", dropout={each.dropout!r}" if each.dropout else "") + drawn
        bias = "" if each.bias else ", bias=False"
        layers.append(f"    cp.Dense({each.units}, {each.activation!r}{bias}{dropout}),")
    bias = ("" if settings.output_bias else ", bias=False") + drawn
    layers.append(f"    cp.Dense({network.output.units}, {network.output.activation.name!r}{bias}),")
    penalties = "".join(
        f", {name}={value!r}" for name, value in (("l1", settings.l1), ("l2", settings.l2)) if value
    )
    inside = "\n".join(layers)
    return f"cp.Network({network.inputs}, [\n{inside}\n], {network.loss.name!r}{penalties})"


def _optimizer(settings: Settings) -> str:
    rate = f"cp.schedules[{settings.schedule!r}]({settings.learning_rate!r})"
    given = {"weight_decay": settings.weight_decay, "clip_norm": settings.clip_norm}
    further = "".join(f", {name}={value!r}" for name, value in given.items() if value is not None)
    return f"cp.optimizers[{settings.optimizer!r}]({rate}{further})"
