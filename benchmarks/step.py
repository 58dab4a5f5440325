"""One training step on one core: clearprop beside PyTorch, scikit-learn and JAX, in turn in one run.

    python benchmarks/step.py [--networks S,M,D,L] [--peers torch,sklearn,jax] [--rounds 7] [--dtype float32]

Every contender trains the same network (ReLU, softmax cross-entropy, Adam at 1e-3) on the same 4096 rows.
A round times one epoch of each, one after the other, so that a slow moment of a shared machine meets all
of them; the ratio of a round is peer / clearprop, and the median over rounds is printed with its range.
JAX runs a whole epoch in one `lax.scan`; scikit-learn fits two epochs (its set-up is part of `fit`).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import itertools

import numpy as np

ROWS = 4096
NETWORKS: dict[str, tuple[list[int], int]] = {
    "S": ([10, 32, 2], 32),
    "M": ([64, 128, 128, 10], 128),
    "D": ([30, 64, 64, 64, 64, 64, 64, 2], 64),
    "L": ([784, 512, 512, 10], 256),
}
#: what a release promises: (peer, network) -> least ratio
BARS = {
    ("torch", "S"): 60.0,
    ("torch", "M"): 2.3,
    ("torch", "D"): 5.0,
    ("torch", "L"): 1.1,
    ("jax", "S"): 4.0,
    ("jax", "M"): 1.15,
    ("jax", "D"): 1.4,
    ("jax", "L"): 0.97,
}
Epoch = Callable[[], float]  #: runs at least one epoch, gives seconds a step


def data(widths: list[int], dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of noise and class indices; speed does not depend on what they say."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((ROWS, widths[0])).astype(dtype)
    return X, generator.integers(0, widths[-1], ROWS)


def clearprop(widths: list[int], batch: int, dtype: str) -> Epoch:
    """The engine as `train` drives it: one `run` an epoch."""
    from clearprop.engines import engine_for
    from clearprop.engines.examples import check_examples
    from clearprop.engines.protocol import OptimizerState
    from clearprop.formulas.optimizers import optimizers
    from clearprop.specification import Dense, Network

    layers = [*(Dense(width, "relu") for width in widths[1:-1]), Dense(widths[-1], "softmax")]
    network = Network(widths[0], layers)
    X, y = data(widths, dtype)
    examples = check_examples(network, X, y, dtype)
    engine = engine_for("compiled", network, dtype=dtype, optimizer=optimizers["adam"](1e-3))
    theta = network.initialize(seed=0, dtype=dtype).flat
    state = OptimizerState.fresh(network, dtype)
    steps = ROWS // batch
    rates = np.full(steps, 1e-3)
    generator = np.random.default_rng(0)

    def epoch() -> float:
        began = time.perf_counter()
        order = generator.permutation(ROWS)
        engine.run(theta, state, examples, order, 0, steps, batch_size=batch, rates=rates)
        return (time.perf_counter() - began) / steps

    return epoch


def torch(widths: list[int], batch: int, dtype: str) -> Epoch:
    """Eager PyTorch with the fused Adam."""
    import torch

    torch.set_num_threads(1)
    X, y = (torch.from_numpy(array) for array in data(widths, dtype))
    layers: list[torch.nn.Module] = []
    for fan_in, fan_out in itertools.pairwise(widths[:-1]):
        layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
    layers.append(torch.nn.Linear(widths[-2], widths[-1]))
    model = torch.nn.Sequential(*layers).to(getattr(torch, dtype))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    loss = torch.nn.CrossEntropyLoss()
    steps = ROWS // batch

    def epoch() -> float:
        began = time.perf_counter()
        order = torch.randperm(ROWS)
        for k in range(steps):
            rows = order[k * batch : (k + 1) * batch]
            optimizer.zero_grad(set_to_none=True)
            loss(model(X[rows]), y[rows]).backward()
            optimizer.step()
        return (time.perf_counter() - began) / steps

    return epoch


def sklearn(widths: list[int], batch: int, dtype: str) -> Epoch:
    """MLPClassifier, two epochs a fit."""
    from sklearn.neural_network import MLPClassifier

    warnings.filterwarnings("ignore", module="sklearn")
    X, y = data(widths, dtype)
    model = MLPClassifier(
        widths[1:-1], batch_size=batch, max_iter=2, solver="adam", alpha=0, tol=0, n_iter_no_change=10**6
    )

    def epoch() -> float:
        began = time.perf_counter()
        model.fit(X, y)
        return (time.perf_counter() - began) / (2 * (ROWS // batch))

    return epoch


def jax(widths: list[int], batch: int, dtype: str) -> Epoch:
    """A jitted epoch: every step inside one scan."""
    import jax
    import jax.numpy as jnp

    if dtype == "float64":
        jax.config.update("jax_enable_x64", True)
    arrays = data(widths, dtype)
    X, y = jnp.asarray(arrays[0]), jnp.asarray(arrays[1])
    generator = np.random.default_rng(1)
    theta = [
        (jnp.asarray((generator.standard_normal((i, o)) * np.sqrt(2 / i)).astype(dtype)), jnp.zeros(o, dtype))
        for i, o in itertools.pairwise(widths)
    ]

    def loss(theta, X, y):
        a = X
        for k, (W, b) in enumerate(theta):
            z = a @ W + b
            a = jax.nn.relu(z) if k < len(theta) - 1 else z
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(a), y[:, None], 1))

    def step(carry, rows):
        theta, m, v, t = carry
        gradient = jax.grad(loss)(theta, X[rows], y[rows])
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
        theta = jax.tree.map(
            lambda p, m, v: p - 1e-3 * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), theta, m, v
        )
        return (theta, m, v, t), None

    @jax.jit
    def scan(carry, key):
        order = jax.random.permutation(key, ROWS).reshape(-1, batch)
        return jax.lax.scan(step, carry, order)[0]

    zeros = jax.tree.map(jnp.zeros_like, theta)
    state = [(theta, zeros, zeros, jnp.asarray(0, dtype)), jax.random.PRNGKey(0)]

    def epoch() -> float:
        began = time.perf_counter()
        state[1], key = jax.random.split(state[1])
        state[0] = jax.block_until_ready(scan(state[0], key))
        return (time.perf_counter() - began) / (ROWS // batch)

    return epoch


CONTENDERS = {"torch": torch, "sklearn": sklearn, "jax": jax}


def sample(epoch: Epoch, least: float = 0.05) -> float:
    """Median seconds a step over epochs that take `least` seconds together."""
    times: list[float] = []
    began = time.perf_counter()
    while not times or time.perf_counter() - began < least:
        times.append(epoch())
    return float(np.median(times))


def main() -> int:
    """Print a line for each network and peer."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--peers", default=",".join(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a bar is missed")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"one core, {arguments.dtype}, {arguments.rounds} rounds; load average before the run {load:.2f}")
    print(f"{'network':8} {'peer':8} {'peer us':>9} {'ours us':>9} {'ratio':>7} {'range':>15}   bar")
    missed = 0
    for name in arguments.networks.split(","):
        widths, batch = NETWORKS[name]
        ours = clearprop(widths, batch, arguments.dtype)
        peers = {
            peer: CONTENDERS[peer](widths, batch, arguments.dtype)
            for peer in arguments.peers.split(",")
            if peer
        }
        for epoch in (ours, *peers.values()):
            epoch()
        times: dict[str, list[float]] = {peer: [] for peer in ("ours", *peers)}
        for _ in range(arguments.rounds):
            times["ours"].append(sample(ours))
            for peer, epoch in peers.items():
                times[peer].append(sample(epoch))
        own = np.array(times.pop("ours"))
        if not peers:
            print(f"{name:8} {'-':8} {'':9} {np.median(own) * 1e6:9.1f}")
        for peer, seconds in times.items():
            ratios = np.array(seconds) / own
            bar = BARS.get((peer, name)) if arguments.dtype == "float32" else None
            verdict = "" if bar is None else f"{bar:g} {'met' if np.median(ratios) >= bar else 'MISSED'}"
            missed += verdict.endswith("MISSED")
            print(
                f"{name:8} {peer:8} {np.median(seconds) * 1e6:9.1f} {np.median(own) * 1e6:9.1f} "
                f"{np.median(ratios):7.2f} {ratios.min():7.2f}-{ratios.max():<7.2f}   {verdict}",
                flush=True,
            )
    return 1 if missed and arguments.strict else 0


if __name__ == "__main__":
    sys.exit(main())
