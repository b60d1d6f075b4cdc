"""A field between the stations of a city at a moment, from those of which the values are fresh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import InputError, OutputExistsError, UsageError
from twin.core.grid import Bounds
from twin.live.asked import states_at
from twin.live.concentrations import convert, is_convertible
from twin.live.field import Field, Method, field_between
from twin.live.freshness import State
from twin.live.toml_tables import closest

if TYPE_CHECKING:
    from pathlib import Path

    from twin.core.notices import Notices
    from twin.live.model import Datastream
    from twin.live.store import Store


@dataclass(frozen=True, slots=True)
class CityField:
    """A field with what it is of.

    Parameters
    ----------
    field : Field
    observed_property, unit : str
    left_out : int
        Stations whose value is stale, missing or invalid at the moment.
    """

    field: Field
    observed_property: str
    unit: str
    left_out: int


def city_field(
    city: Path,
    store: Store,
    observed_property: str,
    *,
    at_us: int,
    method: Method = "kriging",
    cell_size_m: float = 10.0,
    notices: Notices,
) -> CityField:
    """Values of a property between the stations of a city.

    Stations in rooms, moving ones, and those whose value is not fresh take no part.

    Raises
    ------
    UsageError
        If no station measures the property.
    InputError
        If too few stations have a fresh value.
    """
    from twin.city.folder import open_manifest

    streams = _stations(store, observed_property)
    catalogue = store.catalogue()
    snapshot, found = states_at(store, at_us)
    place = {d.id: i for i, d in enumerate(catalogue.datastreams)}
    unit = streams[0].unit
    rows: list[tuple[float, float, float]] = []
    for stream in streams:
        position = catalogue.thing(stream.thing).place.position
        i = place[stream.id]
        if position is None or found[i] != State.FRESH:
            continue
        value = convert([snapshot.number[i]], unit=stream.unit, to=unit, gas=observed_property)
        rows.append((position[0], position[1], float(value[0])))
    left_out = len(streams) - len(rows)
    if left_out:
        notices.add("stations-left-out", f"{left_out} of {len(streams)} stations have no fresh value then")
    table = np.array(rows, np.float64).reshape(-1, 3)
    x0, y0, _, x1, y1, _ = open_manifest(city).bounds
    field = field_between(
        table[:, :2],
        table[:, 2],
        bounds=Bounds(x0, y0, x1, y1),
        cell_size_m=cell_size_m,
        method=method,
        least=0.0 if is_convertible(unit, "ug/m3", gas=observed_property) else -np.inf,
    )
    return CityField(field, observed_property, unit, left_out)


def _stations(store: Store, observed_property: str) -> list[Datastream]:
    """Datastreams of a property at fixed places out of doors, of one kind of unit."""
    catalogue = store.catalogue()
    mine = [d for d in catalogue.datastreams if d.observed_property == observed_property]
    if not mine:
        known = sorted({d.observed_property for d in catalogue.datastreams})
        raise UsageError(
            "--property", f"{observed_property!r} is not measured here", closest(observed_property, known)
        )
    kinds = {"room", "storey", "moving"}
    outside = [d for d in mine if catalogue.thing(d.thing).place.kind not in kinds]
    if not outside:
        raise InputError("stations", f"all {len(mine)} stand in rooms or move", "choose another property")
    return [d for d in outside if is_convertible(d.unit, outside[0].unit, gas=observed_property)]


def write_field(
    found: CityField, city: Path, out: Path, *, deviation: Path | None = None, force: bool = False
) -> None:
    """Write a field as GeoTIFF, and the deviation of its error as another.

    Raises
    ------
    UsageError
        If a name does not end in ``.tif``.
    OutputExistsError
        If one exists and `force` is false.
    """
    from twin.city.folder import open_manifest
    from twin.core.crs import horizontal, parse_crs
    from twin.sources.cog import write_geotiff

    crs = horizontal(parse_crs(open_manifest(city).crs_wkt, where="twin.json"))
    parts: list[tuple[Path, Any]] = [(out, found.field.value)]
    if deviation is not None:
        parts.append((deviation, found.field.deviation))
    for path, _ in parts:
        if path.suffix.lower() not in {".tif", ".tiff"}:
            raise UsageError("-o", f"{path.name!r} is no GeoTIFF", "give a name that ends in .tif")
        if path.exists() and not force:
            raise OutputExistsError(path, "exists already and was kept", "pass --force to replace it")
    for path, values in parts:
        write_geotiff(path, values, found.field.grid, crs=crs, nodata=float("nan"))
