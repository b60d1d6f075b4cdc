"""Values between stations as a layer over time: laid over the ground in the colours of their bands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twin.core.errors import InputError
from twin.live.bands import NO_BAND, classify, label, read_bands, scale_of
from twin.live.city_field import city_field
from twin.live.field import field_rgba
from twin.live.model import MICROSECONDS
from twin.live.store import open_store
from twin.scene.colour import Legend, LegendEntry
from twin.scene.layers import LayerView
from twin.scene.live_layer import moment_of_us
from twin.scene.live_looks import look_of
from twin.scene.model import Picture

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from twin.live.bands import BandTable
    from twin.live.city_field import CityField
    from twin.live.field import Method

PLAIN_BANDS = "korea-cai"


@dataclass(frozen=True)
class FieldLayer:
    """A field between the stations of a city, clear where it would be a guess.

    Parameters
    ----------
    city : Path
        Its folder.
    observed_property : str
        One that has bands, such as ``pm2_5`` or ``sound_level``.
    method : {"kriging", "idw"}
    cell_size_m : float
    language : str
        Of the legend: en, ko or fi.

    Examples
    --------
    >>> import twin
    >>> city = twin.open_city("town.twin")  # doctest: +SKIP
    >>> scene = twin.Scene(city, [FieldLayer(city.path, "pm2_5"), "live:pm2_5"])  # doctest: +SKIP
    """

    city: Path
    observed_property: str
    method: Method = "kriging"
    cell_size_m: float = 8.0
    language: str = "en"
    _kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """As ``--layer`` asks for it."""
        return f"field:{self.observed_property}"

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """First and last observation of the city."""
        with open_store(self.city) as store:
            found = store.span()
        return None if found is None else (moment_of_us(found[0]), moment_of_us(found[1]))

    def at(self, when: datetime | None) -> LayerView:
        """The field at a moment; at that of the newest observation where none is asked for.

        Where too few stations tell something, the ground is clear and the picture says so.
        """
        title = look_of(self.observed_property).title
        try:
            found = self._field(None if when is None else round(when.timestamp() * MICROSECONDS))
        except InputError as error:
            return LayerView(remarks=(f"{title}: no field ({error.what})",))
        table = self._bands()
        told = found.field
        rgba = field_rgba(told, table, self.observed_property, unit=found.unit)
        remark = f"{title} between {told.n_stations} stations, told up to {told.reach_m:.0f} m from one"
        if told.rmse_left_out == told.rmse_left_out:
            remark += f"; error at stations left out {told.rmse_left_out:.2g} {_shown(found.unit)}"
        return LayerView(
            drape=Picture(rgba, told.grid.bounds), legends=(self._legend(found, table),), remarks=(remark,)
        )

    def _field(self, moment: int | None) -> CityField:
        from twin.core.notices import Notices

        with open_store(self.city) as store:
            at = moment if moment is not None else (store.span() or (0, 0))[1]
            if self._kept.get("at") != at:
                self._kept["field"] = city_field(
                    self.city,
                    store,
                    self.observed_property,
                    at_us=at,
                    method=self.method,
                    cell_size_m=self.cell_size_m,
                    notices=Notices(),
                )
                self._kept["at"] = at
        found: CityField = self._kept["field"]
        return found

    def _bands(self) -> BandTable:
        return read_bands(look_of(self.observed_property).bands or PLAIN_BANDS)

    def _legend(self, found: CityField, table: BandTable) -> Legend:
        """The bands that are in the field, from the least."""
        bands = classify(table, self.observed_property, found.field.value, unit=found.unit)
        there = sorted(set(bands.ravel().tolist()) - {NO_BAND})
        unit = _shown(scale_of(table, self.observed_property).unit)
        entries = tuple(
            LegendEntry(label(table.bands[b], self.language), table.bands[b].colour) for b in there
        )
        return Legend(f"{look_of(self.observed_property).title} ({unit})", entries)


def _shown(unit: str) -> str:
    """A unit as it is written in pictures."""
    return {"ug/m3": "µg/m³", "[ppm]": "ppm"}.get(unit, unit)
