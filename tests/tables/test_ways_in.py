"""Files as people have them: separators, decimal commas, encodings, packing, dates, and several at once."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clearprop.datasets import penguins_path
from clearprop.errors import DataError
from clearprop.tables import Encoder, Table, read_table
from clearprop.tables.dates import spelled
from clearprop.tables.encodings import LeftOut

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def write(folder: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def contents(table: Table) -> dict[str, tuple[str, list[object]]]:
    return {
        c.name: (c.kind, [None if v != v else v for v in c.values.tolist()])  # NaN is not itself
        for c in table.columns
    }


EXPECTED = {"name": ("text", ["é", "b, c", None]), "x": ("number", [1.5, -2.0, 1000.25])}

#: what the file holds -> what is said of it
WRITTEN: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "plain": ('name,x\né,1.5\n"b, c",-2\n,1000.25\n', ()),
    "semicolons": ("name;x\né;1.5\nb, c;-2\n;1000.25\n", ("separated by semicolons",)),
    "decimal commas": (
        "name;x\né;1,5\nb, c;-2\n;1.000,25\n",
        ("separated by semicolons", "in the column 'x', decimal commas were read as points"),
    ),
    "quoted decimal commas": ('name,x\né,"1,5"\n"b, c",-2\n,"1.000,25"\n', ("decimal commas",)),
    "thousands": ('name,x\né,1.5\n"b, c",-2\n,"1,000.25"\n', ("commas between thousands were passed over",)),
    "tabs": ("name\tx\né\t1.5\nb, c\t-2\n\t1000.25\n", ("separated by tabs",)),
    "bars": ("name|x\né|1.5\nb, c|-2\n|1000.25\n", ("separated by bars",)),
    "apostrophes": ("'name','x'\n'é','1.5'\n'b, c',-2\n,1000.25\n", ("quoted by apostrophes",)),
    "a mark": ('\ufeffname,x\né,1.5\n"b, c",-2\n,1000.25\n', ()),
    "Latin-1": ('name,x\né,1.5\n"b, c",-2\n,1000.25\n'.encode("latin-1"), ("Windows-1252", "'é'")),
    "UTF-16": ('name,x\né,1.5\n"b, c",-2\n,1000.25\n'.encode("utf-16"), ("UTF-16 text",)),
    "UTF-16 without a mark": (
        'name,x\né,1.5\n"b, c",-2\n,1000.25\n'.encode("utf-16-be"),
        ("UTF-16 text without a byte order mark",),
    ),
    "UTF-32": ('name,x\né,1.5\n"b, c",-2\n,1000.25\n'.encode("utf-32"), ("UTF-32 text",)),
    "packed unsaid": (gzip.compress('name,x\né,1.5\n"b, c",-2\n,1000.25\n'.encode()), ("packed by gzip",)),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_table_is_the_same_however_it_is_written_and_what_was_found_is_said(tmp_path, name):
    data, said = WRITTEN[name]
    table = read_table(write(tmp_path, data))
    assert contents(table) == EXPECTED
    assert len(table.notices) == len(said) - (name == "Latin-1")
    for words in said:
        assert any(words in notice for notice in table.notices), table.notices


@pytest.mark.parametrize(
    "suffix", [".csv.zst", ".parquet", ".pq", ".arrow", ".feather", ".jsonl", ".ndjson.gz"]
)
def test_every_format_is_the_same_table(tmp_path, suffix):
    frame = pl.DataFrame({"name": ["é", "b, c", None], "x": [1.5, -2.0, 1000.25]})
    held = io.BytesIO()
    path = tmp_path / f"t{suffix}"
    if suffix == ".csv.zst":
        path.write_bytes(zstd.compress(frame.write_csv().encode()))
    elif suffix in (".parquet", ".pq"):
        frame.write_parquet(path)
    elif suffix in (".arrow", ".feather"):
        frame.write_ipc(path)
    else:
        frame.write_ndjson(held)
        path.write_bytes(gzip.compress(held.getvalue()) if suffix.endswith(".gz") else held.getvalue())
    table = read_table(path)
    assert contents(table) == EXPECTED
    assert table.notices == ()


def test_what_is_said_overrules_what_is_found(tmp_path):
    path = write(tmp_path, "a;b\n1,5;x\n".encode("cp1251"))
    assert contents(read_table(path, decimal="."))["a"] == ("text", ["1,5"])
    cyrillic = write(tmp_path, "a,b\nд,1\n".encode("cp1251"), "c.csv")
    assert contents(read_table(cyrillic, encoding="cp1251"))["a"] == ("text", ["д"])
    assert contents(read_table(write(tmp_path, "1,2\n3,4\n"), header=False)) == {
        "column_1": ("number", [1.0, 3.0]),
        "column_2": ("number", [2.0, 4.0]),
    }
    assert read_table(write(tmp_path, "1,2\n3,4\n"), header=True).names == ("1", "2")
    typed = read_table(
        write(tmp_path, "zip,sure,n,when\n1,0,5,20200102\n2,1,6,20200103\n"),
        types={"zip": "category", "sure": "boolean", "n": "number", "when": "date"},
    )
    assert [column.kind for column in typed.columns] == ["text", "boolean", "number", "date"]
    assert spelled(typed.column("when").values[1]) == "2020-01-03"
    assert typed.column("zip").texts().tolist() == ["1", "2"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"separator": "::"}, "the separator '::' is not one mark"),
        ({"encoding": "klingon"}, "there is no encoding 'klingon'"),
        ({"encoding": "hex"}, "'hex' is no encoding of text"),
        ({"encoding": "utf-16"}, "is not text of the encoding 'utf-16'"),
        ({"decimal": ";"}, "decimal is '.' or ','"),
        ({"types": {"c": "number"}}, "no column to type 'c'"),
        ({"types": {"a": "numeric"}}, "cannot be of the kind 'numeric'; there are number, category"),
        ({"types": {"b": "number"}}, r"data row 1 .*column 'b': the value 'x' is not a number"),
        ({"types": {"b": "date"}}, r"data row 1 .*column 'b': the value 'x' is no date"),
        ({"types": {"a": "boolean"}}, r"column 'a': the value '15' is neither true nor false"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, options, words):
    with pytest.raises(DataError, match=words):
        read_table(write(tmp_path, "a,b\n15,x\n2,y\n"), **options)


def test_columns_of_points_in_a_file_of_decimal_commas(tmp_path):
    table = read_table(write(tmp_path, "a;b;c\n1,5;1.234;1.5\n2,0;2.000;2\n"))
    assert contents(table)["b"] == ("number", [1.234, 2.0])  # c says that points are decimal here, too
    table = read_table(write(tmp_path, "a;b;c\n1,5;1.234;15\n2,0;2.000;2\n"))
    assert contents(table)["b"] == ("number", [1234.0, 2000.0])
    assert any("'a', 'b'" in notice for notice in table.notices)


DATES = {
    "ISO": (["2020-01-31", "2021-12-01"], ["2020-01-31", "2021-12-01"]),
    "ISO times": (["2020-01-31T10:30:00", "2021-12-01T00:00:00"], ["2020-01-31 10:30:00", "2021-12-01"]),
    "offsets": (
        ["2020-01-31T23:30:00-02:00", "2021-12-01T12:00:00Z"],
        ["2020-02-01 01:30:00", "2021-12-01 12:00:00"],
    ),
    "points": (["31.1.2020", "01.12.2021"], ["2020-01-31", "2021-12-01"]),
    "day first": (["31/1/2020", "01/12/2021"], ["2020-01-31", "2021-12-01"]),
    "month first": (["1/31/2020", "12/01/2021"], ["2020-01-31", "2021-12-01"]),
    "words": (["31 Jan 2020", "1 Dec 2021"], ["2020-01-31", "2021-12-01"]),
    "clock": (["2020/01/31 10:30", "2021/12/01 00:00"], ["2020-01-31 10:30:00", "2021-12-01"]),
}


@pytest.mark.parametrize("name", DATES)
def test_dates_are_found_by_their_form(tmp_path, name):
    cells, expected = DATES[name]
    table = read_table(write(tmp_path, "when,x\n" + "".join(f'"{cell}",1\n' for cell in cells) + "NA,2\n"))
    column = table.column("when")
    assert column.kind == "date"
    assert [spelled(days) for days in column.values[:2]] == expected
    assert np.isnan(column.values[2])
    assert column.texts().tolist() == [*cells, None]


@pytest.mark.parametrize("cell", ["1.2.3", "2020-13-01", "192.168.1.1", "12:30", "20200102", "May", "5/2020"])
def test_what_is_no_date_stays_what_it_is(tmp_path, cell):
    assert read_table(write(tmp_path, f"when,x\n{cell},1\n")).column("when").kind != "date"


def test_a_month_that_may_be_a_day_is_not_guessed(tmp_path):
    path = write(tmp_path, "when,x\n3/4/2020,1\n5/6/2020,2\n")
    table = read_table(path)
    assert table.column("when").kind == "text"
    assert "say which (--type when=date:dmy or date:mdy)" in table.doubts[0]
    days = {
        order: read_table(path, types={"when": f"date:{order}"}).column("when").values[0]
        for order in ("dmy", "mdy")
    }
    assert [spelled(days[order]) for order in ("dmy", "mdy")] == ["2020-04-03", "2020-03-04"]


def test_dates_written_as_texts_in_a_source_of_typed_cells_are_spoken_of(tmp_path):
    frame = pl.DataFrame({"when": ["2024-12-31", None, "2025-01-01"], "word": ["a", "b", "c"]})
    frame.write_ndjson(tmp_path / "t.jsonl")
    for source in (frame, frame.to_pandas(), tmp_path / "t.jsonl"):
        table = read_table(source)
        assert table.column("when").kind == "text"
        assert table.doubts == (
            "'when' holds dates such as 2024-12-31 written as texts, and is read as text; give them as "
            "dates, or say that they are (--type when=date)",
        )
        asked = read_table(source, types={"when": "date"})
        assert (asked.column("when").kind, asked.doubts) == ("date", ())
        assert read_table(source, types={"when": "category"}).doubts == ()


def test_dates_are_features_on_circles(tmp_path):
    days = np.arange(400)
    stamps = np.datetime64("2020-01-01") + days
    rows = "".join(f"{stamp},{k % 7}\n" for k, stamp in enumerate(stamps))
    table = read_table(write(tmp_path, "when,y\n" + rows))
    encoder = Encoder.fit(table, target="y")
    assert encoder.feature_names == (
        "when", "when year sin", "when year cos", "when week sin", "when week cos",
    )  # fmt: skip
    X = encoder.transform(table)
    assert abs(X[:, 0].mean()) < 1e-12
    assert X[:, 0].std() == pytest.approx(1)
    assert np.allclose(X[:, 1] ** 2 + X[:, 2] ** 2, 1)
    assert np.allclose(X[:7, 3:], X[7:14, 3:])
    assert np.allclose(
        X[4, 3:], [np.sin(2 * np.pi * 6 / 7), np.cos(2 * np.pi * 6 / 7)]
    )  # Sunday, Monday is 0
    assert Encoder.from_dict(encoder.to_dict()) == encoder
    later = read_table(write(tmp_path, "when\n1.2.2021\n\n", "later.csv"))
    assert encoder.transform(later)[0, 0] == pytest.approx(
        (18659 - encoder.columns[0].mean) / encoder.columns[0].std
    )
    with pytest.raises(DataError, match="column 'when': the value 'soon' is no date"):
        encoder.transform(read_table(write(tmp_path, "when\nsoon\n", "later.csv")))


def test_parts_that_the_training_dates_do_not_vary_are_no_features(tmp_path):
    hours = np.datetime64("2020-01-01T00:00") + np.arange(20) * np.timedelta64(30 * 60_000_000, "us")
    table = read_table(pl.DataFrame({"when": hours, "y": range(20)}))
    assert Encoder.fit(table, target="y").feature_names == ("when", "when day sin", "when day cos")
    one = read_table(pl.DataFrame({"when": hours[:1].repeat(5), "x": [1.0, 2, 3, 4, 5]}))
    assert Encoder.fit(one).transform(one)[:, 0].tolist() == [0.0] * 5


def test_the_order_of_the_training_dates_is_kept(tmp_path):
    train = read_table(write(tmp_path, "when,x\n" + "".join(f"{d}/3/2020,{d}\n" for d in range(1, 29))))
    encoder = Encoder.fit(train)
    assert encoder.columns[0].order == "dmy"
    unclear = read_table(write(tmp_path, "when,x\n4/3/2020,1\n"))
    assert unclear.column("when").kind == "text"
    assert np.allclose(encoder.transform(unclear)[0, 0], encoder.transform(train)[3, 0])


def test_identifiers_are_left_out_by_name_and_kept_where_asked(tmp_path):
    rows = "".join(f"{1000 + 7 * k},{k % 5},{k}\n" for k in range(40))
    path = write(tmp_path, "customer_id,x,count\n" + rows)
    encoder = Encoder.fit(read_table(path))
    assert encoder.feature_names == ("x", "count")
    left = encoder.columns[0]
    assert isinstance(left, LeftOut)
    assert "named like an identifier" in left.reason
    asked = read_table(path, types={"customer_id": "number"})
    assert Encoder.fit(asked).feature_names == ("customer_id", "x", "count")


def test_a_category_that_is_asked_for_has_all_its_levels(tmp_path):
    path = write(tmp_path, "code,x\n" + "".join(f"{k},{k % 3}\n" for k in range(80)))
    encoder = Encoder.fit(read_table(path, types={"code": "category"}))
    assert len(encoder.feature_names) == 82


def test_several_files_are_one_table_and_a_message_names_the_file(tmp_path):
    write(tmp_path, "a,b\n1,x\n2,y\n", "1.csv")
    write(tmp_path, "b;a\nz;3,5\nv;1,5\nw;oops\n", "2.csv")
    table = read_table(str(tmp_path / "*.csv"), types={"b": "category"})
    assert table.source == "2 files (1.csv, 2.csv)"
    assert table.column("b").values.tolist() == ["x", "y", "z", "v", "w"]
    assert "2.csv: the columns are separated by semicolons" in table.notices
    with pytest.raises(
        DataError, match=r"2\.csv, data row 3 .* column 'a': the value 'oops' is not a number"
    ):
        table.column("a").numbers()
    both = read_table([tmp_path / "1.csv", tmp_path / "1.csv"])
    assert both.row_numbers.tolist() == [1, 2, 3, 4]
    for names, words in (
        (["1.csv", "3.csv"], r"1\.csv has a column 'b' and 3\.csv has none"),
        (["3.csv", "1.csv"], r"1\.csv has a column 'b' and 3\.csv has none"),
        (["1.csv", "4.parquet"], "are of unlike formats"),
    ):
        write(tmp_path, "a\n1\n", "3.csv")
        pl.DataFrame({"a": [1], "b": ["x"]}).write_parquet(tmp_path / "4.parquet")
        with pytest.raises(DataError, match=words):
            read_table([tmp_path / name for name in names])
    with pytest.raises(DataError, match="no file is named like"):
        read_table(str(tmp_path / "*.tsv"))
    with pytest.raises(DataError, match="the list of files is empty"):
        read_table([])


def test_parquet_files_are_joined_by_their_types(tmp_path):
    frame = pl.read_csv(penguins_path(), null_values="NA")
    frame[:100].write_parquet(tmp_path / "a.parquet")
    frame[100:].write_parquet(tmp_path / "b.parquet")
    joined = read_table(tmp_path / "*.parquet")
    assert contents(joined) == contents(read_table(frame))
    pl.DataFrame({"x": [[1]]}).write_parquet(tmp_path / "c.parquet")
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "d.parquet")
    with pytest.raises(DataError, match="a column is not of one type in all of them"):
        read_table([tmp_path / "c.parquet", tmp_path / "d.parquet"])


def test_standard_input_is_read(monkeypatch):
    class Standard:
        buffer = io.BytesIO(b"a;b\n1;x\n")

    monkeypatch.setattr(sys, "stdin", Standard())
    table = read_table("-")
    assert (table.source, table.names) == ("standard input", ("a", "b"))


def test_damaged_files_are_refused(tmp_path):
    for name, data, words in (
        ("t.csv.zst", zstd.compress(b"a,b\n1,2\n" * 99)[:-5], "damaged or cut Zstandard file"),
        ("t.csv.gz", b"a,b\n1,2\n", r"damaged or cut gzip file \(its first bytes are others\)"),
        ("t.arrow", b"ARROW1 and nothing", "not a readable Arrow file"),
        ("t.jsonl", b'{"a": 1}\n{"a": ', "not a readable JSON lines file"),
        ("t.jsonl", b" \n", r"t\.jsonl is empty"),
        ("t.json", b'[{"a": 1}]', r"JSON is read as lines, one object each: save it as \.jsonl"),
        ("t.parquet", b"PAR1" + b"x" * 50, "not a readable Parquet file"),
    ):
        with pytest.raises(DataError, match=words):
            read_table(write(tmp_path, data, name))
