"""Formulas as kernels: every primitive, rows added at run time, and a cache that is never stale."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import clearprop
from clearprop import kernel_cache
from clearprop.engines import builds
from clearprop.engines.compiled import Compiled
from clearprop.engines.textbook import Textbook
from clearprop.formulas import language
from clearprop.formulas.activations import Activation
from clearprop.formulas.optimizers import optimizers
from clearprop.specification import Dense, Network

PACKAGE = Path(clearprop.__file__).parent
COMPILED_FILES = sorted([*PACKAGE.glob("formulas/*.py"), *PACKAGE.glob("engines/**/*.py")])

#: together they use every primitive and every operator of the language
TEXTS = (
    "sin(z) + cos(z) + sqrt(abs(z)) + log1p(exp(-abs(z))) + expm1(minimum(z, 1)) + floor(z)",
    "where(z >= 0, log(1 + z * z), tanh(z)) - softplus(z) / (1 + sigmoid(z)) + maximum(-z, z / 3)",
    "erf(z) + erfc(z) * beta + z**2 - z**3 + (2 + sin(z))**1.5 + (+z) * pi + (beta + 1)**z",
    "where(z > 1, 1, where(z < -1, -1, where(z <= 0, z / 2, z)))",
)


def test_the_texts_use_every_primitive() -> None:
    used = {name for name in language.PRIMITIVES if any(f"{name}(" in text for text in TEXTS)}
    assert used == set(language.PRIMITIVES)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernels_read_every_primitive_as_numpy_does(dtype: str) -> None:
    rows = [Activation(f"row{i}", text, derivative="1", beta=0.7) for i, text in enumerate(TEXTS)]
    network = Network(1, [Dense(1, row, bias=False) for row in rows])
    z = np.linspace(-6, 6, 1001, dtype=dtype)
    build = builds.build_for(network, optimizers["sgd"], np.dtype(dtype))
    assert build.folder != dtype
    eps = np.finfo(dtype).eps
    for kind, row in enumerate(rows):
        ours, parameters = np.empty_like(z), np.array([0.7, 0, 0, 0], dtype)
        places = [array.ctypes.data for array in (z, ours)]
        build.far_functions["activate"].ctypes(kind, parameters.ctypes.data, z.size, *places)
        np.testing.assert_allclose(ours, row.value(z.astype(np.float64)), rtol=40 * eps, atol=40 * eps)


def test_a_row_of_the_shipped_text_under_another_name_needs_no_build_of_its_own() -> None:
    mine = Activation("my_tanh", "tanh(z)", derivative="1 - a**2")
    network = Network(2, [Dense(3, mine), Dense(1)])
    build = builds.build_for(network, optimizers["sgd"], np.dtype("float64"))
    assert build.folder == "float64"


def test_new_parameter_values_compile_nothing() -> None:
    from clearprop.formulas.activations import activations

    first, second = (
        builds.build_for(network, optimizers["sgd"], np.dtype("float64"))
        for network in (Network(2, [Dense(1, activations["elu"](alpha))]) for alpha in (0.5, 0.25))
    )
    assert first is second


@pytest.mark.parametrize("file", COMPILED_FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_editing_a_file_that_kernels_depend_on_changes_the_fingerprint(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "clearprop"
    for part in ("formulas", "engines"):
        shutil.copytree(PACKAGE / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    before = kernel_cache.fingerprint(copy)
    assert before == kernel_cache.fingerprint(PACKAGE)
    edited = copy / file.relative_to(PACKAGE)
    edited.write_text(edited.read_text() + "\n# edited\n")
    assert kernel_cache.fingerprint(copy) != before


def in_a_new_process(code: str, package: Path, cache: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "CLEARPROP_CACHE_DIR": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


USE_TANH = """
import numpy as np
from clearprop.engines.compiled import Compiled
from clearprop.specification import Dense, Network
network = Network(1, [Dense(1, "tanh", bias=False)])
print(float(Compiled(network, "float64").forward(np.ones(1), np.ones((1, 1)))[0, 0]))
"""


@pytest.mark.slow
def test_an_edited_formula_is_never_run_from_the_cache_of_the_old_one(tmp_path: Path) -> None:
    package, cache = tmp_path / "clearprop", tmp_path / "cache"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    assert float(in_a_new_process(USE_TANH, package, cache)) == pytest.approx(np.tanh(1))
    rows = package / "formulas" / "activations.py"
    text = rows.read_text()
    assert '"tanh", "tanh(z)"' in text
    rows.write_text(text.replace('"tanh", "tanh(z)"', '"tanh", "tanh(z) / 2"'))
    assert float(in_a_new_process(USE_TANH, package, cache)) == pytest.approx(np.tanh(1) / 2)


USE_OWN = """
import numpy as np
from clearprop.engines.compiled import Compiled
from clearprop.formulas.activations import Activation
from clearprop.formulas.optimizers import optimizers
from clearprop.specification import Dense, Network
network = Network(1, [Dense(1, Activation("own", "{text}", derivative="1"), bias=False)])
print(float(Compiled(network, "float64").forward(np.ones(1), np.full((1, 1), 2.0))[0, 0]))
"""


def test_rows_of_one_name_in_two_processes_are_never_mixed_up(tmp_path: Path) -> None:
    for text, expected in (("z * 3", 6.0), ("z * 5", 10.0), ("z * 3", 6.0)):
        assert float(in_a_new_process(USE_OWN.format(text=text), PACKAGE, tmp_path)) == expected
    assert len(list(tmp_path.rglob("compiled"))) == 2, "a build of own rows is compiled once and kept"


def test_only_the_latest_builds_of_own_rows_stay_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builds, "cache_folder", lambda: tmp_path)
    for age in range(builds.OWN_BUILDS + 3):
        folder = tmp_path / f"float64_{age:03d}"
        folder.mkdir()
        os.utime(folder, (age, age))
    (tmp_path / "float64").mkdir()
    builds._forget_old_builds()
    left = sorted(folder.name for folder in tmp_path.iterdir())
    assert left == ["float64", *(f"float64_{age:03d}" for age in range(3, builds.OWN_BUILDS + 3))]


def test_two_rows_of_one_name_in_one_process_are_never_mixed_up() -> None:
    X, theta = np.full((1, 1), 2.0), np.ones(1)
    for text, expected in (("z * 3", 6.0), ("z * 5", 10.0), ("z * 3", 6.0)):
        network = Network(1, [Dense(1, Activation("own", text, derivative="1"), bias=False)])
        assert Compiled(network, "float64").forward(theta, X)[0, 0] == expected


def test_the_kernels_are_not_imported_on_their_own() -> None:
    with pytest.raises(ImportError, match="loaded through builds"):
        import clearprop.engines.kernels.passes  # noqa: F401


def test_user_loss_and_optimizer_run_in_kernels_as_in_the_textbook() -> None:
    from dataclasses import replace

    from clearprop.engines.examples import check_examples
    from clearprop.engines.protocol import OptimizerState
    from clearprop.formulas.losses import Loss
    from clearprop.formulas.optimizers import Optimizer

    log_cosh = Loss("log_cosh", "log(exp(a - y) + exp(y - a)) - log(2)", slope="tanh(a - y)")
    signed = Optimizer(
        name="signed", step="theta - rate * where(m > 0, 1, -1)", slots=(("m", "0.9 * m + 0.1 * g"),)
    )
    network = replace(Network(3, [Dense(4, "tanh"), Dense(2)]), loss=log_cosh)
    generator = np.random.default_rng(0)
    examples = check_examples(
        network, generator.standard_normal((20, 3)), generator.standard_normal((20, 2)), "float64"
    )
    thetas = []
    for engine in (Textbook, Compiled):
        theta = network.initialize(seed=0).flat
        state = OptimizerState.fresh(network, "float64")
        computing = engine(network, "float64", signed)
        computing.run(theta, state, examples, np.arange(20), 0, 4, batch_size=6, rates=np.full(4, 0.1))
        thetas.append(theta)
    np.testing.assert_allclose(thetas[0], thetas[1], rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_exp_overflows_to_infinity_and_not_to_a_number(dtype: str) -> None:
    own = Activation("own_exp", "exp(z)", derivative="a")
    network = Network(1, [Dense(1, own, bias=False)])
    z = np.array([[-1e4], [0.0], [80.0], [800.0], [np.inf]], dtype)
    y_hat = Compiled(network, dtype).forward(np.ones(1, dtype), z)[:, 0]
    assert y_hat[0] < 1e-37
    assert y_hat[1] == 1
    assert y_hat[2] == pytest.approx(np.exp(80.0), rel=1e-5)
    assert np.isinf(y_hat[3:]).all()
