"""Kinds of ground cover and their polygons."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from twin.reconstruct.cover import PRIORITY, Cover, CoverPolygons, cover_from_words, repaired

BOWTIE = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])


def test_numbers_of_covers_are_those_in_files():
    assert {c.name: int(c) for c in Cover} == {
        "GROUND": 0,
        "ROAD": 1,
        "PATH": 2,
        "WATER": 3,
        "GREEN": 4,
        "BARE": 5,
        "PAVED": 6,
        "RAIL": 7,
        "QUAY": 8,
        "SKIRT": 9,
    }


def test_rank_follows_priority_then_order():
    square = shapely.box(0, 0, 1, 1)
    polygons = CoverPolygons.of(
        [square] * 5, [Cover.GREEN, Cover.ROAD, Cover.WATER, Cover.ROAD, Cover.BARE], level_m=[0] * 5
    )
    assert polygons.rank.tolist() == [3, 1, 0, 2, 4]
    assert PRIORITY[0] is Cover.WATER


@pytest.mark.parametrize(
    ("polygons", "cover", "level", "words"),
    [
        ([BOWTIE], [Cover.ROAD], [0.0], "invalid"),
        ([shapely.Point(0, 0)], [Cover.ROAD], [0.0], "Polygon"),
        ([shapely.box(0, 0, 1, 1)], [Cover.WATER], [np.nan], "level"),
        ([shapely.box(0, 0, 1, 1)], [Cover.ROAD, Cover.ROAD], [0.0], "one cover"),
    ],
)
def test_what_cannot_be_is_refused(polygons, cover, level, words):
    with pytest.raises(ValueError, match=words):
        CoverPolygons.of(polygons, cover, level_m=level)


def test_repaired_keeps_area_and_drops_what_has_none():
    mixed = shapely.GeometryCollection([shapely.box(0, 0, 1, 1), shapely.LineString([(0, 0), (5, 5)])])
    shapes = repaired(np.array([BOWTIE, mixed, None, shapely.LineString([(0, 0), (1, 1)])]))
    assert shapely.is_valid(shapes).all()
    assert shapely.area(shapes).tolist() == [2.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("word", "cover"),
    [
        ("rijbaan lokale weg", Cover.ROAD),
        ("voetpad op trap", Cover.PATH),
        ("parkeervlak", Cover.PAVED),
        ("open verharding", Cover.PAVED),
        ("onverhard", Cover.BARE),
        ("groenvoorziening", Cover.GREEN),
        ("footway", Cover.PATH),
        ("parking", Cover.PAVED),
        ("Park", Cover.GREEN),
        ("jalkakäytävä", Cover.PATH),
        ("kevyt_liikenne", Cover.PATH),
        ("päällystetty tie", Cover.PAVED),
        ("yksityistie", Cover.ROAD),
        ("nature trail", Cover.PATH),
        ("cities of America", Cover.GROUND),
        ("보도", Cover.PATH),
        ("차도", Cover.ROAD),
    ],
)
def test_words_of_four_languages(word, cover):
    assert cover_from_words([word], default=Cover.GROUND)[0] == cover


def test_unknown_words_take_the_default():
    assert cover_from_words(["???", None, float("nan")], default=Cover.BARE).tolist() == [Cover.BARE] * 3
