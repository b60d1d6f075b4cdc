"""Which features of a map lie on the ground, and how wide its lines are there."""

from __future__ import annotations

import geopandas as gpd
import pytest
from shapely.geometry import LineString

from twin.city.ground_surface import _areas, _on_the_ground
from twin.water.roads import road_shapes


def lines(n: int, **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=[LineString([(0, 9 * k), (100, 9 * k)]) for k in range(n)])


def test_a_level_lifts_a_road_and_an_order_of_drawing_does_not() -> None:
    assert len(_on_the_ground(lines(2, z_order=[3, 7]))) == 2
    assert _on_the_ground(lines(3, layer=["0", None, "1"])).index.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("columns", "width_m"),
    [({}, 6.5), ({"width": ["12"]}, 12.0), ({"width_m": [4]}, 4.0), ({"lanes": [4]}, 13.0)],
)
def test_the_terrain_and_a_flood_see_a_road_of_one_width(columns: dict[str, object], width_m: float) -> None:
    roads = lines(1, **columns)
    assert [float(s.area) for s in (*_areas(roads), *road_shapes(roads))] == pytest.approx(
        [100 * width_m] * 2
    )
    assert roads.geometry.geom_type.tolist() == ["LineString"]
