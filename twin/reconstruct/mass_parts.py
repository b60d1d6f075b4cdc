"""Buildings on a raster, parted into pieces of nearly one height."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse import csgraph

if TYPE_CHECKING:
    from numpy.typing import NDArray

BAND_M = 1.5
"""Parts begin as connected cells of one height band of this width."""
STEEPEST_ROOF = 1.75
"""Where a roof goes on, it rises less over a cell's side: 60 degrees."""
PART_STEP_M = 2.0
"""Parts whose heights differ by less are one."""
PART_AREA_M2 = 8.0
"""Smaller parts go to the neighbour with the least step between them."""
ROOF_PERCENTILE = 70
MAX_ROUNDS = 60

_SQUARE = np.ones((3, 3), dtype=bool)
_NEIGHBOURS = ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:]))


def part_cells(
    top: NDArray[np.float64], mask: NDArray[np.bool_], *, cell_size_m: float
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Cells of buildings numbered by parts of nearly one height.

    A part grows over cells as long as the roof goes on without a step. Then small parts join a neighbour, and
    neighbours of similar height join one another.

    Parameters
    ----------
    top : array, shape (ny, nx)
        Elevation of the uppermost point of each cell, metres; finite where `mask` is True.
    mask : array, shape (ny, nx)
        Cells of buildings.
    cell_size_m : float
        Side of a cell.

    Returns
    -------
    part : array, shape (ny, nx)
        0 outside, else 1 to the number of parts.
    roof_m : array, shape (n_parts + 1,)
        The 70th percentile of the tops of each part; the first is NaN.

    Examples
    --------
    >>> top = np.where(np.arange(20) < 10, 6.0, 9.5) * np.ones((20, 1))
    >>> part, roof = part_cells(top, np.ones((20, 20), bool), cell_size_m=0.5)
    >>> part[0, [0, 19]], roof[1:]
    (array([1, 2], dtype=int32), array([6. , 9.5]))
    """
    smooth = ndimage.median_filter(np.where(mask, top, 0.0), footprint=_SQUARE, mode="nearest")
    smooth = np.where(ndimage.binary_erosion(mask, _SQUARE), smooth, top)
    part = _bands(smooth, mask)
    part = _joined(part, smooth, _into_neighbour(min_cells=PART_AREA_M2 / cell_size_m**2))
    part = _joined(part, smooth, _where_the_roof_goes_on(step_m=STEEPEST_ROOF * cell_size_m))
    part = _joined(part, smooth, _of_similar_height)
    return part, roof_heights(part, top)


def _bands(top: NDArray[np.float64], mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Connected cells of one height band, numbered from 1."""
    band = np.where(mask, np.floor(top / BAND_M), -np.inf)
    ny, nx = band.shape
    cell = np.arange(ny * nx).reshape(ny, nx)
    pairs = [
        np.column_stack([cell[a][same], cell[b][same]])
        for a, b in _NEIGHBOURS
        if (same := (band[a] == band[b]) & mask[a]).any()
    ]
    joined = np.concatenate([np.empty((0, 2), dtype=np.int64), *pairs])
    graph = sparse.coo_matrix((np.ones(len(joined)), joined.T), shape=(ny * nx, ny * nx))
    _, group = csgraph.connected_components(graph, directed=False)
    part = np.zeros((ny, nx), dtype=np.int32)
    part[mask] = np.unique(group[mask.ravel()], return_inverse=True)[1] + 1
    return part


@dataclass(frozen=True, slots=True)
class _Borders:
    """Neighbouring parts, both ways round, sorted: cell sides shared, and the median step across them."""

    here: NDArray[np.int64]
    there: NDArray[np.int64]
    shared: NDArray[np.int64]
    step_m: NDArray[np.float64]


def _borders(part: NDArray[np.int32], top: NDArray[np.float64]) -> _Borders:
    columns = []
    for one, other in _NEIGHBOURS:
        a, b = part[one], part[other]
        use = (a != b) & (a > 0) & (b > 0)  # elsewhere the top may be infinite
        columns.append((a[use], b[use], np.abs(top[one][use] - top[other][use])))
    a, b, step = (np.concatenate(column) for column in zip(*columns, strict=True))
    here, there, step = np.concatenate([a, b]), np.concatenate([b, a]), np.concatenate([step, step])
    order = np.lexsort((step, there, here))
    here, there, step = here[order].astype(np.int64), there[order].astype(np.int64), step[order]
    first = np.flatnonzero(np.diff(here, prepend=-1) | np.diff(there, prepend=-1))
    count = np.diff(np.append(first, len(here)))
    return _Borders(here[first], there[first], count, step[first + count // 2])


_Choice = Callable[["NDArray[np.int32]", "NDArray[np.float64]"], "NDArray[np.int64]"]


def _joined(part: NDArray[np.int32], top: NDArray[np.float64], choice: _Choice) -> NDArray[np.int32]:
    """Parts joined as a rule chooses, again and again until it chooses nothing more."""
    for _ in range(MAX_ROUNDS):
        goes_to = choice(part, top)
        if (goes_to == np.arange(len(goes_to))).all():
            break
        part = _renumbered(part, goes_to)
    return part


def _into_neighbour(*, min_cells: float) -> _Choice:
    """The rule that every part too small goes to the neighbour with the least step between."""

    def choose(part: NDArray[np.int32], top: NDArray[np.float64]) -> NDArray[np.int64]:
        size = np.bincount(part.ravel())
        b = _borders(part, top)
        goes_to = np.arange(len(size))
        small = size[b.here] < min_cells
        best = _first_of_each(b.here[small], b.step_m[small], -b.shared[small])
        goes_to[b.here[small][best]] = b.there[small][best]
        return goes_to

    return choose


def _where_the_roof_goes_on(*, step_m: float) -> _Choice:
    """The rule that parts with no more than a slope between them are one."""

    def choose(part: NDArray[np.int32], top: NDArray[np.float64]) -> NDArray[np.int64]:
        b = _borders(part, top)
        return _mutual(b, b.step_m, limit=step_m, n=int(part.max()) + 1)

    return choose


def _of_similar_height(part: NDArray[np.int32], top: NDArray[np.float64]) -> NDArray[np.int64]:
    """The rule that parts of nearly the same height are one."""
    roof, b = roof_heights(part, top), _borders(part, top)
    return _mutual(b, np.abs(roof[b.here] - roof[b.there]), limit=PART_STEP_M, n=len(roof))


def _mutual(b: _Borders, cost: NDArray[np.float64], *, limit: float, n: int) -> NDArray[np.int64]:
    """Each part to its cheapest neighbour, where the choice is mutual and below a limit."""
    best = _first_of_each(b.here, cost, -b.shared)
    closest = np.arange(n)
    cheap = best[cost[best] < limit]
    closest[b.here[cheap]] = b.there[cheap]
    return np.where(closest[closest] == np.arange(n), closest, np.arange(n))


def join_enclosed(part: NDArray[np.int32], top: NDArray[np.float64], *, share: float) -> NDArray[np.int32]:
    """Parts joined with the neighbour that takes up a share of their sides: towers, roof storeys, penthouses.

    Parameters
    ----------
    part, top : array, shape (ny, nx)
        As of `part_cells`.
    share : float
        Of the sides of a part's cells that no cell of the same part follows.

    Examples
    --------
    >>> part = np.ones((12, 12), np.int32)
    >>> part[4:8, 4:8] = 2
    >>> int(join_enclosed(part, np.where(part == 2, 30.0, 6.0), share=0.4).max())
    1
    """

    def choose(part: NDArray[np.int32], top: NDArray[np.float64]) -> NDArray[np.int64]:
        b = _borders(part, top)
        sides = _sides(part)
        goes_to = np.arange(len(sides))
        best = _first_of_each(b.here, -b.shared.astype(np.float64), b.there)
        here, there = b.here[best], b.there[best]
        held = b.shared[best] >= share * sides[here]
        goes_to[here[held]] = there[held]
        return goes_to

    return _joined(part, top, choose)


def _sides(part: NDArray[np.int32]) -> NDArray[np.int64]:
    """For each part, how many sides of its cells another part or nothing follows."""
    framed = np.pad(part, 1)
    n = np.zeros(int(part.max(initial=0)) + 1, np.int64)
    for a, b in _NEIGHBOURS:
        differs = framed[a] != framed[b]
        n += np.bincount(framed[a][differs], minlength=len(n))
        n += np.bincount(framed[b][differs], minlength=len(n))
    return n


def _first_of_each(
    group: NDArray[np.int64], cost: NDArray[np.float64], then: NDArray[np.int64]
) -> NDArray[np.int64]:
    """For each value of a sorted `group`, the row with the least cost."""
    order = np.lexsort((then, cost, group))
    return order[np.unique(group[order], return_index=True)[1]]


def _renumbered(part: NDArray[np.int32], goes_to: NDArray[np.int64]) -> NDArray[np.int32]:
    """Parts joined with the part that they go to, numbered anew in the order of their first old number."""
    n = len(goes_to)
    graph = sparse.coo_matrix((np.ones(n), (np.arange(n), goes_to)), shape=(n, n))
    _, group = csgraph.connected_components(graph, directed=False)
    first = np.unique(group, return_index=True)[1]
    number = np.empty(len(first), dtype=np.int32)
    number[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return number[group[part]]


def roof_heights(part: NDArray[np.int32], top: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 70th percentile of the tops of each part, by nearest rank; NaN for part 0 and for parts without cells."""
    cells = np.flatnonzero(part)
    label, z = part.ravel()[cells], top.ravel()[cells]
    order = np.lexsort((z, label))
    n = np.bincount(label, minlength=int(part.max()) + 1)
    ends = np.cumsum(n)
    rank = np.maximum(0, np.ceil(ROOF_PERCENTILE / 100 * n).astype(np.int64) - 1)
    roof = np.full(len(n), np.nan)
    there = n > 0
    roof[there] = z[order][(ends - n + rank)[there]]
    return roof
