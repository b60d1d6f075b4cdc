"""Walls that neighbours share."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from twin.reconstruct.extrude import extrude, flat_planes
from twin.reconstruct.footprint import localize_footprint
from twin.reconstruct.partition import whole_footprint
from twin.reconstruct.party_walls import party_wall_areas


def house(shape, height, ground=0.0):
    part = whole_footprint(localize_footprint(shape))
    return extrude(part, flat_planes(np.full(part.n_faces, height)), ground_m=ground)


def test_a_row_shares_up_to_the_lower_roof():
    row = [house(shapely.box(5 * i, 0, 5 * i + 5, 8), h) for i, h in enumerate([6.0, 9.0, 4.0])]
    assert party_wall_areas(row).tolist() == pytest.approx([48, 48 + 32, 32])


def test_a_gap_of_footprints_counts_up_to_its_limit_and_no_further():
    def pair(gap):
        return party_wall_areas(
            [house(shapely.box(0, 0, 5, 8), 6.0), house(shapely.box(5 + gap, 0, 9, 8), 6.0)]
        )

    assert pair(0.2).tolist() == pytest.approx([48, 48])
    assert pair(0.4).tolist() == [0, 0]


def test_only_the_part_that_stands_side_by_side_counts():
    shared = party_wall_areas(
        [house(shapely.box(0, 0, 5, 8), 6.0), house(shapely.box(5, 6, 9, 20), 9.0, ground=2.0)]
    )
    assert shared.tolist() == pytest.approx([2 * 4, 2 * 4])


def test_buildings_back_to_back_across_a_corner_share_nothing():
    corner = [house(shapely.box(0, 0, 5, 5), 6.0), house(shapely.box(5, 5, 9, 9), 6.0)]
    assert party_wall_areas(corner).tolist() == [0, 0]


def test_walls_of_one_building_are_not_party_walls():
    two = shapely.multipolygons([shapely.box(0, 0, 4, 4), shapely.box(4.1, 0, 8, 4)])
    assert party_wall_areas([house(two, 5.0)]).tolist() == [0]


def test_no_wall_is_shared_twice():
    """Two footprints drawn over each other stand against the same wall."""
    twins = [house(shapely.box(5, 0, 9, 8), 6.0)] * 2
    assert party_wall_areas([house(shapely.box(0, 0, 5, 8), 6.0), *twins])[0] == pytest.approx(48)


def test_far_from_the_origin_and_turned_it_is_the_same():
    shapes = [shapely.box(5 * i, 0, 5 * i + 5, 8) for i in range(3)]
    turned = [
        shapely.affinity.translate(shapely.affinity.rotate(s, 31, origin=(0, 0)), 6e5, 5e6) for s in shapes
    ]
    assert party_wall_areas([house(s, 6.0) for s in turned]) == pytest.approx([48, 96, 48], abs=0.05)


def test_nobody_has_no_neighbours():
    assert len(party_wall_areas([])) == 0
    assert party_wall_areas([()]).tolist() == [0]
