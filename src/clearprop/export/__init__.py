"""Models as files that run without clearprop: ONNX, and one file of C99.

Both are readings of the formula texts that the engines compute. `Model.export`, `TableModel.export` and
`clearprop export` call this; `pipeline` says what is exported, `onnx_model` and `c_source` write it.
`estimators`, above all of them, lets skl2onnx do it inside scikit-learn's pipelines.
"""

from __future__ import annotations

import os
from pathlib import Path

from clearprop.durable import write_durably
from clearprop.errors import SpecificationError
from clearprop.export.pipeline import Pipeline

FORMATS = {".onnx": "onnx", ".c": "c"}  #: suffix -> format

__all__ = ["FORMATS", "Pipeline", "exported", "format_of", "write"]


def format_of(path: str | os.PathLike[str]) -> str:
    """Format that a file's suffix names.

    >>> format_of("model.onnx")
    'onnx'
    >>> format_of("model.pt")
    Traceback (most recent call last):
    ...
    clearprop.errors.SpecificationError: 'model.pt': the suffix names no format written here; use .onnx or .c
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise SpecificationError(
            f"{os.fspath(path)!r}: the suffix names no format written here; use {' or '.join(FORMATS)}"
        )
    return FORMATS[suffix]


def exported(pipeline: Pipeline, form: str, name: str) -> bytes:
    """Content of the file; in C, `name` begins every name in it.

    Raises
    ------
    SpecificationError
        When the pipeline cannot be written in this format; the message says why.
    """
    if form == "c":
        from clearprop.export.c_source import c_source

        return c_source(pipeline, name).encode()
    from clearprop.export.onnx_model import onnx_model

    content: bytes = onnx_model(pipeline).SerializeToString()
    return content


def write(pipeline: Pipeline, path: str | os.PathLike[str], name: str | None = None) -> None:
    """Write a pipeline in the format that the suffix names; see `exported`."""
    file = Path(path)
    write_durably(file, exported(pipeline, format_of(file), name or file.stem))
