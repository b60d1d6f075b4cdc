"""Light as data: how much sky and how much sun every texel of a city gets, by rays, once.

Two numbers per texel, each 0 to 1: the share of the sky dome that it sees (weighted by the cosine, as a level
surface in the open would count it), and the sun that falls on it, cosine and shadow taken together. A picture
then costs one look into a texture instead of a shadow pass, and a planner can read the same numbers.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.core.rays import make_caster
from twin.core.tasks import default_workers
from twin.scene.light_smoothing import border_texels, grow_into_gaps, smooth_among_kin
from twin.scene.lightmap import claim_texels, place_texels, sky_rays, sun_rays, texels_by_owner, unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twin.core.rays import Caster

_PHASES = 16
_CHUNK_RAYS = 1 << 18
"""Rays of one task: few enough for the caches of a core, many enough that Python between them costs nothing."""
_RAY_BUDGET = 16_000_000
_BORDER_SAMPLES = 16
_FIRST_SAMPLES = 4
_MOST_THREADS = 16
_LEAVES_PASS_SUN = 0.3
_LEAVES_PASS_SKY = 0.55
SUN_RADIUS_DEG = 0.55
"""Twice the real one: shadows soften a little sooner with distance, as on a day with thin haze."""


@dataclass(frozen=True, slots=True)
class Occluders:
    """What stands in the light: solid things stop it, crowns of trees let some through."""

    solid: Caster
    leaves: Caster

    @classmethod
    def of(cls, solid: NDArray[np.float32], leaves: NDArray[np.float32]) -> Occluders:
        """From triangles of shape (m, 3, 3), local metres."""
        return cls(make_caster(solid), make_caster(leaves))


@dataclass(frozen=True, slots=True)
class LitMesh:
    """A mesh with a place in a light map.

    Parameters
    ----------
    points, normals : array, shape (n, 3)
        Local metres; unit normals on the side that is seen.
    texel : array, shape (n, 2)
        Column and row of each point in the map, from the centre of texel (0, 0).
    triangles : array, shape (m, 3)
    kin : array, shape (m,)
        Texels of equal kin are one surface and may be smoothed together.
    shape : tuple of int
        Rows and columns of the map.
    """

    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    texel: NDArray[np.float32]
    triangles: NDArray[np.int32]
    kin: NDArray[np.int32]
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Texels:
    """The texels of a map that show something, and where they lie.

    Parameters
    ----------
    mesh : LitMesh
    owner : array, shape (rows, columns)
        Triangle of each texel, -1 for none.
    kin : array, shape (rows, columns)
        Kin of each texel, -1 for none.
    index : array, shape (k,)
        Flat index of the texels with an owner, those of a triangle together: rays that start side by side meet the
        same boxes, which is worth half of their cost.
    """

    mesh: LitMesh
    owner: NDArray[np.int32]
    kin: NDArray[np.int32]
    index: NDArray[np.int64]

    @classmethod
    def of(cls, mesh: LitMesh) -> Texels:
        """Find the texels of a mesh."""
        owner = claim_texels(mesh.texel, mesh.triangles, mesh.shape)
        index = texels_by_owner(owner, len(mesh.triangles))
        kin = np.full(mesh.shape, -1, np.int32)
        kin.ravel()[index] = mesh.kin[owner.ravel()[index]]
        return cls(mesh, owner, kin, index)


@dataclass(frozen=True, slots=True)
class _Samples:
    position: NDArray[np.float32]
    normal: NDArray[np.float32]


def _samples(texels: Texels, index: NDArray[np.int64], dx: float, dy: float) -> _Samples:
    """Positions and normals of texels, off their centres by a fraction of a texel."""
    mesh = texels.mesh
    row, column = np.divmod(index, mesh.shape[1])
    found = place_texels(
        mesh.points,
        np.column_stack([mesh.points, mesh.normals]),
        mesh.texel,
        mesh.triangles,
        owner=texels.owner.ravel()[index],
        x=column + dx,
        y=row + dy,
    )
    return _Samples(found[:, :3], unit_rows(found[:, 3:]))


def texel_places(texels: Texels, index: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where the middles of texels lie and which way they face, shape (k, 3) each."""
    found = _samples(texels, index, 0.0, 0.0)
    return found.position, found.normal


def hemisphere(n: int) -> NDArray[np.float64]:
    """Directions over the upper half of space, denser towards the zenith as the cosine asks, shape (n, 3).

    The share of them that gets away is the sky view factor of a level surface. A Fibonacci spiral, even for any
    `n` and without a seed.

    Examples
    --------
    >>> bool(abs(hemisphere(256)[:, 2].mean() - 2 / 3) < 1e-3)
    True
    """
    i = np.arange(n) + 0.5
    radius, angle = np.sqrt(i / n), i * (np.pi * (3 - np.sqrt(5)))
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - i / n)])


def bake_sky(
    occluders: Occluders,
    texels: Texels,
    *,
    most_rays: int = 8,
    check: Callable[[], object] | None = None,
) -> NDArray[np.uint8]:
    """Share of the sky that each texel sees, 0 to 255, shape (rows, columns).

    Parameters
    ----------
    most_rays : int
        Rays of a texel, at least 4; fewer where there are very many texels.
    check : callable, optional
        Called now and then; what it raises ends the work.
    """
    n_rays = int(np.clip(_RAY_BUDGET // max(len(texels.index), 1), 4, most_rays))
    dome = hemisphere(n_rays * _PHASES)
    seen = np.zeros(texels.mesh.shape, np.float32)

    def look(index: NDArray[np.int64]) -> None:
        row, column = np.divmod(index, texels.mesh.shape[1])
        sample = _samples(texels, index, 0.0, 0.0)
        phase = (row % 4) * 4 + (column + 2 * (row // 4 % 2)) % 4
        seen.ravel()[index] = sky_view(occluders, sample.position, sample.normal, phase, dome)

    _in_chunks(look, texels.index, n_rays, check)
    return _as_bytes(smooth_among_kin(seen, texels.kin))


def _in_chunks(
    work: Callable[[NDArray[np.int64]], None],
    index: NDArray[np.int64],
    rays_each: int,
    check: Callable[[], object] | None = None,
) -> None:
    """Call `work` with one stretch of texels after another, on all cores; each writes to its own texels alone.

    `check` is called before each of them; what it raises ends the work.
    """
    step = max(_CHUNK_RAYS // rays_each, 1)

    def checked(chunk: NDArray[np.int64]) -> None:
        if check is not None:
            check()
        work(chunk)

    chunks = [index[first : first + step] for first in range(0, len(index), step)]
    with ThreadPoolExecutor(min(default_workers(), _MOST_THREADS)) as pool:
        for _ in pool.map(checked, chunks):
            pass


def sky_view(
    occluders: Occluders,
    position: NDArray[np.float32],
    normal: NDArray[np.float32],
    phase: NDArray[np.int64],
    dome: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Share of the sky that points see, 0 to 1, shape (k,); rays that go down count as stopped."""
    n_rays = len(dome) // _PHASES
    origins, directions, sample = sky_rays(position, normal, phase, dome, n_phases=_PHASES)
    free = np.flatnonzero(~occluders.solid.occluded(origins, directions))
    shaded = occluders.leaves.occluded(origins[free], directions[free])
    through = np.where(shaded, _LEAVES_PASS_SKY, 1.0)
    return (np.bincount(sample[free], through, len(position)) / n_rays).astype(np.float32)


def bake_sun(
    occluders: Occluders,
    texels: Texels,
    direction: tuple[float, float, float],
    *,
    check: Callable[[], object] | None = None,
) -> NDArray[np.uint8]:
    """Sun on each texel, cosine times what shadows leave of it, 0 to 255, shape (rows, columns).

    One ray per texel tells where shadows end. There, four more over the texel and over the sun's disc tell which
    texels have part of the sun, and twelve more how much.
    """
    seen, cosine = np.zeros(texels.mesh.shape, np.float32), np.zeros(texels.mesh.shape, np.float32)
    if direction[2] <= 0:
        return _as_bytes(seen)
    towards = np.asarray(direction)

    def look(index: NDArray[np.int64]) -> None:
        seen.ravel()[index], cosine.ravel()[index] = _sun_view(occluders, texels, index, (0.0, 0.0), towards)

    def look_closer(index: NDArray[np.int64]) -> None:
        first = _sun_samples(occluders, texels, index, jitter[:_FIRST_SAMPLES])
        mixed = np.ptp(first, axis=0) > 0
        mean = first.mean(axis=0)
        rest = _sun_samples(occluders, texels, index[mixed], jitter[_FIRST_SAMPLES:])
        mean[mixed] = np.concatenate([first[:, mixed], rest]).mean(axis=0)
        seen.ravel()[index] = mean

    _in_chunks(look, texels.index, 1, check)
    jitter = _jitter(towards)
    border = texels.index[border_texels(seen, texels.kin).ravel()[texels.index]]
    _in_chunks(look_closer, border, _FIRST_SAMPLES, check)
    # Sixteen samples leave steps; their neighbours even them out, and change nothing where all are lit or none.
    return _as_bytes(smooth_among_kin(seen, texels.kin, reach=1) * cosine)


def _sun_samples(
    occluders: Occluders,
    texels: Texels,
    index: NDArray[np.int64],
    jitter: list[tuple[float, float, NDArray[np.float64]]],
) -> NDArray[np.float32]:
    """Sun at texels for each place on the texel and the disc, shape (places, k)."""
    return np.stack([_sun_view(occluders, texels, index, (x, y), disc)[0] for x, y, disc in jitter])


def _sun_view(
    occluders: Occluders,
    texels: Texels,
    index: NDArray[np.int64],
    offset: tuple[float, float],
    towards: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What shadows leave of the sun at texels, 0 to 1, and cosines; 1 where a cosine of 0 says it all."""
    mesh = texels.mesh
    origins, lit, cosine = sun_rays(
        mesh.points,
        mesh.normals,
        mesh.texel,
        mesh.triangles,
        owner=texels.owner,
        index=index,
        offset=offset,
        towards=towards,
    )
    left = np.ones(len(index), np.float32)
    left[lit] = _passing(occluders, origins, towards)
    return left, cosine


def _passing(
    occluders: Occluders, origins: NDArray[np.float32], towards: NDArray[np.float64]
) -> NDArray[np.float32]:
    """What is left of the light of one direction at places, 0 to 1, shape (n,)."""
    directions = np.tile(towards.astype(np.float32), (len(origins), 1))
    left = np.ones(len(origins), np.float32)
    blocked = occluders.solid.occluded(origins, directions)
    left[blocked] = 0
    free = np.flatnonzero(~blocked)
    shaded = occluders.leaves.occluded(origins[free], directions[: len(free)])
    left[free[shaded]] = _LEAVES_PASS_SUN
    return left


def _jitter(towards: NDArray[np.float64]) -> list[tuple[float, float, NDArray[np.float64]]]:
    """Offsets over a texel, each with a direction into the sun's disc."""
    side = np.cross(towards, [0.0, 0.0, 1.0] if abs(towards[2]) < 0.99 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    above = np.cross(side, towards)
    i = np.arange(_BORDER_SAMPLES) + 0.5
    radius = np.sqrt(i / _BORDER_SAMPLES) * np.tan(np.radians(SUN_RADIUS_DEG))
    angle = i * (np.pi * (3 - np.sqrt(5)))
    grid = (np.arange(4) + 0.5) / 4 - 0.5
    discs = towards + (radius * np.cos(angle))[:, None] * side + (radius * np.sin(angle))[:, None] * above
    # 7 has no factor in common with 16: each cell of the 4 x 4 pattern meets another part of the disc. The first four
    # cells are the corners of the texel, which see a border in it first.
    cells = sorted(range(_BORDER_SAMPLES), key=lambda k: (k not in {0, 3, 12, 15}, k))
    return [(grid[k % 4], grid[k // 4], discs[(7 * k) % _BORDER_SAMPLES]) for k in cells]


def light_points(
    occluders: Occluders,
    position: NDArray[np.float32],
    *,
    direction: tuple[float, float, float],
) -> NDArray[np.uint8]:
    """Sun and sky at points in the air, such as crowns of trees, which cast no shadow on themselves; shape (n, 2)."""
    bare = Occluders(occluders.solid, make_caster(np.empty((0, 3, 3), np.float32)))
    up = np.tile(np.array([0, 0, 1], np.float32), (len(position), 1))
    phase = np.arange(len(position)) % _PHASES
    sky = sky_view(bare, position, up, phase, hemisphere(32 * _PHASES))
    towards = np.asarray(direction)
    origins = position + np.float32(0.03) * towards.astype(np.float32)
    sun = _passing(bare, origins, towards) * (direction[2] > 0)
    return _as_bytes(np.column_stack([sun, sky]))


def fill_rim(light: NDArray[np.uint8], texels: Texels, *, steps: int = 2) -> NDArray[np.uint8]:
    """Carry light a few texels beyond the rim of what a map shows; shape as `light`, (rows, columns, depth)."""
    return _as_bytes(grow_into_gaps(light.astype(np.float32) / np.float32(255), texels.owner >= 0, steps))


def _as_bytes(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)
