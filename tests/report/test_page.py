"""The page of a report: every kind of table, hostile names, what it says when there is little to say."""

import json
import re
from dataclasses import replace
from html import unescape
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import clearprop as cp
from browser import NARROW, WIDE, faults, html_errors, opened
from clearprop.cli import app
from clearprop.datasets import penguins_path
from clearprop.report.content import content_of
from clearprop.report.frame import axis_over
from clearprop.report.page import page_of

QUICK = cp.Settings(hidden=(8,), epochs=5)
HOSTILE = ("<script>alert(1)</script>", "\"quotes\" & 'more' </td></svg>", "\x1b[31m\x00", "W" * 200)


def table(m=120, columns=3, **more):
    rng = np.random.default_rng(0)
    return pl.DataFrame({**{f"c{k}": rng.normal(size=m) for k in range(columns)}, **more})


def cycled(*labels, m=120):
    return [labels[k % len(labels)] for k in range(m)]


def hostile():
    cells = cycled(*HOSTILE[:3], m=160)
    names = {name: np.random.default_rng(k).normal(size=160) for k, name in enumerate(HOSTILE)}
    return pl.DataFrame({**names, "text<b>": cells, "y</h1><img src=x>": cycled(*HOSTILE, m=160)})


LETTERS = [chr(65 + k) for k in range(26)]
Y = np.random.default_rng(1).normal(size=(120, 5))
#: what is reported -> the table, its targets and settings of the plan
TABLES = {
    "two classes": (table(y=cycled("no", "yes")), "y", {}),
    "three classes": (penguins_path(), "species", {}),
    "26 classes": (table(m=260, y=cycled(*LETTERS, m=260)), "y", {}),
    "60 classes": (table(m=240, y=cycled(*[f"class {k}" for k in range(60)], m=240)), "y", {}),
    "scores, no probabilities": (
        table(y=cycled("no", "yes")),
        "y",
        {"settings": cp.Settings(hidden=(8,), epochs=5, loss="hinge")},
    ),
    "numbers": (penguins_path(), "body_mass_g", {}),
    "five targets": (table(**{f"t{k}": Y[:, k] for k in range(5)}), [f"t{k}" for k in range(5)], {}),
    "no test rows": (table(y=cycled("no", "yes")), "y", {"test": None}),
    "one column": (table(columns=1, y=cycled("a", "b", "c")), "y", {}),
    "100 columns": (table(columns=100, y=Y[:, 0]), "y", {}),
    "few rows": (table(m=10, y=cycled("a", "b", m=10)), "y", {}),
    "validation": (table(y=Y[:, 0]), "y", {"settings": cp.Settings(hidden=(), epochs=5, validation=0.2)}),
    "L-BFGS": (table(y=Y[:, 0]), "y", {"settings": cp.Settings(hidden=(4,), optimizer="lbfgs", l2=0.1)}),
    "hostile": (hostile(), "y</h1><img src=x>", {}),
}


def reported(name, **changes):
    source, target, options = TABLES[name]
    plan = cp.plan_table(source, target, **{"test": 0.25, "settings": QUICK, **options, **changes})
    watch = cp.Watch(live=False)
    content = content_of(cp.train_plan(plan, callbacks=watch), plan, watch=watch)
    return content, page_of(content)


def words(html):
    return unescape(re.sub(r"<[^>]*>", " ", html.split("</style>")[1]))


def foreign(html):
    """What could run, or ask the network for something."""
    body = ElementTree.fromstring(html[html.index("<body>") : html.index("</html>")])
    tags = {tag.rsplit("}", 1)[-1] for tag in (each.tag for each in body.iter())}
    found = sorted(tags & {"script", "img", "link", "iframe", "object", "embed", "style", "form"})
    for each in body.iter():
        for name, value in each.attrib.items():
            if name in ("src", "srcset", "data") or name.startswith("on") or "url(" in value:
                found.append(name)
            if name == "href" and not value.startswith("#"):
                found.append(value)
    style = html[html.index("<style>") : html.index("</style>")]
    return found + re.findall(r"url\(|@import", style)


def test_what_is_foreign_is_seen():
    planted = (
        '<style>@import "x";</style><body><a href="http://x"><img src="y" onload="z"/></a></body></html>'
    )
    assert foreign(planted) == ["img", "http://x", "src", "onload", "@import"]


def top(told):
    """What stands before the first section."""
    return told.split("Learning curves")[0]


@pytest.mark.parametrize("name", TABLES)
def test_a_page_is_valid_small_and_needs_nothing_else(name):
    content, html = reported(name)
    assert html_errors(html) == []
    assert len(html.encode()) < 500_000
    assert foreign(html) == []
    told = words(html)
    for heading in ("Data", "Learning curves", "Metrics", "Permutation importance", "Gradient flow",
                    "Diagnosis", "Gradient certificate", "One derived example"):  # fmt: skip
        assert heading in told
    kind = ("Confusion", "Calibration") if content.labels else ("Residuals",)
    assert all(heading in told for heading in kind)
    assert "nan" not in re.findall(r"\w+", told)
    assert "None" not in told
    assert content.certificate.holds


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_a_page_is_whole_in_a_browser(name, tmp_path):
    html = reported(name)[1]
    for width, dark in ((WIDE, False), (WIDE, True), (NARROW, False)):
        with opened(html, tmp_path, width=width, dark=dark) as shown:
            assert faults(shown) == []
            assert shown.evaluate("document.scripts.length") == 0


@pytest.mark.slow
def test_what_is_folded_is_there_on_paper(tmp_path):
    with opened(reported("three classes")[1], tmp_path) as shown:
        seen = "document.querySelector('#certificate details table').checkVisibility()"
        assert not shown.evaluate(seen)
        shown.emulate_media(media="print")
        assert shown.evaluate(seen)


def test_hostile_names_are_words():
    content, html = reported("hostile")
    assert set(content.labels) == set(HOSTILE)
    for given in ("<script", "<img", "<b>", "</h1><", "\x1b", "\x00", "W" * 100):
        assert given not in html.split("<h2>")[1] + html.split("<h1>")[0].split("<style>")[0], given
    assert HOSTILE[0] in words(html)
    assert r"\x1b[31m" in words(html)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no test rows", "No rows were held out: the network was trained on the rows that judge it"),
        ("no test rows", "all 120 rows to train on, none held out"),
        ("scores, no probabilities", "there is nothing to calibrate"),
        ("26 classes", "Most frequent mistakes"),
        ("60 classes", "48 more classes"),
        ("100 columns", "The 15 most important of 100 are drawn"),
        ("validation", "18 rows of the training set were held out from it to choose the epoch"),
        ("numbers", "2 rows have no value of the target 'body_mass_g' and are left out"),
        ("five targets", "2 more targets"),
        ("L-BFGS", "The training loss bears the penalties"),
        ("two classes", "The baseline, which always says"),
        ("few rows", "so few rows do not show that the network is better or worse"),
        ("three classes", "275 rows to train on, 69 held out"),
    ],
)
def test_what_a_page_says(name, told):
    changes = {"test": 0.2} if name == "three classes" else {}
    assert told in words(reported(name, **changes)[1])


def test_several_targets_are_judged_by_r2_and_one_by_rmse():
    assert reported("five targets")[0].main.name == "r2"
    assert reported("numbers")[0].main.name == "rmse"


def test_a_perfect_score_is_not_taken_for_certainty():
    y = cycled("a", "b")
    data = table(y=y).with_columns(c0=pl.Series([1.0 if label == "a" else -1.0 for label in y]))
    plan = cp.plan_table(data, "y", test=0.25, settings=cp.Settings(hidden=(8,)))
    told = words(page_of(content_of(cp.train_plan(plan), plan)))
    assert "no mistake; at least 0.9 by the rule of three" in told


def test_a_finding_stands_at_the_top():
    settings = cp.Settings(hidden=(8,), epochs=3, weight_decay=0.0, optimizer="sgd", learning_rate=1e-9)
    content, html = reported("three classes", settings=settings)
    assert content.findings
    assert f"found {len(content.findings)} thing" in top(words(html))
    assert content.findings[0].remedy in words(html)


def test_a_certificate_that_fails_is_said_at_the_top():
    wrong = cp.Activation("wrong_square", "z + z**2 / 10", derivative="1 + z / 4")
    network = cp.Network(2, [cp.Dense(3, wrong), cp.Dense(1)])
    failing = cp.certify(network, network.initialize(), [[1.0, 2.0]], [1.0], engine="textbook")
    content, _ = reported("two classes")
    told = words(page_of(replace(content, certificate=failing)))
    assert "The gradient certificate DOES NOT HOLD" in top(told)
    assert "It DOES NOT HOLD" in told


def test_the_example_is_the_row_nearest_to_a_decision():
    content, html = reported("three classes")
    p = np.sort(content.judged.answers, axis=1)
    row = content.judged.table.row_numbers[np.argmin(p[:, -1] - p[:, -2])]
    assert content.example.seen.row == row
    largest = np.abs(content.example.seen.trace.dW[1]).max()
    assert abs(content.example.derivation.value) == pytest.approx(largest)
    assert f"Row {row} of penguins.csv" in words(html)


def test_many_watched_epochs_are_drawn_thinned_and_the_watch_keeps_them():
    source, target, _ = TABLES["one column"]
    plan = cp.plan_table(source, target, test=0.25, settings=cp.Settings(hidden=(4,), epochs=301))
    watch = cp.Watch(live=False)
    content = content_of(cp.train_plan(plan, callbacks=watch), plan, watch=watch)
    lines = re.findall(r'<polyline points="([^"]*)"', content.gradients)
    assert {len(line.split()) for line in lines} == {101}
    assert ">301</text>" in content.gradients
    assert len(watch.records) == 301


def test_what_is_no_tables_model_is_refused(tmp_path):
    network = cp.Network(1, [cp.Dense(1)])
    with pytest.raises(cp.SpecificationError, match="fit_table and train_plan give it, not a Model"):
        cp.write_report(cp.Model(network, network.initialize()), penguins_path(), tmp_path / "r.html")


@pytest.mark.parametrize("values", [[], [3.0], [2.0, 2.0], [np.nan, 1.0], [-1e300, 1e300], [1e-30, 2e-30]])
def test_an_axis_holds_whatever_is_measured(values):
    axis = axis_over("x", np.array(values, dtype=float))
    finite = np.array([value for value in values if np.isfinite(value)])
    assert axis.low < axis.high
    assert ((axis.share(finite) >= 0) & (axis.share(finite) <= 1)).all()
    assert len(axis.ticks()) >= 2


@pytest.fixture
def cli(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [str(each) for each in arguments])


def test_the_command_line_writes_reports(cli, tmp_path):
    train = ("train", "penguins", "--target", "species", "--epochs", "3", "--hidden", "8", "--out", "p.st")
    done = cli(*train, "--report", "r.html")
    assert done.exit_code == 0, done.output
    assert "r.html (" in done.stdout
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "69 rows held out from training" in words(page)
    assert "the median, the middle half" in words(page)
    theta = cp.TableModel.load("p.st").theta.flat
    assert cli(*train).exit_code == 0
    np.testing.assert_array_equal(cp.TableModel.load("p.st").theta.flat, theta)  # a report changes no bit
    assert cli(*train, "--report", "r.html", "--json").exit_code == 0
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == page  # to the letter
    done = cli("evaluate", "p.st", "penguins", "--report", "new.html", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["rows"] == 344
    told = words((tmp_path / "new.html").read_text(encoding="utf-8"))
    assert "344 rows of penguins.csv are judged; whether the network was trained on them is not known" in told
    assert "was not watched" in told


@pytest.mark.parametrize(
    ("report", "complaint"),
    [
        ("nowhere/r.html", "there is no folder 'nowhere'"),
        ("p.st", "name two files"),
        (".", "is a folder"),
        ("r.pdf", "--report 'r.pdf': the report is an HTML page; give it the suffix .html"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_any_work(cli, tmp_path, report, complaint):
    done = cli("train", "penguins", "--target", "species", "--out", "p.st", "--report", report)
    assert done.exit_code == 2
    assert complaint in done.stderr
    assert not (tmp_path / "p.st").exists()


@pytest.mark.filterwarnings("ignore:penguins.csv. 11 rows have no value:UserWarning")
def test_a_report_of_a_loaded_model_and_a_frame(tmp_path):
    model = cp.fit_table(penguins_path(), "sex", settings=QUICK, test=0.2)
    model.save(tmp_path / "m.safetensors")
    frame = pl.read_csv(penguins_path(), null_values=["NA", ""])
    cp.write_report(cp.TableModel.load(tmp_path / "m.safetensors"), frame, tmp_path / "r.html")
    told = words((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "333 rows of the DataFrame are judged" in told
    assert "20% of the table of the training were held out" in told
