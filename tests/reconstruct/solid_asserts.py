"""What every solid must hold, checked without the code under test."""

from __future__ import annotations

from collections import Counter

import numpy as np


def assert_valid_solid(solid) -> None:
    """Closed, two faces per edge in opposite directions, outward, positive volume, no two corners in one place."""
    edges = Counter()
    for face in range(solid.n_faces):
        for ring in solid.rings(face):
            assert len(ring) >= 3
            assert len(set(ring.tolist())) == len(ring), "a ring passes a vertex twice"
            edges.update(zip(ring.tolist(), np.roll(ring, -1).tolist(), strict=True))
    assert edges, "no faces"
    once = [edge for edge, n in edges.items() if n != 1]
    open_ = [edge for edge in edges if edges[edge[::-1]] != 1]
    assert not once, f"directed edges used more than once: {once[:3]}"
    assert not open_, f"edges without an opposite: {open_[:3]}"
    assert _volume(solid) > 0, "inside out"
    apart = np.unique(np.round(solid.vertices, 4), axis=0)
    assert len(apart) == len(solid.vertices), "two vertices in one place"
    assert set(solid.corners.tolist()) == set(range(len(solid.vertices))), "vertices that no face uses"


def _volume(solid) -> float:
    near, total = solid.vertices - solid.vertices[0], 0.0
    for face in range(solid.n_faces):
        for ring in solid.rings(face):
            p = near[ring]
            total += np.einsum("ij,ij->", np.cross(p[1:-1], p[2:]), np.broadcast_to(p[0], p[2:].shape)) / 6
    return total
