"""Whether a flat roof lies at one level or at several: what is a level, and what only stands on one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.reconstruct.building_model import RoofType
from twin.reconstruct.partition import face_areas, partition_edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.reconstruct.partition import FootprintPartition

LEVEL_M = 0.5
"""Parts closer in height than this are one level."""

LEVEL_SHARE = 0.1
"""Other levels than the largest count from this share of the roof on."""

BOX_SHARE = 0.25
"""Parts within the outline and above the largest level are boxes up to this share of the roof, levels beyond."""

RIM_M = 1.0
"""Parts along the outline that are narrower than this are parapets."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """Faces that hang together at one level."""

    area_m2: NDArray[np.float64]
    height_m: NDArray[np.float64]
    border_m: NDArray[np.float64]
    outline_m: NDArray[np.float64]


def flat_name(partition: FootprintPartition, planes: NDArray[np.float64]) -> RoofType:
    """`flat` or `multi_level` for a roof that is flat by and large.

    Parameters
    ----------
    partition, planes
        See `twin.reconstruct.roof_type.roof_type`.
    """
    parts = _parts(partition, planes)
    total = parts.area_m2.sum()
    near_rim = (2 * parts.area_m2 / parts.border_m < RIM_M) & (parts.outline_m > 0.2 * parts.border_m)
    main = int(np.argmax(np.where(near_rim, 0.0, parts.area_m2)))
    above = parts.height_m - parts.height_m[main]
    apart = (np.abs(above) > LEVEL_M) & ~near_rim
    within = apart & (above > 0) & (parts.outline_m < 0.2 * parts.border_m)
    if parts.area_m2[within].sum() <= BOX_SHARE * total:
        apart &= ~within
    return RoofType.MULTI_LEVEL if parts.area_m2[apart].sum() > LEVEL_SHARE * total else RoofType.FLAT


def _parts(partition: FootprintPartition, planes: NDArray[np.float64]) -> _Parts:
    area, height = face_areas(partition), _mean_heights(partition, planes)
    edges = partition_edges(partition.corners, partition.ring_starts, partition.face_starts)
    length = np.hypot(*np.diff(partition.vertices[edges[:, :2]], axis=1)[:, 0].T)
    inner = edges[:, 3] >= 0
    step = np.abs(height[edges[:, 2]] - height[edges[:, 3]])
    label = _linked(len(area), edges[inner & (step < LEVEL_M), 2:])
    total = np.bincount(label, area).astype(np.float64)
    outline, border = np.zeros(len(total)), np.zeros(len(total))
    np.add.at(outline, label[edges[~inner, 2]], length[~inner])
    parted = inner & (label[edges[:, 2]] != label[edges[:, 3]])
    for side in (2, 3):
        np.add.at(border, label[edges[parted, side]], length[parted])
    return _Parts(total, np.bincount(label, area * height) / total, border + outline, outline)


def _mean_heights(partition: FootprintPartition, planes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Elevation of each face in the middle of its corners."""
    first = partition.ring_starts[partition.face_starts[:-1]]
    last = partition.ring_starts[partition.face_starts[:-1] + 1]
    middle = np.array(
        [partition.vertices[partition.corners[a:b]].mean(axis=0) for a, b in zip(first, last, strict=True)]
    )
    return np.asarray((planes[:, :2] * middle).sum(axis=1) + planes[:, 2])


def _linked(n: int, pairs: NDArray[np.int32]) -> NDArray[np.int64]:
    """A number from 0 for each thing, the same for those that pairs link."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)
