"""The 160 buildings of Delft: every one in a state, every solid valid, as close to the points as was promised."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import shapely

from tests.reconstruct.solid_asserts import assert_valid_solid
from twin.core.points import PointCloud
from twin.reconstruct.building import reconstruct_building
from twin.reconstruct.building_model import BuildingState
from twin.reconstruct.party_walls import party_wall_areas

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def models(shared_data):
    import geopandas
    import laspy

    files = [laspy.read(path) for path in sorted((shared_data / "delft" / "ahn3").glob("*.laz"))]
    xyz = np.concatenate([np.column_stack([f.x, f.y, f.z]) for f in files])
    columns = ("classification", "return_number", "number_of_returns")
    points = PointCloud(
        xyz, *(np.concatenate([np.asarray(f[c]) for f in files]).astype(np.uint8) for c in columns)
    )
    footprints = geopandas.read_file(shared_data / "delft" / "bgt" / "bgt_pand.sqlite").geometry
    tree = shapely.STRtree(shapely.points(xyz[:, :2]))
    return [
        reconstruct_building(shape, points.select(np.sort(tree.query(shape.buffer(4).envelope))))
        for shape in footprints
    ]


def test_every_building_is_built_and_every_solid_is_valid(models):
    assert Counter(m.state for m in models) == {BuildingState.BUILT: 160}
    for model in models:
        for lod in model.lods.values():
            assert lod.codes == ()
            for solid in lod.solids:
                assert_valid_solid(solid)


def errors(models, lod, percent):
    fits = [m.lods[lod].fit for m in models if m.lods[lod].fit.n_points >= 10]
    return [float(np.percentile([getattr(f, name) for f in fits], percent)) for name in ("rmse_m", "p95_m")]


@pytest.mark.parametrize(
    ("lod", "median", "worst_tenth", "n_faces"),
    [
        ("1.2", (1.107, 2.13), (2.65, 5.94), 160),
        ("1.3", (0.770, 1.34), (1.37, 2.82), 300),
        ("2.2", (0.17, 0.13), (0.45, 0.55), 735),
    ],
)
def test_roofs_fit_their_points_at_least_as_well_as_roofers(models, lod, median, worst_tenth, n_faces):
    assert sum(m.lods[lod].n_roof_faces for m in models) <= n_faces
    assert np.all(np.less_equal(errors(models, lod, 50), median))
    assert np.all(np.less_equal(errors(models, lod, 90), worst_tenth))


def test_terraces_share_walls(models):
    solids = [m.lods["1.2"].solids for m in models]
    shared = party_wall_areas(solids)
    walls = np.array([m.lods["1.2"].wall_area_m2 for m in models])
    assert (shared <= walls + 1e-6).all()
    assert 0.2 < shared.sum() / walls.sum() < 0.6
