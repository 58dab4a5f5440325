"""Table models as ONNX and C: raw columns in, the TableModel's own answers out, whatever the columns hold."""

import datetime
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

from clearprop.datasets import penguins_path
from clearprop.export.interface import interface
from clearprop.export.onnx_model import onnx_model
from clearprop.table_model import Settings, fit_table
from clearprop.tables import Encoder, read_table
from exported import COMPILER, STRICT, cells, disagreement, needs_compiler, session, table_by_c, table_by_onnx

#: constants, and texts that training did not see
pytestmark = pytest.mark.filterwarnings("ignore:the DataFrame")

QUICK = Settings(hidden=(12, 8), epochs=4)
RNG = np.random.default_rng(0)
HOSTILE = '*/ int main(void) { return system("true"); } /*\\\n??/"'


def with_gaps(frame, share=0.1):
    """A frame with cells left out here and there, but for the target `y`."""
    holes = [
        pl.when(pl.Series(RNG.random(len(frame)) < share)).then(None).otherwise(pl.col(name)).alias(name)
        for name in frame.columns
        if name != "y"
    ]
    return frame.with_columns(holes)


def scikit(load):
    bunch = load()
    names = [str(name) for name in bunch.feature_names]
    return with_gaps(pl.DataFrame(bunch.data, schema=names).with_columns(y=pl.Series(bunch.target)))


def penguins():
    frame = pl.read_csv(penguins_path(), null_values="NA").rename({"species": "y"})
    return with_gaps(frame.with_columns(pl.col("island").replace("Dream", 'D"?\\ é')))


def odd():
    """Dates, truth values, odd names, numbers far from 0, a constant, and two labels with quotes."""
    m = 90
    return with_gaps(
        pl.DataFrame(
            {
                "": RNG.normal(size=m),
                HOSTILE: RNG.choice(["a", "b'", "??/", 'say "hi"', HOSTILE], m),
                "label": 1e6 + RNG.normal(size=m),
                "LABEL": 1e9 + RNG.integers(0, 3, m),
                "W[1]": RNG.random(m) < 0.5,
                "int": [datetime.datetime(2020, 1, 1) + datetime.timedelta(hours=31 * i) for i in range(m)],
                "年齢": np.full(m, 3.25),
                "probabilities": RNG.integers(-3, 3, m) * 1e-9,
                "y": RNG.choice(['it\'s "so"', "no\\"], m),
            }
        ).rename({"": "\u202e \u00e9"})
    )


def numbers(k, scale=1e6):
    m = 80
    frame = pl.DataFrame({f"x {j}": RNG.normal(scale, 2, m) for j in range(3)})
    return with_gaps(frame).with_columns(
        **{("y" if j == 0 else f"y{j}"): RNG.normal(scale, 1 + j, m) for j in range(k)}
    )


def labelled(values):
    return pl.DataFrame({"x": RNG.normal(size=60), "y": RNG.choice(values, 60)})


TABLES = {
    "penguins": (penguins, {}),
    "iris": (lambda: scikit(load_iris), {}),
    "wine": (lambda: scikit(load_wine), {}),
    "breast cancer": (lambda: scikit(load_breast_cancer), {}),
    "digits": (lambda: scikit(load_digits), {}),
    "diabetes": (lambda: scikit(load_diabetes), {}),
    "odd": (odd, {}),
    "one far number": (lambda: numbers(1), {}),
    "three numbers": (lambda: numbers(3), {"target": ["y", "y1", "y2"]}),
    "float64": (lambda: numbers(1), {"settings": replace(QUICK, dtype="float64")}),
    "truth": (lambda: labelled([True, False]), {}),
    "halves": (lambda: labelled([0.5, 1.5, 2.0]), {"task": "classes"}),
    "hinge": (lambda: labelled([3, 7]), {"settings": replace(QUICK, loss="hinge")}),
    "three hinges": (lambda: labelled(["a", "b", "c"]), {"settings": replace(QUICK, loss="hinge")}),
    "one sigmoid": (lambda: labelled([3, 7]), {"settings": replace(QUICK, loss="binary_cross_entropy")}),
    "counts": (
        lambda: labelled(list(range(20))),
        {"task": "numbers", "settings": replace(QUICK, loss="poisson")},
    ),
}


@pytest.fixture(scope="module")
def fitted():
    """Name -> (model, table to predict on: with categories that training did not see)."""
    made = {}

    def get(name):
        if name not in made:
            build, options = TABLES[name]
            frame = build()
            rows = len(frame) * 3 // 4
            given = {"target": "y", "settings": QUICK} | options
            model = fit_table(frame[:rows], **given)
            texts = [row.column for row in model.encoder.columns if row.column_kind == "text"]
            unseen = frame[:4].with_columns(pl.lit("Nowhere").alias(text) for text in texts)
            made[name] = model, read_table(pl.concat([frame, unseen], how="vertical_relaxed"))
        return made[name]

    return get


def expected(model, table):
    """(labels, scores), or (numbers,)."""
    answers = model.predict(table)
    if model.target.task == "numbers":
        return (answers.reshape(table.n_rows, -1),)
    scores = model.predict_proba(table) if model.gives_probabilities else model.outputs(table)
    return answers, scores


def assert_same_labels(found, wanted, scores):
    """Equal but where the two largest scores are as good as tied."""
    ranked = np.sort(np.hstack([scores, 1 - scores]) if scores.shape[1] == 1 else scores, axis=1)
    tied = ranked[:, -1] - ranked[:, -2] < 1e-5
    assert tied.mean() < 0.1
    assert np.asarray(found)[~tied].tolist() == np.asarray(wanted)[~tied].tolist()


@pytest.mark.parametrize("name", TABLES)
def test_onnx_answers_as_the_model_does_in_batches_of_one_and_of_many(name, fitted):
    model, table = fitted(name)
    wanted = expected(model, table)
    running, feeds = session(onnx_model(model.pipeline)), cells(model.pipeline, table)
    takes, gives = interface(model.pipeline, "onnx", "m")
    assert [name for name, _ in takes] == [given.name for given in running.get_inputs()]
    assert [name for name, _ in gives] == [output.name for output in running.get_outputs()]
    found = running.run(None, feeds)
    assert disagreement(found[-1], wanted[-1]) < 1e-5
    if len(found) == 2:
        assert_same_labels(found[0], *wanted)
    for i in range(min(table.n_rows, 25)):
        one = running.run(None, {column: values[i : i + 1] for column, values in feeds.items()})
        assert disagreement(one[-1], wanted[-1][i : i + 1]) < 1e-5
        assert len(one[0]) == 1


@needs_compiler
@pytest.mark.parametrize("name", TABLES)
def test_c_answers_as_the_model_does(name, fitted, tmp_path):
    model, table = fitted(name)
    wanted = expected(model, table)
    places, found = table_by_c(model, table, tmp_path)
    assert disagreement(found, wanted[-1]) < (1e-10 if model.theta.dtype == np.float64 else 1e-5)
    if places is not None:
        assert_same_labels(model.target.inverse(places), *wanted)


def test_labels_keep_their_kind(fitted):
    kinds = {"penguins": "tensor(string)", "iris": "tensor(int64)", "truth": "tensor(bool)"}
    for name, kind in {**kinds, "halves": "tensor(double)"}.items():
        model, _ = fitted(name)
        label = session(onnx_model(model.pipeline)).get_outputs()[0]
        assert (label.name, label.type, label.shape) == ("label", kind, ["m"])


def test_an_output_gives_way_to_a_column_of_its_name(fitted):
    model, _ = fitted("odd")
    assert ("label_2", "'LABEL': number; NAN: missing") in interface(model.pipeline, "c", "m")[0]
    running = session(onnx_model(model.pipeline))
    assert [output.name for output in running.get_outputs()] == ["label'", "probabilities'"]
    assert [given.name for given in running.get_inputs()] == [row.column for row in model.pipeline.columns]


@needs_compiler
@pytest.mark.parametrize("field", ["levels", "mean", "median"])
def test_a_planted_fault_in_an_encoder_is_noticed(field, fitted, tmp_path):
    model, table = fitted("penguins")
    rows = list(model.encoder.columns)
    at = next(i for i, row in enumerate(rows) if hasattr(row, field))
    value = getattr(rows[at], field)
    rows[at] = replace(rows[at], **{field: value[::-1] if field == "levels" else value + 1})
    wrong = replace(model, encoder=Encoder(tuple(rows)))
    wanted = expected(model, table)[1]
    assert disagreement(table_by_onnx(wrong, table)[1], wanted) > 1e-4
    assert disagreement(table_by_c(wrong, table, tmp_path)[1], wanted) > 1e-4


def answer_of(main, folder):
    """Words that a program says, which is compiled with the penguins' file."""
    (folder / "main.c").write_text(main, encoding="utf-8")
    files = (folder / "main.c", folder / "penguins.c")
    subprocess.run([COMPILER, *STRICT, "-o", folder / "run", *files, "-lm"], check=True)
    return subprocess.run([folder / "run"], check=True, capture_output=True, text=True).stdout.split()


@needs_compiler
def test_no_text_may_be_a_null_pointer(fitted, tmp_path):
    model, table = fitted("penguins")
    model.export(tmp_path / "penguins.c")
    told = answer_of(
        "#define PENGUINS_DECLARATIONS\n"
        '#include "penguins.c"\n#include <stdio.h>\n#include <math.h>\n'
        "int main(void) {\n"
        "    penguins_row row = {0, NAN, NAN, NAN, NAN, 0, NAN};\n"
        "    double p[PENGUINS_CLASSES];\n"
        "    const char *label = penguins_classes[penguins_predict(&row, p)];\n"
        '    printf("%s %.9g", label, p[0]);\n'
        "    return 0;\n}\n",
        tmp_path,
    )
    known = [(row.column, table.column(row.column).values[0]) for row in model.pipeline.columns]
    empty = pl.DataFrame({name: [None, value] for name, value in known})
    assert told[0] == model.predict(empty)[0]
    assert abs(float(told[1]) - model.predict_proba(empty)[0, 0]) < 1e-5


@needs_compiler
def test_the_program_of_the_documentation_runs(tmp_path):
    page = Path(__file__).parents[2] / "docs/export.md"
    (program,) = re.findall(r"```c\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    model = fit_table(penguins_path(), "species", settings=Settings(epochs=20))
    model.export(tmp_path / "penguins.c")
    row = {"island": "Torgersen", "bill_length_mm": 39.1, "bill_depth_mm": 18.7, "flipper_length_mm": 181.0}
    row |= {"body_mass_g": None, "sex": None, "year": 2007.0}
    frame = pl.DataFrame([row, {**row, "body_mass_g": 1.0, "sex": "male"}])
    label, share = answer_of(program, tmp_path)
    assert label == model.predict(frame)[0]
    assert share == f"{model.predict_proba(frame)[0].max():.3f}"
