"""`clearprop serve` with files: a model alone, with a table, and tables that do or do not fit it."""

import json
import urllib.parse

import pytest

import clearprop as cp
from clearprop.datasets import penguins_path
from clearprop.errors import ClearpropError
from clearprop.web.opening import opened
from served import asked, request, serving

TYPED = b"species,bill_length_mm,island\nGentoo,47.5,Biscoe\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Model files of a table, of numbers, and of a bare network."""
    made = tmp_path_factory.mktemp("models")
    frame = cp.read_table(penguins_path())
    settings = cp.Settings(hidden=(4,), epochs=2)
    keep = ["body_mass_g", "bill_depth_mm", "flipper_length_mm", "sex", "year"]
    cp.fit_table(frame, "species", exclude=keep, settings=settings).save(made / "classes.safetensors")
    known = frame.take(frame.column("body_mass_g").known)
    cp.fit_table(known, "body_mass_g", settings=settings).save(made / "numbers.safetensors")
    network = cp.Network(2, [cp.Dense(3), cp.Dense(3, "softmax")], "cross_entropy")
    cp.Model(network, network.initialize(), classes=("a", "b", "c")).save(made / "bare.safetensors")
    return made


@pytest.mark.parametrize("name", ["classes", "numbers", "bare"])
def test_a_model_alone_is_looked_through_and_goes_on(folder, name):
    bench = opened([str(folder / f"{name}.safetensors")]).fresh()
    assert (bench.moment().theta == bench.opened.theta.flat).all()
    assert bench.certify(1).holds
    assert bench.derive(1, "W[1][0,0]").value == bench.trace(1).dW[1][0, 0]
    bench.pace.one_epoch()
    assert (bench.moment().theta != bench.opened.theta.flat).any()
    bench.reset()
    assert (bench.moment().theta == bench.opened.theta.flat).all()
    bench.close()


def test_rows_are_typed_or_dropped_into_a_model(folder):
    opening = opened([str(folder / "classes.safetensors")])
    with serving(fresh=opening.fresh) as served:
        state = asked(served, "/api/benches", body={})
        path = f"/api/benches/{state['id']}"
        assert state["model"] == {
            "name": "classes.safetensors",
            "columns": ["island", "bill_length_mm", "species"],
            "standing": True,
        }
        widths = state["network"]["widths"]
        state = asked(served, f"{path}/data", body={"upload": kept(served, TYPED), "model": True})
        assert state["network"]["widths"] == widths
        assert (state["data"]["training"], state["data"]["held_out"]) == (1, 0)
        assert 'value="47.5"' in asked(served, f"{path}/row?row=1")
        whole = kept(served, penguins_path().read_bytes())
        state = asked(served, f"{path}/data", body={"upload": whole, "model": True, "share": 0.5})
        assert (state["data"]["training"], state["data"]["held_out"]) == (172, 172)
        assert (asked(served, path)["data"], state["model"]["standing"]) == (state["data"], True)
        state = asked(served, f"{path}/data", body={"upload": whole, "target": "island"})
        assert not state["model"]["standing"]
        for data, message in (
            (b"species,island\nGentoo,Biscoe\n", "bill_length_mm"),
            (b"island,bill_length_mm\nBiscoe,47\n", "species"),
            (b"species,bill_length_mm,island\n,47.5,Biscoe\n", "no row has a value of the target"),
            (b"species,bill_length_mm,island\nGentoo,long,Biscoe\n", "'long'"),
            (b"species,bill_length_mm,island\nDodo,47.5,Biscoe\n", "Dodo"),
        ):
            body = {"upload": kept(served, data), "model": True}
            status, _, answer = request(served, f"{path}/data", body=body)
            assert status == 400
            assert message in json.loads(answer)["error"]
        assert asked(served, path)["data"]["targets"] == ["island"]


def kept(served, data):
    path = f"/api/uploads?name={urllib.parse.quote('typed.csv')}"
    return asked(served, path, body=data, kind="application/octet-stream")["id"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("u,v,label\n1,2,a\n3,4,c\n", None),
        ("u,label\n1,a\n", "takes 3: 2 inputs, then y"),
        ("u,v,label\n1,2,d\n", "'d' is no class of the model"),
        ("u,v,label\n1,x,a\n", "'v' is text"),
        ("u,v,label\n1,,a\n2,1,b\n", "'v': the cell is missing"),
    ],
)
def test_a_bare_network_takes_columns_in_their_order(folder, tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    files = [str(folder / "bare.safetensors"), str(tmp_path / "t.csv")]
    if message is not None:
        with pytest.raises(ClearpropError, match=message):
            opened(files)
        return
    bench = opened(files).fresh()
    assert bench.data.features == ("u", "v")
    assert sorted(int(bench.data.example(k).Y[0]) for k in (1, 2)) == [0, 2]
    bench.close()


def test_another_target_than_the_model_s_is_refused(folder):
    with pytest.raises(ClearpropError, match="predicts species, not island"):
        opened([str(folder / "classes.safetensors"), "penguins"], "island")
