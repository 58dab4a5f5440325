"""The glass box: a row looked through in stages, typed in anew, a number derived, its gradient certified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clearprop.errors import DataError
from clearprop.glassbox.quantity import read_name
from clearprop.glassbox.render.html import MathmlWriter, html_of
from clearprop.glassbox.trace import Derivation
from clearprop.web.bench.coming import Coming
from clearprop.web.bench.parameters import place_of
from clearprop.web.bench.typing_in import with_cells, with_inputs
from clearprop.web.drawings import neighbourhood, update_arrows
from clearprop.web.rooms.asking import Asked
from clearprop.web.rooms.own_step import equations, own_step
from clearprop.web.rooms.passes import stages
from clearprop.web.rooms.plugs import Scene
from clearprop.web.rooms.rendering import rendered
from clearprop.web.rooms.updating import own_update, parameter_of, update

VIEWS = ("recursive", "paths", "product")
MOST_TERMS = 64
MOST_UNITS = 12  #: of a layer, in the table of a row


def row(asked: Asked) -> str:
    """GET /api/benches/ID/row?row=3: its cells and every number of its passes, each to be opened."""
    scene = Scene.of(asked.bench, asked.whole("row"))
    data, seen = scene.data, scene.trace
    slopes = (seen.delta[1] @ seen.theta.W[1])[0]
    return rendered(
        "row.html",
        scene=scene,
        cells=data.shown_cells(scene.example),
        answer=data.classes[_class_of(scene)] if data.classes else "",
        stages=stages(scene.network),
        slopes=slopes,
        most=MOST_UNITS,
    )


def _class_of(scene: Scene) -> int:
    """The class with the largest output, or the likelier side of a single one."""
    outputs = scene.trace.y_hat[0]
    if len(outputs) > 1:
        return int(outputs.argmax())
    bound = 0.5 if scene.network.loss.link == "sigmoid" else 0.0
    return int(outputs[0] > bound)


def example(asked: Asked) -> Mapping[str, Any]:
    """POST /api/benches/ID/example: cells or inputs typed in, in the place of a row's, or the row again."""
    bench, number = asked.bench, asked.whole("row")
    data, given = bench.data, bench.example(number)
    if asked.said.get("again") is True:
        given = data.example(number)
    cells, inputs = asked.said.get("cells", {}), asked.said.get("inputs", {})
    if not _all(cells, str) or not _all(inputs, int | float):
        raise DataError("cells are texts by their column, inputs are numbers by their place")
    if cells:
        given = with_cells(data, given, cells)
    if inputs:
        given = with_inputs(data, given, {_place(i): float(value) for i, value in inputs.items()})
    bench.type_in(given)
    return {"by_hand": given.by_hand}


def _all(given: Any, kind: Any) -> bool:
    if not isinstance(given, dict):
        return False
    return all(isinstance(each, kind) and not isinstance(each, bool) for each in given.values())


def _place(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise DataError(f"an input is named by its place, not {text!r}")
    return int(text)


@dataclass(frozen=True, eq=False)
class Derived:
    """The scene of a request's row, the step that comes next, the view that is shown, and the derivation."""

    scene: Scene
    coming: Coming
    view: str
    derivation: Derivation


def derived(asked: Asked) -> Derived:
    """The number that a request asks for, derived."""
    view, terms = asked.text("view", "recursive"), asked.whole("terms", 8)
    if view not in VIEWS:
        raise DataError(f"view is one of {', '.join(VIEWS)}")
    if not 1 <= terms <= MOST_TERMS:
        raise DataError(f"terms is a whole number from 1 to {MOST_TERMS}")
    (scene, coming), name = Scene.poised(asked.bench, asked.whole("row")), asked.text("of")
    shown = "recursive" if place_of(scene.network, name) is None else view  # paths lead from a parameter
    found = scene.trace.derive(name, view=shown, terms=terms)  # type: ignore[arg-type]
    return Derived(scene, coming, shown, found)


def derivation(asked: Asked) -> str:
    """GET /api/benches/ID/derivation?row=3&of=W[1][2,0]&view=recursive&terms=8: by the chain rule."""
    found = derived(asked)
    scene = found.scene
    name, view = asked.text("of"), asked.text("view", "recursive")
    place = place_of(scene.network, name)
    return rendered(
        "derivation.html",
        name=name,
        view=view,
        shown=found.view,
        value=None if place is None else float(scene.moment.theta[place]),
        table=html_of(MathmlWriter(found.derivation.digits).lines(found.derivation.tree)),
        scene=scene,
        makes_up=_makes_up(scene, name),
        update=steps_of(scene, name, found.coming),
    )


def steps_of(scene: Scene, name: str, coming: Coming) -> str:
    """What one update does: by the run's own optimizer, and beside it plain descent where that is another."""
    rate = scene.settings.learning_rate if coming.rate is None else coming.rate
    plain, own, own_rows, lines = update(scene, name, rate), None, [], ""
    q = parameter_of(read_name(name))
    if coming.rate is not None:
        own = own_step(scene.trace, coming)
        own_rows = own_update(scene, name, own)
        lines = "" if q is None else html_of(equations(own, q))
    return rendered(
        "update.html",
        coming=coming,
        rate=rate,
        own=own,
        own_rows=own_rows,
        lines=lines,
        own_arrows=update_arrows([each.change for each in own_rows]),
        plain=plain,
        plain_arrows=update_arrows([each.change for each in plain]),
        schedule=coming.rule.learning_rate.name,
        dropout=scene.network.has_dropout,
    )


def _makes_up(scene: Scene, name: str) -> str:
    """What the z of the number's unit is made of; nothing for what belongs to no unit."""
    given = read_name(name)
    l, units = given.layer, given.units
    if given.kind == "y_hat":
        l = scene.network.depth
    if l is None or not units:
        return ""
    pieces = scene.network.layers[l - 1].activation.pieces if given.kind in ("a", "y_hat") else 1
    return neighbourhood(scene.trace, l, units[0] * pieces, inputs=scene.data.features)


def certificate(asked: Asked) -> str:
    """GET /api/benches/ID/certificate?row=3&of=W[1][2,0]: whether the engine's gradient is right."""
    number, name = asked.whole("row"), asked.text("of", "")
    if asked.bench.moment().status == "diverged":
        raise DataError("the run has diverged, its numbers are finite no more; go back to an epoch before")
    found = asked.bench.certify(number)
    checks = {each.name: each for each in found.arrays}
    own = checks.get(f"{name.partition('[')[0]}[{read_name(name).layer}]") if name else None
    return rendered("certificate.html", certificate=found, number=number, name=name, own=own)
