"""What is loaded when: each way in loads what it needs, and no more."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

TELL = "\nimport sys, json; print(json.dumps(sorted(sys.modules)))"

TRAIN = """
import numpy as np, clearprop as cp
X = np.zeros((8, 2), dtype=np.float32)
network = cp.Network(2, [cp.Dense(1)])
cp.train(network, X, X[:, 0], epochs=1, progress=False).predict(X)
"""

FIT = """
import numpy as np, clearprop as cp
X = np.arange(40.0).reshape(20, 2)
cp.MLPClassifier((2,), max_iter=1, batch_size=20, tol=0).fit(X, np.arange(20) % 2).predict(X)
"""

#: what Numba and NumPy load for kernels, whoever asks
NUMBA = """
import numpy as np, numba, scipy.linalg.cython_blas, threadpoolctl
numba.njit(lambda x: x + 1)(np.ones(1))
import numpy.random, importlib.metadata
"""
SCIKIT = f"{NUMBA}\nimport sklearn.base"
NEVER = {"scipy.stats", "scipy.optimize", "scipy.sparse", "sklearn.model_selection", "sklearn.metrics"}


def loaded_by(code: str) -> set[str]:
    """Modules in a new process that ran the code."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code + TELL], check=True, capture_output=True, text=True
    )
    return set(json.loads(done.stdout))


def packages(modules: set[str]) -> set[str]:
    return {name.split(".")[0] for name in modules}


def test_importing_loads_the_standard_library_and_two_small_files() -> None:
    new = loaded_by("import clearprop") - loaded_by("import importlib, typing, functools, platform, pathlib")
    own = {name for name in new if name.startswith("clearprop")}
    assert own == {"clearprop", "clearprop.environment"}
    assert packages(new - own) <= sys.stdlib_module_names
    assert "importlib.metadata" not in new


@pytest.mark.parametrize(
    ("code", "base"),
    [
        ("import clearprop as cp; cp.Network(1, [cp.Dense(1)])", "import numpy"),
        (TRAIN.replace("epochs", "engine='textbook', epochs"), "import numpy.random"),
        (TRAIN, NUMBA),
        (FIT, SCIKIT),
    ],
    ids=["network", "textbook", "compiled", "MLPClassifier"],
)
def test_a_way_in_loads_the_libraries_it_computes_with_and_no_other(code: str, base: str) -> None:
    assert foreign(code, base) == set()


#: estimator -> parts of scikit-learn that its first fit loads, beside those of `sklearn.base`
OF_SCIKIT = {
    "MLPClassifier((2,), max_iter=2, tol=0)": {"metaestimators", "multiclass", "_unique"},
    "MLPRegressor(hidden_layer_sizes=2, max_iter=2, tol=0)": {"metaestimators"},
    "TabularClassifier(epochs=2)": {"metaestimators", "multiclass", "_unique"},
    "TabularRegressor(epochs=2)": {"metaestimators", "multiclass", "_unique"},
    "Autoencoder(max_iter=2)": set(),
}


@pytest.mark.parametrize("estimator", OF_SCIKIT)
def test_a_first_fit_loads_sklearn_base_and_the_small_files_it_asks(estimator: str) -> None:
    assert parts_of_scikit(estimator) <= OF_SCIKIT[estimator]


def parts_of_scikit(estimator: str, then: str = "") -> set[str]:
    """Modules of scikit-learn, without "sklearn.utils.", that a first fit loads beside sklearn.base."""
    code = f"""
import numpy as np, clearprop as cp
X = np.arange(40.0).reshape(20, 2)
cp.{estimator}.fit(X, np.arange(20) % 3).{"transform" if estimator.startswith("Auto") else "predict"}(X)
"""
    new = loaded_by(code + then) - loaded_by("import sklearn.base")
    return {name.removeprefix("sklearn.utils.") for name in new if name.startswith("sklearn.")}


def test_the_checker_sees_parts_of_scikit() -> None:
    assert "preprocessing" not in parts_of_scikit("MLPClassifier((2,), max_iter=1)")
    seen = parts_of_scikit("MLPClassifier((2,), max_iter=1)", "import sklearn.preprocessing")
    assert "sklearn.preprocessing" in seen


def foreign(code: str, base: str) -> set[str]:
    """Packages that the code loads and `base` does not, and parts of SciPy and scikit-learn not asked for."""
    before = loaded_by(base)
    new = loaded_by(code) - before
    others = {name for name in packages(new) if name not in sys.stdlib_module_names and name[0] != "_"}
    return others - packages(before) - {"clearprop"} | new & NEVER


def test_the_checker_sees_what_is_loaded() -> None:
    assert foreign(TRAIN + "\nimport scipy.stats, typer", NUMBA) >= {"scipy.stats", "typer"}
