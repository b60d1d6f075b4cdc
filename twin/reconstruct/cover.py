"""What lies on the ground: a few kinds with stable numbers, and the polygons that carry them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    WaterLevel = Callable[[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


class Cover(IntEnum):
    """What a triangle of the terrain is; the numbers lie in files, so they stay."""

    GROUND = 0
    """No map polygon says what is here."""
    ROAD = 1
    PATH = 2
    """Sidewalks, cycle tracks, stairs: where people go."""
    WATER = 3
    GREEN = 4
    BARE = 5
    """Sand, soil, rock."""
    PAVED = 6
    """Yards, squares, parking."""
    RAIL = 7
    QUAY = 8
    """The vertical step between water and what is higher."""
    SKIRT = 9
    """The cut face and the underside of the block that the city stands on."""


PRIORITY = (
    Cover.WATER,
    Cover.RAIL,
    Cover.ROAD,
    Cover.PATH,
    Cover.PAVED,
    Cover.GREEN,
    Cover.BARE,
    Cover.GROUND,
)
"""Which of overlapping polygons is seen: the first; building footprints come before all of them."""


@dataclass(frozen=True, slots=True)
class CoverPolygons:
    """Map polygons with what they are; where they overlap, `PRIORITY` decides, then the earlier row.

    Parameters
    ----------
    polygons : array, shape (n,)
        Valid polygons or multipolygons in map coordinates; `repaired` makes them so.
    cover : array, shape (n,)
        `Cover` of each, uint8.
    level_m : array, shape (n,)
        Elevation of the water surface, metres; finite for water, NaN for the rest.

    Raises
    ------
    ValueError
        If lengths differ, a geometry is no valid polygon, or a water polygon has no level.

    Examples
    --------
    >>> pond = shapely.box(2, 2, 5, 5)
    >>> polygons = CoverPolygons.of([pond, pond.buffer(2)], [Cover.WATER, Cover.GREEN], level_m=[0.4, np.nan])
    >>> len(polygons), polygons.level_m
    (2, array([0.4, nan]))
    """

    polygons: NDArray[Any]
    cover: NDArray[np.uint8]
    level_m: NDArray[np.float64]

    def __post_init__(self) -> None:
        if not len(self.polygons) == len(self.cover) == len(self.level_m):
            raise ValueError("every cover polygon has one cover and one level")
        kind = shapely.get_type_id(self.polygons)
        if not np.isin(kind, (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)).all():
            raise ValueError("a cover polygon must be a Polygon or a MultiPolygon")
        if not shapely.is_valid(self.polygons).all():
            raise ValueError("a cover polygon is invalid; pass it through `repaired` first")
        if not np.isfinite(self.level_m[self.cover == Cover.WATER]).all():
            raise ValueError("every water polygon needs a level")

    def __len__(self) -> int:
        return len(self.polygons)

    @classmethod
    def of(
        cls, polygons: Sequence[Any], cover: Iterable[int], *, level_m: Iterable[float] | None = None
    ) -> CoverPolygons:
        """Plain sequences turned into the arrays; without `level_m` no water is expected."""
        geometry = np.array(polygons, dtype=object) if len(polygons) else np.empty(0, dtype=object)
        level = np.full(len(geometry), np.nan) if level_m is None else np.array(list(level_m), np.float64)
        return cls(geometry, np.array(list(cover), dtype=np.uint8), level)

    @classmethod
    def concatenate(cls, parts: Sequence[CoverPolygons]) -> CoverPolygons:
        """The parts one after another."""
        if not parts:
            return cls.of([], [])
        return cls(
            np.concatenate([p.polygons for p in parts]),
            np.concatenate([p.cover for p in parts]),
            np.concatenate([p.level_m for p in parts]),
        )

    @property
    def rank(self) -> NDArray[np.int64]:
        """Place of each polygon in the order in which overlaps are decided, 0 first; shape (n,)."""
        by_cover = np.full(max(Cover) + 1, len(PRIORITY), dtype=np.int64)
        by_cover[list(PRIORITY)] = np.arange(len(PRIORITY))
        order = np.lexsort((np.arange(len(self)), by_cover[self.cover]))
        rank = np.empty(len(self), dtype=np.int64)
        rank[order] = np.arange(len(self))
        return rank


def repaired(polygons: NDArray[Any]) -> NDArray[Any]:
    """The polygons made valid; what is no area (lines, points, nothing) becomes an empty polygon.

    Parameters
    ----------
    polygons : array, shape (n,)
        Any geometries, None allowed.

    Returns
    -------
    array, shape (n,)
        Polygons and multipolygons, two-dimensional.

    Examples
    --------
    >>> bowtie = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    >>> [shape.area for shape in repaired(np.array([bowtie, shapely.Point(1, 1), None]))]
    [2.0, 0.0, 0.0]
    """
    flat = np.array(shapely.force_2d(np.asarray(polygons, dtype=object)), dtype=object).reshape(-1)
    flat[shapely.is_missing(flat)] = shapely.Polygon()
    broken = ~shapely.is_valid(flat)
    flat[broken] = shapely.make_valid(flat[broken])
    areal = np.isin(
        shapely.get_type_id(flat), (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
    )
    for i in np.flatnonzero(~areal):
        parts = [p for p in shapely.get_parts(flat[i]) if p.geom_type in {"Polygon", "MultiPolygon"}]
        flat[i] = shapely.union_all(parts) if parts else shapely.Polygon()
    return flat


_WORDS: dict[Cover, tuple[str, ...]] = {
    # A space stands for the beginning or end of a word: "yksityistie" is a Finnish road, "cities" are none.
    # Dutch (BGT), English (OpenStreetMap, INSPIRE), Finnish (city base maps), Korean (national base map).
    Cover.RAIL: ("spoor", "rail", "tram", "rautatie", "raitio", "철도"),
    Cover.PATH: (
        *("voetpad", "voetganger", "fietspad", "ruiterpad", "trap"),
        *("footway", "sidewalk", "pavement", "pedestrian", "cycleway", "path", "trail", "steps", "track"),
        *("jalkakäytävä", "jalkakulku", "kevyt liikenne", "pyörätie", "보도", "인도", "자전거"),
    ),
    Cover.PAVED: (
        *("parkeer", "erf", "verharding", "inrit", "parking", "yard", "plaza", "square", "paved"),
        *("pysäköinti", "aukio", "päällystetty", "주차", "광장"),
    ),
    Cover.ROAD: (
        *("rijbaan", "weg", "road", "street", "motorway", "trunk", "primary", "secondary", "tertiary"),
        *("residential", "service", "carriageway", "ajorata", "katu", "tie ", "차도", "도로"),
    ),
    Cover.WATER: (
        *("water", "river", "canal", "lake", "vesi", "joki", "järvi", " meri", "하천", "호수", "저수지"),
    ),
    Cover.BARE: (
        *("onverhard", "zand", "duin", "sand", "bare", "soil", "rock", "beach", "gravel", "unpaved"),
        *("hiekka", "kallio", "sora", "paljas", "나지", "나대지", "모래"),
    ),
    Cover.GREEN: (
        *("groen", "gras", "bos", "heester", "struik", "grass", "green", "forest", "wood", "park"),
        *("meadow", "scrub", "garden", "farmland", "nurmi", "metsä", "puisto", "niitty", "viheralue"),
        *("녹지", "공원", "잔디", "숲", "산림", "경작"),
    ),
}
_NO_LETTERS = re.compile(r"[\W_]+")
# A word may hold another ("onverhard" and "verharding", "parkeervlak" and "park"): the longer one speaks.
_VOCABULARY = sorted(((w, c) for c, words in _WORDS.items() for w in words), key=lambda e: (-len(e[0]), e[0]))


def cover_from_words(words: Iterable[str | None], *, default: Cover) -> NDArray[np.uint8]:
    """What map features are, from the words of their attributes.

    Parameters
    ----------
    words : iterable of str or None
        One text for each feature, such as the value of ``function``, ``landuse`` or ``highway``.
    default : Cover
        For features whose text says nothing known.

    Returns
    -------
    array, shape (n,)
        `Cover`, uint8.

    Examples
    --------
    >>> [Cover(c).name for c in cover_from_words(["voetpad", "Rijbaan lokale weg", None], default=Cover.ROAD)]
    ['PATH', 'ROAD', 'ROAD']
    >>> Cover(cover_from_words(["onverhard"], default=Cover.GROUND)[0]).name
    'BARE'
    """
    known: dict[str, Cover] = {}
    texts = ["" if w is None else f" {_NO_LETTERS.sub(' ', str(w).casefold())} " for w in words]
    for text in texts:
        if text not in known:
            known[text] = next((c for word, c in _VOCABULARY if word in text), default)
    return np.array([known[text] for text in texts], dtype=np.uint8)
