"""`c_source`: a pipeline as one file of C99 that needs <math.h> alone, and no heap."""

from __future__ import annotations

import textwrap

from clearprop.environment import __version__
from clearprop.export.c_network import network_lines
from clearprop.export.c_table import answer_declarations, answer_lines, encoder_lines, row_lines
from clearprop.export.c_text import comment, identifier
from clearprop.export.pipeline import Pipeline


def c_source(pipeline: Pipeline, name: str) -> str:
    """Text of the file.

    Parameters
    ----------
    pipeline : Pipeline
    name : str
        What all names in it begin with, once it is made an identifier.

    Returns
    -------
    str
        Of a table: `NAME_row`, a struct of raw columns, and `NAME_predict(row, p)`, the place of the class,
        or `NAME_predict(row, y)`. Else `NAME_predict(x, y_hat)`. With `NAME_DECLARATIONS` defined the file is
        its own header.

    Raises
    ------
    SpecificationError
        When a text has no spelling in C.

    Examples
    --------
    >>> from clearprop.specification import Dense, Network
    >>> net = Network(2, [Dense(1, "sigmoid")])
    >>> text = c_source(Pipeline(net, net.initialize()), "xor gate")
    >>> "void xor_gate_predict(const double *x, double *y_hat);" in text
    True
    """
    prefix = identifier(name, "model")
    upper, network = prefix.upper(), pipeline.network
    table = pipeline.encoder is not None
    lines = [
        *_opening(pipeline, prefix),
        f"#ifndef {upper}_H",
        f"#define {upper}_H",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
    ]
    if table:
        lines += [*row_lines(pipeline, prefix), "", *answer_declarations(pipeline, prefix)]
    else:
        lines += [
            f"#define {upper}_INPUTS {network.inputs}",
            f"#define {upper}_OUTPUTS {network.output.units}",
            f"void {prefix}_predict(const double *x, double *y_hat);",
        ]
    lines += ["", "#ifdef __cplusplus", "}", "#endif", "#endif", ""]
    lines += [
        f"#ifndef {upper}_DECLARATIONS",
        "#include <math.h>",
        "",
        *network_lines(pipeline.theta, prefix),
    ]
    if table:
        lines += [*encoder_lines(pipeline, prefix), *answer_lines(pipeline, prefix)]
    else:
        lines += [
            f"void {prefix}_predict(const double *x, double *y_hat)",
            "{",
            f"    {prefix}_network(x, y_hat);",
            "}",
        ]
    return "\n".join([*lines, "#endif", ""])


def _opening(pipeline: Pipeline, prefix: str) -> list[str]:
    """The comment that says what the file is."""
    network = pipeline.network
    units = sum(layer.rows + layer.units for layer in network.layers) + network.inputs + network.output.units
    says = [
        f"Written by clearprop {__version__}: {network!r}.",
        f"Weights are {pipeline.theta.dtype}, and sums are taken in double.",
        f"Compile it with cc -std=c99 -O2 -c {prefix}.c and link with -lm. It needs no heap, about "
        f"{8 * units:,} bytes of stack, and keeps no state: any number of threads may call it. "
        f"Define {prefix.upper()}_DECLARATIONS before including this file to take its declarations alone.",
    ]
    if pipeline.classes and pipeline.encoder is None:
        says.append(f"Classes in the order of the outputs: {', '.join(map(repr, pipeline.classes))}.")
    lines = [line for text in says for line in textwrap.wrap(comment(text), 96)]
    return ["/*", *(f" * {line}" for line in lines), " */"]
