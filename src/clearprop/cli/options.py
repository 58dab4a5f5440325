"""Options that several verbs share, said once: the fields of a dataclass become options of a verb."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any


def with_options(**kinds: type) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """The verb with an option for each field of its parameters of these names.

    Parameters
    ----------
    **kinds
        Parameter of the verb -> the dataclass that it is given as; fields are annotated as typer's options.
    """

    def widened(verb: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(verb)
        def call(*args: Any, **options: Any) -> int:
            groups = {
                name: kind(**{each.name: options.pop(each.name) for each in fields(kind)})
                for name, kind in kinds.items()
            }
            return verb(*args, **options, **groups)

        plain = inspect.signature(verb, eval_str=True)
        own = [each for each in plain.parameters.values() if each.name not in kinds]
        more, hints = [], {name: hint for name, hint in verb.__annotations__.items() if name not in kinds}
        for kind in kinds.values():
            annotations = inspect.get_annotations(kind, eval_str=True)
            for each in fields(kind):
                default = inspect.Parameter.empty if each.default is MISSING else each.default
                hint = hints[each.name] = annotations[each.name]
                keyword = inspect.Parameter.KEYWORD_ONLY
                more.append(inspect.Parameter(each.name, keyword, default=default, annotation=hint))
        call.__signature__ = plain.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
        call.__annotations__ = hints
        return call

    return widened
