"""A model file that a release wrote loads in every later one, to the same predictions."""

import json

import numpy as np
import pytest

import clearprop as cp
from clearprop.model_file.header import FORMAT
from release_files import DATA, predicted, written

RELEASES = sorted(path for path in DATA.iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", RELEASES, ids=lambda folder: folder.name)
def test_a_releases_files_load_and_predict_the_same(folder):
    then, now = json.loads((folder / "predicted.json").read_text()), predicted(folder)
    assert now["labels"] == then["labels"]
    for name in ("classes", "numbers", "network"):
        np.testing.assert_allclose(now[name], then[name], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("folder", RELEASES, ids=lambda folder: folder.name)
def test_a_releases_files_hold_all_that_a_file_may(folder):
    classes, numbers, network = (
        cp.inspect_file(folder / f"{name}.safetensors") for name in ("classes", "numbers", "network")
    )
    assert classes.versions["clearprop"] == folder.name
    assert {row.kind for row in classes.encoder.describe()} == {"number", "text", "boolean", "date"}
    assert (classes.classes, numbers.target.task) == (("cat", "dog", "eel"), "numbers")
    assert classes.certificate["holds"]
    assert network.snapshots == (2, 4)
    assert network.best_epoch is not None


def test_todays_format_has_a_file():
    formats = {cp.inspect_file(folder / "network.safetensors").format for folder in RELEASES}
    assert FORMAT in formats, "write tests/data for the new format: python tests/release_files.py"


def test_files_of_a_release_are_never_written_again():
    with pytest.raises(FileExistsError):
        written(RELEASES[0])
