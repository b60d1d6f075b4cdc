"""Roofs as planes, partitions and solids: closed form, invariants, and the city's own validity check."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from twin.core.mesh import Solid, Surface
from twin.demo import roofs
from twin.demo.partition import clip, outline_of, partition_roof
from twin.demo.recipes import RECIPES, ROOF_TYPES, Size
from twin.demo.roofs import Part, Rect
from twin.demo.solids import flattened, solid_over
from twin.demo.truth import volume_of
from twin.reconstruct.validity import check_solid

LARGE = {
    "tower": (25, 21, 18),
    "hospital": (62, 38, 6),
    "school": (58, 34, 4),
    "offices": (48, 20, 8),
    "courtyard": (54, 44, 5),
    "sawtooth": (56, 27, 2),
    "barrel": (46, 24, 2),
    "flat_boxes": (60, 12.4, 9),
}
WALLS = Rect(0.0, 0.0, 12.0, 8.0)


def recipe(kind: str, seed: int) -> tuple[Part, ...]:
    rng = np.random.default_rng(seed)
    width, depth, storeys = LARGE.get(
        kind, (round(rng.uniform(8.6, 11.8), 2), round(rng.uniform(9, 12), 2), 2)
    )
    return RECIPES[kind](rng, Size(float(width), float(depth), storeys))


def top(parts: tuple[Part, ...], at: np.ndarray) -> np.ndarray:
    heights = [np.where(p.covers(at[:, 0], at[:, 1]), p.z_at(at[:, 0], at[:, 1]), -np.inf) for p in parts]
    return np.max(heights, axis=0)


def assert_closed_outward(solid: Solid) -> None:
    """Every directed edge once and its reverse once, and a positive volume."""
    edges = Counter(
        (int(a), int(b))
        for f in range(solid.n_faces)
        for ring in solid.rings(f)
        for a, b in zip(ring, np.roll(ring, -1), strict=True)
    )
    assert all(n == 1 and edges[edge[::-1]] == 1 for edge, n in edges.items())
    assert volume_of(solid) > 0


@pytest.mark.parametrize("kind", sorted(RECIPES))
@pytest.mark.parametrize("seed", [0, 7])
def test_every_kind_makes_sound_solids_at_every_level(kind: str, seed: int) -> None:
    parts = recipe(kind, seed)
    partition, outline = partition_roof(parts)
    solid = solid_over(partition)
    for step_m, least in ((0.0, 1), (3.0, 1), (np.inf, 1)):
        shape = (
            solid
            if step_m == 0.0
            else solid_over(flattened(partition, outline, lambda at: top(parts, at), step_m=step_m))
        )
        assert_closed_outward(shape)
        assert check_solid(shape) == ()
        assert (shape.surface == Surface.ROOF).sum() >= least
    assert kind in ROOF_TYPES


@pytest.mark.parametrize("kind", sorted(RECIPES))
def test_partition_follows_the_highest_part_everywhere(kind: str) -> None:
    parts = recipe(kind, 3)
    partition, _ = partition_roof(parts)
    rng = np.random.default_rng(0)
    for rings, plane in zip(partition.faces, partition.planes, strict=True):
        face = shapely.Polygon(partition.xy[rings[0]], [partition.xy[r] for r in rings[1:]])
        low, high = partition.xy[rings[0]].min(0), partition.xy[rings[0]].max(0)
        at = rng.uniform(low, high, (60, 2))
        at = at[shapely.contains_xy(face.buffer(-0.01), at)]
        np.testing.assert_allclose(at @ plane[:2] + plane[2], top(parts, at), atol=1e-6)


@pytest.mark.parametrize("kind", sorted(RECIPES))
def test_partition_covers_its_outline_once(kind: str) -> None:
    parts = recipe(kind, 5)
    partition, outline = partition_roof(parts)
    faces = [
        shapely.Polygon(partition.xy[rings[0]], [partition.xy[r] for r in rings[1:]])
        for rings, inside in zip(partition.faces, partition.is_inside, strict=True)
        if inside
    ]
    assert sum(f.area for f in faces) == pytest.approx(outline.area, rel=1e-5)
    assert shapely.union_all(faces).symmetric_difference(outline).area < 1e-3


def volume(*parts: Part) -> float:
    return volume_of(solid_over(partition_roof(parts)[0]))


def test_volumes_in_closed_form() -> None:
    w, d, eave, pitch = 12.0, 8.0, 5.0, 0.75
    rise = pitch * d / 2
    assert volume(roofs.flat(WALLS, eave)) == pytest.approx(w * d * eave)
    assert volume(roofs.gable(WALLS, eave, pitch)) == pytest.approx(w * d * (eave + rise / 2), rel=1e-6)
    hipped = w * d * eave + rise * d * (w - d) / 2 + d * d * rise / 3
    assert volume(roofs.hip(WALLS, eave, pitch)) == pytest.approx(hipped, rel=1e-6)
    assert volume(roofs.shed(WALLS, eave, 0.2, rises="+x")) == pytest.approx(
        w * d * (eave + 0.1 * w), rel=1e-6
    )
    n, r = 24, 6.0
    area = n / 2 * r * r * math.sin(2 * math.pi / n)
    assert volume(roofs.drum((0, 0), r, eave)) == pytest.approx(area * eave, rel=1e-5)


def test_pyramid_and_half_hip_have_the_faces_that_carpenters_give_them() -> None:
    def n_faces(part: Part) -> int:
        return int((solid_over(partition_roof([part])[0]).surface == Surface.ROOF).sum())

    assert n_faces(roofs.gable(WALLS, 5.0, 0.8)) == 2
    assert n_faces(roofs.hip(WALLS, 5.0, 0.8)) == 4
    assert n_faces(roofs.half_hip(WALLS, 5.0, 0.8, share=0.5)) == 4
    assert n_faces(roofs.mansard(WALLS, 5.0, knee_in_m=1.0, knee_up_m=2.3, pitch=0.3)) == 8
    assert n_faces(roofs.barrel(WALLS, 5.0, 2.0)) == 8
    assert n_faces(roofs.cone((0, 0), 5.0, 4.0, 0.5, n=12)) == 12


def test_a_dormer_leaves_the_slope_where_their_planes_meet() -> None:
    house = roofs.gable(WALLS, 5.0, 1.0)
    bump = roofs.dormer(WALLS, 5.0, 1.0, x_m=5.0, width_m=2.0, back=False)
    partition, _ = partition_roof([house, bump])
    ridge = 5.0 + 0.9 + 1.35 + 0.55
    assert np.isclose(partition.xy, [6.0, ridge - 5.0], atol=1e-5).all(1).any()


def test_lod13_parts_at_steps_of_three_metres() -> None:
    low, high = Rect(0, 0, 10, 10), Rect(10, 0, 20, 10)

    def levels(step: float) -> list[float]:
        parts = (roofs.flat(low, 4.0), roofs.flat(high, 4.0 + step))
        partition, outline = partition_roof(parts)
        return sorted(flattened(partition, outline, lambda at: top(parts, at), step_m=3.0).planes[:, 2])

    assert levels(3.5) == [4.0, 7.5]
    assert levels(2.5) == [6.5]  # the 70th percentile of two equal halves is the higher one


def test_eaves_lie_outside_the_outline_and_not_in_the_solid() -> None:
    partition, outline = partition_roof([roofs.gable(WALLS, 5.0, 0.8)])
    assert (~partition.is_inside).sum() == 2
    assert outline.equals(outline_of([roofs.gable(WALLS, 5.0, 0.8)]))
    assert solid_over(partition).vertices[:, 0].min() == 0.0


@given(st.floats(0.0, 2 * math.pi), st.floats(-1.5, 1.5), st.integers(3, 9), st.floats(0.5, 30.0))
def test_clipping_by_a_line_and_by_its_opposite_divides_the_area(
    angle: float, offset: float, n: int, radius: float
) -> None:
    turns = 2 * np.pi * np.arange(n) / n
    ring = radius * np.column_stack([np.cos(turns), np.sin(turns)])
    line = np.array([math.cos(angle), math.sin(angle), offset * radius])
    areas = [shapely.Polygon(piece).area for piece in (clip(ring, line), clip(ring, -line)) if len(piece)]
    assert sum(areas) == pytest.approx(shapely.Polygon(ring).area, rel=1e-6, abs=3e-6)
