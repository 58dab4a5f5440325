"""The layers of a network as C99: constant weights, one loop for all layers, an expression for each g."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import numpy as np

from clearprop.arrays import Array
from clearprop.export.c_formulas import CReading, without_brackets
from clearprop.export.c_text import comment, decimal
from clearprop.formulas.activations import Activation, AnyActivation, CoupledActivation
from clearprop.formulas.language import names, parse
from clearprop.specification import Dense, Parameters

_WIDTH = 96
_SOFTMAX = """static void {name}(const double *z, int n, double *a)
{{
    double largest = z[0], sum = 0.0;
    for (int j = 1; j < n; ++j)
        largest = z[j] > largest ? z[j] : largest;
    for (int j = 0; j < n; ++j)
        sum += a[j] = exp(z[j] - largest);
    for (int j = 0; j < n; ++j)
        a[j] /= sum;
}}"""
_MAXOUT = """static void {name}(const double *z, int n, double *a)
{{
    for (int j = 0; j < n; ++j) {{
        a[j] = z[j * {pieces}];
        for (int p = 1; p < {pieces}; ++p)
            a[j] = z[j * {pieces} + p] > a[j] ? z[j * {pieces} + p] : a[j];
    }}
}}"""
_MONOTONE = """static void {name}(const double *z, int n, double *a)
{{
    a[0] = z[0];
    for (int j = 1; j < n; ++j)
        a[j] = a[j - 1] + {softplus};
}}"""
_ELEMENTWISE = """static void {name}(const double *z, int n, double *a)
{{
    for (int j = 0; j < n; ++j)
        a[j] = {g}(z[j]);
}}"""
_DENSE = """/* z = W x + b; W stands row by row, a row for each unit; b may be 0 */
static void {prefix}_dense(const {real} *W, const {real} *b, int rows, int columns,
    const double *x, double *z)
{{
    for (int j = 0; j < rows; ++j) {{
        double sum = b ? b[j] : 0.0;
        for (int k = 0; k < columns; ++k)
            sum += W[(long)j * columns + k] * x[k];
        z[j] = sum;
    }}
}}"""


def network_lines(theta: Parameters, prefix: str) -> list[str]:
    """Lines that define `static void PREFIX_network(const double *x, double *y_hat)`."""
    reading = CReading(prefix)
    rows: dict[AnyActivation, str] = {}
    functions: list[str] = []
    for layer in theta.network.layers:
        if layer.activation not in rows and not _is_plain(layer.activation):
            rows[layer.activation] = f"{prefix}_g{len(rows) + 1}"
            functions += _function(layer.activation, rows[layer.activation], reading)
    real = "float" if theta.dtype == np.float32 else "double"
    lines = ["/* weights and biases */", ""]
    for l in range(1, theta.network.depth + 1):
        for kind, array in (("W", theta.W[l]), ("b", theta.b[l])):
            if array is not None:
                lines += [*_array(f"{prefix}_{kind}{l}", array, real), ""]
    lines += [*_DENSE.format(prefix=prefix, real=real).splitlines(), ""]
    return [*lines, *reading.definitions(), *functions, *_forward(theta, prefix, rows)]


def _is_plain(row: AnyActivation) -> bool:
    """Whether a = z, whatever the row is called."""
    return isinstance(row, Activation) and row.formula.strip() == "z"


def _function(row: AnyActivation, name: str, reading: CReading) -> list[str]:
    """a = g(z) for the n units of a layer."""
    if isinstance(row, CoupledActivation):
        form = {"softmax": _SOFTMAX, "maxout": _MAXOUT, "monotone": _MONOTONE}[row.name]
        softplus = reading.call("softplus", ["z[j]"]) if row.name == "monotone" else ""
        text = form.format(name=name, pieces=row.pieces, softplus=softplus)
        return [f"/* {row.name} */", *text.splitlines(), ""]
    return [
        *_elementwise(row, name, reading),
        *_ELEMENTWISE.format(name=name, g=f"{name}_of").splitlines(),
        "",
    ]


def _elementwise(row: Activation, name: str, reading: CReading) -> list[str]:
    given = "".join(f", {key} = {value!r}" for key, value in row.parameters)
    value = without_brackets(reading.activation(row, "z"))
    unused = [] if "z" in names(row.formula) else ["(void)z;"]
    return [
        f"/* {comment(f'{row.name}: a = {ast.unparse(parse(row.formula))}{given}')} */",
        f"static double {name}_of(double z)",
        "{",
        *(f"    {line}" for line in unused),
        f"    return {value};",
        "}",
        "",
    ]


def _array(name: str, array: Array, real: str) -> list[str]:
    shape = " x ".join(map(str, array.shape))
    head = f"static const {real} {name}[{array.size}] = {{ /* {shape} */"
    return [head, *filled(decimal(value) for value in array.ravel()), "};"]


def filled(items: Iterable[str]) -> list[str]:
    """Items of a list, as many a line as fit; none is taken apart."""
    lines = [""]
    for item in items:
        if lines[-1] and len(lines[-1]) + len(item) + 2 > _WIDTH:
            lines.append("")
        lines[-1] += f"{item}, " if lines[-1] else f"    {item}, "
    return [*(line.rstrip() for line in lines[:-1]), lines[-1].removesuffix(", ")]


def _forward(theta: Parameters, prefix: str, rows: dict[AnyActivation, str]) -> list[str]:
    network = theta.network
    lines = [f"static void {prefix}_network(const double *x, double *y_hat)", "{"]
    for l, layer in enumerate(network.layers, start=1):
        if layer.activation in rows or l < network.depth:
            lines.append(f"    double z{l}[{layer.rows}];")
        if layer.activation in rows and l < network.depth:
            lines.append(f"    double a{l}[{layer.units}];")
    x = "x"
    for l, layer in enumerate(network.layers, start=1):
        x = _layer(lines, theta, prefix, l, layer, x, rows.get(layer.activation))
    return [*lines, "}", ""]


def _layer(
    lines: list[str], theta: Parameters, prefix: str, l: int, layer: Dense, x: str, g: str | None
) -> str:
    """Add the statements of layer l on x; where its activations are."""
    last = l == theta.network.depth
    a = "y_hat" if last else f"a{l}" if g else f"z{l}"
    z = a if g is None else f"z{l}"
    b = "0" if theta.b[l] is None else f"{prefix}_b{l}"
    lines.append(
        f"    {prefix}_dense({prefix}_W{l}, {b}, {layer.rows}, {theta.network.widths[l - 1]}, {x}, {z});"
    )
    if g is not None:
        lines.append(f"    {g}({z}, {layer.units}, {a});")
    return a
