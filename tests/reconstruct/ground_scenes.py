"""Small surveys with truth: land of a given shape with houses, cars, trees, bushes and wrong echoes on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SIDE_M = 160.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Points, and which of them are ground."""

    xyz: NDArray[np.float64]
    ground: NDArray[np.bool_]


LANDS: dict[str, Callable[[NDArray, NDArray], NDArray]] = {
    "flat": lambda x, y: 5 + 0.002 * x,
    "slope": lambda x, y: 0.35 * x,
    "hill": lambda x, y: 20 * np.exp(-((x - 80) ** 2 + (y - 80) ** 2) / (2 * 35**2)),
    "waves": lambda x, y: 6 * np.sin(x / 20) * np.cos(y / 25),
    "dyke": lambda x, y: 2 + np.clip((26 - np.abs(x - 80)) / 2.5, 0, 6),
    "quay": lambda x, y: np.where(x > 81.3, 0.0, 2.0),
}


def scene(land: str = "flat", *, density: float = 8.0, seed: int = 1, n_low: int = 12) -> Scene:
    """A square of `SIDE_M` with 18 houses, 30 cars, 25 trees and 20 bushes, and some echoes from below the ground."""
    rng = np.random.default_rng(seed)
    n = int(density * SIDE_M**2)
    x, y = rng.uniform(0, SIDE_M, (2, n))
    height = LANDS[land]
    bare = height(x, y)
    z, object_ = bare.copy(), np.zeros(n, bool)

    def put(inside, top):
        z[inside], object_[inside] = top[inside] if np.ndim(top) else top, True

    for _ in range(18):
        cx, cy, w, d, h = *rng.uniform(15, SIDE_M - 15, 2), *rng.uniform(4, 9, 2), rng.uniform(3, 9)
        corners = height(cx + w * np.array([-1, 1, -1, 1]), cy + d * np.array([-1, -1, 1, 1]))
        ridge = np.maximum(0, w - np.abs(x - cx)) * rng.choice([0.0, 0.8])
        put((np.abs(x - cx) < w) & (np.abs(y - cy) < d), corners.max() + h + ridge)
    for _ in range(30):
        cx, cy = rng.uniform(5, SIDE_M - 5, 2)
        put((np.abs(x - cx) < 0.9) & (np.abs(y - cy) < 2.2) & ~object_, bare + 1.4)
    for _ in range(25):
        cx, cy, radius, h = *rng.uniform(5, SIDE_M - 5, 2), rng.uniform(2, 5), rng.uniform(6, 16)
        hit = (np.hypot(x - cx, y - cy) < radius) & ~object_ & (rng.random(n) > 0.25)
        put(hit, bare + h * rng.uniform(0.4, 1.0, n))
    for _ in range(20):
        cx, cy, radius = *rng.uniform(5, SIDE_M - 5, 2), rng.uniform(0.5, 2)
        put((np.hypot(x - cx, y - cy) < radius) & ~object_, bare + rng.uniform(0.3, 1.5, n))
    z += rng.normal(0, 0.03, n)
    low = rng.integers(0, n, n_low)
    z[low] -= rng.uniform(2, 30, n_low)
    object_[low] = True
    return Scene(np.column_stack([x, y, z]), ~object_)


def kappa(truth: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    """Cohen's kappa of two labellings."""
    agree = float((truth == found).mean())
    chance = truth.mean() * found.mean() + (1 - truth.mean()) * (1 - found.mean())
    return float((agree - chance) / (1 - chance))
