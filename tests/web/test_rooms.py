"""What the page asks for and is answered, over HTTP: data, settings, verbs, frames, the glass box."""

import html.parser
import io
import json
import urllib.parse
import urllib.request

import polars as pl
import pytest

from clearprop.datasets import penguins_path
from clearprop.web.rooms import rendering
from clearprop.web.rooms.plugs import DRAWINGS
from served import asked, request, serving, still

SCRIPT = "<script>hacked=1</script>"
IMAGE = '"><img src=x onerror=hacked=1>'


@pytest.fixture(scope="module")
def served():
    with serving() as made:
        yield made


@pytest.fixture
def bench(served):
    """The path of a new bench whose run stands ready."""
    state = asked(served, "/api/benches", body={})
    path = f"/api/benches/{state['id']}"
    still(served, path)
    return path


def refusal(served, path, **given):
    """What a refused request is told."""
    status, _, body = request(served, path, **given)
    assert status == 400, (path, status, body)
    return json.loads(body)["error"]


def upload(served, data, name="mine.csv"):
    path = f"/api/uploads?name={urllib.parse.quote(name)}"
    return asked(served, path, body=data, kind="application/octet-stream")


def first_frame(served, path, show="network,curves", row=""):
    wire = urllib.request.Request(
        f"{served.address.origin}{path}/frames?show={show}&row={row}",
        headers={"X-Clearprop-Token": served.address.token},
    )
    with urllib.request.urlopen(wire, timeout=60) as answer:
        line = answer.readline()
    return json.loads(line.removeprefix(b"data: "))


def test_from_a_fresh_start_to_a_derived_gradient_on_an_uploaded_table(served, bench):
    held = upload(served, penguins_path().read_bytes(), "penguins.csv")
    assert held["rows"] == 344
    assert held["columns"][0] == {"name": "species", "kind": "text"}
    chosen = {"upload": held["id"], "target": "species", "share": 0.2}
    state = asked(served, f"{bench}/data", body=chosen)
    assert state["data"]["classes"] == ["Adelie", "Chinstrap", "Gentoo"]
    assert (state["data"]["training"], state["data"]["held_out"]) == (275, 69)
    assert state["data"]["upload"]["id"] == held["id"]
    layers = [{"units": 6, "activation": "relu"}, {"units": 4, "activation": "tanh", "bias": False}]
    state = asked(served, f"{bench}/settings", body={"layers": layers, "epochs": 20})
    assert state["network"]["widths"] == [17, 6, 4, 3]
    still(served, bench)
    for verb in ("batch", "epoch", "run"):
        asked(served, f"{bench}/do", body={"verb": verb})
    assert still(served, bench)["status"] == "ended"
    frame = first_frame(served, bench)
    assert (frame["epoch"], frame["ended"], frame["metric_name"]) == (20, "epochs", "accuracy")
    assert frame["loss"] < 0.7
    assert set(frame["drawings"]) == {"network", "curves"}
    asked(served, f"{bench}/do", body={"verb": "back", "epoch": 3})
    assert first_frame(served, bench)["epoch"] == 3
    seen = asked(served, f"{bench}/row?row=4")
    assert '<input data-cell="bill_length_mm" value=""' in seen
    assert 'data-of="W[1][2,0]"' in seen
    for view in ("recursive", "paths"):
        found = asked(served, f"{bench}/derivation?row=1&of=W[1][2,0]&view={view}")
        assert "<math" in found
    assert "holds" in asked(served, f"{bench}/certificate?row=1")
    assert "<table" in asked(served, f"{bench}/preview")


@pytest.mark.parametrize("suffix", ["parquet", "csv.gz"])
def test_other_tables_are_read_too(served, suffix):
    import gzip

    held = io.BytesIO()
    frame = pl.read_csv(penguins_path(), null_values="NA")
    if suffix == "parquet":
        frame.write_parquet(held)
    else:
        held.write(gzip.compress(frame.write_csv().encode()))
    assert upload(served, held.getvalue(), f"p.{suffix}")["rows"] == 344


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"a,b\n1,2\n3\n", "mine.csv", "mine.csv"),
        (b"", "mine.csv", "mine.csv"),
        (b"PK\x03\x04", "mine.csv", "mine.csv is an Excel workbook"),
        (b"a,b\n1,2\n", "mine.exe", "mine.exe: the suffix '.exe'"),
        (b"a,b\n1,2\n", "", "the suffix"),
        (b"nothing", "mine.parquet", "mine.parquet"),
        (b"\x1f\x8bnothing", "mine.csv.gz", "mine.csv.gz"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_by_its_own_name(served, data, name, message):
    path = f"/api/uploads?name={name}"
    said = refusal(served, path, body=data, kind="application/octet-stream")
    assert message in said
    assert "clearprop-" not in said
    assert "/tmp" not in said


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/data", {"set": "nonsense"}, "nonsense"),
        ("/data", {"set": 5}, "set is missing"),
        ("/data", {"upload": "../../etc/passwd", "target": "a"}, "table is gone"),
        ("/data", {"set": "moons", "noise": "much"}, "noise"),
        ("/data", {"set": "moons", "rows": 10**9}, "rows"),
        ("/data", {"set": "moons", "share": 2}, "share"),
        ("/data", {"set": "moons", "seed": -1}, "seed"),
        ("/data", {"set": "moons", "seed": 1e300}, "seed"),
        ("/settings", {"layers": [{"units": 10**9}]}, "units"),
        ("/settings", {"layers": [[[[]]]]}, "layers"),
        ("/do", {"verb": "__class__"}, "no verb"),
        ("/do", {"verb": "back", "epoch": 99}, "0 epochs"),
        ("/do", {"verb": "edit", "name": "W[9][0,0]", "value": 1}, "no parameter"),
        ("/do", {"verb": "edit", "name": "z[1][0]", "value": 1}, "is no parameter"),
        ("/do", b'{"verb": "run", "verb": "run"}', "request"),
        ("/do", b'{"verb": NaN}', "request"),
        ("/do", b"[1]", "not a JSON object"),
        ("/do", b"[" * 9000, "request"),
        ("/row?row=0", None, "no row 0"),
        ("/row?row=x", None, "row is missing"),
        ("/row", None, "row is missing"),
        ("/derivation?row=1&of=W[1]", None, "W[1]"),
        ("/derivation?row=1&of=__class__", None, "__class__"),
        ("/derivation?row=1&of=W[1][0,0]&view=x", None, "view"),
        ("/derivation?row=1&of=W[1][0,0]&terms=99999", None, "terms"),
        ("/certificate?row=1e9", None, "row is missing"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_changes_nothing(served, bench, path, body, message):
    before = asked(served, bench)
    assert message in refusal(served, bench + path, body=body)
    assert asked(served, bench) == before


def test_an_edit_is_seen_and_said(served, bench):
    asked(served, f"{bench}/do", body={"verb": "edit", "name": "b[2][0]", "value": 2.5})
    assert first_frame(served, bench)["edited"] is True
    assert "2.5" in asked(served, f"{bench}/derivation?row=1&of=z[2][0]")


def test_what_nobody_shows_is_not_drawn(served, bench, monkeypatch):
    from clearprop.web.rooms import plugs

    calls = []
    monkeypatch.setattr(plugs, "DRAWINGS", {**DRAWINGS, "spy": lambda scene: calls.append(scene) or "drawn"})
    assert first_frame(served, bench, show="curves,nonsense")["drawings"].keys() == {"curves"}
    assert calls == []
    assert first_frame(served, bench, show="spy", row="7")["drawings"] == {"spy": "drawn"}
    assert [scene.example.number for scene in calls] == [7]


class Tags(html.parser.HTMLParser):
    """Tags and attributes of a piece of HTML that could run something, or that the policy forbids."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "img", "iframe", "style", "link", "object", "embed", "form"):
            self.found.append(tag)
        self.found += [name for name, _ in attributes if name.startswith("on") or name in ("style", "src")]


def pieces(served, path):
    """Every piece of HTML of a bench, and its first frame's drawings."""
    for what in (
        "preview",
        "row?row=1",
        "derivation?row=1&of=W[1][0,0]",
        "derivation?row=1&of=x[0]",
        "certificate?row=1",
    ):
        yield asked(served, f"{path}/{what}")
    asked(served, f"{path}/do", body={"verb": "epoch"})
    yield from first_frame(served, path, show=",".join(DRAWINGS))["drawings"].values()


def hostile_table():
    """A script in a header cell, in a category, in the target and its name; 40 rows."""
    quoted = [json.dumps(text)[1:-1].replace('\\"', '""') for text in (SCRIPT, IMAGE)]
    head = f'"{quoted[0]}","{quoted[1]}",value,"target{quoted[0]}"'
    rows = [f'"{quoted[k % 2]}","b{k % 3}",{k},"{quoted[k // 2 % 2]}"' for k in range(40)]
    return "\n".join([head, *rows]).encode()


def hostile_pieces(served, bench):
    held = upload(served, hostile_table(), f"{SCRIPT}.csv".replace("/", "_"))
    assert held["columns"][0]["name"] == SCRIPT
    asked(served, f"{bench}/data", body={"upload": held["id"], "target": f"target{SCRIPT}"})
    still(served, bench)
    return list(pieces(served, bench))


def test_scripts_in_cells_stay_text(served, bench):
    found = hostile_pieces(served, bench)
    assert any("&lt;script&gt;" in piece for piece in found)
    assert [Tags(piece).found for piece in found] == [[]] * len(found)


def test_a_planted_template_that_escapes_nothing_is_found(served, bench, monkeypatch):
    monkeypatch.setattr(rendering.environment(), "autoescape", False)
    rendering.environment().cache.clear()
    found = hostile_pieces(served, bench)
    rendering.environment().cache.clear()
    assert any("script" in Tags(piece).found for piece in found)
    assert any("onerror" in Tags(piece).found for piece in found)


def test_files_of_the_command_line_open_in_every_tab(tmp_path):
    from clearprop.table_model import Settings, fit_table
    from clearprop.web.opening import opened

    model = fit_table(penguins_path(), "species", settings=Settings(hidden=(5,), epochs=5))
    path = tmp_path / "penguins.safetensors"
    model.save(path)
    found = opened([str(path), "penguins"])
    with serving(fresh=found.fresh, table=found.table) as served:
        states = [asked(served, "/api/benches", body={}) for _ in range(2)]
        assert states[0]["id"] != states[1]["id"]
        for state in states:
            assert state["network"]["widths"] == [17, 5, 3]
            assert state["data"]["upload"]["name"] == "penguins.csv"
    bench = found.fresh()
    assert (bench.theta(bench.moment()).flat == model.theta.flat).all()
    bench.pace.one_epoch()
    assert bench.moment().epoch == 1
    bench.close()
