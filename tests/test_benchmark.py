"""The speed benchmark's own arithmetic: ratios, powers, bars and pages from planted times, without peers."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.speed import __main__ as command
from benchmarks.speed import tables, timing
from benchmarks.speed.bars import BARS, MEASURES, PREDICTED, verdicts
from benchmarks.speed.contenders import OURS, PEERS, trainer
from benchmarks.speed.crew import Crew, reason_of
from benchmarks.speed.jobs import KINDS, SCALES, jobs
from benchmarks.speed.networks import NETWORKS, Case, first_weights, noise
from benchmarks.speed.results import Measured, Results
from benchmarks.speed.scaling import power_of
from benchmarks.speed.tasks import Inference, Training
from benchmarks.speed.threads import confined, environment
from benchmarks.speed.timing import Spread, fit_power
from markdown_it import MarkdownIt
from scipy.stats import linregress

ROOT = Path(__file__).parents[1]
EVERY_BAR = [(measure, network) for measure, bars in BARS.items() for network in bars]


@pytest.mark.parametrize(
    ("above", "below", "found"),
    [
        ([3.0, 4.0, 10.0], [1.0, 2.0, 2.0], (3.0, 2.0, 5.0)),
        ([2.0, 40.0], [1.0, 20.0], (2.0, 2.0, 2.0)),  # a slow round meets both and leaves no trace
        ([1.0], [4.0], (0.25, 0.25, 0.25)),
    ],
)
def test_a_ratio_is_formed_in_each_round(above, below, found):
    assert Spread.of_ratios(above, below) == Spread(*found)


def test_rounds_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        Spread.of_ratios([1.0, 2.0], [1.0])


def test_a_sample_is_the_median_of_enough_calls(monkeypatch):
    planted = iter([0.03, 0.01, 0.02, 9.0])
    monkeypatch.setattr(timing, "seconds_of", lambda call: next(planted))
    assert timing.sample(lambda: None, least=0.05) == 0.02


@pytest.mark.parametrize("exponent", [-1.0, 0.0, 0.5, 2.0])
def test_a_planted_exponent_is_found_without_error(exponent):
    x = [1.0, 3.0, 10.0, 500.0]
    power = fit_power(x, [7 * each**exponent for each in x])
    assert power.exponent == pytest.approx(exponent, abs=1e-12)
    assert power.factor == pytest.approx(7)
    assert power.error == pytest.approx(0, abs=1e-7)


def test_the_standard_error_of_an_exponent_is_the_regressions():
    import numpy as np

    x, y = [1.0, 2.0, 4.0, 8.0, 16.0], [1.0, 2.5, 3.0, 9.0, 12.0]
    wanted = linregress(np.log(x), np.log(y))
    power = fit_power(x, y)
    assert (power.exponent, power.error) == pytest.approx((wanted.slope, wanted.stderr))
    with pytest.raises(ValueError, match="three points"):
        fit_power(x[:2], y[:2])


def planted(measure, network, ratio):
    """Results in which one bar's ratio is as given; a round three times as slow leaves it so."""
    results = Results({"processor": "planted"})

    def add(key, threads, contender, seconds):
        rounds = ({"seconds": seconds}, {"seconds": 3 * seconds}, {"seconds": seconds})
        results.add(Measured(key, threads, contender, rounds))

    if network == PREDICTED:
        rows, ours = (1, "clearprop, compiled()") if measure == "one row" else (100_000, "clearprop, predict")
        add(Inference(rows).key, 1, ours, 1.0)
        add(Inference(rows).key, 1, "ONNX Runtime", ratio)
        return results
    key = NETWORKS[network].key
    if measure == "cores":
        add(key, 1, OURS, ratio)
        add(key, 2, OURS, 1.0)
    elif measure == "best":
        add(key, 1, OURS, 1e-6)  # what clearprop does on one core is not asked
        add(key, 2, OURS, 1.0)
        for k, peer in enumerate(PEERS):
            add(key, 1, peer, ratio * (1 + k))
            add(key, 2, peer, ratio * (2 + k))
    else:
        add(key, 1, OURS, 1.0)
        add(key, 1, "products, NumPy" if measure == "products" else measure, ratio)
    return results


@pytest.mark.parametrize(("measure", "network"), EVERY_BAR)
def test_a_missed_bar_is_said_to_be_missed(measure, network):
    bar = BARS[measure][network]
    for ratio, word in ((0.99 * bar, "MISSED"), (1.01 * bar, "met")):
        (found,) = (
            each
            for each in verdicts(planted(measure, network, ratio), [network])
            if each.measured is not None and each.measure == measure
        )
        assert found.word == word
        assert found.measured.median == pytest.approx(ratio)
        line = f"| {MEASURES[measure]} | {network} | "
        assert re.search(re.escape(line) + rf".*\| {bar:g} \| {word} \|", tables.bars([found]))


def test_what_was_not_measured_meets_no_bar():
    judged = verdicts(Results(), [*NETWORKS, PREDICTED])
    assert len(judged) == len(EVERY_BAR)
    assert {each.word for each in judged} == {"not measured"}
    assert f"0 of {len(judged)} bars met" in tables.bars(judged)


def everything(factor):
    """Results in which every bar's ratio is `factor` times the bar, with the rest of a page."""
    results = Results({"processor": "planted", "load average before": "0.00"})
    for name, case in NETWORKS.items():
        bars = {measure: found[name] for measure, found in BARS.items() if name in found}
        two = {"seconds": 1e-3 / (bars.get("cores", 1) * factor)}
        results.add(Measured(case.key, 1, OURS, ({"seconds": 1e-3},)), Measured(case.key, 2, OURS, (two,)))
        for peer in ("PyTorch", "scikit-learn", "JAX scan"):
            if peer in bars:
                slow = max(bars[peer] * 1e-3, bars["best"] * two["seconds"])
                results.add(Measured(case.key, 1, peer, ({"seconds": slow * factor},)))
        if "products" in bars:
            rounds = ({"seconds": bars["products"] * factor * 1e-3},)
            results.add(Measured(case.key, 1, "products, NumPy", rounds))
        results.add(Measured(case.key, 1, "torch.compile", refused="no compiler | no speed"))
    for measure, rows, ours in (("one row", 1, "compiled()"), ("many rows", 100_000, "predict")):
        key, slow = Inference(rows).key, BARS[measure][PREDICTED] * factor * 1e-5
        results.add(Measured(key, 1, f"clearprop, {ours}", ({"seconds": 1e-5},)))
        results.add(Measured(key, 1, "ONNX Runtime", ({"seconds": slow},)))
    for size, case in SCALES["width"].items():
        results.add(Measured(case.key, 1, OURS, ({"seconds": 1e-9 * size**1.5},)))
    return results


def test_a_scales_exponent_is_read_off_the_results():
    assert power_of(everything(1), "width", OURS).exponent == pytest.approx(1.5)
    assert power_of(everything(1), "width", "PyTorch") is None


@pytest.mark.parametrize(("factor", "code"), [(1.01, 0), (0.9, 1)])
def test_the_command_writes_a_page_drawings_and_a_verdict(tmp_path, capsys, factor, code):
    everything(factor).write(tmp_path / "speed.json")
    assert command.main(["--tables", "--strict", "--out", str(tmp_path)]) == code
    assert command.main(["--tables", "--out", str(tmp_path)]) == 0
    assert ("MISSED" in capsys.readouterr().out) == bool(code)
    page = (tmp_path / "speed.md").read_text(encoding="utf-8")
    assert "1.500 ± 0.000" in page
    rendered = MarkdownIt().enable("table").render(page)
    assert rendered.count("<table>") == len(re.findall(r"^\| ---", page, re.MULTILINE)) >= 6
    assert "|" not in re.sub(r"<td>.*?</td>", "", rendered)
    assert "<td>no compiler | no speed</td>" in rendered
    for name in ("speed", "scaling"):
        assert "</svg>" in (tmp_path / f"{name}.svg").read_text(encoding="utf-8")


def test_results_come_back_from_their_file(tmp_path):
    results = everything(1.3)
    results.write(tmp_path / "speed.json")
    assert Results.read(tmp_path / "speed.json") == results
    entry = json.loads((tmp_path / "speed.json").read_text())["measured"][0]
    assert entry["spread"]["seconds"] == {"median": 1e-3, "least": 1e-3, "most": 1e-3}


def test_turns_are_taken_in_a_process_with_its_own_threads():
    numbers = Training(Case("tiny", (3, 4, 2), 8, rows=16, classes=False))
    with Crew([1]) as crew:
        ran, refused = crew.measure(numbers, ("products, NumPy", "scikit-learn"), rounds=3, threads=[1, 2])
        assert len(ran.values()) == 3
        assert all(seconds > 0 for seconds in ran.values())
        assert (refused.threads, refused.rounds) == (1, ())
        assert "regression" in refused.refused
        broken = Training(Case("broken", (3, 4, 2), 8, rows=16, hidden="none"))
        for task, ours in ((broken, OURS), (Inference(-1), "clearprop, predict")):
            with pytest.raises(RuntimeError, match=f"at load {ours}:\nTraceback"):
                crew.measure(task, [ours], rounds=1, threads=[1])
        (peer,) = crew.measure(Inference(-1), ["ONNX Runtime"], rounds=1, threads=[1])
        assert peer.refused.startswith("ValueError")


def test_a_reason_names_no_path():
    reason = reason_of(RuntimeError("no compiler at /usr/bin/c++ for ~/.cache/x.cpp\nand more"))
    assert reason == "RuntimeError: no compiler at (path) for (path)"


def test_threads_are_set_for_what_starts_inside_and_given_back(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    before, cpus = dict(os.environ), os.sched_getaffinity(0)
    with confined(1):
        assert os.environ.items() >= environment(1).items()
        assert len(os.sched_getaffinity(0)) == 1
    assert (dict(os.environ), os.sched_getaffinity(0)) == (before, cpus)


def test_rows_are_whole_batches():
    with pytest.raises(ValueError, match="100 rows are not whole batches of 64"):
        Case("odd", (2, 2), 64, rows=100)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--networks", "S,Q"], "not Q"),
        (["--only", "speed"], "not speed"),
        (["--threads", "two"], "whole numbers"),
        (["--rounds", "0"], "from 1"),
    ],
)
def test_a_wrong_option_is_refused(given, said, capsys):
    with pytest.raises(SystemExit, match="2"):
        command.main(given)
    assert said in capsys.readouterr().err


def test_a_short_run_leaves_out_what_compiles_for_long():
    short, whole = (
        jobs(("headline", "inference"), ("S", "L"), (1, 2), compiled=compiled) for compiled in (False, True)
    )
    assert [job.task.key for job in short] == [job.task.key for job in whole]
    assert ["torch.compile" in job.contenders for job in short + whole] == [False] * 4 + [True] * 2 + [
        False
    ] * 2


def test_no_task_is_measured_twice():
    keys = [job.task.key for job in jobs(KINDS, NETWORKS, (1, 2))]
    assert len(keys) == len(set(keys))
    only = {job.task.key for job in jobs(["scaling"], NETWORKS, (1, 2))}
    assert only >= {case.key for cases in SCALES.values() for case in cases.values()}


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.01068, "0.0107"), (1.0, "1.00"), (19.46, "19.5"), (171.4, "171"), (6019.2, "6,019")],
)
def test_numbers_have_three_digits(value, said):
    assert tables.number(value) == said


def test_the_harness_loads_without_the_peers():
    code = (
        "import sys, benchmarks.speed.__main__; sys.exit(bool({'torch', 'jax', 'numba'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.filterwarnings("default")  # the peers' own
def test_every_contender_trains_the_same_network(optimizer):
    for peer in ("torch", "jax"):
        pytest.importorskip(peer)
    case = Case("same", (6, 48, 48, 4), 256, rows=256, dtype="float64", optimizer=optimizer)
    X, y = noise(case)
    predicted = {}
    for name in (OURS, *PEERS):
        training = trainer(name, case, 1, X, y)
        training.start(first_weights(case))
        training.epoch()
        before = training.classes(X)
        for _ in range(3):  # scikit-learn adds epsilon elsewhere in Adam, which tells after more steps
            training.epoch()
        predicted[name] = training.classes(X)
        assert (predicted[name] != before).any(), name
        training.start(first_weights(case))
        training.epoch()
        assert (training.classes(X) == before).all(), name  # a start is fresh: parameters and optimizer
    for name, classes in predicted.items():
        assert (classes == predicted[OURS]).all(), name
