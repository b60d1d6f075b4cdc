"""Heights along a line: ground, what stands on it, what the survey saw, and water."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.rays import make_caster
from twin.scene.measure import Ground, ground_of, walk

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.core.grid import Grid
    from twin.energy.standing import Surroundings
    from twin.scene.style import Style


@dataclass(frozen=True, slots=True)
class Profile:
    """Heights along a line; each array of shape (n,), metres.

    Parameters
    ----------
    along_m : array
        Way from the start.
    xy : array, shape (n, 2)
        Easting and northing.
    ground_m : array
        Elevation of the bare ground, NaN outside.
    building_m : array
        Elevation of the roof there, NaN beside buildings; of decks and of masses without a footprint too.
    building : tuple of str
        Id of the building there, empty beside them and where what stands has none.
    seen_m : array or None
        What the survey saw first from above, trees included.
    water_m : array or None
        Level of the water, NaN where it is dry.
    """

    along_m: NDArray[np.float64]
    xy: NDArray[np.float64]
    ground_m: NDArray[np.float64]
    building_m: NDArray[np.float64]
    building: tuple[str, ...]
    seen_m: NDArray[np.float64] | None = None
    water_m: NDArray[np.float64] | None = None

    def table(self) -> Any:
        """The same as a DataFrame."""
        import pandas as pd

        columns: dict[str, Any] = {
            "along_m": self.along_m.round(3),
            "x": self.xy[:, 0].round(3),
            "y": self.xy[:, 1].round(3),
            "ground_m": self.ground_m.round(3),
            "building_m": self.building_m.round(3),
            "building": self.building,
        }
        optional = {"seen_m": self.seen_m, "water_m": self.water_m}
        return pd.DataFrame({**columns, **{k: v.round(3) for k, v in optional.items() if v is not None}})


def height_profile(
    around: Surroundings,
    line: NDArray[np.floating],
    *,
    step_m: float | None = None,
    seen: Ground | None = None,
    water: tuple[Grid, NDArray[np.floating], NDArray[np.floating]] | None = None,
) -> Profile:
    """Heights along a line.

    Parameters
    ----------
    around : Surroundings
    line : array, shape (n, 2)
        Corners, map coordinates.
    step_m : float, optional
        Between two heights; half a cell of the terrain if not given.
    seen : Ground, optional
        First surface of the survey.
    water : tuple of Grid, bed and depth, optional
        Of a flood at a moment; arrays of shape (ny, nx).

    Raises
    ------
    UsageError
        If the line has no length.
    """
    ground = ground_of(around)
    xy, along = walk(np.asarray(line, np.float64), step_m or around.grid.cell_size_m / 2)
    roof, building = _roofs(around, xy)
    return Profile(
        along,
        xy,
        ground.at(xy),
        roof,
        building,
        None if seen is None else seen.at(xy),
        None if water is None else _water(water, xy),
    )


def _roofs(around: Surroundings, xy: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Roofs under rays from above, exactly where the solids have them."""
    faces = around.buildings
    corners = (np.concatenate([faces.corners, around.others]) - around.origin).astype(np.float32)
    caster = make_caster(corners)
    top = float(corners[..., 2].max()) + 10.0 if len(corners) else 10.0
    origins = np.column_stack([xy - around.origin[:2], np.full(len(xy), top)]).astype(np.float32)
    down = np.tile(np.array([0, 0, -1], np.float32), (len(xy), 1))
    far = caster.distances(origins, down).astype(np.float64)
    number = caster.triangles_met(origins, down)
    n = len(faces.corners)
    owner = [int(faces.owner[faces.face[t]]) if 0 <= t < n else -1 for t in number]
    names = tuple(around.building_ids[k] if k >= 0 else "" for k in owner)
    return np.where(np.isfinite(far), top - far, np.nan), names


def _water(
    water: tuple[Grid, NDArray[np.floating], NDArray[np.floating]], xy: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Level of the cell that each place lies in; water is not smoothed over its shore."""
    grid, bed, depth = water
    row, column = grid.rows_cols(xy[:, 0], xy[:, 1])
    inside = (row >= 0) & (row < grid.ny) & (column >= 0) & (column < grid.nx)
    row, column = row.clip(0, grid.ny - 1), column.clip(0, grid.nx - 1)
    here = np.asarray(depth[row, column], np.float64)
    return np.where(inside & (here > 0), np.asarray(bed[row, column], np.float64) + here, np.nan)


def profile_picture(
    profile: Profile, *, size: tuple[int, int] = (1280, 480), title: str = "", style: Style | None = None
) -> NDArray[np.uint8]:
    """A profile as a picture of shape (height, width, 3), uint8: ground, buildings and water in their colours."""
    from twin.scene.profile_chart import draw_profile

    return draw_profile(profile, size=size, title=title, style=style)


def write_profile(profile: Profile, path: Path, *, title: str = "", force: bool = False) -> None:
    """Write a profile as ``.csv`` or as a picture ``.png``.

    Raises
    ------
    UsageError
        If the suffix is neither.
    OutputExistsError
        If the file exists and `force` is false.
    """
    from twin.core.errors import UsageError
    from twin.core.files import atomic_path

    suffix = path.suffix.lower()
    if suffix not in {".csv", ".png"}:
        raise UsageError(path, "has no suffix of a profile", "write .csv or .png")
    with atomic_path(path, force=force) as temporary:
        if suffix == ".csv":
            profile.table().to_csv(temporary, index=False)
        else:
            from PIL import Image

            Image.fromarray(profile_picture(profile, title=title)).save(temporary)
