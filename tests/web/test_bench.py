"""The bench: whatever is pressed, an unedited run is that of `clearprop.train`, bit for bit."""

import dataclasses
import time

import numpy as np
import pytest

from clearprop.errors import ClearpropError, DataError, SpecificationError
from clearprop.web.bench import keeping
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.benches import Benches
from clearprop.web.bench.generated import GENERATED
from clearprop.web.bench.sets import SHIPPED, generated_set, shipped_set
from clearprop.web.bench.settings import Layer, Settings


@pytest.fixture
def bench():
    made = Bench(settings=Settings(layers=(Layer(5), Layer(4, "relu", dropout=0.2)), epochs=30))
    yield made
    made.close()


def stand_still(bench):
    """Wait until the run stands still."""
    while bench.pace.status in ("preparing", "running"):
        time.sleep(0.002)


def assert_same_run(bench):
    """The run so far is the beginning of the one that `train` makes of the same settings."""
    own, whole = bench.pace.result(), bench.training()(None)
    epochs = len(own.history["epoch"])
    assert own.record.digests == whole.record.digests[: epochs + 1]
    for name in ("loss", "validation_loss", "validation_metric", "learning_rate"):
        assert own.history[name] == whole.history[name][:epochs]


def press(bench, keys):
    """b one batch, e one epoch, r run to the end, p run and pause at once, 0-9 back to that epoch."""
    for key in keys:
        match key:
            case "b":
                bench.pace.one_batch()
            case "e":
                bench.pace.one_epoch()
            case "r":
                bench.pace.run()
                stand_still(bench)
            case "p":
                bench.pace.slow(100)  # or a busy machine would be at the end before the pause
                bench.pace.run()
                bench.pace.pause()
                bench.pace.slow(0)
            case _:
                bench.pace.back_to(int(key))


@pytest.mark.parametrize("keys", ["r", "bbbe", "eepbr", "eee1ber", "bebe0eb1e", "r5bbr"])
def test_whatever_is_pressed_the_run_is_that_of_train(bench, keys):
    press(bench, keys)
    assert_same_run(bench)


@pytest.mark.parametrize("keys", ["r", "r4r", "ee1r", "r2b1ebr"])
def test_patience_ends_the_run_where_that_of_train_ends(keys):
    bench = Bench(settings=Settings(learning_rate=0.1, patience=3, epochs=300, inputs="standardised"))
    press(bench, keys)
    assert bench.moment().ended == "patience"
    assert_same_run(bench)
    assert len(bench.training()(None).history["epoch"]) == bench.moment().epoch < 300
    bench.close()


@pytest.mark.parametrize("settings", [{"epochs": 5}, {"epochs": 300, "patience": 3, "learning_rate": 0.1}])
def test_a_run_at_its_end_stays_there_until_it_goes_back(settings):
    bench = Bench(settings=Settings(**settings))
    press(bench, "r")
    end = bench.moment()
    bench.pace.back_to(end.epoch)
    assert bench.moment().ended == end.ended
    with pytest.raises(SpecificationError, match="has ended"):
        bench.pace.one_epoch()
    press(bench, "2r")
    assert bench.moment().epoch == end.epoch
    assert_same_run(bench)
    bench.close()


def test_a_pace_to_watch_takes_single_steps_of_the_same_run(bench):
    bench.pace.slow(0.01)
    bench.pace.run()
    while bench.moment().steps == 0:
        time.sleep(0.002)
    assert (bench.pace.status, bench.moment().steps) == ("running", 1)
    bench.pace.slow(500)
    while bench.moment().epoch < 3:
        time.sleep(0.002)
    bench.reset()
    assert bench.pace.steps == 500
    bench.pace.slow(0)
    press(bench, "r")
    assert_same_run(bench)
    for steps in (-1.0, 1e6, float("nan")):
        with pytest.raises(SpecificationError, match="steps a second"):
            bench.pace.slow(steps)


def test_epochs_that_were_not_kept_are_reached_again(bench, monkeypatch):
    monkeypatch.setattr(keeping, "MOST_KEPT", 4)
    bench.reset()
    press(bench, "r7e")
    assert bench.pace._kept.every > 1
    assert bench.moment().epoch == 8
    assert_same_run(bench)


def test_an_edit_makes_another_run_until_it_is_undone(bench):
    press(bench, "eeb")
    before = bench.moment()
    bench.edit("W[2][3,4]", 1.5)
    assert bench.theta(bench.moment()).W[2][3, 4] == 1.5
    assert np.count_nonzero(bench.moment().theta != before.theta) == 1
    press(bench, "eeee")
    edited = bench.moment()
    assert edited.edits == 1
    with pytest.raises(AssertionError):
        assert_same_run(bench)
    press(bench, "5")
    press(bench, "e")
    assert (bench.moment().theta == edited.theta).all()
    press(bench, "2")
    assert bench.moment().edits == 0
    assert_same_run(bench)


@pytest.mark.parametrize("name", ["W[1][9,0]", "W[4][0,0]", "b[1][5]", "z[1][0]", "W[1]", "nonsense", ""])
def test_what_is_no_parameter_is_not_edited(bench, name):
    before = bench.moment().theta
    with pytest.raises(ClearpropError):
        bench.edit(name, 1.0)
    assert (bench.moment().theta == before).all()


def test_a_diverged_run_says_so_and_can_go_back():
    settings = Settings(optimizer="sgd", learning_rate=1000.0, layers=(Layer(5, "identity"),), epochs=50)
    bench = Bench(generated_set("sine"), settings)
    press(bench, "r")
    assert bench.pace.status == "diverged"
    assert "diverged" in bench.pace.message
    with pytest.raises(SpecificationError, match="go back"):
        bench.pace.run()
    press(bench, "0")
    assert bench.pace.status == "paused"
    assert np.isfinite(bench.moment().theta).all()
    bench.close()


@pytest.mark.parametrize("name", [*SHIPPED, *GENERATED])
def test_every_set_is_learnt_and_derived(name):
    data = shipped_set(name) if name in SHIPPED else generated_set(name)
    bench = Bench(data, Settings(epochs=2))
    press(bench, "r")
    number = int(data.training.numbers[3])
    assert data.example(number).X.shape == (1, len(data.features))
    seen = bench.trace(number)
    assert bench.derive(number, "W[1][0,0]").value == pytest.approx(seen.dW[1][0, 0], rel=1e-12)
    assert bench.certify(number).holds
    head, rows = data.preview()
    assert all(len(cells) == len(head) for _, cells in rows)
    with pytest.raises(DataError, match="no row"):
        data.example(0)
    bench.close()


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"layers": [{"units": 0}]}, "units"),
        ({"layers": [{"units": 1025}]}, "units"),
        ({"layers": [{"units": True}]}, "units"),
        ({"layers": [{}] * 13}, "layers"),
        ({"layers": "8,8"}, "layers"),
        ({"layers": [{"activation": "step"}]}, "step"),
        ({"layers": [{"width": 3}]}, "width"),
        ({"optimizer": "lbfgs"}, "lbfgs"),
        ({"optimizer": "__class__"}, "__class__"),
        ({"schedule": "never"}, "never"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"learning_rate": float("nan")}, "rate"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"batch_size": 0}, "batch"),
        ({"epochs": 10**9}, "epochs"),
        ({"dtype": "float16"}, "dtype"),
        ({"patience": 0}, "patience"),
        ({"patience": 2.5}, "patience"),
        ({"inputs": "log"}, "inputs are standardised or raw"),
        ({"targets": True}, "targets"),
        ({"nonsense": 1}, "nonsense"),
        ({"l2": -1.0}, "l2"),
        ({"loss": "squared_error"}, "squared_error"),
        ({"layers": [{"units": 1024}] * 4}, "parameters"),
        ({"layers": [{"dropout": 1.0}]}, "dropout"),
    ],
)
def test_settings_that_cannot_be_are_refused_and_change_nothing(bench, plain, message):
    press(bench, "e")
    with pytest.raises(ClearpropError, match=message):
        bench.change(Settings.from_plain(plain))
    assert bench.moment().epoch == 1


def test_settings_come_back_from_plain_data():
    settings = Settings(layers=(Layer(3, "relu", 0.5, bias=False),), loss=None, batch_size=None, seed=7)
    settings = dataclasses.replace(settings, patience=9, inputs="standardised", targets="raw")
    assert Settings.from_plain(settings.to_plain()) == settings


def test_the_oldest_bench_makes_room_and_its_thread_ends():
    benches = Benches(most=2)
    first, second = Bench(), Bench()
    names = [benches.add(first), benches.add(second)]
    benches.get(names[0])
    benches.add(Bench())
    assert len(benches) == 2
    assert benches.get(names[0]) is first
    with pytest.raises(DataError, match="gone"):
        benches.get(names[1])
    assert not second.pace._thread.is_alive()
    with pytest.raises(SpecificationError, match="closed"):
        second.moment()
    benches.close()
