"""`import clearprop` is light, every public name is there, and none hides a module."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import clearprop


def test_importing_loads_numpy_at_most():
    heavy = ("numba", "scipy", "sklearn", "polars", "rich", "safetensors", "matplotlib", "sympy")
    script = f"import sys, clearprop; print([name for name in {heavy!r} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"


def test_describing_and_training_on_numpy_alone_loads_nothing_heavy():
    script = (
        "import sys, clearprop as cp\n"
        "net = cp.Network(1, [cp.Dense(1)])\n"
        "cp.train(net, [[1.0], [2.0]], [1.0, 2.0], engine='textbook', progress=False)\n"
        "print([name for name in ('numba', 'sklearn', 'polars', 'rich') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("name", clearprop.__all__)
def test_every_public_name_resolves_and_is_listed(name):
    assert getattr(clearprop, name) is not None
    assert name in dir(clearprop)


def test_no_public_name_is_that_of_a_module():
    folder = Path(clearprop.__file__).parent
    modules = {path.stem for path in folder.iterdir()}
    assert not modules & set(clearprop.__all__)


def test_type_checkers_see_the_same_names():
    text = Path(clearprop.__file__).read_text()
    seen = {
        line.split(" as ")[1].strip() for line in text.splitlines() if line.startswith("    from clearprop")
    }
    assert seen == set(clearprop.__all__) - {"__version__"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Perceptron'"):
        _ = clearprop.Perceptron


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert clearprop.__version__ == project["version"]
