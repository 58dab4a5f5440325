# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From scikit-learn's MLP in one line
#
# You have an `MLPClassifier`. Change its import, and the same seed gives the same fit, in less time; then ask
# it what scikit-learn's does not tell: its gradient, certified, and any number of it derived.

# %%
import time
import warnings

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier as TheirMLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import clearprop as cp
from clearprop import MLPClassifier  # the one line; it was: from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)  # short runs are meant here
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(StandardScaler().fit_transform(X), y, random_state=0)

# %% [markdown]
# ## The same numbers
#
# Both draw the same first weights and the same batches from `random_state`, and take the same steps of Adam.

# %%
settings = {"hidden_layer_sizes": (50,), "max_iter": 60, "random_state": 0}
MLPClassifier(hidden_layer_sizes=(2,), max_iter=1).fit(X, y)  # compiles, where nothing is in the cache yet
fitted = {}
for library, estimator in (("scikit-learn", TheirMLPClassifier), ("clearprop", MLPClassifier)):
    began = time.perf_counter()
    fitted[library] = estimator(**settings).fit(X, y)
    seconds = time.perf_counter() - began
    score = fitted[library].score(X_test, y_test)
    print(f"{library:12} loss {fitted[library].loss_:.12f}, test accuracy {score:.4f}, {seconds:.2f} s")

# %%
theirs, ours = fitted["scikit-learn"], fitted["clearprop"]
assert np.allclose(theirs.loss_curve_, ours.loss_curve_, rtol=1e-8)
for l, (w_theirs, w_ours) in enumerate(zip(theirs.coefs_, ours.coefs_, strict=True), start=1):
    print(f"layer {l}: {w_ours.size} weights, largest difference {np.abs(w_theirs - w_ours).max():.1e}")
    assert np.allclose(w_theirs, w_ours, atol=1e-6)

# %% [markdown]
# scikit-learn stores a layer's weights with a column for each receiving unit, the notes and this library with
# a row: `coefs_[0]` is $W^1$ transposed.

# %%
assert np.array_equal(ours.coefs_[0], ours.theta_.W[1].T)

# %% [markdown]
# ## The same manners
#
# Pipelines, searches and `clone` work as before.

# %%
search = GridSearchCV(
    make_pipeline(StandardScaler(), MLPClassifier(max_iter=20, random_state=0)),
    {"mlpclassifier__hidden_layer_sizes": [(16,), (32,)]},
    cv=3,
)
search.fit(X, y)
print(search.best_params_, f"{search.best_score_:.3f}")

# %% [markdown]
# ## What is new
#
# Any activation of `cp.activations`, dropout, class weights, schedules for every solver:

# %%
richer = MLPClassifier(
    (50,), activation="gelu", dropout=0.2, solver=cp.AdamW(cp.Cosine(0.01)), max_iter=60, random_state=0
)
print(f"test accuracy {richer.fit(X, y).score(X_test, y_test):.4f}")

# %% [markdown]
# And `model_` opens the glass box. Is the gradient right?

# %%
certificate = ours.model_.certify(X[:20], y[:20])
assert certificate.holds
print(certificate)

# %% [markdown]
# ## A model that is fitted already
#
# `cp.adopt` reads the parameters of scikit-learn's estimator; nothing is fitted again.

# %%
adopted = cp.adopt(theirs)
assert np.allclose(adopted.predict(X_test), theirs.predict_proba(X_test))
print(adopted.trace(X_test[:1], y_test[:1]).derive("b[2][3]"))

# %% [markdown]
# ## Exercises
#
# 1. Fit both with `solver="lbfgs", max_iter=30`. How near are the losses?
# 2. scikit-learn's penalty is $\frac{\alpha}{2 m} |W|^2$ with $m$ the rows of a batch; ours in
#    `cp.Network(l2=)` is
#    $\frac{\lambda}{2} |W|^2$. With whole-batch training, which $\lambda$ is `alpha=0.5`? Check with a
#    network of no hidden layer.

# %% [markdown]
# **Answer 1.**

# %% jupyter={"source_hidden": true} tags=["answer"]
quasi = {"hidden_layer_sizes": (20,), "solver": "lbfgs", "max_iter": 30, "random_state": 0}
losses = [estimator(**quasi).fit(X, y).loss_ for estimator in (TheirMLPClassifier, MLPClassifier)]
print(*losses)  # both go to SciPy's L-BFGS with the same gradient; rounding is what differs
assert np.isclose(*losses, rtol=1e-4)

# %% [markdown]
# **Answer 2.**

# %% jupyter={"source_hidden": true} tags=["answer"]
exact = cp.LBFGS(tolerance=1e-9)
drop_in = MLPClassifier((), solver=exact, alpha=0.5, max_iter=3000, random_state=0).fit(X, y)
network = cp.Network(64, [cp.Dense(10, "softmax")], l2=0.5 / len(X))  # lambda = alpha / m
by_hand = cp.train(network, X, y, optimizer=exact, epochs=3000, progress=False)
assert np.allclose(drop_in.predict_proba(X_test), by_hand.predict(X_test), atol=1e-5)
print(f"lambda = alpha / m = {0.5 / len(X):.2e}")
