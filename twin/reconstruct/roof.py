"""Sloped roofs (LoD2): planes found in the points, lines where they meet, a plane for each part of the footprint."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from twin.reconstruct.roof_cells import divide, join
from twin.reconstruct.roof_choice import BEYOND_M, ChoiceRule, choose_planes, plane_ranges
from twin.reconstruct.roof_choice_kernels import order_by_place
from twin.reconstruct.roof_lines import RoofLine, map_planes, roof_lines
from twin.reconstruct.roof_planes import PlaneRule, find_planes
from twin.reconstruct.roof_rims import find_rims, rim_faces, with_rims

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.reconstruct.footprint import LocalFootprint
    from twin.reconstruct.partition import FootprintPartition
    from twin.reconstruct.roof_lines import PlaneMap
    from twin.reconstruct.roof_planes import RoofPlanes
    from twin.reconstruct.roof_points import RoofPoints

CROSSINGS = 2500
"""Lines are drawn out across the whole footprint, so that they meet others where points are missing; if there are so
many that they would cross more often than this, only by a share of it."""

LEAST_EXTRA_M = 3.0

LEAST_M2 = 1.5
"""Least area of a part at a detail of 0.5."""

FACE_SHARE = 0.8
"""A face costs as much as this share of the least area."""

MOST_PLANES = 200
"""If there are more, parts must be larger: such a cloud is no roof but a wood, or a factory's pipes."""

LEAST_SHARE = 0.15
"""A part that makes up this share of the footprint is never too small."""


@dataclass(frozen=True, slots=True)
class SlopedRoof:
    """A divided footprint with a plane for each face.

    Parameters
    ----------
    partition : FootprintPartition
        The faces.
    planes : array, shape (n_faces, 3)
        ``(a, b, c)`` of each: ``z = a x + b y + c`` metres, from the partition's origin.
    """

    partition: FootprintPartition
    planes: NDArray[np.float64]

    def __post_init__(self) -> None:
        if len(self.planes) != self.partition.n_faces:
            raise ValueError("one plane for each face")


def sloped_roof(
    footprint: LocalFootprint, points: RoofPoints, *, detail: float = 0.5, smallest_m2: float = 0.0
) -> SlopedRoof:
    """LoD2.2: plane parts that meet in ridges, hips, valleys and steps.

    Parameters
    ----------
    footprint : LocalFootprint
        The building.
    points : RoofPoints
        Its roof points; their order is of no consequence.
    detail : float
        From simple, 0, to detailed, 1.
    smallest_m2 : float
        Parts smaller than this are left out whatever the detail.

    Raises
    ------
    ValueError
        If no plane is found in the points.
    """
    if not 0 <= detail <= 1:
        raise ValueError(f"detail must lie between 0 and 1, is {detail}")
    share = 4.0 ** (0.5 - detail)
    least_m2 = min(max(LEAST_M2 * share, smallest_m2), LEAST_SHARE * footprint.area_m2)
    xyz = points.top
    order = order_by_place(xyz)
    xyz, edge_distance = np.ascontiguousarray(xyz[order]), points.edge_distance_m[points.is_top][order]
    found = find_planes(footprint, xyz, rule=PlaneRule(area_m2=least_m2))
    while len(found.planes) > MOST_PLANES:
        least_m2 *= 2
        found = find_planes(footprint, xyz, rule=PlaneRule(area_m2=least_m2))
    if not len(found.planes):
        raise ValueError(f"no plane was found in {len(xyz)} points")
    plane_map = map_planes(footprint, xyz, found.label)
    rims = find_rims(edge_distance, found)
    lines = _drawn_out(footprint, with_rims(footprint, rims, roof_lines(footprint, xyz, found, plane_map)))
    rule = ChoiceRule(face_m2=FACE_SHARE * least_m2)
    scene = _Scene(footprint, xyz, plane_map, rims, rule)
    roof = _assembled(scene, found, lines)
    caps, contours = level_caps(roof, xyz, found)
    if not len(caps):
        return roof
    found = replace(found, planes=np.concatenate([found.planes, caps]))
    return _assembled(scene, found, np.concatenate([lines, contours]))


@dataclass(frozen=True, slots=True)
class _Scene:
    """What stays the same while a roof is put together."""

    footprint: LocalFootprint
    xyz: NDArray[np.float64]
    plane_map: PlaneMap
    rims: dict[int, float]
    rule: ChoiceRule


def _drawn_out(footprint: LocalFootprint, lines: list[RoofLine]) -> NDArray[np.float64]:
    """Both ends of each line, shape (m, 2, 2), the more beyond where it was seen the fewer lines there are."""
    x0, y0, x1, y1 = footprint.polygon.bounds
    share = min(1.0, 2 * CROSSINGS / max(1, len(lines)) ** 2)
    extra = max(LEAST_EXTRA_M, share * math.hypot(x1 - x0, y1 - y0))
    return np.array([line.ends(extra) for line in lines]).reshape(-1, 2, 2)


def _assembled(scene: _Scene, found: RoofPlanes, lines: NDArray[np.float64]) -> SlopedRoof:
    """The footprint cut by lines, with a plane for each part."""
    footprint, xyz = scene.footprint, scene.xyz
    divided = divide(footprint, lines)
    if len(found.planes) == 1:
        return SlopedRoof(divided, np.repeat(found.planes, divided.n_faces, axis=0))
    label, part = choose_planes(
        divided,
        xyz,
        found,
        scene.plane_map,
        rule=scene.rule,
        density=len(xyz) / footprint.area_m2,
        whole=rim_faces(footprint, divided, scene.rims),
    )
    joined, within = join(footprint, divided, part)
    return SlopedRoof(joined, found.planes[label[within]])


def level_caps(
    roof: SlopedRoof, xyz: NDArray[np.float64], found: RoofPlanes
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Level planes where a face would rise or sink far beyond the points of its plane, and the lines where they begin.

    Half of a roof without points would else be a slope that shoots up.

    Returns
    -------
    caps : array, shape (m, 3)
    lines : array, shape (m, 2, 2)
        Both ends of each.
    """
    caps, lines = [], []
    low, high = face_ranges(roof)
    middle = roof.partition.vertices.mean(axis=0)
    reach = np.ptp(roof.partition.vertices, axis=0).sum()
    for plane, (lowest, highest) in zip(found.planes, plane_ranges(xyz, found), strict=True):
        own = (roof.planes == plane).all(axis=1)
        slope = np.hypot(*plane[:2])
        for limit, beyond in ((highest, (high[own] - highest)), (lowest, (lowest - low[own]))):
            if slope > 0 and beyond.max(initial=0.0) > BEYOND_M:
                normal = plane[:2] / slope
                foot = middle + normal * ((limit - plane[2]) / slope - middle @ normal)
                along = np.array([-normal[1], normal[0]]) * reach
                caps.append((0.0, 0.0, limit))
                lines.append((foot - along, foot + along))
    return np.array(caps).reshape(-1, 3), np.array(lines).reshape(-1, 2, 2)


def face_ranges(roof: SlopedRoof) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest corner of each face, metres."""
    partition = roof.partition
    xy = partition.vertices[partition.corners]
    face = np.repeat(np.arange(partition.n_faces), np.diff(partition.ring_starts[partition.face_starts]))
    z = (roof.planes[face, :2] * xy).sum(axis=1) + roof.planes[face, 2]
    low, high = np.full(partition.n_faces, np.inf), np.full(partition.n_faces, -np.inf)
    np.minimum.at(low, face, z)
    np.maximum.at(high, face, z)
    return low, high


def kept_above(roof: SlopedRoof, lowest_m: float) -> SlopedRoof:
    """The roof with every face that would come down below an elevation laid level, no lower than that."""
    planes = roof.planes.copy()
    low, high = face_ranges(roof)
    for f in np.flatnonzero(low < lowest_m):
        planes[f] = (0.0, 0.0, max(lowest_m, round((low[f] + high[f]) / 2, 4)))
    return SlopedRoof(roof.partition, planes)
