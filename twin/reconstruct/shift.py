"""How far footprints are displaced against the points, and whether that is certain.

A shift moves opposite walls in opposite senses, eaves move both outward: the two are told apart by a robust fit of both
at once. What fits no shift (an annex, a balcony, a wall behind a tree) counts as an outlier, however many there are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.reconstruct.wall_offsets import WallOffsets

FARTHEST_M = 2.5
"""Larger shifts are not looked for."""
STEP_M = 0.25
WALL_SIGMA_M = 0.15
"""Of a wall's offset about what shift and eaves explain."""
OUTLIER = 3.0
"""Beyond this many sigma it does not matter how far off a wall is."""
EAVES_SIGMA_M = 0.15
"""Of the eaves of a building about those of the others."""
USUAL_WALL_M = 6.0
"""A wall of this length counts once; longer ones a little more, shorter ones less."""
STAY_SIGMA_M = 3.0
"""Along walls that say nothing, a footprint stays where it is."""
SETTLED_M = 1e-5
FACING = 0.5
"""Cosine between a wall's direction and the shift from which on it tells of it."""
SQUARE = 0.8
"""Cosine between a wall's direction and a main direction of the walls from which on the wall faces that way."""
LEAST_SHIFT_M = 0.45
LEAST_GAIN = 0.7
LEAST_CHI2 = 9.0
"""A shift counts from this length, this share of misfit explained, and this much misfit in units of sigma squared."""


@dataclass(frozen=True, slots=True)
class Shift:
    """What moves footprints onto their points.

    Parameters
    ----------
    east_m, north_m : float
        To be added to their coordinates.
    eaves_m : float
        By how much roofs reach over the outlines then.
    gain : float
        Share of the misfit that the shift explains, 0 to 1.
    chi2 : float
        That misfit in units of sigma squared.
    n_walls : int
        Walls that were measured.
    is_two_sided : bool
        Whether walls on both sides tell of it; on one side alone an annex would look the same.
    """

    east_m: float
    north_m: float
    eaves_m: float
    gain: float
    chi2: float
    n_walls: int
    is_two_sided: bool = False

    @property
    def length_m(self) -> float:
        """How far."""
        return float(np.hypot(self.east_m, self.north_m))

    @property
    def is_certain(self) -> bool:
        """Whether chance, annexes and eaves do not explain it."""
        enough = self.length_m >= LEAST_SHIFT_M and self.gain >= LEAST_GAIN and self.chi2 >= LEAST_CHI2
        return enough and self.is_two_sided


def find_shift(walls: WallOffsets, *, eaves_m: float | None = None) -> Shift:
    """The shift that explains the offsets of walls best.

    The misfit (Geman-McClure) is searched over all shifts and eaves, then refined by weighted least squares.

    Parameters
    ----------
    walls : WallOffsets
        Of one building, of a block, or of all.
    eaves_m : float, optional
        What roofs usually reach over outlines here; unknown if not given.

    References
    ----------
    Geman & McClure (1987), Statistical methods for tomographic image reconstruction.
    Black & Rangarajan (1996), Int. J. Computer Vision 19, 57-91: robust fits as weighted least squares.

    Examples
    --------
    >>> from twin.reconstruct.wall_offsets import WallOffsets
    >>> normal = np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    >>> walls = WallOffsets(np.zeros(4, int), normal, np.array([1.3, 0.4, -0.7, 0.2]), np.full(4, 8.0))
    >>> found = find_shift(walls)
    >>> round(found.east_m, 1), round(found.north_m, 1), round(found.eaves_m, 1), found.is_certain
    (1.0, 0.1, 0.3, True)
    """
    if not len(walls):
        return Shift(0.0, 0.0, 0.0 if eaves_m is None else eaves_m, 0.0, 0.0, 0)
    usual = (0.3, 10.0) if eaves_m is None else (eaves_m, EAVES_SIGMA_M)
    n_walls = len(walls)
    best = _fitted(walls, usual)
    told = _told_axes(best, walls)
    if len(told) == 1:
        # The other way walls on one side alone would move it: a gable without eaves, an annex.
        walls = walls.select(np.abs(walls.normal @ told[0]) > FACING)
        walls = replace(walls, normal=(walls.normal @ told.T) @ told)
        best = _fitted(walls, usual)
    fit = (walls.normal, walls.offset_m, _weight(walls), usual)
    cost, cost_still = _misfit(best, *fit), _misfit(_search_eaves(*fit), *fit)
    lost = max(0.0, cost_still - cost)
    gain = lost / cost_still if cost_still > 0 else 0.0
    sides = _is_two_sided(best, walls)
    return Shift(float(best[0]), float(best[1]), float(best[2]), gain, lost, n_walls, sides)


def is_no_worse(shift: Shift, walls: WallOffsets) -> bool:
    """Whether the walls of one building of a block agree with a shift of the block: they fit no worse than before."""
    fit = (walls.normal, walls.offset_m, _weight(walls), (shift.eaves_m, EAVES_SIGMA_M))
    before, after = (
        np.array([0.0, 0.0, shift.eaves_m]),
        np.array([shift.east_m, shift.north_m, shift.eaves_m]),
    )
    cost = [_misfit(p, *fit) for p in (before, after)]
    return bool(cost[1] <= cost[0] + 1.0)


def _weight(walls: WallOffsets) -> NDArray[np.float64]:
    return np.sqrt(walls.length_m / USUAL_WALL_M)


def _fitted(walls: WallOffsets, usual: tuple[float, float]) -> NDArray[np.float64]:
    """Shift and eaves that fit the walls best."""
    fit = (walls.normal, walls.offset_m, _weight(walls), usual)
    return _refine(_search(*fit), *fit)


def _told_axes(p: NDArray[np.float64], walls: WallOffsets) -> NDArray[np.float64]:
    """Which of the two main directions of the walls have fitting walls on both sides, shape (0 to 2, 2)."""
    angle = 4 * np.arctan2(walls.normal[:, 1], walls.normal[:, 0])
    main = np.arctan2((walls.length_m * np.sin(angle)).sum(), (walls.length_m * np.cos(angle)).sum()) / 4
    axes = np.array([[np.cos(main), np.sin(main)], [-np.sin(main), np.cos(main)]])
    fits = np.abs(walls.offset_m - walls.normal @ p[:2] - p[2]) <= OUTLIER * WALL_SIGMA_M
    facing = walls.normal[fits] @ axes.T
    return np.asarray(axes[(facing > SQUARE).any(axis=0) & (facing < -SQUARE).any(axis=0)])


def _is_two_sided(p: NDArray[np.float64], walls: WallOffsets) -> bool:
    """Whether walls that fit face the shift, and others face away from it."""
    facing = walls.normal @ p[:2] / max(1e-9, float(np.hypot(*p[:2])))
    fits = np.abs(walls.offset_m - walls.normal @ p[:2] - p[2]) <= OUTLIER * WALL_SIGMA_M
    return bool((fits & (facing > FACING)).any() and (fits & (facing < -FACING)).any())


@numba.njit(cache=True, nogil=True)
def _misfit(
    p: NDArray[np.float64],
    normal: NDArray[np.float64],
    offset: NDArray[np.float64],
    weight: NDArray[np.float64],
    usual: tuple[float, float],
) -> float:
    total = ((p[2] - usual[0]) / usual[1]) ** 2 + (p[0] ** 2 + p[1] ** 2) / STAY_SIGMA_M**2
    for i in range(len(offset)):
        r = (offset[i] - normal[i, 0] * p[0] - normal[i, 1] * p[1] - p[2]) / WALL_SIGMA_M
        total += weight[i] * r * r / (1.0 + r * r / OUTLIER**2)
    return total


@numba.njit(cache=True, nogil=True)
def _search(
    normal: NDArray[np.float64],
    offset: NDArray[np.float64],
    weight: NDArray[np.float64],
    usual: tuple[float, float],
) -> NDArray[np.float64]:
    """The best of all shifts and eaves on a raster."""
    n = round(FARTHEST_M / STEP_M)
    best, lowest, p = np.zeros(3), np.inf, np.zeros(3)
    for k in range(-4, 13):
        for i in range(-n, n + 1):
            for j in range(-n, n + 1):
                p[0], p[1], p[2] = i * STEP_M, j * STEP_M, k * 0.1
                cost = _misfit(p, normal, offset, weight, usual)
                if cost < lowest:
                    lowest = cost
                    best[:] = p
    return best


@numba.njit(cache=True, nogil=True)
def _search_eaves(
    normal: NDArray[np.float64],
    offset: NDArray[np.float64],
    weight: NDArray[np.float64],
    usual: tuple[float, float],
) -> NDArray[np.float64]:
    """The best eaves without a shift."""
    best, lowest, p = np.zeros(3), np.inf, np.zeros(3)
    for k in range(-100, 151):
        p[2] = k * 0.01
        cost = _misfit(p, normal, offset, weight, usual)
        if cost < lowest:
            lowest = cost
            best[:] = p
    return best


def _refine(
    start: NDArray[np.float64],
    normal: NDArray[np.float64],
    offset: NDArray[np.float64],
    weight: NDArray[np.float64],
    usual: tuple[float, float],
) -> NDArray[np.float64]:
    """Weighted least squares, again and again with the weights that the residuals call for."""
    design = np.column_stack([normal, np.ones(len(offset))])
    prior = np.array([STAY_SIGMA_M**-2, STAY_SIGMA_M**-2, usual[1] ** -2])
    target = prior * np.array([0.0, 0.0, usual[0]])
    p = start
    for _ in range(30):
        r = (offset - design @ p) / WALL_SIGMA_M
        w = weight / (1 + (r / OUTLIER) ** 2) ** 2 / WALL_SIGMA_M**2
        before, normal_matrix = p, design.T @ (design * w[:, None]) + np.diag(prior)
        p = np.linalg.solve(normal_matrix, design.T @ (w * offset) + target)
        if np.abs(p - before).max() < SETTLED_M:
            break
    return p
