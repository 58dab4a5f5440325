"""Both engines on random combinations of everything, one engine object asked for everything in any order.

What single-feature tests cannot see: working memory left over from another call, buffers of neighbours of
unlike widths, blocks and tails of batches, a coupled activation beside dropout.
"""

import numpy as np
import pytest

from clearprop.engines import engine_for
from clearprop.engines.dropout import dropout_masks
from clearprop.engines.examples import Examples
from clearprop.engines.protocol import Engine, OptimizerState
from clearprop.formulas.activations import activations
from clearprop.formulas.losses import losses
from clearprop.formulas.optimizers import optimizers
from clearprop.specification import Dense, Network, Parameters
from networks import TRAINABLE, fits, targets_for

RULES = [row for row in optimizers.values() if row.step]


def random_activation(rng):
    row = TRAINABLE[rng.integers(len(TRAINABLE))]
    return row(int(rng.choice([1, 2, 3, 5]))) if row.name == "maxout" else row


def random_network(rng):
    hidden = [
        Dense(
            int(rng.choice([1, 2, 3, 7, 16, 17, 33])),
            row if row.name != "exp" else activations["tanh"],
            bias=bool(rng.random() < 0.8),
            dropout=float(rng.choice([0, 0, 0.3, 0.5])),
        )
        for row in (random_activation(rng) for _ in range(rng.integers(0, 4)))
    ]
    loss = list(losses.values())[rng.integers(len(losses))]
    output = random_activation(rng)
    while not fits(output, loss):
        output = random_activation(rng)
    width = int(rng.choice([2, 3, 10] if output.name == "softmax" else [1, 2, 3, 10]))
    return Network(
        int(rng.choice([1, 2, 5, 30])),
        [*hidden, Dense(width, output, bias=bool(rng.random() < 0.8))],
        loss=loss,
        l1=float(rng.choice([0, 0.01])),
        l2=float(rng.choice([0, 0.1])),
        input_dropout=float(rng.choice([0, 0, 0.2])),
    )


def random_examples(network, rng):
    m = int(rng.choice([1, 2, 65, 300, 1500, 5000] if network.n_parameters < 500 else [1, 2, 65, 300]))
    weights = None
    if rng.random() < 0.5:
        weights = np.where(rng.random(m) < 0.2, 0, rng.random(m))
        weights[0] = 1.0
    Y = targets_for(network.loss, m, network.output.units, rng)
    return Examples(rng.standard_normal((m, network.inputs)), Y, weights)


def assert_close(ours, reference, what):
    """To 1e-8 of the largest number; a gradient that is 0 but for rounding is left alone."""
    scale = max(float(np.max(np.abs(reference), initial=0.0)), 1e-6)
    np.testing.assert_allclose(ours, reference, rtol=1e-8, atol=1e-8 * scale, err_msg=what)


def assert_same_bits_fused_and_composed(engine, network, theta, examples, rng):
    m = len(examples)
    batch_size = min(int(rng.choice([1, 3, 64, 300, 5000])), m)
    batches = min(-(-m // batch_size), 40)
    order = rng.permutation(m)[: batches * batch_size]
    results = []
    for run in (engine.run, lambda *a, **k: Engine.run(engine, *a, **k)):
        own, state = theta.copy(), OptimizerState.fresh(network, engine.dtype)
        with np.errstate(all="ignore"):
            stretch = run(
                own,
                state,
                examples,
                order,
                0,
                batches,
                batch_size=batch_size,
                rates=np.full(batches, 0.003),
                seed=3,
                epoch=1,
            )
        results.append((own.tobytes(), state.slots.tobytes(), state.t, stretch))
    assert results[0] == results[1], network


def one_case(seed, dtype="float64"):
    rng = np.random.default_rng(seed)
    network = random_network(rng)
    rule = RULES[rng.integers(len(RULES))](
        0.01, clip_norm=[None, 0.1][rng.integers(2)], weight_decay=float(rng.choice([0, 0.1]))
    )
    textbook, compiled = (
        engine_for(name, network, dtype=dtype, optimizer=rule) for name in ("textbook", "compiled")
    )
    theta = network.initialize(seed).flat
    theta = (theta + 0.2 * rng.standard_normal(theta.size)).astype(dtype)
    own = Parameters(network, theta)
    for l, layer in enumerate(network.layers[:-1], start=1):
        if layer.activation.name == "monotone":  # sums up to 0.7 times its units: a softmax above saturates,
            own.W[l + 1][...] /= layer.units  # and 1 - a, which a loss may divide by, has no digits left
    drawn = random_examples(network, rng)
    examples = Examples(drawn.X.astype(dtype), drawn.Y.astype(dtype), drawn.weights)
    X, Y, scale = examples.X, examples.Y, examples.scale()
    for operation in rng.permutation(
        ["forward", "gradient", "masked", "evaluate", "run", "forward", "gradient"]
    ):
        what = f"{operation} of {network}, seed {seed}"
        if operation == "run":
            assert_same_bits_fused_and_composed(compiled, network, theta, examples, rng)
        elif dtype == "float32":
            compiled.forward(theta, X)  # leaves its numbers behind
        elif operation == "forward":
            assert_close(compiled.forward(theta, X), textbook.forward(theta, X), what)
        elif operation == "evaluate":
            ours, reference = (engine.evaluate(theta, X, Y, scale) for engine in (compiled, textbook))
            assert_close(ours[0], reference[0], what)
            assert_close(ours[1], reference[1], what)
        else:
            masks = dropout_masks(network, 1, 2, np.arange(len(X))) if operation == "masked" else None
            ours, reference = (
                engine.gradient_sum(theta, X, Y, scale, masks) for engine in (compiled, textbook)
            )
            assert_close(ours[0], reference[0], what)
            assert_close(ours[1], reference[1], what)


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_engines_agree_whatever_is_asked_in_whatever_order(first):
    for seed in range(first, first + 100):
        one_case(seed)


def test_fused_and_composed_runs_have_the_same_bits_in_float32():
    for seed in range(200):
        one_case(seed, dtype="float32")


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 11000, 1000))
def test_engines_agree_on_ten_thousand_more(first):
    for seed in range(first, first + 1000):
        one_case(seed)
