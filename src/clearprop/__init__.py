"""clearprop: feedforward networks with nothing hidden.

Every name resolves when it is first used, so `import clearprop` loads NumPy and little else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from clearprop.environment import __version__

if TYPE_CHECKING:
    from clearprop.adoption import adopt as adopt
    from clearprop.distributed.fitting import fit_distributed as fit_distributed
    from clearprop.engines import forward as forward
    from clearprop.engines import gradient as gradient
    from clearprop.engines.jacobian import input_gradient as input_gradient
    from clearprop.engines.jacobian import jacobian as jacobian
    from clearprop.errors import ClearpropError as ClearpropError
    from clearprop.errors import DataError as DataError
    from clearprop.errors import FormulaError as FormulaError
    from clearprop.errors import ModelFileError as ModelFileError
    from clearprop.errors import SpecificationError as SpecificationError
    from clearprop.estimators import Autoencoder as Autoencoder
    from clearprop.estimators import MLPClassifier as MLPClassifier
    from clearprop.estimators import MLPRegressor as MLPRegressor
    from clearprop.estimators import TabularClassifier as TabularClassifier
    from clearprop.estimators import TabularRegressor as TabularRegressor
    from clearprop.export.estimators import register_skl2onnx as register_skl2onnx
    from clearprop.formulas.activations import ELU as ELU
    from clearprop.formulas.activations import Activation as Activation
    from clearprop.formulas.activations import LeakyReLU as LeakyReLU
    from clearprop.formulas.activations import Maxout as Maxout
    from clearprop.formulas.activations import activations as activations
    from clearprop.formulas.initializers import initializers as initializers
    from clearprop.formulas.losses import Huber as Huber
    from clearprop.formulas.losses import Loss as Loss
    from clearprop.formulas.losses import Quantile as Quantile
    from clearprop.formulas.losses import losses as losses
    from clearprop.formulas.optimizers import LBFGS as LBFGS
    from clearprop.formulas.optimizers import SGD as SGD
    from clearprop.formulas.optimizers import Adagrad as Adagrad
    from clearprop.formulas.optimizers import Adam as Adam
    from clearprop.formulas.optimizers import AdamW as AdamW
    from clearprop.formulas.optimizers import LevenbergMarquardt as LevenbergMarquardt
    from clearprop.formulas.optimizers import Momentum as Momentum
    from clearprop.formulas.optimizers import Nesterov as Nesterov
    from clearprop.formulas.optimizers import RMSprop as RMSprop
    from clearprop.formulas.optimizers import optimizers as optimizers
    from clearprop.formulas.schedules import Cosine as Cosine
    from clearprop.formulas.schedules import Exponential as Exponential
    from clearprop.formulas.schedules import InverseScaling as InverseScaling
    from clearprop.formulas.schedules import OneCycle as OneCycle
    from clearprop.formulas.schedules import ReduceOnPlateau as ReduceOnPlateau
    from clearprop.formulas.schedules import StepDecay as StepDecay
    from clearprop.formulas.schedules import schedules as schedules
    from clearprop.glassbox.certifying import certify as certify
    from clearprop.glassbox.checker.checking import check_formula as check_formula
    from clearprop.glassbox.checker.verdict import FormulaVerdict as FormulaVerdict
    from clearprop.glassbox.diagnosis import DiagnosisWarning as DiagnosisWarning
    from clearprop.glassbox.diagnosis import Watch as Watch
    from clearprop.glassbox.diagnosis import diagnose as diagnose
    from clearprop.glassbox.influence import gradient_norms as gradient_norms
    from clearprop.glassbox.loss_along import loss_along as loss_along
    from clearprop.glassbox.trace import trace as trace
    from clearprop.glassbox.worksheet.sheet import worksheet as worksheet
    from clearprop.metrics import Metric as Metric
    from clearprop.model import Model as Model
    from clearprop.model import load as load
    from clearprop.model import train as train
    from clearprop.model import train_many as train_many
    from clearprop.model_file.inspecting import inspect_file as inspect_file
    from clearprop.report import write_report as write_report
    from clearprop.specification import Dense as Dense
    from clearprop.specification import Network as Network
    from clearprop.specification import Parameters as Parameters
    from clearprop.specification import parameters_from_arrays as parameters_from_arrays
    from clearprop.table_model import Settings as Settings
    from clearprop.table_model import TableModel as TableModel
    from clearprop.table_model import fit_table as fit_table
    from clearprop.table_model import train_plan as train_plan
    from clearprop.table_model.cross_validation import cross_validate_table as cross_validate_table
    from clearprop.table_model.explaining import explain_row as explain_row
    from clearprop.table_model.plan import plan_table as plan_table
    from clearprop.table_model.replaying import replay_table as replay_table
    from clearprop.table_model.search import search_table as search_table
    from clearprop.table_model.search_space import Range as Range
    from clearprop.table_model.streaming import fit_stream as fit_stream
    from clearprop.table_model.streaming import open_stream as open_stream
    from clearprop.tables import read_table as read_table
    from clearprop.training.run import EpochReport as EpochReport
    from clearprop.training.run import TrainingDiverged as TrainingDiverged

#: module -> the public names that live there
_HOMES: dict[str, tuple[str, ...]] = {
    "adoption": ("adopt",),
    "engines": ("forward", "gradient"),
    "engines.jacobian": ("input_gradient", "jacobian"),
    "errors": ("ClearpropError", "DataError", "FormulaError", "ModelFileError", "SpecificationError"),
    "formulas.activations": ("ELU", "Activation", "LeakyReLU", "Maxout", "activations"),
    "formulas.initializers": ("initializers",),
    "formulas.losses": ("Huber", "Loss", "Quantile", "losses"),
    "formulas.optimizers": (
        "LBFGS",
        "SGD",
        "Adagrad",
        "Adam",
        "AdamW",
        "LevenbergMarquardt",
        "Momentum",
        "Nesterov",
        "RMSprop",
        "optimizers",
    ),
    "formulas.schedules": (
        "Cosine",
        "Exponential",
        "InverseScaling",
        "OneCycle",
        "ReduceOnPlateau",
        "StepDecay",
        "schedules",
    ),
    "glassbox.certifying": ("certify",),
    "glassbox.diagnosis": ("DiagnosisWarning", "Watch", "diagnose"),
    "glassbox.checker.checking": ("check_formula",),
    "glassbox.checker.verdict": ("FormulaVerdict",),
    "glassbox.influence": ("gradient_norms",),
    "glassbox.loss_along": ("loss_along",),
    "glassbox.trace": ("trace",),
    "glassbox.worksheet.sheet": ("worksheet",),
    "metrics": ("Metric",),
    "model": ("Model", "load", "train", "train_many"),
    "model_file.inspecting": ("inspect_file",),
    "training.run": ("EpochReport", "TrainingDiverged"),
    "specification": ("Dense", "Network", "Parameters", "parameters_from_arrays"),
    "estimators": (
        "Autoencoder",
        "MLPClassifier",
        "MLPRegressor",
        "TabularClassifier",
        "TabularRegressor",
    ),
    "export.estimators": ("register_skl2onnx",),
    "distributed.fitting": ("fit_distributed",),
    "table_model.cross_validation": ("cross_validate_table",),
    "report": ("write_report",),
    "table_model": ("Settings", "TableModel", "fit_table", "train_plan"),
    "table_model.explaining": ("explain_row",),
    "table_model.plan": ("plan_table",),
    "table_model.replaying": ("replay_table",),
    "table_model.streaming": ("fit_stream", "open_stream"),
    "table_model.search": ("search_table",),
    "table_model.search_space": ("Range",),
    "tables": ("read_table",),
}
_HOME_OF = {name: f"clearprop.{home}" for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]


def __getattr__(name: str) -> Any:
    """Resolve a public name when it is first used, and keep it."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'clearprop' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
