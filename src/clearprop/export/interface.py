"""What an exported file takes and gives: its names, and what stands in them."""

from __future__ import annotations

from clearprop.export.c_text import identifier, identifiers
from clearprop.export.pipeline import Pipeline

#: format -> kind of column -> what stands in it
MEANING = {
    "onnx": {
        "number": "double (m, 1); NaN: missing",
        "boolean": "double (m, 1), 1 true, 0 false; NaN: missing",
        "text": 'string (m, 1); "": missing',
        "date": "double (m, 1), days since 1970-01-01; NaN: missing",
    },
    "c": {
        "number": "number; NAN: missing",
        "boolean": "1 true, 0 false; NAN: missing",
        "text": 'text, UTF-8; 0 or "": missing',
        "date": "days since 1970-01-01; NAN: missing",
    },
}

Lines = list[tuple[str, str]]  #: name, what it holds


def answer_names(pipeline: Pipeline) -> list[str]:
    """Names of a table's ONNX outputs: label and probabilities (of a hinge loss scores), or prediction.

    An output that a column has taken the name of gets a prime.
    """
    names = ["prediction"]
    if pipeline.gives_classes:
        names = ["label", "probabilities" if pipeline.gives_probabilities else "scores"]
    taken = {row.column for row in pipeline.columns}
    for place in range(len(names)):
        while names[place] in taken:
            names[place] += "'"
    return names


def members(pipeline: Pipeline) -> list[str]:
    """Names of the columns in C, in the order of `pipeline.columns`."""
    return identifiers((row.column for row in pipeline.columns), "column")


def interface(pipeline: Pipeline, form: str, name: str) -> tuple[Lines, Lines]:
    """What a file takes and gives, to show.

    Parameters
    ----------
    form : {"onnx", "c"}
    name : str
        What the names in a C file begin with.
    """
    columns = pipeline.columns
    takes = [(row.column, MEANING[form][row.column_kind]) for row in columns]
    if form == "c":
        named = zip(members(pipeline), takes, strict=True)
        takes = [(own, holds if own == column else f"{column!r}: {holds}") for own, (column, holds) in named]
    gives = _given_by_c(pipeline, identifier(name, "model")) if form == "c" else _given_by_onnx(pipeline)
    if columns:
        return takes, gives
    inputs, dtype = pipeline.network.inputs, pipeline.theta.dtype
    return [("x", f"{inputs} doubles") if form == "c" else ("X", f"{dtype} (m, {inputs})")], gives


def _given_by_onnx(pipeline: Pipeline) -> Lines:
    units = pipeline.network.output.units
    if pipeline.target is None:
        return [("y_hat", f"{pipeline.theta.dtype} (m, {units})")]
    names, width = answer_names(pipeline), len(pipeline.target.columns)
    if not pipeline.gives_classes:
        return [(names[0], f"double (m, {width}): {', '.join(pipeline.target.columns)}")]
    width = len(pipeline.target.classes) if pipeline.gives_probabilities else units
    return [(names[0], f"(m,): {pipeline.target.columns[0]}"), (names[1], f"double (m, {width})")]


def _given_by_c(pipeline: Pipeline, prefix: str) -> Lines:
    function = f"{prefix}_predict"
    if pipeline.target is None:
        return [(function, f"writes {pipeline.network.output.units} doubles to y_hat")]
    if not pipeline.gives_classes:
        return [(function, f"writes to y: {', '.join(pipeline.target.columns)}")]
    written = "probabilities" if pipeline.gives_probabilities else "scores"
    return [(function, f"place of the class in {prefix}_classes; writes {written} to p")]
