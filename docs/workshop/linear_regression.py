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
# # Linear regression
#
# The first of five notebooks, and the only one without a network. How heavy is a penguin whose flipper is 200
# mm long? We answer with a straight line, fitted by scikit-learn; the [next
# notebook](linear_regression_nn.ipynb) fits the same line by gradient descent, and arrives at the same two
# numbers.

# %%
import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from sklearn.linear_model import LinearRegression

from clearprop.datasets import penguins_path

# %% [markdown]
# ## The data
#
# 344 penguins of three species; two were not measured. One row is one bird.

# %%
measured = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
penguins = pl.read_csv(penguins_path(), null_values="NA").drop_nulls(measured)
penguins.select("species", *measured).head()

# %%
X = penguins["flipper_length_mm"].to_numpy()[:, None] / 100  # decimetres, (m, 1)
y = penguins["body_mass_g"].to_numpy() / 1000  # kilograms, (m,)
m = len(X)
X.shape, y.shape

# %% [markdown]
# ## The model and what it minimises
#
# A line has a weight $W$ and a bias $b$. It predicts
#
# $$\hat y = W x + b$$
#
# and the cost is the mean squared error over the $m$ rows,
#
# $$C(W, b) = \frac{1}{m} \sum_{i=1}^{m} (\hat y_i - y_i)^2 .$$

# %%
line = LinearRegression().fit(X, y)
W, b = line.coef_[0], line.intercept_
print(f"W = {W:.4f} kg/dm, b = {b:.4f} kg")
print(f"a flipper of 2 dm: {line.predict([[2.0]])[0]:.3f} kg")

# %%
plt.scatter(X, y, s=8, alpha=0.5)
ends = np.array([[X.min()], [X.max()]])
plt.plot(ends, line.predict(ends), color="C1")
plt.xlabel("flipper, dm")
plt.ylabel("mass, kg")
# %% [markdown]
# ## Why these two numbers
#
# At the minimum both derivatives of $C$ are zero:
#
# $$\frac{\partial C}{\partial W} = \frac{2}{m} \sum_i (\hat y_i - y_i)\, x_i = 0, \qquad
# \frac{\partial C}{\partial b} = \frac{2}{m} \sum_i (\hat y_i - y_i) = 0 .$$
#
# So the errors have mean zero, and no correlation with $x$ is left in them. Look:

# %%
errors = line.predict(X) - y
print(f"dC/dW = {2 * np.mean(errors * X[:, 0]):.1e}, dC/db = {2 * np.mean(errors):.1e}")
assert abs(np.mean(errors)) < 1e-12

# %% [markdown]
# Two linear equations in two unknowns: the *normal equations*. With a column of ones beside $x$ they are
# $A^T A\, (W, b)^T = A^T y$, and no learning rate is needed to solve them.

# %%
A = np.column_stack([X, np.ones(m)])
solved = np.linalg.solve(A.T @ A, A.T @ y)
assert np.allclose(solved, [W, b])
solved

# %% [markdown]
# ## How good is it
#
# $R^2$ compares $C$ with the cost of always saying the mean: 0 is no better, 1 is perfect.

# %%
cost = np.mean(errors**2)
print(f"C = {cost:.4f} kg^2, so the error is typically {np.sqrt(cost):.3f} kg; R^2 = {line.score(X, y):.3f}")
assert np.isclose(line.score(X, y), 1 - cost / np.var(y))

# %% [markdown]
# ## Exercises
#
# 1. Fit the mass by the bill's depth alone: is a bird with a deeper bill lighter? Then by all three lengths,
#    and within each species. How much does $R^2$ rise with three?
# 2. Measure the flipper in millimetres in place of decimetres. What happens to $W$, $b$ and $C$? Think first.
# 3. Fit $x$ by $y$ (the flipper by the mass). Is its slope $1/W$?
#
# The answers are in the folded cells.

# %% [markdown]
# **Answer 1.**

# %% jupyter={"source_hidden": true} tags=["answer"]
depth = penguins.select("bill_depth_mm").to_numpy()
alone = LinearRegression().fit(depth, y)
three = penguins.select(measured[:3]).to_numpy()
by_three = LinearRegression().fit(three, y)
print(f"alone {alone.coef_[0]:+.3f} kg/mm, beside the other two {by_three.coef_[1]:+.3f} kg/mm")
print(f"R^2 from {line.score(X, y):.3f} to {by_three.score(three, y):.3f}")
assert alone.coef_[0] < 0 < by_three.coef_[1]
# Alone its slope is negative, because Gentoos are heavy and have flat bills. Within every species it is
# positive: a weight tells of a table and of what else is in the model, and not of birds.
for (species,), birds in penguins.group_by("species", maintain_order=True):
    within = LinearRegression().fit(birds.select("bill_depth_mm").to_numpy(), birds["body_mass_g"] / 1000)
    print(f"within {species}: {within.coef_[0]:+.3f} kg/mm")
    assert within.coef_[0] > 0

# %% [markdown]
# **Answer 2.**

# %% jupyter={"source_hidden": true} tags=["answer"]
in_mm = LinearRegression().fit(100 * X, y)
print(f"W = {in_mm.coef_[0]:.6f}, b = {in_mm.intercept_:.4f}")
# W is 100 times smaller, b and every prediction are the same, and so is C. Gradient descent will not be
# as indifferent: the next notebook's exercise 2.
assert np.isclose(in_mm.coef_[0], W / 100)
assert np.allclose(in_mm.predict(100 * X), line.predict(X))

# %% [markdown]
# **Answer 3.**

# %% jupyter={"source_hidden": true} tags=["answer"]
back = LinearRegression().fit(y[:, None], X[:, 0])
print(f"slope {back.coef_[0]:.4f}, 1/W = {1 / W:.4f}, R^2 / W = {line.score(X, y) / W:.4f}")
# No: it is R^2 / W. The two lines minimise errors in different directions, and agree only if R^2 is 1.
assert np.isclose(back.coef_[0], line.score(X, y) / W)
