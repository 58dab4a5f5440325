"""The callbacks that docs/training-tables.md gives for TensorBoard and MLflow, with stand-ins of these."""

import contextlib
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:the DataFrame")  # it leaves the patients out
PAGE = (Path(__file__).parents[1] / "docs/training-tables.md").read_text(encoding="utf-8")
EPOCHS = 40  #: of the page's settings


class Recorder:
    """Takes the calls of a `SummaryWriter`: (tag, value, global_step)."""

    def __init__(self, folder):
        self.calls, self.closed = [], False
        WRITERS.append(self)

    def add_scalar(self, tag, scalar_value, global_step):
        self.calls.append((tag, float(scalar_value), global_step))

    def add_histogram(self, tag, values, global_step):
        self.calls.append((tag, values.shape, global_step))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True


WRITERS = []


@pytest.fixture
def page(tmp_path, monkeypatch):
    """The names of the page's code that runs, and its code for TensorBoard and MLflow."""
    monkeypatch.chdir(tmp_path)
    names = {}
    runs = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec("\n".join([runs[0], runs[-1]]), names)
    return names, re.findall(r"```py\n(.*?)```", PAGE, re.DOTALL)


def test_tensorboard_is_told_of_every_epoch_and_layer(page, monkeypatch):
    module = ModuleType("tensorboardX")
    module.SummaryWriter = Recorder
    monkeypatch.setitem(sys.modules, "tensorboardX", module)
    names, (code, _) = page
    exec(code, names)
    writer = WRITERS.pop()
    losses = [call for call in writer.calls if call[0] == "loss/training"]
    assert [epoch for *_, epoch in losses] == list(range(1, EPOCHS + 1))
    assert losses[-1][1] < losses[0][1]
    assert {tag: shape for tag, shape, _ in writer.calls if tag.startswith("W")}.keys() == {"W[1]", "W[2]"}
    assert writer.closed


def test_mlflow_is_told_of_every_epoch_and_the_test(page, monkeypatch):
    module, metrics, others = ModuleType("mlflow"), [], []
    module.start_run = contextlib.nullcontext
    module.log_metrics = lambda values, step=None: metrics.append((step, values))
    module.log_params = module.log_artifact = others.append
    monkeypatch.setitem(sys.modules, "mlflow", module)
    names, (_, code) = page
    exec(code, names)
    *epochs, (step, judged) = metrics
    assert [number for number, _ in epochs] == list(range(1, EPOCHS + 1))
    assert all(set(values) == {"loss", "learning_rate"} for _, values in epochs)
    assert step is None
    assert set(judged) == {"test_accuracy", "test_log_loss", "test_roc_auc"}
    assert others == [{"hidden": (16,), "seed": 0}, "visits.safetensors"]
    assert Path("visits.safetensors").stat().st_size > 0
