"""What the page shows of a run: each view beside the numbers it is made of; remedies as settings."""

import html
import json
import re

import numpy as np
import pytest

from clearprop.glassbox.whole_pass import whole_pass
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.sets import generated_set, shipped_set
from clearprop.web.bench.settings import Layer, Settings
from clearprop.web.bench.typing_in import with_inputs
from clearprop.web.rooms.frames import RESTS, Turns
from clearprop.web.rooms.plugs import DRAWINGS, Scene, applying, drawn
from clearprop.web.views.answers import pixels_of
from clearprop.web.views.rows import answers

SETS = {
    "moons": lambda: generated_set("moons", rows=80),
    "sine": lambda: generated_set("sine", rows=80),
    "all to train on": lambda: generated_set("xor", rows=40, share=0.0),
    "iris": lambda: shipped_set("iris"),
    "digits": lambda: shipped_set("digits"),
    "diabetes": lambda: shipped_set("diabetes"),
}


@pytest.fixture
def bench():
    made = []

    def make(data, **settings):
        made.append(Bench(data, Settings(**settings)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("name", SETS)
def test_every_view_is_drawn_where_it_applies_at_any_moment(bench, name):
    made = bench(SETS[name](), layers=(Layer(5, "relu"), Layer(4, "tanh", 0.2, False)), epochs=3)
    for verb in (made.pace.one_batch, made.pace.one_epoch, made.pace.run):
        verb()
        while made.pace.status == "running":
            pass
        scene = Scene.of(made)
        found = drawn(scene, list(DRAWINGS))
        assert list(found) == applying(scene.data, scene.network)
        assert all(found.values())
        assert not re.search(r"<script|\sstyle=|\son\w+=", "".join(found.values()))
    missing = {"iris": {"landscape"}, "digits": {"landscape"}}
    missing |= {"sine": {"confusion", "mistakes"}, "diabetes": {"landscape", "confusion", "mistakes"}}
    assert set(DRAWINGS) - set(found) == missing.get(name, set())


def test_the_three_views_of_the_network_open_their_own_numbers(bench):
    made = bench(generated_set("moons"))
    scene = Scene.of(made, 3)
    weights, activations, gradients = (
        DRAWINGS[name](scene) for name in ("network", "activations", "gradients")
    )
    assert f'aria-label="W[1][2,0] = {scene.theta.W[1][2, 0]:.6g}"' in weights
    assert f'aria-label="a[1][4] = {scene.trace.a[1][0, 4]:.6g}"' in activations
    assert f'aria-label="dC/dW[1][2,0] = {scene.trace.dW[1][2, 0]:.6g}"' in gradients
    for piece in (weights, activations, gradients):
        names = re.findall(r'data-quantity="([^"]*)" data-of="([^"]*)"', piece)
        assert len(names) == piece.count("data-quantity") > 20
        for shown, opened in names:
            assert shown == opened
            scene.trace.derive(opened)


def test_layers_are_changed_in_the_drawing_where_they_are_those_of_the_settings(bench):
    made = bench(generated_set("moons"), layers=(Layer(5), Layer(16, "relu")))
    for name in ("network", "activations", "gradients"):
        found = re.findall(r'data-press="([^"]*)"', DRAWINGS[name](Scene.of(made)))
        assert {"add 1", "fewer 1", "more 2", "remove 2", "open 2", "add 3"} <= set(found)
    network = Settings(layers=(Layer(4),)).network(made.data)
    made.prepare(made.data, made.settings, network, None)  # as a lesson does
    assert "data-press" not in DRAWINGS["network"](Scene.of(made))


def test_a_surface_carries_the_rows_of_both_parts(bench):
    data = generated_set("moons", rows=60)
    scene = Scene.of(bench(data))
    found = DRAWINGS["landscape"](scene)
    held = set(re.findall(r'class="mark held[^"]*" data-row="(\d+)"', found))
    assert held == {str(number) for number in data.held_out.numbers}
    assert len(re.findall(r"data-row=", found)) == 60


CROSS = re.compile(r'<path d="M([-\d.]+) ([-\d.]+)(?:m-7 0h14m-7 -7v14|V([-\d.]+))" class="picked"')


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("moons", (0.5, -0.25)),
        ("moons", (1.5, 0.75)),
        ("sine", (0.4,)),
        ("moons", (0.5, 99)),
        ("sine", (-99,)),
    ],
)
def test_a_point_that_was_typed_in_is_marked_where_it_lies(bench, name, typed):
    made = bench(SETS[name]())
    assert not CROSS.search(DRAWINGS["landscape"](Scene.of(made, 3)))
    made.type_in(with_inputs(made.data, made.example(3), dict(enumerate(typed))))
    found = DRAWINGS["landscape"](Scene.of(made, 3))
    if max(np.abs(typed)) == 99:
        assert "what was typed in lies outside" in found
        assert not CROSS.search(found)
        return
    plot = json.loads(html.unescape(re.search(r'data-plot="([^"]*)"', found)[1]))
    x, y, down = CROSS.search(found).groups()
    across = plot["x"]["low"], plot["x"]["high"]
    assert np.interp(float(x), (plot["left"], plot["right"]), across) == pytest.approx(typed[0], abs=0.01)
    if name == "sine":  # a line from edge to edge
        assert (float(y), float(down)) == (plot["top"], plot["bottom"])
    else:
        up = plot["y"]["high"], plot["y"]["low"]
        assert np.interp(float(y), (plot["top"], plot["bottom"]), up) == pytest.approx(typed[1], abs=0.01)


def test_mistakes_are_those_of_the_confusion(bench):
    data = shipped_set("digits")
    made = bench(data, layers=(Layer(16),), epochs=2)
    made.pace.one_epoch()
    scene = Scene.of(made)
    said = answers(scene.network, scene.theta, data.held_out.X).argmax(axis=1)
    wrong = set(data.held_out.numbers[said != data.held_out.Y].tolist())
    shown = [int(row) for row in re.findall(r'data-row="(\d+)"', DRAWINGS["mistakes"](scene))]
    assert len(shown) == min(24, len(wrong)) > 0
    assert set(shown) <= wrong
    cells = [
        int(n.replace(",", "")) for n in re.findall(r"<td[^>]*>([\d,]+)</td>", DRAWINGS["confusion"](scene))
    ]
    assert sum(cells) == len(data.held_out)
    assert sum(cells[::11]) == len(data.held_out) - len(wrong)
    pixels = pixels_of(data, np.array([shown[0]]))[0]
    assert [f"{value:g}" for value in pixels] == [f"{float(cell):g}" for _, cell in data.cells(shown[0])[:64]]


def test_norms_of_gradients_are_those_of_the_epochs_they_stand_at(bench):
    made = bench(generated_set("moons"), epochs=400)
    for _ in range(5):
        made.pace.one_epoch()
    DRAWINGS["norms"](Scene.of(made))
    made.pace.back_to(3)
    made.pace.edit(0, 9.0)
    made.pace.one_epoch()
    scene = Scene.of(made)
    found = re.search(
        r'data-series="layer 1" data-epochs="([^"]*)" data-values="([^"]*)"', DRAWINGS["norms"](scene)
    )
    assert found[1] == "0 1 2 3 4"
    part = made.data.training
    for value, kept in zip(found[2].split(), (*scene.moment.kept[:4], None), strict=True):
        theta = scene.theta if kept is None else type(scene.theta)(scene.network, kept.theta)
        own = whole_pass(scene.network, theta, part.X, part.Y)
        assert value == f"{np.linalg.norm(own.dW[1]):.4g}"


@pytest.mark.parametrize(
    ("settings", "finding", "change"),
    [
        ({"learning_rate": 300.0, "optimizer": "sgd"}, "learning rate too high", "learning_rate"),
        ({"learning_rate": 1e-7, "optimizer": "sgd"}, "learning rate too low", "learning_rate"),
        ({"initializer": "zeros"}, "units that are all alike", "initializer"),
        ({"layers": (Layer(8, "sigmoid"),) * 7, "optimizer": "sgd"}, "vanishing", "layers"),
        ({"l2": 30.0}, "constant output", "l2"),
    ],
)
def test_a_remedy_that_is_a_setting_is_a_button_that_mends(bench, settings, finding, change):
    made = bench(generated_set("moons"), **{"epochs": 40, **settings})

    def looked():
        made.pace.run()
        while made.pace.status == "running":
            pass
        return DRAWINGS["diagnosis"](Scene.of(made))

    before = looked()
    assert finding in before
    applied = json.loads(html.unescape(re.search(r'data-settings="([^"]*)"', before)[1]))
    assert change in applied
    made.change(Settings.from_plain({**made.settings.to_plain(), **applied}))
    after = looked()
    assert f"<strong>{finding}" not in after or applied != json.loads(
        html.unescape((re.search(r'data-settings="([^"]*)"', after) or [0, "null"])[1])
    )


def test_a_network_that_diverged_is_drawn_as_it_is(bench):
    made = bench(generated_set("sine"), optimizer="sgd", learning_rate=1000.0, layers=(Layer(8, "relu"),))
    made.pace.run()
    while made.pace.status == "running":
        pass
    assert made.pace.status == "diverged"
    found = drawn(Scene.of(made), list(DRAWINGS))
    assert "learning rate too high" in found["diagnosis"]


def test_settings_that_remedies_need_reach_the_run(bench):
    made = bench(
        generated_set("moons"),
        clip_norm=0.5,
        weight_decay=0.02,
        initializer="he_normal",
        class_weight="balanced",
    )
    record = made.moment().record
    assert (record.optimizer["clip_norm"], record.optimizer["weight_decay"]) == (0.5, 0.02)
    assert record.class_weight == "balanced"
    assert {layer.initializer.name for layer in made.network.layers} == {"he_normal"}


def test_heavy_drawings_come_rarely_and_all_rest_as_long_as_they_cost():
    turns, clock, spent = Turns(["light", "heavy"]), 0.0, {"light": 0.0, "heavy": 0.0}
    costs, marks = {"light": 0.001, "heavy": 0.05}, 0
    while clock < 100:
        marks += 1
        due = turns.due(marks, clock, running=True)
        turns.took(marks, clock, {name: costs[name] for name in due})
        for name in due:
            spent[name] += costs[name]
        clock += 0.05
    assert sum(spent.values()) <= 100 / RESTS + sum(costs.values())
    assert spent["light"] / 0.001 > 10 * spent["heavy"] / 0.05 > 100
    turns.due(marks + 1, clock, running=False)
    assert turns.due(marks + 1, clock, running=False) == ["light", "heavy"]
