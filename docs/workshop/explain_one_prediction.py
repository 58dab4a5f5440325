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
# # Explain one prediction
#
# A network says that a penguin is a Chinstrap. From its cells in the table to that word there is nothing but
# sums, products and one function for each layer. We follow one bird through them, forward and backward.

# %%
import numpy as np
import polars as pl

import clearprop as cp
from clearprop.datasets import penguins_path

model = cp.fit_table(penguins_path(), "species", settings=cp.Settings(hidden=(8,), epochs=60))
bird = 300
pl.read_csv(penguins_path())[bird]

# %% [markdown]
# ## Forward
#
# `explain_row` encodes the row as the network was trained on it, and keeps every number:
#
# $$z^l = W^l a^{l-1} + b^l \quad \text{(F1)}, \qquad a^l = g_l(z^l) \quad \text{(F2)}$$

# %%
row = cp.explain_row(model, penguins_path(), bird)
print(row)

# %%
seen = row.trace
theta = seen.theta
z1 = seen.x[1] @ theta.W[1].T + theta.b[1]
assert np.allclose(z1, seen.z[1])
print("the eight hidden units:", seen.a[1][0].round(3))

# %% [markdown]
# ## What carried the answer
#
# The winning output's $z^2_k$ is a sum of one term for each hidden unit, and a bias. That is exact, not an
# attribution method: $z^2_k = b^2_k + \sum_j W^2_{kj} a^1_j$.

# %%
k = int(seen.a[2][0].argmax())
terms = theta.W[2][k] * seen.a[1][0]
for j in np.argsort(-np.abs(terms))[:4]:
    print(f"hidden unit {j}: {theta.W[2][k, j]:+.3f} * {seen.a[1][0, j]:+.3f} = {terms[j]:+.3f}")
assert np.isclose(terms.sum() + theta.b[2][k], seen.z[2][0, k], atol=1e-5)

# %% [markdown]
# ## Backward
#
# How much would the loss change if one weight changed? Input 4 is the bill's length, so this is the weight
# from the bill to hidden unit 2. The chain rule, with the numbers put in:

# %%
print(seen.derive("W[1][2,4]", terms=4))

# %% [markdown]
# The same derivative by the definition: move the weight a little to both sides, and divide.

# %%
step = 1e-6
losses = []
for sign in (+1, -1):
    moved = theta.copy()
    moved.W[1][2, 4] += sign * step
    losses.append(cp.trace(model.network, moved, seen.X, seen.Y).loss)
numeric = (losses[0] - losses[1]) / (2 * step)
print(f"by definition {numeric:.9f}, by the chain rule {seen.dW[1][2, 4]:.9f}")
assert np.isclose(numeric, seen.dW[1][2, 4], rtol=1e-6)

# %% [markdown]
# ## What would change the answer
#
# The chain rule goes on below the first layer: $\partial C / \partial x = \delta^1 W^1$. Its largest entries
# say which cells the answer hangs on, for a small change.

# %%
sensitivity = (seen.delta[1] @ theta.W[1])[0]
for i in np.argsort(-np.abs(sensitivity))[:4]:
    print(f"dC/dx[{i}] = {sensitivity[i]:+.4f}")

# %% [markdown]
# A derivative is about small changes. For a large one, ask the network: the same bird with other bills.

# %%
birds = pl.read_csv(penguins_path())[[bird] * 6]
birds = birds.with_columns(pl.Series("bill_length_mm", ["35", "40", "45", "50", "55", "60"]))
chances = model.predict_proba(birds)
birds.select("bill_length_mm").with_columns(
    pl.Series(name, chances[:, j].round(3)) for j, name in enumerate(model.target.classes)
)

# %% [markdown]
# What an explanation like this is: every step of this network's arithmetic. What it is not: a reason in the
# world. A longer bill makes the *network* say Chinstrap.

# %% [markdown]
# ## Exercises
#
# 1. Compute $\delta^2$ of this bird from `seen.y_hat` and `seen.Y` alone.
# 2. Which single hidden unit, if it were silent ($a^1_j = 0$), would change $z^2_k$ of the winner most? Does
#    the answer change?
# 3. The example of the notes (001) on paper: $x = 60$, $W^1 = 0.1$, $W^2 = 12$, no biases, sigmoids, binary
#    cross-entropy; $a^1 = 0.37$ and $\hat y = 0.25$ are given, $y = 1$. Derive $\partial C / \partial W^1$
#    and one update with $\eta = 0.01$.

# %% [markdown]
# **Answer 1.**

# %% jupyter={"source_hidden": true} tags=["answer"]
delta2 = seen.y_hat - seen.Y  # softmax with cross-entropy, one row
assert np.allclose(delta2, seen.delta[2])
delta2

# %% [markdown]
# **Answer 2.**

# %% jupyter={"source_hidden": true} tags=["answer"]
loudest = int(np.argmax(np.abs(terms)))
silenced = seen.a[1][0].copy()
silenced[loudest] = 0
z2 = theta.W[2] @ silenced + theta.b[2]
print(f"without unit {loudest}: z[2] = {z2.round(3)}, so {model.target.classes[z2.argmax()]}")
assert np.isclose(z2[k], seen.z[2][0, k] - terms[loudest])

# %% [markdown]
# **Answer 3.**

# %% jupyter={"source_hidden": true} tags=["answer"]
chain = cp.Network(
    1, [cp.Dense(1, "sigmoid", bias=False), cp.Dense(1, "sigmoid", bias=False)], loss="binary_cross_entropy"
)
start = cp.parameters_from_arrays(chain, [[[0.1]], [[12.0]]], [None, None])
given = {"z[1][0]": 0.5, "a[1][0]": 0.37, "y_hat[0]": 0.25}
exercise = cp.trace(chain, start, [[60.0]], [1], given=given)
print(exercise.derive("W[1][0,0]"))
print(f"W[1] after the update: {0.1 - 0.01 * exercise.dW[1][0, 0]:.5f}")
assert np.isclose(exercise.dW[1][0, 0], (0.25 - 1) * 12 * 0.37 * (1 - 0.37) * 60)
