"""Whatever a model file says, loading it gives that model or a ModelFileError, and does nothing else."""

import copy
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

import clearprop as cp
from clearprop.errors import ModelFileError
from clearprop.model_file import ModelContents, load, save
from clearprop.model_file.file import MOST_EPOCHS
from clearprop.training.run import HISTORY
from damage import no_hang
from hostile_files import MEMORY, forging, joined, pieces, sound_files

SCRIPT = Path(__file__).with_name("hostile_files.py")


def tried(folder, *arguments, code=""):
    command = [sys.executable, "-c", code] if code else [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


def require_promises(done) -> dict:
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["grown"] < 2 * MEMORY / 2**20
    assert found["outcomes"]["load: refused"] > 0
    return found


def test_some_hostile_files_are_refused_and_touch_nothing(tmp_path):
    found = require_promises(tried(tmp_path, 600, 0))
    for way in ("inspect", "load", "read"):
        assert found["outcomes"][f"{way}: opened"] > 0
        assert found["outcomes"][f"{way}: refused"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_many_hostile_files_are_refused_and_touch_nothing(tmp_path, seed):
    require_promises(tried(tmp_path, 20_000, seed))


@pytest.mark.slow
def test_every_truncation_is_refused(tmp_path):
    outcomes = require_promises(tried(tmp_path, 0))["outcomes"]
    assert not any("opened" in outcome for outcome in outcomes)


@pytest.mark.parametrize(
    ("planted", "word"),
    [
        ("open('/etc/hostname')", "asked for open"),
        ("subprocess.run(['true'])", "asked for subprocess.Popen"),
        ("any(process_time() > end for end in [process_time() + 1.1] for _ in iter(int, 1))", "took 1."),
        ("bytearray(60 * 2**20)", "took 60 MB"),
    ],
)
def test_what_must_not_happen_is_found(tmp_path, planted, word):
    """In a loader that does it before it loads."""
    code = (
        f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); import hostile_files, subprocess\n"
        "from time import process_time\n"
        "real = hostile_files.cp.inspect_file\n"
        f"def broken(path):\n    if sys.argv[-1] == 'armed': {planted}\n    return real(path)\n"
        "hostile_files.cp.inspect_file = broken\n"
        "run = hostile_files.Trial.run\n"
        "hostile_files.Trial.run = lambda *given: (sys.argv.append('armed'), run(*given))\n"
        "hostile_files.main(3, 0)\n"
    )
    done = tried(tmp_path, code=code)
    assert done.returncode != 0
    assert word in done.stderr


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return sound_files(tmp_path_factory.mktemp("sound"))["classes"].read_bytes()


def layers(count: int, formula: str):
    """So many layers, each with a formula of its own where `formula` has a place for a number."""

    def change(plain: dict) -> None:
        layer = plain["specification"]["layers"][0]
        rows = [
            {**layer["activation"], **dict.fromkeys(("formula", "derivative"), formula.replace("N", str(k)))}
            for k in range(count)
        ]
        plain["specification"]["layers"] = [{**layer, "activation": row} for row in rows]

    return change


def tree(depth: int, leaf: str) -> str:
    return leaf if depth == 0 else f"({tree(depth - 1, leaf)}*{tree(depth - 1, leaf)})"


def sets(name: str, make):
    return lambda plain: plain.update({name: make()})


#: what fills the memory, or takes its time, in few bytes
BOMBS = {
    "numbers": sets("history", lambda: {"loss": [k / 7 for k in range(390_000)]}),
    "too many numbers": sets("history", lambda: {"loss": [1] * 2_000_000}),
    "labels": sets("classes", lambda: [str(k) for k in range(390_000)]),
    "a wide label": sets("classes", lambda: ["\U0001f600" + "a" * 8_000_000]),
    "keys": sets("versions", lambda: {str(k): "" for k in range(190_000)}),
    "too many keys": sets("versions", lambda: {str(k): "" for k in range(900_000)}),
    "objects": sets("encoder", lambda: {"columns": [{"a": 1.5} for _ in range(95_000)]}),
    "levels": sets(
        "encoder",
        lambda: {
            "columns": [
                {"kind": "text", "column": "c", "levels": sorted(map(str, range(390_000))), "missing": 0}
            ]
        },
    ),
    "layers": layers(6000, "z"),
    "towers": layers(1900, "z**9**9**9**9"),
    "the same long formula": layers(1900, tree(7, "z")),
    "long formulas": layers(75, tree(7, "(z+N.)")),
    "too many long formulas": layers(1900, tree(7, "(z+N.)")),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_is_made_to_fill_the_memory_does_not(tmp_path, sound, name):
    header, numbers = pieces(sound)
    plain = json.loads(header["__metadata__"]["clearprop"])
    BOMBS[name](plain)
    changed = copy.deepcopy(header)
    changed["__metadata__"]["clearprop"] = json.dumps(plain)
    for extra in range(len(plain["specification"]["layers"])):
        changed[f"T.{extra}"] = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    data = joined(changed, numbers)
    (tmp_path / "bomb").write_bytes(data)
    for call in (cp.inspect_file, cp.TableModel.load):
        tracemalloc.start()
        try:
            with no_hang(name), forging(), pytest.raises(ModelFileError):
                call(tmp_path / "bomb")
            assert tracemalloc.get_traced_memory()[1] <= 2 * len(data) + MEMORY
        finally:
            tracemalloc.stop()


def test_a_history_of_very_many_epochs_is_thinned_and_loads(tmp_path):
    theta = cp.Network(1, [cp.Dense(1)]).initialize(seed=0)
    epochs = 5 * MOST_EPOCHS + 3
    save(tmp_path / "m", ModelContents(theta, history={name: list(range(1, epochs + 1)) for name in HISTORY}))
    kept = load(tmp_path / "m").history
    assert {len(values) for values in kept.values()} == {len(kept["epoch"])}
    assert MOST_EPOCHS / 2 < len(kept["epoch"]) <= MOST_EPOCHS
    assert kept["epoch"][-1] == epochs
    few = {name: [1.0, 2.0, 3.0] for name in HISTORY}
    save(tmp_path / "m", ModelContents(theta, history=few))
    assert load(tmp_path / "m").history == few


def test_a_description_too_long_to_be_read_is_not_written(tmp_path):
    theta = cp.Network(1, [cp.Dense(1)]).initialize(seed=0)
    with pytest.raises(ModelFileError, match="is more than a model file holds"):
        save(tmp_path / "m", ModelContents(theta, encoder={"levels": [""] * 500_000}))
    assert not list(tmp_path.iterdir())


def test_the_largest_seed_is_kept(tmp_path):
    run = {"epochs": 1, "engine": "textbook", "progress": False}
    model = cp.train(cp.Network(1, [cp.Dense(1)]), [[1.0], [2.0]], [1.0, 2.0], seed=2**64 - 1, **run)
    model.save(tmp_path / "m")
    assert cp.load(tmp_path / "m").record.seed == 2**64 - 1
