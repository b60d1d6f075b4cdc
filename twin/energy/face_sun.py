"""Hours of direct sun on roofs and walls: rays from points spread over every face."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.mesh import Surface
from twin.core.rays import make_caster
from twin.core.tasks import default_workers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.rays import Caster
    from twin.energy.standing import Faces, Surroundings
    from twin.energy.track import Track

SPACING_M = 1.0
_OFFSET_M = 0.03
_COVERED_M = 0.25
"""A face with something this near before it is a party wall, which no sun is asked of."""
_PART = 65_536
# The plastic number's sequence fills a square evenly for any number of points: Roberts (2018).
_STEP = np.array([0.7548776662466927, 0.5698402909980532])


@dataclass(frozen=True, slots=True)
class Samples:
    """Points on faces.

    Parameters
    ----------
    position : array, shape (n, 3)
        Metres from the surroundings' origin, float32.
    normal : array, shape (n_faces, 3)
        Unit normals of the faces.
    face : array, shape (n,)
        Face of each point, ascending.
    area_m2 : array, shape (n,)
        What each point stands for.
    """

    position: NDArray[np.float32]
    normal: NDArray[np.float64]
    face: NDArray[np.int32]
    area_m2: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FaceHours:
    """Sun on faces.

    Parameters
    ----------
    faces : Faces
    hours : array, shape (n_faces,)
        Mean over what of each face is open; NaN for a party wall.
    area_m2 : array, shape (n_faces,)
        What of each face is open.
    samples : Samples
    sample_hours : array, shape (n,)
        NaN where a point is covered by a neighbour.
    """

    faces: Faces
    hours: NDArray[np.float64]
    area_m2: NDArray[np.float64]
    samples: Samples
    sample_hours: NDArray[np.float32]


def face_samples(faces: Faces, origin: NDArray[np.float64], *, spacing_m: float = SPACING_M) -> Samples:
    """Points spread evenly over faces, one for each square of `spacing_m`, at least one in each triangle."""
    corners = faces.corners - origin
    u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    cross = np.cross(u, v)
    area = np.linalg.norm(cross, axis=1) / 2
    n_faces = len(faces.surface)
    total = np.column_stack([np.bincount(faces.face, part, n_faces) for part in cross.T])
    normal = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    count = np.maximum(np.rint(area / spacing_m**2).astype(np.int64), 1)
    triangle = np.repeat(np.arange(len(count)), count)
    number = np.arange(len(triangle)) - np.repeat(np.cumsum(count) - count, count)
    a, b = ((0.5 + (number[:, None] + 1) * _STEP) % 1).T
    folded = a + b > 1
    a, b = np.where(folded, 1 - a, a), np.where(folded, 1 - b, b)
    position = corners[triangle, 0] + a[:, None] * u[triangle] + b[:, None] * v[triangle]
    face = faces.face[triangle]
    position += _OFFSET_M * normal[face]
    return Samples(position.astype(np.float32), normal, face.astype(np.int32), (area / count)[triangle])


def sun_on_points(
    caster: Caster,
    position: NDArray[np.float32],
    normal: NDArray[np.floating],
    track: Track,
    *,
    threads: int | None = None,
) -> NDArray[np.float32]:
    """Hours of direct sun at points on surfaces.

    Parameters
    ----------
    caster : Caster
        Over everything that throws shadow.
    position : array, shape (n, 3)
        A little before the surface, in the caster's coordinates.
    normal : array, shape (n, 3)
        Unit normals; a surface gets no sun from behind.
    track : Track

    Returns
    -------
    array of float32, shape (n,)
    """
    directions = track.directions.astype(np.float32)

    def work(part: slice) -> NDArray[np.float32]:
        here, up = position[part], np.asarray(normal[part], np.float32)
        out = np.zeros(len(here), np.float32)
        for towards, hours in zip(directions, track.hours, strict=True):
            lit = np.flatnonzero(up @ towards > 1e-3)
            rays = np.broadcast_to(towards, (len(lit), 3)).copy()
            out[lit[~caster.occluded(here[lit], rays)]] += np.float32(hours)
        return out

    parts = [slice(a, a + _PART) for a in range(0, len(position), _PART)]
    with ThreadPoolExecutor(threads or default_workers()) as pool:
        return np.concatenate([np.empty(0, np.float32), *pool.map(work, parts)])


def sun_on_faces(
    around: Surroundings,
    track: Track,
    *,
    spacing_m: float = SPACING_M,
    only: NDArray[np.bool_] | None = None,
) -> FaceHours:
    """Hours of direct sun over a day on every roof and wall.

    Parameters
    ----------
    around : Surroundings
    track : Track
    spacing_m : float
        Distance of the points whose mean is a face's value.
    only : array of bool, shape (n_buildings,), optional
        Buildings that are asked about; all throw shadow.
    """
    faces = around.buildings
    obstacles = around.obstacles
    caster = make_caster(obstacles)
    samples = face_samples(faces, around.origin, spacing_m=spacing_m)
    asked = np.ones(len(samples.face), np.bool_) if only is None else only[faces.owner[samples.face]]
    asked &= ~_covered(caster, obstacles, samples)
    hours = np.full(len(samples.face), np.nan, np.float32)
    chosen = np.flatnonzero(asked)
    hours[chosen] = sun_on_points(
        caster, samples.position[chosen], samples.normal[samples.face[chosen]], track
    )
    open_m2, mean = _by_face(samples, hours, len(faces.surface))
    return FaceHours(faces, mean, open_m2, samples, hours)


def _covered(caster: Caster, obstacles: NDArray[np.float32], samples: Samples) -> NDArray[np.bool_]:
    """Points that lie inside another building, or with a wall right before them."""
    outward = samples.normal[samples.face].astype(np.float32)
    near = np.asarray(caster.distances(samples.position, outward) < _COVERED_M)
    met = caster.triangles_met(samples.position, outward)
    hit = np.flatnonzero(met >= 0)
    a, b, c = (obstacles[met[hit], k] for k in range(3))
    # What is met from behind is the far side of a solid that the point lies in.
    near[hit] |= np.einsum("ij,ij->i", np.cross(b - a, c - a), outward[hit]) > 0
    return near


def _by_face(
    samples: Samples, hours: NDArray[np.float32], n_faces: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Open area of each face and the mean over it."""
    known = np.isfinite(hours)
    face, weight = samples.face[known], samples.area_m2[known]
    area = np.asarray(np.bincount(face, weight, n_faces), np.float64)
    total = np.bincount(face, weight * hours[known], n_faces)
    return area, np.divide(total, area, out=np.full(n_faces, np.nan), where=area > 0)


def sun_of_buildings(found: FaceHours, ids: tuple[str, ...]) -> Any:
    """Hours of sun of each building as a DataFrame.

    Columns: ``id``; ``roof_sun_h`` and ``wall_sun_h``, means over open roof and wall; ``best_wall_sun_h``, of the wall
    face with most sun (of at least 2 m2); ``roof_m2`` and ``wall_m2``, what is open.
    """
    import pandas as pd

    n = len(ids)
    table = {"id": list(ids)}
    is_roof = found.faces.surface == Surface.ROOF
    columns: dict[str, NDArray[np.float64]] = {}
    for name, chosen in (("roof", is_roof), ("wall", ~is_roof)):
        used = chosen & (found.area_m2 > 0)
        owner, area = found.faces.owner[used], found.area_m2[used]
        total = np.asarray(np.bincount(owner, area, n), np.float64)
        hours = np.bincount(owner, area * found.hours[used], n)
        columns[f"{name}_sun_h"] = np.divide(hours, total, out=np.full(n, np.nan), where=total > 0)
        columns[f"{name}_m2"] = total
    best = np.full(n, np.nan)
    walls = ~is_roof & (found.area_m2 >= 2.0)
    np.fmax.at(best, found.faces.owner[walls], found.hours[walls])
    columns["best_wall_sun_h"] = best
    order = ("roof_sun_h", "wall_sun_h", "best_wall_sun_h", "roof_m2", "wall_m2")
    return pd.DataFrame({**table, **{k: np.round(columns[k], 3) for k in order}})
