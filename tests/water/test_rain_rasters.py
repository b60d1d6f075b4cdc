"""Rain of radars: what falls on the cells is what the rasters say, when they say it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.flood_city import box, grid_of, make_city
from twin.cli.main import run
from twin.core.crs import parse_crs
from twin.core.errors import InputError, OverlapError, UsageError
from twin.core.grid import Grid
from twin.core.notices import Notices
from twin.sources.cog import write_geotiff
from twin.sources.netcdf import new_netcdf
from twin.water.simulation import simulate

if TYPE_CHECKING:
    from pathlib import Path

    from twin.city.model import City

SHAPE = (24, 36)
RADAR = Grid(564_990.0, 5_930_070.0, 20.0, 4, 3)
"""A few large cells, of which the town lies in the middle."""


@pytest.fixture
def city(tmp_path: Path) -> City:
    return make_city(tmp_path / "town.twin", np.full(SHAPE, 1.0))


def netcdf(
    path: Path, rates: list[float], *, units: str = "mm h-1", name: str = "rain_rate", **more: str
) -> Path:
    with new_netcdf(path) as data:
        for dimension, n in (("time", len(rates)), ("y", RADAR.ny), ("x", RADAR.nx)):
            data.createDimension(dimension, n)
        time = data.createVariable("time", "f8", ("time",))
        time.setncattr("units", "seconds since 2026-08-28 03:00:00")
        time[:] = np.arange(len(rates)) * 60.0
        data.createVariable("x", "f8", ("x",))[:] = RADAR.x_centres
        data.createVariable("y", "f8", ("y",))[:] = RADAR.y_centres
        field = data.createVariable(name, "f4", ("time", "y", "x"))
        field.setncatts({"units": units, **more})
        field[:] = np.array(rates, np.float32)[:, None, None] * np.ones((1, RADAR.ny, RADAR.nx), np.float32)
        data.createVariable("crs", "i4", ()).setncattr("epsg_code", "EPSG:25832")
    return path


def geotiff(path: Path, values: np.ndarray, grid: Grid = RADAR) -> Path:
    write_geotiff(path, values.astype(np.float32), grid, crs=parse_crs("EPSG:25832"), nodata=-9999.0)
    return path


@pytest.mark.parametrize(
    ("units", "per_mm_h"),
    [("mm h-1", 1.0), ("kg m-2 s-1", 1 / 3600), ("mm/day", 24.0), ("m s**-1", 1 / 3.6e6)],
)
def test_a_netcdf_file_rains_step_by_step(city: City, tmp_path: Path, units: str, per_mm_h: float) -> None:
    rates = np.array([30.0, 90.0, 0.0])
    rain = netcdf(tmp_path / "radar.nc", list(rates * per_mm_h), units=units)
    flood = simulate(city, rain=rain, hours=0.05, edges="closed", output_every_s=60.0)
    fallen = (30.0 + 90.0) / 60 / 1000
    np.testing.assert_allclose(flood.depth_m(-1), fallen, rtol=1e-4)
    np.testing.assert_allclose(flood.depth_m(1), 30.0 / 60 / 1000, rtol=1e-3)
    assert flood.times[0] == np.datetime64("2026-08-28T03:00:00")


def test_a_folder_of_geotiffs_rains_where_and_when_it_says(city: City, tmp_path: Path) -> None:
    folder = tmp_path / "radar"
    folder.mkdir()
    east = np.where(np.arange(RADAR.nx) >= 2, 120.0, 0.0)[None, :].repeat(RADAR.ny, axis=0)
    geotiff(folder / "rain_20260828T0300.tif", east)
    geotiff(folder / "rain_20260828T0301.tif", east * 0)
    flood = simulate(city, rain=folder, hours=0.04, edges="closed", output_every_s=60.0)
    depth = flood.depth_m(1)
    assert depth[12, -1] > 1.5 * depth[12, 26] > 0
    assert depth[12, 0] < 1e-6
    share = np.interp(grid_of(depth).x_centres, RADAR.x_centres, east[0]).sum() * SHAPE[0]
    assert float(flood.depth_m(-1).sum()) == pytest.approx(share / 60 / 1000, rel=0.01)
    assert float(flood.depth_m(-1).sum()) == pytest.approx(float(depth.sum()), rel=1e-4)


def test_a_list_of_rasters_and_roofs_that_shed(tmp_path: Path) -> None:
    z = np.full(SHAPE, 1.0)
    city = make_city(tmp_path / "roofs.twin", z, footprints=[box(grid_of(z), slice(6, 14), slice(10, 20))])
    geotiff(tmp_path / "a.tif", np.full((RADAR.ny, RADAR.nx), 60.0))
    steps = {"steps": [{"time": "2026-08-28T03:00:00Z", "file": "a.tif"}]}
    (tmp_path / "rain.json").write_text(json.dumps(steps), encoding="utf-8")
    flood = simulate(city, rain=tmp_path / "rain.json", hours=0.05, edges="closed")
    assert flood.attributes["mass_balance"]["in_m3"] == pytest.approx(z.size * 0.06 * 0.05, rel=1e-6)


def test_rain_by_the_command_line_is_recorded_with_its_file(
    city: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rain = netcdf(tmp_path / "radar.nc", [60.0, 0.0])
    words = ["flood", "simulate", str(city.path), "--rain", str(rain), "--hours", "0.03", "--edges", "closed"]
    assert run([*words, "--name", "radar", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    # a step that reaches over a change has the rain of its middle
    assert told["mass_balance"]["in_m3"] == pytest.approx(0.001 * SHAPE[0] * SHAPE[1], rel=0.05)
    from twin.city.model import open_city

    provenance = open_city(city.path).manifest.layers["radar"].provenance
    assert [s.name for s in provenance.inputs] == ["radar.nc"]


def test_amounts_gaps_and_rain_elsewhere_are_told(city: City, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no rate of rain"):
        simulate(city, rain=netcdf(tmp_path / "mm.nc", [5.0], units="mm"), hours=0.02)
    with pytest.raises(UsageError, match="looks like a rain"):
        simulate(city, rain=netcdf(tmp_path / "t.nc", [5.0], name="temperature"), hours=0.02)
    far = Grid(600_000.0, 5_930_070.0, 20.0, 4, 3)
    with pytest.raises(OverlapError):
        simulate(city, rain=geotiff(tmp_path / "far.tif", np.ones((3, 4)), far), hours=0.02)
    with pytest.raises(UsageError, match="far more than ever fell"):
        simulate(city, rain=netcdf(tmp_path / "wild.nc", [1e6]), hours=0.02)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="no GeoTIFF"):
        simulate(city, rain=empty, hours=0.02)
    notices = Notices()
    holes = np.full((RADAR.ny, RADAR.nx), 60.0)
    holes[:, 0] = np.nan
    flood = simulate(city, rain=geotiff(tmp_path / "holes.tif", holes), hours=0.02, notices=notices)
    assert "rain-gap" in notices.causes()
    assert np.isfinite(flood.depth_m(-1)).all()
