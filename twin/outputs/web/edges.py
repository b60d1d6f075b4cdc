"""Lines of houses for the page: a bit for each edge that bounds a face; the page finds these itself (``edges.js``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.outputs.web.geometry import rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.outputs.web.charting import PlacedFaces
    from twin.outputs.web.codec import Bundle
    from twin.outputs.web.geometry import Facets
    from twin.scene.pack import ScenePack


def edge_lines(
    pack: ScenePack, made: Facets, placed: PlacedFaces, bundle: Bundle, step_m: float
) -> dict[str, Any]:
    """Eaves, ridges and corners of houses: which of the edges that bound a face are drawn, and pairs besides.

    Lines between places that are no corners are left out.
    """
    ends = rounded(pack["edge_points"].reshape(-1, 3), step_m)
    _, code = np.unique(np.concatenate([made.places, ends]), axis=0, return_inverse=True)
    code, n = code.ravel(), len(made.places)
    corner = np.full(int(code.max()) + 1 if len(code) else 0, -1, np.int64)
    corner[code[:n]] = np.arange(n)
    pairs = np.sort(corner[code[n:]].reshape(-1, 2), axis=1)
    drawn = np.unique(pairs[pairs[:, 0] >= 0] @ [n, 1])
    bounding = bounding_edges(placed, made.corner) @ [n, 1]
    others = np.setdiff1d(drawn, bounding)
    return {
        "shown": bundle.add(np.isin(bounding, drawn), codec="plain"),
        "others": bundle.add(np.column_stack(np.divmod(others, max(n, 1)))),
    }


def bounding_edges(placed: PlacedFaces, corner: NDArray[np.int64]) -> NDArray[np.int64]:
    """Edges that belong to one triangle of a face, as pairs of corners, shape (n, 2).

    The smaller corner first; each once, in the order in which the triangles name them.
    """
    ends = np.stack([placed.triangles, np.roll(placed.triangles, -1, axis=1)], axis=2).reshape(-1, 2)
    pairs = np.sort(corner[ends], axis=1)
    face = placed.face[ends[:, 0]]
    n = int(pairs.max(initial=0)) + 1
    code = pairs @ [n, 1]
    order = np.lexsort((code, face))
    same = (np.diff(code[order]) == 0) & (np.diff(face[order]) == 0)
    alone = np.ones(len(order), np.bool_)
    alone[1:][same] = alone[:-1][same] = False
    bounds = np.sort(order[alone])
    _, first = np.unique(code[bounds], return_index=True)
    return np.asarray(pairs[bounds[np.sort(first)]])
