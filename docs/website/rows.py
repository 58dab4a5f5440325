"""Pages made from the rows of activations and losses: one for each row, and an index."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import clearprop as cp
from clearprop.formulas.activations import Activation, AnyActivation
from clearprop.formulas.latex import latex
from clearprop.formulas.losses import TARGETS, Loss
from clearprop.formulas.rows import Row
from website.plots import activation_plot, loss_plot
from website.words import TABLES, Words

Pages = Iterator[tuple[str, str]]  #: path below the reference, and its Markdown

_ACTIVATION = {"a": "a"}
_LOSS = {"a": r"\hat{y}", "log_a": r"\ln\hat{y}"}
_NUMBERED = re.compile(r"\b00[0-4]\b")


def pages() -> Pages:
    """All of them."""
    for table, one, made in (
        ("activations", "activation", _activation),
        ("losses", "loss", _loss),
    ):
        rows = getattr(cp, table)
        yield f"{table}/index.md", _index(table, one, rows)
        for name, row in rows.items():
            yield f"{table}/{name}.md", made(row, words_of(table, name))


def words_of(table: str, name: str) -> Words:
    """What is said of a row beside its formulas; LookupError, with the remedy, where nothing is."""
    try:
        return TABLES[table][name]
    except KeyError:
        raise LookupError(
            f"docs/website/words.py says nothing of {table}[{name!r}]; give it a line"
        ) from None


def source_of(row: Row, words: Words) -> str:
    """Where a row is from; the numbers of the course notes lead to the page that checks them."""
    given = row.source or words.source
    if not given:
        raise LookupError(f"neither the row {row.name!r} nor docs/website/words.py names a source")
    given = re.sub(r"arXiv:(\d{4}\.\d{5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", given)
    given = given.replace("<", "&lt;").replace("*", r"\*").replace("^", r"\^")
    if _NUMBERED.search(given):
        return f"{given} (numbers are those of the [course notes](/notes-checked.md))"
    return given


def equation(text: str) -> str:
    """LaTeX on a line of its own."""
    return f"$$\n{text.replace('1e-30', '10^{-30}')}\n$$\n"


def drawn(svg: str) -> str:
    """An SVG that stands in the page."""
    return f"```{{raw}} html\n{svg}\n```\n"


def _computed(lines: Mapping[str, str]) -> str:
    return "```text\n" + "\n".join(f"{name} = {text}" for name, text in lines.items()) + "\n```\n"


def facts(given: Mapping[str, str]) -> str:
    """A table of what there is to say; what is empty is left out."""
    rows = [f"| {name} | {value} |" for name, value in given.items() if value]
    return "\n".join(["| | |", "|---|---|", *rows]) + "\n"


def parameters(row: Row) -> str:
    """Parameters with their default values."""
    return ", ".join(f"`{name}` = {value:g}" for name, value in row.parameters)


def _index(table: str, one: str, rows: Mapping[str, Row]) -> str:
    what = {
        "activations": 'Each is a row of `cp.activations`; a layer takes its name or the row: `cp.Dense(16, "tanh")`, '
        "`cp.Dense(16, cp.LeakyReLU(0.1))`. One of your own: [](/how-to/own-activation.md).",
        "losses": 'Each is a row of `cp.losses`; a network takes its name or the row: `loss="huber"`, '
        "`loss=cp.Huber(1.5)`. A loss is summed over the outputs and averaged over the examples. One of your own: "
        "[](/how-to/own-loss.md).",
    }[table]
    lines = [f"| [{name}]({name}.md) | {words_of(table, name).when} |" for name in rows]
    toc = "\n".join(rows)
    return (
        f"# {table.capitalize()}\n\n{what}\n\n| {one} | when |\n|---|---|\n"
        + "\n".join(lines)
        + f"\n\n```{{toctree}}\n:hidden:\n\n{toc}\n```\n"
    )


def _activation(row: AnyActivation, words: Words) -> str:
    known = {
        "values": f"$a \\in {_interval(row.range)}$",
        "parameters": parameters(row),
        "first weights": f"`{row.initializer}`, unless the layer says otherwise",
        "no derivative at": ", ".join(f"z = {kink:g}" for kink in getattr(row, "kinks", ())),
        "training": f"refused: {row.refuses_training}" if row.refuses_training else "",
        "source": source_of(row, words),
    }
    if isinstance(row, Activation):
        formulas = equation(f"g(z) = {latex(row.formula)}") + equation(
            f"g'(z) = {latex(row.derivative, _ACTIVATION)}" + _where_a(row.derivative)
        )
        computed = _computed({"a": row.formula, "da/dz": row.derivative})
    else:
        formulas = equation(row.formula if "=" in row.formula else f"a = {row.formula}") + (
            "On the way back, with $u = \\partial C / \\partial a$:\n\n"
            + equation(f"\\frac{{\\partial C}}{{\\partial z}} = {row.derivative}")
        )
        computed = "Its forward and pullback are short code, written once in each engine, not one formula.\n"
    example = f'```python\nimport clearprop as cp\n\nlayer = cp.Dense(4, "{row.name}")\nprint(layer.activation)\n```\n'
    return "\n".join(
        [
            f"# {row.name}\n",
            f"{words.when}\n",
            formulas,
            drawn(activation_plot(row)),
            facts(known),
            "## As computed\n",
            f"{words.exact}\n" if words.exact else "",
            computed,
            example,
        ]
    )


def _where_a(derivative: str) -> str:
    names = re.findall(r"[A-Za-z_]\w*", derivative)
    return r", \qquad a = g(z)" if "a" in names else ""


def _interval(interval: Any) -> str:
    return str(interval).replace("inf", r"\infty").replace("[", r"\left[").replace("]", r"\right]")


def _loss(row: Loss, words: Words) -> str:
    known = {
        "targets": TARGETS[row.targets],
        "outputs": f"$\\hat{{y}} \\in {_interval(row.domain)}$",
        "made for": f"[{row.link}](/reference/activations/{row.link}.md)",
        "parameters": parameters(row),
        "no derivative where": ", ".join(f"`{kink}` is 0" for kink in row.kinks),
        "source": source_of(row, words),
    }
    computed = {"value": row.value, "slope": row.slope}
    linked = ""
    if row.linked_value:
        linked = (
            f"With its link, {row.link}, both come from z:\n\n"
            + equation(f"\\text{{loss}} = {latex(row.linked_value, _LOSS)}")
            + equation(f"\\delta^L = {latex(row.linked_delta, _LOSS)}")
        )
        computed |= {"value with the link": row.linked_value, "delta with the link": row.linked_delta}
    units = 3 if row.link == "softmax" else 1
    output = f'cp.Dense({units}, "{row.link}")'
    example = (
        f"```python\nimport clearprop as cp\n\n"
        f'network = cp.Network(2, [cp.Dense(8, "tanh"), {output}], loss="{row.name}")\nprint(network.loss)\n```\n'
    )
    return "\n".join(
        [
            f"# {row.name}\n",
            f"{words.when}\n",
            "Of one output of one example:\n",
            equation(f"\\text{{loss}} = {latex(row.value, _LOSS)}"),
            equation(
                f"\\frac{{\\partial\\,\\text{{loss}}}}{{\\partial \\hat{{y}}}} = {latex(row.slope, _LOSS)}"
            ),
            drawn(loss_plot(row)),
            facts(known),
            "## The stable form\n" if linked else "## As computed\n",
            f"{words.exact}\n" if words.exact else "",
            linked,
            "As text; `a` is the output, and 1e-30 keeps a logarithm finite:\n"
            if "1e-30" in row.value
            else "As text; `a` is the output:\n",
            _computed(computed),
            example,
        ]
    )
