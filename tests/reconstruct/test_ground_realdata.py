"""Ground, classes and terrain against surveys that people classified."""

from __future__ import annotations

import laspy
import numpy as np
import pytest

from tests.reconstruct.ground_scenes import kappa
from twin.core.grid import Bounds, Grid, sample_bilinear
from twin.core.points import Classification, PointCloud
from twin.reconstruct.ground import classify_ground
from twin.reconstruct.outliers import find_outliers
from twin.reconstruct.terrain import CELL_SIZE_M, rasterize_dsm, rasterize_dtm
from twin.reconstruct.vegetation import classify_points

pytestmark = pytest.mark.realdata


def read(*paths):
    files = [laspy.read(p) for p in sorted(paths)]
    return PointCloud(
        np.concatenate([f.xyz for f in files]),
        *(
            np.concatenate([np.asarray(f[name], np.uint8) for f in files])
            for name in ("classification", "return_number", "number_of_returns")
        ),
    )


@pytest.fixture(scope="module")
def delft(shared_data):
    return read(*(shared_data / "delft" / "ahn3").glob("*.laz"))


@pytest.fixture(scope="module")
def delft_ground(delft):
    return classify_ground(delft.xyz)


def grid_of(cloud, cell_size_m):
    low, high = cloud.xyz[:, :2].min(axis=0), cloud.xyz[:, :2].max(axis=0)
    return Grid.covering(Bounds(*low, *high), cell_size_m=cell_size_m)


def test_ground_of_delft(delft, delft_ground):
    truth = np.isin(delft.classification, (2, 9))
    assert kappa(truth, delft_ground) >= 0.974
    assert (truth != delft_ground).mean() <= 0.0115


@pytest.mark.parametrize(("tile", "least", "lost"), [("0299", 0.90, 0.02), ("0300", 0.79, 0.01)])
def test_ground_of_thinned_hills_with_embankments(shared_data, tile, least, lost):
    """A quarter of a point per square metre; plants up to half a metre (class 3) weigh on kappa, not on the loss."""
    folder = shared_data / "bridges_fr_lidarhd" / "bridge" / "pointcloud"
    cloud = read(folder / f"test_semis_2023_{tile}_6802_LA93_IGN69.laz")
    truth = np.isin(cloud.classification, (2, 66))
    found = classify_ground(cloud.xyz)
    assert kappa(truth, found) > least
    assert (~found[truth]).mean() < lost
    assert found[cloud.classification == Classification.BUILDING].mean() < 0.03


def test_floor_of_a_wood_is_kept(shared_data):
    cloud = read(shared_data / "lakes_megaplot_ca" / "Megaplot.laz")
    truth = cloud.classification == Classification.GROUND
    assert not find_outliers(cloud.xyz).any()
    assert classify_ground(cloud.xyz)[truth].mean() > 0.995


def test_survey_without_outliers_loses_nothing(delft):
    assert find_outliers(delft.xyz).sum() <= 3


def test_buildings_of_delft(delft, delft_ground):
    bare = PointCloud(delft.xyz, 0 * delft.classification, delft.return_number, delft.n_returns)
    classes = classify_points(bare, delft_ground)
    truth = delft.classification == Classification.BUILDING
    assert kappa(truth, classes == Classification.BUILDING) > 0.90
    assert set(np.unique(classes)) == {1, 2, 4, 5, 6}


def test_terrain_at_ground_points_left_out(delft):
    ground = delft.xyz[delft.classification == Classification.GROUND]
    left_out = np.random.default_rng(1).random(len(ground)) < 0.1
    grid = grid_of(delft, CELL_SIZE_M)
    dtm = rasterize_dtm(ground[~left_out], grid)
    x, y, z = ground[left_out].T
    error = np.abs(sample_bilinear(dtm.values, grid, x, y) - z)
    assert np.sqrt((error**2).mean()) < 0.035
    assert np.percentile(error, 95) < 0.062


def test_surface_stands_on_the_terrain_and_reaches_the_spire(delft):
    grid = grid_of(delft, 1.0)
    dtm = rasterize_dtm(delft.xyz[delft.classification == Classification.GROUND], grid).values
    dsm = rasterize_dsm(delft.xyz, grid, dtm=dtm)
    assert (dsm >= dtm).all()
    assert delft.xyz[:, 2].max() - dsm.max() < 1.0
