"""The simulated survey: points lie on what they hit, and neither tiles nor processes change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from twin.core.crs import parse_crs, same_horizontal
from twin.core.errors import UsageError
from twin.core.grid import Bounds
from twin.core.points import Classification, PointCloud
from twin.demo import skeleton as sk
from twin.demo.flight import Flight, SurveySettings, fly
from twin.demo.ground import Ground, ground_at_many
from twin.demo.layout import Layout, make_layout
from twin.demo.rays import Ray, first_triangle
from twin.demo.survey import STRIP_EVERY_S, survey_tile, tile_side, tiles_of
from twin.demo.targets import Targets, gather_targets
from twin.sources.las_writer import PulseNotes, write_las

if TYPE_CHECKING:
    from pathlib import Path

EXACT = SurveySettings(
    density=1.5, range_noise_m=0.0, pointing_noise_m=0.0, strip_offset_m=0.0, outliers_per_million=0.0
)


@pytest.fixture(scope="module")
def plan() -> Layout:
    return make_layout(40, seed=4)


@pytest.fixture(scope="module")
def whole(plan: Layout) -> Bounds:
    return Bounds(sk.ORIGIN[0] - 1000, sk.ORIGIN[1] - 1000, sk.ORIGIN[0] + 1000, sk.ORIGIN[1] + 1000)


@pytest.fixture(scope="module")
def exact_cloud(plan: Layout, whole: Bounds) -> PointCloud:
    return survey_tile(plan, fly(EXACT, plan.bounds, seed=4), whole)[0]


def of_class(cloud: PointCloud, *classes: int) -> np.ndarray:
    return sk.to_local(cloud.xyz[np.isin(cloud.classification, classes)])


def test_ground_and_water_points_lie_on_the_ground(plan: Layout, exact_cloud: PointCloud) -> None:
    ground = of_class(exact_cloud, Classification.GROUND)
    z, _, _ = ground_at_many(np.ascontiguousarray(ground[:, :2]), plan.terrain)
    error = np.abs(ground[:, 2] - z)
    # A beam that meets a kerb or a quay wall is followed to within two centimetres of height only.
    assert (error < 0.005).mean() > 0.99
    assert np.percentile(error, 99.9) < 0.3
    water = of_class(exact_cloud, Classification.WATER)
    _, kind, level = ground_at_many(np.ascontiguousarray(water[:, :2]), plan.terrain)
    wet = np.isin(kind, [Ground.RIVER, Ground.CANAL, Ground.POND])
    assert wet.mean() > 0.999  # the rest lies on the very edge
    np.testing.assert_allclose(water[wet, 2], level[wet], atol=0.02)


def test_building_points_lie_on_the_building(plan: Layout, exact_cloud: PointCloud) -> None:
    """Each roof point is met again by a vertical ray; the rest are facades, which stay few and below the roof."""
    targets, _ = gather_targets(plan, plan.bounds)
    points = of_class(exact_cloud, Classification.BUILDING)[::5]
    tops = np.array([top_at(targets, u, v) for u, v, _ in points])
    on_roof = np.abs(points[:, 2] - tops) < 1e-3
    assert 0.85 < on_roof.mean() < 0.99
    walls = targets.corners[targets.material != 0]
    low, high = walls.min(1) - 1e-6, walls.max(1) + 1e-6
    for point in points[~on_roof]:
        a, b, c = np.moveaxis(walls[((low <= point) & (point <= high)).all(1)], 1, 0)
        normal = np.cross(b - a, c - a)
        off = np.abs(((point - a) * normal).sum(1)) / np.linalg.norm(normal, axis=1)
        assert off.min() < 1e-6


def top_at(targets: Targets, u: float, v: float) -> float:
    s, _ = first_triangle(Ray(u, v, targets.top, 0.0, 0.0), targets.top + 10.0, targets)
    return targets.top - s


def test_rays_agree_with_embree(plan: Layout) -> None:
    embree = pytest.importorskip("embreex.rtcore_scene")
    mesh_construction = pytest.importorskip("embreex.mesh_construction")
    targets, _ = gather_targets(plan, plan.bounds)
    scene = embree.EmbreeScene()
    mesh_construction.TriangleMesh(scene, targets.corners.astype(np.float32))
    rng = np.random.default_rng(0)
    b, n = plan.bounds, 5000
    origins = np.column_stack(
        [rng.uniform(b.x_min, b.x_max, n), rng.uniform(20, 160, n), np.full(n, targets.top)]
    )
    tilt = np.column_stack([rng.uniform(-0.3, 0.3, (n, 2)), np.full(n, -1.0)])
    theirs = scene.run(origins.astype(np.float32), tilt.astype(np.float32), query="INTERSECT")
    ours = [
        first_triangle(Ray(u, v, z, du, dv), z + 5.0, targets)[1]
        for (u, v, z), (du, dv, _) in zip(origins, tilt, strict=True)
    ]
    assert (np.array(ours) >= 0).sum() > 500
    # Rays that graze a corner may fall on either side of it in float32, and two triangles share every edge.
    assert (theirs == np.array(ours)).mean() > 0.998


def test_every_point_was_in_sight_of_its_strip(plan: Layout, exact_cloud: PointCloud, whole: Bounds) -> None:
    targets, _ = gather_targets(plan, plan.bounds)
    flight = fly(EXACT, plan.bounds, seed=4)
    _, strips, *_ = survey_tile(plan, flight, whole)
    local = sk.to_local(exact_cloud.xyz)
    hidden = 0
    for strip in flight.strips:
        mine = (strips == strip.number) & (exact_cloud.classification == Classification.GROUND)
        for u, v, z in local[mine][::60]:
            du, dv = strip.heading * 0.03, (v - strip.v) / (EXACT.altitude_m - z)
            fall = targets.top - z
            ray = Ray(u - du * fall, v - dv * fall, targets.top, du, dv)
            hidden += first_triangle(ray, fall - 0.05, targets)[1] >= 0
    assert hidden <= 2  # a beam that grazes an eave, followed back through a rounded coordinate


def test_density_is_what_was_asked_for(plan: Layout, exact_cloud: PointCloud) -> None:
    first = exact_cloud.xyz[exact_cloud.return_number == 1]
    local = sk.to_local(first)
    b = plan.bounds
    dry = local[:, 1] > -20
    area = b.width * (b.y_max + 20)
    assert dry.sum() / area == pytest.approx(EXACT.density, rel=0.12)


def test_trees_give_several_returns(exact_cloud: PointCloud) -> None:
    leaves = exact_cloud.classification == Classification.HIGH_VEGETATION
    assert 0.2 < (exact_cloud.n_returns[leaves] > 1).mean() < 0.95
    assert exact_cloud.return_number.max() >= 3
    assert (exact_cloud.return_number <= exact_cloud.n_returns).all()
    hard = exact_cloud.classification == Classification.BUILDING
    assert (exact_cloud.n_returns[hard] == 1).mean() > 0.8


def test_tiles_do_not_change_a_point(plan: Layout, whole: Bounds) -> None:
    settings = SurveySettings(density=0.6)
    flight = fly(settings, plan.bounds, seed=4)
    together = survey_tile(plan, flight, whole)[0]
    x, y = sk.ORIGIN[0] + 150.0, sk.ORIGIN[1] + 40.0
    quarters = [
        Bounds(whole.x_min, whole.y_min, x, y),
        Bounds(x, whole.y_min, whole.x_max, y),
        Bounds(whole.x_min, y, x, whole.y_max),
        Bounds(x, y, whole.x_max, whole.y_max),
    ]
    apart = PointCloud.concatenate([survey_tile(plan, flight, q)[0] for q in quarters])
    assert len(apart) == len(together)
    for cloud in (apart, together):
        assert np.isfinite(cloud.xyz).all()
    a, b = (np.round(c.xyz[np.lexsort(np.round(c.xyz, 6).T)], 6) for c in (apart, together))
    np.testing.assert_allclose(a, b, atol=2e-6)


def test_noise_has_the_size_that_the_settings_say(plan: Layout, whole: Bounds) -> None:
    settings = SurveySettings(
        density=1.5, range_noise_m=0.05, pointing_noise_m=0.0, strip_offset_m=0.0, outliers_per_million=0.0
    )
    cloud, *_ = survey_tile(plan, fly(settings, plan.bounds, seed=4), whole)
    ground = of_class(cloud, Classification.GROUND)
    z, kind, _ = ground_at_many(np.ascontiguousarray(ground[:, :2]), plan.terrain)
    error = (ground[:, 2] - z)[kind == Ground.FIELD]
    assert np.std(error) == pytest.approx(0.05, rel=0.1)


def test_strips_overlap_and_carry_their_offsets(plan: Layout, whole: Bounds) -> None:
    settings = SurveySettings(density=0.8, range_noise_m=0.0, pointing_noise_m=0.0, strip_offset_m=0.1)
    flight = fly(settings, plan.bounds, seed=4)
    cloud, strip, *_ = survey_tile(plan, flight, whole)
    assert set(np.unique(strip)) == {s.number for s in flight.strips}
    uvz = sk.to_local(cloud.xyz)
    for s in flight.strips:
        mine = (strip == s.number) & (cloud.classification == Classification.GROUND)
        z, kind, _ = ground_at_many(np.ascontiguousarray(uvz[mine, :2]), plan.terrain)
        error = np.median((uvz[mine, 2] - z)[kind == Ground.FIELD])
        assert error == pytest.approx(s.offset_m[2], abs=0.01)


def test_outliers_fly_high_and_lie_low(plan: Layout, whole: Bounds) -> None:
    settings = SurveySettings(density=1.0, outliers_per_million=3000.0)
    cloud, *_ = survey_tile(plan, fly(settings, plan.bounds, seed=4), whole)
    share = np.isin(cloud.classification, [7, 18]).mean()
    assert share == pytest.approx(0.003, rel=0.4)
    assert cloud.xyz[cloud.classification == 18, 2].min() > 12.0


def test_every_point_lies_in_its_tile_and_in_the_area(plan: Layout) -> None:
    flight: Flight = fly(SurveySettings(density=0.6), plan.bounds, seed=4)
    n = 0
    for _, tile in tiles_of(plan, 60.0):
        cloud, *_ = survey_tile(plan, flight, tile)
        x, y = cloud.xyz[:, 0], cloud.xyz[:, 1]
        assert tile.contains(x, y).all()
        assert plan.area.contains(x, y).all()
        n += len(cloud)
    assert n > 80_000


@pytest.mark.parametrize("density", [0.5, 8.0, 30.0, 60.0])
def test_tiles_hold_some_million_points(density: float) -> None:
    assert tile_side(density) ** 2 * density < 3_000_000


@pytest.mark.parametrize("bad", [0.0, 0.1, 100.0, float("nan")])
def test_senseless_densities_are_refused(bad: float) -> None:
    with pytest.raises(UsageError, match="--density"):
        SurveySettings(density=bad)


def test_the_scanner_notes_strip_time_angle_and_brightness(tmp_path: Path, plan: Layout) -> None:
    import laspy

    flight = fly(SurveySettings(density=0.8), plan.bounds, seed=4)
    x, y = sk.ORIGIN[0] + 150.0, sk.ORIGIN[1]
    points = survey_tile(plan, flight, Bounds(x - 150.0, y - 150.0, x + 150.0, y + 150.0))
    path = tmp_path / "tile.laz"
    write_las(path, points.cloud, crs=parse_crs(sk.CRS), notes=PulseNotes(*points[1:]))
    las = laspy.read(path)
    assert las.header.global_encoding.gps_time_type == laspy.header.GpsTimeType.STANDARD
    stored = las.header.parse_crs()
    assert stored.is_compound
    assert same_horizontal(stored, parse_crs(sk.CRS))
    assert stored.sub_crs_list[1].to_epsg() == 5193
    np.testing.assert_array_equal(las.point_source_id, points.strip)
    np.testing.assert_array_equal(las.intensity, points.intensity)
    np.testing.assert_allclose(las.scan_angle * 0.006, points.scan_angle_deg, atol=0.004)
    for strip in flight.strips:
        mine = points.strip == strip.number
        time, angle = las.gps_time[mine], points.scan_angle_deg[mine]
        assert np.ptp(time) < STRIP_EVERY_S
        assert np.abs(angle).max() <= flight.settings.half_angle_deg
        # Left of the flight's direction is negative: where v is greater, for a strip flown along u.
        v = sk.to_local(points.cloud.xyz)[mine, 1]
        assert np.corrcoef(v, angle)[0, 1] * strip.heading < -0.9
        # Along the strip, time runs as the aircraft flies.
        u = sk.to_local(points.cloud.xyz)[mine, 0]
        assert np.corrcoef(u, time)[0, 1] * strip.heading > 0.999


def test_echoes_of_one_pulse_share_its_time(plan: Layout, whole: Bounds) -> None:
    points = survey_tile(plan, fly(SurveySettings(density=0.6), plan.bounds, seed=4), whole)
    last = points.cloud.return_number == points.cloud.n_returns
    key = points.strip.astype(np.int64), points.gps_time
    order = np.lexsort(key)
    same = (np.diff(points.gps_time[order]) == 0) & (np.diff(points.strip[order]) == 0)
    second = points.cloud.return_number[order][1:] > 1
    assert same[second].mean() > 0.99  # but for those whose first echo lies outside
    assert not same[~second].any()
    assert last.mean() > 0.7


def test_asphalt_is_dark_and_grass_is_bright(plan: Layout, whole: Bounds) -> None:
    points = survey_tile(plan, fly(SurveySettings(density=0.6), plan.bounds, seed=4), whole)
    at = np.ascontiguousarray(sk.to_local(points.cloud.xyz)[:, :2])
    _, kind, _ = ground_at_many(at, plan.terrain)
    is_ground = (points.cloud.classification == Classification.GROUND) & (points.cloud.n_returns == 1)
    street, field = (np.median(points.intensity[is_ground & (kind == k)]) for k in (3, 0))
    assert street < 0.5 * field
