"""Bad input, case by case: what is given, and whether it is handled or refused, as in docs/bad-input.md.

`python tests/bad_input.py` writes the page anew. tests/tables/test_bad_input.py runs every case through
Python and through the command line, and holds the page against what they say.
"""

import contextlib
import gzip
import json
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from typer.testing import CliRunner

from clearprop.cli import app
from clearprop.errors import ClearpropError
from clearprop.table_model import Settings, TableModel, fit_table
from clearprop.tables import opening, read_table

PAGE = Path(__file__).parents[1] / "docs" / "bad-input.md"
SETTINGS = Settings(hidden=(2,), epochs=1)
TRAIN = ("--hidden", "2", "--epochs", "1", "--out", "m.safetensors")
HANDLED, REFUSED = "handled", "refused"


@dataclass(frozen=True)
class Case:
    """One fault in a table, or between a table and a model.

    `python` is given to `fit_table`, `reading` to `read_table`, and `options` to the command line; they say
    the same. `shown` names a column whose line in the table of columns is what is said.
    """

    what: str
    outcome: str
    data: bytes | str | None
    name: str = "t.csv"
    options: tuple[str, ...] = ()
    python: Mapping[str, Any] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=dict)
    shown: str = ""
    target: tuple[str, ...] = ("y",)


def rows(*changed: str, header: str = "x,c,y", count: int = 40) -> str:
    """A sound table of numbers, colours and two classes; its first rows replaced by those given."""
    sound = [f"{k % 7 + 0.5},{('red', 'blue')[k % 3 > 0]},{('cat', 'dog')[k % 2]}" for k in range(count)]
    return "\n".join([header, *changed, *sound[len(changed) :]]) + "\n"


def with_column(name: str, cell: Any, **more: Any) -> str:
    """The sound table with one more column, whose cells `cell` gives for k = 0, 1, ..."""
    header, *sound = rows(**more).splitlines()
    return "\n".join([f"{header},{name}", *(f"{row},{cell(k)}" for k, row in enumerate(sound))]) + "\n"


SOUND = rows()
BOMB = gzip.compress(bytes(2**22), mtime=0)
FILES = [
    Case("no such file", REFUSED, None),
    Case("a folder", REFUSED, None, name="."),
    Case("no permission to read", REFUSED, SOUND, name="secret.csv"),
    Case("empty file", REFUSED, ""),
    Case("header only", REFUSED, "x,c,y\n"),
    Case("blank lines only", REFUSED, "\n  \n\n"),
    Case("blanks in quotes only", REFUSED, '"\n"'),
    Case("unknown suffix", REFUSED, SOUND, name="t.dat"),
    Case("an Excel workbook named .csv", REFUSED, b"PK\x03\x04\x14\x00\x06\x00workbook"),
    Case("binary data named .csv", REFUSED, bytes(range(256)) * 4),
    Case("a picture named .csv", REFUSED, b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00"),
    Case("a NUL byte", REFUSED, SOUND.replace("blue", "bl\0ue", 1)),
    Case("truncated gzip", REFUSED, gzip.compress(SOUND.encode(), mtime=0)[:-12], name="t.csv.gz"),
    Case("text named .gz", REFUSED, SOUND, name="t.csv.gz"),
    Case("gzip that its name does not say", HANDLED, gzip.compress(SOUND.encode(), mtime=0)),
    Case("gzip that unpacks to a thousand times its size", REFUSED, BOMB, name="t.csv.gz"),
    Case("text named .parquet", REFUSED, SOUND, name="t.parquet"),
    Case("byte order mark", HANDLED, SOUND.encode("utf-8-sig"), shown="x"),
    Case("UTF-16", HANDLED, SOUND.encode("utf-16")),
    Case("UTF-16 without a mark", HANDLED, SOUND.encode("utf-16-le")),
    Case("UTF-16 cut in the middle", REFUSED, SOUND.encode("utf-16")[:-1]),
    Case("Latin-1", HANDLED, SOUND.replace("red", "grün").encode("latin-1")),
    Case(
        "the wrong encoding asked for",
        REFUSED,
        SOUND.replace("red", "grün"),
        options=("--encoding", "ascii"),
        reading={"encoding": "ascii"},
    ),
]
SHAPES = [
    Case("semicolons in a .csv", HANDLED, SOUND.replace(",", ";")),
    Case(
        "the wrong separator asked for",
        REFUSED,
        SOUND,
        options=("--separator", ";"),
        reading={"separator": ";"},
    ),
    Case("decimal commas", HANDLED, SOUND.replace(",", ";").replace(".", ",")),
    Case("row too short", REFUSED, rows("1.5,red")),
    Case("row too long", REFUSED, rows("1,5,red,cat")),
    Case("quote never closed", REFUSED, rows('1.5,"red,cat')),
    Case("quote inside a cell", REFUSED, rows('1.5,"red"ish,cat')),
    Case("column named twice", REFUSED, rows(header="x,x,y")),
    Case("blank column name", REFUSED, rows(header="x,,y")),
    Case("no header, numbers alone", REFUSED, "1,2,0\n3,4,1\n", target=("column_3",)),
    Case("no header, texts too", REFUSED, SOUND.partition("\n")[2]),
    Case("one row", REFUSED, rows(count=1)),
    Case("one row beside the header, cells missing", REFUSED, "x,c,y\n,NA,?\n"),
]
TARGETS = [
    Case("target not there", REFUSED, SOUND, target=("z",)),
    Case("target misspelt", REFUSED, rows(header="x,c,outcome"), target=("outcme",)),
    Case("target named twice", REFUSED, SOUND, target=("y", "y")),
    Case("target excluded, too", HANDLED, SOUND, options=("--exclude", "y"), python={"exclude": ["y"]}),
    Case(
        "a feature that is a copy of the target", HANDLED, with_column("y2", lambda k: ("cat", "dog")[k % 2])
    ),
    Case("rows without a target", HANDLED, rows("1.5,red,", "2.5,blue,NA")),
    Case("no row with a target", REFUSED, SOUND.replace("dog", "").replace("cat", "NA")),
    Case("infinite target", REFUSED, with_column("z", lambda k: "inf" if k == 2 else k + 0.5), target=("z",)),
    Case(
        "text in a target of numbers",
        REFUSED,
        with_column("z", lambda k: "ten" if k == 2 else k + 0.5),
        target=("z",),
        options=("--task", "numbers"),
        python={"task": "numbers"},
    ),
    Case("a single class", REFUSED, SOUND.replace("dog", "cat")),
    Case("a number target that never changes", REFUSED, with_column("z", lambda k: 2.5), target=("z",)),
    Case("a class with one row", HANDLED, rows("1.5,red,bird")),
    Case("every class with one row", REFUSED, "x,y\n1,a\n2,b\n3,c\n"),
    Case("texts that all differ as target", REFUSED, with_column("z", lambda k: f"name {k}"), target=("z",)),
    Case("dates as target", REFUSED, with_column("z", lambda k: f"2024-01-{k % 28 + 1:02}"), target=("z",)),
    Case("text among several targets", REFUSED, SOUND, target=("x", "y")),
    Case(
        "a target of 1e30 among small ones",
        HANDLED,
        with_column("z", lambda k: 1e30 if k == 2 else k + 0.5),
        target=("z",),
    ),
    Case("targets of 1e300", HANDLED, with_column("z", lambda k: f"{k + 0.5}e300"), target=("z",), shown="x"),
]
CELLS = [
    Case("missing cells: NA, ?, -", HANDLED, rows("NA,red,cat", "?,blue,dog", "-,blue,cat"), shown="x"),
    Case("a column without any value", HANDLED, with_column("e", lambda k: "NA")),
    Case("infinite cell", REFUSED, rows("inf,red,cat")),
    Case("a number beyond 64 bits", REFUSED, rows("1e400,red,cat")),
    Case("text in a column of numbers", HANDLED, rows("about 3,red,cat")),
    Case(
        "text in a column asked to be numbers",
        REFUSED,
        rows("about 3,red,cat"),
        options=("--type", "x=number"),
        reading={"types": {"x": "number"}},
    ),
    Case("a constant column", HANDLED, with_column("e", lambda k: 5)),
    Case("a column like an identifier", HANDLED, with_column("client_id", lambda k: 1000 + k)),
    Case("texts that never repeat", HANDLED, with_column("name", lambda k: f"name {k}")),
    Case(
        "more texts than the rows can teach",
        HANDLED,
        with_column("place", lambda k: f"place {k // 2}", count=120),
    ),
    Case("no feature left", REFUSED, "name,y\n" + "".join(f"n{k},{k % 2}\n" for k in range(40))),
    Case("dates", HANDLED, with_column("d", lambda k: f"2024-01-{k % 28 + 1:02}"), shown="d"),
    Case(
        "dates of which the month is not clear",
        HANDLED,
        with_column("d", lambda k: f"{k % 5 + 1}/{k % 7 + 1}/2024"),
    ),
    Case(
        "dates asked for that are none",
        REFUSED,
        SOUND,
        options=("--type", "c=date"),
        reading={"types": {"c": "date"}},
    ),
    Case("whole numbers beyond 2**53", HANDLED, with_column("e", lambda k: 2**53 + 1 + 2 * (k % 4))),
    Case("1e30 among small numbers", HANDLED, rows("1e30,red,cat")),
    Case(
        "a column of numbers near 1e300", HANDLED, with_column("e", lambda k: f"{k % 5 + 1}e300"), shown="e"
    ),
]
MODEL_TABLE = with_column("d", lambda k: f"2024-01-{k % 28 + 1:02}", header="x,c,y")
MODEL_TABLE = (
    "\n".join(
        [
            MODEL_TABLE.splitlines()[0] + ",b",
            *(f"{row},{('true', 'false')[k % 2]}" for k, row in enumerate(MODEL_TABLE.splitlines()[1:])),
        ]
    )
    + "\n"
)


def new(*lines: str, header: str = "x,c,y,d,b") -> str:
    return "\n".join([header, *lines]) + "\n"


GOOD = "1.5,red,cat,2024-01-05,true"
NEW_ROWS = [
    Case("a category that training did not see", HANDLED, new(GOOD, "1.5,green,cat,2024-01-05,true")),
    Case("a missing cell where training had none", HANDLED, new(GOOD, ",red,cat,2024-01-05,true")),
    Case("a column that is missing", REFUSED, new("1.5,cat,2024-01-05,true", header="x,y,d,b")),
    Case("a column that is misspelt", REFUSED, new(GOOD, header="X,c,y,d,b")),
    Case("columns that training did not have", HANDLED, new(GOOD + ",7,8", header="x,c,y,d,b,age,zip")),
    Case("columns in another order", HANDLED, new("cat,true,1.5,2024-01-05,red", header="y,b,x,d,c")),
    Case("no target column", HANDLED, new("1.5,red,2024-01-05,true", header="x,c,d,b")),
    Case("text where training had numbers", REFUSED, new(GOOD, "warm,red,cat,2024-01-05,true")),
    Case("numbers where training had dates", REFUSED, new(GOOD, "1.5,red,cat,7,true")),
    Case("a number where training had true and false", REFUSED, new(GOOD, "1.5,red,cat,2024-01-05,2")),
    Case("numbers where training had text", HANDLED, new(GOOD, "1.5,12,cat,2024-01-05,true")),
    Case("a row too long", REFUSED, new(GOOD, GOOD + ",9")),
    Case("infinite cell", REFUSED, new("inf,red,cat,2024-01-05,true")),
    Case("1e30 where training had small numbers", HANDLED, new(GOOD, "1e30,red,cat,2024-01-05,true")),
    Case("header only", REFUSED, new()),
]
NEW_TARGETS = [
    Case("a class that training did not see", REFUSED, new(GOOD, "1.5,red,bird,2024-01-05,true")),
    Case("no target column", REFUSED, new("1.5,red,2024-01-05,true", header="x,c,d,b")),
    Case("no row with a target", REFUSED, new("1.5,red,,2024-01-05,true")),
    Case("rows without a target", HANDLED, new(GOOD, "1.5,red,NA,2024-01-05,true")),
]
SECTIONS = {
    "Files": ("train", FILES),
    "The shape of a table": ("train", SHAPES),
    "The target": ("train", TARGETS),
    "Cells and columns": ("train", CELLS),
    "Rows to predict on": ("predict", NEW_ROWS),
    "Rows to evaluate on": ("evaluate", NEW_TARGETS),
}
#: what is said in place of nothing, where nothing has to be
SILENT = {
    "columns in another order": "nothing: columns are found by their names",
    "no target column": "nothing: predicting needs none",
}
HEAD = """# Bad input

What a table may hold that it should not, and what then happens. *Refused* is a `DataError` in Python; on the
command line it is one message on standard error and exit code 2, and no file is written. *Handled* is a
`UserWarning` in Python, and a note on the command line; where a line of the table of columns says it
(`clearprop train`, `Encoder.describe`), that line is shown. Rows count from 1, without the header.

Each line is a case of `tests/bad_input.py`, run through Python and the command line; `make bad-input` writes
this page. Files damaged at random, 100,000 in `make slow`, are read or refused in the same manner."""
CASES = [(section, verb, case) for section, (verb, cases) in SECTIONS.items() for case in cases]


def model_of_cases(folder: Path) -> Path:
    """The model that rows to predict on are given to."""
    path = folder / "model.safetensors"
    (folder / "training.csv").write_text(MODEL_TABLE)
    fit_table(folder / "training.csv", "y", settings=SETTINGS).save(path)
    return path


@contextlib.contextmanager
def given(case: Case):
    """A folder to work in that holds the case's file, whose name is all that messages say of it."""
    data = case.data.encode() if isinstance(case.data, str) else case.data
    read = Path.read_bytes

    def guarded(path):
        if path.name == "secret.csv":
            raise PermissionError(13, "Permission denied")
        return read(path)

    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        mock.patch.object(Path, "read_bytes", guarded),
        mock.patch.object(opening, "LEAST_LIMIT", 2**20),
    ):
        if data is not None:
            Path(case.name).write_bytes(data)
        yield


def through_python(case: Case, verb: str, model: Path) -> tuple[str, list[str]]:
    """Outcome, and what is said."""
    with given(case), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            source = read_table(case.name, **case.reading) if case.reading else case.name
            if verb == "train":
                fitted = fit_table(source, case.target, test=0.2, settings=SETTINGS, **case.python)
            elif verb == "predict":
                TableModel.load(model).predict(source)
            else:
                TableModel.load(model).evaluate(source)
        except ClearpropError as error:
            return REFUSED, [str(error)]
    said = [str(warning.message).removeprefix(f"{case.name}: ") for warning in caught]
    if case.shown:
        said += [
            f"{row.column}: {row.encoding}" for row in fitted.encoder.describe() if row.column == case.shown
        ]
    return HANDLED, said


def through_the_command_line(case: Case, verb: str, model: Path) -> tuple[str, list[str]]:
    """Outcome, and what is said; AssertionError where anything else is written."""
    runner = CliRunner()
    with given(case):
        before = sorted(Path().iterdir())
        if verb == "train":
            targets = [part for name in case.target for part in ("--target", name)]
            arguments = ["train", case.name, *targets, *TRAIN, "--json", *case.options]
        else:
            out = ["--out", "o.csv"] if verb == "predict" else []
            arguments = [verb, str(model), case.name, *out, *case.options]
        done = runner.invoke(app, arguments, env={"COLUMNS": "80"})
        assert "Traceback" not in done.output, done.output
        if done.exit_code == 2:
            assert done.stdout == ""
            assert done.stderr.startswith("error: "), done.stderr
            assert done.stderr.count("\n") == 1, done.stderr
            assert sorted(Path().iterdir()) == before
            return REFUSED, [done.stderr.removeprefix("error: ").rstrip("\n")]
        assert done.exit_code == 0, done.output
        if verb != "train":
            notes = [line.removeprefix("note: ") for line in done.stderr.splitlines() if "note: " in line]
            return HANDLED, notes
        plain = json.loads(done.stdout)
    said = plain["notices"]
    said += [f"{row['column']}: {row['encoding']}" for row in plain["columns"] if row["column"] == case.shown]
    return HANDLED, said


def page(model: Path) -> str:
    """The text of docs/bad-input.md."""
    lines = [HEAD]
    for section, (verb, cases) in SECTIONS.items():
        lines += [f"\n## {section}\n", "| what is wrong | what happens | what is said |", "|---|---|---|"]
        for case in cases:
            outcome, said = through_python(case, verb, model)
            words = "<br>".join(said) or SILENT[case.what]
            lines.append(f"| {case.what} | {outcome} | {words.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(page(model_of_cases(Path(folder))), encoding="utf-8")
