"""The matrix products of a step and nothing else: what no engine on the same BLAS can pass.

Of each layer x W^T, delta^T x and, but for the first, delta W, into arrays that are there already.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
from benchmarks.speed.networks import Array, Case, Weights

Product = tuple[Any, Any, Any]  #: left, right, out


def products(case: Case) -> list[Product]:
    """The products of a step, forward and then backward."""
    generator, m = np.random.default_rng(0), case.batch

    def numbers(*shape: int) -> Array:
        return generator.standard_normal(shape).astype(case.dtype)

    forward: list[Product] = []
    backward: list[Product] = []
    x = numbers(m, case.widths[0])
    for l, (fan_in, fan_out) in enumerate(itertools.pairwise(case.widths), start=1):
        W, z, delta = numbers(fan_out, fan_in), numbers(m, fan_out), numbers(m, fan_out)
        forward.append((x, W.T, z))
        backward.append((delta.T, x, np.empty_like(W)))
        if l > 1:
            backward.append((delta, W, np.empty_like(x)))
        x = z
    return forward + backward[::-1]


class NumPyProducts:
    """NumPy, whose BLAS is OpenBLAS in its own wheels."""

    def __init__(self, case: Case, threads: int, X: Array, Y: npt.NDArray) -> None:
        self.steps, self.products = case.steps, products(case)

    def start(self, weights: Weights) -> None:
        """Nothing changes from step to step."""

    def epoch(self) -> None:
        for _ in range(self.steps):
            for left, right, out in self.products:
                np.matmul(left, right, out=out)


class TorchProducts(NumPyProducts):
    """PyTorch, whose BLAS is MKL in its own wheels."""

    def __init__(self, case: Case, threads: int, X: Array, Y: npt.NDArray) -> None:
        import torch

        torch.set_num_threads(threads)
        super().__init__(case, threads, X, Y)
        self.multiply = torch.mm
        self.products = [tuple(torch.from_numpy(array) for array in product) for product in self.products]

    def epoch(self) -> None:
        for _ in range(self.steps):
            for left, right, out in self.products:
                self.multiply(left, right, out=out)
