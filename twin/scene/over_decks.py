"""Lines and points of layers at bridges: over the deck if they come to it at its height, below it otherwise."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.core.mesh import TriangleMesh

_LOW_M = 0.5
"""Over ground that comes this near to a deck all lies on the deck."""


def above_decks(
    xyz: NDArray[np.float64], owner: NDArray[np.int64], decks: Sequence[tuple[Any, TriangleMesh]]
) -> NDArray[np.float64]:
    """Heights of points on the ground, shape (n,), raised to the decks that they run over.

    A line runs over a deck if the ground beside the deck, where it comes or goes, is nearer to the height of the deck
    than to the ground below; a line that begins and ends within the plan of the deck, and a single point, lie on it.

    Parameters
    ----------
    xyz : array, shape (n, 3)
        Points of lines one after the other, on the ground.
    owner : array, shape (n,)
        Which line each belongs to, ascending.
    decks : sequence
        Plan and upper triangles of each.
    """
    from twin.city.decks import heights_on

    found, ground = xyz[:, 2].copy(), xyz[:, 2]
    decks = [(polygon, top) for polygon, top in decks if len(top.triangles)]
    if not decks or not len(xyz):
        return found
    tree = shapely.STRtree(shapely.points(xyz[:, :2]))
    deck, row = tree.query([polygon for polygon, _ in decks], predicate="intersects")
    for number, (_, top) in enumerate(decks):
        for run in _runs(np.sort(row[deck == number]), owner):
            height = heights_on(top, xyz[run, 0], xyz[run, 1])
            if _runs_over(ground, owner, run, height):
                found[run] = np.maximum(found[run], height)
    return found


def _runs(rows: NDArray[np.int64], owner: NDArray[np.int64]) -> list[slice]:
    """Stretches of points inside, each of one line."""
    if not len(rows):
        return []
    breaks = np.flatnonzero((np.diff(rows) > 1) | (np.diff(owner[rows]) != 0)) + 1
    edges = [0, *breaks.tolist(), len(rows)]
    return [slice(int(rows[a]), int(rows[b - 1]) + 1) for a, b in pairwise(edges)]


def _runs_over(
    ground: NDArray[np.float64], owner: NDArray[np.int64], run: slice, height: NDArray[np.float64]
) -> bool:
    lowest = float(np.nanmin(ground[run], initial=np.inf))
    clearance = float(height.min()) - lowest
    if not clearance > _LOW_M:
        return True
    beside = [i for i in (run.start - 1, run.stop) if 0 <= i < len(owner) and owner[i] == owner[run.start]]
    return not beside or max(ground[i] for i in beside) > lowest + clearance / 2
