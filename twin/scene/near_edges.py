"""Edges of a large city: an actor for some neighbouring tiles draws those of them that are near enough to be seen.

An actor takes its time before the first picture, and far edges take theirs in every picture; so actors are few, and
what they draw changes while the camera moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.in_view import in_view, nearest_m

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twin.scene.camera import Camera


@dataclass
class Stretch:
    """Some tiles of edges, of which an actor draws a few.

    Parameters
    ----------
    actor : vtkActor
    first, last : int
        Its tiles.
    fill : callable
        Makes the actor draw tiles, told by their numbers.
    drawn : set of int
        What it draws.
    """

    actor: Any
    first: int
    last: int
    fill: Callable[[list[int]], None]
    drawn: set[int] = field(default_factory=set)

    def draw(self, near: set[int], wanted: set[int]) -> bool:
        """Draw what is wanted; what is near but out of the picture may stay, so that a turn makes nothing anew."""
        if not wanted:
            return False
        if not wanted <= self.drawn <= near:
            self.fill(sorted(wanted))
            self.drawn = wanted
        return True


@dataclass
class NearEdges:
    """All edges of a large city.

    Parameters
    ----------
    boxes : array, shape (n, 6)
        Boxes of the tiles as VTK orders bounds, local metres.
    width_m : float
        An edge is drawn as wide as that, far away paler than a pixel.
    stretches : list of Stretch
    """

    boxes: NDArray[np.floating]
    width_m: float
    stretches: list[Stretch] = field(default_factory=list)

    def choose(self, camera: Camera, farthest_m: float) -> set[Any]:
        """Make each actor draw its edges that are near enough and may be seen; the actors that draw any."""
        is_near = nearest_m(self.boxes, camera.eye) < farthest_m
        near = set(np.flatnonzero(is_near).tolist())
        wanted = set(np.flatnonzero(is_near & in_view(self.boxes, camera)).tolist())
        shown = set()
        for stretch in self.stretches:
            tiles = range(stretch.first, stretch.last)
            if stretch.draw(near, wanted.intersection(tiles)):
                shown.add(stretch.actor)
        return shown
