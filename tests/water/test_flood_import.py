"""Floods of others on the city's ground: where they lie, when, how deep, and what looks wrong about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely

from tests.flood_city import box, grid_of, make_city
from twin.core.crs import parse_crs
from twin.core.errors import InputError, InputNotFoundError, OverlapError, UnsafeInputError, UsageError
from twin.core.grid import Grid
from twin.core.notices import Notices
from twin.sources.cf import open_cf
from twin.sources.cog import write_geotiff
from twin.sources.netcdf import new_netcdf
from twin.water.extent import _row_range, parse_range
from twin.water.flood_store import FOLDER, store_flood
from twin.water.foreign import import_flood
from twin.water.raster_steps import RasterStep, moment_of, step_times

if TYPE_CHECKING:
    from twin.city.model import City

SHAPE = (30, 40)


def slope() -> np.ndarray:
    """Ground that rises by 2 m to the east."""
    return np.linspace(10.0, 12.0, SHAPE[1])[None, :].repeat(SHAPE[0], axis=0)


@pytest.fixture
def city(tmp_path: Path) -> City:
    return make_city(tmp_path / "town.twin", slope())


def raster(path: Path, values: np.ndarray, grid: Grid | None = None) -> Path:
    write_geotiff(
        path, values.astype(np.float32), grid or grid_of(values), crs=parse_crs("EPSG:25832"), nodata=-9999.0
    )
    return path


def netcdf(path: Path, cells: np.ndarray, *, turn_deg: float = 0.0, **attributes: str) -> Path:
    """A NetCDF with coordinates in two dimensions, perhaps turned about its first cell, rows from south to north."""
    grid = grid_of(cells[0])
    x, y = np.meshgrid(grid.x_centres, grid.y_centres[::-1])
    a = np.radians(turn_deg)
    dx, dy = x - x[0, 0], y - y[0, 0]
    with new_netcdf(path) as data:
        for name, n in zip(("time", "n", "m"), cells.shape, strict=True):
            data.createDimension(name, n)
        time = data.createVariable("time", "f8", ("time",))
        time.setncatts({"units": attributes.pop("times", "minutes since 2026-08-28 03:00:00")})
        time[:] = np.arange(len(cells)) * 10
        for name, values in (
            ("x", x[0, 0] + dx * np.cos(a) - dy * np.sin(a)),
            ("y", y[0, 0] + dx * np.sin(a) + dy * np.cos(a)),
        ):
            data.createVariable(name, "f8", ("n", "m"))[:] = values
        field = data.createVariable("zs", "f4", ("time", "n", "m"), fill_value=np.float32(-99999.0))
        field.setncatts({"units": "m", "coordinates": "x y", **attributes})
        field[:] = cells[:, ::-1]
        crs = data.createVariable("crs", "i4", ())
        crs.setncattr("epsg_code", "EPSG:25832")
    return path


def test_depths_over_time_by_the_names_of_their_files(city: City, tmp_path: Path) -> None:
    depth = np.where(slope() < 11, 0.4, 0.0)
    files = [
        raster(tmp_path / f"depth_20260828T03{m}.tif", depth * k) for k, m in enumerate(("00", "10", "20"))
    ]
    flood = import_flood(city, files, kind="depth").flood
    assert [str(t) for t in flood.times] == [f"2026-08-28T03:{m}:00" for m in ("00", "10", "20")]
    for k in range(3):
        np.testing.assert_allclose(flood.depth_m(k), depth * k, atol=1e-6)
    assert flood.kind == "import"
    assert not flood.is_preview


def test_a_level_is_depth_above_the_citys_ground(city: City, tmp_path: Path) -> None:
    level = np.full(SHAPE, 11.0)
    level[:, 30:] = np.nan
    flood = import_flood(city, [raster(tmp_path / "zs.tif", level)], kind="level").flood
    np.testing.assert_allclose(flood.depth_m(0), np.maximum(11.0 - slope(), 0), atol=1e-5)
    higher = import_flood(city, [tmp_path / "zs.tif"], kind="level", height_offset_m=0.25).flood
    np.testing.assert_allclose(higher.depth_m(0)[:, :30], np.maximum(11.25 - slope(), 0)[:, :30], atol=1e-5)


def test_another_grid_is_brought_onto_the_citys(city: City, tmp_path: Path) -> None:
    grid = Grid(564_999.5, 5_930_070.5, 3.0, 20, 20)
    plane = 0.01 * (np.meshgrid(grid.x_centres, grid.y_centres)[0] - 565_000.0) + 0.2
    notices = Notices()
    flood = import_flood(city, [raster(tmp_path / "d.tif", plane, grid)], kind="depth", notices=notices).flood
    expected = 0.01 * (flood.grid.x_centres - 565_000.0) + 0.2
    np.testing.assert_allclose(flood.depth_m(0)[5:-5, 3:-3], expected[None, 3:-3].repeat(20, 0), atol=1e-4)
    assert not notices.items


@pytest.mark.parametrize("turn_deg", [0.0, 27.0, -140.0])
def test_a_turned_grid_lies_where_it_says(tmp_path: Path, turn_deg: float) -> None:
    """Levels that are a plane in map coordinates come back as that plane."""
    cells = np.zeros((2, 60, 60))
    path = netcdf(tmp_path / "map.nc", cells, turn_deg=turn_deg)
    source = open_cf(path, "level")
    rows, cols = np.meshgrid(np.arange(60.0), np.arange(60.0), indexing="ij")
    (ax, ay), (bx, by) = source.per_row, source.per_col
    x, y = source.corner[0] + rows * ax + cols * bx, source.corner[1] + rows * ay + cols * by
    plane = 11.0 + 0.01 * (x - 565_030.0) - 0.02 * (y - 5_930_030.0)
    netcdf(path, np.stack([plane[::-1], plane[::-1] + 1]), turn_deg=turn_deg)
    corner = (float(x.mean()) - 6, float(y.mean()) + 6)
    z = np.full((12, 12), 9.0)
    city = make_city(tmp_path / "t.twin", z, corner=corner)
    flood = import_flood(city, [path], kind="level").flood
    cx, cy = np.meshgrid(flood.grid.x_centres, flood.grid.y_centres)
    expected = 11.0 + 0.01 * (cx - 565_030.0) - 0.02 * (cy - 5_930_030.0) - 9.0
    np.testing.assert_allclose(flood.depth_m(0), expected, atol=1e-4)
    np.testing.assert_allclose(flood.depth_m(1), expected + 1, atol=1e-4)
    assert str(flood.times[1]) == "2026-08-28T03:10:00"


def test_our_own_file_is_read_as_one_of_others(city: City, tmp_path: Path) -> None:
    depth = np.where(slope() < 11, 0.4, 0.0)
    first = import_flood(city, [raster(tmp_path / "d_202608280300.tif", depth)], kind="depth", name="a").flood
    stored = store_flood(city, first, notices=Notices())
    again = import_flood(stored, [stored.path / FOLDER / "a" / "flood.nc"], kind="depth", name="b").flood
    np.testing.assert_array_equal(again.depth_m(0), first.depth_m(0))
    np.testing.assert_array_equal(again.times, first.times)


def test_units_are_brought_to_metres(city: City, tmp_path: Path) -> None:
    path = netcdf(tmp_path / "cm.nc", np.full((1, *SHAPE), 1100.0), units="cm")
    flood = import_flood(city, [path], kind="level").flood
    np.testing.assert_allclose(flood.depth_m(0), np.maximum(11.0 - slope(), 0), atol=1e-4)
    odd = netcdf(tmp_path / "odd.nc", np.full((1, *SHAPE), 11.0), units="smoots")
    with pytest.raises(InputError, match="smoots"):
        import_flood(city, [odd], kind="level")


def test_what_cannot_be_meant_of_a_netcdf_is_told(city: City, tmp_path: Path) -> None:
    path = netcdf(tmp_path / "zs.nc", np.full((1, *SHAPE), 11.0))
    with pytest.raises(UsageError, match="--variable"):
        import_flood(city, [path], kind="depth")
    with pytest.raises(UsageError, match="choose one of"):
        import_flood(city, [path], kind="level", variable="zz")
    with pytest.raises(InputError, match="since a date"):
        import_flood(
            city, [netcdf(tmp_path / "t.nc", np.ones((2, *SHAPE)), times="fortnights")], kind="level"
        )
    (tmp_path / "cut.nc").write_bytes(path.read_bytes()[:700])
    with pytest.raises(InputError, match="damaged"):
        import_flood(city, [tmp_path / "cut.nc"], kind="level")


def test_extents_keep_their_ranges_and_agree_with_the_ground(city: City, tmp_path: Path) -> None:
    grid = grid_of(slope())
    west, east = box(grid, slice(5, 25), slice(0, 15)), box(grid, slice(5, 25), slice(15, 25))
    frame = gpd.GeoDataFrame(
        {"class": ["0.5 - 1.0 m", "0 to 0.5 m"]}, geometry=[west, east], crs="EPSG:25832"
    )
    frame.to_file(tmp_path / "map.gpkg")
    foreign = import_flood(city, [tmp_path / "map.gpkg"], kind="extent")
    flood, table = foreign.flood, foreign.tables["extent"]
    assert flood.is_preview
    assert sorted(zip(table["depth_low_m"], table["depth_high_m"], strict=True)) == [(0.0, 0.5), (0.5, 1.0)]
    assert flood.attributes["depth_ranges_m"] == [[0.0, 0.5], [0.5, 1.0]]
    depth = flood.depth_m(0)
    assert (
        (depth > 0) == shapely.contains_xy(west | east, *np.meshgrid(grid.x_centres, grid.y_centres))
    ).all()
    assert depth[10, :15].min() >= 0.5
    assert depth[10, :15].max() <= 1.0
    assert depth[10, 15:25].max() <= 0.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 to 0.5 m", (0.0, 0.5)), ("0,5-1", (0.5, 1.0)), ("1.0 ~ 2.0m", (1.0, 2.0)), ("> 5 m", (5.0, np.inf)),
        ("0.5m 미만", (0.0, 0.5)), ("5.0m 이상", (5.0, np.inf)), ("under 0.3", (0.0, 0.3)), ("20-50 cm", (0.2, 0.5)),
        ("zone AE", None), ("", None), ("2-1", None), ("50 cm - 1 m", (0.5, 1.0)), ("0.5m~1m", (0.5, 1.0)),
        ("0.5m미만", (0.0, 0.5)),
    ],
)  # fmt: skip
def test_classes_of_depth_in_words(text: str, expected: tuple[float, float] | None) -> None:
    assert parse_range(text) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"name": "Harbour street 5-7"}, None), ({"date": "01-02-2020"}, None), ({"scenario": "RP100+CC"}, None),
        ({"name": "Harbour street 5-7", "침수심": "0.5 ~ 1.0"}, (0.5, 1.0)), ({"label": "0.3 - 0.6 m"}, (0.3, 0.6)),
        ({"Depth class": "1 - 2"}, (1.0, 2.0)),
    ],
)  # fmt: skip
def test_streets_and_dates_are_no_depths(row: dict[str, str], expected: tuple[float, float] | None) -> None:
    found = _row_range(row)
    assert found == expected if expected else np.isnan(found).all()


def test_a_start_moves_rasters_that_tell_their_moments() -> None:
    steps = [
        RasterStep(Path(f"d_20260828_03{m}0.tif"), time=moment_of(f"d_20260828_03{m}0.tif")) for m in range(3)
    ]
    times = step_times(steps, Path("d"), start="2026-08-28T04:00:00Z")
    assert list(np.diff(times).astype(int)) == [600, 600]
    assert times[0] == np.datetime64("2026-08-28T04:00:00")


def test_names_tell_moments() -> None:
    assert moment_of("h_2026-08-28T03:10:05Z.tif") == np.datetime64("2026-08-28T03:10:05")
    assert moment_of("20260828_0310.tif") == np.datetime64("2026-08-28T03:10:00")
    assert moment_of("20269928_0310.tif") is None
    assert moment_of("depth_17.tif") is None


def test_a_list_of_steps(city: City, tmp_path: Path) -> None:
    raster(tmp_path / "a.tif", np.full(SHAPE, 0.1))
    raster(tmp_path / "b.tif", np.full(SHAPE, 0.2))
    rows = [
        {"time": "2026-08-28T03:00:00Z", "file": "a.tif"},
        {"time": "2026-08-28T04:00:00Z", "file": "b.tif"},
    ]
    (tmp_path / "steps.json").write_text(json.dumps({"steps": rows}))
    foreign = import_flood(city, [tmp_path / "steps.json"], kind="depth")
    np.testing.assert_allclose(foreign.flood.max_depth_m, 0.2, atol=1e-6)
    assert {p.name for p in foreign.files} == {"steps.json", "a.tif", "b.tif"}


@pytest.mark.parametrize("name", ["../a.tif", "/etc/passwd", "x/../../a.tif", "C:\\a.tif"])
def test_a_list_stays_in_its_folder(city: City, tmp_path: Path, name: str) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/steps.json").write_text(
        json.dumps({"steps": [{"time": "2026-01-01T00:00", "file": name}]})
    )
    with pytest.raises(UnsafeInputError, match="outside"):
        import_flood(city, [tmp_path / "x/steps.json"], kind="depth")


def test_files_elsewhere_missing_or_without_times_are_told(city: City, tmp_path: Path) -> None:
    far = raster(tmp_path / "far.tif", np.ones(SHAPE), Grid(665_000.0, 5_930_060.0, 1.0, 40, 30))
    with pytest.raises(OverlapError):
        import_flood(city, [far], kind="depth")
    with pytest.raises(InputNotFoundError):
        import_flood(city, [tmp_path / "none.tif"], kind="depth")
    two = [raster(tmp_path / f"{n}.tif", np.full(SHAPE, 0.1)) for n in "ab"]
    with pytest.raises(UsageError, match="--every"):
        import_flood(city, two, kind="depth")
    flood = import_flood(city, two, kind="depth", start="2026-01-01T00:00:00Z", every_s=300).flood
    assert str(flood.times[1]) == "2026-01-01T00:05:00"


@pytest.mark.realdata
def test_output_of_sfincs_lies_where_its_cells_are(shared_data: Path, tmp_path: Path) -> None:
    from scipy.spatial import cKDTree

    path = shared_data / "sfincs_river" / "sfincs_map.nc"
    source = open_cf(path, "level")
    assert source.variable == "zs"
    (ax, ay), (bx, by) = source.per_row, source.per_col
    assert np.hypot(ax, ay) == pytest.approx(150, abs=0.01)
    assert np.degrees(np.arctan2(by, bx)) == pytest.approx(27, abs=0.01)
    rows, cols = np.meshgrid(np.arange(36.0), np.arange(84.0), indexing="ij")
    x, y = source.corner[0] + rows * ax + cols * bx, source.corner[1] + rows * ay + cols * by
    level = source.values(2)
    row, col = np.unravel_index(np.nanargmax(level), level.shape)
    corner = (float(np.floor(x[row, col])) - 1000, float(np.floor(y[row, col])) + 1000)
    city = make_city(
        tmp_path / "t.twin",
        np.full((100, 100), -10.0),
        cell_size_m=20.0,
        corner=corner,
        crs_name="EPSG:32633+3855",
    )
    notices = Notices()
    flood = import_flood(city, [path], kind="level", notices=notices).flood
    assert [str(t) for t in flood.times] == [f"2010-02-0{d}T00:00:00" for d in (5, 6, 7)]
    assert "vertical datum" in notices.lines()[0]
    cx, cy = np.meshgrid(flood.grid.x_centres, flood.grid.y_centres)
    distance, near = cKDTree(np.column_stack([x.ravel(), y.ravel()])).query(
        np.column_stack([cx.ravel(), cy.ravel()]), k=4
    )
    around = level.ravel()[near]
    whole = np.isfinite(around).all(axis=1) & (distance[:, 3] < 130)
    found = flood.depth_m(2).ravel()[whole] - 10.0
    assert whole.sum() > 300
    assert (found >= around[whole].min(axis=1) - 1e-3).all()
    assert (found <= around[whole].max(axis=1) + 1e-3).all()
