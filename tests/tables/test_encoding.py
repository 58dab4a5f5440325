"""What `Encoder` promises: frozen at fit, the same numbers after JSON, errors that name the cell."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearprop.datasets import penguins_path
from clearprop.errors import DataError
from clearprop.tables import Encoder, read_table
from clearprop.tables.averages import mean_and_std


def frame(**columns: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(columns, strict=False)


def test_numbers_are_imputed_flagged_and_standardised() -> None:
    table = read_table(frame(x=[1.0, None, 3.0, 8.0]))
    encoder = Encoder.fit(table)
    filled = np.array([1.0, 3.0, 3.0, 8.0])  # the median of 1, 3, 8
    assert encoder.feature_names == ("x", "x missing")
    expected = np.stack([(filled - filled.mean()) / filled.std(), [0, 1, 0, 0]], axis=1)
    np.testing.assert_allclose(encoder.transform(table), expected, rtol=1e-15)
    assert encoder.transform(table).dtype == np.float64


def test_a_gap_where_training_had_none_takes_the_median() -> None:
    encoder = Encoder.fit(read_table(frame(x=[1.0, 2.0, 9.0], s=["a", "b", "a"], t=[True, True, False])))
    gap = encoder.transform(read_table(frame(x=[None, 2.0], s=[None, "zzz"], t=[None, True])))
    assert encoder.feature_names == ("x", "s=a", "s=b", "s=other", "t")
    np.testing.assert_array_equal(gap[0], gap[1])
    assert gap[0, 1:].tolist() == [0, 0, 1, 1]


def test_booleans_and_texts_with_gaps() -> None:
    table = read_table(frame(ok=[True, None, False, False], s=["b", "a", None, "a"]))
    encoder = Encoder.fit(table)
    assert encoder.feature_names == ("ok", "ok missing", "s=a", "s=b", "s=other", "s missing")
    expected = [[1, 0, 0, 1, 0, 0], [0, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 1], [0, 0, 1, 0, 0, 0]]
    assert encoder.transform(table).tolist() == expected


def test_a_constant_number_is_zeros_and_said() -> None:
    table = read_table(frame(c=[0.1, 0.1, 0.1], x=[1, 2, 3]))
    encoder = Encoder.fit(table)
    assert encoder.transform(read_table(frame(c=[5.0], x=[2]))).tolist() == [[0.0, 0.0]]
    assert encoder.describe()[0] == ("c", "number", "constant 0.1, encoded as zeros", 0)


def test_what_is_left_out_and_why() -> None:
    n = 400
    table = read_table(
        frame(
            id=[f"row{k}" for k in range(n)],
            many=[f"level{k % 60}" for k in range(n)],
            empty=[None] * n,
            fifty=[f"level{k % 50}" for k in range(n)],
            x=list(range(n)),
        )
    )
    encoder = Encoder.fit(table)
    assert encoder.column_names == ("fifty", "x")
    said = [row.encoding for row in encoder.describe()]
    assert said[0] == "left out: all 400 texts differ, as in an identifier, and say nothing about a new row"
    assert said[1] == "left out: 60 different texts are more than the 50 that 400 rows can teach"
    assert said[2] == "left out: every cell is missing in the training rows"
    assert encoder.transform(read_table(frame(fifty=["level1"], x=[3]))).shape == (1, 52)
    few = Encoder.fit(read_table(frame(name=[f"n{k}" for k in range(20)])))
    assert len(few.feature_names) == 21


def test_describe_penguins() -> None:
    encoder = Encoder.fit(read_table(penguins_path()), target="species")
    said = {row.column: (row.kind, row.encoding, row.missing) for row in encoder.describe()}
    assert said["sex"] == ("text", "one-hot: 2 levels (female, male), other, missing", 11)
    kind, encoding, missing = said["body_mass_g"]
    assert (kind, missing) == ("number", 2)
    assert encoding.startswith("standardised (mean 4200.87,")
    assert encoding.endswith("; gaps flagged, filled with the median 4050")


def test_a_level_called_other_keeps_its_own_slot() -> None:
    encoder = Encoder.fit(read_table(frame(s=["other", "x"])))
    assert encoder.feature_names == ("s=other", "s=x", "s=other (unseen)")
    assert encoder.transform(read_table(frame(s=["new", "other"]))).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_columns_are_read_as_in_training_whatever_the_new_file_looks_like(tmp_path: Path) -> None:
    trained = tmp_path / "trained.csv"
    trained.write_text("code,price,sure\n1,2.5,yes\n02,3,no\nA,4,yes\n")
    encoder = Encoder.fit(read_table(trained))
    new = tmp_path / "new.csv"
    new.write_text("sure,price,extra,code\n1,3,x,02\n")
    expected = encoder.transform(read_table(trained))[1].copy()
    expected[encoder.feature_names.index("sure")] = 1
    np.testing.assert_array_equal(encoder.transform(read_table(new))[0], expected)
    typed = read_table(frame(code=[1], price=["3"], sure=[True]))
    assert encoder.transform(typed)[0, encoder.feature_names.index("code=1")] == 1


BAD_CELLS = [
    (
        "x,t,s\n1,yes,a\nforty,no,b\n",
        r"new\.csv, data row 2 .* column 'x': the value 'forty' is not a number; write",
    ),
    ("x,t,s\nyes,yes,a\n", r"data row 1 .* column 'x': the value 'yes' is not a number"),
    (
        "x,t,s\n1,2,a\n",
        r"data row 1 .* column 't': the value '2' is neither true nor false; write true or false",
    ),
    ("x,t,s\n1,yes,a\n1,maybe,a\n", r"data row 2 .* column 't': the value 'maybe' is neither"),
    ("x,t,s\nword,yes,a\n1e999,yes,a\n", r"'word' is not a number"),
    ("X,t,s\n1,yes,a\n", r"new\.csv has no column 'x', which the model was trained with; did you mean 'X'\?"),
    (
        "t,s\nyes,a\n",
        r"new\.csv has no column 'x', which the model was trained with; its columns are 't', 's'",
    ),
]


@pytest.mark.parametrize(("text", "message"), BAD_CELLS)
def test_what_cannot_be_encoded_is_refused(tmp_path: Path, text: str, message: str) -> None:
    encoder = Encoder.fit(read_table(frame(x=[1.0, 2.0], t=[True, False], s=["a", "b"])))
    (tmp_path / "new.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        encoder.transform(read_table(tmp_path / "new.csv"))


def test_an_infinite_number_in_a_text_column_is_refused_when_a_number_is_wanted() -> None:
    encoder = Encoder.fit(read_table(frame(x=[1.0, 2.0])))
    with pytest.raises(DataError, match=r"data row 2 .* the value '1e999' is infinite"):
        encoder.transform(read_table(frame(x=["1", "1e999"])))


def test_fit_refuses_what_gives_no_features() -> None:
    table = read_table(frame(x=[1, 2], y=[1, 2], e=[None, None]))
    with pytest.raises(DataError, match=r"no usable feature column \('e' is left out: every cell is missing"):
        Encoder.fit(table, target=["y"], exclude=["x"])
    with pytest.raises(DataError, match=r"no target column 'z'"):
        Encoder.fit(table, target="z")
    with pytest.raises(DataError, match=r"no column to exclude 'xx'; did you mean 'x'\?"):
        Encoder.fit(table, exclude=["xx"])
    with pytest.raises(DataError, match=r"no rows to learn from"):
        Encoder.fit(table.take([]))


def test_no_rows_encode_to_no_rows() -> None:
    table = read_table(penguins_path())
    assert Encoder.fit(table).transform(table.take([])).shape == (0, len(Encoder.fit(table).feature_names))


def test_numbers_at_the_edge_of_float64_stay_finite() -> None:
    big = 1.7e308
    table = read_table(frame(x=[big, -big, big, big], y=[5e-324, 0.0, 0.0, 0.0]))
    encoder = Encoder.fit(table)
    assert np.isfinite(encoder.transform(table)).all()
    np.testing.assert_allclose(encoder.transform(table)[:, 0], [3**-0.5, -(3**0.5), 3**-0.5, 3**-0.5])


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=20))
def test_mean_and_std_are_numpys(values: list[float]) -> None:
    x = np.array(values)
    mean, std = mean_and_std(x)
    np.testing.assert_allclose(
        [mean, std], [x.mean(), x.std()], rtol=1e-9, atol=1e-9 * np.abs(x).max() + 1e-100
    )


cells = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))
texts = st.one_of(st.none(), st.text(max_size=4))
tables = st.integers(2, 8).flatmap(
    lambda m: st.fixed_dictionaries(
        {
            "x": st.lists(cells, min_size=m, max_size=m),
            "y": st.lists(st.floats(-1e300, 1e300), min_size=m, max_size=m),
            "t": st.lists(st.one_of(st.none(), st.booleans()), min_size=m, max_size=m),
            "s": st.lists(texts, min_size=m, max_size=m),
        }
    )
)


@given(tables, st.permutations(["x", "y", "t", "s"]))
def test_json_and_the_order_of_columns_change_no_bit(columns: dict[str, list[Any]], order: list[str]) -> None:
    types = {"x": pl.Float64, "y": pl.Float64, "t": pl.Boolean, "s": pl.String}
    table = read_table(pl.DataFrame(columns, schema=types))
    encoder = Encoder.fit(table)
    X = encoder.transform(table)
    assert np.isfinite(X).all()
    again = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    shuffled = read_table(pl.DataFrame(columns, schema=types).select(order))
    assert again == encoder
    assert again.transform(shuffled).tobytes() == X.tobytes()


def test_from_dict_refuses_every_damaged_field() -> None:
    table = read_table(frame(x=[1.0, None], t=[True, None], s=["a", None], e=[None, None]))
    record = json.loads(json.dumps(Encoder.fit(table).to_dict()))
    assert Encoder.from_dict(record) == Encoder.fit(table)
    for junk in (
        None,
        [],
        "x",
        {},
        {"columns": None},
        {"columns": []},
        {"columns": [1]},
        {**record, "more": 1},
    ):
        with pytest.raises(DataError, match=r"encoder .*; save it again"):
            Encoder.from_dict(junk)
    with pytest.raises(DataError, match=r"names a column twice"):
        Encoder.from_dict({"columns": record["columns"][:1] * 2})
    for place, row in enumerate(record["columns"]):
        for field in row:
            for junk in (None, [], {}, [1], {"a": 1}, float("nan"), float("inf"), 10**400):
                with pytest.raises(DataError, match="encoder"):
                    Encoder.from_dict(damaged(record, place, field, junk))
            lacking = copy.deepcopy(record)
            del lacking["columns"][place][field]
            with pytest.raises(DataError, match="encoder"):
                Encoder.from_dict(lacking)
    for place, field, junk in (
        (0, "std", -1.0),
        (0, "missing", -1),
        (0, "missing", True),
        (0, "median", True),
        (1, "usual", 1),
        (2, "levels", ["b", "a"]),
        (2, "levels", ["a", "a"]),
        (3, "column_kind", "picture"),
    ):
        with pytest.raises(DataError, match=repr(field)):
            Encoder.from_dict(damaged(record, place, field, junk))


def damaged(record: dict[str, Any], place: int, field: str, junk: object) -> dict[str, Any]:
    damaged = copy.deepcopy(record)
    damaged["columns"][place][field] = junk
    return damaged
