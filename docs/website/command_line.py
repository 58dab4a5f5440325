"""A page for each verb of the command line, made from the typer app: what `--help` says."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from typer.testing import CliRunner

from clearprop.cli import app

_WIDTH = 84


def pages() -> Iterator[tuple[str, str]]:
    """Path below the reference, and its Markdown: an index, and every verb."""
    verbs = {command.name: _summary(command.callback) for command in app.registered_commands}
    lines = "\n".join(f"| [{verb}]({verb}.md) | {summary} |" for verb, summary in verbs.items())
    toc = "\n".join(f"{verb} <{verb}>" for verb in verbs)
    yield (
        "command-line/index.md",
        "# Command line\n\n"
        "Each page is what `clearprop VERB --help` says. Exit codes: 0 done; 1 a check did not hold, or a diagnosis "
        "found something; 2 bad input, with one message on standard error; 130 interrupted.\n\n"
        f"| verb | |\n|---|---|\n{lines}\n\n```{{toctree}}\n:hidden:\n\n{toc}\n```\n",
    )
    for verb, summary in verbs.items():
        yield (
            f"command-line/{verb}.md",
            f"# clearprop {verb}\n\n{summary}\n\n```text\n$ clearprop {verb} --help\n\n{help_of(verb)}\n```\n",
        )


def help_of(verb: str) -> str:
    """What `clearprop VERB --help` prints, at the width of a page."""
    shape = {"terminal_width": _WIDTH, "max_content_width": _WIDTH}
    told = CliRunner().invoke(app, [verb, "--help"], prog_name="clearprop", **shape)
    if told.exit_code:
        raise RuntimeError(f"clearprop {verb} --help ended with {told.exit_code}: {told.output}")
    return "\n".join(line.rstrip() for line in told.output.strip().splitlines())


def _summary(verb: object) -> str:
    """First paragraph of a verb's help, on one line."""
    text = inspect.cleandoc(verb.__doc__ or "").split("\n\n")[0]
    return " ".join(text.replace("\b", "").split()).replace("|", r"\|").replace("*", r"\*")
