"""The fewest products that make up a Boolean function: Quine's and McCluskey's prime implicants, and a cover.

A product is a pair (care, ones) of n-bit numbers: it is true for row r where `r & care == ones`. Up to EXACT
variables all prime implicants are found, and a fewest set that covers the function is asked of SciPy's
integer programming; beyond, or where that gives up, the cover is a greedy one without a product to spare.

Sources: Quine (1952), "The problem of simplifying truth functions"; McCluskey (1956), "Minimization of
Boolean functions".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop.arrays import BoolArray, IntArray

EXACT = 10  #: variables up to which all prime implicants are found (at most 3^10 products are looked at)
NODES = 2000  #: of the search for a fewest cover
LARGEST = 4_000_000  #: cells, rows times prime implicants, of a cover that is asked for

Product = tuple[int, int]  #: (care, ones)


@dataclass(frozen=True)
class Cover:
    """Products whose disjunction is the function.

    Attributes
    ----------
    products : tuple of (care, ones)
        Each is prime: without any of its literals it would be true where the function is not.
    fewest : bool
        Whether it is proven that no disjunction of fewer products is the function; otherwise none of these
        can be left out, and that is all.
    """

    products: tuple[Product, ...]
    fewest: bool

    @property
    def literals(self) -> int:
        """Literals of all products together."""
        return sum(care.bit_count() for care, _ in self.products)


def cover_of(values: BoolArray) -> Cover:
    """Products for a function given by its 2^n values; none for the constant 0.

    >>> cover_of(np.array([False, True, True, False]))  # exclusive or: a'b, ab'
    Cover(products=((3, 1), (3, 2)), fewest=True)
    >>> cover_of(np.array([True, True]))  # the constant 1: one product without a literal
    Cover(products=((0, 0),), fewest=True)
    """
    n = values.size.bit_length() - 1
    true = np.flatnonzero(values)
    if true.size in (0, values.size):
        return Cover(((0, 0),) if true.size else (), fewest=True)
    if n > EXACT:
        return Cover(_ordered(_greedy_primes(values, n)), fewest=False)
    primes = prime_implicants(values)
    covers = _covering(true, primes)
    chosen, fewest = _fewest(covers)
    return Cover(_ordered([primes[k] for k in chosen]), fewest)


def _ordered(products: list[Product]) -> tuple[Product, ...]:
    """Products in the order of their variables, the first variable's first."""
    return tuple(sorted(products, key=lambda product: (-product[0], product[1])))


def prime_implicants(values: BoolArray) -> list[Product]:
    """All products that imply the function and lose that without any one of their literals.

    >>> prime_implicants(np.array([True, True, False, True]))  # a' and b
    [(1, 1), (2, 0)]
    """
    n = values.size.bit_length() - 1
    full = values.size - 1
    level = np.flatnonzero(values).astype(np.int64) | (full << n)  # care above, ones below
    primes: list[Product] = []
    while level.size:
        merged, partners = [], np.zeros(level.size, dtype=bool)
        for place in range(n):
            bit = 1 << place
            cared = (level >> n & bit).astype(bool)
            low = level[cared & ~(level & bit).astype(bool)]
            low = low[_contains(level, low | bit)]
            partners |= _contains(np.sort(np.concatenate([low, low | bit])), level)
            merged.append(low & ~np.int64(bit << n))
        primes += [(int(code) >> n, int(code) & full) for code in level[~partners]]
        level = np.unique(np.concatenate(merged))
    return sorted(primes)


def _contains(ordered: IntArray, wanted: IntArray) -> BoolArray:
    """Which wanted numbers stand in an ascending array."""
    if not ordered.size:
        return np.zeros(wanted.size, dtype=bool)
    places = np.minimum(np.searchsorted(ordered, wanted), ordered.size - 1)
    return np.asarray(ordered[places] == wanted)


def _covering(true: IntArray, primes: list[Product]) -> BoolArray:
    """Which row (down) is covered by which prime implicant (across)."""
    care, ones = np.array(primes, dtype=np.int64).T
    return np.asarray((true[:, None] & care) == ones)


def _fewest(covers: BoolArray) -> tuple[list[int], bool]:
    """Columns that cover all rows, and whether fewer are proven not to."""
    essential = np.unique(covers[covers.sum(axis=1) == 1].argmax(axis=1))
    left = ~covers[:, essential].any(axis=1)
    if not left.any():
        return essential.tolist(), True
    columns = np.flatnonzero(covers[left].any(axis=0))
    rest = covers[np.ix_(left, columns)]
    greedy = _greedy(rest)
    found, fewest = _solved(rest) if rest.size <= LARGEST else (greedy, False)
    best = found if fewest or len(found) < len(greedy) else greedy
    return [*essential.tolist(), *columns[best].tolist()], fewest


def _solved(covers: BoolArray) -> tuple[list[int], bool]:
    """A fewest set of columns by integer programming; all of them where the search gave up empty-handed."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    n = covers.shape[1]
    told = milp(
        np.ones(n),
        integrality=np.ones(n),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(csr_array(covers.astype(np.float64)), lb=1),
        options={"node_limit": NODES, "mip_rel_gap": 0.0},
    )
    if told.x is None:
        return list(range(n)), False
    chosen = np.flatnonzero(told.x > 0.5)
    covered = bool(covers[:, chosen].any(axis=1).all())  # the solver works in floats; this does not
    return (chosen.tolist(), told.status == 0) if covered else (list(range(n)), False)


def _greedy(covers: BoolArray) -> list[int]:
    """Columns that cover all rows: always the one that covers most, then without those to spare."""
    left = np.ones(len(covers), dtype=bool)
    chosen: list[int] = []
    while left.any():
        chosen.append(int(covers[left].sum(axis=0).argmax()))
        left &= ~covers[:, chosen[-1]]
    times = covers[:, chosen].sum(axis=1)
    for column in list(chosen):
        if (times[covers[:, column]] > 1).all():
            chosen.remove(column)
            times -= covers[:, column]
    return chosen


def _greedy_primes(values: BoolArray, n: int) -> list[Product]:
    """Prime implicants that cover the function: each grown from a row that none covers yet."""
    true = np.flatnonzero(values)
    times = np.zeros(values.size, dtype=np.int64)
    rows: dict[Product, IntArray] = {}
    for seed in true.tolist():
        if times[seed]:
            continue
        cube, care = np.array([seed]), values.size - 1
        for place in range(n):
            wider = np.concatenate([cube, cube ^ (1 << place)])
            if values[wider].all():
                cube, care = wider, care & ~(1 << place)
        rows[care, seed & care] = cube
        times[cube] += 1
    for chosen, cube in list(rows.items()):
        if (times[cube] > 1).all():
            del rows[chosen]
            times[cube] -= 1
    return list(rows)
