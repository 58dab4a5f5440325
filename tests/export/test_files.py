"""What is written where, by Python and the command line; names and texts in C; what is refused, and how."""

import builtins
import json
import re
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import clearprop as cp
from clearprop.cli import app
from clearprop.datasets import penguins_path
from clearprop.export import Pipeline, exported
from clearprop.export.c_text import comment, decimal, identifiers, literal
from clearprop.export.onnx_table import class_array
from clearprop.table_model import Settings, fit_table
from exported import COMPILER, STRICT, needs_compiler

onnx = pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Holds table.safetensors and bare.safetensors."""
    made = tmp_path_factory.mktemp("models")
    fit_table(penguins_path(), "species", settings=Settings(hidden=(4,), epochs=1)).save(
        made / "table.safetensors"
    )
    network = cp.Network(2, [cp.Dense(3, "tanh", dropout=0.5), cp.Dense(2, "softmax")])
    cp.Model(network, network.initialize(), classes=("no", "yes")).save(made / "bare.safetensors")
    return made


def call(*arguments):
    return CliRunner().invoke(app, ["export", *map(str, arguments)], env={"COLUMNS": "80"})


def test_the_command_writes_beside_the_model_what_python_writes(folder):
    done = call(folder / "table.safetensors", "--to", "onnx")
    assert (done.exit_code, done.stderr) == (0, "")
    assert re.search(r"table.onnx \([\d.]+ kB\)", done.stdout)
    assert re.search(r"island +string \(m, 1\)", done.stdout)
    assert re.search(r"probabilities +double \(m, 3\)", done.stdout)
    assert call(folder / "table.safetensors", "--out", folder / "again.C", "--name", "Bird").exit_code == 0
    model = cp.TableModel.load(folder / "table.safetensors")
    model.export(folder / "python.onnx")
    model.export(folder / "python.c", "bird")
    assert (folder / "python.onnx").read_bytes() == (folder / "table.onnx").read_bytes()
    assert (folder / "python.c").read_bytes() == (folder / "again.C").read_bytes()


def test_a_bare_network_is_written_with_its_classes(folder):
    for form in ("onnx", "c"):
        assert call(folder / "bare.safetensors", "--to", form).exit_code == 0
    text = (folder / "bare.c").read_text()
    assert "Classes in the order of the outputs: 'no', 'yes'." in text
    assert "void bare_predict(const double *x, double *y_hat);" in text
    said = {entry.key: json.loads(entry.value) for entry in onnx.load(folder / "bare.onnx").metadata_props}
    network = cp.load(folder / "bare.safetensors").network
    assert cp.Network.from_dict(said["clearprop.network"]) == network
    assert said["clearprop.classes"] == ["no", "yes"]


@pytest.mark.parametrize(
    ("options", "saying"),
    [
        ((), "say what to write: --to onnx, --to c, or --out FILE"),
        (("--out", "m.pt"), "'m.pt': the suffix names no format written here; use .onnx or .c"),
        (("--to", "c", "--out", "m.onnx"), "--to c and --out 'm.onnx' name two formats"),
        (("--to", "c", "--out", "nowhere/m.c"), "there is no folder 'nowhere'"),
    ],
)
def test_the_command_refuses(options, saying, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call(folder / "bare.safetensors", *options)
    assert done.exit_code == 2
    assert saying in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_not_there_is_said(tmp_path):
    done = call(tmp_path / "m.safetensors", "--to", "c")
    assert done.exit_code == 2
    assert "there is no such file" in done.stderr


def test_without_onnx_there_is_a_remedy(monkeypatch, tmp_path):
    found = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] == "onnx":
            raise ModuleNotFoundError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    network = cp.Network(1, [cp.Dense(1)])
    model = cp.Model(network, network.initialize())
    model.export(tmp_path / "m.c")
    with pytest.raises(cp.SpecificationError, match=r"pip install 'clearprop\[onnx\]'"):
        model.export(tmp_path / "m.onnx")


def test_other_numbers_and_mixed_labels_are_refused():
    network = cp.Network(1, [cp.Dense(1)])
    with pytest.raises(cp.SpecificationError, match="float32 or float64, and these parameters are float16"):
        Pipeline(network, network.initialize(dtype=np.float16))
    with pytest.raises(cp.SpecificationError, match="mix texts and numbers"):
        class_array(("a", 1))
    assert class_array((1, 10**30)).dtype == np.float64


@pytest.mark.parametrize("text", ["a\0b", "é" * 2048])
def test_a_text_that_c_cannot_hold_is_refused(text):
    with pytest.raises(cp.SpecificationError, match="write ONNX, or recode the column"):
        literal(text)


@given(st.lists(st.text() | st.sampled_from(["int", "Int", "int 2"]), max_size=8))
def test_identifiers_are_unlike_and_plain(names):
    found = identifiers(names, "column")
    assert len(set(found)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*_?", name) for name in found)


@given(st.text() | st.text(st.sampled_from("*/?\\\n a")))
def test_a_comment_stays_one(text):
    shown = comment(text)
    assert not {"*/", "/*", "??", "\n"} & {shown[i : i + n] for n in (1, 2) for i in range(len(shown))}


@needs_compiler
def test_texts_and_numbers_come_back_from_a_compiler(tmp_path):

    texts = ["??/", '"\\', "\n\t\x7f\x01" + "1", "é年\u202e", "%s */ //", "", "a" * 4095]
    rng = np.random.default_rng(0)
    numbers = [*rng.normal(size=50).astype("f4"), *rng.normal(size=50) * 1e300, 5e-324, np.float32(1e-45)]
    lines = ["#include <stdio.h>", "int main(void) {"]
    lines += [f"    fputs({literal(text)}, stdout); putchar(0);" for text in texts]
    lines += [f'    printf("%a", (double){decimal(number)}); putchar(0);' for number in numbers]
    (tmp_path / "m.c").write_text("\n".join([*lines, "    return 0;", "}", ""]))
    subprocess.run([COMPILER, *STRICT, "-o", tmp_path / "m", tmp_path / "m.c"], check=True)
    told = subprocess.run([tmp_path / "m"], check=True, capture_output=True).stdout.split(b"\0")[:-1]
    assert [part.decode() for part in told[: len(texts)]] == texts
    assert [float.fromhex(part.decode()) for part in told[len(texts) :]] == [float(x) for x in numbers]


def test_a_models_file_is_the_same_every_time():
    network = cp.Network(1, [cp.Dense(2, "gelu"), cp.Dense(1)])
    pipeline = Pipeline(network, network.initialize())
    for form in ("onnx", "c"):
        assert exported(pipeline, form, "m") == exported(pipeline, form, "m")
