"""The glass box: a row looked through, a number derived, its gradient certified."""

from __future__ import annotations

from clearprop.errors import DataError
from clearprop.glassbox.render.html import MathmlWriter, html_of
from clearprop.web.bench.parameters import place_of
from clearprop.web.rooms.asking import Asked
from clearprop.web.rooms.plugs import Scene
from clearprop.web.rooms.rendering import rendered

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
        example=data.example(scene.number),
        cells=data.cells(scene.number),
        slopes=slopes,
        most=MOST_UNITS,
    )


def derivation(asked: Asked) -> str:
    """GET /api/benches/ID/derivation?row=3&of=W[1][2,0]&view=recursive&terms=8: by the chain rule."""
    view, terms = asked.text("view", "recursive"), asked.whole("terms", 8)
    if view not in VIEWS:
        raise DataError(f"view is one of {', '.join(VIEWS)}")
    if not 1 <= terms <= MOST_TERMS:
        raise DataError(f"terms is a whole number from 1 to {MOST_TERMS}")
    scene = Scene.of(asked.bench, asked.whole("row"))
    name = asked.text("of")
    found = scene.trace.derive(name, view=view, terms=terms)  # type: ignore[arg-type]
    table = html_of(MathmlWriter(found.digits).lines(found.tree))
    place = place_of(scene.network, name)
    value = None if place is None else float(scene.moment.theta[place])
    return rendered("derivation.html", name=name, value=value, table=table, scene=scene)


def certificate(asked: Asked) -> str:
    """GET /api/benches/ID/certificate?row=3: whether the engine's gradient is the mathematics' own."""
    number = asked.whole("row")
    return rendered("certificate.html", certificate=asked.bench.certify(number), number=number)
