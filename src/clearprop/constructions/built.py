"""What `towers` gives: the model, what is proven about it, and what was measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from clearprop.arrays import Array, BoolArray
from clearprop.constructions.modulus import Modulus
from clearprop.constructions.predicting import predicted
from clearprop.constructions.sampling import Domain, Sampler, told
from clearprop.engines import EngineName
from clearprop.model import Model
from clearprop.specification import Parameters
from clearprop.words import plural

Kind: TypeAlias = Literal["sigmoid", "relu"]
Spacing: TypeAlias = Literal["even", "adaptive"]

FINER = 50  #: points in each strip that a network of one input is measured at, at least
FEWEST = 2000  #: points in all, at least
MEASURED = 200_000  #: points in more dimensions, about


@dataclass(frozen=True)
class ErrorMeasured:
    """Largest distance of a network from its function on a grid.

    Attributes
    ----------
    points : int
    error : float
        Outside of corners.
    at : tuple of float
        Where that is.
    epsilon : float
        What it may be.
    corners : float or None
        Largest distance at the corners of cells, which nothing is promised for; None in one dimension.
    """

    points: int
    error: float
    at: tuple[float, ...]
    epsilon: float
    corners: float | None

    @property
    def holds(self) -> bool:
        """Whether the error is at most epsilon."""
        return self.error <= self.epsilon

    def __str__(self) -> str:
        said = f"measured {self.error:.4g} at x = ({told(np.array(self.at))}), on {self.points:,} points"
        said += f": {'within' if self.holds else 'more than'} epsilon = {self.epsilon:g}"
        return said if self.corners is None else f"{said}; at the corners of cells {self.corners:.4g}"


@dataclass(frozen=True, eq=False)
class BuiltTowers:
    """A continuous function as a network of towers, with what is known about it.

    Attributes
    ----------
    model : Model
        An ordinary model.
    domain : tuple of (low, high)
    epsilon : float
        The largest error that was asked for.
    kind : {"sigmoid", "relu"}
    spacing : {"even", "adaptive"}
    edges : tuple of arrays
        Edges of the strips of each input, or the knots (relu).
    heights : array
        f as each tower has it (N_1, ..., N_n), or at the knots.
    level : float
        Output bias: what towers stand on.
    modulus : Modulus
        How fast f can change.
    bound : float
        Largest error that is possible in exact arithmetic, if the modulus is right; see `towers`.
    steepness : tuple of float
        Of the sigmoids: of the edges and, in several dimensions, of the threshold. Empty for relu.
    blur : float
        Distance from an edge beyond which its sigmoid counts as 0 or 1.
    excluded : float
        Share of the domain's volume near corners of cells, where nothing is promised; 0 in one dimension.
    measured : ErrorMeasured
        When the network was written down.
    """

    model: Model
    domain: Domain
    epsilon: float
    kind: Kind
    spacing: Spacing
    edges: tuple[Array, ...] = field(repr=False)
    heights: Array = field(repr=False)
    level: float
    modulus: Modulus
    bound: float
    steepness: tuple[float, ...]
    blur: float
    excluded: float
    f: Sampler = field(repr=False)
    measured: ErrorMeasured

    @property
    def units(self) -> int:
        """Hidden units of all layers."""
        return sum(layer.units for layer in self.model.network.layers[:-1])

    def verify(self, engine: EngineName = "compiled") -> ErrorMeasured:
        """Measure the error, as the parameters are now, on a grid at least 50 times as fine as the strips.

        Examples
        --------
        >>> from clearprop.constructions import towers
        >>> line = towers("x / 2", (0, 1), 0.1, lipschitz=0.5, engine="textbook")
        >>> line.model.theta.W[2][0, 0] += 1.0
        >>> line.verify(engine="textbook").holds
        False
        """
        return measure(self.model.theta, self.f, self.edges, self.blur, self.epsilon, engine)

    def __str__(self) -> str:
        network = self.model.network
        layers = " -> ".join(f"{layer.units:,} {layer.activation.name}" for layer in network.layers)
        where = " x ".join(f"[{low:.10g}, {high:.10g}]" for low, high in self.domain)
        if self.kind == "relu":
            built = f"{plural(len(self.heights), 'knot')}, straight lines between them"
        else:
            built = f"{plural(self.heights.size, 'tower')}, {self._widths()}"
        doubt = "if the estimate is right" if self.modulus.estimated else "if that is right"
        lines = [
            f"{plural(network.inputs, 'input')} -> {layers}; {network.n_parameters:,} parameters",
            built,
            f"modulus of continuity: {self.modulus.source}",
            *self._steep(),
            f"error at most {self.bound:.4g}: proven, {doubt}{self._where_not()}",
            str(self.measured),
        ]
        return f"Towers on {where}\n" + "\n".join(f"  {each}" for each in lines)

    def _widths(self) -> str:
        widths = np.concatenate([np.diff(each) for each in self.edges])
        low, high = float(widths.min()), float(widths.max())
        if high <= low * (1 + 1e-6):
            return f"each {low:.4g} wide"
        return f"{low:.4g} to {high:.4g} wide"

    def _steep(self) -> list[str]:
        if not self.steepness:
            return []
        shown = ", of the threshold ".join(f"{s:.4g}" for s in self.steepness)
        return [f"steepness of an edge {shown}; an edge is sharp beyond {self.blur:.3g}"]

    def _where_not(self) -> str:
        if len(self.domain) == 1:
            return ""
        return f", outside of the corners of cells ({100 * self.excluded:.2g}% of the volume)"


def measure(
    theta: Parameters,
    f: Sampler,
    edges: tuple[Array, ...],
    blur: float,
    epsilon: float,
    engine: EngineName,
) -> ErrorMeasured:
    """Largest error on a grid; in several dimensions apart for the corners of cells."""
    if len(edges) == 1:
        points = grid_along(edges[0], max(FINER, FEWEST // (len(edges[0]) - 1)))[:, None]
    else:
        points = _grid_of_cells(edges, blur)
    error = np.abs(predicted(theta, points, engine) - f(points))
    error = np.where(np.isfinite(error), error, math.inf)
    corner = near_corners(points, edges, blur)
    plain = np.where(corner, -1.0, error)
    worst = int(plain.argmax())
    at_corners = float(error[corner].max(initial=0.0)) if len(edges) > 1 else None
    place = tuple(points[worst].tolist())
    return ErrorMeasured(len(points), float(plain[worst]), place, epsilon, at_corners)


def grid_along(edges: Array, finer: int) -> Array:
    """Edges, and points evenly between them.

    >>> grid_along(np.array([0.0, 1.0, 3.0]), finer=2)
    array([0. , 0.5, 1. , 2. , 3. ])
    """
    strips = len(edges) - 1
    return np.interp(np.arange(strips * finer + 1) / finer, np.arange(strips + 1), edges)


def _grid_of_cells(edges: tuple[Array, ...], blur: float) -> Array:
    """Points evenly over the domain, and on and beside the lines between cells."""
    n = len(edges)
    most = int(MEASURED ** (1 / n))
    axes = []
    for each in edges:
        lines = each[1:-1]
        beside = np.concatenate([lines, lines - 1.01 * blur, lines + 1.01 * blur])
        room = max(most - len(beside), 2 * len(each))
        beside = beside if len(beside) <= most else beside[:: -(-len(beside) // most)]
        axes.append(np.union1d(np.linspace(each[0], each[-1], room), beside))
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, n)


def near_corners(points: Array, edges: tuple[Array, ...], blur: float) -> BoolArray:
    """Points with two or more coordinates within `blur` of a line between cells."""
    near = np.zeros(len(points), dtype=np.int64)
    for x, each in zip(points.T, edges, strict=True):
        lines = each[1:-1]
        if lines.size and len(edges) > 1:
            k = np.clip(np.searchsorted(lines, x), 1, max(len(lines) - 1, 1))
            distance = np.minimum(np.abs(x - lines[k - 1]), np.abs(x - lines[np.minimum(k, len(lines) - 1)]))
            near += distance < blur
    return np.asarray(near > 1)


def share_near_corners(edges: tuple[Array, ...], blur: float) -> float:
    """Share of the volume of those points."""
    near = [(len(each) - 2) * 2 * blur / (each[-1] - each[0]) for each in edges]
    far = math.prod(1 - q for q in near)
    one = sum(q * math.prod(1 - r for j, r in enumerate(near) if j != i) for i, q in enumerate(near))
    return max(float(1 - far - one), 0.0)
