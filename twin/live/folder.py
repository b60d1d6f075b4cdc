"""The city that observations belong to: one that was built, or a new folder that holds nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from twin.city.folder import open_manifest_as_is, require_ours
from twin.city.manifest import MANIFEST, Layer, Manifest, Provenance, write_manifest
from twin.core.crs import check_city_crs, crs_name, parse_crs
from twin.core.files import make_folder
from twin.core.grid import Bounds
from twin.core.lock import writer_lock

if TYPE_CHECKING:
    from pathlib import Path

    from pyproj import CRS

    from twin.city.manifest import Source
    from twin.core.notices import Notices
    from twin.live.model import Catalogue

LAYER = "live"
KIND = "observations"


@dataclass(frozen=True, slots=True)
class Site:
    """What things are placed by.

    Parameters
    ----------
    folder : Path
    crs : CRS
    extent : Bounds or None
        None for a folder that is yet to become a city.
    manifest : Manifest or None
    """

    folder: Path
    crs: CRS
    extent: Bounds | None
    manifest: Manifest | None


def find_site(folder: Path, *, crs: str | None, near: tuple[float, float] | None, notices: Notices) -> Site:
    """The city in a folder, or the frame of one that observations make.

    Parameters
    ----------
    folder : Path
    crs : str, optional
        Of a new city; that of the UTM zone of its things if not given.
    near : tuple of float, optional
        Longitude and latitude of a thing, for a new city without `crs`; one whose things had no place so far
        counts as new.

    Raises
    ------
    StorageError
        If the folder is somebody else's.
    CrsError
        If `crs` is none that a city can live in.
    """
    if (folder / MANIFEST).exists():
        manifest = open_manifest_as_is(folder)
        x0, y0, _, x1, y1, _ = manifest.bounds
        is_built = any(name != LAYER for name in manifest.layers)
        is_guess = x1 == x0 and manifest.crs == _utm(0.0, 0.0) and (crs or near)
        if is_built or not is_guess:
            frame = parse_crs(manifest.crs_wkt, where="twin.json")
            return Site(folder, frame, Bounds(x0, y0, x1, y1) if is_built else None, manifest)
    require_ours(folder)
    frame = parse_crs(crs if crs is not None else _utm(*(near or (0.0, 0.0))))
    if crs is None:
        why = "which fits its things" if near else "since none of its things tells where it is"
        notices.add("crs-chosen", f"{folder}: a new city in {frame.name}, {why}; --crs chooses another")
    check_city_crs(frame)
    return Site(folder, frame, None, None)


def _utm(longitude: float, latitude: float) -> str:
    from pyproj.aoi import AreaOfInterest
    from pyproj.database import query_utm_crs_info

    area = AreaOfInterest(longitude, latitude, longitude, latitude)
    found = query_utm_crs_info(datum_name="WGS 84", area_of_interest=area)
    return f"EPSG:{found[0].code}" if found else "EPSG:32661"  # the poles have a zone of their own


def record(site: Site, catalogue: Catalogue, inputs: tuple[Source, ...], *, notices: Notices) -> None:
    """Write into the manifest that the city has observations, of what and from where; make it where there is none."""
    make_folder(site.folder)
    with writer_lock(site.folder, notices=notices):
        manifest = open_manifest_as_is(site.folder) if site.manifest else None
        if manifest is None or site.extent is None:
            manifest = _with_extent(manifest or _new(site), catalogue)
        known = manifest.layers.get(LAYER)
        before = known.provenance.inputs if known else ()
        fresh = tuple(s for s in inputs if s not in before)
        counts: dict[str, int | float] = {
            "things": len(catalogue.things),
            "datastreams": len(catalogue.datastreams),
        }
        layer = Layer(KIND, (), Provenance(inputs=before + fresh), counts, title="Live observations")
        updated = replace(manifest, layers={**manifest.layers, LAYER: layer})
        if updated != manifest or not (site.folder / MANIFEST).exists():
            write_manifest(updated, site.folder / MANIFEST)


def _new(site: Site) -> Manifest:
    name = site.folder.name.removesuffix(".twin") or "city"
    return Manifest(name, crs_name(site.crs), site.crs.to_wkt(), (0, 0, 0), (0.0,) * 6)


def _with_extent(manifest: Manifest, catalogue: Catalogue) -> Manifest:
    """The extent of a city that holds nothing but things: theirs, with a margin."""
    places = [t.place.position for t in catalogue.things if t.place.position is not None]
    if not places:
        return manifest
    heights = [p[2] for p in places if p[2] == p[2]] or [0.0]
    low = [min(p[i] for p in places) - 50.0 for i in (0, 1)]
    high = [max(p[i] for p in places) + 50.0 for i in (0, 1)]
    bounds = (*low, min(heights), *high, max(heights) + 10.0)
    origin = tuple(round((bounds[i] + bounds[i + 3]) / 2) for i in (0, 1))
    return replace(manifest, bounds=bounds, origin=(*origin, round(bounds[2])))  # type: ignore[arg-type]
