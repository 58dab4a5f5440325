"""Where a function on a grid crosses a level: straight pieces through the triangles of its cells."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array


def contour(xs: Array, ys: Array, values: Array, level: float = 0.0) -> Array:
    """Segments on which the values pass through the level, (n, 2, 2): their ends as (x, y).

    Each cell is cut into two triangles; in one whose corners lie on both sides, the line enters and leaves
    beside the corner that is alone on its side, where linear interpolation puts it.

    Parameters
    ----------
    xs : array (c,)
    ys : array (r,)
    values : array (r, c)
        A triangle with a corner that is not finite has no line.

    Examples
    --------
    >>> grid = np.array([[0.0, 1.0], [0.0, 1.0]])
    >>> contour(np.array([0.0, 4.0]), np.array([0.0, 1.0]), grid, 0.25)[:, :, 0]
    array([[1., 1.],
           [1., 1.]])
    """
    r, c = values.shape
    x, y = (each.ravel() for each in np.meshgrid(xs, ys))
    height = (values - level).ravel()
    first = (np.arange(r - 1)[:, None] * c + np.arange(c - 1)).ravel()  # the lower left corner of each cell
    corners = np.concatenate(
        [np.stack([first, first + 1, first + c], 1), np.stack([first + c + 1, first + c, first + 1], 1)]
    )
    corners = corners[np.isfinite(height[corners]).all(axis=1)]
    above = height[corners] > 0
    count = above.sum(axis=1)
    crossed = (count == 1) | (count == 2)
    corners, above, count = corners[crossed], above[crossed], count[crossed]
    alone = np.where(count == 1, above.argmax(axis=1), above.argmin(axis=1))
    each = np.arange(len(corners))
    a = corners[each, alone]
    ends = []
    for step in (1, 2):
        b = corners[each, (alone + step) % 3]
        t = height[a] / (height[a] - height[b])
        ends.append(np.stack([x[a] + t * (x[b] - x[a]), y[a] + t * (y[b] - y[a])], axis=1))
    return np.stack(ends, axis=1)
