"""A city of as many buildings as wished from those of a built one: its plot again and again, never the same twice.

Each copy of the plot is turned by a quarter and tilted a little; each building and each mass in it is turned by any
angle about its middle and moved by some decimetres, so that no compression can find one copy in another. Ground keeps
the holes of the houses as they were: what counts here is how much of it there is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.reconstruct.cover import Cover
from twin.scene.model import FacetMesh, SceneContent, Terrain, Trees

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


def real_content(content: SceneContent, n_buildings: int, *, seed: int = 1) -> SceneContent:
    """The plot of `content` as often as it takes, side by side; ids are new, labels and added layers left out."""
    rng = np.random.default_rng(seed)
    n_plots = -(-n_buildings // len(content.building_ids))
    moves = [_Plot(content, i, n_plots, rng) for i in range(n_plots)]
    ids = rng.choice(10**10, n_buildings, replace=False)
    assert content.terrain is not None
    return replace(
        content,
        name=f"{n_buildings:,} buildings",
        buildings=_first(_joined([m.turned(content.buildings) for m in moves]), n_buildings),
        building_ids=tuple(f"NL.IMBAG.Pand.{i:016d}" for i in ids.tolist()),
        terrain=_grounds([m.ground(content.terrain) for m in moves]),
        bridges=_joined([m.turned(content.bridges) for m in moves]),
        context=_joined([m.turned(content.context) for m in moves]),
        trees=_woods([m.wood(content.trees) for m in moves]) if content.trees else None,
        overlays=(),
        labels=(),
        unbuilt=None,
        attributes=(),
    )


def real_attributes(
    attributes: Mapping[str, Sequence[Any]], n_buildings: int, *, seed: int = 2
) -> dict[str, list[Any]]:
    """Columns as long as there are buildings.

    Rows are taken whole; measures of a building differ from the row's by some thousandths, all alike, and texts that no
    two rows have in common get other letters where they differ from each other.
    """
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(next(iter(attributes.values()))), n_buildings).tolist()
    factor = rng.normal(1, 0.003, n_buildings)
    columns = {}
    for name, values in attributes.items():
        old = list(values)
        new = [old[i] for i in rows]
        if all(isinstance(v, float | np.floating) for v in old):
            new = (np.array(new, np.float64) * factor).round(4).tolist()
        elif all(isinstance(v, str) for v in old) and len(set(old)) == len(old):
            new = _like(old, n_buildings, rng)
        columns[name] = new
    return columns


def _like(texts: Sequence[str], n: int, rng: np.random.Generator) -> list[str]:
    """Other texts with the same letters at each place; those of one length that is the most frequent."""
    lengths = [len(t) for t in texts]
    length = max(set(lengths), key=lengths.count)
    letters = np.array([list(t) for t in texts if len(t) == length])
    chosen = np.column_stack([rng.choice(np.unique(column), n) for column in letters.T])
    return ["".join(row) for row in chosen.tolist()]


class _Plot:
    """One copy of the plot: a quarter turn, a tilt, and its place on the grid."""

    def __init__(self, content: SceneContent, number: int, n_plots: int, rng: np.random.Generator) -> None:
        assert content.terrain is not None
        points = content.terrain.vertices
        low, high = points.min(axis=0), points.max(axis=0)
        side = float((high - low)[:2].max())
        columns = int(np.ceil(np.sqrt(n_plots)))
        self._rng, self._middle = rng, (low + high) / 2 * (1, 1, 0)
        self._place = self._middle + side * np.array([number % columns, number // columns, 0])
        c, s = ((1, 0), (0, 1), (-1, 0), (0, -1))[number % 4]
        self._turn = np.array([(c, -s, 0), (s, c, 0), (0, 0, 1)], dtype=np.float64)
        self._tilt = rng.normal(0, 0.002, 2)

    def points(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where points of the plot come to lie."""
        moved = (points - self._middle) @ self._turn.T
        moved[:, 2] += moved[:, :2] @ self._tilt
        return moved + self._place

    def turned(self, mesh: FacetMesh | None) -> FacetMesh:
        """Things of a mesh, each turned about its middle."""
        if mesh is None or not mesh.n_faces:
            return FacetMesh.empty()
        thing = np.zeros(len(mesh.vertices), np.int64)
        thing[mesh.triangles] = np.maximum(mesh.owner[mesh.face], 0)[:, None]
        n = int(thing.max()) + 1
        count = np.maximum(np.bincount(thing, minlength=n), 1)
        middle = np.column_stack([np.bincount(thing, c, n) / count for c in mesh.vertices.T])[thing]
        angle = self._rng.uniform(0, 2 * np.pi, n)[thing]
        x, y, z = (mesh.vertices - middle).T
        c, s = np.cos(angle), np.sin(angle)
        away = self._rng.uniform(-0.5, 0.5, (n, 3))[thing]
        vertices = self.points(np.column_stack([c * x - s * y, s * x + c * y, z]) + middle + away)
        return replace(mesh, vertices=vertices)

    def ground(self, ground: Terrain) -> Terrain:
        """The ground without the cut faces of the block, of which a city has no more than a plot has."""
        inside = ground.cover != Cover.SKIRT
        return Terrain(self.points(ground.vertices), ground.triangles[inside], ground.cover[inside])

    def wood(self, trees: Trees) -> Trees:
        n = len(trees.foot)
        foot = self.points(trees.foot) + self._rng.normal(0, 0.5, (n, 3)) * (1, 1, 0)
        return replace(trees, foot=foot, height_m=trees.height_m * self._rng.uniform(0.9, 1.1, n))


def _joined(parts: Sequence[FacetMesh]) -> FacetMesh:
    """Meshes as one, things numbered on."""
    first = {"vertex": 0, "face": 0, "owner": 0}
    triangles, faces, owners, edges = [], [], [], []
    for p in parts:
        triangles.append(p.triangles + first["vertex"])
        edges.append(p.edges + first["vertex"])
        faces.append(p.face + first["face"])
        owners.append(p.owner + first["owner"])
        first["vertex"] += len(p.vertices)
        first["face"] += p.n_faces
        first["owner"] += int(p.owner.max()) + 1 if p.n_faces else 0
    return FacetMesh(
        np.concatenate([p.vertices for p in parts]),
        np.concatenate(triangles).astype(np.int32),
        np.concatenate(faces).astype(np.int32),
        np.concatenate([p.surface for p in parts]),
        np.concatenate(owners).astype(np.int32),
        np.concatenate(edges).astype(np.int32),
    )


def _first(mesh: FacetMesh, n: int) -> FacetMesh:
    """The first things of a mesh whose faces stand in their order."""
    faces = int(np.searchsorted(mesh.owner, n))
    cells = int(np.searchsorted(mesh.face, faces))
    of_vertex = np.full(len(mesh.vertices), n)
    of_vertex[mesh.triangles] = mesh.owner[mesh.face][:, None]
    return FacetMesh(
        mesh.vertices,
        mesh.triangles[:cells],
        mesh.face[:cells],
        mesh.surface[:faces],
        mesh.owner[:faces],
        mesh.edges[(of_vertex[mesh.edges] < n).all(axis=1)],
    )


def _grounds(parts: Sequence[Terrain]) -> Terrain:
    starts = np.cumsum([0, *(len(p.vertices) for p in parts)])
    return Terrain(
        np.concatenate([p.vertices for p in parts]),
        np.concatenate([p.triangles + s for p, s in zip(parts, starts, strict=False)]).astype(np.int32),
        np.concatenate([p.cover for p in parts]),
    )


def _woods(parts: Sequence[Trees]) -> Trees:
    return Trees(
        **{
            name: np.concatenate([getattr(p, name) for p in parts])
            for name in ("foot", "height_m", "radius_m", "kind")
        }
    )
