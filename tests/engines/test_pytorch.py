"""The gradients of PyTorch's autograd, for every activation and loss that PyTorch has (slow tier)."""

import numpy as np
import pytest

import clearprop as cp
from clearprop.formulas.activations import CoupledActivation, activations
from clearprop.formulas.losses import losses

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch", reason="the peer is in the extra 'bench'")
F = torch.nn.functional

#: what PyTorch calls a row; those it has not are written in its tensors, so that autograd differentiates them
ACTIVATIONS = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "softplus": F.softplus,
    "gelu": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
    # F.hardsigmoid's backward pass holds 1/6 in float32 even for float64 (1.2e-7 off), so it is spelt out.
    "hard_sigmoid": lambda z: torch.clamp(z / 6 + 0.5, 0, 1),
    "exp": torch.exp,
    "softmax": lambda z: torch.softmax(z, dim=1),
    "maxout": lambda z: z.reshape(len(z), -1, 2).max(dim=2).values,
    "monotone": lambda z: torch.cat((z[:, :1], F.softplus(z[:, 1:])), dim=1).cumsum(dim=1),
}
LOSSES = {
    "half_squared_error": lambda a, y: (F.mse_loss(a, y, reduction="none") / 2).sum(1),
    "squared_error": lambda a, y: F.mse_loss(a, y, reduction="none").sum(1),
    "absolute_error": lambda a, y: F.l1_loss(a, y, reduction="none").sum(1),
    "binary_cross_entropy": lambda a, y: F.binary_cross_entropy(a, y, reduction="none").sum(1),
    "binary_cross_entropy_bits": lambda a, y: (
        F.binary_cross_entropy(a, y, reduction="none").sum(1) / np.log(2)
    ),
    "cross_entropy": lambda a, y: F.nll_loss(a.log(), y.argmax(1), reduction="none"),
    "cross_entropy_bits": lambda a, y: F.nll_loss(a.log(), y.argmax(1), reduction="none") / np.log(2),
    "huber": lambda a, y: F.huber_loss(a, y, reduction="none", delta=1.0).sum(1),
    "kl_divergence": lambda a, y: F.kl_div(a.log(), y, reduction="none").sum(1),
    "poisson": lambda a, y: F.poisson_nll_loss(a, y, log_input=False, eps=0.0, reduction="none").sum(1),
    "hinge": lambda a, y: torch.relu(1 - y * a).sum(1),
    "squared_hinge": lambda a, y: (torch.relu(1 - y * a) ** 2).sum(1),
    "quantile": lambda a, y: torch.maximum(0.5 * (y - a), -0.5 * (y - a)).sum(1),
}
PAIRS = [
    (output, loss)
    for output in activations
    for loss in losses
    if output != "step"
    and (
        activations[output].name == losses[loss].link or activations[output].range.within(losses[loss].domain)
    )
    and (losses[loss].targets != "distribution" or output == "softmax")
]


def test_every_row_is_compared():
    assert set(ACTIVATIONS) == set(activations) - {"step"}
    assert set(LOSSES) == set(losses)


def targets_for(loss, generator, m, n):
    return {
        "numbers": lambda: generator.standard_normal((m, n)),
        "counts": lambda: generator.poisson(2.0, (m, n)).astype(float),
        "probabilities": lambda: generator.integers(0, 2, (m, n)).astype(float),
        "signs": lambda: generator.choice([-1.0, 1.0], (m, n)),
        "distribution": lambda: np.eye(n)[generator.integers(0, n, m)],
    }[losses[loss].targets]()


def compare(hidden, output, loss, seed=0):
    generator = np.random.default_rng(seed)
    net = cp.Network(5, [cp.Dense(6, hidden), cp.Dense(4, hidden), cp.Dense(3, output)], loss=loss, l2=0.1)
    theta = net.initialize(seed=seed)
    theta.flat[:] += 0.2 * generator.standard_normal(theta.flat.size)
    X, Y = generator.standard_normal((20, 5)), targets_for(loss, generator, 20, 3)
    weights = generator.random(20)
    value, gradient = cp.gradient(net, theta, X, Y, sample_weight=weights)

    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in theta.items()}
    a = torch.tensor(X)
    for l, layer in enumerate(net.layers, start=1):
        a = ACTIVATIONS[layer.activation.name](a @ tensors[f"W[{l}]"].T + tensors[f"b[{l}]"])
    w = torch.tensor(weights)
    expected = (w * LOSSES[loss](a, torch.tensor(Y))).sum() / w.sum()
    expected = expected + 0.05 * sum((tensors[name] ** 2).sum() for name in tensors if name[0] == "W")
    expected.backward()
    assert value == pytest.approx(expected.item(), rel=1e-10)
    for name, array in gradient.items():
        reference = tensors[name].grad.numpy()
        np.testing.assert_allclose(array, reference, rtol=1e-8, atol=1e-10 * max(1, np.abs(reference).max()))


@pytest.mark.parametrize("hidden", [name for name in ACTIVATIONS if name != "exp"])
def test_hidden_activations_have_pytorchs_gradients(hidden):
    compare(hidden, "softmax", "cross_entropy")
    compare(hidden, "identity", "squared_error", seed=1)


@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_output_and_loss_have_pytorchs_gradients(output, loss):
    compare("tanh", output, loss)


def test_coupled_rows_are_those_compared():
    assert {row.name for row in activations.values() if isinstance(row, CoupledActivation)} == {
        "softmax",
        "maxout",
        "monotone",
    }
