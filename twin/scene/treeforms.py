"""Low-poly trees of height 1 and crown radius 1, to be drawn again and again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from twin.scene.model import TreeKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.model import Trees


@dataclass(frozen=True, slots=True)
class Form:
    """A closed shape with shading.

    Parameters
    ----------
    points : array, shape (n, 3)
        Unit form: foot at the origin, top at z = 1, crown within radius 1.
    normals : array, shape (n, 3)
        Length tells how open to the sky the point is within its own tree, 0 to 1.
    triangles : array, shape (m, 3)
    """

    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    triangles: NDArray[np.int32]


# Blobs of each broadleaf crown: x, y, z of the centre, horizontal radius, vertical radius.
_CROWNS = (
    (
        (0.0, 0.0, 0.62, 0.72, 0.36),
        (0.42, 0.18, 0.50, 0.50, 0.22),
        (-0.36, 0.32, 0.53, 0.50, 0.24),
        (-0.10, -0.46, 0.49, 0.48, 0.22),
        (0.18, -0.10, 0.80, 0.44, 0.20),
    ),
    (
        (0.0, 0.0, 0.56, 0.66, 0.30),
        (0.34, -0.34, 0.60, 0.50, 0.24),
        (-0.44, -0.10, 0.50, 0.48, 0.22),
        (0.05, 0.44, 0.55, 0.50, 0.23),
        (-0.12, 0.06, 0.78, 0.48, 0.21),
    ),
    (
        (0.0, 0.0, 0.64, 0.56, 0.36),
        (0.22, 0.28, 0.50, 0.52, 0.24),
        (-0.34, -0.16, 0.46, 0.50, 0.22),
        (0.30, -0.30, 0.66, 0.44, 0.22),
    ),
)
_SHRUB = ((0.0, 0.0, 0.48, 0.70, 0.46), (0.40, 0.12, 0.38, 0.52, 0.36), (-0.30, -0.34, 0.36, 0.56, 0.34))
_FORM_OF_KIND = {TreeKind.BROADLEAF: (0, 1, 2), TreeKind.CONIFER: (3,), TreeKind.SHRUB: (4,)}
N_FORMS = 5
SHRUB = 4


@cache
def crown(form: int, *, detail: int) -> Form:
    """The crown of a form, by number.

    Parameters
    ----------
    form : int
        0 to 2 broadleaf, 3 conifer, 4 shrub.
    detail : int
        0 for thousands of trees, 1 for close views.
    """
    if form == 3:
        return _conifer(8 if detail else 5)
    return _blobs(_SHRUB if form == SHRUB else _CROWNS[form], detail=detail)


@cache
def trunk() -> Form:
    """A trunk that ends inside the crown."""
    n = 6
    angle = np.arange(n) * 2 * np.pi / n
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    points = np.concatenate(
        [np.column_stack([ring * r, np.full(n, z)]) for r, z in ((0.115, 0.0), (0.07, 0.08), (0.05, 0.5))]
    )
    normals = np.tile(np.column_stack([ring, np.zeros(n)]), (3, 1)) * np.repeat([0.55, 0.7, 0.35], n)[:, None]
    return Form(points.astype(np.float32), normals.astype(np.float32), _tube(n, 3))


def _tube(n: int, n_rings: int) -> NDArray[np.int32]:
    i = np.arange(n)
    j = (i + 1) % n
    quads = [
        np.concatenate([np.column_stack([i, j, j + n]), np.column_stack([i, j + n, i + n])]) + k * n
        for k in range(n_rings - 1)
    ]
    return np.concatenate(quads).astype(np.int32)


def _conifer(n: int) -> Form:
    """Three skirts of branches, one above the other."""
    points: list[NDArray[np.float64]] = []
    normals: list[NDArray[np.float64]] = []
    triangles: list[NDArray[np.int64]] = []
    for k, (low, high, radius) in enumerate(((0.12, 0.58, 1.0), (0.34, 0.80, 0.74), (0.58, 1.0, 0.48))):
        angle = (np.arange(n) + 0.5 * (k % 2)) * 2 * np.pi / n
        ring = np.column_stack([np.cos(angle), np.sin(angle)])
        rim = np.column_stack([ring * radius, np.full(n, low)])
        tip = np.tile([0.0, 0.0, high], (n, 1))
        under = np.array([[0.0, 0.0, low + 0.08]])
        slope = np.column_stack([ring, np.full(n, 0.5)])
        slope /= np.linalg.norm(slope, axis=1, keepdims=True)
        i, base = np.arange(n), 3 * k * n + k
        j = (i + 1) % n
        points += [rim, tip, rim, under]
        normals += [
            slope * 0.95,
            slope * 0.75,
            np.tile([0.0, 0.0, -0.5], (n, 1)),
            np.array([[0.0, 0.0, -0.4]]),
        ]
        triangles += [
            np.column_stack([i, j, i + n]) + base,
            np.column_stack([j + 2 * n, i + 2 * n, np.full(n, 3 * n)]) + base,
        ]
    return Form(
        np.concatenate(points).astype(np.float32),
        np.concatenate(normals).astype(np.float32),
        np.concatenate(triangles).astype(np.int32),
    )


def _blobs(blobs: tuple[tuple[float, ...], ...], *, detail: int) -> Form:
    """Bumpy spheres run into each other; darker below and where one sits in another."""
    unit, faces = _icosphere(detail)
    points, normals, triangles = [], [], []
    for k, (x, y, z, horizontal, vertical) in enumerate(blobs):
        bump = 1 + 0.10 * np.sin(5.1 * unit[:, 0] + 3 * k) * np.sin(4.3 * unit[:, 1] + k) * np.cos(
            3.7 * unit[:, 2] - 2 * k
        )
        scale = np.array([horizontal, horizontal, vertical])
        points.append(unit * bump[:, None] * scale + (x, y, z))
        outward = unit / scale
        normals.append(outward / np.linalg.norm(outward, axis=1, keepdims=True))
        triangles.append(faces + k * len(unit))
    place, normal = np.concatenate(points), np.concatenate(normals)
    openness = _openness(place, blobs)
    top = place[:, 2].max()
    place[:, 2] /= top
    place[:, :2] /= np.linalg.norm(place[:, :2], axis=1).max()
    return Form(
        place.astype(np.float32),
        (normal * openness[:, None]).astype(np.float32),
        np.concatenate(triangles).astype(np.int32),
    )


def _openness(place: NDArray[np.float64], blobs: tuple[tuple[float, ...], ...]) -> NDArray[np.float64]:
    """How open a point of a crown is, 0.25 to 1: less inside other blobs and towards its underside."""
    depth = np.full(len(place), np.inf)
    for x, y, z, horizontal, vertical in blobs:
        inside = np.linalg.norm((place - (x, y, z)) / (horizontal, horizontal, vertical), axis=1)
        depth = np.minimum(depth, inside)
    low, high = place[:, 2].min(), place[:, 2].max()
    upward = (place[:, 2] - low) / (high - low)
    buried = np.clip((depth - 0.55) / 0.40, 0, 1)
    opened: NDArray[np.float64] = np.clip((0.45 + 0.55 * upward) * (0.45 + 0.55 * buried), 0.2, 1)
    return opened


@cache
def _icosphere(divisions: int) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    spoke = np.arange(5) * 2 * np.pi / 5
    level, up = 2 / np.sqrt(5), 1 / np.sqrt(5)
    upper_ring = np.column_stack([level * np.cos(spoke), level * np.sin(spoke), np.full(5, up)])
    lower_ring = upper_ring @ np.diag([1.0, 1.0, -1.0]) @ _turn(np.pi / 5)
    points = np.concatenate([[[0.0, 0.0, 1.0]], upper_ring, lower_ring, [[0.0, 0.0, -1.0]]])
    around = np.arange(5)
    after = (around + 1) % 5
    top, upper, lower, bottom = np.full(5, 0), 1 + around, 6 + around, np.full(5, 11)
    next_upper, next_lower = 1 + after, 6 + after
    faces = np.concatenate(
        [
            np.column_stack([top, upper, next_upper]),
            np.column_stack([upper, lower, next_upper]),
            np.column_stack([lower, next_lower, next_upper]),
            np.column_stack([lower, bottom, next_lower]),
        ]
    ).astype(np.int64)
    for _ in range(divisions):
        points, faces = _subdivide(points, faces)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points, faces.astype(np.int32)


def _turn(angle: float) -> NDArray[np.float64]:
    """Matrix that turns rows about the vertical, counter-clockwise from above."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


def _subdivide(
    points: NDArray[np.float64], faces: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    ends = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    edges, middle = np.unique(ends, axis=0, return_inverse=True)
    ab, bc, ca = (middle.reshape(3, -1) + len(points)).astype(np.int64)
    a, b, c = faces.T
    parts = [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    return (
        np.concatenate([points, points[edges].mean(axis=1)]),
        np.concatenate([np.column_stack(part) for part in parts]),
    )


def choose_forms(trees: Trees) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """Form, turn in degrees and tint (-1 to 1) of each tree, decided by where it stands and nothing else."""
    chance = place_hash(trees.foot[:, 0], trees.foot[:, 1])
    form = np.zeros(len(chance), np.uint8)
    for kind, forms in _FORM_OF_KIND.items():
        of_kind = trees.kind == kind
        form[of_kind] = np.asarray(forms, np.uint8)[chance[of_kind] % len(forms)]
    turn = (chance >> np.uint64(8)) % np.uint64(360)
    tint = ((chance >> np.uint64(20)) % np.uint64(2048)).astype(np.float32) / 1023.5 - 1
    return form, turn.astype(np.float32), tint


def place_hash(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.uint64]:
    """A number for a place to the decimetre that looks like chance and is always the same; SplitMix64's mixer."""
    decimetre = np.column_stack([np.rint(x * 10), np.rint(y * 10)]).astype(np.int64).astype(np.uint64)
    z = decimetre[:, 0] * np.uint64(0x9E3779B97F4A7C15) + decimetre[:, 1] * np.uint64(0xC2B2AE3D27D4EB4F)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def stand(
    trees_foot: NDArray[np.float64], size: NDArray[np.float64], form: Form, turn_deg: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Triangles of one form set up at many places, shape (n * m, 3, 3).

    Parameters
    ----------
    trees_foot : array, shape (n, 3)
    size : array, shape (n, 2)
        Crown radius and height, metres.
    form : Form
    turn_deg : array, shape (n,)
    """
    angle = np.radians(turn_deg)[:, None]
    x, y, z = (form.points[:, i].astype(np.float64) for i in range(3))
    radius, height = size[:, :1], size[:, 1:]
    placed = np.stack(
        [
            (np.cos(angle) * x - np.sin(angle) * y) * radius,
            (np.sin(angle) * x + np.cos(angle) * y) * radius,
            z * height,
        ],
        axis=2,
    )
    placed += trees_foot[:, None]
    return placed[:, form.triangles].reshape(-1, 3, 3).astype(np.float32)
