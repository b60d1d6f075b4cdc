"""Calls that span rooms: what scripts and the command line both use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.core.notices import Notices
from twin.core.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.city.model import City
    from twin.city.options import BuildOptions
    from twin.core.progress import Progress


def build(
    points: str | Path | Sequence[str | Path],
    footprints: str | Path | None,
    output: str | Path,
    *,
    crs: str | None = None,
    id_field: str | None = None,
    height_field: str | None = None,
    lod: str | None = None,
    detail: float = 0.5,
    vectors: dict[str, str | Path] | None = None,
    rasters: dict[str, str | Path] | None = None,
    buildings: str | Path | None = None,
    cell_size_m: float = 0.5,
    height_offset_m: float | None = None,
    derive_footprints: bool = False,
    align: bool = False,
    keep_going: bool = False,
    name: str = "",
    attribution: str = "",
    licence: str = "",
    workers: int | None = None,
    scheduler: str | None = None,
    notices: Notices | None = None,
) -> City:
    """Build a city from a survey and open it.

    Parameters
    ----------
    points : path, glob or list of them
        LAS, LAZ or COPC.
    footprints : path
        Building outlines.
    output : path
        The city folder.
    crs : str, optional
        CRS of the city; taken from the points when they name one.
    id_field : str, optional
        Column of the footprints that names a building.
    height_field : str, optional
        Column of the footprints with heights above ground, taken where points tell none; a usual one is found.
    lod : str, optional
        Finest level of detail.
    detail : float
        From simple (0) to detailed (1).
    vectors, rasters : dict, optional
        Files by kind: roads, water, bridges, landcover; dtm, dsm, ortho.
    buildings : path, optional
        Given solids (CityJSON) instead of `footprints`.
    cell_size_m : float
        Cell of terrain rasters, metres.
    height_offset_m : float, optional
        Added to elevations where no geoid grid is at hand.
    derive_footprints : bool
        Outline, from the points, the buildings that no footprint tells of, and build them too.
    align : bool
        Move footprints that are displaced against the points.
    keep_going : bool
        Leave damaged point files out instead of stopping.
    name, attribution, licence : str
        Shown in pictures and kept in the manifest.
    workers : int, optional
        Processes; one for each core if not given.
    scheduler : str, optional
        Address of a Dask scheduler whose workers do the tiles instead, such as ``tcp://10.0.0.7:8786``.
    notices : Notices, optional
        Is told what was repaired, assumed or left out; `City.manifest.notices` keeps it too.

    Raises
    ------
    TwinError
        One of its leaves, with file, cause and remedy.
    """
    from twin.city.model import open_city
    from twin.city.options import LODS, BuildOptions
    from twin.core.tasks import default_workers

    listed = [points] if isinstance(points, str | Path) else list(points)
    options = BuildOptions(
        points=tuple(str(p) for p in listed),
        output=Path(output),
        footprints=None if footprints is None else Path(footprints),
        vectors={k: Path(v) for k, v in (vectors or {}).items()},
        rasters={k: Path(v) for k, v in (rasters or {}).items()},
        crs=crs,
        id_field=id_field,
        height_field=height_field,
        lod=lod or LODS[-1],
        detail=detail,
        buildings=None if buildings is None else Path(buildings),
        cell_size_m=cell_size_m,
        height_offset_m=height_offset_m,
        derive_footprints=derive_footprints,
        align=align,
        keep_going=keep_going,
        name=name,
        attribution=attribution,
        licence=licence,
        workers=workers or default_workers(),
        scheduler=scheduler,
    )
    build_with(options, notices=notices or Notices(), progress=Silent())
    return open_city(output)


def build_with(options: BuildOptions, *, notices: Notices, progress: Progress) -> dict[str, Any]:
    """Build what the options say; counts for the summary."""
    from twin.city.build import build_city

    return build_city(options, notices=notices, progress=progress)
