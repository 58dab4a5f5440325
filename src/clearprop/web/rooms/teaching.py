"""Lessons: preparing a step on the bench, and its text beside the numbers as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from clearprop.errors import ClearpropError, DataError
from clearprop.glassbox.quantity import read_name
from clearprop.web.bench.bench import Bench
from clearprop.web.lessons import LESSONS, Lesson, measured, prepare
from clearprop.web.rooms.asking import Asked
from clearprop.web.rooms.playing import told
from clearprop.web.rooms.rendering import rendered

_BUTTON = Markup('<button type="button" class="number" data-of="{0}">{0}</button>')


def begin(asked: Asked) -> Mapping[str, Any]:
    """POST /api/benches/ID/lesson: stand at the start of a step (from 1), whatever was there before."""
    lesson, step = _named(asked)
    prepare(asked.bench, lesson, step)
    own, state = lesson.steps[step], lesson.state_of(step)
    begins = {"row": state.row, "opens": own.opens, "view": own.view, "stage": own.stage}
    return {"state": told(asked), **begins}


def text(asked: Asked) -> str:
    """GET /api/benches/ID/lesson?lesson=boolean&step=2: what the step says, and what holds at this moment."""
    lesson, step = _named(asked)
    bench, state, own = asked.bench, lesson.state_of(step), lesson.steps[step]
    return rendered(
        "lesson.html",
        lesson=lesson,
        own=own,
        step=step + 1,
        paragraphs=[marked(each) for each in own.text],
        claims=_claims(bench, own.claims, state.row),
    )


def _named(asked: Asked) -> tuple[Lesson, int]:
    name, step = asked.text("lesson"), asked.whole("step", 1)
    if name not in LESSONS:
        raise DataError(f"there is no lesson {name!r}; there are {', '.join(LESSONS)}")
    lesson = LESSONS[name]
    if not 1 <= step <= len(lesson.steps):
        raise DataError(f"lesson {name} has steps 1 to {len(lesson.steps)}")
    return lesson, step - 1


def _claims(bench: Bench, claims: Any, row: int) -> list[tuple[Any, float, bool]]:
    if bench.pace.status in ("preparing", "failed"):
        return []
    moment = bench.moment()
    found = [(claim, measured(bench, claim, row, moment)) for claim in claims]
    return [(claim, value, claim.holds(value)) for claim, value in found]


def marked(paragraph: str) -> Markup:
    """A paragraph as HTML: `code`, which is a button where it names a number of the network.

    >>> print(marked("press `C` < `n`"))
    press <button type="button" class="number" data-of="C">C</button> &lt; <code>n</code>
    """
    pieces = []
    for k, piece in enumerate(re.split("`([^`]*)`", paragraph)):
        if k % 2 == 0:
            pieces.append(escape(piece))
        elif _is_number(piece):
            pieces.append(_BUTTON.format(piece))
        else:
            pieces.append(Markup("<code>{}</code>").format(piece))
    return Markup("").join(pieces)


def _is_number(name: str) -> bool:
    try:
        read_name(name)
    except ClearpropError:
        return False
    return True
