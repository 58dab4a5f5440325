"""Pieces of HTML from templates, everything escaped that is not already a piece of HTML."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from clearprop.words import number


@cache
def environment() -> Environment:
    """The templates of `web/templates`."""
    made = Environment(
        loader=PackageLoader("clearprop.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["number"] = number
    return made


def rendered(template: str, **given: Any) -> str:
    """A template with its values put in."""
    return environment().get_template(template).render(**given)
