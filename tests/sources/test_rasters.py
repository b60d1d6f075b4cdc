"""Rasters end on the city's grid with the values that belong there, and are written the same way every time."""

from __future__ import annotations

import hashlib
import pickle
import random
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine, from_origin

from tests.full_disk import file_size_limit
from tests.sources.broken_rasters import CITY_CRS, GRID, TRANSFORM, ascii_grid, geotiff, hill
from twin.core.crs import parse_crs
from twin.core.errors import CrsError, InputError, LimitError, StorageError, TwinError
from twin.core.grid import Bounds, Grid, sample_bilinear
from twin.core.notices import Notices
from twin.sources.pictures import is_picture, read_picture
from twin.sources.raster_resample import mean_blocks, sample_linear, sample_nearest
from twin.sources.rasters import cog_writer, open_elevation, open_raster_info, read_elevation, write_geotiff

if TYPE_CHECKING:
    from pathlib import Path

    from twin.sources.pictures import Picture
    from twin.sources.rasters import Raster

CITY = parse_crs(CITY_CRS)


def read(path: Path, **kwargs: Any) -> Raster:
    return read_elevation(
        path, crs=kwargs.pop("crs", CITY), notices=kwargs.pop("notices", Notices()), **kwargs
    )


def picture(path: Path, **kwargs: Any) -> Picture:
    return read_picture(path, crs=kwargs.pop("crs", CITY), notices=kwargs.pop("notices", Notices()), **kwargs)


def plane(x: Any, y: Any) -> Any:
    """A tilted plane, which every linear resampling must reproduce."""
    return 20 + 0.05 * (x - 565_000) - 0.02 * (y - 5_930_000)


def plane_on(grid: Grid) -> np.ndarray[Any, Any]:
    return plane(*np.meshgrid(grid.x_centres, grid.y_centres))


def test_cells_that_coincide_pass_unchanged(tmp_path: Path) -> None:
    values = hill()
    values[3, 4] = np.nan
    path = geotiff(tmp_path, "a.tif", values)
    for grid in (None, GRID):
        raster = read(path, grid=grid)
        assert raster.grid == GRID
        assert np.array_equal(raster.values, values, equal_nan=True)


def test_a_raster_upside_down_and_one_of_integers(tmp_path: Path) -> None:
    south = geotiff(tmp_path, "s.tif", hill()[::-1], transform=Affine(1, 0, 565_000, 0, 1, 5_930_000))
    assert np.array_equal(read(south).values, hill())
    whole = geotiff(tmp_path, "i.tif", hill().astype(np.int16), nodata=20)
    expected = np.where(hill().astype(np.int16) == 20, np.nan, hill().astype(np.int16))
    assert np.array_equal(read(whole).values, expected, equal_nan=True)


@pytest.mark.parametrize("cell_size_m", [0.3, 0.7, 1.0, 2.0])
def test_a_plane_stays_a_plane_on_any_grid(cell_size_m: float, tmp_path: Path) -> None:
    """Half a centimetre is the step of float32 noise and of averages over cells that do not fit exactly."""
    path = geotiff(tmp_path, "a.tif", plane_on(GRID).astype(np.float32))
    inner = Grid.covering(Bounds(565_010, 5_930_010, 565_090, 5_930_070), cell_size_m=cell_size_m)
    assert np.abs(read(path, grid=inner).values - plane_on(inner)).max() < 5e-3


@pytest.mark.parametrize("crs", [CITY_CRS, "EPSG:25833"])
def test_the_cut_into_blocks_changes_nothing(
    crs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rough = np.random.default_rng(3).normal(20, 3, (400, 500)).astype(np.float32)
    rough[100:150, 200:260] = np.nan
    # The ground of the grid, in either zone.
    corner = (565_000, 5_930_080) if crs == CITY_CRS else (167_270, 5_941_365)
    path = geotiff(tmp_path, "a.tif", rough, crs=crs, transform=from_origin(*corner, 0.2, 0.2))
    grid = Grid.covering(GRID.bounds, cell_size_m=0.9)
    whole = read(path, grid=grid).values
    monkeypatch.setattr("twin.sources.raster_blocks._BLOCK_CELLS", 17)
    assert np.array_equal(read(path, grid=grid).values, whole, equal_nan=True)
    window = grid.window(Bounds(565_020, 5_930_020, 565_060, 5_930_060))
    # The corner of a part is rounded on its own.
    assert np.allclose(read(path, grid=grid.subgrid(window)).values, whole[window], atol=1e-4, equal_nan=True)


def test_a_finer_raster_is_averaged(tmp_path: Path) -> None:
    """A chessboard of 0 and 10 m at 10 cm has a mean of 5 in every cell of a metre."""
    board = 10 * (np.indices((800, 1000)).sum(axis=0) % 2).astype(np.float32)
    path = geotiff(tmp_path, "a.tif", board, transform=from_origin(565_000, 5_930_080, 0.1, 0.1))
    assert np.allclose(read(path, grid=GRID).values, 5)


def test_classes_are_never_mixed(tmp_path: Path) -> None:
    classes = np.random.default_rng(2).choice([1, 5, 9], (80, 100)).astype(np.uint8)
    path = geotiff(tmp_path, "a.tif", classes)
    fine = read(path, grid=Grid.covering(GRID.bounds, cell_size_m=0.4), resampling="nearest")
    assert set(np.unique(fine.values)) == {1, 5, 9}


def test_another_zone_and_degrees_land_within_a_centimetre(tmp_path: Path) -> None:
    """A plane given in another CRS is the same plane here: the truth of each cell is known by its own place."""
    from pyproj import Transformer

    b = GRID.bounds
    for code, cell in ((25833, 0.5), (4258, 5e-6)):
        forth = Transformer.from_crs(25832, code, always_xy=True)
        x0, y0, x1, y1 = forth.transform_bounds(b.x_min - 5, b.y_min - 5, b.x_max + 5, b.y_max + 5)
        ny, nx = int((y1 - y0) / cell), int((x1 - x0) / cell)
        lon, lat = np.meshgrid(x0 + (np.arange(nx) + 0.5) * cell, y1 - (np.arange(ny) + 0.5) * cell)
        values = plane(*forth.transform(lon, lat, direction="INVERSE")).astype(np.float32)
        path = geotiff(
            tmp_path, f"{code}.tif", values, crs=f"EPSG:{code}", transform=from_origin(x0, y1, cell, cell)
        )
        assert np.abs(read(path, grid=GRID).values - plane_on(GRID)).max() < 0.01
        own = read(path)
        assert own.grid.cell_size_m == pytest.approx(0.5, rel=0.4)
        inside = np.isfinite(own.values)
        # At the rim the outermost value holds on for half a cell.
        assert np.abs(own.values - plane_on(own.grid))[inside].max() < 0.02


def test_feet_become_metres(tmp_path: Path) -> None:
    """Both the cells and the elevations of a survey in US feet, unless an offset says how heights go."""
    path = geotiff(
        tmp_path, "f.tif", np.full((50, 50), 100, np.float32), crs="EPSG:2263",
        transform=from_origin(984_250, 200_500, 10, 10),
    )  # fmt: skip
    metres = parse_crs("EPSG:32118")
    raster = read(path, crs=metres)
    assert np.nanmedian(raster.values) == pytest.approx(100 * 1200 / 3937, abs=1e-4)
    assert raster.grid.cell_size_m == pytest.approx(10 * 1200 / 3937, rel=0.01)
    assert np.nanmedian(read(path, crs=metres, height_offset_m=2.0).values) == pytest.approx(32.48, abs=0.01)


def test_a_raster_without_crs_needs_one_assumed(tmp_path: Path) -> None:
    path = geotiff(tmp_path, "a.tif", hill(), crs=None)
    with pytest.raises(CrsError):
        read(path)
    notices = Notices()
    assert np.array_equal(read(path, assume_crs=CITY, notices=notices).values, hill())
    assert "EPSG:25832" in notices.items[0].message


def test_an_internal_mask_is_no_data(tmp_path: Path) -> None:
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        path = geotiff(tmp_path, "a.tif", hill())
        with rasterio.open(path, "r+") as out:
            mask = np.full((80, 100), 255, np.uint8)
            mask[:10] = 0
            out.write_mask(mask)
    assert np.isnan(read(path).values[:10]).all()
    assert np.isfinite(read(path).values[10:]).all()


def test_limits_hold_before_memory_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = geotiff(tmp_path, "a.tif", hill())
    monkeypatch.setenv("TWIN_MAX_RASTER_CELLS", "1000")
    with pytest.raises(LimitError, match="8,000 cells"):
        read(path)


@pytest.mark.skipif(sys.platform == "win32", reason="such names are not allowed there")
def test_odd_names_open_the_file_that_is_meant(tmp_path: Path) -> None:
    geotiff(tmp_path, "b.tif", hill() + 100)
    for name in ("a!b.tif", "a\nb.tif", "zip:b.tif", "a?b.tif", "100 %.tif"):
        geotiff(tmp_path, "c.tif", hill()).rename(tmp_path / name)
        assert np.array_equal(read(tmp_path / name).values, hill()), name


# --- sampling


@given(x=st.floats(565_001, 565_099), y=st.floats(5_930_001, 5_930_079), seed=st.integers(0, 99))
@settings(max_examples=60)
def test_sampling_agrees_with_the_grid_of_the_core(x: float, y: float, seed: int) -> None:
    values = np.random.default_rng(seed).normal(0, 5, GRID.shape).astype(np.float32)
    row, col = np.array([(GRID.y_max - y) - 0.5]), np.array([(x - GRID.x_min) - 0.5])
    expected = sample_bilinear(values, GRID, np.array([x]), np.array([y]))
    assert sample_linear(values, row, col)[0] == pytest.approx(expected[0], abs=1e-4)


def test_sampling_beside_holes_and_edges() -> None:
    values = np.array([[1, np.nan], [3, 4]], np.float32)
    rows, cols = np.array([0.0, 0.0, 0.0, 1.0, -0.5, -0.6]), np.array([0.0, 0.4, 0.6, 0.5, 0.0, 0.0])
    linear = sample_linear(values, rows, cols)
    assert linear[:2].tolist() == [1, 1]
    assert np.isnan(linear[2])
    assert linear[3] == 3.5
    assert linear[4] == 1
    assert np.isnan(linear[5])
    assert sample_nearest(values, rows[:4], cols[:4])[[0, 1]].tolist() == [1, 1]
    assert np.isnan(sample_nearest(values, rows, cols)[2])


@given(ny=st.integers(1, 9), nx=st.integers(1, 9), factor=st.integers(1, 4))
def test_block_means(ny: int, nx: int, factor: int) -> None:
    values = np.random.default_rng(ny * 10 + nx).normal(0, 5, (ny, nx)).astype(np.float32)
    values[0, 0] = np.nan
    found = mean_blocks(values, factor)
    assert found.shape == (-(-ny // factor), -(-nx // factor))
    block = values[:factor, :factor]
    expected = np.nan if not np.isfinite(block).any() else np.nanmean(block.astype(float))
    assert found[0, 0] == pytest.approx(expected, abs=1e-5, nan_ok=True)


# --- pictures


def rgb() -> np.ndarray[Any, Any]:
    y, x = np.mgrid[0:80, 0:100]
    return np.stack([2 * x, 3 * y, 100 + 0 * x]).astype(np.uint8)


def test_colours_pass_unchanged_and_alpha_is_kept(tmp_path: Path) -> None:
    found = picture(geotiff(tmp_path, "a.tif", rgb(), photometric="rgb"))
    assert np.array_equal(found.rgba[..., :3], np.moveaxis(rgb(), 0, 2))
    assert (found.rgba[..., 3] == 255).all()
    clear = np.concatenate([rgb(), np.zeros((1, 80, 100), np.uint8)])
    clear[3, 20:] = 255
    found = picture(geotiff(tmp_path, "b.tif", clear, photometric="rgb", alpha="yes"))
    assert (found.rgba[:20] == 0).all()
    assert (found.rgba[20:, :, 3] == 255).all()


def test_a_palette_one_band_and_sixteen_bits(tmp_path: Path) -> None:
    path = geotiff(tmp_path, "p.tif", (hill() > 24).astype(np.uint8))
    with rasterio.open(path, "r+") as out:
        out.write_colormap(1, {0: (10, 20, 30, 255), 1: (200, 100, 50, 255)})
    found = picture(path)
    assert is_picture(open_raster_info(path))
    assert set(map(tuple, found.rgba.reshape(-1, 4).tolist())) == {(10, 20, 30, 255), (200, 100, 50, 255)}
    grey = picture(geotiff(tmp_path, "g.tif", rgb()[0]))
    assert (grey.rgba[..., 0] == grey.rgba[..., 1]).all()
    notices = Notices()
    deep = picture(
        geotiff(tmp_path, "d.tif", rgb().astype(np.uint16) * 40, photometric="rgb"), notices=notices
    )
    assert "stretched" in notices.items[0].message
    assert deep.rgba[..., :3].max() == 255
    assert deep.rgba[..., :3].min() == 0


def test_a_jpeg_with_a_world_file_and_a_smaller_copy_inside(tmp_path: Path) -> None:
    with rasterio.open(
        tmp_path / "a.jpg", "w", driver="JPEG", width=100, height=80, count=3, dtype="uint8"
    ) as out:
        out.write(rgb())
    for extra in tmp_path.glob("*.aux.xml"):
        extra.unlink()
    (tmp_path / "a.wld").write_text("1\n0\n0\n-1\n565000.5\n5930079.5\n")
    found = picture(tmp_path / "a.jpg", assume_crs=CITY)
    assert found.grid == GRID
    assert np.abs(found.rgba[..., :3].astype(int) - np.moveaxis(rgb(), 0, 2)).mean() < 4
    big = np.full((3, 1024, 1024), 80, np.uint8)
    path = geotiff(
        tmp_path, "o.tif", big, photometric="rgb", transform=from_origin(565_000, 5_930_100, 0.1, 0.1)
    )
    with rasterio.open(path, "r+") as out:
        out.build_overviews([2, 4, 8])
    coarse = Grid.covering(Bounds(565_010, 5_930_010, 565_090, 5_930_090), cell_size_m=1.0)
    assert (picture(path, grid=coarse).rgba == [80, 80, 80, 255]).all()


# --- writing


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_written_is_read_again_as_a_cloud_optimised_file(tmp_path: Path) -> None:
    grid = Grid(565_000, 5_931_000, 0.5, 1300, 1100)
    values = np.random.default_rng(5).normal(20, 3, grid.shape).astype(np.float32)
    values[10:20] = np.nan
    compound = parse_crs("EPSG:25832+7837")
    write_geotiff(tmp_path / "a.tif", values, grid, crs=compound, nodata=-9999.0)
    with rasterio.open(tmp_path / "a.tif") as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.nodata == -9999
        assert raster.overviews(1)[:1] == [2]
        assert raster.profile["compress"] == "deflate"
        assert raster.profile["tiled"]
        assert (raster.read(1)[10:20] == -9999).all()
    read_window, found = open_elevation(tmp_path / "a.tif")
    assert found == grid
    window = (slice(5, 700), slice(600, 1300))
    assert np.array_equal(pickle.loads(pickle.dumps(read_window))(window), values[window], equal_nan=True)
    assert np.array_equal(read(tmp_path / "a.tif", crs=compound).values, values, equal_nan=True)


def test_the_same_bytes_for_any_order_of_windows(tmp_path: Path) -> None:
    grid = Grid(565_000, 5_931_000, 1.0, 1200, 1100)
    values = np.random.default_rng(6).normal(20, 3, grid.shape).astype(np.float32)
    write_geotiff(tmp_path / "a.tif", values, grid, crs=CITY, nodata=-9999.0)
    windows = [
        (slice(r, min(r + 300, 1100)), slice(c, c + 400)) for r in range(0, 1100, 300) for c in (0, 400, 800)
    ]
    for seed in (1, 2):
        random.Random(seed).shuffle(windows)
        with cog_writer(tmp_path / f"{seed}.tif", grid, crs=CITY, nodata=-9999.0) as out:
            for window in windows:
                out.write(window, values[window])
        assert digest(tmp_path / f"{seed}.tif") == digest(tmp_path / "a.tif")


def test_masks_and_colours_are_written_as_bytes(tmp_path: Path) -> None:
    mask = hill() > 24
    write_geotiff(tmp_path / "m.tif", mask, GRID, crs=CITY)
    colours = np.moveaxis(rgb(), 0, 2)
    write_geotiff(tmp_path / "c.tif", colours, GRID, crs=CITY)
    with rasterio.open(tmp_path / "m.tif") as raster:
        assert raster.dtypes == ("uint8",)
        assert np.array_equal(raster.read(1), mask)
    assert np.array_equal(picture(tmp_path / "c.tif").rgba[..., :3], colours)
    clear = np.dstack([colours, np.full(GRID.shape, 255, np.uint8)])
    clear[:9] = 0
    write_geotiff(tmp_path / "a.tif", clear, GRID, crs=CITY)
    assert np.array_equal(picture(tmp_path / "a.tif").rgba, clear)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_geotiff(path, hill(), GRID, crs=CITY)
    before = digest(path)
    with pytest.raises(RuntimeError, match="stop"), cog_writer(path, GRID, crs=CITY) as out:
        out.write((slice(0, 80), slice(0, 100)), hill())
        raise RuntimeError("stop")
    assert digest(path) == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_a_full_disk_is_a_storage_error(tmp_path: Path) -> None:
    import signal

    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    rough = np.random.default_rng(1).normal(0, 9, (600, 600)).astype(np.float32)
    try:
        with file_size_limit(200_000), pytest.raises(StorageError, match=r"a\.tif"):
            write_geotiff(tmp_path / "a.tif", rough, Grid(0, 600, 1.0, 600, 600), crs=CITY)
    finally:
        signal.signal(signal.SIGXFSZ, old)
    assert not list(tmp_path.iterdir())


def test_damaged_bytes_raise_only_our_errors(tmp_path: Path) -> None:
    rng = random.Random(8)
    write_geotiff(tmp_path / "a.tif", hill(), GRID, crs=CITY, nodata=-9999.0)
    sound = {
        ".tif": (tmp_path / "a.tif").read_bytes(),
        ".asc": ascii_grid(tmp_path, "x.asc", 80).read_bytes(),
    }
    for i in range(150):
        suffix = rng.choice(sorted(sound))
        data = bytearray(sound[suffix])
        for _ in range(rng.choice([1, 3, 9])):
            data[rng.randrange(min(len(data), 900))] = rng.randrange(256)
        path = tmp_path / f"m{i % 5}{suffix}"
        path.write_bytes(data)
        try:
            read(path, grid=GRID, assume_crs=CITY)
        except TwinError:
            continue


# --- real data


@pytest.mark.realdata
def test_the_merewether_terrain(shared_data: Path) -> None:
    path = shared_data / "merewether_flood" / "topography1.asc"
    raster = read(path, crs=parse_crs("EPSG:32756"))
    assert raster.values.shape == (416, 321)
    assert (np.nanmin(raster.values), np.nanmax(raster.values)) == (
        pytest.approx(16.47, abs=0.01),
        pytest.approx(51.97, abs=0.01),
    )
    own = read(path, crs=parse_crs("EPSG:32756"), grid=Grid.covering(raster.grid.bounds, cell_size_m=2.0))
    assert np.nanmean(own.values) == pytest.approx(np.nanmean(raster.values), abs=0.1)


@pytest.mark.realdata
def test_real_rasters_of_other_places(shared_data: Path) -> None:
    folder = shared_data / "bridges_fr_lidarhd" / "bridge" / "mns_hydro_postfiltre"
    for path in sorted(folder.glob("*.tif")):
        raster = read(path, crs=parse_crs("EPSG:2154"))
        assert raster.grid.shape == (200, 200)
        assert np.nanmax(raster.values) < 1000
    stadium = Grid.covering(Bounds(2_293_900, 46_700, 2_294_500, 47_100), cell_size_m=2.0)
    photo = picture(
        shared_data / "autzen_usft" / "autzen.jpg",
        crs=parse_crs("EPSG:32126"),
        assume_crs=parse_crs("EPSG:2992"),
        grid=stadium,
    )
    assert photo.rgba[..., :3].std() > 20
    with pytest.raises(InputError, match="rotated"):
        read(shared_data / "sfincs_river" / "gis" / "dep.tif", crs=parse_crs("EPSG:32633"))
    with pytest.raises(CrsError, match="georeference"):
        read(shared_data / "autzen_usft" / "autzen-height.tif", crs=parse_crs("EPSG:32126"))


def test_transform_of_the_tests_is_the_grid() -> None:
    assert (TRANSFORM.c, TRANSFORM.f, TRANSFORM.a) == (GRID.x_min, GRID.y_max, GRID.cell_size_m)
