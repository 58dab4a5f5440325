"""The command line: one file a verb; each imports what it needs when it runs, so `--help` is quick.

Exit codes: 0 done; 1 a check did not hold, or a diagnosis found something; 2 bad input, with one message on
standard error; 130 interrupted (`train` has saved the model so far by then).
"""

from __future__ import annotations

from typing import Annotated

import typer

from clearprop.cli import (
    check,
    check_formula,
    construct,
    cross_validate,
    diagnose,
    evaluate,
    explain,
    export,
    inspect,
    predict,
    replay,
    search,
    serve,
    train,
    warmup,
    worksheet,
)
from clearprop.environment import __version__

app = typer.Typer(
    help="Feedforward networks with nothing hidden: train on a table, predict, evaluate.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: clearprop train penguins --target species",
)


def _version(asked: bool) -> None:
    if asked:
        print(f"clearprop {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Feedforward networks with nothing hidden: train on a table, predict, evaluate."""


app.command("train")(train.train)
app.command("predict")(predict.predict)
app.command("evaluate")(evaluate.evaluate)
app.command("cross-validate")(cross_validate.cross_validate)
app.command("search")(search.search)
app.command("check")(check.check)
app.command("diagnose")(diagnose.diagnose)
_formulas = {
    "ignore_unknown_options": True,
    "help_option_names": ["--help"],
}  # a formula may begin with a minus
app.command("check-formula", context_settings=_formulas)(check_formula.check_formula)
_construct = typer.Typer(
    help="Write down a network instead of training it: a Boolean function, or towers.", no_args_is_help=True
)
_construct.command("boolean", context_settings=_formulas)(construct.boolean)
_construct.command("towers", context_settings=_formulas)(construct.towers)
app.add_typer(_construct, name="construct")
app.command("explain")(explain.explain)
app.command("export")(export.export)
app.command("inspect")(inspect.inspect)
app.command("replay")(replay.replay)
app.command("serve")(serve.serve)
app.command("worksheet")(worksheet.worksheet)
app.command("warmup")(warmup.warmup)


def main() -> None:
    """Run the command line on the arguments of this process."""
    app()
