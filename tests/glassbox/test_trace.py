"""Traces are the engines' numbers, and derivations are made of them: every node of what it comes from."""

import itertools
import math
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines.dropout import dropout_masks
from clearprop.formulas.activations import activations
from clearprop.formulas.losses import losses
from clearprop.glassbox.quantity import Quantity, read_name
from clearprop.glassbox.render import as_html, as_latex, as_text
from clearprop.specification import Dense, Network, Parameters
from networks import PAIR_IDS, PAIRS, TRAINABLE, random_case


def traced(case):
    return cp.trace(case.network, case.theta, case.X, case.Y, sample_weight=case.weights, masks=case.masks)


@pytest.mark.parametrize(("output", "loss"), PAIRS, ids=PAIR_IDS)
def test_a_trace_has_the_engines_numbers(output, loss):
    rng = np.random.default_rng(PAIRS.index((output, loss)))
    hidden = tuple(rng.choice(np.array(TRAINABLE, dtype=object), 2))
    case = random_case(output, loss, hidden, seed=1)
    seen = traced(case)
    value, gradient = cp.gradient(
        case.network, case.theta, case.X, case.Y, sample_weight=case.weights, masks=case.masks
    )
    assert seen.loss == pytest.approx(value, rel=1e-12)
    for l in range(1, case.network.depth + 1):
        np.testing.assert_allclose(seen.dW[l], gradient.W[l], rtol=1e-10, atol=1e-13)
        if gradient.b[l] is not None:
            np.testing.assert_allclose(seen.db[l], gradient.b[l], rtol=1e-10, atol=1e-13)
    outputs = cp.trace(case.network, case.theta, case.X)
    np.testing.assert_allclose(outputs.y_hat, cp.forward(case.network, case.theta, case.X), rtol=1e-12)


def names_of(network, rng):
    """One name of every kind."""
    l = int(rng.integers(1, network.depth + 1))
    layer = network.layers[l - 1]
    unit, row = int(rng.integers(layer.units)), int(rng.integers(layer.rows))
    names = {
        "C": "C",
        "y_hat": f"y_hat[{rng.integers(network.output.units)}]",
        "z": f"z[{l}][{row}]",
        "a": f"a[{l}][{unit}]",
        "delta": f"delta[{l}][{row}]",
        "W": f"W[{l}][{row},{rng.integers(network.widths[l - 1])}]",
        "x": f"x[{rng.integers(network.inputs)}]",
    }
    if layer.bias:
        names["b"] = f"b[{l}][{row}]"
    return names


def number_of(seen, name, example):
    """What the arrays of the trace hold under a name."""
    q = read_name(name)
    match q.kind:
        case "C":
            return seen.loss
        case "y_hat":
            return seen.y_hat[example, q.units[0]]
        case "dW":
            return seen.dW[q.layer][q.units]
        case "db":
            return seen.db[q.layer][q.units[0]]
        case "dx":
            upstream = seen.delta[1][example] @ seen.theta.W[1][:, q.units[0]]
            kept = 1.0
            if seen.masks is not None and 0 in seen.masks:
                kept = seen.masks[0][example, q.units[0]] / (1 - seen.network.input_dropout)
            return upstream * kept
    return getattr(seen, q.kind)[q.layer][example, q.units[0]]


@pytest.mark.parametrize("seed", range(40))
def test_derivations_of_random_networks_rows_and_names(seed):
    rng = np.random.default_rng(seed)
    output, loss = PAIRS[rng.integers(len(PAIRS))]
    hidden = tuple(rng.choice(np.array(TRAINABLE, dtype=object), int(rng.integers(0, 4))))
    case = random_case(output, loss, hidden, seed=seed, scale=0.7)
    rows = slice(0, 1) if seed % 2 else slice(None)
    masks = None if case.masks is None else {l: mask[rows] for l, mask in case.masks.items()}
    weights = None if seed % 2 else case.weights
    seen = cp.trace(case.network, case.theta, case.X[rows], case.Y[rows], sample_weight=weights, masks=masks)
    example = int(rng.integers(len(seen)))
    for name in names_of(case.network, rng).values():
        belongs = len(seen) > 1 and read_name(name).kind not in ("C", "dW", "db")
        tree = seen.derive(name, example=example if belongs else None).tree
        expected = float(number_of(seen, name, example))
        assert tree.value == pytest.approx(expected, rel=1e-11, abs=1e-13), name
        assert tree.worst_error() < 1e-12, name
        for written in (as_text(tree), as_latex(tree), as_html(tree)):
            assert written


def test_a_planted_fault_in_a_node_is_seen():
    case = random_case(activations["softmax"], losses["cross_entropy"], (activations["tanh"],), seed=2)
    tree = traced(case).derive("delta[2][0]", example=1).tree
    assert tree.worst_error() < 1e-12
    part = tree.parts[0]
    wrong = replace(part, value=part.value + 0.01)
    assert replace(tree, parts=(wrong, *tree.parts[1:])).worst_error() > 1e-4
    assert replace(tree, value=tree.value * 1.0001).worst_error() > 1e-6


def test_wide_sums_keep_their_largest_terms_and_the_exact_rest():
    net = Network(5, [Dense(60, "tanh"), Dense(50, "relu"), Dense(3, "softmax")])
    theta, rng = net.initialize(seed=0), np.random.default_rng(0)
    seen = cp.trace(net, theta, rng.normal(size=(1, 5)), [2])
    tree = seen.derive("delta[1][7]", terms=4).tree
    (upstream,) = (node for node in tree.walk() if node.quantity == Quantity("da", 1, (7,)))
    assert len(upstream.parts) == 5
    rest = upstream.parts[-1]
    assert rest.quantity == Quantity("rest", units=(46,))
    products = seen.delta[2][0] * seen.theta.W[2][:, 7]
    largest = np.argsort(-np.abs(products))[:4]
    assert rest.value == pytest.approx(math.fsum(np.delete(products, largest)), abs=1e-16)
    assert tree.worst_error() < 1e-12
    assert len(list(tree.walk())) < 60
    assert "(the other 46 terms)" in as_text(tree)


def notes_example():
    """The notes' numbers: w2 = 12, w1 = 0.1, a1 = 0.37 with z1 = 0.5, y_hat = 0.25, x1 = 60, y = 1."""
    net = Network(
        3,
        [Dense(1, "sigmoid", bias=False), Dense(1, "sigmoid", bias=False)],
        loss="binary_cross_entropy",
    )
    theta = cp.parameters_from_arrays(net, [[[0.1, 0.0, 0.0]], [[12.0]]], [None, None])
    given = {"z[1][0]": 0.5, "a[1][0]": 0.37, "y_hat[0]": 0.25}
    return cp.trace(net, theta, [[60.0, 0.0, 7.0]], [1], given=given)


def test_the_notes_exercise_comes_out_and_its_contradictions_are_named():
    seen, eta = notes_example(), 0.01
    assert seen.derive("W[2][0,0]").value == pytest.approx(-0.2775)
    assert 12 - eta * seen.dW[2][0, 0] == pytest.approx(12.002775)
    assert seen.derive("W[1][0,0]").value == pytest.approx(-125.874)
    assert 0.1 - eta * seen.dW[1][0, 0] == pytest.approx(1.35874)
    assert seen.derive("W[1][0,2]").value == pytest.approx(-2.0979 * 7)  # the assignment, for x3 = 7
    assert "0.37 * (1 - 0.37)" in str(seen.derive("W[1][0,0]"))
    assert [str(conflict) for conflict in seen.conflicts] == [
        "z[1][0] is taken as 0.5, and the equations give 6",
        "a[1][0] is taken as 0.37, and the equations give 0.622459",
        "a[2][0] is taken as 0.25, and the equations give 0.988342",
    ]
    assert seen.loss == pytest.approx(-math.log(0.25))
    assert str(seen.derive("a[1][0]")) == "a[1][0] = 0.37  (given)"


def test_what_is_given_and_fits_is_no_conflict():
    net = Network(1, [Dense(1, "sigmoid")])
    theta = Parameters(net, np.array([1.0, 0.0]))
    assert cp.trace(net, theta, [[0.5]], [1], given={"a[1][0]": 0.62}).conflicts == ()
    assert len(cp.trace(net, theta, [[0.5]], [1], given={"a[1][0]": 0.63}).conflicts) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("w[1][0,0]", "names no number of a network"),
        ("W[1][0]", "other indices than"),
        ("W[3][0,0]", "there are layers 1 to 2"),
        ("W[1][0,9]", "index 9 is beyond the last, 1"),
        ("y_hat[3]", "index 3 is beyond the last, 2"),
        ("delta[1][0]", "belongs to one row, and there are 2; say example=0 to 1"),
        ("b[1][0]", "layer 1 has no bias"),
    ],
)
def test_names_that_are_wrong_are_refused_with_the_reason(name, words):
    net = Network(2, [Dense(4, "tanh", bias=False), Dense(3, "softmax")])
    seen = cp.trace(net, net.initialize(), np.ones((2, 2)), [0, 1])
    with pytest.raises(cp.SpecificationError, match=words):
        seen.derive(name)


def test_a_trace_without_targets_has_no_loss():
    net = Network(2, [Dense(4, "tanh"), Dense(3, "softmax")])
    seen = cp.trace(net, net.initialize(), np.ones((1, 2)))
    assert seen.derive("y_hat[1]").value == pytest.approx(seen.y_hat[0, 1])
    for ask in (lambda: seen.loss, lambda: seen.dW, lambda: seen.derive("W[1][0,0]")):
        with pytest.raises(cp.SpecificationError, match="needs targets"):
            ask()
    with pytest.raises(cp.SpecificationError, match="cannot be taken as given"):
        cp.trace(net, net.initialize(), np.ones((1, 2)), given={"W[1][0,0]": 1.0})


def test_printed_numbers_are_the_values_to_the_last_digit():
    seen = notes_example()
    for digits in (3, 6, 12):
        derivation = seen.derive("delta[1][0]", digits=digits)
        for node in derivation.tree.walk():
            if node.how != "given":
                lines = str(derivation).split("\n")
                start = next(k for k, line in enumerate(lines) if line.startswith(f"{node.quantity.text} = "))
                block = [lines[start]]
                for line in lines[start + 1 :]:
                    if not line.startswith(" "):
                        break
                    block.append(line)
                assert block[-1].split(" = ")[-1].strip() == f"{node.value:.{digits}g}"


def test_latex_braces_match_and_html_is_well_formed():
    from xml.etree import ElementTree

    for seed in range(6):
        case = random_case(
            activations["softmax"],
            losses["cross_entropy"],
            (activations["gelu"], activations["maxout"]),
            seed=seed,
        )
        derivation = traced(case).derive("W[1][0,0]")
        latex = derivation.latex()
        plain = latex.replace(r"\{", "").replace(r"\}", "")
        assert plain.count("{") == plain.count("}")
        assert latex.count(r"\left") == latex.count(r"\right")
        page = derivation.html()
        ElementTree.fromstring(re.sub(r"<!DOCTYPE html>|<meta[^>]*>", "", page))
        assert "<script" not in page


def test_masks_of_dropout_are_part_of_the_derivation():
    net = Network(3, [Dense(4, "tanh", dropout=0.5), Dense(2, "softmax")])
    theta = net.initialize(seed=3)
    masks = dropout_masks(net, 0, 0, np.arange(1))
    seen = cp.trace(net, theta, np.ones((1, 3)), [1], masks=masks)
    derivation = seen.derive("delta[1][0]")
    assert "mask[1][0]/keep" in str(derivation)
    assert derivation.tree.worst_error() < 1e-13


def test_a_trace_prints_every_layer():
    written = str(notes_example())
    for piece in (
        "x (inputs)",
        "layer 1: 1 sigmoid",
        "delta[2]",
        "dC/dW[1]",
        "C = 1.38629",
        "is taken as 0.37",
    ):
        assert piece in written
    assert "a[1]" in notes_example()._repr_html_()
    assert repr(notes_example().derive("W[2][0,0]")) == "<Derivation of dC/dW[2][0,0] = -0.2775>"


@pytest.mark.parametrize(
    "hidden", [("tanh", "gelu"), ("softmax", "tanh"), ("maxout", "monotone"), ("relu", "softmax")]
)
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_the_sum_over_all_paths_is_the_gradient(hidden, dropout):
    from itertools import product

    from clearprop.glassbox.paths import largest_paths, link

    first, second = hidden
    net = Network(
        3, [Dense(3, first, dropout=dropout), Dense(4, second, dropout=dropout), Dense(2, "softmax")]
    )
    theta, rng = net.initialize(seed=5), np.random.default_rng(6)
    masks = dropout_masks(net, 1, 0, np.arange(2)) if dropout else None
    seen = cp.trace(net, theta, rng.normal(size=(2, 3)), [1, 0], masks=masks)
    whole = seen.derive("W[1][2,1]", view="paths", example=1, terms=10_000).tree
    expected = seen.delta[1][1, 2] * seen.x[1][1, 1]
    assert whole.value == pytest.approx(expected, rel=1e-11, abs=1e-15)
    rows = [layer.rows for layer in net.layers]
    assert len(whole.parts) == rows[1] * rows[2]
    assert whole.worst_error() < 1e-12
    links = {s: link(seen, s, 1) for s in (2, 3)}
    sizes = sorted(
        (
            abs(seen.x[1][1, 1] * links[2][k, 2] * links[3][o, k] * seen.delta[3][1, o])
            for k, o in product(range(rows[1]), range(rows[2]))
        ),
        reverse=True,
    )
    found = largest_paths(links, 1, 2, float(seen.x[1][1, 1]), seen.delta[3][1], 3)
    np.testing.assert_allclose([abs(path.product) for path in found], sizes[:3], rtol=1e-12)
    few = seen.derive("W[1][2,1]", view="paths", example=1, terms=3).tree
    assert few.value == pytest.approx(expected, rel=1e-11, abs=1e-15)
    assert few.parts[-1].quantity.kind == "rest"


def test_a_thin_network_is_one_product_as_in_the_notes():
    derivation = notes_example().derive("W[1][0,0]", view="product")
    assert derivation.value == pytest.approx(-125.874)
    assert str(derivation).split("\n")[:3] == [
        "dC/dW[1][0,0] = delta[2][0] * W[2][0,0] * g'(z[1][0]) * x[0]  (the chain rule)",
        "              = (-0.75) * 12 * 0.2331 * 60",
        "              = -125.874",
    ]
    wide = Network(2, [Dense(3, "tanh"), Dense(2, "softmax")])
    seen = cp.trace(wide, wide.initialize(), np.ones((1, 2)), [0])
    with pytest.raises(cp.SpecificationError, match="has 2 paths to the loss"):
        seen.derive("W[1][0,0]", view="product")
    with pytest.raises(cp.SpecificationError, match="lead from a weight or a bias"):
        seen.derive("delta[1][0]", view="paths")
    with pytest.raises(cp.SpecificationError, match="view is"):
        seen.derive("W[1][0,0]", view="all")


GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("suffix", ["txt", "tex", "html"])
@pytest.mark.parametrize("name", ["W[1][0,0]", "C"])
def test_renderings_are_those_looked_at(name, suffix):
    """After a change that is meant: `PYTHONPATH=tests python tests/glassbox/test_trace.py`, and look."""
    assert written(name, suffix) == golden_file(name, suffix).read_text(encoding="utf-8")


def written(name, suffix):
    derivation = notes_example().derive(name)
    match suffix:
        case "txt":
            return str(derivation) + "\n"
        case "tex":
            return derivation.latex(document=True)
    return derivation.html()


def golden_file(name, suffix):
    return GOLDEN / f"{name.split('[')[0]}.{suffix}"


@pytest.mark.parametrize("units", [2, 5, 8])
def test_the_drawing_has_every_shown_unit_and_weight(units):
    from xml.etree import ElementTree

    net = Network(12, [Dense(6, activations["maxout"]), Dense(30, "tanh"), Dense(2, "softmax")])
    seen = cp.trace(net, net.initialize(seed=0), np.random.default_rng(0).normal(size=(3, 12)))
    drawing = ElementTree.fromstring(seen.svg(units=units, example=2))
    name = "{http://www.w3.org/2000/svg}"
    shown = [n if n <= units else units - 1 for n in net.widths]
    circles = drawing.findall(f".//{name}circle")
    assert len(circles) == sum(shown)
    lines = drawing.findall(f".//{name}line")
    assert len(lines) == sum(a * b for a, b in itertools.pairwise(shown))
    taken = seen.theta.W[1][0 if seen.z[1][2, 0] >= seen.z[1][2, 1] else 1, 0]
    assert lines[0].find(f"{name}title").text == f"W[1][0,0] = {taken:.6g}"
    titles = {title.text for title in drawing.iter(f"{name}title")}
    assert f"a[3][1] = {seen.y_hat[2, 1]:.6g}" in titles
    texts = [text.text for text in drawing.findall(f"{name}text")]
    assert f"{30 - shown[2]} more" in texts
    width, height = (float(drawing.get(side)) for side in ("width", "height"))
    for circle in circles:
        x, y, r = (float(circle.get(k)) for k in ("cx", "cy", "r"))
        assert r <= x <= width - r
        assert r <= y <= height - r - 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
def test_derivations_are_pytorchs_gradients(seed):
    torch = pytest.importorskip("torch", reason="the peer is in the extra 'bench'")
    rng = np.random.default_rng(seed)
    functions = {
        "identity": lambda z: z,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "relu": torch.relu,
        "gelu": torch.nn.functional.gelu,
        "silu": torch.nn.functional.silu,
        "softplus": torch.nn.functional.softplus,
        "softmax": lambda z: torch.softmax(z, dim=1),
    }
    hidden = list(rng.choice([name for name in functions if name != "identity"], int(rng.integers(1, 4))))
    widths = [int(n) for n in rng.integers(2, 12, len(hidden))]
    net = Network(4, [*(Dense(n, name) for n, name in zip(widths, hidden, strict=True)), Dense(3, "softmax")])
    theta = Parameters(net, rng.normal(0, 0.7, net.n_parameters))
    X, y = rng.normal(size=(1, 4)), rng.integers(0, 3, 1)
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in theta.items()}
    x = torch.tensor(X, requires_grad=True)
    a, kept = x, {}
    for l, layer in enumerate(net.layers, start=1):
        z = a @ tensors[f"W[{l}]"].T + tensors[f"b[{l}]"]
        z.retain_grad()
        kept[l] = z
        a = functions[layer.activation.name](z) if l < net.depth else z
    torch.nn.functional.cross_entropy(a, torch.tensor(y)).backward()
    seen = cp.trace(net, theta, X, y)
    l = int(rng.integers(1, net.depth + 1))
    j, i = int(rng.integers(net.layers[l - 1].units)), int(rng.integers(net.widths[l - 1]))
    for name, expected in (
        (f"W[{l}][{j},{i}]", tensors[f"W[{l}]"].grad[j, i]),
        (f"b[{l}][{j}]", tensors[f"b[{l}]"].grad[j]),
        (f"delta[{l}][{j}]", kept[l].grad[0, j]),
        (f"x[{i % 4}]", x.grad[0, i % 4]),
    ):
        tree = seen.derive(name, terms=4).tree
        assert tree.value == pytest.approx(float(expected), rel=1e-9, abs=1e-13)
        assert tree.worst_error() < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_latex_compiles(seed, tmp_path):
    latex = shutil.which("latex")
    if latex is None:
        pytest.skip("latex is not installed")
    rng = np.random.default_rng(seed)
    output, loss = PAIRS[rng.integers(len(PAIRS))]
    hidden = tuple(rng.choice(np.array(TRAINABLE, dtype=object), 3))
    seen = traced(random_case(output, loss, hidden, seed=seed))
    for k, name in enumerate(("C", "W[1][0,0]", "delta[2][0]", "y_hat[1]")):
        belongs = name[0] in "dy"
        file = tmp_path / f"d{k}.tex"
        file.write_text(
            seen.derive(name, example=0 if belongs else None).latex(document=True), encoding="utf-8"
        )
        done = subprocess.run(
            [latex, "-interaction=nonstopmode", "-halt-on-error", file.name],
            cwd=tmp_path,
            capture_output=True,
        )
        assert done.returncode == 0, done.stdout[-2000:]


if __name__ == "__main__":
    for each in ("W[1][0,0]", "C"):
        for ending in ("txt", "tex", "html"):
            golden_file(each, ending).write_text(written(each, ending), encoding="utf-8")
