"""Which features of a layer a tile works on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.city.tiling import Tiling
    from twin.core.grid import Bounds


def features_touching(frame: Any, area: Bounds) -> tuple[Any, Any]:
    """Geometries of a layer that touch a rectangle, and their rows."""
    if frame is None or frame.empty:
        return np.empty(0, object), np.empty(0, np.int64)
    rows = np.sort(frame.sindex.intersection((area.x_min, area.y_min, area.x_max, area.y_max)))
    return np.asarray(frame.geometry.array, dtype=object)[rows], rows


def owner_tiles(frame: Any, tiling: Tiling) -> list[tuple[int, int]]:
    """The tile that each feature's middle lies in; the first one for features without a place."""
    b = frame.geometry.bounds.to_numpy(float)
    middle = np.where(np.isfinite(b), b, 0.0)
    x, y = (middle[:, 0] + middle[:, 2]) / 2, (middle[:, 1] + middle[:, 3]) / 2
    here = np.isfinite(b).all(axis=1)
    first = next((tiling.index(x[k], y[k]) for k in np.flatnonzero(here)), (0, 0))
    return [tiling.index(x[k], y[k]) if here[k] else first for k in range(len(frame))]


def rows_by_tile(frame: Any, tiling: Tiling) -> dict[tuple[int, int], NDArray[np.int64]]:
    """The rows of a layer's features that belong to each tile, found once for all tiles."""
    rows: dict[tuple[int, int], list[int]] = {}
    if frame is not None and not frame.empty:
        for row, tile in enumerate(owner_tiles(frame, tiling)):
            rows.setdefault(tile, []).append(row)
    return {tile: np.array(own, np.int64) for tile, own in rows.items()}


def rows_of(frame: Any, rows: NDArray[np.int64] | None) -> Any:
    """Those features of a layer, with their `row`; an empty table if there are none."""
    if frame is None or frame.empty:
        return None
    rows = np.empty(0, np.int64) if rows is None else rows
    return frame.iloc[rows].assign(row=rows)
