"""The bench itself: a new one, its settings, and the verbs of its run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from clearprop.errors import DataError
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.settings import Settings, fitting
from clearprop.web.rooms.asking import Asked
from clearprop.web.rooms.plugs import applying
from clearprop.web.rooms.uploads import described

#: verb -> what it does
VERBS: Mapping[str, Callable[[Bench, Asked], None]] = {
    "run": lambda bench, asked: bench.pace.run(),
    "pause": lambda bench, asked: bench.pace.pause(),
    "batch": lambda bench, asked: bench.pace.one_batch(),
    "epoch": lambda bench, asked: bench.pace.one_epoch(),
    "pace": lambda bench, asked: bench.pace.slow(asked.real("steps")),
    "reset": lambda bench, asked: bench.reset(),
    "back": lambda bench, asked: bench.pace.back_to(asked.whole("epoch")),
    "edit": lambda bench, asked: bench.edit(asked.text("name"), asked.real("value")),
}


def new(asked: Asked) -> Mapping[str, Any]:
    """POST /api/benches: a bench of one's own, with the files of the command line if there were some."""
    bench = asked.request.app.state.fresh()
    name = asked.benches.add(bench)
    return state(name, bench, asked)


def told(asked: Asked) -> Mapping[str, Any]:
    """GET /api/benches/ID: what is set, and where the run stands."""
    return state(asked.request.path_params["bench"], asked.bench, asked)


def change(asked: Asked) -> Mapping[str, Any]:
    """POST /api/benches/ID/settings: another network or training; the run begins anew."""
    asked.bench.change(Settings.from_plain(asked.said))
    return told(asked)


def do(asked: Asked) -> Mapping[str, Any]:
    """POST /api/benches/ID/do: a verb of the run."""
    verb = asked.text("verb")
    if verb not in VERBS:
        raise DataError(f"there is no verb {verb!r}; there are {', '.join(VERBS)}")
    VERBS[verb](asked.bench, asked)
    return {"status": asked.bench.pace.status}


def state(name: str, bench: Bench, asked: Asked) -> dict[str, Any]:
    """What the page shows of a bench beside its drawings."""
    data, network, pace = bench.standing()
    upload = asked.uploads.find(data.table)
    return {
        "id": name,
        "made": bench.made,
        "lesson": bench.lesson,
        "status": pace.status,
        "message": pace.message,
        "data": {
            "title": data.title,
            "task": data.task,
            "training": len(data.training),
            "held_out": 0 if data.held_out is None else len(data.held_out),
            "features": list(data.features),
            "classes": list(data.classes),
            "targets": list(data.targets),
            "first": data.first,
            "last": data.last,
            "notices": list(data.notices),
            "upload": described(upload, data.table) if upload and data.table else None,
        },
        "settings": bench.settings.to_plain(),
        "pace": pace.steps,
        "model": _told_model(bench),
        "network": {
            "widths": list(network.widths),
            "parameters": network.n_parameters,
            "loss": network.loss.name,
            "output": network.output.activation.name,
            "losses": list(fitting(data.task)),
        },
        "drawings": applying(data, network),
    }


def _told_model(bench: Bench) -> dict[str, Any] | None:
    """The opened model, and the columns of a table that it reads."""
    opened = bench.opened
    if opened is None:
        return None
    return {"name": opened.name, "columns": list(opened.columns), "standing": bench.start is not None}
