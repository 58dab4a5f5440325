"""Worksheets: nice numbers from a seed, keys that follow from their sheets, and three renderings of them."""

import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

import clearprop as cp
from clearprop.cli import app
from clearprop.formulas.activations import Activation
from clearprop.glassbox.worksheet.exercise import Perceptron
from clearprop.glassbox.worksheet.working import on_paper
from clearprop.specification import Dense, Network, Parameters

DOCS = Path(__file__).parents[2] / "docs/worksheets"

DESCENTS = {
    "plain": {},
    "relu, two steps": {"layers": "2-2-1", "activation": "relu", "steps": 2},
    "softmax": {"layers": "2-3-2", "activation": "relu", "output": "softmax"},
    "tanh, three examples": {"layers": "3-2-2", "activation": "tanh", "examples": 3, "steps": 2},
    "thin": {"layers": "1-1-1-1", "loss": "binary_cross_entropy", "bias": False},
    "hinge": {"layers": "3-2-1", "activation": "leaky_relu", "loss": "hinge"},
    "counts": {"layers": "2-2-1", "activation": "gelu", "loss": "poisson"},
    "quantiles": {"layers": "2-2-2", "activation": "tanh", "loss": cp.Quantile((0.1, 0.9))},
    "wide": {"layers": "6-6-5", "activation": "tanh"},
    "linear": {"layers": (2, 1), "activation": "identity", "eta": 0.05},
}
PERCEPTRONS = {
    "table of 2": {},
    "table of 3": {"layers": "3-1"},
    "table of 1": {"layers": "1-1"},
    "points": {"layers": "2-1", "examples": 6, "eta": 1.0},
    "one pass": {"layers": "2-1", "steps": 1},
    "points in 4": {"layers": "4-1"},
}


def each(table):
    return pytest.mark.parametrize("options", table.values(), ids=table.keys())


def close(printed, exact, digits=6):
    """Whether a printed number is the exact one to the digits that are printed."""
    return abs(float(printed) - exact) <= 0.5000001 * 10.0 ** (
        np.floor(np.log10(abs(exact))) + 1 - digits if exact else -12
    )


# What a key says is recomputed from what its sheet says, by the textbook engine.


def given_on(sheet):
    """Arrays W[1], b[1], ..., X, Y and eta as they stand on the text of a sheet."""
    arrays, name = {}, None
    for line in sheet.split("(a) ")[0].split("\n"):
        if found := re.fullmatch(r"    (\S+) = \[ (.*) \]", line):
            name, row = found.groups()
            arrays[name] = [list(map(float, row.split()))]
        elif name and (found := re.fullmatch(r" +\[ (.*) \]", line)):
            arrays[name].append(list(map(float, found.group(1).split())))
        elif found := re.fullmatch(r"    eta = (\S+)", line):
            arrays["eta"] = float(found.group(1))
        elif re.match(r" +example ", line):
            arrays["names"] = line.split()[1:]
        elif "names" in arrays and re.match(r" +\d+  ", line):
            arrays.setdefault("rows", []).append(list(map(float, line.split()[1:])))
    if "rows" in arrays:
        inputs = sum(name.startswith("x") for name in arrays["names"])
        rows = np.array(arrays["rows"])
        arrays["x"], arrays["y"] = rows[:, :inputs].T, rows[:, inputs:].T
    return arrays


def faults(key, network, steps):
    """Numbers of a key's grids and derivations that the engine does not give from those of its statement."""
    arrays = given_on(key)
    theta = Parameters(network, np.zeros(network.n_parameters))
    for name, array in theta.items():
        array[...] = np.array(arrays[name]).reshape(array.shape)
    X, Y = np.array(arrays["x"]).T, np.array(arrays["y"]).T
    expected, sections = {}, re.split(r"\n\((?=[a-e]\) )", key)[1:]
    assert len(sections) == 4 * steps + 1
    for number, section in enumerate(sections):
        if number % 4 == 0:
            expected = numbers_of(network, theta, X, Y)
        if number % 4 == 3:
            _, gradient = cp.gradient(network, theta, X, Y, engine="textbook")
            theta = Parameters(network, theta.flat - arrays["eta"] * gradient.flat)
            for name, array in theta.items():
                expected |= {f"{name}[{','.join(map(str, i))}]": v for i, v in np.ndenumerate(array)}
        told = list(numbers_in(section))
        assert len(told) > 1
        told = [(name, value) for name, value in told if name in expected]
        yield from (f"{name} {value}" for name, value in told if not close(value, expected[name]))


def numbers_of(network, theta, X, Y):
    """Every number of a pass by the name it has on a key: forward by hand, the rest by the engine."""
    many = len(X) > 1
    loss, gradient = cp.gradient(network, theta, X, Y, engine="textbook")
    found = {"C": loss}
    for e, x in enumerate(X):
        a, mark = x, f"({e})" if many else ""
        for l, layer in enumerate(network.layers, start=1):
            z = theta.W[l] @ a + (0 if theta.b[l] is None else theta.b[l])
            row = layer.activation
            a = row.value(z) if isinstance(row, Activation) else np.exp(z) / np.exp(z).sum()
            found |= {f"z[{l}][{j}]{mark}": value for j, value in enumerate(z)}
            name = "y_hat" if l == network.depth else f"a[{l}]"
            found |= {f"{name}[{j}]{mark}": value for j, value in enumerate(a)}
        if all(layer.bias for layer in network.layers):  # delta is an example's own dC/db
            _, own = cp.gradient(network, theta, X[e : e + 1], Y[e : e + 1], engine="textbook")
            for l in range(1, network.depth + 1):
                found |= {f"delta[{l}][{j}]{mark}": v / len(X) for j, v in enumerate(own.b[l])}
    for name, array in gradient.items():
        found |= {f"dC/d{name}[{','.join(map(str, i))}]": v for i, v in np.ndenumerate(array)}
    return found


def numbers_in(section):
    """Pairs of a name and the number that a key gives it, in grids and at the end of derivations."""
    name = r"(?:dC/d)?[A-Za-z_]+(?:\[[\d,]+\])*(?:\(\d+\))?"
    last = None
    for line in section.split("\n"):
        grid = re.findall(rf"({name}) +(?:=|<-) (-?[\d.e+-]+)(?=  |$)", line.rstrip())
        if grid and not re.search(r"\(\S.*\)$", line):
            yield from grid
        elif found := re.match(rf" +({name}) (?:=|<-) .* = (-?[\d.e+-]+)  \(", line):
            yield found.groups()
        elif re.match(r"    \S", line):
            found = re.match(rf" +({name}) (?:=|<-) ", line)
            last = found.group(1) if found else None
        elif last and (found := re.fullmatch(r" += (-?[\d.]+(?:e[-+]\d+)?)", line)):
            yield last, found.group(1)


@each(DESCENTS)
def test_every_number_of_a_key_follows_from_its_sheet(options):
    for seed in range(5):
        sheet = cp.worksheet(seed=seed, **options)
        network = sheet.exercises[0].network
        key = sheet.text(answers=True)
        assert list(faults(key, network, options.get("steps", 1))) == []
        assert sheet.text().split("(a) ")[0].split("Exercise 1")[1] in key


@pytest.mark.parametrize("place", ["z[1][0]", "C", "delta[2][0]", "dC/dW[1][1,0]", "W[2][0,1]"])
def test_a_wrong_number_in_a_key_is_noticed(place):
    sheet = cp.worksheet(seed=3)
    key, network = sheet.text(answers=True), sheet.exercises[0].network
    after = key.index("(a) ")
    found = re.compile(rf" {re.escape(place)} +(?:=|<-) (-?\d[\d.]*)(?=  |\n)").search(key, after)
    wrong = f"{key[: found.start(1)]}{float(found[1]) + 1e-5:.6g}{key[found.end(1) :]}"
    assert [fault.split()[0] for fault in faults(wrong, network, 1)] == [place]


def test_a_sheet_by_hand():
    """2-2-1 of relu and identity units, all numbers given; worked on paper."""
    numbers = {"W[1][0,0]": 1, "W[1][0,1]": -1, "W[1][1,0]": 0.5, "W[1][1,1]": 1}
    numbers |= {"b[1][0]": 0.5, "b[1][1]": -1, "W[2][0,0]": 2, "W[2][0,1]": -1, "b[2][0]": 1}
    numbers |= {"x[0]": 2, "x[1]": 1, "y[0]": 2}
    sheet = cp.worksheet("2-2-1", "relu", given=numbers, eta=0.1)
    (seen, after), (_, theta) = sheet.exercises[0].passes, sheet.exercises[0].thetas
    assert seen.z[1].tolist() == [[1.5, 1.0]]  # 2 - 1 + 0.5, 1 + 1 - 1
    assert seen.y_hat.tolist() == [[3.0]]  # 2 * 1.5 - 1 + 1
    assert seen.loss == 0.5
    assert seen.delta[1].tolist() == [[2.0, -1.0]]
    assert seen.dW[2].tolist() == [[1.5, 1.0]]
    assert seen.dW[1].tolist() == [[4.0, 2.0], [-2.0, -1.0]]
    np.testing.assert_allclose(theta.W[1], [[0.6, -1.2], [0.7, 1.1]])
    np.testing.assert_allclose(theta.flat[-3:], [1.85, -1.1, 0.9])
    assert after.loss == pytest.approx((1.85 * 0.3 - 1.1 * 1.6 + 0.9 - 2) ** 2 / 2)
    key = sheet.text(answers=True)
    assert "The step made C rise from 0.5 to" in key
    assert "dC/dW[1][0,0] = delta[1][0] * x[0] = 2 * 2 = 4  (BP4)" in key


def test_the_exercise_of_the_notes():
    given = {"W[1][0,0]": 0.1, "W[2][0,0]": 12, "x[0]": 60, "y[0]": 1}
    given |= {"z[1][0]": 0.5, "a[1][0]": 0.37, "y_hat[0]": 0.25}
    sheet = cp.worksheet("1-1-1", loss="binary_cross_entropy", eta=0.01, bias=False, given=given)
    (exercise,) = sheet.exercises
    assert exercise.thetas[1].W[1][0, 0] == pytest.approx(1.35874)
    assert exercise.thetas[1].W[2][0, 0] == pytest.approx(12.002775)
    assert "a[1][0] = 0.37" in sheet.text()
    key = " ".join(sheet.text(answers=True).split())
    assert "z[1][0] is taken as 0.5; the equations give 6 instead." in key
    assert "Whether C falls is not told" in key


def lively(exercise):
    """Whether every unit moves, is off its kinks, and every output is off its target."""
    seen, network = exercise.passes[0], exercise.network
    for l, layer in enumerate(network.layers, start=1):
        if isinstance(layer.activation, Activation):
            slopes = np.abs(layer.activation.slope(seen.z[l], seen.a[l]))
            assert (slopes.max(axis=0) > 0.02).all()
            for kink in layer.activation.kinks:
                assert np.abs(seen.z[l] - kink).min() > 0.1
        else:
            assert 0.01 < seen.a[l].min() < seen.a[l].max() < 0.99
        assert (np.abs(seen.delta[l]).max(axis=0) > 1e-4).all()
    assert np.abs(seen.y_hat - seen.Y).min() > 0.01
    return True


@each(DESCENTS)
def test_two_hundred_seeds_have_nice_numbers(options):
    known = set()
    for seed in range(200):
        (exercise,) = cp.worksheet(seed=seed, **options).exercises
        assert lively(exercise)
        theta, seen = exercise.thetas[0], exercise.passes[0]
        assert (theta.flat * 4 == np.round(theta.flat * 4)).all()
        for l in range(1, exercise.network.depth + 1):
            assert (theta.W[l] != 0).all()
            assert len(np.unique(theta.W[l], axis=0)) == len(theta.W[l])
        assert (np.round(seen.X) == seen.X).all()
        assert (seen.X != 0).all()
        assert all(np.isfinite(each.loss) for each in exercise.passes)
        assert exercise.falls
        for seen in exercise.passes:  # no step leaps to where a unit is dead
            for l, layer in enumerate(exercise.network.layers, start=1):
                if isinstance(layer.activation, Activation):
                    slopes = np.abs(layer.activation.slope(seen.z[l], seen.a[l]))
                    assert (slopes.max(axis=0) > 0.01).all()
        known.add(theta.flat.tobytes())
    assert len(known) > 100


def test_networks_of_straight_pieces_come_out_in_short_decimals():
    for seed in range(50):
        exercise = cp.worksheet("2-2-1", "relu", seed=seed).exercises[0]
        seen = exercise.passes[0]
        numbers = [seen.gradient.flat, exercise.thetas[1].flat, *seen.z.values(), *seen.delta.values()]
        for number in np.concatenate([array.ravel() for array in numbers]):
            assert float(f"{number:.6g}") == pytest.approx(number, rel=1e-13)


def mistakes(exercise):
    """Visits of a perceptron that are not what the rule gives, computed in plain Python."""
    w = exercise.visits[0].before.flat.tolist()
    for visit in exercise.visits:
        x = [*exercise.X[visit.example].tolist(), 1.0]
        z = sum(a * b for a, b in zip(w, x, strict=True))
        y_hat = 1.0 if z >= 0 else 0.0
        error = exercise.y[visit.example] - y_hat
        w = [a + exercise.eta * error * b for a, b in zip(w, x, strict=True)]
        if (visit.z, visit.y_hat, visit.error) != (z, y_hat, error) or visit.after.flat.tolist() != w:
            yield visit


@each(PERCEPTRONS)
def test_the_perceptrons_rule(options):
    for seed in range(40):
        sheet = cp.worksheet(kind="perceptron", seed=seed, **options)
        (exercise,) = sheet.exercises
        assert isinstance(exercise, Perceptron)
        assert list(mistakes(exercise)) == []
        assert exercise.mistakes[0] > 0
        assert exercise.learnt or options.get("steps") == exercise.sweeps
        assert all(abs(visit.z) > 1e-9 for visit in exercise.visits)
        key = " ".join(sheet.text(answers=True).split())
        told = "makes none, so the numbers would stay" if exercise.learnt else "not learnt yet"
        assert told in key
        if exercise.task == "AND":
            assert exercise.y.tolist() == [float(all(x)) for x in exercise.X]


def test_a_wrong_visit_is_noticed():
    (exercise,) = cp.worksheet(kind="perceptron", seed=1).exercises
    exercise.visits[2].after.flat[0] += 0.5  # a view of the next visit's `before` too
    assert exercise.visits[2] in list(mistakes(exercise))


@pytest.mark.parametrize("options", [{}, {"steps": 2, "examples": 2}, {"kind": "perceptron"}])
def test_the_same_seed_is_the_same_sheet_and_exercises_come_one_by_one(options):
    one, again, more = (cp.worksheet(seed=5, exercises=n, **options) for n in (1, 1, 2))
    other = cp.worksheet(seed=6, **options)
    for form in ("text", "latex", "html"):
        for answers in (False, True):
            written = getattr(one, form)(answers)
            assert written == getattr(again, form)(answers)
            assert written != getattr(other, form)(answers)
    body = one.text().split("Exercise 1")[1].rstrip()
    assert body in more.text()
    assert "Exercise 2" in more.text()


ALL = {**DESCENTS, **{name: {"kind": "perceptron", **options} for name, options in PERCEPTRONS.items()}}


@each(ALL)
def test_a_sheet_has_blanks_where_its_key_has_numbers(options):
    sheet = cp.worksheet(seed=2, **options)
    blanks = {
        "text": (r"\.{6,}", sheet.text()),
        "latex": (r"\\blank\b|\\hspace\{0.85cm\}", sheet.latex().split(r"\begin{document}")[1]),
        "html": (r'class="(?:number )?blank"', sheet.html()),
    }
    exercise = sheet.exercises[0]
    if isinstance(exercise, Perceptron):
        expected = len(exercise.visits) * (4 + exercise.network.inputs)
    else:
        network, m = exercise.network, len(exercise.passes[0])
        units, parameters = sum(network.widths[1:]), network.n_parameters
        forward = 2 * units * m + 1
        expected = exercise.steps * (forward + units * m + 2 * parameters) + forward
    for form, (pattern, text) in blanks.items():
        names = 2 if form == "text" else 0  # name and date
        assert len(re.findall(pattern, text)) - names == expected, form
    for form, (pattern, _) in blanks.items():
        key = getattr(sheet, form)(answers=True)
        body = key.split(r"\begin{document}")[-1]
        assert not re.findall(pattern, body), form


@each(ALL)
def test_pages_are_well_formed_and_have_no_script(options):
    for answers in (False, True):
        page = cp.worksheet(seed=4, exercises=2, **options).html(answers)
        tree = ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
        assert tree.tag == "html"
        assert not list(tree.iter("script"))
        assert len(list(tree.iter("h2"))) == 2
        assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_every_number_of_a_text_key_is_in_the_others():
    sheet = cp.worksheet(seed=8, steps=2)
    text = sheet.text(answers=True)
    numbers = set(re.findall(r"\d+\.\d{5,}", text))
    assert len(numbers) > 40
    for form in (sheet.latex(answers=True), sheet.html(answers=True)):
        assert numbers == set(re.findall(r"\d+\.\d{5,}", form))


def test_guards_of_formulas_are_left_out_and_change_nothing():
    from clearprop.formulas import language
    from clearprop.formulas.activations import activations
    from clearprop.formulas.losses import losses

    for row in losses.values():
        if "1e-30" not in row.value + row.slope or row.name == "kl_divergence":
            continue
        for text in (row.value, row.slope):
            given = {"a": np.array(0.3), "y": np.array(0.7), **row.constants}
            assert "1e-30" not in on_paper(text)
            assert language.evaluate(on_paper(text), given) == language.evaluate(text, given)
    for name in ("exp", "elu", "selu"):
        row = activations[name]
        for z in (-2.0, 1.5) if name == "exp" else (-2.0,):
            given = {"z": np.array(z), **row.constants}
            assert "minimum" not in on_paper(row.formula)
            assert language.evaluate(on_paper(row.formula), given) == language.evaluate(row.formula, given)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layers": "2--1"}, "such as 2-2-1, not '2--1'"),
        ({"layers": "2"}, "such as 2-2-1, not '2'"),
        ({"layers": (2, 0)}, "each of layers is a whole number from 1"),
        ({"activation": "sigmoyd"}, "did you mean 'sigmoid'"),
        ({"loss": "hinges"}, "did you mean 'hinge'"),
        ({"activation": "step"}, "kind 'perceptron' has a rule"),
        ({"activation": "maxout"}, "activations of one unit each"),
        ({"layers": "2-1", "output": "softmax"}, "use Dense\\(1, 'sigmoid'\\)"),
        ({"steps": 0}, "steps is a whole number from 1, not 0"),
        ({"exercises": 0}, "exercises is a whole number from 1"),
        ({"eta": -0.5}, "eta is a number above 0"),
        ({"seed": -1}, "seed is a whole number from 0"),
        ({"kind": "adaline"}, "kind is 'descent' or 'perceptron'"),
        ({"layers": "9-9-9"}, "180 parameters are more than the 100"),
        ({"kind": "perceptron", "layers": "2-2-1"}, "one unit without hidden layers"),
        ({"kind": "perceptron", "layers": "5-1"}, "at most 4 inputs"),
        ({"kind": "perceptron", "loss": "hinge"}, "leave loss away"),
        ({"kind": "perceptron", "activation": "tanh"}, "leave activation away"),
        ({"kind": "perceptron", "bias": False}, "leave bias away"),
        ({"kind": "perceptron", "examples": 999}, "2 to 24 examples here, not 999"),
        ({"given": {"W[1][0]": 1.0}}, "is no number of this network"),
        ({"given": {"W[1][9,0]": 1.0}}, "is no number of this network"),
        ({"given": {"x[2]": 1.0}}, "is no number of this network"),
        (
            {"layers": "2-2-2", "output": "softmax", "given": {"y[0]": 1.0}},
            "give all of y\\[0\\] to y\\[1\\]",
        ),
        ({"given": {"q": 1.0}}, "names no number of a network"),
        ({"given": {"x[0]": float("nan")}}, "is a finite number"),
        ({"given": {"x[0]": "1"}}, "is a finite number"),
        ({"eta": "0.5"}, "eta is a number above 0"),
        ({"layers": 3}, "at least inputs and outputs"),
        ({"given": {"x[0]": 1.0}, "exercises": 2}, "a single exercise with one example"),
        ({"given": {"a[1][0]": 0.5}, "steps": 2}, "for one step only"),
        ({"bias": False, "given": {"b[1][0]": 0.5}}, "is no number of this network"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(options, words):
    with pytest.raises((cp.SpecificationError, cp.FormulaError), match=words):
        cp.worksheet(**options)


def command(*arguments):
    return CliRunner().invoke(app, ["worksheet", *map(str, arguments)])


def test_the_command_writes_the_sheet_and_its_key(tmp_path):
    sheet, key = tmp_path / "sheet.tex", tmp_path / "key.tex"
    made = cp.worksheet("2-2-1", "tanh", seed=7, steps=2, eta=0.25, exercises=2)
    options = ["--activation", "tanh", "--seed", 7, "--steps", 2, "--rate", 0.25, "--exercises", 2]
    assert command(*options, "--to", "latex", "--out", sheet, "--answers", key).exit_code == 0
    assert sheet.read_text() == made.latex()
    assert key.read_text() == made.latex(answers=True)
    assert command(*options).stdout == made.text()
    assert command(*options, "--key").stdout == made.text(answers=True)
    given = command("--no-bias", "--layers", "1-1-1", "--given", "W[1][0,0] = 0.5", "--given", "x[0]=3")
    assert "x = [ 3 ]" in given.stdout
    assert "b[1]" not in given.stdout
    points = command("--kind", "perceptron", "--examples", 5)
    assert points.stdout == cp.worksheet(kind="perceptron", examples=5).text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--layers", "2--1"], "such as 2-2-1"),
        (["--activation", "nonsense"], "is not an activation"),
        (["--kind", "perceptron", "--layers", "2-2-1"], "one unit without hidden layers"),
        (["--given", "x0"], "--given takes NAME=NUMBER"),
        (["--given", "x[0]=1", "--given", "x[0]=2"], "names x[0] twice"),
        (["--key", "--answers", "k.txt"], "use one of them"),
        (["--out", "nowhere/sheet.txt"], "there is no folder 'nowhere'"),
        (["--out", "s.txt", "--answers", "s.txt"], "write the key to another file"),
        (["--steps", "0"], "Invalid value for '--steps'"),
    ],
)
def test_the_command_says_what_is_wrong(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert words in " ".join(done.stderr.replace("│", " ").split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["txt", "tex", "html"])
def test_the_sheets_of_the_documentation_are_up_to_date(suffix):
    """`make worksheets` writes them."""
    form = {"txt": "text", "tex": "latex", "html": "html"}[suffix]
    for name, options in (("descent", {}), ("perceptron", {"kind": "perceptron"})):
        sheet = cp.worksheet(seed=7, **options)
        for part, answers in (("sheet", False), ("key", True)):
            written = (DOCS / f"{name}-{part}.{suffix}").read_text(encoding="utf-8")
            assert written == getattr(sheet, form)(answers)


def test_the_documentation_quotes_its_key():
    quoted = re.findall(r"\n(    dC/dW.*)\n", (DOCS.parent / "worksheets.md").read_text(encoding="utf-8"))
    assert quoted
    assert set(quoted) <= set((DOCS / "descent-key.txt").read_text(encoding="utf-8").split("\n"))


@pytest.mark.slow
@each(ALL)
def test_sheets_and_keys_compile(options, tmp_path):
    latex = shutil.which("latex")
    if latex is None:
        pytest.skip("latex is not installed")
    for answers in (False, True):
        file = tmp_path / f"{answers}.tex"
        file.write_text(cp.worksheet(seed=9, exercises=2, **options).latex(answers), encoding="utf-8")
        done = subprocess.run(
            [latex, "-interaction=nonstopmode", "-halt-on-error", file.name],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:]
        widest = [float(pt) for pt in re.findall(r"Overfull \\hbox \(([\d.]+)pt", done.stdout)]
        assert max(widest, default=0) < 15, widest


@pytest.mark.slow
def test_pages_open_in_a_browser_without_errors(tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, headless=True, args=["--no-sandbox"])
        for number, options in enumerate(ALL.values()):
            file = tmp_path / f"{number}.html"
            file.write_text(cp.worksheet(seed=9, **options).html(answers=True), encoding="utf-8")
            page, errors = browser.new_page(viewport={"width": 700, "height": 900}), []
            page.on("console", lambda message, errors=errors: errors.append(message.text))
            page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
            page.goto(file.as_uri())
            assert errors == []
            assert page.locator("math").count() > 10
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 700
        browser.close()


def test_the_loss_of_an_own_network_may_be_a_row():
    sheet = cp.worksheet("2-2-1", cp.LeakyReLU(0.1), loss=cp.Huber(1.5), seed=1)
    network = sheet.exercises[0].network
    assert network == Network(2, (Dense(2, cp.LeakyReLU(0.1)), Dense(1, "identity")), loss=cp.Huber(1.5))
    assert "1.5" in sheet.text()
