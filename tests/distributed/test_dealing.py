"""Files, row groups and rows: what is dealt to whom, that nothing is lost, and what is refused."""

import numpy as np
import polars as pl
import pytest

from clearprop.distributed.dealing import Batching, Piece, deal
from clearprop.distributed.manifest import Manifest, ParquetFile, read_manifest
from clearprop.distributed.reading import row_groups, whole_columns
from clearprop.errors import DataError
from clearprop.tables import read_table
from dealt import nothing, planned, write_mixed, write_penguins


def manifest_of(*files):
    return Manifest(tuple(ParquetFile(str(k), 0, "", groups) for k, groups in enumerate(files)), ())


@pytest.mark.parametrize("shards", [1, 3, 16, 40])
@pytest.mark.parametrize("files", [[(1000,)], [(3, 900, 4), (50,) * 9], [(7,)] * 30, [(1,), (0, 5)]])
def test_every_row_is_dealt_once_and_evenly(files, shards):
    manifest = manifest_of(*files)
    dealt = deal(manifest, shards)
    flat = [rows for groups in files for rows in groups]
    seen = [np.zeros(rows, dtype=int) for rows in flat]
    for piece in (piece for pieces in dealt for piece in pieces):
        seen[piece.group][piece.first : piece.last] += 1
    assert all((rows == 1).all() for rows in seen)
    loads = [sum(piece.rows for piece in pieces) for pieces in dealt]
    assert max(loads) - min(loads) <= 1
    assert deal(manifest, shards) == dealt
    assert all(list(pieces) == sorted(pieces) for pieces in dealt)


@pytest.mark.parametrize("size", [1, 4, 32, 100])
@pytest.mark.parametrize("rows", [(100, 99, 98), (60, 1, 0, 7), (0, 0, 5), (1,) * 40])
def test_a_shards_parts_of_the_batches_are_its_rows_in_proportion(rows, size):
    batching = Batching(rows, min(size, sum(rows)))
    begins = np.array([batching.begin(t) for t in range(len(batching) + 1)])
    parts = np.diff(begins, axis=0)
    assert (parts >= 0).all()
    assert parts.sum(axis=0).tolist() == list(rows)
    assert (begins[0] == 0).all()
    assert np.abs(parts.sum(axis=1) - sum(rows) / len(batching)).max() <= len(rows)
    share = np.array(rows) / len(batching)
    assert (np.abs(parts - share) < 1).all()


def test_the_manifest_is_of_the_files_alone_and_travels_as_json(tmp_path):
    source = write_penguins(tmp_path)
    manifest = read_manifest(source)
    assert [file.name for file in manifest.files] == ["a.parquet", "b.parquet"]
    assert manifest.rows == 344
    assert manifest.files[0].row_groups == (30,) * 6 + (20,)
    assert manifest.source.place(201) == ("b.parquet", 1)
    assert read_manifest(f"file://{tmp_path}/*.parquet").digest == manifest.digest
    (tmp_path / "other").mkdir()
    write_mixed(tmp_path / "other")
    assert read_manifest(str(tmp_path / "other" / "*.parquet")).digest != manifest.digest


def test_files_are_those_named_in_their_order(tmp_path, monkeypatch):
    def write(name, x):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        pl.DataFrame({"x": [float(x)]}).write_parquet(path)
        return str(path)

    odd = [write(name, k) for k, name in enumerate(["d/p%41.parquet", "d/pA.parquet", "d/q#1.parquet"])]
    write("d/.hidden.parquet", 9)
    for source in (f"{tmp_path}/d/*.parquet", f"file://{tmp_path}/d/*.parquet"):
        manifest = read_manifest(source)
        assert [file.name.replace("%25", "%").replace("%23", "#") for file in manifest.files] == [
            "p%41.parquet",
            "pA.parquet",
            "q#1.parquet",
        ]
        assert whole_columns(manifest, ["x"])[0].values.tolist() == [0.0, 1.0, 2.0]
    assert [file.path for file in read_manifest(odd[::-1]).files] == odd[::-1]
    monkeypatch.chdir(tmp_path)
    assert [file.path for file in read_manifest("d/p*.parquet").files] == odd[:2]
    twins = [write(f"{folder}/part-0.parquet", 1) for folder in ("u", "v")]
    assert read_manifest(twins).source.place(2) == ("v/part-0.parquet", 1)
    assert read_manifest(odd[:2]).source.place(2) == ("pA.parquet", 1)
    for source, said in (
        (f"file://{tmp_path}/*/part-0.parquet", "a pattern may stand in the last part alone"),
        (tmp_path / "d", r"d: is a folder; name its files, such as '.*d/\*\.parquet'"),
        ("nosuch://a/b.parquet", "nosuch"),
        ("https://host.invalid/a.parquet", "https://host.invalid/a.parquet: "),
        (tmp_path / "nosuch.parquet", "cannot be opened"),
    ):
        with pytest.raises(DataError, match=said):
            read_manifest(source)


def test_urls_of_fsspec_are_read(tmp_path):
    import fsspec

    write_penguins(tmp_path)
    memory = fsspec.filesystem("memory")
    for name in ("a.parquet", "b.parquet"):
        memory.pipe(f"/table/{name}", (tmp_path / name).read_bytes())
    manifest = read_manifest("memory://table/*.parquet")
    assert manifest.digest == read_manifest(str(tmp_path / "*.parquet")).digest
    assert whole_columns(manifest, ["species"])[0].values.tolist() == (
        read_table([tmp_path / "a.parquet", tmp_path / "b.parquet"]).column("species").values.tolist()
    )
    with pytest.raises(DataError, match="no file is named like 'memory://table/c"):
        read_manifest("memory://table/c*.parquet")


def test_what_differs_is_named(tmp_path):
    def file(name, **columns):
        pl.DataFrame(columns).write_parquet(tmp_path / name)
        return tmp_path / name

    first = file("a.parquet", x=[1.0], y=[1])
    cases = {
        r"b\.parquet: has no column 'y', which .*a\.parquet has": {"x": [1.0]},
        r"b\.parquet: its column 'x' is int64, and double in .*a\.parquet": {"x": [1], "y": [1]},
        r"b\.parquet: has a column 'z', which .*a\.parquet has not": {"x": [1.0], "y": [1], "z": [1]},
        r"b\.parquet: orders its columns unlike .*a\.parquet": {"y": [1], "x": [1.0]},
        r"b\.parquet: has no rows; leave it out": {"x": pl.Series([], dtype=pl.Float64)},
    }
    for said, columns in cases.items():
        with pytest.raises(DataError, match=said):
            read_manifest([first, file("b.parquet", **columns)])
    import pyarrow as arrow
    from pyarrow import parquet

    parquet.write_table(arrow.table([[1.0], [2.0]], names=["x", "x"]), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"b\.parquet: names the column 'x' twice"):
        read_manifest(tmp_path / "b.parquet")
    (tmp_path / "b.parquet").write_bytes(first.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"b\.parquet: is no whole Parquet file"):
        read_manifest([first, tmp_path / "b.parquet"])
    with pytest.raises(DataError, match=r"c\.parquet: cannot be opened"):
        read_manifest(tmp_path / "c.parquet")


def corrupt(path, group):
    """Spoil the first column's bytes of a row group."""
    import pyarrow.parquet as parquet

    place = parquet.ParquetFile(path).metadata.row_group(group).column(0)
    start = place.dictionary_page_offset or place.data_page_offset
    data = bytearray(path.read_bytes())
    data[start : start + 12] = b"\xff" * 12
    path.write_bytes(data)


@pytest.mark.parametrize("world", [1, 3])
def test_a_corrupt_row_group_is_named_with_its_file_on_every_rank(tmp_path, world):
    from clearprop.distributed.threads import in_threads
    from clearprop.distributed.worker import work

    plan = planned(write_penguins(tmp_path))
    corrupt(tmp_path / "b.parquet", 2)
    said = []

    def job(comm):
        try:
            work(comm, plan, None, nothing)
        except DataError as error:
            said.append(str(error))

    in_threads(world, plan.shards, job)
    assert len(said) == world
    assert len(set(said)) == 1
    assert "b.parquet, row group 2 (from 0): cannot be read" in said[0]


def test_a_file_that_was_written_anew_is_refused(tmp_path):
    manifest = read_manifest(write_penguins(tmp_path))
    pl.read_parquet(tmp_path / "b.parquet").reverse().write_parquet(tmp_path / "b.parquet", row_group_size=50)
    with pytest.raises(DataError, match=r"b\.parquet: was written anew since the run was planned"):
        list(row_groups(manifest, range(len(manifest.row_groups)), ["species"]))


def test_row_groups_are_read_as_asked(tmp_path):
    manifest = read_manifest(write_penguins(tmp_path))
    whole = pl.concat([pl.read_parquet(tmp_path / name) for name in ("a.parquet", "b.parquet")])
    found = dict(row_groups(manifest, [1, 6, 8], ["sex", "year"]))
    for group, frame in found.items():
        first = manifest.starts[group]
        assert frame.equals(whole[["sex", "year"]][first : first + frame.height])
    assert Piece(0, 2, 5).rows == 3
    pl.DataFrame({"a": [1.0], "a.b": [2.0], "c": [3.0]}).write_parquet(tmp_path / "dots.parquet")
    columns = whole_columns(read_manifest(tmp_path / "dots.parquet"), ["c", "a"])
    assert [(column.name, column.values.tolist()) for column in columns] == [("c", [3.0]), ("a", [1.0])]
