"""Model files keep every bit, are written whole or not at all, and never load as anything but themselves."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import struct

import numpy as np
import pytest

from clearprop.durable import write_durably
from clearprop.errors import ModelFileError
from clearprop.formulas.activations import Activation, activations
from clearprop.formulas.losses import Loss, losses
from clearprop.model_file import ModelContents, load, save
from clearprop.model_file import file as model_file
from clearprop.model_file import header as model_header
from clearprop.specification import Dense, Network, Parameters
from clearprop.training import train

SNAKE = Activation("snake", "z + sin(alpha*z)**2 / alpha", derivative="1 + sin(2*alpha*z)", alpha=1.5)
OWN_LOSS = Loss("cubed", "abs(a - y)**3", slope="3 * (a - y) * abs(a - y)", kinks=("a - y",))


def contents(dtype="float64") -> ModelContents:
    network = Network(3, [Dense(4, SNAKE, dropout=0.1), Dense(2, bias=False)], loss=OWN_LOSS, l1=0.1)
    X = np.random.default_rng(0).normal(size=(20, 3))
    run = train(
        network, X, X[:, :2], epochs=2, engine="textbook", progress=False, validation=0.2, dtype=dtype
    )
    return ModelContents(
        run.theta,
        classes=("a", 1, 2.5, True),
        history=run.history,
        record=run.record,
        encoder={"columns": [{"name": "x", "mean": 0.5, "levels": ["é", "\u2028"]}]},
        target={"task": "numbers"},
    )


@pytest.fixture
def path(tmp_path):
    save(tmp_path / "m.safetensors", contents())
    return tmp_path / "m.safetensors"


def pieces(path) -> tuple[dict, bytes]:
    """Header and numbers of a file."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def write(path, header: object, numbers: bytes) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + numbers)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_everything_survives(tmp_path, dtype):
    given = contents(dtype)
    given.theta.flat[:3] = [np.finfo(dtype).tiny / 4, -0.0, np.finfo(dtype).max]
    save(tmp_path / "m", given)
    found = load(tmp_path / "m")
    assert found.theta.flat.tobytes() == given.theta.flat.tobytes()
    assert found.theta.dtype == np.dtype(dtype)
    assert found.theta.network == given.theta.network
    assert found.classes == given.classes
    assert [type(label) for label in found.classes] == [str, int, float, bool]
    assert found.history == given.history
    assert found.encoder == given.encoder
    assert found.target == given.target
    assert found.record is not None
    assert found.record.to_dict() == given.record.to_dict()
    assert dict(found.versions) == dict(given.versions)
    found.theta.flat[:] = 0  # writable


@pytest.mark.parametrize("row", activations.values(), ids=lambda row: row.name)
def test_every_activation_is_saved(tmp_path, row):
    theta = Network(3, [Dense(2, row), Dense(2)]).initialize(seed=0)
    save(tmp_path / "m", ModelContents(theta))
    assert load(tmp_path / "m").theta.network == theta.network


@pytest.mark.parametrize("row", losses.values(), ids=lambda row: row.name)
def test_every_loss_is_saved(tmp_path, row):
    theta = Network(3, [Dense(2, row.link)], loss=row).initialize(seed=0)
    save(tmp_path / "m", ModelContents(theta))
    assert load(tmp_path / "m").theta.network == theta.network


def test_other_safetensors_readers_find_the_tensors(path):
    from safetensors.numpy import load_file

    tensors = load_file(path)
    assert {name: array.shape for name, array in tensors.items()} == {
        "W.1": (4, 3),
        "b.1": (4,),
        "W.2": (2, 4),
    }


def test_rows_of_ones_own_replace_the_files(path):
    own = Activation("snake", "z + sin(alpha*z)**2 / (1 * alpha)", derivative="1 + sin(2*alpha*z)", alpha=9.0)
    row = load(path, rows=[own]).theta.network.layers[0].activation
    assert row.formula == own.formula
    assert row["alpha"] == 1.5


def test_what_json_has_no_word_for_is_nothing_in_the_history(tmp_path):
    theta = Network(1, [Dense(1)]).initialize()
    save(tmp_path / "m", ModelContents(theta, history={"loss": [1.0, float("inf"), None]}))
    assert load(tmp_path / "m").history == {"loss": [1.0, None, None]}


# Writing


def test_a_failed_write_leaves_the_old_file_and_nothing_else(path, monkeypatch):
    before = path.read_bytes()
    for call in ("open", "write", "fsync", "replace"):
        with monkeypatch.context() as patch:

            def fail(*given):
                raise OSError(28, "No space left on device")

            patch.setattr(os, call, fail)
            with pytest.raises(ModelFileError, match="No space left on device"):
                save(path, contents("float32"))
        assert path.read_bytes() == before
        assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write_durably(tmp_path / "nowhere" / "m", b"")
    assert caught.value.filename == str(tmp_path / "nowhere" / "m")
    with pytest.raises(ModelFileError, match=r"nowhere.m: cannot be written .*choose a folder that exists"):
        save(tmp_path / "nowhere" / "m", contents())


def test_the_file_is_as_readable_as_any_other(path):
    (path.parent / "plain").write_bytes(b"")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((path.parent / "plain").stat().st_mode)


def test_what_is_not_plain_data_is_not_written(tmp_path):
    theta = Network(1, [Dense(1)]).initialize()
    for odd in (object(), float("nan"), {1, 2}):
        with pytest.raises(ModelFileError, match="not plain data"):
            save(tmp_path / "m", ModelContents(theta, encoder={"odd": odd}))
    with pytest.raises(ModelFileError, match="float32 or float64"):
        save(tmp_path / "m", ModelContents(Parameters(theta.network, theta.flat.astype(complex))))
    assert not list(tmp_path.iterdir())


# Reading what is not a model


def test_a_missing_file_a_folder_and_a_foreign_file_are_told_apart(tmp_path):
    from safetensors.numpy import save_file

    save_file({"W.1": np.ones((1, 1))}, tmp_path / "foreign")
    (tmp_path / "text").write_text("W,b\n1,2\n")
    (tmp_path / "empty").touch()
    for name, word in [
        ("nowhere", "no such file"),
        ("", "it is a folder; name a model file"),
        ("foreign", "without a clearprop model"),
        ("text", "does not begin like a model file"),
        ("empty", "its 0 bytes"),
    ]:
        with pytest.raises(ModelFileError, match=word) as caught:
            load(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
    with pytest.raises(ModelFileError, match="is not a path"):
        load("a\0b")


def test_a_newer_format_asks_for_an_upgrade(path):
    header, numbers = pieces(path)
    plain = json.loads(header["__metadata__"]["clearprop"])
    header["__metadata__"]["clearprop"] = json.dumps({**plain, "format": model_header.FORMAT + 1})
    write(path, header, numbers)
    with pytest.raises(ModelFileError, match="upgrade clearprop"):
        load(path)


def change_description(header: dict, **changes: object) -> None:
    plain = json.loads(header["__metadata__"]["clearprop"])
    header["__metadata__"]["clearprop"] = json.dumps({**plain, **changes})


def first_layer(**changes):
    def change(header: dict) -> None:
        plain = json.loads(header["__metadata__"]["clearprop"])
        plain["specification"]["layers"][0].update(changes)
        header["__metadata__"]["clearprop"] = json.dumps(plain)

    return change


def activation(**changes):
    def change(header: dict) -> None:
        plain = json.loads(header["__metadata__"]["clearprop"])
        plain["specification"]["layers"][0]["activation"].update(changes)
        header["__metadata__"]["clearprop"] = json.dumps(plain)

    return change


def tensor(**changes):
    return lambda header: header["W.1"].update(changes)


CHANGES = {
    "a tensor is missing": (lambda header: header.pop("b.1"), "'b.1' is missing"),
    "a tensor too many": (lambda header: header.update({"W.9": header["W.1"]}), "not of its network"),
    "another dtype": (tensor(dtype="I64"), "not F32 or F64"),
    "two dtypes": (tensor(dtype="F32", data_offsets=[0, 48]), "of two dtypes|gap|overlap"),
    "another shape": (tensor(shape=[3, 4]), "asks for"),
    "a shape that is not whole": (tensor(shape=[4.0, 3]), "natural numbers"),
    "a huge shape": (tensor(shape=[10**17, 10**17]), "asks for"),
    "negative offsets": (tensor(data_offsets=[-96, 0]), "natural numbers"),
    "backward offsets": (tensor(data_offsets=[96, 0]), "bytes"),
    "three offsets": (tensor(data_offsets=[0, 96, 96]), "3 offsets"),
    "offsets past the end": (tensor(data_offsets=[10**9, 10**9 + 96]), "gap"),
    "a huge layer": (first_layer(units=10**17), "asks for"),
    "a layer of no units": (first_layer(units=0), "cannot be built"),
    "units that are true": (first_layer(units=True), "bool as 'units'"),
    "a dropout of 2": (first_layer(dropout=2.0), "cannot be built"),
    "an initializer unheard of": (first_layer(initializer="magic"), "cannot be built"),
    "a layer with a surprise": (first_layer(surprise=1), "unknown 'surprise'"),
    "code in a formula": (activation(formula="__import__('os').system('true')"), "cannot be built"),
    "an endless formula": (activation(formula="z+" * 10**4 + "z"), "cannot be built"),
    "a deep formula": (activation(formula="not " * 400 + "z"), "cannot be built"),
    "a huge number in a formula": (activation(formula="9" * 1500), "cannot be built"),
    "no derivative": (activation(derivative=None), "NoneType as 'derivative'"),
    "a parameter that is text": (activation(parameters={"alpha": "1"}), "something else"),
    "a range with one end": (activation(range={"low": 0, "high": 1, "attained": [True]}), "1 ends"),
    "layers gone": (lambda h: change_description(h, specification={}), "the specification lacks"),
    "a history of words": (lambda h: change_description(h, history={"loss": ["low"]}), "history of 'loss'"),
    "a class that is a list": (lambda h: change_description(h, classes=[[1]]), "list of classes"),
    "a record of something": (lambda h: change_description(h, record={"seed": 1}), "record"),
    "a certificate of something": (
        lambda h: change_description(h, certificate={"holds": True}),
        "certificate",
    ),
    "a snapshot of nothing": (
        lambda h: change_description(h, snapshots={"3": 12}),
        "'snapshot.3.slots' is missing",
    ),
    "a snapshot of no epoch": (lambda h: change_description(h, snapshots={"x": 12}), "not an epoch"),
    "an encoder edited": (lambda h: change_description(h, encoder={}), "digest"),
    "an odd metadata key": (lambda h: h["__metadata__"].update(more=""), "metadata"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_header_that_does_not_fit_says_why(path, name):
    change, word = CHANGES[name]
    header, numbers = pieces(path)
    change(header)
    write(path, header, numbers)
    with pytest.raises(ModelFileError, match=word):
        load(path)


@pytest.mark.parametrize(
    ("header", "word"),
    [
        (b"[]", "not a JSON object"),
        (b"{ ", "not JSON"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":1,"a":1}', "twice"),
        (b'{"a":' + b"9" * 5000 + b"}", "digits"),
        (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", "deeper than"),
        (b'{"a":' + b"[" * 90_000 + b"]" * 90_000 + b"}", "not JSON|deeper"),
        (b'{"a":[' + b"[]," * 300_000 + b"[]]}", "more pieces"),
        (b"\xff\xfe{}", "not JSON"),
    ],
)
def test_json_beyond_the_limits_is_refused(path, header, word):
    write(path, header, b"")
    with pytest.raises(ModelFileError, match=word):
        load(path)


def test_a_header_longer_than_the_limit_is_not_read(path):
    path.write_bytes(struct.pack("<Q", 2**62) + b"{}")
    with pytest.raises(ModelFileError, match="does not begin like a model file"):
        load(path)
    longest = model_header.LONGEST
    path.write_bytes(struct.pack("<Q", longest + 1) + b"{}")
    with path.open("r+b") as file:
        file.truncate(longest + 64)  # a hole: nothing is written
    with pytest.raises(ModelFileError, match="the limit is"):
        load(path)


def test_any_changed_number_is_found(path):
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ModelFileError, match="digest"):
        load(path)


def test_every_truncation_is_a_model_file_error(path):
    raw = path.read_bytes()
    for length in {*range(0, len(raw), 29), *range(40), *range(len(raw) - 40, len(raw))}:
        path.write_bytes(raw[:length])
        with pytest.raises(ModelFileError):
            load(path)


@pytest.mark.parametrize("block", range(4))
def test_mutations_load_as_the_same_model_or_not_at_all(path, block, monkeypatch):
    """Half of the blocks forge the digest, so that the checks before it stand alone."""
    raw = path.read_bytes()
    if block % 2:
        monkeypatch.setattr(model_file, "_digest", lambda *given: "same")
        header, numbers = pieces(path)
        header["__metadata__"]["digest"] = "same"
        write(path, header, numbers)
        raw = path.read_bytes()
    whole = load(path)
    generator = np.random.default_rng(block)
    tokens = [b"0", b"-1", b"1e999", b"null", b"[]", b"{}", b'"', b"\\", b"true", b"9" * 30, b"\x00", b"\xff"]
    loaded = 0
    for _ in range(150):
        mutated = bytearray(raw)
        for _ in range(generator.integers(1, 4)):
            at = int(generator.integers(len(mutated)))
            match generator.integers(4):
                case 0:
                    mutated[at] ^= 1 << int(generator.integers(8))
                case 1:
                    del mutated[at : at + int(generator.integers(1, 30))]
                case 2:
                    mutated[at:at] = tokens[generator.integers(len(tokens))]
                case _:
                    other = int(generator.integers(len(mutated)))
                    mutated[at : at + 8] = mutated[other : other + 8]
        path.write_bytes(mutated)
        with contextlib.suppress(ModelFileError):
            found = load(path)
            loaded += 1
            assert block % 2 or found.theta.flat.tobytes() == whole.theta.flat.tobytes()
    assert loaded < 150
