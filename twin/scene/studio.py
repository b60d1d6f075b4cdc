"""A scene drawn again and again, at one moment after another: window, geometry and light stay between the pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.scene.bake import Baker
from twin.scene.canvas import Canvas

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from twin.scene.bake import Light
    from twin.scene.camera import Camera
    from twin.scene.colour import ColourBy
    from twin.scene.furniture import Patch, Sheet
    from twin.scene.live_stage import LiveStage
    from twin.scene.scene import Scene
    from twin.scene.shot import Furniture

    Marks = Callable[[Sheet], Sequence[Patch]]

_SPARE_LIGHTS = 3


class Studio:
    """Makes the pictures that `Scene.image` makes, many of them, in one warm process.

    Parameters
    ----------
    size : tuple of int
        Width and height, pixels.
    keeps_light : bool
        Whether new light goes into the cache of the city, for pictures that will be asked for again.

    Raises
    ------
    GraphicsError
        If this machine cannot draw.
    LimitError
        If pictures would be too large.

    Examples
    --------
    >>> import twin
    >>> scene = twin.Scene(twin.open_city("town.twin"))  # doctest: +SKIP
    >>> with Studio((1280, 720)) as studio:  # doctest: +SKIP
    ...     for view in ("north", "south"):
    ...         picture = studio.picture(scene, scene.camera(view, studio.size))
    """

    def __init__(self, size: tuple[int, int], *, keeps_light: bool = False) -> None:
        from twin.scene.shot import check_size

        check_size(size)
        self._keeps_light = keeps_light
        self.size = size
        self._canvas: Canvas | None = None
        self._made: _Made | None = None
        self._baker: Baker | None = None
        self._lights: dict[tuple[float, float], Light] = {}

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the window back."""
        if self._canvas is not None:
            self._canvas.close()
            self._canvas = None

    def picture(
        self,
        scene: Scene,
        camera: Camera,
        *,
        color_by: str | ColourBy | None = None,
        furniture: Furniture | None = None,
        marks: Marks | None = None,
    ) -> NDArray[np.uint8]:
        """What ``scene.image(size=..., view=camera, ...)`` gives, sooner.

        Parameters
        ----------
        scene : Scene
            At the moment that is shown.
        camera : Camera
        color_by : str or ColourBy, optional
        furniture : Furniture, optional
        marks : function, optional
            Gives more patches to lay over everything, such as captions.

        Returns
        -------
        array, shape (height, width, 3)
            uint8.
        """
        from twin.scene.furniture import Sheet, compose

        live = self._stage(scene, color_by or scene.shot.color_by)
        if self._canvas is None:
            self._canvas = Canvas(self.size, many=True)
        picture = self._canvas.draw(live.stage, camera)
        patches = scene.furniture(camera, self.size, live.legend, furniture or scene.shot.furniture)
        compose(picture, patches)
        if marks is not None:
            compose(picture, marks(Sheet(self.size, scene.style, scene.notices)))
        return picture

    def _stage(self, scene: Scene, color_by: str | ColourBy | None) -> LiveStage:
        """The stage of a scene: the last one, brought to its moment, where nothing else differs."""
        self._light_up(scene)
        made = self._made
        if made is None or not _is_same_but_time(made.scene, scene) or made.color_by != color_by:
            self._made = _Made(scene, color_by, scene.stage(color_by))
            return self._made.live
        made.live.take(scene)
        return made.live

    def _light_up(self, scene: Scene) -> None:
        """Light a scene as the last ones were lit if the sun stands where it stood, else with the rays of before."""
        if self._baker is None or self._baker.pack is not scene.pack:
            self._baker = Baker(scene.pack)
            self._lights.clear()
        place = (scene.sun.azimuth_deg, scene.sun.elevation_deg)
        if place not in self._lights:
            known = scene.has_light or self._keeps_light
            self._lights[place] = scene.light if known else self._bake(scene)
            while len(self._lights) > _SPARE_LIGHTS:
                self._lights.pop(next(iter(self._lights)))
        scene.take_light(self._lights[place])

    def _bake(self, scene: Scene) -> Light:
        from twin.scene.bake import light_for

        return light_for(
            scene.pack, scene.sun, scene.light_folder, notices=scene.notices, baker=self._baker, is_kept=False
        )


@dataclass(frozen=True, slots=True)
class _Made:
    """A stage, and what it was made for."""

    scene: Scene
    color_by: str | ColourBy | None
    live: LiveStage


def _is_same_but_time(one: Scene, two: Scene) -> bool:
    return one.pack is two.pack and one.style == two.style and one.layers == two.layers
