"""Tables damaged at random are read, or refused with a DataError: no other error, no hang, no full memory."""

import contextlib
import gzip
import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bad_input import CASES, HANDLED, MODEL_TABLE, SETTINGS, SOUND, model_of_cases
from clearprop.errors import ClearpropError, DataError
from clearprop.table_model import TableModel, train_plan
from clearprop.table_model.plan import plan_table
from clearprop.tables import Table, read_table
from damage import damaged, no_blow_up, no_hang

CELLS = [
    *(
        "",
        " ",
        "NA",
        "?",
        "-",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "1e308",
        "-1e308",
        "1e-320",
        "9007199254740993",
    ),
    *(
        "9" * 30,
        "9" * 400,
        "-0",
        "1,5",
        "1.234,5",
        "1,234.5",
        "true",
        "No",
        "2024-02-30",
        "1/2/2024",
        "31.12.99",
    ),
    *("0001-01-01", "9999-12-31T23:59:59", "12:30", "a" * 200, '"', '""', "'", '"a', "\\", "=1+1", "\u2028"),
    *(
        "é",
        "\ufeff",
        "\U0001f600",
        "\x00",
        "\x1a",
        "\x85",
        "x",
        "y",
        "[bold]",
        "\x1b[31m",
        "0x10",
        "1_000",
        "٣",
    ),
]
MARKS = [",", ";", "\t", "|", "\n", "\r\n", "\r", "\n\n", '"', "'"]
TOKENS = [text.encode() for text in (*CELLS, *MARKS)] + [
    b"\xff",
    b"\xfe\xff",
    b"\xff\xfe",
    b"\x1f\x8b",
    b"PK\x03\x04",
]


GOOD = [case.data for *_, case in CASES if case.data and case.outcome == HANDLED] + [MODEL_TABLE]
PLAIN = [data.encode() if isinstance(data, str) else data for data in GOOD]
#: name of the file -> what is damaged; Parquet and Arrow are Polars' to check, and it does not survive all
SEEDS = {
    "t.csv": PLAIN,
    "t.csv.gz": [gzip.compress(SOUND.encode(), mtime=0)],
    "t.jsonl": [pl.read_csv(SOUND.encode()).write_ndjson().encode()],
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return TableModel.load(model_of_cases(tmp_path_factory.mktemp("model")))


def tried(path, data: bytes, model, number: int) -> str:
    """What became of one case: every one is read, some are planned, learnt, and predicted on."""
    path.write_bytes(data)
    with no_hang(data), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        table = allowing(DataError, read_table, path)
        if table is None:
            return "refused"
        assert_sound(table)
        if number % 10 == 0:
            plan = allowing(ClearpropError, plan_table, table, table.names[-1], test=0.2, settings=SETTINGS)
            if plan is not None:
                assert np.isfinite(plan.encoder.transform(plan.training)).all()
                fitted = allowing(ClearpropError, train_plan, plan) if number % 30 == 0 else None
                return "read" if fitted is None else "learnt"
        if number % 10 == 1:
            p = allowing(DataError, model.predict_proba, table)
            assert p is None or np.isfinite(p).all()
    return "read"


def allowing(error: type[Exception], call, *given, **options):
    """What a call gives; None where it raises that error and no other."""
    with contextlib.suppress(error):
        return call(*given, **options)
    return None


def assert_sound(table: Table) -> None:
    assert table.n_rows > 0
    assert len(set(table.names)) == len(table.names)
    for column in table.columns:
        assert len(column.values) == table.n_rows
        if column.kind != "text":
            assert not np.isinf(column.values).any()


def other_cells(generator: np.random.Generator) -> bytes:
    """A table in shape, some of whose cells, or whole columns, are of another kind."""
    width, height = int(generator.integers(1, 6)), int(generator.integers(1, 60))
    columns = []
    for _ in range(width):
        few = [CELLS[k] for k in generator.integers(len(CELLS), size=generator.integers(1, 4))]
        usual = [f"{k % 7}.5" for k in range(3)] if generator.integers(2) else few
        odd = generator.random(height) < generator.choice([0.0, 0.02, 0.3, 1.0])
        columns.append([few[k % len(few)] if odd[k] else usual[k % len(usual)] for k in range(height)])
    mark = MARKS[generator.integers(4)]
    quoted = [
        [f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row] for row in zip(*columns, strict=True)
    ]
    header = mark.join(f"c{k}" for k in range(width))
    return "\n".join([header, *(mark.join(row) for row in quoted)]).encode()


def try_damaged(folder, model, seed: int, cases: int, name: str = "t.csv") -> dict[str, int]:
    """What became of so many cases; half of them are damaged bytes, half other cells in a sound shape."""
    generator, outcomes = np.random.default_rng(seed), dict.fromkeys(("read", "refused", "learnt"), 0)
    with no_blow_up():
        for number in range(cases):
            if name == "t.csv" and number % 2:
                data = other_cells(generator)
            else:
                data = damaged(SEEDS[name][generator.integers(len(SEEDS[name]))], generator, TOKENS)
            outcomes[tried(folder / name, data, model, number)] += 1
    return outcomes


@pytest.mark.parametrize("name", SEEDS)
def test_some_damaged_tables_are_read_or_refused(tmp_path, model, name):
    outcomes = try_damaged(tmp_path, model, seed=0, cases=500, name=name)
    assert outcomes["read"] > 0 < outcomes["refused"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 9))
def test_many_damaged_tables_are_read_or_refused(tmp_path, model, seed):
    outcomes = try_damaged(tmp_path, model, seed, cases=10_000)
    assert min(outcomes.values()) > 0


texts = st.one_of(st.sampled_from(CELLS), st.text(max_size=8), st.floats().map(str), st.integers().map(str))
tables = st.tuples(
    st.sampled_from(MARKS[:4]), st.lists(st.lists(texts, min_size=1, max_size=5), min_size=1, max_size=8)
)


@pytest.mark.slow
@settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(table=tables, number=st.integers(0, 60), encoding=st.sampled_from(["utf-8", "utf-16", "cp1252"]))
def test_drawn_tables_are_read_or_refused(model, tmp_path, table, number, encoding):
    mark, rows = table
    data = "\n".join(mark.join(row) for row in rows).encode(encoding, "replace")
    tried(tmp_path / "t.csv", data, model, number)


@pytest.mark.parametrize(("planted", "word"), [("time.sleep(30)", "more than"), ("1 / 0", "division")])
def test_a_hang_and_another_error_are_found(tmp_path, model, monkeypatch, planted, word):
    monkeypatch.setattr("damage.SECONDS", 0.05)
    monkeypatch.setattr(f"{__name__}.read_table", lambda path: exec(f"import time; {planted}"))
    with pytest.raises((TimeoutError, ZeroDivisionError), match=word):
        tried(tmp_path / "t.csv", b"x,y\n1,2\n", model, 0)
