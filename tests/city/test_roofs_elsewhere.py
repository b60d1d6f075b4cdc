"""Roofs of other countries from survey to city: Swiss, American and French points, thinned, shuffled, without outlines.

None of these surveys has outlines of its buildings, and only the French one has classes of buildings; outlines are
derived. What is held here was measured on these windows; no parameter was chosen by them.

In the American window the aerial picture shows a footbridge and bushes on a bank, and no house. Without classes and at
three points per m² both are outlined: they must become valid solids like any other, and tell that they are doubtful.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import laspy
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.spatial import cKDTree

import twin
from tests.reconstruct.solid_asserts import assert_valid_solid
from twin.city.check import check
from twin.city.cityjson import read_cityjson
from twin.core.mesh import Surface
from twin.core.notices import Notices

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

FOOT_M = 0.3048
LODS = ("1.2", "1.3", "2.0", "2.2")
STATES = {"built", "fallback", "no_points", "invalid_footprint", "duplicate", "failed"}
NEAR_M = 5.0
"""An outline from two points per m² in cells of a metre stands this far beyond its roof at a corner."""
MAY_LACK_HELD_OUT = 100
"""Of so few points a fifth may be too few to be left out, or too few be left to fit a roof."""


@dataclass(frozen=True)
class Place:
    """A window of a survey: in its own unit, with the CRS that a user would give."""

    file: str
    crs: str
    window: tuple[float, float, float, float] | None = None
    unit_m: float = 1.0

    def points(self, data: Path, *, per_m2: float | None = None, order: int | None = None) -> laspy.LasData:
        """The points, in their order or another, thinned to a density over the window by a seed of its own."""
        las = laspy.read(data / self.file)
        x, y = np.asarray(las.x), np.asarray(las.y)
        west, south, east, north = self.window or (x.min(), y.min(), x.max(), y.max())
        kept = np.flatnonzero((x >= west) & (x <= east) & (y >= south) & (y <= north))
        if per_m2 is not None:
            wanted = round(per_m2 * (east - west) * (north - south) * self.unit_m**2)
            assert wanted < len(kept), "the survey is not as dense as that"
            kept = np.sort(np.random.default_rng(1).choice(kept, wanted, replace=False))
        if order is not None:
            kept = np.random.default_rng(order).permutation(kept)
        return _without_records(las, kept, keep_crs=self.file != GEYSER_FILE)


def _without_records(las: laspy.LasData, kept: np.ndarray, *, keep_crs: bool) -> laspy.LasData:
    """Some points in a plain file: a COPC index would not fit them."""
    thin = laspy.LasData(las.header)
    thin.points = las.points[kept]
    records = [v for v in las.header.vlrs if v.user_id == "LASF_Projection" and keep_crs]
    thin.header.vlrs = type(las.header.vlrs)(records)
    thin.header.evlrs = None
    return thin


GEYSER_FILE = "copc/lone-star.copc.laz"
"""Names a geocentric CRS for coordinates in UTM, so that it has to go without."""

SWISS = Place("copc/lidar0_CH_val.copc.laz", "EPSG:2056")
AMERICAN = Place(
    "autzen_usft/autzen_trim.laz", "EPSG:2993", (636450.0, 848935.0, 636942.0, 849498.0), unit_m=FOOT_M
)
GEYSER = Place(GEYSER_FILE, "EPSG:32612")
FRENCH = Place(
    "bridges_fr_lidarhd/bridge/pointcloud/test_semis_2023_0300_6802_LA93_IGN69.laz",
    "EPSG:2154",
    (300700.0, 6801850.0, 300850.0, 6802000.0),
)

CASES = {
    "swiss-12": (SWISS, 12.0),
    "swiss-8": (SWISS, 8.0),
    "swiss-4": (SWISS, 4.0),
    "swiss-2": (SWISS, 2.0),
    "american": (AMERICAN, None),
}
HELD_OUT_P95_M = {"swiss-12": 0.25, "swiss-8": 0.25, "swiss-4": 0.95, "swiss-2": 1.5, "american": 1.2}
"""Weighted by points. Measured with five seeds of thinning: at most 0.15, 0.15, 0.77, 1.16; and 0.90 where none is."""
ABOVE_M = {"swiss-12": 0.5, "swiss-8": 0.5, "swiss-4": 0.8, "swiss-2": 1.2, "american": 0.5}
"""Measured likewise: at most 0.25, 0.30, 0.61, 0.96 and 0.25 m. A plane may leave its points by a metre, for a ridge
lies between points, and thinned ones lie further apart."""
FEWEST = {"swiss-12": 5, "swiss-8": 5, "swiss-4": 3, "swiss-2": 2, "american": 3}


@dataclass(frozen=True)
class Built:
    """A city with the points that it was built of, in metres."""

    case: str
    city: twin.City
    xyz: np.ndarray

    @property
    def table(self) -> pd.DataFrame:
        return self.city.buildings.set_index("id")

    def solids(self):
        """Building, LoD and solid of every solid in the folder."""
        for path in sorted((self.city.path / "buildings").glob("*.city.jsonl")):
            for building in read_cityjson(path, notices=Notices()).buildings:
                for lod, solids in sorted(building.solids.items()):
                    for solid in solids:
                        yield building.id, lod, solid


def build_place(
    place: Place, las: laspy.LasData, folder: Path, *, footprints: Path | None = None
) -> twin.City:
    points = folder / "points.laz"
    las.write(points)
    return twin.build(
        points,
        footprints,
        folder / "elsewhere.twin",
        crs=place.crs,
        derive_footprints=True,
        lod="2.2",
        workers=1,
    )


def metres(place: Place, las: laspy.LasData) -> np.ndarray:
    return np.column_stack([las.x, las.y, las.z]) * place.unit_m


@pytest.fixture(scope="module", params=CASES)
def built(request, shared_data, tmp_path_factory) -> Built:
    place, per_m2 = CASES[request.param]
    las = place.points(shared_data, per_m2=per_m2)
    city = build_place(place, las, tmp_path_factory.mktemp(request.param))
    return Built(request.param, city, metres(place, las))


def test_every_building_has_one_state_and_every_level(built):
    table = built.table
    assert table.index.is_unique
    assert len(table) >= FEWEST[built.case]
    assert set(table["state"]) <= STATES - {"failed", "invalid_footprint"}
    assert set(table["source"]) == {"derived"}
    assert ((table["reason"] != "") == (table["state"] != "built")).all()
    levels = {(id_, lod) for id_, lod, _ in built.solids()}
    assert levels == {(id_, lod) for id_ in table.index for lod in LODS}


def test_every_solid_is_valid(built):
    report = check(built.city.path, notices=Notices())
    assert report["invalid"] == []
    assert report["damaged"] == {}
    n = len(built.table)
    assert report["lods"] == {lod: {"solids": n, "valid": n} for lod in LODS}
    for _, _, solid in built.solids():
        assert_valid_solid(solid)


def test_error_at_points_left_out_is_small(built):
    """Twice the scatter of airborne points where these are dense; at four per m² steps lie between points.

    Below it crowns beside the Swiss hall grow into its outline; what is outlined in the American window is no house.
    """
    table = built.table
    known = table[np.isfinite(table["p95_holdout_m"])]
    assert set(table.index[table["n_points"] >= MAY_LACK_HELD_OUT]) <= set(known.index)
    assert (known["rmse_holdout_m"] > 0).all()
    p95 = np.average(known["p95_holdout_m"], weights=known["n_points"])
    assert p95 < HELD_OUT_P95_M[built.case]


def test_no_roof_shoots_above_the_points_around_it(built):
    tree = cKDTree(built.xyz[:, :2])
    for id_, lod, solid in built.solids():
        if lod != "2.2":
            continue
        roof = np.flatnonzero(solid.surface == Surface.ROOF)
        used = np.unique(np.concatenate([ring for face in roof for ring in solid.rings(face)]))
        corners = solid.vertices[used]
        for corner, near in zip(corners, tree.query_ball_point(corners[:, :2], NEAR_M), strict=True):
            assert near, f"{id_}: a corner without any point around it"
            assert corner[2] <= built.xyz[near, 2].max() + ABOVE_M[built.case], id_


def test_figures_are_in_metres_and_within_the_survey(built):
    table = built.table
    low, high = built.xyz[:, 2].min(), built.xyz[:, 2].max()
    assert table["ground_m"].between(low - 0.5, high).all()
    assert table["roof_max_m"].between(low, high).all()
    assert table["height_m"].between(2.0, high - low).all()
    west, south = built.xyz[:, :2].min(axis=0) - NEAR_M
    east, north = built.xyz[:, :2].max(axis=0) + NEAR_M
    assert table.geometry.within(shapely.box(west, south, east, north)).all()


def test_bushes_taken_for_houses_have_little_confidence(built):
    """Measured: bushes 0.26 to 0.57, the footbridge 0.71; the two large Swiss roofs 0.70 to 0.94."""
    table = built.table
    confidence, area = table["footprint_confidence"], table["footprint_area_m2"]
    if built.case == "american":
        assert (confidence[area < 150.0] < 0.65).all()
    else:
        assert (confidence[area > 200.0] > 0.6).all()


@pytest.mark.parametrize("case", ["swiss-8", "american"])
def test_the_order_of_points_does_not_matter(case, shared_data, tmp_path):
    place, per_m2 = CASES[case]
    cities = []
    for order in (None, 9):
        folder = tmp_path / str(order)
        folder.mkdir()
        cities.append(build_place(place, place.points(shared_data, per_m2=per_m2, order=order), folder))
    one, two = (sorted((c.path / "buildings").glob("*")) for c in cities)
    assert [p.name for p in one] == [p.name for p in two]
    for a, b in zip(one, two, strict=True):
        assert a.read_bytes() == b.read_bytes(), a.name


@pytest.mark.parametrize("per_m2", [30.0, 2.0])
def test_a_geyser_among_trees_is_no_building(shared_data, tmp_path, per_m2):
    city = build_place(GEYSER, GEYSER.points(shared_data, per_m2=per_m2), tmp_path)
    assert "buildings" not in city.manifest.layers
    assert check(city.path, notices=Notices())["solids"] == 0


def outlines_of_class_6(las: laspy.LasData) -> np.ndarray:
    """Rough outlines around building points, as someone would draw them."""
    xy = np.column_stack([las.x, las.y])[np.asarray(las.classification) == 6]
    around = shapely.buffer(shapely.union_all(shapely.buffer(shapely.points(xy), 2.0)), -1.5)
    outer = shapely.polygons(shapely.get_exterior_ring(shapely.get_parts(around)))
    outer = shapely.simplify(outer, 1.0)
    return outer[shapely.area(outer) > 40.0]


def test_a_third_of_a_point_per_m2_gives_blocks_that_are_named_as_such(shared_data, tmp_path):
    """French points thinned by their maker: too few to outline a house, or to tell its roof; never a failure."""
    import geopandas as gpd

    las = FRENCH.points(shared_data)
    shapes = outlines_of_class_6(las)
    frame = gpd.GeoDataFrame({"id": [f"h{k}" for k in range(len(shapes))]}, geometry=shapes, crs=FRENCH.crs)
    frame.to_file(tmp_path / "houses.gpkg")
    city = build_place(FRENCH, las, tmp_path, footprints=tmp_path / "houses.gpkg")
    built = Built("french", city, metres(FRENCH, las))
    table = built.table
    assert len(table) == len(shapes) >= 5
    assert set(table["state"]) == {"fallback"}
    assert table["reason"].str.contains("points per m2").all()
    assert table["no_data_share"].max() < 0.5
    test_every_solid_is_valid(built)
    for id_, shape in zip(frame["id"], shapes, strict=True):
        inside = shapely.contains_xy(shape, built.xyz[:, 0], built.xyz[:, 1])
        assert table.at[id_, "roof_max_m"] <= built.xyz[inside, 2].max()
    known = table[table["n_points"] >= MAY_LACK_HELD_OUT]
    # One height for a roof 5 m from eave to ridge; the worst of the four is measured at 1.6 m.
    assert len(known) >= 4
    assert (known["rmse_holdout_m"] < 2.2).all()
