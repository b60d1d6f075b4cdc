"""Walls that neighbours share: known areas, and the same digits for any cut into tiles."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from twin.city.building_geometry import BuildingGeometry
from twin.city.cityjson_encode import VertexTransform
from twin.city.cityjson_write import ModelMetadata, write_cityjsonseq
from twin.city.party_walls import party_walls
from twin.reconstruct.extrude import extrude, flat_planes
from twin.reconstruct.footprint import localize_footprint
from twin.reconstruct.partition import whole_footprint

X0, Y0 = 84000.0, 447000.0


def house(name, x, y, height, *, width=5.0, depth=8.0):
    """A box, its outline, and its solid at two levels of detail: the finer one a metre higher."""
    outline = shapely.box(X0 + x, Y0 + y, X0 + x + width, Y0 + y + depth)
    part = whole_footprint(localize_footprint(outline))
    solids = {
        lod: tuple(extrude(part, flat_planes(np.array([top])), ground_m=0.0))
        for lod, top in (("1.3", height), ("2.2", height + 1))
    }
    return outline, BuildingGeometry(name, {}, (), solids)


ROW = [
    house("a", 0, 0, 6.0),
    house("b", 5, 0, 9.0),
    house("c", 10.2, 0, 7.0),
    house("d", 40, 0, 6.0),
    house("e", 0, 8, 5.0),
]
EXPECTED = [8 * 6 + 5 * 5, 8 * 6 + 8 * 7, 8 * 7, 0.0, 5 * 5]
"""a touches b (8 m, 6 m high) and e (5 m, 5 m high); b and c stand 0.2 m apart; d stands alone."""


def table(houses, *, refused=()):
    outlines = [outline for outline, _ in houses]
    volume = [np.nan if b.id in refused else 1.0 for _, b in houses]
    columns = {"id": [b.id for _, b in houses], "volume_m3": volume}
    return gpd.GeoDataFrame(columns, geometry=outlines, crs="EPSG:28992")


def written(folder, tiles):
    metadata = ModelMetadata("EPSG:7415")
    transform = VertexTransform((84_000, 447_000, 0))
    paths = []
    for i, tile in enumerate(tiles):
        paths.append(folder / f"{i}.city.jsonl")
        write_cityjsonseq(paths[-1], tile, metadata=metadata, transform=transform)
    return paths


@pytest.mark.parametrize("cut", [[[0, 1, 2, 3, 4]], [[4, 2], [3], [1, 0]], [[1], [0], [4], [3], [2]]])
def test_areas_do_not_depend_on_the_tiles(tmp_path, cut):
    paths = written(tmp_path, [[ROW[k][1] for k in tile] for tile in cut])
    found = party_walls(table(ROW), paths)
    assert found.tolist() == pytest.approx(EXPECTED, abs=0.002)
    assert found.tolist() == party_walls(table(ROW), paths[::-1]).tolist()


def test_a_footprint_without_a_solid_shares_no_wall(tmp_path):
    paths = written(tmp_path, [[b for _, b in ROW if b.id != "b"]])
    found = party_walls(table(ROW, refused={"b"}), paths)
    assert np.isnan(found[1])
    assert found[[0, 2, 3, 4]].tolist() == pytest.approx([25.0, 0.0, 0.0, 25.0], abs=0.002)
