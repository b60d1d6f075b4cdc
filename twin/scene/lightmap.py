"""Kernels of light maps: which texel lies where on which triangle, the rays that leave it, smoothing among kin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

_REACH = 1.0
_INSET_M = 0.04
_OFFSET_M = 0.03
_GRAZING = 1e-3


@njit(cache=True, nogil=True)
def _barycentric(texel, a, b, c, x, y, out):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Barycentric coordinates of (x, y) into `out`; false for a triangle without area."""
    ax, ay = texel[a, 0], texel[a, 1]
    ux, uy = texel[b, 0] - ax, texel[b, 1] - ay
    vx, vy = texel[c, 0] - ax, texel[c, 1] - ay
    area = ux * vy - uy * vx
    if not abs(area) > 1e-9:
        return False
    px, py = x - ax, y - ay
    out[1] = (px * vy - py * vx) / area
    out[2] = (ux * py - uy * px) / area
    out[0] = 1.0 - out[1] - out[2]
    return True


@njit(cache=True, nogil=True)
def _altitudes(points, a, b, c, out):  # type: ignore[no-untyped-def]
    """Height of a triangle over each of its sides (opposite a, b, c) into `out`, in units of `points`."""
    area2 = 0.0
    n = points.shape[1]
    if n == 2:
        area2 = abs(
            (points[b, 0] - points[a, 0]) * (points[c, 1] - points[a, 1])
            - (points[b, 1] - points[a, 1]) * (points[c, 0] - points[a, 0])
        )
    else:
        for i in range(3):
            j, k = (i + 1) % 3, (i + 2) % 3
            part = (points[b, j] - points[a, j]) * (points[c, k] - points[a, k]) - (
                points[b, k] - points[a, k]
            ) * (points[c, j] - points[a, j])
            area2 += part * part
        area2 = np.sqrt(area2)
    for corner in range(3):
        p, q = ((b, c), (c, a), (a, b))[corner]
        side = 0.0
        for i in range(n):
            side += (points[p, i] - points[q, i]) ** 2
        out[corner] = area2 / max(np.sqrt(side), 1e-9)


@njit(cache=True, nogil=True)
def _claim(texel, triangles, owner, outside):  # type: ignore[no-untyped-def]
    """Give each texel to the triangle that it lies in, or else to the nearest within reach."""
    height, width = owner.shape
    weight, altitude = np.empty(3), np.empty(3)
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0 = max(int(np.ceil(min(texel[a, 0], texel[b, 0], texel[c, 0]) - _REACH)), 0)
        x1 = min(int(np.floor(max(texel[a, 0], texel[b, 0], texel[c, 0]) + _REACH)), width - 1)
        y0 = max(int(np.ceil(min(texel[a, 1], texel[b, 1], texel[c, 1]) - _REACH)), 0)
        y1 = min(int(np.floor(max(texel[a, 1], texel[b, 1], texel[c, 1]) + _REACH)), height - 1)
        _altitudes(texel, a, b, c, altitude)
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                if not _barycentric(texel, a, b, c, float(x), float(y), weight):
                    continue
                far = 0.0
                for i in range(3):
                    far = max(far, -weight[i] * altitude[i])
                if far <= _REACH and far < outside[y, x]:
                    owner[y, x], outside[y, x] = t, far


def claim_texels(
    texel: NDArray[np.float32], triangles: NDArray[np.int32], shape: tuple[int, int]
) -> NDArray[np.int32]:
    """Triangle that each texel of an atlas shows, -1 where none does, shape (rows, columns).

    Texels just outside a triangle count as its own, since a filtered texture reads them too.
    """
    owner = np.full(shape, -1, np.int32)
    _claim(texel, triangles, owner, np.full(shape, np.inf, np.float32))
    return owner


@njit(cache=True, nogil=True)
def _by_owner(owner, first, out):  # type: ignore[no-untyped-def]
    """Counting sort of the texels that have an owner; `first` holds where those of each triangle begin."""
    for i in range(len(owner)):
        if owner[i] >= 0:
            out[first[owner[i]]] = i
            first[owner[i]] += 1


def texels_by_owner(owner: NDArray[np.int32], n_triangles: int) -> NDArray[np.int64]:
    """Flat index of the texels that have an owner, in the order of the triangles and ascending within each."""
    count = np.bincount(owner.ravel() + 1, minlength=n_triangles + 1)[1:]
    ends = np.cumsum(count)
    out = np.empty(int(ends[-1]) if len(ends) else 0, np.int64)
    _by_owner(owner.ravel(), ends - count, out)
    return out


@njit(cache=True, nogil=True)
def _place(points, carried, texel, triangles, owner, x, y, out):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Values at texels on their triangles, drawn in from the rim so that no ray starts inside a neighbour."""
    weight, altitude = np.empty(3), np.empty(3)
    for k in range(len(owner)):
        a, b, c = triangles[owner[k], 0], triangles[owner[k], 1], triangles[owner[k], 2]
        _barycentric(texel, a, b, c, x[k], y[k], weight)
        _altitudes(points, a, b, c, altitude)
        total = 0.0
        for i in range(3):
            weight[i] = max(weight[i], min(0.1, _INSET_M / max(altitude[i], 1e-6)))
            total += weight[i]
        for i in range(carried.shape[1]):
            mixed = weight[0] * carried[a, i] + weight[1] * carried[b, i] + weight[2] * carried[c, i]
            out[k, i] = mixed / total


def place_texels(
    points: NDArray[np.float32],
    carried: NDArray[np.float32],
    texel: NDArray[np.float32],
    triangles: NDArray[np.int32],
    *,
    owner: NDArray[np.int32],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Values of a mesh at texels, such as where they lie in space.

    Parameters
    ----------
    points : array, shape (n, 3)
        Corners, local metres.
    carried : array, shape (n, d)
        Values at the corners; the points themselves for positions.
    texel : array, shape (n, 2)
        The same corners in the atlas.
    triangles : array, shape (m, 3)
    owner : array, shape (k,)
        Triangle of each texel.
    x, y : array, shape (k,)
        Column and row of each texel, with a fraction where a sample is off its centre.

    Returns
    -------
    array, shape (k, d)
    """
    out = np.empty((len(owner), carried.shape[1]), np.float32)
    _place(points, carried, texel, triangles, owner, x, y, out)
    return out


@njit(cache=True, nogil=True)
def _sun_rays(points, normals, texel, triangles, owner, index, width, dx, dy, towards, origins, lit, cosine):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Cosines of texels, and the rays of those that face the sun; how many these are."""
    weight, inset, normal = np.empty(3), np.empty(3), np.empty(3)
    last, n = -1, 0
    for k in range(len(index)):
        t = owner[index[k]]
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        if t != last:  # texels of a triangle come together
            last = t
            _altitudes(points, a, b, c, inset)
            for i in range(3):
                inset[i] = min(0.1, _INSET_M / max(inset[i], 1e-6))
        _barycentric(texel, a, b, c, index[k] % width + dx, index[k] // width + dy, weight)
        total, length, along = 0.0, 0.0, 0.0
        for i in range(3):
            weight[i] = max(weight[i], inset[i])
            total += weight[i]
        for i in range(3):
            normal[i] = weight[0] * normals[a, i] + weight[1] * normals[b, i] + weight[2] * normals[c, i]
            length += normal[i] * normal[i]
            along += normal[i] * towards[i]
        length = max(np.sqrt(length), 1e-6)
        cosine[k] = max(along / length, 0.0)
        if cosine[k] > _GRAZING:
            for i in range(3):
                place = weight[0] * points[a, i] + weight[1] * points[b, i] + weight[2] * points[c, i]
                origins[n, i] = place / total + _OFFSET_M * normal[i] / length
            lit[n] = k
            n += 1
    return n


def sun_rays(
    points: NDArray[np.float32],
    normals: NDArray[np.float32],
    texel: NDArray[np.float32],
    triangles: NDArray[np.int32],
    *,
    owner: NDArray[np.int32],
    index: NDArray[np.int64],
    offset: tuple[float, float],
    towards: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """Where the rays of texels towards the sun begin.

    Parameters
    ----------
    points, normals : array, shape (n, 3)
        Corners and their unit normals, local metres.
    texel : array, shape (n, 2)
        The same corners in the map.
    triangles : array, shape (m, 3)
    owner : array, shape (rows, columns)
        Triangle of each texel.
    index : array, shape (k,)
        Flat index of the texels that are asked for.
    offset : tuple of float
        How far off the middle of its texel each sample is, in texels.
    towards : array, shape (3,)
        Direction of the sun.

    Returns
    -------
    origins : array, shape (r, 3)
        Just above the surface; none for texels that face away.
    lit : array, shape (r,)
        Which of `index` each ray belongs to, ascending.
    cosine : array, shape (k,)
        Between normal and sun, 0 where it faces away.
    """
    origins, lit = np.empty((len(index), 3), np.float32), np.empty(len(index), np.int64)
    cosine = np.empty(len(index), np.float32)
    mesh = points, normals, texel, triangles, owner.ravel()
    n = _sun_rays(*mesh, index, owner.shape[1], *offset, towards, origins, lit, cosine)
    return origins[:n], lit[:n], cosine


@njit(cache=True, nogil=True)
def unit_rows(vectors):  # type: ignore[no-untyped-def]
    """Vectors of length 1 in the same directions, shape (n, 3)."""
    out = np.empty(vectors.shape, np.float32)
    for k in range(len(vectors)):
        x, y, z = vectors[k, 0], vectors[k, 1], vectors[k, 2]
        length = max(np.sqrt(x * x + y * y + z * z), 1e-6)
        out[k, 0], out[k, 1], out[k, 2] = x / length, y / length, z / length
    return out


@njit(cache=True, nogil=True)
def _sky_rays(position, normal, phase, dome, n_phases, origins, directions, sample):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Rays over the upper part of the hemisphere of each sample, and how many they are."""
    n_rays = len(dome) // n_phases
    r = 0
    for k in range(len(position)):
        nx, ny, nz = normal[k, 0], normal[k, 1], normal[k, 2]
        # Frame around the normal without a branch at the poles: Duff et al. (2017).
        sign = 1.0 if nz >= 0 else -1.0
        p = -1.0 / (sign + nz)
        q = nx * ny * p
        tz, bz = -sign * nx, -ny
        tx, ty = 1.0 + sign * nx * nx * p, sign * q
        bx, by = q, sign + ny * ny * p
        for j in range(n_rays):
            d = dome[j * n_phases + phase[k]]
            up = d[0] * tz + d[1] * bz + d[2] * nz
            if up <= 0.0:
                continue
            for i in range(3):
                origins[r, i] = position[k, i] + _OFFSET_M * normal[k, i]
            directions[r, 0] = d[0] * tx + d[1] * bx + d[2] * nx
            directions[r, 1] = d[0] * ty + d[1] * by + d[2] * ny
            directions[r, 2] = up
            sample[r] = k
            r += 1
    return r


def sky_rays(
    position: NDArray[np.float32],
    normal: NDArray[np.float32],
    phase: NDArray[np.int64],
    dome: NDArray[np.float64],
    *,
    n_phases: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
    """Origins and directions of the rays that ask how much sky each sample sees; none that go down.

    Parameters
    ----------
    position, normal : array, shape (k, 3)
    phase : array, shape (k,)
        Which share of the dome a sample uses, 0 to ``n_phases - 1``; neighbours use different ones, so that
        smoothing over them sees the whole dome (interleaved sampling, Keller & Heidrich 2001).
    dome : array, shape (n_rays * n_phases, 3)
        Directions around +z.

    Returns
    -------
    origins, directions : array, shape (m, 3)
        At most ``n_rays`` of each sample.
    sample : array, shape (m,)
        The sample that each ray belongs to, ascending.
    """
    n = len(position) * (len(dome) // n_phases)
    origins, directions = np.empty((n, 3), np.float32), np.empty((n, 3), np.float32)
    sample = np.empty(n, np.int32)
    m = _sky_rays(position, normal, phase, dome, n_phases, origins, directions, sample)
    return origins[:m], directions[:m], sample[:m]
