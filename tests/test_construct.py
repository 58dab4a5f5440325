"""`clearprop construct` writes model files that compute what was asked for."""

import itertools
import math

import numpy as np
import pytest
from typer.testing import CliRunner

import clearprop as cp
from clearprop.cli import app


@pytest.fixture
def cli(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, ["construct", *arguments])


def test_a_boolean_function(cli):
    done = cli("boolean", "~a & b | c", "--variables", "c, b,a", "--out", "gate.safetensors")
    assert done.exit_code == 0
    assert "3 inputs (c, b, a)" in done.stdout
    rows = np.array(list(itertools.product((0, 1), repeat=3)), dtype=float)
    expected = [float((not a and b) or c) for c, b, a in rows]
    np.testing.assert_array_equal(cp.load("gate.safetensors").predict(rows)[:, 0], expected)
    done = cli("boolean", "~a", "--tolerance", "0.1", "--out", "gate.safetensors")
    assert "1 sigmoid" in done.stdout
    assert abs(cp.load("gate.safetensors").predict([[1.0]])[0, 0]) < 0.1


def test_towers_and_their_picture(cli, tmp_path):
    done = cli(
        *("towers", "-sin(3*x)", "--domain", "-1,2", "--epsilon", "0.1", "--lipschitz", "3"),
        *("--kind", "relu", "--spacing", "adaptive", "--out", "t.safetensors", "--picture", "t.svg"),
    )
    assert done.exit_code == 0
    assert "within epsilon = 0.1" in done.stdout
    x = np.linspace(-1, 2, 500)
    answers = cp.load("t.safetensors").predict(x[:, None])[:, 0]
    assert np.abs(answers + np.sin(3 * x)).max() <= 0.1
    assert (tmp_path / "t.svg").read_text().startswith("<svg")
    done = cli("towers", "x*y", *("--domain", "0,1") * 2, "--epsilon", "0.3", "--out", "t.safetensors")
    assert done.exit_code == 0
    assert math.isclose(cp.load("t.safetensors").predict([[0.3, 0.4]])[0, 0], 0.12, abs_tol=0.3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["boolean", "a + b"], "is not Boolean"),
        (["boolean", "a", "--tolerance", "2"], "tolerance is a number"),
        (["towers", "x", "--domain", "0", "--epsilon", "1"], "--domain takes LOW,HIGH"),
        (["towers", "x", "--domain", "0,1", "--epsilon", "0"], "epsilon is a number above 0"),
        (["towers", "x.y", "--domain", "0,1", "--epsilon", "1"], "not in the formula language"),
        (["towers", "floor(x)", "--domain", "0,3", "--epsilon", "1"], "f jumps by 1"),
    ],
)
def test_bad_input_is_one_message_and_no_file(cli, tmp_path, arguments, said):
    done = cli(*arguments, "--out", "m.safetensors")
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
    assert "no folder 'no'" in cli(*arguments[:1], "x", *arguments[2:], "--out", "no/m.safetensors").stderr
