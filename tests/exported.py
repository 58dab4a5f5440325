"""Exported files as their users run them: ONNX through onnxruntime, C through the system's compiler."""

from __future__ import annotations

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

from clearprop.export.c_source import c_source
from clearprop.export.interface import answer_names, members
from clearprop.export.onnx_model import onnx_model

COMPILER = shutil.which("gcc") or shutil.which("clang") or shutil.which("cc")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler")
Doubles = ctypes.POINTER(ctypes.c_double)


def session(model):
    """A session of a ModelProto on one thread."""
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def by_onnx(pipeline, feeds):
    """Outputs of a pipeline, by name."""
    running = session(onnx_model(pipeline))
    names = [output.name for output in running.get_outputs()]
    return dict(zip(names, running.run(None, feeds), strict=True))


def library(pipeline, folder, name="m"):
    """A pipeline's C file, compiled without a warning and loaded."""
    source, built = folder / f"{name}.c", folder / f"{name}.so"
    source.write_text(c_source(pipeline, name), encoding="utf-8")
    subprocess.run(
        [COMPILER, *STRICT, "-shared", "-fPIC", "-o", built, source, "-lm"], check=True, timeout=300
    )
    return ctypes.CDLL(str(built))


def pointer(array):
    return array.ctypes.data_as(Doubles)


def network_by_c(pipeline, folder, X):
    """y_hat (m, n_L) of rows X, one call a row."""
    predict = library(pipeline, folder).m_predict
    rows = np.ascontiguousarray(X, dtype=np.float64)
    y_hat = np.full((len(rows), pipeline.network.output.units), np.nan)
    for x, answer in zip(rows, y_hat, strict=True):
        predict(pointer(x), pointer(answer))
    return y_hat


def cells(pipeline, table):
    """A table's columns as the exported files take them: column -> (m, 1) texts or doubles."""
    found = {}
    for row in pipeline.columns:
        column = table.column(row.column)
        if row.column_kind == "text":
            values = np.array(["" if text is None else text for text in column.texts()], dtype=object)
        elif row.column_kind == "date":
            values = column.dates(row.order)
        else:
            values = column.numbers() if row.column_kind == "number" else column.booleans()
        found[row.column] = values[:, None]
    return found


def table_by_onnx(model, table):
    """Answers for a table in the order of `answer_names`."""
    outputs = by_onnx(model.pipeline, cells(model.pipeline, table))
    return [outputs[name] for name in answer_names(model.pipeline)]


def table_by_c(model, table, folder):
    """Class places (m,) and probabilities (m, K), or scores; or None and numbers (m, k)."""
    pipeline = model.pipeline
    kinds = [ctypes.c_char_p if row.column_kind == "text" else ctypes.c_double for row in pipeline.columns]

    class Row(ctypes.Structure):
        _fields_ = list(zip(members(pipeline), kinds, strict=True))

    loaded = library(pipeline, folder)
    width = len(model.target.columns)
    if pipeline.gives_classes:
        width = len(model.target.classes) if pipeline.gives_probabilities else model.network.output.units
    answers = np.full((table.n_rows, width), np.nan)
    places = np.full(table.n_rows, -1)
    columns = [values[:, 0].tolist() for values in cells(pipeline, table).values()]
    for i, given in enumerate(zip(*columns, strict=True)):
        row = Row(*(value.encode() if isinstance(value, str) else value for value in given))
        places[i] = loaded.m_predict(ctypes.byref(row), pointer(answers[i]))
    return (places if pipeline.gives_classes else None), answers


def disagreement(found, expected):
    """Largest difference, relative to numbers above 1; infinite where one is finite and one is not."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    assert found.shape == expected.shape
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        apart = np.abs(found - expected) / np.maximum(1, np.abs(expected))
    return float(np.where(same, 0, np.nan_to_num(apart, nan=np.inf)).max())
