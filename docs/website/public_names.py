"""Pages of the public names, from their docstrings; and the check that none is left out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import clearprop as cp
from clearprop.formulas.rows import Row

#: page -> its title, what stands above its names, and the names
GROUPS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "networks": (
        "Networks",
        "What a network is: layers, a loss, and one flat vector of parameters with views `W[l]` and `b[l]`.",
        ("Network", "Dense", "Parameters", "parameters_from_arrays"),
    ),
    "training": (
        "Training and models",
        "From a network and examples to a model, and what a model can do.",
        ("train", "train_many", "Model", "load", "inspect_file", "Metric", "EpochReport", "TrainingDiverged"),
    ),
    "gradients": (
        "Passes and gradients",
        "Functions of a network and its parameters alone.",
        ("forward", "gradient", "input_gradient", "jacobian", "gradient_norms"),
    ),
    "glass-box": (
        "The glass box",
        "Every number of a network, where it comes from, and whether it is right. See [the glass box](/glass-box.md).",
        ("trace", "certify", "loss_along", "check_formula", "FormulaVerdict", "worksheet"),
    ),
    "constructions": (
        "Networks written down",
        "Boolean functions and continuous ones, exactly or within a bound, without training. "
        "See [networks written down](/constructions.md).",
        ("boolean", "BooleanNetwork", "towers", "Towers"),
    ),
    "diagnosis": (
        "Diagnosis",
        "What keeps a network from learning. See [diagnosis](/diagnosis.md).",
        ("diagnose", "Watch", "DiagnosisWarning"),
    ),
    "tables": (
        "Tables",
        "From a raw table to a judged model. See [tables](/tables.md) and [training on tables](/training-tables.md).",
        (
            *("fit_table", "Settings", "TableModel", "read_table", "plan_table", "train_plan"),
            *(
                "cross_validate_table",
                "search_table",
                "Range",
                "fit_stream",
                "open_stream",
                "fit_distributed",
            ),
            *("explain_row", "replay_table", "write_report"),
        ),
    ),
    "estimators": (
        "Estimators",
        "In scikit-learn's manners. See [coming from scikit-learn](/scikit-learn.md).",
        ("MLPClassifier", "MLPRegressor", "TabularClassifier", "TabularRegressor", "Autoencoder"),
    ),
    "other-libraries": (
        "Other libraries",
        "Networks from elsewhere, and the way out. See [export](/export.md).",
        ("adopt", "register_skl2onnx"),
    ),
    "rows": (
        "Formulas",
        "An activation or a loss is a row of formulas in one small language. The shipped ones have pages of their own: "
        "[activations](/reference/activations/index.md), [losses](/reference/losses/index.md), "
        "[optimizers](/reference/optimizers.md), [schedules](/reference/schedules.md), "
        "[initializers](/reference/initializers.md).",
        (
            *(
                "Activation",
                "activations",
                "ELU",
                "LeakyReLU",
                "Maxout",
                "Loss",
                "losses",
                "Huber",
                "Quantile",
            ),
            *("optimizers", "SGD", "Momentum", "Nesterov", "Adagrad", "RMSprop", "Adam", "AdamW", "LBFGS"),
            *("LevenbergMarquardt", "schedules", "Cosine", "Exponential", "InverseScaling", "OneCycle"),
            *("ReduceOnPlateau", "StepDecay", "initializers"),
        ),
    ),
    "errors": (
        "Errors and version",
        "All derive from `ClearpropError`.",
        (
            "ClearpropError",
            "SpecificationError",
            "FormulaError",
            "DataError",
            "ModelFileError",
            "__version__",
        ),
    ),
}

_TABLES = {
    "activations": "activations/index",
    "losses": "losses/index",
    "optimizers": "optimizers",
    "schedules": "schedules",
    "initializers": "initializers",
}


def missing(public: Collection[str], documented: Collection[str]) -> list[str]:
    """Public names that no page documents, or whose docstring is empty."""
    silent = {name for name in public if not _is_told(name)}
    return sorted((set(public) - set(documented)) | silent)


def _is_told(name: str) -> bool:
    value = getattr(cp, name, None)
    if inspect.isclass(value) or inspect.isfunction(value):
        return bool(value.__doc__ and value.__doc__.strip())
    return True  # a row or a table of rows: `_constant` writes what it is


def pages() -> Iterator[tuple[str, str]]:
    """Path below the reference, and its Markdown."""
    for page, (title, above, names) in GROUPS.items():
        entries = "\n".join(_entry(name) for name in names)
        yield f"python/{page}.md", f"# {title}\n\n{above}\n\n```{{eval-rst}}\n{entries}\n```\n"
    toc = "\n".join(GROUPS)
    listed = "\n".join(
        f"| [{title}]({page}.md) | {', '.join(f'[`{name}`](#clearprop.{name})' for name in names)} |"
        for page, (title, _, names) in GROUPS.items()
    )
    yield (
        "python/index.md",
        "# Python\n\nEvery public name, as `import clearprop as cp` gives it: `cp.train`, `cp.Network`.\n\n"
        f"| | |\n|---|---|\n{listed}\n\n```{{toctree}}\n:hidden:\n\n{toc}\n```\n",
    )


def _entry(name: str) -> str:
    value = getattr(cp, name)
    if inspect.isclass(value):
        members = ", ".join(_members(value))
        options = f"   :members: {members}\n" if members else ""
        kind = "autoexception" if issubclass(value, BaseException) else "autoclass"
        return f".. {kind}:: clearprop.{name}\n{options}"
    if callable(value) and not isinstance(value, Row):
        return f".. autofunction:: clearprop.{name}\n"
    return _constant(name, value)


def _members(owner: type) -> list[str]:
    """Methods and properties of a class that clearprop itself wrote and documented."""
    found = []
    for name in sorted(dir(owner)):
        if name.startswith("_"):
            continue
        home = next(base for base in owner.__mro__ if name in vars(base))
        raw: Any = vars(home)[name]
        function = raw.fget if isinstance(raw, property) else getattr(raw, "__func__", raw)
        if not inspect.isfunction(function) or not home.__module__.startswith("clearprop"):
            continue
        if function.__doc__ and function.__module__.startswith("clearprop"):
            found.append(name)
    return found


def _constant(name: str, value: object) -> str:
    if name in _TABLES:
        told = f"The shipped {name}, by name; a read-only mapping. :doc:`Each of them </reference/{_TABLES[name]}>`."
    elif isinstance(value, Row):
        table = next(table for table in _TABLES if value.name in getattr(cp, table))
        own = f"{table}/{value.name}" if table in ("activations", "losses") else _TABLES[table]
        shown = re.sub(r"\s+", " ", repr(value))
        told = f"The row ``{shown}``; call it for other values. :doc:`Formulas and use </reference/{own}>`."
    else:
        told = "The version of the package, a string."
    return f".. py:data:: clearprop.{name}\n\n   {told}\n"
