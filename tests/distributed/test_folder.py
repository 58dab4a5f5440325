"""The folder of a run's checkpoint: whose it is, what is refused, and when."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from clearprop.distributed import reading
from clearprop.errors import ModelFileError, SpecificationError
from dealt import SETTINGS, Wrapped, fitted, planned, write_penguins


def test_the_folder_is_of_one_run_and_holds_its_plan(tmp_path):
    source, folder = write_penguins(tmp_path), tmp_path / "run"
    plan = planned(source)
    fitted(plan, 2, folder)
    assert json.loads((folder / "plan.json").read_text()) == plan.to_dict()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for other, said in (
        (planned(source, settings=replace(SETTINGS, batch_size=16)), "another batch_size"),
        (planned(source, shards=4), "another shards"),
        (planned(source, exclude=["year"]), r"another exclude: \[\] there, \['year'\] here"),
        (planned(source, test=0.1), "another test: None there, 0.1 here"),
    ):
        with pytest.raises(SpecificationError, match=said):
            fitted(other, 2, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    pl.read_parquet(tmp_path / "a.parquet").reverse().write_parquet(tmp_path / "a.parquet", row_group_size=30)
    with pytest.raises(SpecificationError, match="is of a run on other files; call it as before"):
        fitted(planned(source), 2, folder)


def test_rows_that_were_changed_behind_a_footer_are_not_gone_on_with(tmp_path):
    """A footer says nothing of the order of values within a row group."""
    import pyarrow as arrow
    from pyarrow import parquet

    rng, path = np.random.default_rng(0), tmp_path / "a.parquet"
    x, order = rng.normal(size=400), np.concatenate([k * 50 + rng.permutation(50) for k in range(8)])
    y = np.where(x > 0, "yes", "no")
    digests = []
    for labels in (y, y[order]):
        parquet.write_table(arrow.table({"x": x, "y": labels}), path, row_group_size=50)
        plan = planned(str(path), "y")
        digests.append(plan.manifest.digest)
        if labels is y:
            fitted(plan, 2, tmp_path / "run")
    assert digests[0] == digests[1]
    with pytest.raises(SpecificationError, match="of a run on other examples"):
        fitted(plan, 1, tmp_path / "run")


def test_a_call_that_takes_over_a_folder_ends_the_one_before(tmp_path):
    plan, seen = planned(write_penguins(tmp_path)), []

    class TakenOver(Wrapped):
        def tree_sum(self, own):
            if self.calls == 40:
                seen.append(fitted(plan, 1, tmp_path / "run").digest)
            return super().tree_sum(own)

    with pytest.raises(SpecificationError, match="another call has taken over"):
        fitted(plan, 1, tmp_path / "run", wrap=TakenOver)
    assert seen == [fitted(plan).digest]
    assert fitted(plan, 1, tmp_path / "run").digest == seen[0]


@pytest.mark.parametrize("world", [1, 3])
@pytest.mark.parametrize("there", ["a file", "a file in the place of the parent"])
def test_a_folder_that_cannot_be_used_ends_the_run_before_it_reads(tmp_path, world, there, monkeypatch):
    plan = planned(write_penguins(tmp_path))
    (tmp_path / "run").write_text("in the way")
    monkeypatch.setattr(reading, "row_groups", None)
    with pytest.raises(ModelFileError, match=r"checkpoint cannot be written to .*; name another"):
        fitted(plan, world, tmp_path / "run" if there == "a file" else tmp_path / "run" / "inner")
