"""Boolean networks are exact on every row, and as small as a normal form can be; what is none is refused."""

import itertools
import re

import numpy as np
import pytest

import clearprop as cp
from clearprop.constructions.normal_form import cover_of, prime_implicants

ENGINES = ("compiled", "textbook")


def rows(n):
    return np.array(list(itertools.product((0, 1), repeat=n)), dtype=float)


def table(number, n):
    return np.array([number >> r & 1 for r in range(2**n)])


def exact(built, values):
    n = len(built.variables)
    for engine in ENGINES:
        answers = cp.forward(built.model.network, built.model.theta, rows(n), engine=engine)
        np.testing.assert_array_equal(answers[:, 0], values)
        assert built.verify(engine=engine).holds


def fewest_products(n):
    """Oracle: for each function of n variables, as a number, the fewest products whose disjunction it is."""
    products = []
    for literals in itertools.product((0, 1, None), repeat=n):
        agrees = [all(lit in (None, bit) for lit, bit in zip(literals, row, strict=True)) for row in rows(n)]
        products.append(sum(1 << r for r, true in enumerate(agrees) if true))
    fewest = np.full(2**2**n, -1)
    newest, k = np.array([0]), 0
    while newest.size:
        fewest[newest] = k
        reached = np.unique(newest[:, None] | np.array(products))
        newest, k = reached[fewest[reached] < 0], k + 1
    return fewest


def test_all_functions_of_three_variables_are_exact_and_no_normal_form_is_smaller():
    fewest = fewest_products(3)
    assert (fewest >= 0).all()
    for number in range(256):
        built = cp.boolean(table(number, 3))
        exact(built, table(number, 3))
        least = min(max(fewest[number], 1), max(fewest[255 ^ number], 1))
        assert (len(built.pieces), built.fewest) == (least, True)


def test_200_random_functions_of_up_to_8_variables_are_exact():
    generator = np.random.default_rng(0)
    fewest = fewest_products(4)
    for k in range(200):
        n = (4, 5, 6, 7, 4, 5, 6, 7, 8, 6)[k % 10]
        values = (generator.random(2**n) < generator.uniform(0.1, 0.9)).astype(int)
        built = cp.boolean(values)
        exact(built, values)
        if n == 4:
            number = sum(1 << r for r, true in enumerate(values) if true)
            assert len(built.pieces) == min(fewest[number], fewest[2**16 - 1 ^ number])


@pytest.mark.parametrize("n", [11, 12])
def test_beyond_the_exact_search_the_cover_is_right_and_has_none_to_spare(n):
    values = np.random.default_rng(n).random(2**n) < 0.3
    built = cp.boolean(values)
    exact(built, values)
    assert not built.fewest
    cover = cover_of(values)
    r = np.arange(2**n)
    covers = np.array([(r & care) == ones for care, ones in cover.products])
    assert (covers.any(axis=0) == values).all()
    for k, (care, ones) in enumerate(cover.products):
        assert not np.delete(covers, k, axis=0)[:, values].any(axis=0).all()
        for bit in (1 << place for place in range(n) if care >> place & 1):
            assert not values[(r & care & ~bit) == (ones & ~bit)].all()  # no literal to spare


def test_prime_implicants_are_all_there_are():
    for number in range(0, 2**16, 97):
        values = table(number, 4).astype(bool)
        r = np.arange(16)
        implicants = {
            (care, ones)
            for care in range(16)
            for ones in range(16)
            if ones & ~care == 0 and values[(r & care) == ones].all()
        }
        prime = [
            (care, ones)
            for care, ones in implicants
            if all((care & ~b, ones & ~b) not in implicants for b in (1, 2, 4, 8) if care & b)
        ]
        assert prime_implicants(values) == sorted(prime)


#: a formula, its variables, and the same in Python
FORMULAS = [
    ("(a & ~b) | c", "abc", lambda a, b, c: (a and not b) or c),
    ("a xor b xor c", "abc", lambda a, b, c: (a + b + c) % 2),
    ("not a and b or c", "abc", lambda a, b, c: (not a and b) or c),
    ("not a | b", "ab", lambda a, b: not (a or b)),
    ("a ^ b & c", "abc", lambda a, b, c: a ^ (b & c)),
    ("~(a & b) & (a | b)", "ab", lambda a, b: a != b),
    ("  true & b | 0", "b", lambda b: b),
    ("a & ~a | b & False", "ab", lambda a, b: 0),
    ("a | 1", "a", lambda a: 1),
    ("~rain", ("rain",), lambda rain: not rain),
]


@pytest.mark.parametrize(("text", "variables", "f"), FORMULAS)
def test_formulas_mean_what_python_says(text, variables, f):
    built = cp.boolean(text)
    assert built.variables == tuple(variables)
    exact(built, [int(f(*row)) for row in itertools.product((0, 1), repeat=len(variables))])
    again = cp.boolean(built.formula, variables=built.variables)  # what it prints is a formula, the same
    np.testing.assert_array_equal(again.values, built.values)


def test_every_way_to_give_a_function_is_the_same_function():
    majority = [0, 0, 0, 1, 0, 1, 1, 1]
    given = [
        majority,
        np.array(majority, dtype=bool).reshape(2, 2, 2),
        {row: int(sum(row) >= 2) for row in itertools.product((0, 1), repeat=3)},
        {f"{r:03b}": majority[r] for r in range(8)},
        "a & b | a & c | b & c",
        lambda a, b, c: a + b + c >= 2,
        lambda a, b, c: ~(~a & ~b | ~a & ~c | ~b & ~c),
    ]
    for f in given:
        exact(cp.boolean(f), majority)
    exact(cp.boolean(lambda *x: sum(x) >= 2, variables="abc"), majority)
    exact(cp.boolean("q", variables=("p", "q")), [0, 1, 0, 1])


@pytest.mark.parametrize("tolerance", [1e-9, 0.01, 0.49])
@pytest.mark.parametrize("n", [1, 3, 6])
def test_steep_sigmoids_are_within_the_tolerance(n, tolerance):
    generator = np.random.default_rng(n)
    for _ in range(10):
        values = generator.integers(0, 2, 2**n)
        built = cp.boolean(values, tolerance=tolerance)
        for engine in ENGINES:
            answers = built.model.predict(rows(n))[:, 0]
            assert np.abs(answers - values).max() <= tolerance
            np.testing.assert_array_equal(answers.round(), values)
            assert built.verify(engine=engine).holds


def test_a_spoiled_weight_is_found():
    for tolerance in (None, 0.01):
        built = cp.boolean("(a & ~b) | c", tolerance=tolerance)
        assert built.verify().holds
        built.model.theta.W[1][0, 1] *= -1
        assert not built.verify().holds
        assert set(built.verify().wrong) == {"010", "110"}
        built.model.theta.W[1][0, 1] = np.nan
        assert not built.verify(engine="textbook").holds


def test_the_model_is_one_like_any_other(tmp_path):
    hard, steep = cp.boolean("p ^ q"), cp.boolean("p ^ q", tolerance=0.05)
    X, y = rows(2), np.array([0, 1, 1, 0])
    for built in (hard, steep):
        built.model.save(tmp_path / "xor.safetensors")
        again = cp.load(tmp_path / "xor.safetensors")
        np.testing.assert_array_equal(again.predict(X), built.model.predict(X))
        seen = built.model.trace(X)
        assert (np.sign(seen.z[2][:, 0]) == 2 * y - 1).all()
        assert seen.derive("z[2][0]", example=1).value == pytest.approx(seen.z[2][1, 0], rel=1e-12)
    assert steep.model.certify(X, y).holds
    before = steep.model.evaluate(X, y)["loss"]
    network = steep.model.network
    trained = cp.train(network, X, y, initial=steep.model.theta, epochs=50, progress=False)
    assert trained.evaluate(X, y)["loss"] < before
    for verb in (hard.model.certify, hard.model.diagnose, hard.model.trace):
        with pytest.raises(cp.SpecificationError, match="'step': its derivative is 0"):
            verb(X, y)


#: what is given, other arguments, the error, a piece of what is said
REFUSED = [
    ("a & (b + 2)", {}, cp.FormulaError, "'b + 2' at character 6 is not Boolean"),
    ("é & a and f(b)", {}, cp.FormulaError, "'f(b)' at character 11 is not Boolean"),
    ("a xor b == c", {}, cp.FormulaError, "'a  ^  b == c' at character 1 is not Boolean"),
    ("(a &\n b + 1)", {}, cp.FormulaError, "'b + 1' at character 7"),
    ("a -> b", {}, cp.FormulaError, "at character 3; a Boolean formula has names"),
    ("a & 2", {}, cp.FormulaError, "'2' at character 5"),
    ("__import__('os')", {}, cp.FormulaError, "is not Boolean"),
    ("a &", {}, cp.FormulaError, "is not one formula"),
    ("", {}, cp.FormulaError, "is not one formula"),
    ("a\x1b[31m", {}, cp.FormulaError, r"'a\x1b[31m' is not one formula"),
    ("a" * 3000, {}, cp.FormulaError, "longer than the limit"),
    ("~" * 1500 + "a", {}, cp.FormulaError, "cannot be read"),
    ("1", {}, cp.SpecificationError, "has no variable"),
    ("a & b", {"variables": ("a",)}, cp.SpecificationError, "uses b, which"),
    ("a", {"variables": ("a", "a")}, cp.SpecificationError, "names one twice"),
    ("a", {"variables": ()}, cp.SpecificationError, "list of names"),
    (" & ".join(f"v{i}" for i in range(17)), {}, cp.SpecificationError, "17 variables"),
    ([0, 1, 1], {}, cp.DataError, "2, 4, 8, ... values"),
    ([0], {}, cp.DataError, "2, 4, 8, ... values"),
    ([0, 1, 1, 2], {}, cp.DataError, "value 3 is 2"),
    ([[0, 1], [1]], {}, cp.DataError, "no array"),
    (np.zeros(2**17), {}, cp.SpecificationError, "17 variables"),
    ([0, 1], {"variables": ("a", "b")}, cp.SpecificationError, "names 2, and a truth table of 2 rows has 1"),
    ({}, {}, cp.DataError, "is empty"),
    ({(0, 0): 1, (0, 1): 0, (1, 1): 1}, {}, cp.DataError, "no value for 1 of 4 rows, the first (1, 0)"),
    ({(0, 0): 1, (1,): 0}, {}, cp.DataError, "row (1,) of the truth table has 1 inputs, and others have 2"),
    ({"02": 1}, {}, cp.DataError, "row '02' of the truth table is not made of 0 and 1"),
    (lambda: 1, {}, cp.SpecificationError, "names none"),
    (max, {}, cp.SpecificationError, "names none"),
    ("a", {"variables": 5}, cp.SpecificationError, "list of names"),
    (lambda *x: 1, {}, cp.SpecificationError, "variables=('p', 'q', 'r')"),
    (lambda a: ~(not a), {}, cp.DataError, "use `not`"),
    (lambda a: "yes", {}, cp.DataError, "for a=0 is 'yes'"),
    (lambda a, b: 1 // b, {}, cp.DataError, "fails for a=0, b=0: ZeroDivisionError"),
    ("a", {"tolerance": "x"}, cp.SpecificationError, "tolerance is a number"),
    ("a", {"tolerance": 0.5}, cp.SpecificationError, "below 0.5"),
    ("a", {"tolerance": 0.0}, cp.SpecificationError, "leave it out for steps"),
]


@pytest.mark.filterwarnings("ignore:Bitwise inversion:DeprecationWarning")
@pytest.mark.parametrize(("f", "options", "error", "said"), REFUSED)
def test_what_is_no_boolean_function_is_refused(f, options, error, said):
    with pytest.raises(error, match=re.escape(said)):
        cp.boolean(f, **options)
