"""Exports: what a run can be taken away as, each a file with a type and a name that harms nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

from starlette.responses import Response

from clearprop.errors import DataError
from clearprop.export import exported
from clearprop.web.bench.keepsakes import model_bytes, pipeline
from clearprop.web.bench.script import script
from clearprop.web.drawings import standalone
from clearprop.web.drawings.numbers import View
from clearprop.web.rooms.asking import Asked
from clearprop.web.rooms.glass import derived
from clearprop.web.rooms.plugs import Scene
from clearprop.web.views.network import named_network

DRAWN: tuple[str, ...] = get_args(View)
LONGEST = 60  #: letters of a file's name, beside its suffix


@dataclass(frozen=True)
class Kind:
    """What can be taken away: the file's suffix and type, and what makes its content."""

    suffix: str
    media_type: str
    content: Callable[[Asked], str | bytes]


def _drawing(asked: Asked) -> str:
    view = asked.text("view", "weights")
    if view not in DRAWN:
        raise DataError(f"view is one of {', '.join(DRAWN)}")
    scene = Scene.of(asked.bench, asked.whole("row"))
    svg = named_network(scene.data, scene.trace, view)  # type: ignore[arg-type]
    return standalone(svg, dark=asked.text("dark", "") == "1")


#: what is asked for -> what is given
KINDS: Mapping[str, Kind] = {
    "script": Kind(".py", "text/x-python; charset=utf-8", lambda asked: script(asked.bench)),
    "model": Kind(".safetensors", "application/octet-stream", lambda asked: model_bytes(asked.bench)),
    "onnx": Kind(
        ".onnx", "application/octet-stream", lambda asked: exported(pipeline(asked.bench), "onnx", "network")
    ),
    "latex": Kind(
        ".tex",
        "application/x-tex; charset=utf-8",
        lambda asked: derived(asked).derivation.latex(document=True),
    ),
    "drawing": Kind(".svg", "image/svg+xml", _drawing),
}


def export(asked: Asked) -> Response:
    """GET /api/benches/ID/export?what=script, model, onnx, latex&row=3&of=W[1][2,0], drawing&row=3."""
    what = asked.text("what")
    if what not in KINDS:
        raise DataError(f"there is no export {what!r}; there are {', '.join(KINDS)}")
    kind = KINDS[what]
    content = kind.content(asked)
    name = file_name(asked.bench.data.title, kind.suffix)
    body = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    headers = {"content-disposition": f'attachment; filename="{name}"', "content-type": kind.media_type}
    return Response(body, headers=headers)


def file_name(title: str, suffix: str) -> str:
    r"""A name that every system takes, of letters that no header and no shell reads otherwise.

    >>> file_name("../../etc/passwd\r\n; rm -rf .csv", ".py"), file_name("…", ".tex")
    ('clearprop-etc-passwd-rm-rf.py', 'clearprop.tex')
    """
    plain = re.sub(r"\.(csv|tsv|txt|psv|parquet|safetensors)$", "", title)
    plain = re.sub(r"[^A-Za-z0-9]+", "-", plain)[:LONGEST].strip("-")
    return f"clearprop-{plain}{suffix}" if plain else f"clearprop{suffix}"
