"""What `Target` promises: classes or numbers by a rule that is said aloud, and the user's own terms back."""

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
from clearprop.tables import Table, Target, read_table


def table_of(tmp_path: Path, *cells: str) -> Table:
    path = tmp_path / "t.csv"
    path.write_text("y,x\n" + "".join(f"{cell},1\n" for cell in cells))
    return read_table(path)


RULE = [
    (["b", "a", "b"], "classes", ("a", "b"), "y: text with 2 distinct values, read as classes"),
    (
        ["Yes", "No", "yes", "Yes"],
        "classes",
        ("No", "Yes"),
        "y: true or false with 2 distinct values, read as classes",
    ),
    (
        ["2", "0", "2.0"],
        "classes",
        (0, 2),
        "y: whole numbers with 2 distinct values, read as classes; --task numbers",
    ),
    (
        ["1", "2.5", "1"],
        "numbers",
        (),
        "y: numbers with 2 distinct values, read as numbers; --task classes changes that",
    ),
    (
        [str(k % 10) for k in range(30)],
        "classes",
        tuple(range(10)),
        "y: whole numbers with 10 distinct values",
    ),
    (
        [str(k % 11) for k in range(30)],
        "numbers",
        (),
        "y: whole numbers with 11 distinct values, read as numbers; --task",
    ),
]


@pytest.mark.parametrize(("cells", "task", "classes", "reason"), RULE)
def test_the_rule(
    tmp_path: Path, cells: list[str], task: str, classes: tuple[object, ...], reason: str
) -> None:
    target = Target.fit(table_of(tmp_path, *cells), ["y"])
    assert (target.task, target.classes) == (task, classes)
    assert target.reason.startswith(reason)
    assert [type(label) for label in target.classes] == [type(label) for label in classes]


def test_the_task_can_be_set(tmp_path: Path) -> None:
    table = table_of(tmp_path, "0", "1", "5")
    numbers = Target.fit(table, "y", task="numbers")
    assert (numbers.task, numbers.reason) == (
        "numbers",
        "y: whole numbers with 3 distinct values, read as numbers, as asked",
    )
    halves = Target.fit(table_of(tmp_path, "0.5", "1", "0.5"), ["y"], task="classes")
    assert halves.classes == (0.5, 1)
    with pytest.raises(DataError, match=r"column 'y': the value 'a' is not a number"):
        Target.fit(table_of(tmp_path, "1", "a"), ["y"], task="numbers")
    unknown: Any = "ranks"
    with pytest.raises(DataError, match=r"the task 'ranks' is not known; use"):
        Target.fit(table, ["y"], task=unknown)


@pytest.mark.parametrize("column", ["species", "sex", "year"])
def test_labels_come_back(column: str) -> None:
    penguins = read_table(penguins_path())
    target = Target.fit(penguins, [column])
    known = penguins.take(target.known_rows(penguins))
    y = target.transform(known)
    assert (y.dtype, y.shape) == (np.int64, (known.n_rows,))
    assert target.inverse(y).tolist() == known.column(column).values.tolist()


def test_booleans_of_a_frame_come_back_as_booleans() -> None:
    table = read_table(pl.DataFrame({"y": [True, False, None]}))
    target = Target.fit(table, ["y"])
    assert target.known_rows(table).tolist() == [True, True, False]
    assert target.inverse(target.transform(table.take([0, 1]))).tolist() == [True, False]
    assert target.inverse([1]).dtype == np.bool_


def test_several_targets_are_numbers_in_their_own_units() -> None:
    penguins = read_table(penguins_path())
    target = Target.fit(penguins, ["body_mass_g", "year"])
    known = penguins.take(target.known_rows(penguins))
    y = target.transform(known)
    own = np.stack([known.column(name).values for name in target.columns], axis=1)
    assert (target.task, known.n_rows) == ("numbers", 342)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-12)
    np.testing.assert_allclose(target.inverse(y), own, rtol=1e-13)
    np.testing.assert_allclose([target.mean, target.std], [own.mean(axis=0), own.std(axis=0)], rtol=1e-13)
    assert target.reason == "body_mass_g, year: several targets, read as numbers"
    with pytest.raises(DataError, match=r"several targets .* but 'sex' holds text; train one model for each"):
        Target.fit(penguins, ["body_mass_g", "sex"])
    with pytest.raises(DataError, match=r"several targets .* but the task 'classes' was asked for"):
        Target.fit(penguins, ["body_mass_g", "year"], task="classes")


def test_one_column_of_numbers_may_be_flat() -> None:
    target = Target.fit(read_table(pl.DataFrame({"y": [0.5, 1.5]})), "y")
    assert target.inverse([1.0, -1.0]).tolist() == [1.5, 0.5]
    assert target.inverse([[1.0], [-1.0]]).tolist() == [[1.5], [0.5]]


NOTHING_TO_LEARN = [
    (
        ["a", "a"],
        None,
        r"t\.csv: the target 'y' is 'a' in every row, so there is nothing to learn; name another",
    ),
    (["3", "3"], None, r"the target 'y' is '3' in every row"),
    (["1.5", "1.5"], None, r"the target 'y' is 1.5 in every row, so there is nothing to learn"),
    (["3", "3"], "numbers", r"the target 'y' is 3 in every row"),
    (["?", ""], None, r"t\.csv: no row has a value of the target 'y'; fill in some"),
    (
        [f"id{k}" for k in range(21)],
        None,
        r"all 21 values of the target 'y' differ, so as classes there is nothing",
    ),
    (
        [str(k) for k in range(21)],
        "classes",
        r"all 21 values .* ask for task numbers, or name another target",
    ),
]


@pytest.mark.parametrize(("cells", "task", "message"), NOTHING_TO_LEARN)
def test_nothing_to_learn_is_refused(tmp_path: Path, cells: list[str], task: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Target.fit(table_of(tmp_path, *cells), ["y"], task=task)


def test_columns_must_be_there_and_named_once(tmp_path: Path) -> None:
    table = table_of(tmp_path, "1", "2")
    with pytest.raises(DataError, match=r"t\.csv has no target column 'Y'; did you mean 'y'\?"):
        Target.fit(table, ["Y"])
    for names in ([], ["y", "y"]):
        with pytest.raises(DataError, match=r"name each of them once, and at least one"):
            Target.fit(table, names)


def test_evaluation_refuses_unseen_classes_and_gaps(tmp_path: Path) -> None:
    words = Target.fit(table_of(tmp_path, "a", "b"), ["y"])
    with pytest.raises(
        DataError,
        match=r"t\.csv, data row 2 .* column 'y': the value 'c' is a class that training did not see; "
        r"the classes are a, b; correct the value",
    ):
        words.transform(table_of(tmp_path, "a", "c"))
    with pytest.raises(DataError, match=r"data row 2 .* the cell of the target is missing; fill it in"):
        words.transform(table_of(tmp_path, "a", "?"))
    counts = Target.fit(table_of(tmp_path, "0", "1"), ["y"])
    with pytest.raises(DataError, match=r"data row 1 .* the value '2' is a class that training did not see"):
        counts.transform(table_of(tmp_path, "2", "0"))
    truths = Target.fit(table_of(tmp_path, "yes", "no"), ["y"])
    assert truths.transform(table_of(tmp_path, "TRUE", "No")).tolist() == [1, 0]
    with pytest.raises(DataError, match=r"the value 'perhaps' is neither true nor false"):
        truths.transform(table_of(tmp_path, "yes", "perhaps"))


@given(st.lists(st.one_of(st.text(max_size=3), st.integers(0, 3), st.floats(-5, 5)), min_size=1, max_size=12))
def test_json_changes_nothing(cells: list[Any]) -> None:
    written = pl.DataFrame({"y": [str(cell) for cell in cells] + ["0", "7"]})
    table = read_table(written)
    target = Target.fit(table, ["y"])
    again = Target.from_dict(json.loads(json.dumps(target.to_dict())))
    assert again == target
    known = table.take(target.known_rows(table))
    assert again.transform(known).tobytes() == target.transform(known).tobytes()
    if target.task == "classes":
        assert again.inverse(again.transform(known)).tolist() == known.column("y").values.tolist()


def test_from_dict_refuses_every_damaged_field() -> None:
    penguins = read_table(penguins_path())
    for columns in (["species"], ["body_mass_g"], ["year"]):
        record = json.loads(json.dumps(Target.fit(penguins, columns).to_dict()))
        assert Target.from_dict(record).to_dict() == record
        for field in record:
            for junk in (None, 1, True, [None], [float("nan")], {}, ["a", "a"]):
                damaged = {**copy.deepcopy(record), field: junk}
                with pytest.raises(DataError, match=r"the target .*; save it again"):
                    Target.from_dict(damaged)
        for junk in (10**400, float("nan"), float("inf")):
            with pytest.raises(DataError, match=r"the target .*; save it again"):
                Target.from_dict({**record, "classes": [0, junk]})
        for damaged in (
            None,
            [],
            {},
            {**record, "kind": "date"},
            {**record, "task": "x"},
            {**record, "columns": []},
        ):
            with pytest.raises(DataError, match=r"the target .*; save it again"):
                Target.from_dict(damaged)
