"""Hostile model files: damaged bytes and changed descriptions, loaded in a process that may do nothing else.

`python tests/hostile_files.py 1000000` tries a million; tests/test_hostile_files.py fewer. Each case is one
of the sound files with a few faults, in its bytes or in its JSON, opened in every way there is; mostly every
digest is taken for right, so that the checks before it stand alone. An audit hook ends the process if another
file is opened, or a network, a process or code is asked for. With 0 cases, every truncation is tried.
"""

import copy
import json
import random
import resource
import struct
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import clearprop as cp
from clearprop.errors import ClearpropError, ModelFileError
from clearprop.formulas import language
from clearprop.model_file import file as model_file
from clearprop.table_model.plan import features
from clearprop.tables import read_table
from clearprop.training import checkpoint as checkpoints
from damage import damaged

SECONDS = 1.0  #: of the CPU, for one file
MEMORY = 50 * 2**20  #: bytes, beside twice the file
EVERY = 7  #: files opened, of which one's memory is traced, which is slow
TOKENS = [
    b"0",
    b"-1",
    b"1e999",
    b"null",
    b"[]",
    b"{}",
    b'"',
    b"\\",
    b"true",
    b"9" * 30,
    b"\x00",
    b"\xff",
    b"NaN",
]
FORBIDDEN = (
    "socket",
    "subprocess",
    "os.",
    "shutil",
    "ctypes",
    "pty",
    "winreg",
    "ftplib",
    "urllib",
    "exec",
    "import",
)
VALUES: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        1.5,
        1e308,
        -1e308,
        5e-324,
        2**53 + 1,
        10**19,
        10**17,
        "",
        "x",
        "W.1",
        "z",
        "a",
    ),
    *(
        "1/0",
        "z**z**z**z",
        "__import__('os')",
        "x" * 5000,
        "\ud800",
        "\x00",
        "\U0001f600",
        "é",
        "nan",
        "ymd",
        "silu",
    ),
    *(
        [],
        {},
        [[]],
        [0],
        [None],
        [1e308],
        ["x"],
        {"x": 1},
        {"": []},
        [1, 2, 3],
        [True, False],
        "sigmoid(z)",
        "9" * 400,
    ),
]


def sound_files(folder: Path) -> dict[str, Path]:
    """Models of a table, a network with rows of its own, and a checkpoint, with all that they may hold."""
    table = read_table(table_frame())
    options: dict[str, Any] = {"settings": cp.Settings(hidden=(3,), epochs=2), "test": 0.2, "certify": True}
    with warnings.catch_warnings():  # a column is left out
        warnings.simplefilter("ignore", UserWarning)
        cp.fit_table(table, "y", **options).save(folder / "classes")
        cp.fit_table(table, "n", **options).save(folder / "numbers")
    swish = cp.Activation("swish", "z * sigmoid(beta * z)", beta=1.5)
    cubed = cp.Loss("cubed", "abs(a - y)**3", slope="3 * (a - y) * abs(a - y)", kinks=("a - y",))
    network = cp.Network(
        2, [cp.Dense(3, swish, dropout=0.1), cp.Dense(2, "identity", bias=False)], loss=cubed
    )
    X = np.random.default_rng(0).normal(size=(20, 2))
    run = {"engine": "textbook", "epochs": 4, "validation": 0.2, "progress": False}
    plateaus = cp.ReduceOnPlateau(0.01, patience=1.0)
    model = cp.train(network, X, X, optimizer=cp.Adam(plateaus), snapshots=2, certify=True, **run)
    model.save(folder / "network")
    cp.train(network, X, X, optimizer=cp.Adam(plateaus), checkpoint=folder / "kept", **run)
    return {
        **{name: folder / name for name in ("classes", "numbers", "network")},
        "checkpoint": folder / "kept" / checkpoints.NAME,
    }


def table_frame() -> pl.DataFrame:
    """Columns of every kind, with gaps, and one that is left out."""
    k = np.arange(60)
    return pl.DataFrame(
        {
            "x": [None if i % 9 == 0 else i % 7 + 0.5 for i in k],
            "n": [float(i % 11) + 0.25 for i in k],
            "c": [None if i % 13 == 0 else ("red", "é", "blue")[i % 3] for i in k],
            "b": [bool(i % 2) for i in k],
            "d": [f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}" for i in k],
            "row_id": k,
            "y": [("cat", "dog", "eel")[i % 3] for i in k],
        }
    ).with_columns(pl.col("d").str.to_date())


def pieces(raw: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and numbers of a safetensors file."""
    (length,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def joined(header: Any, numbers: bytes) -> bytes:
    """The file again."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + numbers


def changed(raw: bytes, draw: random.Random) -> bytes:
    """The file with one to four changes of its header or of the description in it."""
    header, numbers = pieces(raw)
    kind = "clearprop" if "clearprop" in header["__metadata__"] else "checkpoint"
    plain = json.loads(header["__metadata__"][kind])
    outer = draw.random() < 0.2
    whole = header if outer else plain
    for _ in range(draw.randint(1, 4)):
        change(whole, draw)
    if not outer:
        header["__metadata__"][kind] = json.dumps(plain)
    return joined(header, numbers)


def change(whole: Any, draw: random.Random) -> None:
    """Change one place of a tree of JSON."""
    parents = [node for node in walk(whole) if node]
    if not parents:
        return
    parent = draw.choice(parents)
    keys = list(parent) if isinstance(parent, dict) else range(len(parent))
    key = draw.choice(keys)
    match draw.randrange(8):
        case 0:
            del parent[key]
        case 1:
            parent[key] = copy.deepcopy(draw.choice(parents))
        case 2 if isinstance(parent, list):
            parent.extend(parent[: draw.randint(1, 50)])
        case 2:
            parent[draw.choice(["", "x", "format", "missing", "name"])] = parent.pop(key)
        case 3 if isinstance(parent[key], int | float) and not isinstance(parent[key], bool):
            parent[key] *= draw.choice([-1, 0, 2, 0.5, 1e300])
        case 3 if isinstance(parent[key], str):
            parent[key] = damaged(
                parent[key].encode("utf-8", "replace"), np.random.default_rng(draw.getrandbits(32)), TOKENS
            ).decode("latin-1")
        case _:
            parent[key] = copy.deepcopy(draw.choice(VALUES))


def walk(node: Any) -> list[Any]:
    """Every list and object of a tree."""
    found = [node] if isinstance(node, dict | list) else []
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        found += walk(child)
    return found


class Trial:
    """Opens files in every way, and holds each to what is promised."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "case"
        self.files = {name: path.read_bytes() for name, path in sound_files(folder).items()}
        self.outcomes: Counter[str] = Counter()
        self.opened, self.slowest, self.largest = 0, 0.0, 0.0
        self.table = read_table(table_frame())
        whole = self.path.with_name("kept") / checkpoints.NAME
        self.checkpoint = checkpoints.Checkpoints(
            self.path.parent, cp.inspect_file(whole).network, *settings_of(whole)
        )
        self.guarded = False
        sys.addaudithook(self._guard)

    def _guard(self, event: str, given: tuple[Any, ...]) -> None:
        """Run by Python before whatever could reach out of the process; it cannot be taken away again."""
        if not self.guarded:
            return
        allowed = event == "open" and str(given[0]) in (
            str(self.path),
            str(self.path.parent / checkpoints.NAME),
        )
        if event.startswith(FORBIDDEN) or (event == "open" and not allowed):
            self.guarded = False
            raise SystemExit(f"loading {self.path} asked for {event} {given!r}")

    def ways(self, name: str) -> dict[str, Any]:
        """How such a file may be opened."""
        if name == "checkpoint":
            return {"inspect": cp.inspect_file, "read": lambda path: self.checkpoint.read()}
        if name == "network":
            return {"inspect": cp.inspect_file, "load": cp.load}
        return {"inspect": cp.inspect_file, "load": self.encode}

    def encode(self, path: Path) -> None:
        """Load a table's model, and use what was loaded."""
        model = cp.TableModel.load(path)
        self.guarded = False
        try:
            assert np.isfinite(features(model.encoder, self.table)).all()
            self.outcomes["opened, and encodes a table"] += 1
        except ClearpropError:
            self.outcomes["opened, and refuses a table"] += 1

    def open(self, name: str, data: bytes) -> None:
        """Open a case in every way; only what is promised may come of it."""
        self.path.write_bytes(data)
        (self.path.parent / checkpoints.NAME).write_bytes(data)
        for way, call in self.ways(name).items():
            traced = self.opened % EVERY == 0
            self.opened += 1
            if traced:
                tracemalloc.start()
            began, self.guarded = time.process_time(), True
            try:
                call(self.path)
                self.outcomes[f"{way}: opened"] += 1
            except ModelFileError:
                self.outcomes[f"{way}: refused"] += 1
            except cp.SpecificationError:
                assert name == "checkpoint"
                self.outcomes["read: of another run"] += 1
            finally:
                self.guarded = False
            seconds, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert seconds <= SECONDS, f"{way} took {seconds:.2f} s"
            assert peak <= MEMORY + 2 * len(data), f"{way} took {peak / 2**20:.0f} MB for {len(data)} bytes"
            self.slowest, self.largest = max(self.slowest, seconds), max(self.largest, peak / 2**20)

    def run(self, cases: int, seed: int) -> None:
        """Try so many cases; a third are damaged bytes, two thirds changed descriptions."""
        draw, generator = random.Random(seed), np.random.default_rng(seed)
        for number in range(cases):
            if number % 500 == 0:  # formulas that were parsed are kept, some thousands of them
                language._parsed.cache_clear(), language.names.cache_clear()
            name = draw.choice(list(self.files))
            raw = self.files[name]
            data = damaged(raw, generator, TOKENS) if number % 3 == 0 else changed(raw, draw)
            forged = draw.random() < 0.8
            with forging() if forged else warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.filterwarnings("ignore", category=UserWarning)
                try:
                    self.open(name, data)
                except BaseException:
                    Path("hostile.case").write_bytes(data)
                    print(f"case {number} of seed {seed}, of {name!r}, kept in hostile.case", file=sys.stderr)
                    raise

    def truncate(self) -> int:
        """Try every truncation of every file; how many there are."""
        for name, raw in self.files.items():
            for length in range(len(raw)):
                self.open(name, raw[:length])
        return sum(map(len, self.files.values()))


def settings_of(path: Path) -> tuple[Any, Any]:
    """Settings and machine of a checkpoint, so that it is one of the same run."""
    plain = json.loads(pieces(path.read_bytes())[0]["__metadata__"]["checkpoint"])
    return plain["settings"], plain["machine"]


class forging(warnings.catch_warnings):  # noqa: N801 - a context
    """Within it, every digest is right."""

    def __enter__(self):
        self.real = model_file._digest, checkpoints._digest
        model_file._digest = checkpoints._digest = lambda *given: Anything()
        return super().__enter__()

    def __exit__(self, *given):
        model_file._digest, checkpoints._digest = self.real
        return super().__exit__(*given)


class Anything(str):
    """Equal to every text."""

    __hash__ = str.__hash__

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False


def main(cases: int, seed: int) -> None:
    """Try so many cases, and write what became of them as one JSON object."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder))
        for name, data in trial.files.items():
            trial.open(name, data)  # also imports whatever loading needs
        assert not any("refused" in outcome for outcome in trial.outcomes), trial.outcomes
        trial.outcomes.clear()
        trial.opened = 0
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if cases:
            trial.run(cases, seed)
        else:
            cases = trial.truncate()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    summary = {"cases": cases, "outcomes": trial.outcomes, "slowest": trial.slowest, "largest": trial.largest}
    print(json.dumps({**summary, "grown": grown}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
