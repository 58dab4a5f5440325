"""Exports of the page: a script that gives the same bits, files for other tools, names that harm nobody."""

import hashlib
import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import clearprop as cp
from clearprop.datasets import penguins_path
from clearprop.errors import SpecificationError
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.keepsakes import model, model_bytes, pipeline
from clearprop.web.bench.opened_model import OpenedModel
from clearprop.web.bench.script import script
from clearprop.web.bench.sets import generated_set, shipped_set, table_set
from clearprop.web.bench.settings import Layer, Settings
from clearprop.web.lessons import LESSONS, prepare
from served import asked, request, serving

KINDS = {
    "script": ("text/x-python; charset=utf-8", ".py"),
    "model": ("application/octet-stream", ".safetensors"),
    "onnx": ("application/octet-stream", ".onnx"),
    "latex": ("application/x-tex; charset=utf-8", ".tex"),
    "drawing": ("image/svg+xml", ".svg"),
}
ROW = "row=1&of=W[1][0,0]"
#: a name that would end a docstring, be an escape, and run
NASTY = 'p"""+exit(3)+"""\\n\'s.csv'


def generated(folder):
    return Bench(
        generated_set("moons", rows=120, noise=0.2),
        Settings(layers=(Layer(5, "relu", 0.2), Layer(3, bias=False)), schedule="cosine", epochs=40, l2=0.01),
    )


def shipped(folder):
    settings = Settings(
        dtype="float32",
        loss="cross_entropy",
        output_bias=False,
        optimizer="adamw",
        weight_decay=0.1,
        clip_norm=0.5,
        initializer="he_normal",
        class_weight="balanced",
    )
    return Bench(shipped_set("penguins", share=0.1, seed=3), settings)


def uploaded(folder):
    (folder / NASTY).write_bytes(penguins_path().read_bytes())
    return Bench(table_set(cp.read_table(folder / NASTY), "body_mass_g", share=0.2, seed=1))


def of_model(folder):
    (folder / "p.csv").write_bytes(penguins_path().read_bytes())
    settings = cp.Settings(hidden=(4,), epochs=2)
    cp.fit_table(folder / "p.csv", "species", settings=settings).save(folder / "p.safetensors")
    opened = OpenedModel.load(folder / "p.safetensors")
    return Bench(opened.read(cp.read_table(folder / "p.csv")), opened=opened)


def bare_model(folder):
    network = cp.Network(2, [cp.Dense(3, cp.LeakyReLU(0.3)), cp.Dense(1)])
    cp.Model(network, network.initialize(1)).save(folder / "bare.safetensors")
    return Bench(opened=OpenedModel.load(folder / "bare.safetensors"))


def on_other_scales(folder):
    settings = Settings(inputs="standardised", targets="standardised", patience=2, optimizer="sgd")
    return Bench(generated_set("sine", rows=90, share=0.3), settings)


def raw(folder):
    return Bench(shipped_set("diabetes"), Settings(inputs="raw", targets="raw", batch_size=7, patience=1))


def bare_standardised(folder):
    opened = bare_model(folder).opened
    (folder / "t.csv").write_text("a,b,y\n" + "\n".join(f"{k % 7},{k * k},{k}" for k in range(50)))
    data = opened.read(cp.read_table(folder / "t.csv"))
    return Bench(data, Settings(inputs="standardised", targets="standardised"))


def said_by(text, folder):
    """What the script prints, and whether it found the same bits."""
    (folder / "run.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-W", "error", "run.py"]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert (told.returncode, told.stderr) == (0, "")
    return told.stdout


MAKERS = [generated, shipped, uploaded, of_model, bare_model, on_other_scales, raw, bare_standardised]


@pytest.mark.parametrize("make", MAKERS)
def test_a_script_trains_to_the_same_bits(tmp_path, make):
    bench = make(tmp_path)
    for _ in range(3):
        bench.pace.one_epoch()
    if make is not bare_model:
        bench.pace.one_batch()
    text, theta = script(bench), bench.moment().theta
    bench.close()
    text += "__import__('pathlib').Path('theta.bin').write_bytes(model.theta.flat.tobytes())\n"
    assert said_by(text, tmp_path) == "the weights of the page, bit for bit: True\n"
    assert (tmp_path / "theta.bin").read_bytes() == theta.tobytes()
    assert ("put that file beside" in text) == (make in (uploaded, of_model, bare_model, bare_standardised))


def test_a_script_goes_as_far_as_a_run_that_patience_ended(tmp_path):
    bench = Bench(settings=Settings(patience=2, learning_rate=0.5))
    bench.pace.run()
    while bench.pace.status == "running":
        pass
    assert bench.moment().ended == "patience"
    text = script(bench)
    bench.close()
    assert said_by(text, tmp_path) == "the weights of the page, bit for bit: True\n"


def test_a_script_that_trains_otherwise_says_so(tmp_path):
    bench = generated(tmp_path)
    bench.pace.one_epoch()
    text = script(bench)
    bench.close()
    assert "noise=0.2" in text
    assert said_by(text.replace("noise=0.2", "noise=0.25"), tmp_path).endswith(": False\n")


def test_of_what_was_set_by_hand_the_script_says_that_it_cannot_repeat_it(tmp_path):
    bench = generated(tmp_path)
    bench.pace.one_epoch()
    bench.edit("W[1][0,0]", 0.5)
    text, kept = script(bench), model(bench)
    bench.close()
    assert "set by hand (1 in all)" in text
    said = said_by(text, tmp_path)
    assert "cannot repeat its run" in said
    assert said.endswith(": False\n")
    assert kept.theta.W[1][0, 0] == 0.5
    assert kept.record is None


def test_what_a_lesson_wrote_down_is_not_exported_as_a_script():
    bench = Bench()
    prepare(bench, LESSONS["boolean"], 0)
    with pytest.raises(SpecificationError, match="take the model file"):
        script(bench)
    assert model(bench).network == bench.network
    bench.change(Settings(layers=(Layer(3),)))
    with pytest.raises(SpecificationError, match="choose a set"):
        script(bench)
    bench.close()


def test_a_diverged_run_is_not_exported():
    settings = Settings(optimizer="sgd", learning_rate=1000.0, layers=(Layer(5, "identity"),), epochs=50)
    bench = Bench(generated_set("sine"), settings)
    while not bench.moment().ended:
        bench.pace.one_epoch()
    for export in (script, model, pipeline):
        with pytest.raises(SpecificationError, match="go back"):
            export(bench)
    bench.close()


def test_model_files_are_read_by_load_and_by_predict(tmp_path):
    bench = generated(tmp_path)
    bench.pace.one_epoch()
    (tmp_path / "m.safetensors").write_bytes(model_bytes(bench))
    held = cp.load(tmp_path / "m.safetensors")
    assert held.theta.flat.tobytes() == bench.moment().theta.tobytes()
    assert held.classes == ("0", "1")
    assert len(held.history["loss"]) == 1
    bench.close()
    bench = shipped(tmp_path)
    bench.pace.one_epoch()
    (tmp_path / "t.safetensors").write_bytes(model_bytes(bench))
    whole = cp.TableModel.load(tmp_path / "t.safetensors")
    X = bench.data.held_out.X
    assert (whole.outputs(bench.data.plan.test) == whole.model.predict(X)).all()
    bench.close()
    command = [sys.executable, "-m", "clearprop", "predict", "t.safetensors", str(penguins_path())]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout.startswith("row,predicted_species,p_Adelie")


@pytest.fixture(scope="module")
def served():
    with serving() as made:
        yield made


@pytest.fixture
def bench(served):
    path = f"/api/benches/{asked(served, '/api/benches', body={})['id']}"
    asked(served, f"{path}/do", body={"verb": "epoch"})
    return path


@pytest.mark.parametrize("what", KINDS)
def test_every_export_has_its_type_and_a_safe_name(served, bench, what):
    status, headers, body = request(served, f"{bench}/export?what={what}&{ROW}")
    kind, suffix = KINDS[what]
    assert (status, headers["content-type"]) == (200, kind)
    assert headers["content-disposition"] == f'attachment; filename="clearprop-moons{suffix}"'
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    match what:
        case "script":
            compile(body, "run.py", "exec")
        case "onnx":
            import onnx

            onnx.checker.check_model(onnx.load_from_string(body))
        case "latex":
            assert rb"\begin{align*}" in body
            assert rb"\documentclass" in body
        case "drawing":
            root = ElementTree.fromstring(body)
            assert root.tag == "{http://www.w3.org/2000/svg}svg"
            assert b"var(" not in body
            assert b"data-press" not in body
    assert request(served, f"{bench}/export?what={what}&{ROW}", token=False)[0] == 401
    assert request(served, f"{bench}/export?what={what}&{ROW}", headers={"Host": "evil.example"})[0] == 421


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "what is missing"),
        ("what=../../etc/passwd", "there is no export"),
        ("what=latex&row=1", "of is missing"),
        ("what=latex&row=1&of=nonsense", "names no number"),
        ("what=latex&row=9999&of=C", "no row 9999"),
        ("what=latex&row=1&of=C&view=all", "view is one of"),
        ("what=latex&row=1&of=C&terms=0", "terms"),
        ("what=drawing&row=1&view=all", "view is one of"),
    ],
)
def test_what_cannot_be_exported_is_refused(served, bench, query, message):
    status, _, body = request(served, f"{bench}/export?{query}")
    assert status == 400
    assert message in json.loads(body)["error"]


def test_onnx_without_its_extra_is_said(served, bench, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "onnx"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "clearprop.export.onnx_model", raising=False)
    monkeypatch.setitem(sys.modules, "onnx", None)
    status, _, body = request(served, f"{bench}/export?what=onnx")
    assert status == 400
    assert "pip install 'clearprop[onnx]'" in json.loads(body)["error"]


def test_names_of_uploads_stay_out_of_headers(served, bench):
    import urllib.parse

    name = urllib.parse.quote('a"\r\nSet-Cookie: x=1;../ü.csv')
    path = f"/api/uploads?name={name}"
    held = asked(served, path, body=b"a,b\n1,u\n2,v\n3,u\n4,v\n5,u\n", kind="application/octet-stream")
    asked(served, f"{bench}/data", body={"upload": held["id"], "target": "b"})
    _, headers, _ = request(served, f"{bench}/export?what=script")
    assert "Set-Cookie" not in headers
    assert headers["content-disposition"].isascii()
    assert headers["content-disposition"].count('"') == 2


def test_the_digest_in_the_script_is_that_of_the_bytes(tmp_path):
    bench = generated(tmp_path)
    bench.pace.one_batch()
    theta = bench.moment().theta
    assert hashlib.sha256(np.ascontiguousarray(theta).tobytes()).hexdigest() in script(bench)
    bench.close()
