"""What `read_table` promises: one table whatever the way in, and one clear error for what is none."""

from __future__ import annotations

import datetime
import decimal
import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from clearprop.datasets import penguins_path
from clearprop.errors import DataError
from clearprop.tables import MISSING_SPELLINGS, Table, read_table


def write(folder: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def contents(table: Table) -> list[tuple[str, str, list[object]]]:
    return [
        (c.name, c.kind, [None if isinstance(v, float) and np.isnan(v) else v for v in c.values.tolist()])
        for c in table.columns
    ]


def test_kinds_of_text_columns(tmp_path: Path) -> None:
    path = write(
        tmp_path, "whole,real,sure,word,code\n1,-1.5e3, Yes ,a b,1\n2,.5,no,  c ,A\n+3,1E-2,TRUE,d,2\n"
    )
    assert contents(read_table(path)) == [
        ("whole", "number", [1.0, 2.0, 3.0]),
        ("real", "number", [-1500.0, 0.5, 0.01]),
        ("sure", "boolean", [1.0, 0.0, 1.0]),
        ("word", "text", ["a b", "c", "d"]),
        ("code", "text", ["1", "A", "2"]),
    ]


@pytest.mark.parametrize("spelling", MISSING_SPELLINGS)
@pytest.mark.parametrize(("cell", "kind"), [("1.5", "number"), ("true", "boolean"), ("word", "text")])
def test_every_missing_spelling_in_every_kind(tmp_path: Path, spelling: str, cell: str, kind: str) -> None:
    column = read_table(write(tmp_path, f"x,y\n{cell},1\n{spelling},2\n")).column("x")
    assert (column.kind, column.missing, column.known.tolist()) == (kind, 1, [True, False])


def test_whole_numbers_that_are_rounded_are_doubted_whatever_zeros_they_have(tmp_path: Path) -> None:
    exact, rounded = 2**53 + 2, -(2**53 + 1)
    text = f"a,b,c\n{exact},{rounded},{'0' * 5000}{-rounded}\n1,1,1\n"
    assert [doubt.partition(",")[0] for doubt in read_table(write(tmp_path, text)).doubts] == [
        "in the column 'b'",
        "in the column 'c'",
    ]


def test_own_missing_spellings(tmp_path: Path) -> None:
    path = write(tmp_path, "x,y\n1,NA\n-999,b\n")
    table = read_table(path, null_values=["-999"])
    assert contents(table) == [("x", "number", [1.0, None]), ("y", "text", ["NA", "b"])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n\n1,x\n  \n2,\n\n", [("a", "number", [1.0, 2.0]), ("b", "text", ["x", None])]),
        ("\ufeffa,b\r\n1,x\r\n2,y", [("a", "number", [1.0, 2.0]), ("b", "text", ["x", "y"])]),
        ("a,b\r1,x\r2,y\r", [("a", "number", [1.0, 2.0]), ("b", "text", ["x", "y"])]),
        ('a,b\n1,"x\ny, ""z"""\n2,\n', [("a", "number", [1.0, 2.0]), ("b", "text", ['x\ny, "z"', None])]),
        ('a,b\n5" pipe,1\n6" pipe,\n', [("a", "text", ['5" pipe', '6" pipe']), ("b", "number", [1.0, None])]),
        ('a\n1\n\n""\n2\n', [("a", "number", [1.0, None, 2.0])]),
    ],
    ids=["blank lines", "mark and CRLF", "old Mac", "quoted newline", "quote inside a cell", "one column"],
)
def test_odd_but_clear_files(tmp_path: Path, text: str, expected: object) -> None:
    assert contents(read_table(write(tmp_path, text))) == expected


def test_csv_gzip_tsv_and_a_string_path_are_the_same_table(tmp_path: Path) -> None:
    text = "a,b\n1,x\n,y\n"
    tabs = text.replace(",", "\t")
    expected = [("a", "number", [1.0, None]), ("b", "text", ["x", "y"])]
    for name, data in [
        ("t.CSV", text.encode()),
        ("t.csv.gz", gzip.compress(text.encode())),
        ("t.tsv", tabs.encode()),
        ("t.tsv.gz", gzip.compress(tabs.encode())),
    ]:
        table = read_table(str(write(tmp_path, data, name)))
        assert (contents(table), table.source) == (expected, name)


def test_penguins_are_the_same_from_file_parquet_and_every_frame(tmp_path: Path) -> None:
    expected = contents(read_table(penguins_path()))
    frame = pl.read_csv(penguins_path(), null_values="NA")
    frame.write_parquet(tmp_path / "p.parquet")
    arrow = pa.table({name: frame[name].to_list() for name in frame.columns})
    for source in (frame, tmp_path / "p.parquet", pd.read_csv(penguins_path()), arrow):
        assert contents(read_table(source)) == expected


def test_cells_of_every_declared_type() -> None:
    frame = pd.DataFrame(
        {
            "nullable": pd.array([1, None], dtype="Int64"),
            "mixed": pd.Series([1, "a"], dtype=object),
            "truth": pd.Series([True, None], dtype=object),
            "category": pd.Categorical(["u", None]),
            "day": [datetime.date(1970, 1, 3), None],
            "moment": pd.to_datetime(["1970-01-02 12:00", None]),
            "zoned": pd.to_datetime(["1970-01-02 12:00+06:00", None], utc=True).tz_convert("Asia/Dhaka"),
            "decimal": pd.Series([decimal.Decimal("1.5"), None], dtype=object),
            "nothing": [None, None],
            "digits": ["01", "2"],
            7: [0.5, 2.0],
        }
    )
    assert contents(read_table(frame)) == [
        ("nullable", "number", [1.0, None]),
        ("mixed", "text", ["1", "a"]),
        ("truth", "boolean", [1.0, None]),
        ("category", "text", ["u", None]),
        ("day", "date", [2.0, None]),
        ("moment", "date", [1.5, None]),
        ("zoned", "date", [1.25, None]),
        ("decimal", "number", [1.5, None]),
        ("nothing", "number", [None, None]),
        ("digits", "text", ["01", "2"]),
        ("7", "number", [0.5, 2.0]),
    ]


@pytest.mark.parametrize("values", [[2**53 + 1, None], [2**53 + 1, 2]])
def test_large_whole_numbers_of_pyarrow_are_rounded_not_refused(values: list[int | None]) -> None:
    assert read_table(pa.table({"i": values})).column("i").values[0] == float(2**53)


def test_take_keeps_row_numbers_in_messages(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "x,y\n1,a\n2,b\n3,c\n"))
    part = table.take(np.array([False, True, True])).take([1])
    assert (part.n_rows, part.row_numbers.tolist(), part.column("x").texts().tolist()) == (1, [3], ["3"])
    with pytest.raises(DataError, match=r"t\.csv, data row 3 .* column 'y': the value 'c' is not a number"):
        part.column("y").numbers()
    with pytest.raises(DataError, match=r"mask of shape \(2,\) does not fit the 3 rows of t\.csv"):
        table.take(np.array([True, False]))


FILE_FAULTS = [
    ("", r"t\.csv is empty; give a table"),
    ("\n \n", r"t\.csv is empty"),
    ("a,b\n", r"t\.csv has a header and no rows; give"),
    ("a,b\n,\nNA,?\n", r"t\.csv has no usable rows: every cell is missing; give"),
    ("a,b,A , a\n1,2,3,4\n", r"header names 'a' 2 times \(columns 1, 4\); rename"),
    ("a,,c\n1,2,3\n", r"header cell of column 2 is blank; give every column a name$"),
    (
        ",b\n0,2\n",
        r"header cell of column 1 is blank; .* \(an index that pandas wrote\? to_csv\(index=False\)",
    ),
    (
        "a,b\n1,2\n\n3,4,5\n",
        r"data row 2 \(counted from 1, without the header\), line 4: the row is too long, its cells being 3 "
        r"under 2 header cells; write 2 cells, with quotes",
    ),
    ("a,b\n1,2\n3\n", r"data row 2 .* line 3: the row is too short, its cells being 1 under 2"),
    ('a,b\n1,2\n3,"x\n4,5\n', r"t\.csv, line 3: a quote opened there is never closed; close it"),
    ('a,b\n1,"x"y\n', r"t\.csv, line 2: its quotes cannot be read .* double a quote"),
    ('a,b\n1,"' + "x" * 140_000 + "\n", r"line 2: a cell is longer than 131072 characters"),
    (b"a,b\n1,2\n\0,3\n", r"t\.csv, line 3: a zero byte stands there, .* save it as UTF-8 CSV"),
    (b"a,b\n1,\x02\n", r"t\.csv, line 2: the control character 0x02 stands there"),
    ("a,b\n1,2\n".encode("utf-16")[:-1], r"begins like UTF-16 text and is cut in the middle of a character"),
    (
        b"PK\x03\x04\0\0",
        r"t\.csv is an Excel workbook or another zip file; open it and save the sheet as CSV",
    ),
    (b"\xd0\xcf\x11\xe0\xa1", r"t\.csv is an old Excel workbook"),
    (b"\x80\x04\x95abc", r"t\.csv is a pickle, which is never opened here"),
    ("1,2\n3,4\n", r"the first line holds numbers alone \(1, 2\), .*--no-header"),
    (
        "a,b\nx,1\ny,-inf\n",
        r"t\.csv, data row 2 \(counted from 1, without the header\), column 'b': the value '-inf' is "
        r"infinite, or too large for a 64-bit number; write a finite number, or leave the cell empty",
    ),
    ("a,b\nx,1e400\n", r"data row 1 .* column 'b': the value '1e400' is infinite"),
]


@pytest.mark.parametrize(("text", "message"), FILE_FAULTS)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_table(write(tmp_path, text))


def test_files_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"there is no file '.*none\.csv'; check the name"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"is a folder; name one file in it"):
        read_table(tmp_path)
    with pytest.raises(DataError, match=r"the suffix '\.xlsx' names no format read here; use \.csv"):
        read_table(write(tmp_path, "a\n1\n", "t.xlsx"))
    with pytest.raises(DataError, match=r"t\.csv\.gz is a damaged or cut gzip file"):
        read_table(write(tmp_path, gzip.compress(b"a,b\n1,2\n" * 99)[:-12], "t.csv.gz"))
    with pytest.raises(DataError, match=r"t\.parquet is not a readable Parquet file .*; write it anew"):
        read_table(write(tmp_path, "a,b\n1,2\n", "t.parquet"))
    with pytest.raises(DataError, match=r"cannot be read \(.*\); check the file"):
        read_table("null\0byte.csv")

    def forbidden(self: Path) -> bytes:
        raise PermissionError

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    with pytest.raises(DataError, match=r"may not be read; ask for the permission"):
        read_table(tmp_path / "t.csv")


FRAME_FAULTS = [
    (np.zeros((2, 2)), r"a ndarray cannot be read as a table .*; give a path, or a pandas or polars"),
    (pl.LazyFrame({"a": [1]}), r"a LazyFrame cannot be read as a table .*; collect it first"),
    (
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        r"the DataFrame repeats a column name .*'a' 2 times.*; rename all but one",
    ),
    (pa.table([[1], [2]], names=["a", "a"]), r"the DataFrame repeats a column name .*'a'.*; rename"),
    (pd.DataFrame({1: [1], "1": [2]}), r"names the column '1' 2 times; give every column its own name"),
    (pl.DataFrame({" ": [1]}), r"has a column with a blank name"),
    (pl.DataFrame(), r"the DataFrame has no columns"),
    (pl.DataFrame({"a": [1.0]}).clear(), r"the DataFrame has a header and no rows"),
    (pl.DataFrame({"a": [None]}), r"no usable rows"),
    (
        pl.DataFrame({"a": [1.0, np.inf]}),
        r"the DataFrame, data row 2 .* column 'a': the value 'inf' is infinite",
    ),
    (pl.DataFrame({"a": [[1], [2]]}), r"column 'a': cells of type List\(Int64\) are not numbers"),
    (pd.DataFrame({"a": pd.Series([10**400, 1], dtype=object)}), r"data row 1 .* 'inf' is infinite"),
    (pd.DataFrame({"a": pd.Series(["x", {}], dtype=object)}), r"data row 2 .* the value '{}' is a dict, not"),
]


@pytest.mark.parametrize(("frame", "message"), FRAME_FAULTS)
def test_a_frame_that_is_no_table_is_refused(frame: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_table(frame)


def test_a_column_that_is_not_there_lists_near_matches(tmp_path: Path) -> None:
    penguins = read_table(penguins_path())
    with pytest.raises(
        DataError, match=r"penguins\.csv has no target column 'Specis'; did you mean 'species'\?"
    ):
        penguins.column("Specis", "target column")
    with pytest.raises(DataError, match=r"has no column 'qqq'; its columns are 'species', 'island'"):
        penguins.column("qqq")


def test_importing_tables_loads_neither_polars_nor_narwhals() -> None:
    code = (
        "import sys, json, clearprop.tables, clearprop.datasets;"
        "print(json.dumps([m for m in ('polars', 'narwhals', 'pandas') if m in sys.modules]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == []
