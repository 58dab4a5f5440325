"""Sequentials of PyTorch, opened: predictions in eval mode, folded norms, dropout, refusals."""

import copy

import numpy as np
import pytest

import clearprop as cp
from adopted import assert_certified_and_saved, assert_same, disagreement

torch = pytest.importorskip("torch")
nn = torch.nn

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(60, 4))


def seeded(*modules):
    """A Sequential whose numbers, running statistics too, are drawn from a fixed seed."""
    net = nn.Sequential(*modules)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if tensor.is_floating_point() and "running" not in name:
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.7)
            elif tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape, generator=generator) * 3 + 0.1)
    return net


def outputs(net, rows):
    """What the network gives in eval mode, in float64."""
    with torch.no_grad():
        return copy.deepcopy(net).eval().double()(torch.tensor(rows, dtype=torch.float64)).numpy()


ACTIVATIONS = [
    nn.ReLU(),
    nn.LeakyReLU(0.2),
    nn.PReLU(init=0.3),
    nn.ELU(0.7),
    nn.CELU(1.3),
    nn.SELU(),
    nn.GELU(),
    nn.GELU(approximate="tanh"),
    nn.SiLU(),
    nn.Mish(),
    nn.Hardswish(),
    nn.ReLU6(),
    nn.Hardtanh(-2, 3),
    nn.Sigmoid(),
    nn.Hardsigmoid(),
    nn.LogSigmoid(),
    nn.Tanh(),
    nn.Softsign(),
    nn.Softplus(),
    nn.Softplus(beta=2.5, threshold=3),
    nn.Softplus(beta=0.5),
    nn.Softmax(dim=-1),
    nn.Identity(),
]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_every_activation(activation):
    net = seeded(nn.Linear(4, 6), copy.deepcopy(activation), nn.Linear(6, 3)).double()
    for size in (1, 1e-3, 30):
        assert_same(cp.adopt(net), X * size, outputs(net, X * size), limit=1e-7)


OWN = [row for row in ACTIVATIONS if not isinstance(row, nn.Softmax | nn.Identity | nn.PReLU)]


@pytest.mark.parametrize("activation", OWN, ids=str)
def test_gradients_are_certified(activation):
    net = seeded(nn.Linear(4, 3), activation, nn.Linear(3, 2)).double()
    model = cp.adopt(net)
    model.engine = "textbook"
    assert model.certify(X[:8], np.zeros((8, 2))).holds


DEEP = [nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.25), nn.Linear(8, 3)]


def test_a_network_of_everything_common():
    net = seeded(
        nn.Flatten(), nn.BatchNorm1d(4, affine=False), nn.Sequential(*DEEP, nn.Identity()), nn.Softmax(1)
    )
    model = cp.adopt(net)
    assert [layer.units for layer in model.network.layers] == [8, 3]
    assert model.network.dropouts == (0.0, 0.25, 0.0)
    assert model.theta.dtype == np.float64
    assert_same(model, X * 100, outputs(net, X * 100))


def test_structure_and_dtype_are_kept_where_nothing_is_folded():
    net = seeded(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    model = cp.adopt(net)
    assert model.theta.dtype == np.float32
    np.testing.assert_array_equal(model.theta.W[1], net[0].weight.detach().numpy())
    assert cp.adopt(net.double()).theta.dtype == np.float64
    half = copy.deepcopy(net).to(torch.bfloat16)
    assert cp.adopt(half).theta.dtype == np.float32
    assert_same(cp.adopt(half), X, outputs(half, X.astype(np.float32)), limit=1e-6)


def test_linear_maps_in_a_row_become_one_unless_that_is_larger():
    assert cp.adopt(seeded(nn.Linear(4, 9), nn.Linear(9, 2))).network.depth == 1
    narrow = seeded(nn.Linear(4, 1), nn.Linear(1, 4))
    assert cp.adopt(narrow).network.depth == 2
    assert_same(cp.adopt(narrow), X, outputs(narrow, X))


def test_a_single_linear_and_shared_modules():
    assert_same(cp.adopt(seeded(nn.Linear(4, 2))[0]), X, outputs(seeded(nn.Linear(4, 2)), X))
    shared = nn.Linear(4, 4)
    net = seeded(shared, nn.Tanh(), shared, nn.Tanh(), shared)
    model = cp.adopt(net)
    assert model.network.depth == 3
    assert_same(model, X, outputs(net, X))


def test_memory_is_not_shared():
    net = seeded(nn.Linear(4, 2))
    before = net[0].weight.detach().clone()
    cp.adopt(net).theta.flat[:] = 0
    assert torch.equal(net[0].weight, before)


def test_dropout_goes_where_a_dense_layer_drops():
    net = seeded(nn.Dropout(0.1), nn.Linear(4, 5), nn.Dropout(0.2), nn.Linear(5, 5), nn.ReLU())
    net.extend([nn.Dropout(0.5), nn.Dropout(0.5), nn.Dropout(0.0), nn.Linear(5, 2)])
    assert cp.adopt(net).network.dropouts == pytest.approx((0.1, 0.2, 0.75, 0.0))
    assert_same(cp.adopt(net), X, outputs(net, X))


@pytest.mark.parametrize(
    "modules", [[nn.Linear(4, 3), nn.Dropout(0.5), nn.ReLU()], [nn.Linear(4, 3), nn.Dropout()]]
)
def test_dropout_that_cannot_be_placed_is_told(modules):
    net = seeded(*modules)
    with pytest.warns(UserWarning, match=r"layer 1 .*Dropout\(p=0.5.* is left out") as told:
        model = cp.adopt(net)
    assert told[0].filename == __file__
    assert not model.network.has_dropout
    assert_same(model, X, outputs(net, X))


@pytest.mark.parametrize("engine", ["textbook", "compiled"])
def test_an_adopted_network_certifies_and_is_saved(engine, tmp_path):
    model = cp.adopt(seeded(*DEEP), loss=cp.Huber(1.0))
    model.engine = engine
    assert model.network.loss.name == "huber"
    assert_certified_and_saved(model, X[:5], tmp_path / "adopted.safetensors")


def test_own_rows_travel_in_the_file(tmp_path):
    model = cp.adopt(
        seeded(nn.Linear(4, 3), nn.GELU(approximate="tanh"), nn.Linear(3, 3), nn.Hardswish()).double()
    )
    assert_certified_and_saved(model, X[:5], tmp_path / "adopted.safetensors")


def test_a_planted_fault_is_noticed():
    net = seeded(*DEEP)
    model = cp.adopt(net)
    model.engine = "textbook"
    model.theta.b[1][3] += 1e-3
    assert disagreement(model, X, outputs(net, X)) > 1e-6


class Branching(nn.Module):
    def forward(self, x):
        return x


def hooked():
    net = nn.Sequential(nn.Linear(4, 2))
    net[0].register_forward_hook(lambda module, given, found: 2 * found)
    return net


def damaged():
    net = nn.Sequential(nn.Linear(4, 2))
    with torch.no_grad():
        net[0].weight[0, 0] = torch.nan
    return net


REFUSED = {
    r"layer 1 \(as PyTorch counts, from 0\), Conv2d\(1, 1": [nn.Flatten(), nn.Conv2d(1, 1, 3)],
    r"layer 1\.0 .*LayerNorm": [nn.Linear(4, 2), nn.Sequential(nn.LayerNorm(2))],
    "LogSoftmax.*torch.nn.Softmax": [nn.Linear(4, 2), nn.LogSoftmax(1)],
    "dim=0.* goes over the outputs": [nn.Linear(4, 2), nn.Softmax(0)],
    "keeps no running statistics": [nn.Linear(4, 2), nn.BatchNorm1d(2, track_running_stats=False)],
    r"PReLU\(num_parameters=2\) has a slope for each": [nn.Linear(4, 2), nn.PReLU(2)],
    "start_dim=0.* joins other axes": [nn.Flatten(0), nn.Linear(4, 2)],
    "LazyLinear.*call the network once": [nn.LazyLinear(3)],
    r"Branching\(\) cannot be represented": [nn.Linear(4, 2), Branching()],
    "drops everything": [nn.Linear(4, 2), nn.Dropout(1.0), nn.Linear(2, 1)],
    "divides by its beta": [nn.Linear(4, 2), nn.Softplus(beta=0)],
    "softmax over one output": [nn.Linear(4, 1), nn.Softmax(1)],
    r"layer 1 .* takes 5 columns, and the step before it gives 2": [nn.Linear(4, 2), nn.Linear(5, 2)],
    "nothing in the network says how many": [nn.ReLU()],
    "holds torch.complex64": [nn.Linear(4, 2, dtype=torch.complex64)],
    "meta device": [nn.Linear(4, 2, device="meta")],
    "remove_parametrizations": [nn.utils.parametrizations.spectral_norm(nn.Linear(4, 2))],
}


@pytest.mark.filterwarnings("ignore:Lazy modules")
@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_represented_is_named(message):
    with pytest.raises(cp.SpecificationError, match=message):
        cp.adopt(nn.Sequential(*REFUSED[message]))


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (Branching(), "Branching is a module with a forward of its own"),
        (hooked(), "has forward hooks"),
        (damaged(), "parameter that is not finite"),
    ],
)
def test_other_refusals(net, message):
    with pytest.raises(cp.SpecificationError, match=message):
        cp.adopt(net)


def test_logits_are_told_their_activation():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    with pytest.raises(cp.SpecificationError, match=r"nn.Sequential\(net, nn.Softmax\(dim=1\)\)"):
        cp.adopt(net, loss="cross_entropy")
