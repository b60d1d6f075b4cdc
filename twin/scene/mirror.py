"""Where a picture shows water: only there what it mirrors has to be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.camera import Camera
    from twin.scene.pack import ScenePack


def water_corners(pack: ScenePack) -> NDArray[np.float64]:
    """Corners of all triangles of water, local metres, shape (n, 3, 3)."""
    points, triangles = pack["terrain_points"], pack["terrain_triangles"]
    tiles = [t for t in pack.meta.terrain_tiles if t.group == "water"]
    found = [points[slice(*t.points)][triangles[slice(*t.cells)]] for t in tiles]
    return np.concatenate([np.empty((0, 3, 3)), *found])


def may_show(corners: NDArray[np.float64], camera: Camera, projection: NDArray[np.float64]) -> bool:
    """Whether any triangle may appear in a piece of a picture; true too often rather than too seldom.

    A triangle is left out if all its corners lie beyond one side of the piece, in coordinates before the division by
    depth, where those behind the eye are told as safely as those before it.

    Parameters
    ----------
    corners : array, shape (n, 3, 3)
    camera : Camera
    projection : array, shape (4, 4)
        From view coordinates to the clip coordinates of the piece.

    Examples
    --------
    >>> from twin.scene.camera import Camera
    >>> from twin.scene.render import piece_projection
    >>> camera, size = Camera((0, -10, 0), (0, 0, 0)), (200, 100)
    >>> left, right = (piece_projection(camera, size, (x, 0, 100, 100), (1, 20)) for x in (0, 100))
    >>> triangle = np.array([[[2.0, 0, 0], [3, 0, 0], [2, 0, 1]]])
    >>> may_show(triangle, camera, left), may_show(triangle, camera, right)
    (False, True)
    """
    right, up, forward = camera.axes
    view = (corners - camera.eye) @ np.column_stack([right, up, -forward])
    clip = view @ projection[:, :3].T + projection[:, 3]
    x, y, w = clip[..., 0], clip[..., 1], clip[..., 3]
    beyond = np.stack([x < -w, x > w, y < -w, y > w, w <= 0])
    return bool((~beyond.all(axis=-1).any(axis=0)).any())
