"""The glass box over HTTP: passes in stages, rows typed in, what one update does."""

import re

import numpy as np
import pytest

from clearprop.errors import DataError
from clearprop.web.bench.bench import Bench
from clearprop.web.bench.sets import generated_set, shipped_set
from clearprop.web.bench.settings import Layer, Settings
from clearprop.web.bench.typing_in import with_cells, with_inputs
from clearprop.web.rooms.passes import stages
from clearprop.web.rooms.plugs import Scene
from clearprop.web.rooms.updating import update
from served import asked, request, serving, still


@pytest.fixture(scope="module")
def served():
    with serving() as made:
        yield made


@pytest.fixture
def path(served):
    return f"/api/benches/{asked(served, '/api/benches', body={})['id']}"


@pytest.fixture
def bench():
    made = Bench(shipped_set("penguins"), Settings(layers=(Layer(5, "relu"), Layer(3, "maxout"))))
    made.pace.one_epoch()
    yield made
    made.close()


def test_every_number_stands_at_its_stage_and_every_stage_has_words(served, path):
    body = {"layers": [{"units": 3}, {"units": 2, "bias": False}]}
    depth = asked(served, f"{path}/settings", body=body)["network"]["widths"].__len__() - 1
    page = asked(served, f"{path}/row?row=1")
    assert page.count("<li data-title=") == 2 * depth + 2
    for l in range(1, depth + 1):
        section = re.search(
            rf'<section class="stage" data-stage="{l}" data-back="(\d+)"(.*?)</section>', page, re.S
        )
        assert int(section[1]) == 2 * depth + 2 - l
        cells = re.findall(r'<td data-stage="(\d+)"><button[^>]*data-of="(\w+)', section[2])
        assert set(cells) == {(section[1], "delta")}
        slopes = set(re.findall(r'<span class="slope" data-stage="(\d+)"><button', section[2]))
        assert slopes == {section[1]}


def test_the_words_of_a_stage_name_the_equations_that_derive_its_numbers(bench):
    found = stages(bench.network)
    seen = bench.trace(1)
    for l in range(1, bench.network.depth + 1):
        for name, stage in (
            (f"z[{l}][0]", l),
            (f"a[{l}][0]", l),
            (f"b[{l}][0]", 2 * bench.network.depth + 2 - l),
        ):
            rule = re.search(r"\((F\d|BP\d)\)", str(seen.derive(name)))
            if rule:
                assert rule[0] in found[stage].equation, name


def test_an_update_is_a_step_of_descent_on_the_row(bench):
    scene = Scene.of(bench, 3)
    seen, rate = scene.trace, 0.125
    for name in ("W[2][1,4]", "b[1][2]", "z[2][0]", "a[2][2]", "delta[1][3]", "y_hat[1]", "x[0]", "C"):
        steps = update(scene, name, rate)
        for step in steps:
            if step.gradient is not None:
                assert step.change.after == pytest.approx(step.change.before - rate * step.gradient)
        assert steps[0].change.before == seen.loss
    small = update(scene, "C", 1e-6)[0].change
    assert small.by == pytest.approx(-1e-6 * float(seen.gradient.flat @ seen.gradient.flat), rel=1e-3)


def test_cells_typed_in_are_encoded_as_the_tables_own(bench):
    data = bench.data
    first, second = (data.example(number) for number in (1, 6))
    typed = with_cells(data, first, dict(data.cells(6)))
    np.testing.assert_array_equal(typed.X, second.X)
    np.testing.assert_array_equal(typed.Y, second.Y)
    assert with_cells(data, first, {"sex": ""}).X.tolist() != first.X.tolist()
    changed = with_inputs(data, first, {2: 7.5})
    assert changed.X[0, 2] == 7.5
    assert np.delete(changed.X, 2).tolist() == np.delete(first.X, 2).tolist()


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"bill_length_mm": "long"}, "bill_length_mm is a number"),
        ({"bill_length_mm": "inf"}, "finite"),
        ({"species": "Emperor"}, "Emperor"),
        ({"wings": "2"}, "no column 'wings'"),
    ],
)
def test_cells_that_cannot_be_are_refused(bench, cells, message):
    with pytest.raises(DataError, match=message):
        with_cells(bench.data, bench.data.example(1), cells)


def test_a_row_typed_in_moves_every_number_and_what_is_learnt_stays(bench):
    before, X = bench.trace(1), bench.data.training.X.copy()
    bench.type_in(with_inputs(bench.data, bench.example(1), {0: 3.0}))
    assert bench.trace(1).loss != before.loss
    assert bench.certify(1).holds
    np.testing.assert_array_equal(bench.data.training.X, X)
    bench.type_in(bench.data.example(1))
    assert bench.trace(1).loss == before.loss
    generated = generated_set("sine", rows=8)
    assert with_cells(generated, generated.example(2), {"y": "0.5"}).Y.tolist() == [[0.5]]


def test_typing_in_over_http(served, path):
    asked(served, f"{path}/example", body={"row": 2, "cells": {"x0": "-1.5", "y": "1"}})
    page = asked(served, f"{path}/row?row=2")
    assert 'data-input="0" value="-1.5"' in page
    assert "edited by hand" in page
    assert "1.5" in asked(served, f"{path}/derivation?row=2&of=z[1][0]")
    assert "edited by hand" not in asked(served, f"{path}/row?row=3")
    asked(served, f"{path}/example", body={"row": 2, "again": True})
    assert "edited by hand" not in asked(served, f"{path}/row?row=2")


@pytest.mark.parametrize(
    ("where", "body", "message"),
    [
        ("/example", {"row": 2, "inputs": {"9": 1}}, "no input x[9]"),
        ("/example", {"row": 2, "inputs": {"-1": 1}}, "not '-1'"),
        ("/example", {"row": 2, "inputs": {"0": "1"}}, "inputs are numbers"),
        ("/example", {"row": 2, "inputs": {"0": True}}, "inputs are numbers"),
        ("/example", {"row": 2, "inputs": {"0": 1e300}}, "finite"),
        ("/example", {"row": 2, "cells": [1]}, "cells are texts"),
        ("/example", {"row": 2, "cells": {"y": "2"}}, "one of 0, 1"),
        ("/example", {"row": 0}, "no row 0"),
        ("/lesson", {"lesson": "nonsense"}, "no lesson"),
        ("/lesson", {"lesson": "boolean", "step": 9}, "steps 1 to 4"),
        ("/lesson?lesson=boolean&step=0", None, "steps 1 to 4"),
    ],
)
def test_what_cannot_be_typed_or_taught_is_refused(served, path, where, body, message):
    status, _, answer = request(served, path + where, body=body)
    assert (status, message in answer.decode()) == (400, True), answer


def test_a_lesson_over_http_prepares_the_bench_and_measures_again(served, path):
    begun = asked(served, f"{path}/lesson", body={"lesson": "boolean", "step": 3})
    assert begun["state"]["lesson"] == ["boolean", 2]
    assert (begun["row"], begun["opens"], begun["stage"]) == (2, "z[2][0]", 0)
    text = asked(served, f"{path}/lesson?lesson=boolean&step=3")
    assert 'data-of="a[1][1]"' in text
    assert "(moved)" not in text
    asked(served, f"{path}/do", body={"verb": "edit", "name": "b[1][0]", "value": -30})
    assert "(moved)" in asked(served, f"{path}/lesson?lesson=boolean&step=3")
    asked(served, f"{path}/data", body={"set": "iris"})
    still(served, path)
    assert "nan" in asked(served, f"{path}/lesson?lesson=softmax&step=1")


def test_a_certificate_says_where_the_number_stands(served, path):
    found = asked(served, f"{path}/certificate?row=1&of=W[1][0,0]")
    assert "W[1][0,0] stands in W[1]: 16 of its 8 x 2 numbers compared" in found
