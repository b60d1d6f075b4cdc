"""What a roof is called, told from its faces.

A roof is named by what covers it: areas on plan decide, not counts of faces, so dormers, chimneys, boxes, parapets and
small steps do not change the name. Three things are looked at: which way the faces fall (four quarters about the
direction of the largest one), how they meet the outline (an *eave*, towards which the roof falls, or a *rake*, along
which it rises), and how they meet each other (a *hip* or ridge stands out, a *valley* does not).

========== =========================================================================================================
flat       one level; lower or higher parts are small, or raised and away from the outline (boxes, plant rooms)
multi_level flat parts at several levels
shed       one way down
gable      two ways down, opposite; rows of them, and different slopes on either side
hip        four ways down to eaves at one level, over a ridge; pyramid where there is hardly a ridge
half_hip   a gable whose ends are cut off by small faces high above the eaves
mansard    steep around (over 50 degrees), gentle on top, whether of four sides or two
cross_gable two ways down and across them two others, meeting in valleys or at steps: L, T and X
round      curved: a barrel of strips, less and less steep towards the top; a cone or dome over a nearly round footprint
other      none of these: sawtooth, trough, wings around a courtyard
========== =========================================================================================================

References
----------
Xiong, Oude Elberink & Vosselman (2014), A graph edit dictionary for correcting errors in roof topology graphs
reconstructed from point clouds, ISPRS J. Photogramm. 93, 227-242 (roofs told by how their faces meet).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from twin.reconstruct.building_model import RoofType
from twin.reconstruct.partition import face_areas, partition_edges
from twin.reconstruct.roof_levels import LEVEL_SHARE, flat_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.reconstruct.partition import FootprintPartition

FLAT_DEG = 5.0
"""Up to this a face is flat, drainage slopes included."""

STEEP_DEG = 50.0
"""The lower part of a mansard is at least this steep."""

ROUND_SHARE = 0.9
"""A footprint with six or more corners that fills this share of the circle of its perimeter is round; an octagon fills
0.95, a hexagon 0.91, a square 0.79."""

RIDGE_SHARE = 0.04
"""A hip roof with a ridge shorter than this share of its length is a pyramid."""

TOUCH_M = 0.5
"""Faces whose heights along an edge differ less than this meet there; more is a step."""

HALF_HIP_M = 0.5
"""The end of a half-hip starts this far above the eaves."""

COURTYARD_SHARE = 0.05
RAKE_SHARE = 0.15
STRIP_SHARE = 0.06
"""Strips of a barrel are at least this share of the roof."""

_STRIP_DEG = 5.0
_BEND_DEG = 42.0
_QUARTER_DEG = 25.0
_MAIN_SHARE = 0.6
_ONE_SIDED = 0.18
_SAME_SLOPE_DEG = 9.0


@dataclass(frozen=True, slots=True)
class RoofFaces:
    """What the names are told from; faces that fall towards quarter ``k`` do so ``k`` right angles from the main one.

    Parameters
    ----------
    area_m2, slope_deg : arrays, shape (n,)
        Area on plan, and steepness.
    fall : array, shape (n, 2)
        Unit vector downhill; zeros where flat.
    quarter : array, shape (n,)
        0 to 3; -1 for flat faces, -2 for those that fall askew.
    edges : array, shape (m, 4)
        See `twin.reconstruct.partition.partition_edges`.
    vector : array, shape (m, 2)
        Of each edge, metres.
    heights_m : array, shape (m, 2, 2)
        Elevation of the left and of the right face at the first and second end; NaN outside.
    """

    area_m2: NDArray[np.float64]
    slope_deg: NDArray[np.float64]
    fall: NDArray[np.float64]
    quarter: NDArray[np.int64]
    edges: NDArray[np.int32]
    vector: NDArray[np.float64]
    heights_m: NDArray[np.float64]

    @property
    def length_m(self) -> NDArray[np.float64]:
        """Length of each edge on plan, shape (m,)."""
        return np.asarray(np.hypot(*self.vector.T))

    def share(self, *quarters: int) -> float:
        """Share of the sloping area that falls towards some quarters."""
        sloping = self.area_m2[self.quarter != -1].sum()
        return float(self.area_m2[np.isin(self.quarter, quarters)].sum() / max(sloping, 1e-9))


def roof_type(partition: FootprintPartition, planes: NDArray[np.float64]) -> RoofType:
    """The name of a roof.

    Parameters
    ----------
    partition : FootprintPartition
        Its faces on plan, as they were extruded.
    planes : array, shape (n_faces, 3)
        ``(a, b, c)`` of each: the roof is at ``z = a x + b y + c``.

    Examples
    --------
    >>> import shapely
    >>> from twin.reconstruct.footprint import localize_footprint
    >>> from twin.reconstruct.partition import cut_footprint
    >>> house = localize_footprint(shapely.box(0, 0, 10, 8))
    >>> halves = cut_footprint(house, [shapely.LineString([(-1, 4), (11, 4)])])
    >>> print(roof_type(halves, np.array([(0.0, 0.7, 5.0), (0.0, -0.7, 10.6)])))
    gable
    >>> print(roof_type(halves, np.array([(0.0, 0.0, 5.0), (0.0, 0.0, 9.0)])))
    multi_level
    """
    faces = describe_faces(partition, planes)
    flat = faces.quarter == -1
    flat_share = faces.area_m2[flat].sum() / faces.area_m2.sum()
    if flat_share < 1.0 and _is_barrel(faces):
        return RoofType.ROUND
    if flat_share < 1.0 and _is_mansard(faces):
        return RoofType.MANSARD
    if flat_share > _MAIN_SHARE:
        return flat_name(partition, planes)
    if is_round(partition):
        return RoofType.ROUND
    if faces.share(-2) > 1.0 - _MAIN_SHARE:
        return RoofType.OTHER
    return _sloping_name(partition, faces)


def is_round(partition: FootprintPartition) -> bool:
    """Whether the outline of a footprint without courtyards is nearly a circle, of six corners or more."""
    edges = partition_edges(partition.corners, partition.ring_starts, partition.face_starts)
    outer = edges[edges[:, 3] < 0]
    vector = np.diff(partition.vertices[outer[:, :2]], axis=1)[:, 0]
    length = np.hypot(*vector.T)
    if _n_turns(vector, length) < 6:
        return False
    area = face_areas(partition).sum()
    return bool(4 * np.pi * area > ROUND_SHARE * length.sum() ** 2)


def _n_turns(vector: NDArray[np.float64], length: NDArray[np.float64]) -> int:
    """How many of the directions in which an outline runs differ by more than 15 degrees."""
    angle = np.sort(np.degrees(np.arctan2(vector[:, 1], vector[:, 0]))[length > 0.02 * length.sum()])
    gaps = np.diff(np.append(angle, angle[:1] + 360.0))
    return int((gaps > 15.0).sum())


def describe_faces(partition: FootprintPartition, planes: NDArray[np.float64]) -> RoofFaces:
    """Slopes, directions and borders of the faces of a roof."""
    gradient = np.hypot(planes[:, 0], planes[:, 1])
    slope = np.degrees(np.arctan(gradient))
    sloping = slope > FLAT_DEG
    fall = np.where(sloping[:, None], -planes[:, :2] / np.maximum(gradient, 1e-12)[:, None], 0.0)
    area = face_areas(partition)
    edges = partition_edges(partition.corners, partition.ring_starts, partition.face_starts)
    ends = partition.vertices[edges[:, :2]]
    level = np.stack([planes[edges[:, k], :2] for k in (2, 3)], axis=1)
    heights = np.einsum("esk,evk->evs", level, ends) + planes[edges[:, 2:], 2][:, None, :]
    heights[edges[:, 3] < 0, :, 1] = np.nan
    return RoofFaces(
        area_m2=area,
        slope_deg=slope,
        fall=fall,
        quarter=_quarters(fall, area, sloping),
        edges=edges,
        vector=ends[:, 1] - ends[:, 0],
        heights_m=heights,
    )


def _quarters(
    fall: NDArray[np.float64], area: NDArray[np.float64], sloping: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Which way each face falls, in right angles from the direction that covers most."""
    quarter = np.full(len(fall), -1)
    if not sloping.any():
        return quarter
    alike = fall @ fall.T > np.cos(np.radians(_QUARTER_DEG))
    main = int(np.argmax(np.where(sloping, alike @ (area * sloping), -1.0)))
    along, across = fall @ fall[main], fall @ np.array([-fall[main, 1], fall[main, 0]])
    angle = np.degrees(np.arctan2(across, along))
    nearest = np.rint(angle / 90.0)
    askew = np.abs(angle - 90.0 * nearest) > _QUARTER_DEG
    return np.where(sloping, np.where(askew, -2, nearest.astype(np.int64) % 4), -1)


def _is_mansard(faces: RoofFaces) -> bool:
    """Steep along eaves, gentle or flat above: much of the first, more of the second, and the two meet."""
    steep = faces.slope_deg >= STEEP_DEG
    gentle = faces.slope_deg < STEEP_DEG - 10.0
    total = faces.area_m2.sum()
    if faces.area_m2[steep].sum() < 0.12 * total or faces.area_m2[gentle].sum() < 0.25 * total:
        return False
    outline = _outline_length(faces)
    meeting = _inner(faces) & _is_touching(faces)
    left, right = faces.edges[:, 2], faces.edges[:, 3]
    border = meeting & ((steep[left] & gentle[right]) | (steep[right] & gentle[left]))
    eaves = _eaves(faces) & steep[left]
    return bool(
        faces.length_m[eaves].sum() > 0.35 * outline and faces.length_m[border].sum() > 0.25 * outline
    )


def _sloping_name(partition: FootprintPartition, faces: RoofFaces) -> RoofType:
    main, across = faces.share(0, 2), _share_at_outline(faces, 1, 3)
    ends = _end_names(faces)
    if ends is not None and across < 0.25:
        return ends
    if across < 0.1 and main > _MAIN_SHARE:
        return _two_sided_name(faces)
    if _has_courtyard(partition):
        return RoofType.OTHER
    hips, valleys = _hips_and_valleys(faces)
    if hips > 1.5 * valleys or (hips + valleys == 0.0 and _rake_share(faces) < RAKE_SHARE):
        return RoofType.PYRAMID if _ridge_share(faces) < RIDGE_SHARE else RoofType.HIP
    return RoofType.CROSS_GABLE


def _two_sided_name(faces: RoofFaces) -> RoofType:
    one, two = faces.share(0), faces.share(2)
    if any(_share_of_one_slope(faces, k) < _MAIN_SHARE for k in (0, 2)):
        return RoofType.OTHER
    if min(one, two) < _ONE_SIDED * max(one, two):
        return RoofType.OTHER if _is_sawtooth(faces) else RoofType.SHED
    ridges, troughs = _ridges_and_troughs(faces)
    return RoofType.OTHER if troughs > ridges else RoofType.GABLE


def _share_of_one_slope(faces: RoofFaces, quarter: int) -> float:
    """Share of the area falling one way that is as steep as the largest slope there is; 1 where nothing falls so."""
    own = faces.quarter == quarter
    area, slope = faces.area_m2[own], faces.slope_deg[own]
    if not len(area):
        return 1.0
    alike = np.abs(slope[:, None] - slope) < _SAME_SLOPE_DEG
    return float((alike @ area).max() / area.sum())


def _is_barrel(faces: RoofFaces) -> bool:
    """Four or more strips side by side, each a little less steep than the one before; mansards bend more at once."""
    if faces.share(0, 2) < 1.0 - LEVEL_SHARE:
        return False
    across = np.select([faces.quarter == 0, faces.quarter == 2], [faces.slope_deg, -faces.slope_deg], 0.0)
    order = np.argsort(across)
    band = np.zeros(len(order), np.int64)
    band[order] = np.cumsum(np.diff(across[order], prepend=across[order[0]]) > _STRIP_DEG)
    area = np.bincount(band, faces.area_m2)
    strips = area > STRIP_SHARE * area.sum()
    slope = np.bincount(band, faces.area_m2 * across) / area
    if strips.sum() < 4 or np.diff(slope[strips]).max() > _BEND_DEG:
        return False
    left, right = (band[faces.edges[:, k]] for k in (2, 3))
    beside = _inner(faces) & (left != right) & strips[left] & strips[right]
    convex = beside & _is_touching(faces) & (_bend(faces) > 0)
    return bool(faces.length_m[convex].sum() > _MAIN_SHARE * faces.length_m[beside].sum())


def _is_sawtooth(faces: RoofFaces) -> bool:
    """Two or more faces alike in size and slope, falling one way, with a step between them."""
    own = np.flatnonzero(faces.quarter == 0)
    large = own[faces.area_m2[own] > 0.5 * faces.area_m2[own].max()]
    step = np.abs(faces.heights_m[:, :, 0] - faces.heights_m[:, :, 1]).min(axis=1)
    sides = np.isin(faces.edges[:, 2:], large).all(axis=1) & _inner(faces)
    across = np.abs(np.einsum("ek,ek->e", faces.fall[faces.edges[:, 2]], faces.vector)) < 0.5 * faces.length_m
    return bool(len(large) >= 2 and (sides & across & (step > TOUCH_M)).any())


def _inner(faces: RoofFaces) -> NDArray[np.bool_]:
    return np.asarray(faces.edges[:, 3] >= 0)


def _outline_length(faces: RoofFaces) -> float:
    return float(faces.length_m[~_inner(faces)].sum())


def _is_touching(faces: RoofFaces) -> NDArray[np.bool_]:
    """Whether the faces on both sides of an edge are at one height in the middle of it."""
    middle = faces.heights_m.mean(axis=1)
    return np.asarray(np.abs(middle[:, 0] - middle[:, 1]) < TOUCH_M)


def _outward(faces: RoofFaces) -> NDArray[np.float64]:
    """Unit normal of each edge away from its left face, shape (m, 2)."""
    turned = np.column_stack([faces.vector[:, 1], -faces.vector[:, 0]])
    return np.asarray(turned / np.maximum(faces.length_m, 1e-9)[:, None])


def _eaves(faces: RoofFaces) -> NDArray[np.bool_]:
    """Edges of the outline towards which the roof falls."""
    towards = np.einsum("ek,ek->e", faces.fall[faces.edges[:, 2]], _outward(faces))
    return np.asarray(~_inner(faces) & (towards > 0.8))


def _rake_share(faces: RoofFaces) -> float:
    """Share of the outline along which the roof does not fall outwards."""
    return 1.0 - float(faces.length_m[_eaves(faces)].sum()) / _outline_length(faces)


def _share_at_outline(faces: RoofFaces, *quarters: int) -> float:
    """Share of the sloping area that falls some ways and reaches the outline: dormers do not."""
    reached = np.zeros(len(faces.area_m2))
    np.add.at(reached, faces.edges[~_inner(faces), 2], faces.length_m[~_inner(faces)])
    counted = np.isin(faces.quarter, quarters) & (reached > 0.5)
    return float(faces.area_m2[counted].sum() / faces.area_m2[faces.quarter != -1].sum())


def _bend(faces: RoofFaces) -> NDArray[np.float64]:
    """How much the faces on both sides fall away from an edge: positive over a ridge or hip, negative in a valley."""
    outward, tangent = _outward(faces), np.tan(np.radians(faces.slope_deg))
    left, right = faces.edges[:, 2], faces.edges[:, 3]
    falls = faces.fall * tangent[:, None]
    return np.asarray(np.einsum("ek,ek->e", falls[right] - falls[left], outward))


def _hips_and_valleys(faces: RoofFaces) -> tuple[float, float]:
    """Length on plan of the edges in which faces of crossing directions meet, standing out and not."""
    left, right = (faces.quarter[faces.edges[:, k]] for k in (2, 3))
    crossing = _inner(faces) & (left >= 0) & (right >= 0) & ((left - right) % 2 == 1) & _is_touching(faces)
    bend = _bend(faces)
    return tuple(float(faces.length_m[crossing & (sign * bend > 0)].sum()) for sign in (1, -1))  # type: ignore[return-value]


def _ridges_and_troughs(faces: RoofFaces) -> tuple[float, float]:
    """Length of the edges in which opposite faces meet, standing out and not; steps count as neither."""
    left, right = (faces.quarter[faces.edges[:, k]] for k in (2, 3))
    opposite = _inner(faces) & (left >= 0) & ((left - right) % 4 == 2)
    bend = _bend(faces)
    return tuple(float(faces.length_m[opposite & (sign * bend > 0)].sum()) for sign in (1, -1))  # type: ignore[return-value]


def _end_names(faces: RoofFaces) -> RoofType | None:
    """Half-hip where all faces across the main direction start high above the main eaves; None where none do."""
    eaves = _eaves(faces)
    owner = faces.edges[:, 2]
    low = faces.heights_m[:, :, 0].min(axis=1)
    main = eaves & np.isin(faces.quarter[owner], (0, 2))
    ends = eaves & np.isin(faces.quarter[owner], (1, 3)) & (faces.length_m > 0.5)
    if not main.any() or not ends.any():
        return None
    eave = np.average(low[main], weights=faces.length_m[main])
    ridge = np.nanmax(faces.heights_m)
    high = low[ends] > eave + max(HALF_HIP_M, 0.15 * (ridge - eave))
    return RoofType.HALF_HIP if faces.length_m[ends][high].sum() > 0.6 * faces.length_m[ends].sum() else None


def _ridge_share(faces: RoofFaces) -> float:
    """Length of the ridge of a hip roof as a share of the roof's length, from the areas of its sides and ends."""
    sides, ends = faces.share(0, 2), faces.share(1, 3)
    ratio = min(sides, ends) / max(sides, ends, 1e-9)
    return (1.0 - ratio) / (1.0 + ratio)


def _has_courtyard(partition: FootprintPartition) -> bool:
    """Whether the footprint has holes of a twentieth of its area."""
    edges = partition_edges(partition.corners, partition.ring_starts, partition.face_starts)
    outline = shapely.linestrings(partition.vertices[edges[edges[:, 3] < 0, :2]])
    filled = float(shapely.area(shapely.polygonize(outline)))
    area = float(face_areas(partition).sum())
    return filled - area > COURTYARD_SHARE * area
