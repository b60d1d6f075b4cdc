"""Every footprint ends in exactly one state, with its reason."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from tests.faults.small_city import CRS, HOUSES, SITE, small_cloud, write_footprints, write_small
from twin.api import build_with
from twin.city.model import open_city
from twin.city.options import BuildOptions, read_options
from twin.core.crs import parse_crs
from twin.core.errors import UsageError
from twin.core.grid import Grid
from twin.core.notices import Notices
from twin.core.points import PointCloud
from twin.core.progress import Silent
from twin.reconstruct.building_model import BuildingState
from twin.sources.rasters import write_geotiff

BARE = "b2"
"""This house has no roof points."""


def mixed():
    """Footprints of every fate."""
    crossed = shapely.Polygon([(0, 0), (0.2, 0.2), (0.2, 0), (0, 0.2), (0, 0)])
    x, y = SITE.x_min + 3, SITE.y_min + 3
    rows = [(name, shape, 5.0) for name, (shape, _, _) in HOUSES.items()]
    rows += [
        ("twice", HOUSES["b1"][0], 5.0),
        ("crossed", shapely.affinity.translate(crossed, x, y), 5.0),
        ("lawn", shapely.box(x, y - 2, x + 2.5, y + 1), np.nan),
        ("outside", shapely.box(SITE.x_max + 400, y, SITE.x_max + 410, y + 10), 5.0),
    ]
    ids, shapes, heights = zip(*rows, strict=True)
    return gpd.GeoDataFrame({"id": ids, "h_m": heights}, geometry=list(shapes), crs="EPSG:25832")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("states")
    cloud = small_cloud()
    bare = shapely.contains_xy(HOUSES[BARE][0].buffer(0.5), cloud.xyz[:, 0], cloud.xyz[:, 1])
    small = write_small(
        folder,
        PointCloud(
            *(a[~bare] for a in (cloud.xyz, cloud.classification, cloud.return_number, cloud.n_returns))
        ),
    )
    write_footprints(small.footprints, mixed())
    return small


def table_of(inputs, output, **more):
    given = {"points": tuple(map(str, inputs.points)), "lod": "1.3"} | more
    options = BuildOptions(output=output, footprints=inputs.footprints, **given)
    build_with(options, notices=Notices(), progress=Silent())
    return open_city(output).buildings.set_index("id")


def test_each_footprint_has_one_state_and_a_reason_where_it_is_not_built(inputs, tmp_path):
    table = table_of(inputs, tmp_path / "a.twin")
    assert len(table) == len(mixed())
    assert set(table["state"]) <= {str(s) for s in BuildingState}
    assert (table["reason"].str.len() > 0).equals(table["state"] != "built")
    states = table["state"].to_dict()
    assert states["twice"] == "duplicate"
    assert states["crossed"] == "invalid_footprint"
    assert states[BARE] == states["lawn"] == states["outside"] == "no_points"
    assert {states[k] for k in ("b1", "b3", "b4")} == {"built"}
    assert table.loc[table["state"] != "built", "volume_m3"].isna().all()


def test_a_named_column_gives_heights_where_points_do_not(inputs, tmp_path):
    table = table_of(inputs, tmp_path / "b.twin", height_field="H_M")
    assert table.loc[BARE, "state"] == "fallback"
    assert "given height of 5.00 m" in table.loc[BARE, "reason"]
    assert table.loc[BARE, "volume_m3"] == pytest.approx(HOUSES[BARE][0].area * 5.0, rel=0.05)
    assert table.loc["lawn", "state"] == "no_points"
    assert table.loc["outside", "state"] == "no_points"
    assert table.loc["b1", "state"] == "built"


def test_given_terrain_stands_in_for_missing_ground(inputs, tmp_path):
    grid = Grid.covering(SITE.buffered(5), cell_size_m=1.0)
    dtm = tmp_path / "dtm.tif"
    write_geotiff(dtm, np.full(grid.shape, 60.0, np.float32), grid, crs=parse_crs(CRS), nodata=-9999.0)
    table = table_of(
        inputs, tmp_path / "c.twin", points=(), rasters={"dtm": dtm}, height_field="h_m", crs=CRS
    )
    built = table.loc[list(HOUSES)]
    assert set(built["state"]) == {"fallback"}
    assert built["ground_m"].to_numpy() == pytest.approx(np.full(4, 60.0), abs=0.01)
    assert table.loc["lawn", "state"] == "no_points"


def test_a_column_that_is_not_there_is_refused_with_those_that_are(inputs, tmp_path):
    with pytest.raises(UsageError, match=r"no column 'hight'.*h_m"):
        table_of(inputs, tmp_path / "d.twin", height_field="hight")


def test_twin_toml_has_the_key(tmp_path):
    (tmp_path / "a.laz").touch()
    text = '[project]\n[sources]\npoints = "a.laz"\n[buildings]\nheight_field = "h"\n'
    (tmp_path / "twin.toml").write_text(text, encoding="utf-8")
    assert read_options(tmp_path / "twin.toml").height_field == "h"


def test_a_city_without_footprints_has_an_empty_table(inputs, tmp_path):
    options = BuildOptions(points=tuple(map(str, inputs.points)), output=tmp_path / "bare.twin")
    build_with(options, progress=Silent(), notices=Notices())
    table = open_city(tmp_path / "bare.twin").buildings
    assert len(table) == 0
    assert {"id", "state", "reason", "geometry"} <= set(table.columns)
    assert table.crs == parse_crs(CRS)
