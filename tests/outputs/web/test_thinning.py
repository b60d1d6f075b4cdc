"""Ground with fewer triangles: no gap, no fold, roads and houses where they were, and never far from the ground."""

from __future__ import annotations

import numpy as np
import pytest

from twin.core.notices import Notices
from twin.outputs.web.codec import Bundle, unpack
from twin.outputs.web.geometry import ground
from twin.outputs.web.thinning import deviation_m, thin_ground
from twin.outputs.web.walking import read_walk
from twin.reconstruct.cover import Cover
from twin.scene.model import FacetMesh, SceneContent, Terrain
from twin.scene.packing import pack_content

N = 61
HOUSE = (20, 28, 30, 38)


def hills():
    """A plot of 60 x 60 m with a road through it and a house's hole in it; points, triangles, covers."""
    y, x = np.mgrid[0:N, 0:N].astype(float)
    z = 2 * np.sin(x / 9) * np.cos(y / 13) + 0.02 * np.sin(3 * x + 5 * y)
    points = np.column_stack([x.ravel(), y.ravel(), np.round(z.ravel(), 2)])
    triangles, covers = [], []
    for j in range(N - 1):
        for i in range(N - 1):
            if HOUSE[0] <= i < HOUSE[1] and HOUSE[2] <= j < HOUSE[3]:
                continue
            a, b, c, d = N * j + i, N * j + i + 1, N * (j + 1) + i + 1, N * (j + 1) + i
            triangles += [(a, b, c), (a, c, d)]
            covers += [Cover.ROAD if 40 <= i < 46 else Cover.GROUND] * 2
    return points, np.array(triangles), np.array(covers, np.uint8)


def areas(points, triangles):
    a, b, c = (points[triangles[:, k], :2] for k in range(3))
    (x0, y0), (x1, y1) = (b - a).T, (c - a).T
    return (x0 * y1 - y0 * x1) / 2


def rim(triangles):
    """Directed edges that have no other side."""
    edges = {(a, b) for t in triangles.tolist() for a, b in zip(t, [*t[1:], t[0]], strict=True)}
    return {e for e in edges if e[::-1] not in edges}


def test_thinned_ground_has_no_gap_and_no_fold() -> None:
    points, triangles, covers = hills()
    made = thin_ground(points, triangles, covers, budget=1500)
    assert 300 < len(made.triangles) <= 1500
    area = areas(points, made.triangles)
    assert area.min() > 0
    assert area.sum() == pytest.approx(areas(points, triangles).sum(), rel=1e-9)
    around = np.array(sorted(rim(made.triangles)))
    length = np.linalg.norm(np.diff(points[around, :2], axis=1), axis=2).sum()
    assert length == pytest.approx(4 * (N - 1) + 2 * (8 + 8), rel=1e-9)


def test_roads_keep_their_place() -> None:
    points, triangles, covers = hills()
    made = thin_ground(points, triangles, covers, budget=1500)
    road = covers[made.kept] == Cover.ROAD
    assert areas(points, made.triangles[road]).sum() == pytest.approx(6 * (N - 1), rel=1e-6)


def test_thinned_ground_stays_near_and_beside_houses_nearer_still() -> None:
    points, triangles, covers = hills()
    made = thin_ground(points, triangles, covers, budget=1500)
    gone = np.setdiff1d(triangles, made.triangles)
    assert len(gone) > 1000
    assert deviation_m(points, made.triangles, gone) < 0.06
    x, y = points[gone, 0], points[gone, 1]
    at_house = (x >= HOUSE[0]) & (x <= HOUSE[1]) & (y >= HOUSE[2]) & (y <= HOUSE[3])
    if at_house.any():
        assert deviation_m(points, made.triangles, gone[at_house]) < 0.03
    coarser = thin_ground(points, triangles, covers, budget=100)
    assert len(coarser.triangles) < len(made.triangles)
    far = deviation_m(points, coarser.triangles, np.setdiff1d(triangles, coarser.triangles))
    assert 0.03 < far < 0.4


def test_thinning_gives_the_same_every_time_and_leaves_small_ground_alone() -> None:
    points, triangles, covers = hills()
    one, two = (thin_ground(points, triangles, covers, budget=900) for _ in range(2))
    assert np.array_equal(one.triangles, two.triangles)
    assert thin_ground(points, triangles, covers, budget=len(triangles)).triangles is triangles


def test_a_page_thins_its_ground_beyond_its_budget_and_says_so() -> None:
    points, triangles, covers = hills()
    pack = pack_content(
        SceneContent(
            name="hills",
            crs="EPSG:25833",
            origin=(0, 0, 0),
            buildings=FacetMesh.empty(),
            building_ids=(),
            terrain=Terrain(points, triangles.astype(np.int32), covers),
        )
    )

    def made(budget):
        bundle, notices = Bundle(), Notices()
        header, data = unpack(bundle.pack({"g": ground(pack, bundle, 0.01, budget=budget, notices=notices)}))
        return read_walk(header["g"], data), notices

    whole, told = made(len(triangles))
    assert not told.causes()
    thin, told = made(1500)
    assert "thinned-ground" in told.causes()
    assert f"{len(triangles):,} to" in str(told.causes()["thinned-ground"])
    assert len(whole[1]) == len(triangles)
    assert len(thin[1]) <= 1500
    area = {}
    for places, corners, kinds in (whole, thin):
        for cover in (Cover.ROAD, Cover.GROUND):
            area.setdefault(cover, []).append(areas(places * 0.01, corners[kinds == cover]).sum())
    for before, after in area.values():
        assert after == pytest.approx(before, rel=1e-6)
