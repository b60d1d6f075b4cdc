"""Where to stand for a picture of a district: whoever laid the streets knows the good places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.demo import skeleton as sk

if TYPE_CHECKING:
    from twin.demo.layout import Layout

    Place = tuple[float, float, float]


def viewpoints(layout: Layout) -> dict[str, dict[str, Any]]:
    """Cameras by name, in map coordinates, as ``twin snapshot --view FILE`` reads them.

    ``river`` looks over the river to the hospital and the towers behind it; ``canal``, where there is one, along the
    canal inland.

    Examples
    --------
    >>> from twin.demo.layout import make_layout
    >>> sorted(viewpoints(make_layout(60, seed=1)))
    ['canal', 'river']
    """
    s = layout.skeleton
    left, right = (float(s.node(min(k, s.nx), 0)[0]) for k in (1, 2))
    views = {"river": _camera((left + 35.0, -150.0, 42.0), (right + 15.0, 60.0, 8.0), 40.0)}
    canals = [i for i in range(1, s.nx + 1) if s.columns[i] == sk.CANAL]
    if canals:
        u, inland = float(s.node(canals[0], 0)[0]), s.node(canals[0], min(2, s.ny))
        views["canal"] = _camera((u + 17.0, -62.0, 34.0), (float(inland[0]), 120.0, 2.0), 40.0)
    return views


def _camera(eye: Place, target: Place, angle_deg: float) -> dict[str, Any]:
    """A camera given in the local frame of the district and heights above the datum."""
    xy = np.round(sk.to_world(np.array([eye[:2], target[:2]])), 2).tolist()
    return {"eye": [*xy[0], eye[2]], "target": [*xy[1], target[2]], "view_angle_deg": angle_deg}
