"""The page itself, which holds no data, and its own files, each by its exact name."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from clearprop.environment import __version__
from clearprop.formulas.initializers import initializers
from clearprop.formulas.losses import losses
from clearprop.formulas.optimizers import optimizers
from clearprop.formulas.schedules import schedules
from clearprop.glassbox.render.html import STYLE
from clearprop.web.bench.generated import GENERATED
from clearprop.web.bench.scaling import SCALES
from clearprop.web.bench.sets import SHIPPED
from clearprop.web.bench.settings import stepping, trainable
from clearprop.web.drawings import stylesheet
from clearprop.web.lessons import LESSONS
from clearprop.web.rooms.rendering import rendered

KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@cache
def page() -> str:
    """The page: its menus are the rows that there are."""
    return rendered(
        "page.html",
        version=__version__,
        shipped={name: entry.title for name, entry in SHIPPED.items()},
        generated=list(GENERATED),
        activations=trainable(),
        losses={name: "classes" if row.for_classes else "numbers" for name, row in losses.items()},
        optimizers={name: optimizers[name].title or name for name in stepping()},
        schedules=list(schedules),
        lessons={name: lesson.title for name, lesson in LESSONS.items()},
        initializers=list(initializers),
        scales=SCALES,
    )


@cache
def static() -> dict[str, tuple[bytes, str]]:
    """The page's files: name -> content and type. Nothing else can be asked for."""
    written = {"derivation.css": STYLE, "drawings.css": stylesheet()}
    found = {name: (text.encode(), KINDS[".css"]) for name, text in written.items()}
    for file in files("clearprop.web").joinpath("static").iterdir():
        suffix = "." + file.name.rpartition(".")[2]
        if suffix in KINDS:
            found[file.name] = (file.read_bytes(), KINDS[suffix])
    return found


async def show_page(request: Request) -> Response:
    """GET /."""
    return Response(page(), media_type="text/html")


async def show_file(request: Request) -> Response:
    """GET /static/NAME."""
    found = static().get(request.path_params["name"])
    if found is None:
        return Response("there is no such file", 404, media_type="text/plain")
    return Response(found[0], headers={"content-type": found[1]})
