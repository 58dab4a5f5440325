"""Networks fitted elsewhere, opened as a `Model`.

`scikit`, `torch_modules` and `onnx_graph` read; each gives the steps of one chain, and `chain` makes the
model of them. Neither library is imported before something of it is given.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from clearprop.errors import SpecificationError
from clearprop.formulas.losses import Loss
from clearprop.model import Model

#: ends of file names that are not ONNX -> what to do with such a file
_OTHER_FILES = {
    ".safetensors": "a clearprop model is opened by clearprop.load(path)",
    ".pkl": "load it yourself if you trust it (it runs code), and give the estimator",
    ".pickle": "load it yourself if you trust it (it runs code), and give the estimator",
    ".joblib": "load it with joblib if you trust it (it runs code), and give the estimator",
    ".pt": "load it with torch.load, and give the torch.nn.Sequential",
    ".pth": "load it with torch.load, and give the torch.nn.Sequential",
    ".keras": "export it from Keras: model.export('m.onnx', format='onnx')",
    ".h5": "load it in Keras and export it: model.export('m.onnx', format='onnx')",
}


def adopt(fitted: Any, *, loss: str | Loss | None = None) -> Model:
    """Open a network that was fitted elsewhere, with the same predictions, to trace, certify and save it.

    Parameters
    ----------
    fitted : estimator, torch.nn.Sequential, path, bytes or onnx.ModelProto
        *scikit-learn*: MLPClassifier and MLPRegressor (scikit-learn's or clearprop's), LogisticRegression,
        linear regressors such as Ridge, PoissonRegressor; also last in a Pipeline of scalers, PCA and
        feature selections, in a fitted search, or in a TransformedTargetRegressor with a scaler of y.
        *PyTorch*: a Sequential (also nested) of Linear, activations, BatchNorm1d, Dropout; or a Linear.
        *ONNX*: a file, its bytes or its ModelProto, of Gemm or MatMul, elementwise operations and a softmax
        (extra `onnx`). From Keras: `model.export("m.onnx", format="onnx")`.
    loss : str or Loss, optional
        What the model is judged and certified by. Left out: what scikit-learn fitted it on
        (half the squared error for numbers), else the loss the notes pair with the output activation.

    Returns
    -------
    Model
        Takes raw X (m, n_0), as the pipeline did: scalers and batch norms are folded into W and b.
        `predict` gives (m, n_L): what predict_proba, predict, or the forward pass in eval mode gives. Of
        two classes it gives one column, the chance of the second. `classes` holds the labels, where known.
        The numbers are copies, in their own dtype; in float64 once something is folded into them, because
        a large shift would not survive in float32.

    Raises
    ------
    SpecificationError
        When something cannot be represented: it names what, where it stands, and what to do. Also for what
        is not fitted, a file that is not there or is damaged, and a missing package.

    Warns
    -----
    UserWarning
        When a Dropout of PyTorch stands where no layer of a Model can drop; predictions are not touched.

    Notes
    -----
    Penalties (scikit-learn's alpha) and settings of the fit are not carried over: `network.l2` is 0. A
    Poisson regressor's exp is clearprop's, which goes on along its tangent beyond exp(30). Fed with float32,
    scikit-learn rounds the means of its scalers to float32 and the model does not, so that columns far from 0
    can differ by more than 1e-6 there; in float64 they do not.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = np.array([[0.0], [10.0], [20.0], [30.0]]), ["no", "no", "yes", "yes"]
    >>> fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    >>> model = adopt(fitted)
    >>> model.network
    Network(1, [Dense(1, 'sigmoid')], loss='binary_cross_entropy')
    >>> model.classes
    ('no', 'yes')
    >>> bool(np.allclose(model.predict(X)[:, 0], fitted.predict_proba(X)[:, 1], atol=1e-12))
    True
    """
    if isinstance(fitted, Model):
        raise SpecificationError("adopt: this is a clearprop Model already; use it as it is")
    if isinstance(fitted, str | os.PathLike | bytes | bytearray | memoryview) or _is_of(fitted, "onnx"):
        if isinstance(fitted, str | os.PathLike):
            _require_onnx_file(Path(fitted))
        return _from_onnx(fitted, loss)
    if _is_of(fitted, "torch", "nn.Module"):
        from clearprop.adoption.torch_modules import adopt_module

        return adopt_module(fitted, loss)
    if not isinstance(fitted, type) and _is_of(fitted, "sklearn", "base.BaseEstimator"):
        from clearprop.adoption.scikit import adopt_estimator

        return adopt_estimator(fitted, loss)
    raise SpecificationError(f"adopt: {_shown(fitted)} cannot be opened; {_remedy(fitted)}")


def _is_of(fitted: Any, library: str, base: str = "ModelProto") -> bool:
    """Whether an object is an instance of a class of a library; if it is, the library is imported already."""
    found: Any = sys.modules.get(library)
    for name in base.split("."):
        found = getattr(found, name, None)
    return isinstance(found, type) and isinstance(fitted, found)


def _from_onnx(fitted: Any, loss: str | Loss | None) -> Model:
    try:
        import onnx  # noqa: F401 - asked for here, so that its absence is said here
    except ModuleNotFoundError:
        raise SpecificationError(
            "adopt: reading ONNX needs the package onnx; install it with pip install 'clearprop[onnx]'"
        ) from None
    from clearprop.adoption.onnx_graph import adopt_graph

    return adopt_graph(fitted, loss)


def _require_onnx_file(path: Path) -> None:
    if path.suffix.lower() in _OTHER_FILES:
        raise SpecificationError(f"adopt: {path} is not an ONNX file; {_OTHER_FILES[path.suffix.lower()]}")


def _shown(fitted: Any) -> str:
    if isinstance(fitted, type):
        return f"the class {fitted.__name__}"
    return f"{type(fitted).__module__.split('.')[0]}'s {type(fitted).__name__}"


def _remedy(fitted: Any) -> str:
    if isinstance(fitted, type):
        return "give an instance of it, fitted"
    if {base.__module__.split(".")[0] for base in type(fitted).__mro__} & {"keras", "tensorflow", "tf_keras"}:
        return "export it to ONNX, model.export('m.onnx', format='onnx'), and adopt the file"
    return (
        "give a fitted scikit-learn estimator, a torch.nn.Sequential, or an ONNX file (path, bytes or "
        "ModelProto)"
    )
