"""Remedies of findings: each one that is a setting is a button that sets it; the others stay words."""

import html
import json
import re
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.glassbox.diagnosis import Finding
from clearprop.glassbox.diagnosis.checks import CHECKS
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.opened_model import OpenedModel
from clearprop.web.bench.sets import generated_set, shipped_set
from clearprop.web.bench.settings import Layer, Settings
from clearprop.web.lessons import LESSONS, prepare
from clearprop.web.rooms.plugs import DRAWINGS, Scene
from clearprop.web.views.remedies import OTHERS, remedied

PAGE = Path(__file__).parents[2] / "docs" / "page.md"


def looked(bench, epochs=40):
    """Names of the findings after so many epochs, and the settings of all buttons."""
    while bench.moment().epoch < epochs and not bench.moment().ended:
        bench.pace.one_epoch()
    drawn = DRAWINGS["diagnosis"](Scene.of(bench))
    names = [html.unescape(each).partition(":")[0] for each in re.findall(r"<strong>(.*?)</strong>", drawn)]
    buttons = re.findall(r'data-settings="([^"]*)" data-words="([^"]*)"', drawn)
    return names, [(json.loads(html.unescape(plain)), words) for plain, words in buttons]


def pressed(bench, change):
    """What the page does of a button."""
    bench.change(Settings.from_plain({**bench.settings.to_plain(), **change}))


def opened(folder, *, output="identity", zeros=False, inputs="far", low=1e5, slope=3e4):
    """A model that reads columns as they are, and a table whose columns are far apart, or near 1."""
    network = cp.Network(2, [cp.Dense(8, "tanh"), cp.Dense(1, output)], "squared_error")
    theta = network.initialize(1)
    theta.flat[:] *= not zeros
    cp.Model(network, theta).save(folder / "bare.safetensors")
    X = np.random.default_rng(0).uniform(size=(80, 2)) * (1, 5e4 if inputs == "far" else 1)
    lines = ["a,b,y", *(f"{a},{b},{low + slope * a + b}" for a, b in X)]
    (folder / "far.csv").write_text("\n".join(lines), encoding="utf-8")
    model = OpenedModel.load(folder / "bare.safetensors")
    return Bench(model.read(cp.read_table(folder / "far.csv")), opened=model)


def test_far_scales_are_mended_by_pressing_what_is_offered(tmp_path):
    bench = opened(tmp_path)
    for finding, change in (
        ("inputs on unlike scales", {"inputs": "standardised"}),
        ("targets on a scale far from 1", {"targets": "standardised"}),
    ):
        names, buttons = looked(bench)
        assert names[0] == finding
        assert buttons[0][0] == change
        pressed(bench, change)
    assert looked(bench)[0] == []
    assert bench.moment().last("validation_loss") < 0.1
    bench.close()


def test_an_output_that_was_opened_gives_way_to_that_of_the_loss(tmp_path):
    bench = opened(tmp_path, output="sigmoid", inputs="near")
    names, buttons = looked(bench, 0)
    assert names[0] == "targets out of the output's range"
    pressed(bench, buttons[0][0])
    assert bench.network.output.activation.name == "identity"
    assert bench.settings.targets == "standardised"
    assert looked(bench, 0)[0] == []
    bench.close()


def test_weights_that_were_opened_are_drawn_anew_by_settings_as_they_are(tmp_path):
    bench = opened(tmp_path, zeros=True, inputs="near", low=0.0, slope=1.0)
    names, buttons = looked(bench, 0)
    assert names == ["units that are all alike"]
    words = "the network as in the form, its first weights drawn by the seed"
    assert buttons == [({}, words)]
    pressed(bench, {})
    assert bench.start is None
    assert looked(bench, 0) == ([], [])
    bench.close()


NOISY = {"rows": 60, "noise": 0.4}
SIGMOIDS = (Layer(8, "sigmoid"),) * 6


@pytest.mark.parametrize(
    ("data", "settings", "epochs", "finding", "said"),
    [
        (
            lambda: generated_set("moons", **NOISY),
            {"layers": (Layer(64, "relu"), Layer(33, "relu")), "batch_size": None},
            400,
            "overfitting",
            [
                "L2 penalty 0.11 instead of 0, patience of 10 epochs",
                "weight decay 0.01",
                "dropout 0.2",
                "units 32-17 instead of 64-33",
            ],
        ),
        (
            lambda: generated_set("moons"),
            {"layers": SIGMOIDS, "optimizer": "sgd"},
            40,
            "vanishing gradients",
            [
                "relu in every hidden layer",
                "first weights drawn by he_normal",
                "hidden layers 3 instead of 6",
            ],
        ),
        (
            lambda: generated_set("moons"),
            {"learning_rate": 1e-7, "optimizer": "sgd", "epochs": 40},
            40,
            "learning rate too low",
            ["learning rate 0.1 instead of 1e-07", "epochs 400 instead of 40"],
        ),
        (
            lambda: generated_set("moons"),
            {"learning_rate": 300.0, "optimizer": "sgd"},
            40,
            "learning rate too high",
            [
                "learning rate 0.1 instead of 300",
                "gradients clipped at norm 1",
                "schedule cosine instead of constant",
            ],
        ),
        (
            lambda: shipped_set("breast_cancer"),
            {"inputs": "raw"},
            5,
            "inputs on unlike scales",
            ["inputs standardised"],
        ),
        (
            lambda: shipped_set("diabetes"),
            {"targets": "raw", "optimizer": "sgd", "learning_rate": 1e-4},
            25,
            "targets on a scale far from 1",
            ["targets standardised"],
        ),
    ],
)
def test_every_remedy_of_a_finding_is_a_button_that_can_be_pressed(data, settings, epochs, finding, said):
    bench = Bench(data(), Settings(**settings))
    names, buttons = looked(bench, epochs)
    assert finding in names
    words = [words for _, words in buttons]
    assert words[: len(said)] == said
    for change, _ in buttons:
        pressed(bench, change)
        assert bench.moment().epoch == 0
        assert {name: bench.settings.to_plain()[name] for name in change} == change
        bench.change(Settings(**settings))
    bench.close()


def offered(name, change, settings=None, data=None, **given):
    settings, data = settings or Settings(), data or generated_set("moons")
    data = settings.scaled(data)
    found = Finding(name, given.pop("where", ""), "fault", {}, "", "", "", "", change)
    return remedied(found, settings, data, settings.network(data), **given)


@pytest.mark.parametrize(
    ("asked", "changes"),
    [
        (("any", {"X": "standardised"}), [{"inputs": "standardised"}]),
        (("any", {"X": "standardised"}, None, shipped_set("iris")), []),
        (
            ("any", {"X": "standardised"}, Settings(inputs="raw"), shipped_set("iris")),
            [{"inputs": "standardised"}],
        ),
        (("any", {"patience": 10}), [{"patience": 10}]),
        (("any", {"initial": None}), []),
        (("any", {"initial": None}, Settings(initializer="zeros")), [{"initializer": None}]),
        (("any", {"output": "identity"}, None, generated_set("sine")), []),
        (("any", {"output": "identity"}, Settings(loss="poisson"), generated_set("tower")), [{"loss": None}]),
        (("any", {"output": "identity"}), []),
        (("any", {"loss": "binary_cross_entropy"}, None, generated_set("sine")), []),
        (("any", {"epochs": 10**9}), [{"epochs": 100_000}]),
        (("exploding gradients", {"initializer": None}), [{"clip_norm": 1.0}]),
        (("exploding gradients", {}, Settings(clip_norm=0.5)), []),
        (("constant output", {"l2": 0.1}), [{"l2": 0.1}]),
        (("constant output", {"epochs": 9000}), [{"epochs": 9000}, {"learning_rate": 0.1}]),
        (("learning rate too low", {}, Settings(epochs=100_000)), []),
    ],
)
def test_what_is_offered_is_what_settings_can_do(asked, changes):
    assert offered(*asked) == changes


def test_of_a_weight_decay_that_overshoots_nothing_else_is_offered():
    change = {"optimizer": cp.SGD(0.01, weight_decay=0.5)}
    assert len(offered("learning rate too high", change, where="weight decay")) == 1
    assert len(offered("learning rate too high", change)) == 3


def test_of_a_lesson_without_a_class_the_remedy_stays_words():
    bench = Bench()
    prepare(bench, LESSONS["saturation"], 0)
    names, buttons = looked(bench, 0)
    assert names == ["slow start on a saturated output"]
    assert buttons == []
    bench.close()


def test_others_are_of_findings_that_there_are_and_the_docs_name_them_all():
    names = {check.name for check in CHECKS}
    assert set(OTHERS) <= names
    rows = {row.split("|")[1].strip() for row in PAGE.read_text().splitlines() if row.startswith("| ")}
    assert names <= rows
