"""docs/experiments.md says what the experiments find; their scripts run as a reader runs them."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "examples" / "experiments"
PAGE = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
#: those that take a few seconds; `make slow` tries all
QUICK = {"saturation", "learning_rate"}
NAMES = re.findall(r"examples/experiments/(\w+)\.py`\)", PAGE)


@pytest.fixture
def house(monkeypatch):
    """The folder's modules, importable by their names as in a script."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(FOLDER))
    yield
    for name in set(sys.modules) - before:
        if (FOLDER / f"{name}.py").exists():
            del sys.modules[name]


def section(name, page=PAGE):
    """The page's part on one experiment."""
    (found,) = (part for part in page.split("\n## ") if f"examples/experiments/{name}.py`)" in part)
    return found.strip()


def comparable(text):
    """A section without the numbers of its table and its remark: what no CPU may change."""
    lines = [line for line in text.splitlines() if line.startswith(("- **", "**", "!["))]
    return lines + [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]


def found_now(name):
    experiment = runpy.run_path(str(FOLDER / f"{name}.py"))["EXPERIMENT"]
    page = runpy.run_path(str(FOLDER / "page.py"))
    return page["section"](experiment, experiment.look()).strip().removeprefix("## ")


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
)
def test_the_page_has_the_verdicts_that_are_found_now(name):
    assert comparable(section(name)) == comparable(found_now(name)), "run: make experiments"


@pytest.mark.usefixtures("house")
def test_every_number_about_the_saturated_unit_is_found_again():
    """No run of it is long enough for another CPU's rounding to be seen."""
    assert section("saturation") == found_now("saturation"), "run: make experiments"


def test_every_script_is_on_the_page_and_every_picture_is_there():
    shared = {"__main__", "experiment", "page"}
    assert set(NAMES) == {path.stem for path in FOLDER.glob("*.py")} - shared
    for name in NAMES:
        picture = (ROOT / "docs" / "experiments" / f"{name}.svg").read_text(encoding="utf-8")
        assert f"](experiments/{name}.svg)" in section(name)
        assert "<svg" in picture


def test_another_verdict_would_be_seen():
    """The comparison above finds a planted fault."""
    text = section("saturation")
    planted = text.replace("**Holds.**", "**Does not hold.**", 1)
    assert comparable(planted) != comparable(text)


def test_a_script_prints_what_was_seen_and_writes_its_picture(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-W", "error", str(FOLDER / "saturation.py"), "--out", str(tmp_path / "s.png")]
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    for verdict, words in re.findall(r"- \*\*(Holds|Does not hold)\.\*\* (.*)", section("saturation")):
        assert re.search(rf"^{verdict.lower()} +{re.escape(words)}$", told, re.MULTILINE)
