"""The kernels' cache: shared by copies of the package, one process compiling, nothing lost by damage."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

import clearprop
from clearprop import kernel_cache
from clearprop.engines import builds
from clearprop.formulas.optimizers import optimizers
from clearprop.specification import Dense, Network

PACKAGE = Path(clearprop.__file__).parent

USE_TANH = """
import numpy as np
from clearprop.engines.compiled import Compiled
from clearprop.specification import Dense, Network
network = Network(1, [Dense(1, "tanh", bias=False)])
print(float(Compiled(network, "float64").forward(np.ones(1), np.ones((1, 1)))[0, 0]))
"""

USE_OWN = """
import numpy as np
from clearprop.engines.compiled import Compiled
from clearprop.formulas.activations import Activation
from clearprop.specification import Dense, Network
network = Network(1, [Dense(1, Activation("own", "z * 3", derivative="3"), bias=False)])
print(float(Compiled(network, "float64").forward(np.ones(1), np.full((1, 1), 2.0))[0, 0]))
"""


def start(code: str, package: Path = PACKAGE, **environment: str) -> subprocess.Popen[str]:
    known = {name: value for name, value in os.environ.items() if name != "CLEARPROP_CACHE_DIR"}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**known, "PYTHONPATH": str(package.parent), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said_by(process: subprocess.Popen[str]) -> tuple[float, str]:
    """The number it printed, and what it said on standard error."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return float(out), err


@pytest.fixture(scope="module")
def warm() -> Path:
    """Folder of the shipped float64 build, compiled."""
    return builds.build_for(Network(1, [Dense(1)]), optimizers["sgd"], np.dtype("float64")).place


def snapshot(folder: Path) -> dict[str, int]:
    return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in folder.rglob("*")}


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What the library says, though a command line in this process may have made it quiet."""
    caplog.set_level(logging.WARNING, logger="clearprop")
    return caplog


@pytest.fixture
def fresh_folders(monkeypatch: pytest.MonkeyPatch):
    kernel_cache.cache_folder.cache_clear()
    monkeypatch.delenv("CLEARPROP_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    yield
    kernel_cache.cache_folder.cache_clear()


def test_a_copy_of_the_package_at_another_path_compiles_nothing(warm: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "clearprop"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for file in copy.rglob("*.py"):
        os.utime(file, (1e9, 1e9))
    before = snapshot(warm)
    value, said = said_by(start(USE_TANH, copy, CLEARPROP_CACHE_DIR=str(warm.parents[2])))
    assert value == pytest.approx(np.tanh(1))
    assert said == ""
    assert snapshot(warm) == before


def test_kernels_that_are_lost_or_damaged_are_compiled_again(warm: Path, tmp_path: Path) -> None:
    place = tmp_path / "kernels" / warm.parent.name / warm.name
    shutil.copytree(warm, place)
    (index,) = place.glob("passes.stream-*.nbi")
    index.write_bytes(b"")  # as after a power cut
    (code,) = place.glob("passes.forward-*.nbc")
    code.unlink()
    for said_something in (True, False):
        value, said = said_by(start(USE_TANH, CLEARPROP_CACHE_DIR=str(tmp_path)))
        assert value == pytest.approx(np.tanh(1))
        assert ("cannot be read" in said) == said_something
    assert index.stat().st_size
    assert code.exists()


@pytest.mark.parametrize("damage", [b"", b"not a pickle", None])
def test_a_file_of_the_cache_that_is_damaged_is_written_again(tmp_path: Path, damage: bytes | None) -> None:
    from numba import njit

    def double(x: float) -> float:
        return 2 * x

    def kernel():
        return kernel_cache.keep_in(tmp_path, njit(double))

    assert kernel()(2.0) == 4.0
    for file in tmp_path.iterdir():
        if damage is None:
            file.unlink()
        else:
            file.write_bytes(damage)
        assert kernel()(2.0) == 4.0
        again = kernel()
        assert again(2.0) == 4.0
        assert sum(again.stats.cache_hits.values()) == 1


def test_a_cache_that_cannot_be_written_costs_a_word_and_no_error(told: pytest.LogCaptureFixture) -> None:
    from numba import njit

    kernel = kernel_cache.keep_in(Path(os.devnull) / "x", njit(lambda x: 3 * x))
    assert kernel(2.0) == 6.0
    assert "cannot be kept in" in told.text


def test_of_two_processes_that_start_cold_one_compiles(tmp_path: Path) -> None:
    both = [start(USE_OWN, CLEARPROP_CACHE_DIR=str(tmp_path)) for _ in range(2)]
    told = [said_by(process) for process in both]
    assert [value for value, _ in told] == [6.0, 6.0]
    assert sum(said.count("compiling the") for _, said in told) == 1


def test_a_process_waits_for_the_lock_and_says_so(tmp_path: Path) -> None:
    code = "from pathlib import Path\nfrom clearprop.kernel_cache import alone\n"
    code += f"with alone(Path({str(tmp_path)!r})): print(1)"
    with kernel_cache.alone(tmp_path):
        waiting = start(code)
        assert waiting.stderr is not None
        assert "waiting for another process" in waiting.stderr.readline()
        assert waiting.poll() is None
    assert said_by(waiting)[0] == 1


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
def test_a_home_that_cannot_be_written_is_no_hindrance(warm: Path, tmp_path: Path, variable: str) -> None:
    place = tmp_path / f"clearprop-{os.getuid()}" / "kernels" / warm.parent.name / warm.name
    shutil.copytree(warm, place)
    blocked = {"XDG_CACHE_HOME": "", "TMPDIR": str(tmp_path), variable: f"{os.devnull}/x"}
    value, said = said_by(start(USE_TANH, **blocked))
    assert value == pytest.approx(np.tanh(1))
    assert said == ""


@pytest.mark.usefixtures("fresh_folders")
def test_without_any_home_the_temporary_folder_serves(tmp_path, monkeypatch):
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for a user id without an entry
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert kernel_cache.cache_folder().is_relative_to(tmp_path / f"clearprop-{os.getuid()}")
    assert not Path("~").exists()


@pytest.mark.usefixtures("fresh_folders")
def test_a_chosen_folder_that_cannot_be_made_is_replaced_by_a_temporary_one(tmp_path, monkeypatch):
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", f"{os.devnull}/x")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert kernel_cache.cache_folder().is_relative_to(tmp_path)


@pytest.mark.usefixtures("fresh_folders")
def test_on_a_disk_that_is_read_only_kernels_live_in_memory_alone(monkeypatch, told):
    from numba import njit

    def refuse(**options):
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setenv("CLEARPROP_CACHE_DIR", f"{os.devnull}/x")
    monkeypatch.setattr(tempfile, "gettempdir", refuse)
    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    place = kernel_cache.folder_of("float32")
    assert not kernel_cache.is_complete(place)
    with kernel_cache.alone(place):
        assert kernel_cache.keep_in(place, njit(lambda x: 5 * x))(2.0) == 10.0
    assert "cannot be kept in" in told.text


@pytest.fixture
def a_users_folders(fresh_folders, tmp_path, monkeypatch):
    """A complete build that root made in `/shared`, seen by another user with a home of their own."""
    shared = tmp_path / "shared"
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", str(shared))
    place = kernel_cache.cache_folder() / "float32"
    place.mkdir()
    (place / kernel_cache.MARK).touch()
    kernel_cache.cache_folder.cache_clear()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(kernel_cache, "ADMINISTRATOR", os.getuid())
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    return place


def test_a_cache_that_the_administrator_warmed_is_read_by_all(a_users_folders):
    assert kernel_cache.folder_of("float32") == a_users_folders
    assert kernel_cache.folder_of("float64").parent != a_users_folders.parent, "it cannot be written to"


@pytest.mark.parametrize("above", range(4))
def test_a_cache_that_others_may_write_to_is_not_read(a_users_folders, above):
    folder = [a_users_folders, *a_users_folders.parents][above]
    folder.chmod(0o777)
    assert kernel_cache.folder_of("float32") != a_users_folders


def test_another_users_cache_is_not_read(a_users_folders, monkeypatch):
    monkeypatch.setattr(kernel_cache, "ADMINISTRATOR", 4343)
    assert kernel_cache.folder_of("float32") != a_users_folders


def test_a_chosen_folder_that_cannot_be_used_is_named(a_users_folders):
    place = kernel_cache.folder_of("float64")
    assert str(a_users_folders.parents[2]) in kernel_cache.asked_elsewhere(place)
    assert kernel_cache.asked_elsewhere(a_users_folders) == ""
