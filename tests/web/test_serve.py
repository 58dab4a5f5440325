"""`clearprop serve`: what it opens, what it refuses, and how it ends."""

import signal
import subprocess
import sys
import urllib.request

import pytest
from typer.testing import CliRunner

from clearprop.cli import app


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["nowhere.csv"], "nowhere.csv"),
        (["a.csv", "b.csv"], "one model file and one table"),
        (["model.safetensors"], "there is no such file"),
        (["a.safetensors", "b.safetensors"], "one model file and one table"),
        (["model.safetensors", "penguins"], "model.safetensors"),
        (["penguins", "--target", "specie"], "species"),
        (["--port", "99999"], "65535"),
    ],
)
def test_what_cannot_be_opened_is_refused_before_anything_is_served(tmp_path, monkeypatch, files, message):
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, ["serve", "--no-browser", *files])
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert answer.stdout == ""


def test_a_missing_extra_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("clearprop.web")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    answer = CliRunner().invoke(app, ["serve", "--no-browser"])
    assert answer.exit_code == 2
    assert 'pip install "clearprop[web]"' in answer.stderr


def test_it_serves_until_it_is_told_to_stop():
    command = [sys.executable, "-m", "clearprop", "serve", "penguins", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            page, _, token = url.partition("#token=")
            assert token
            with urllib.request.urlopen(page, timeout=60) as answer:
                assert b"<title>clearprop</title>" in answer.read()
            process.send_signal(signal.SIGINT)
            rest, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, rest) == (0, "")
    assert "Ctrl-C" in said
    assert "Traceback" not in said
