"""PyTorch: eager with the fused optimizers, and with the loss through `torch.compile`."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import torch
from benchmarks.speed.contenders import RATE
from benchmarks.speed.networks import Array, Case, Weights

ACTIVATIONS = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}
OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}


class Eager:
    """A `Sequential`, its loss and a fused optimizer."""

    def __init__(self, case: Case, threads: int, X: Array, Y: npt.NDArray) -> None:
        torch.set_num_threads(threads)
        self.case = case
        self.X, self.Y = torch.from_numpy(X), torch.from_numpy(Y)
        modules: list[torch.nn.Module] = []
        for fan_in, fan_out in itertools.pairwise(case.widths):
            modules += [torch.nn.Linear(fan_in, fan_out), ACTIVATIONS[case.hidden]()]
        self.model = torch.nn.Sequential(*modules[:-1]).to(getattr(torch, case.dtype))
        judge = torch.nn.CrossEntropyLoss() if case.classes else torch.nn.MSELoss()
        self.loss = lambda X, Y: judge(self.model(X), Y)

    def start(self, weights: Weights) -> None:
        with torch.no_grad():
            for linear, (W, b) in zip(self.model[::2], weights, strict=True):
                linear.weight.copy_(torch.from_numpy(W))
                linear.bias.copy_(torch.from_numpy(b))
        self.optimizer = OPTIMIZERS[self.case.optimizer](self.model.parameters(), lr=RATE, fused=True)

    def epoch(self) -> None:
        if self.case.full:
            for _ in range(self.case.epochs):
                self.step(self.X, self.Y)
            return
        for rows in torch.randperm(self.case.rows).split(self.case.batch):
            self.step(self.X[rows], self.Y[rows])

    def step(self, X: torch.Tensor, Y: torch.Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(X, Y).backward()
        self.optimizer.step()

    def classes(self, X: Array) -> npt.NDArray:
        with torch.inference_mode():
            return np.asarray(self.model(torch.from_numpy(X)).argmax(dim=1))


class Compiled(Eager):
    """Forward and backward pass compiled; needs a C++ compiler."""

    def __init__(self, case: Case, threads: int, X: Array, Y: npt.NDArray) -> None:
        super().__init__(case, threads, X, Y)
        self.loss = torch.compile(self.loss, dynamic=False)
