"""Hours of direct sun of a city on a day, on ground, roofs and walls, kept as layers of the city."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.core.errors import UsageError
from twin.energy.face_sun import SPACING_M, FaceHours, sun_of_buildings, sun_on_faces
from twin.energy.standing import Surroundings, first_surface, surroundings
from twin.energy.sweeps import hours_on_raster, sunlit
from twin.energy.track import Track, parse_day, sun_track

if TYPE_CHECKING:
    from datetime import date, datetime

    import numpy as np
    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.core.grid import Bounds, Grid
    from twin.core.notices import Notices

NODATA = -9999.0
QUANTITY = "sun_h"
"""What the raster tells; columns of buildings such as ``wall_sun_h`` tell the same."""


@dataclass(frozen=True, slots=True)
class SunHours:
    """Hours of direct sun on a day.

    Parameters
    ----------
    track : Track
    grid : Grid
    ground_h : array of float32, shape (ny, nx)
        On what is seen from above: ground, and roofs where there are some; NaN without data.
    faces : FaceHours, optional
        On roofs and walls, where those were asked for.
    buildings : DataFrame, optional
        Of each building, as `twin.energy.face_sun.sun_of_buildings` gives it.
    """

    track: Track
    grid: Grid
    ground_h: NDArray[np.float32]
    faces: FaceHours | None = None
    buildings: Any = None


def sun_hours(
    city: City,
    *,
    date: date | str,
    every_min: int = 15,
    surfaces: bool = False,
    trees: bool = False,
    cell_size_m: float | None = None,
    bounds: Bounds | None = None,
    spacing_m: float = SPACING_M,
) -> SunHours:
    """Hours of direct sun of a city on a day.

    Parameters
    ----------
    city : City
    date : date or str
        The day, such as ``"2026-12-21"``.
    every_min : int
        Minutes between places of the sun.
    surfaces : bool
        Whether roofs and walls are wanted too.
    trees : bool
        Whether trees throw shadow.
    cell_size_m : float, optional
        Side of a cell of the ground; the terrain's own if not given.
    bounds : Bounds, optional
        Part of the city; what stands outside it throws no shadow on its ground.
    spacing_m : float
        Distance of the points on roofs and walls.

    Raises
    ------
    TwinError
        As `twin.energy.standing.surroundings` and `twin.energy.track.sun_track`.

    Examples
    --------
    >>> import twin
    >>> found = twin.energy.sun_hours(twin.open_city("town.twin"), date="2026-12-21")  # doctest: +SKIP
    >>> float(found.ground_h.mean())  # doctest: +SKIP
    4.1
    """
    day = parse_day(date) if isinstance(date, str) else date
    around = surroundings(city, cell_size_m=cell_size_m, bounds=bounds, trees=trees)
    return sun_hours_of(around, day, every_min=every_min, surfaces=surfaces, spacing_m=spacing_m)


def sun_hours_of(
    around: Surroundings,
    day: date,
    *,
    every_min: int = 15,
    surfaces: bool = False,
    spacing_m: float = SPACING_M,
) -> SunHours:
    """Hours of direct sun in surroundings that were prepared before; parameters as in `sun_hours`."""
    track = sun_track(day, around.place, every_min=every_min)
    ground = hours_on_raster(first_surface(around), around.grid.cell_size_m, track)
    if not surfaces:
        return SunHours(track, around.grid, ground)
    faces = sun_on_faces(around, track, spacing_m=spacing_m)
    return SunHours(track, around.grid, ground, faces, sun_of_buildings(faces, around.building_ids))


def shadow_at(around: Surroundings, when: datetime) -> NDArray[np.bool_]:
    """Which cells lie in shadow at a moment; all of them by night. Shape (ny, nx)."""
    from twin.energy.sun import sun_at

    place = around.place
    sun = sun_at(
        when,
        latitude_deg=place.latitude_deg,
        longitude_deg=place.longitude_deg,
        convergence_deg=place.convergence_deg,
    )
    return ~sunlit(first_surface(around), around.grid.cell_size_m, sun)


def write_sun_hours(found: SunHours, path: Path, *, crs: str, force: bool = False) -> Path:
    """Write the hours on the ground as GeoTIFF, and a table of the buildings beside it as CSV if there is one.

    Raises
    ------
    OutputExistsError
        If a file exists and `force` is false.
    """
    from twin.core.crs import parse_crs
    from twin.core.files import atomic_path
    from twin.sources.cog import write_geotiff

    with atomic_path(path, force=force) as temporary:
        write_geotiff(
            temporary, found.ground_h, found.grid, crs=parse_crs(crs), nodata=NODATA, quantity=QUANTITY
        )
    if found.buildings is not None:
        with atomic_path(path.with_suffix(".buildings.csv"), force=force) as temporary:
            found.buildings.to_csv(temporary, index=False)
    return path


def store_sun_hours(city: City, found: SunHours, *, name: str, force: bool = False, notices: Notices) -> City:
    """Keep hours of sun in the city: a raster layer, and columns of its buildings if they were asked for.

    Raises
    ------
    UsageError
        If the name cannot be that of a layer.
    OutputExistsError
        If the layer exists and `force` is false.
    """
    from twin.city.add import layer_name

    if name != layer_name(name):
        raise UsageError(
            "--name", f"{name!r} is no name of a layer", f"choose one such as {layer_name(name)}"
        )
    stem = f"sun-hours-{found.track.day.isoformat()}"
    with tempfile.TemporaryDirectory(prefix="twin-sun-") as folder:
        raster = Path(folder, f"{stem}.tif")
        write_sun_hours(found, raster, crs=city.manifest.crs_wkt)
        added = city.add(raster, name=name, force=force, notices=notices)
        table = raster.with_suffix(".buildings.csv")
        if found.buildings is not None:
            added = added.add(table, name=f"{name} buildings", join="id=id", force=force, notices=notices)
    return added
