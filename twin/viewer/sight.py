"""What rays meet in the scene that is shown: under the mouse, below one's feet. Prepared beside the interface."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from twin.scene.camera import Camera
from twin.scene.feature_picking import pick_feature
from twin.scene.picking import Kind, cast, pick, pixel_rays, prepare_picker, showing
from twin.viewer import navigation as nav
from twin.viewer.work import ThreadJob

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from PySide6.QtCore import QPointF

    from twin.scene.layers import MarkerView
    from twin.scene.pack import ScenePack
    from twin.scene.picking import Hit, Picker
    from twin.scene.scene import Scene
    from twin.scene.section import Plane
    from twin.viewer.canvas import SceneWidget

_GROUND = (Kind.TERRAIN, Kind.WATER, Kind.BRIDGE)
_GROUP_KINDS = {
    "terrain": (Kind.TERRAIN,), "water": (Kind.WATER,), "trees": (Kind.TREE,), "bridges": (Kind.BRIDGE,),
    "buildings": (Kind.BUILDING,), "unmapped": (Kind.MASS,),
}  # fmt: skip
_FAR_M = 20_000.0
_WALLS = (Kind.BUILDING, Kind.MASS, Kind.MODEL, Kind.TERRAIN, Kind.BRIDGE)
_LOOKS_M, _HEADING_STEP_DEG, _HEADING_SIDES = 150.0, 7.5, 2
_KEEPS_HEADING = 0.2
"""How much more an opening counts ahead than behind."""
_BODY_M = 0.6
"""Nobody comes nearer to a wall than this."""


class Sight(QObject):
    """Rays through the scene on the canvas.

    `marks` tells which stations and vehicles are drawn at the moment of a look: they come, go and move with the clock.

    Signals
    -------
    ready
        Rays can be cast into the scene that was loaded last.
    """

    ready = Signal()

    def __init__(self, canvas: SceneWidget, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.canvas = canvas
        self.marks: Callable[[], Sequence[MarkerView]] = tuple
        self.plane: Plane | None = None
        self.picker: Picker | None = None
        self._floor: Picker | None = None
        self._whole: Picker | None = None
        self._hidden: tuple[str, ...] = ()
        self._job: ThreadJob | None = None

    @property
    def is_ready(self) -> bool:
        """Whether rays can be cast."""
        return self.picker is not None

    def watch(self, scene: Scene) -> None:
        """Prepare another scene; until then rays meet the one before, if it is the same place."""
        pack = scene.pack
        if self._whole is not None and self._whole.pack is pack:
            return
        if self._whole is not None and self._whole.pack.meta.origin != pack.meta.origin:
            self.forget()
        if self._job is not None:
            self._job.cancel()
        self._job = job = ThreadJob(lambda _told: ready_picker(pack), name="picker", parent=self)
        job.finished.connect(lambda picker: self._take(job, picker))
        job.ended.connect(job.deleteLater)
        job.start()

    def forget(self) -> None:
        """Let the scene go."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self.picker = self._floor = self._whole = None

    def hide(self, layers: tuple[str, ...]) -> None:
        """Let rays pass what is switched off."""
        self._hidden = layers
        if self._whole is None:
            return
        kinds = [kind for name in layers for kind in _GROUP_KINDS.get(name, ())]
        self.picker = showing(self._whole, hidden_kinds=kinds) if kinds else self._whole

    def _take(self, job: ThreadJob, picker: Picker) -> None:
        if job is not self._job:
            return
        self._job = None
        self._whole = picker
        self._floor = showing(picker, hidden_kinds=[k for k in Kind if k not in _GROUND])
        self.hide(self._hidden)
        self.ready.emit()

    def under(self, camera: Camera | None, pixel: tuple[float, float]) -> Hit | None:
        """What stands first under a pixel; None under the sky, or before rays can be cast."""
        if self.picker is None or camera is None:
            return None
        hit = pick(self.picker, camera, self.canvas.size_px, pixel, markers=self.marks())
        if hit is None or self.plane is None or self.plane.to_plane(np.array(hit.position))[2] <= 0:
            return hit
        return self._behind(self.plane, camera, pixel)

    def feature(self, camera: Camera | None, pixel: tuple[float, float], hit: Hit | None) -> Hit | None:
        """The feature of an added layer that is meant by a pixel, before what a ray meets there; None for none."""
        if self.picker is None or camera is None:
            return None
        return pick_feature(self.picker.pack, camera, self.canvas.size_px, pixel, hit)

    def _behind(self, plane: Plane, camera: Camera, pixel: tuple[float, float]) -> Hit | None:
        """What a ray meets once it has passed through what is cut away."""
        if self.picker is None:
            return None
        origins, directions = pixel_rays(camera, self.canvas.size_px, np.array([pixel]))
        normal = plane.axes[2]
        above = float(plane.to_plane(origins[0] + self.picker.pack.meta.origin)[2])
        sinks = -float(directions[0] @ normal)
        if above <= 0 or sinks <= 1e-9:
            return None
        way = above / sinks
        hit = cast(self.picker, origins + way * directions, directions)[0]
        return None if hit is None else replace(hit, distance_m=hit.distance_m + way)

    def local(self, place: tuple[float, float, float]) -> tuple[float, float, float]:
        """A place on the map in local metres."""
        if self.picker is None:
            raise RuntimeError("no scene")
        o = self.picker.pack.meta.origin
        return place[0] - o[0], place[1] - o[1], place[2] - o[2]

    def ground(self, x: float, y: float) -> float:
        """Elevation of the ground, a bridge or water, local metres; NaN where there is none."""
        if self._floor is None:
            return math.nan
        top = self._floor.pack.meta.block[5] + 10.0
        hit = cast(self._floor, np.array([[x, y, top]]), np.array([[0.0, 0.0, -1.0]]))[0]
        return hit.position[2] - self._floor.pack.meta.origin[2] if hit is not None else math.nan

    def step_out(self, place: tuple[float, float, float], azimuth_deg: float) -> Camera | None:
        """A camera at the height of the eyes near a place, in the open; None where there is no ground."""
        for radius in (0.0, 4.0, 8.0, 14.0, 22.0, 35.0, 60.0, 100.0):
            for turn in range(8 if radius else 1):
                x, y, _ = np.asarray(place) + radius * nav.direction(azimuth_deg + 180 + 45 * turn, 0.0)
                if self._is_open(float(x), float(y)):
                    z = self.ground(float(x), float(y)) + nav.EYE_HEIGHT_M
                    ahead = nav.direction(self.open_heading((float(x), float(y), z), azimuth_deg), 0.0) * 20
                    return Camera(
                        (float(x), float(y), z),
                        (float(x + ahead[0]), float(y + ahead[1]), z),
                        nav.WALK_ANGLE_DEG,
                    )
        return None

    def open_heading(self, eye: tuple[float, float, float], azimuth_deg: float) -> float:
        """The azimuth into which one sees farthest from an eye; of those about as open the one nearest to a given one.

        An opening counts as far as its sides let one see: no gap between houses is taken for a street.
        """
        azimuths = azimuth_deg + np.arange(0, 360, _HEADING_STEP_DEG)
        free = self._free(eye, azimuths, met=(*_WALLS, Kind.TREE))
        wide = np.stack([np.roll(free, k) for k in range(-_HEADING_SIDES, _HEADING_SIDES + 1)]).min(axis=0)
        turned = np.radians(azimuths - azimuth_deg)
        score = (0.35 * free + wide) * (1.0 + _KEEPS_HEADING * np.cos(turned))
        return float(azimuths[int(np.argmax(score))] % 360)

    def free_way(
        self, eye: tuple[float, float, float], azimuth_deg: float, metres: float
    ) -> tuple[float, float]:
        """Azimuth and length of a step that a wall would end: along the wall, or 0 where there is no way."""
        turns = np.array([0.0, 25.0, -25.0, 50.0, -50.0, 75.0, -75.0])
        low = (eye[0], eye[1], eye[2] - 0.7)
        free = np.minimum(self._free(eye, azimuth_deg + turns), self._free(low, azimuth_deg + turns))
        open_ = np.flatnonzero(free > metres + _BODY_M)
        if not len(open_):
            return azimuth_deg, 0.0
        turn = float(turns[open_[0]])
        return azimuth_deg + turn, metres * math.cos(math.radians(turn))

    def _free(
        self,
        eye: tuple[float, float, float],
        azimuths_deg: NDArray[np.float64],
        *,
        met: Sequence[Kind] = _WALLS,
    ) -> NDArray[np.float64]:
        """Metres to what stands next in level directions, as far as one looks."""
        if self._whole is None:
            return np.full(len(azimuths_deg), _LOOKS_M)
        ways = np.array([nav.direction(float(a), 0.0) for a in azimuths_deg])
        hits = cast(self._whole, np.tile(np.array(eye), (len(ways), 1)), ways)
        return np.array(
            [
                _LOOKS_M if hit is None or hit.kind not in met else min(hit.distance_m, _LOOKS_M)
                for hit in hits
            ]
        )

    def _is_open(self, x: float, y: float) -> bool:
        """Whether there is ground and nothing stands on it."""
        floor, picker = self.ground(x, y), self._whole
        if picker is None or not math.isfinite(floor):
            return False
        top = picker.pack.meta.block[5] + 10.0
        hit = cast(picker, np.array([[x, y, top]]), np.array([[0.0, 0.0, -1.0]]))[0]
        return hit is not None and hit.kind in {Kind.TERRAIN, Kind.BRIDGE}

    def on_plane(self, camera: Camera, place: QPointF) -> tuple[float, float, float]:
        """Where the ray under the mouse meets the level of what one looks at; a place ahead where it does not."""
        pixel = np.array([self.canvas.pixel(place)])
        origins, directions = pixel_rays(camera, self.canvas.size_px, pixel)
        drop, slope = camera.target[2] - origins[0, 2], directions[0, 2]
        reach = drop / slope if abs(slope) > 1e-4 else math.inf
        if not 0 < reach < _FAR_M:
            reach = math.dist(camera.eye, camera.target)
        x, y, z = (float(v) for v in origins[0] + reach * directions[0])
        return x, y, z


def ready_picker(pack: ScenePack) -> Picker:
    """A picker whose first ray is cast already: the compiled code is there before the first click asks for it."""
    picker = prepare_picker(pack)
    cast(picker, np.array([[0.0, 0.0, pack.meta.block[5] + 10.0]]), np.array([[0.0, 0.0, -1.0]]))
    return picker
