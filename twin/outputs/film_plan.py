"""What a film shows in each of its pictures, decided before the first is drawn."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from twin import __version__
from twin.core.errors import LimitError, UsageError
from twin.core.files import canonical_json
from twin.outputs.captions import Caption, read_captions, require_language, shown_at
from twin.outputs.film_marks import caption_patches, logo_patch, read_logo
from twin.scene.camera import Camera, camera_to_json
from twin.scene.flight import Flight, Stop, solid_surface, still_flight, tour_flight
from twin.scene.orbit import orbit_flight
from twin.scene.scene_furniture import legend_places

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from PIL import Image

    from twin.scene.furniture import Patch, Sheet
    from twin.scene.scene import Scene
    from twin.scene.shot import Furniture
    from twin.scene.workspace import Tour

ORBIT_S, RANGE_S, TOUR_S = 20.0, 12.0, 4.0
"""How long films are where nobody says so; a tour as long for each stop."""
MAX_FRAMES = 216_000
MAX_FPS = 120.0
DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class FilmOptions:
    """What is asked for.

    Parameters
    ----------
    size : tuple of int
        Width and height, pixels.
    fps : float
        Pictures a second, 1 to 120.
    seconds : float, optional
        How long the film is.
    orbits : bool
        Turn around the city, or around what the camera looks at.
    tour : Tour, optional
        Cameras to fly past.
    view : str or Camera, optional
        Where the camera stands if it does not move.
    time_range : tuple of datetime, optional
        First and last moment.
    still_sun : bool
        Leave the sun at the middle of `time_range`.
    captions, logo : Path, optional
    language : str
        Of the captions; legend, scale and remarks have that of the scene.
    color_by : str, optional
    """

    size: tuple[int, int] = (1920, 1080)
    fps: float = 30.0
    seconds: float | None = None
    orbits: bool = False
    tour: Tour | None = None
    view: str | Path | Camera | None = None
    time_range: tuple[datetime, datetime] | None = None
    still_sun: bool = False
    captions: Path | None = None
    language: str = DEFAULT_LANGUAGE
    logo: Path | None = None
    color_by: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.fps <= MAX_FPS:
            raise UsageError("--fps", f"{self.fps:g} is out of range", f"give 1 to {MAX_FPS:g}")
        if self.seconds is not None and not 0 < self.seconds < math.inf:
            raise UsageError(
                "--seconds", f"{self.seconds:g} is no length of a film", "give a positive number"
            )
        if self.orbits and self.tour is not None:
            raise UsageError("--orbit", "cannot go with --tour", "choose one of them")


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a film: when it is shown, from where, and which moment it shows."""

    second: float
    camera: Camera
    when: datetime | None


@dataclass(frozen=True, slots=True)
class FilmPlan:
    """A film before it is drawn.

    Parameters
    ----------
    key : str
        Digest of everything that decides its pictures: the same key means the same film.
    """

    options: FilmOptions
    frames: tuple[Frame, ...]
    furniture: Furniture
    captions: tuple[Caption, ...]
    logo: Image.Image | None
    still_scene: Scene
    key: str

    def scene_of(self, frame: Frame) -> Scene:
        """The scene at the moment of a frame."""
        if frame.when is None:
            return self.still_scene
        return self.still_scene.at(frame.when, still_sun=self.options.still_sun)

    def marks(self, frame: Frame, sheet: Sheet) -> list[Patch]:
        """What the film lays over a picture of its own."""
        patches = [logo_patch(sheet, self.logo)] if self.logo is not None else []
        shown = shown_at(self.captions, frame.second, self.options.language)
        return [*patches, *caption_patches(sheet, shown)]


def plan_film(scene: Scene, options: FilmOptions, *, source_key: str = "") -> FilmPlan:
    """Decide every picture of a film.

    Parameters
    ----------
    scene : Scene
        With its layers, style and furniture.
    options : FilmOptions
    source_key : str
        Digest of what the scene was made from.

    Raises
    ------
    UsageError
        If nothing moves, or the time range lies outside all that the layers know.
    LimitError
        If the film would have too many pictures.
    TwinError
        If a file cannot be read.
    """
    flight = _flight(scene, options)
    n = max(1, round(flight.seconds * options.fps))
    if n > MAX_FRAMES:
        raise LimitError(
            "--seconds", f"asks for {n:,} pictures, the limit is {MAX_FRAMES:,}", "make it shorter"
        )
    if options.time_range is not None:
        _check_range(scene, options.time_range)
    captions = read_captions(options.captions) if options.captions else ()
    captions = (*captions, *_stop_captions(options.tour, flight))
    require_language(captions, options.language)
    frames = tuple(_frame(i, n, flight, options) for i in range(n))
    logo = read_logo(options.logo) if options.logo else None
    furniture = replace(scene.shot.furniture, attribution=True)
    still = _still_scene(scene, options)
    plan = FilmPlan(options, frames, furniture, captions, logo, still, "")
    return replace(plan, key=_key(plan, source_key))


def _flight(scene: Scene, options: FilmOptions) -> Flight:
    size = options.size
    if options.tour is not None:
        origin = scene.pack.meta.origin
        from twin.scene.workspace_scene import local_camera

        stops = [Stop(local_camera(s.camera, origin), s.travel_s, s.hold_s) for s in options.tour.stops]
        return tour_flight(
            stops,
            is_closed=options.tour.is_closed,
            seconds=options.seconds,
            surface=solid_surface(scene.pack),
        )
    if options.orbits:
        around = (
            scene.camera(options.view, size, color_by=options.color_by) if options.view is not None else None
        )
        seconds = options.seconds or ORBIT_S
        taken = legend_places(scene, size, color_by=options.color_by)
        return orbit_flight(scene.pack, seconds=seconds, aspect=size[0] / size[1], around=around, taken=taken)
    if options.time_range is None:
        raise UsageError("film", "nothing moves in it", "ask for --orbit, --tour or --time-range")
    return still_flight(
        scene.camera(options.view, size, color_by=options.color_by), seconds=options.seconds or RANGE_S
    )


def _frame(i: int, n: int, flight: Flight, options: FilmOptions) -> Frame:
    """A picture is taken at its start; of a time range the last one shows the end."""
    second = i / options.fps
    when = _tour_moment(options.tour, flight, second)
    if options.time_range is not None:
        start, end = options.time_range
        when = start + (end - start) * (i / max(n - 1, 1))
    return Frame(second, flight.at(second), when)


def _tour_moment(tour: Tour | None, flight: Flight, second: float) -> datetime | None:
    """Between two stops that tell a moment, time passes evenly."""
    if tour is None:
        return None
    known = [(at, s.time) for at, s in zip(flight.stop_s, tour.stops, strict=False) if s.time is not None]
    if not known:
        return None
    before = [k for k in known if k[0] <= second] or known[:1]
    after = [k for k in known if k[0] > second] or known[-1:]
    (t0, a), (t1, b) = before[-1], after[0]
    return a if t1 <= t0 else a + (b - a) * min(max((second - t0) / (t1 - t0), 0.0), 1.0)


def _stop_captions(tour: Tour | None, flight: Flight) -> tuple[Caption, ...]:
    """Captions of the stops, each from where it is reached to the next."""
    if tour is None:
        return ()
    ends = [*flight.stop_s[1 : len(tour.stops)], flight.seconds]
    return tuple(
        Caption(start, end, stop.caption)
        for start, end, stop in zip(flight.stop_s, ends, tour.stops, strict=False)
        if stop.caption and end > start
    )


def _check_range(scene: Scene, time_range: tuple[datetime, datetime]) -> None:
    """Refuse a range in which no layer knows anything; tell of one that goes beyond what they know."""
    span, (start, end) = scene.span, time_range
    if span is None:
        return
    there = f"{span[0].isoformat()}/{span[1].isoformat()}"
    if end < span[0] or start > span[1]:
        raise UsageError("--time-range", "lies outside of what the layers know", f"choose within {there}")
    if start < span[0] or end > span[1]:
        scene.notices.add("film-range", f"the film goes beyond what the layers know ({there})")


def parse_time_range(text: str, scene_span: tuple[datetime, datetime] | None) -> tuple[datetime, datetime]:
    """First and last moment from ``A/B`` in ISO 8601, or ``all`` for what the layers know.

    Raises
    ------
    UsageError
        If it is none.

    Examples
    --------
    >>> parse_time_range("2026-07-01T05:00+03:00/2026-07-01T22:00+03:00", None)[1].hour
    22
    """
    from twin.energy.sun import parse_time

    if text == "all":
        if scene_span is None:
            raise UsageError(
                "--time-range", "no layer changes with time", "name a flood with --layer, or give A/B"
            )
        return scene_span
    first, slash, last = text.partition("/")
    if not slash:
        raise UsageError("--time-range", f"{text!r} is no range", "write A/B, both as 2026-07-01T14:00+03:00")
    start, end = parse_time(first), parse_time(last)
    if start >= end:
        raise UsageError("--time-range", f"{text!r} ends before it begins", "write the earlier moment first")
    return start, end


def _still_scene(scene: Scene, options: FilmOptions) -> Scene:
    if options.time_range is None or not options.still_sun:
        return scene
    start, end = options.time_range
    return scene.at(start + (end - start) / 2)


def _key(plan: FilmPlan, source_key: str) -> str:
    """Digest of all that decides the pictures."""
    origin = plan.still_scene.pack.meta.origin
    o = plan.options
    told: dict[str, Any] = {
        "version": __version__,
        "source": source_key,
        "style": repr(plan.still_scene.style),
        "layers": [layer.name for layer in plan.still_scene.layers],
        "size": o.size,
        "fps": o.fps,
        "still_sun": o.still_sun,
        "language": [o.language, plan.still_scene.language],
        "color_by": repr(o.color_by or plan.still_scene.shot.color_by),
        "furniture": repr(plan.furniture),
        "captions": [repr(c) for c in plan.captions],
        "logo": hashlib.sha256(plan.logo.tobytes()).hexdigest() if plan.logo is not None else "",
        "frames": [
            [camera_to_json(f.camera, origin), f.when.isoformat() if f.when else None] for f in plan.frames
        ],
    }
    return hashlib.sha256(canonical_json(told).encode()).hexdigest()


def frame_range(n: int, step: int) -> Sequence[tuple[int, int]]:
    """Frames in runs of at most `step`: first, and one past the last.

    Examples
    --------
    >>> frame_range(5, 2)
    [(0, 2), (2, 4), (4, 5)]
    """
    return [(i, min(i + step, n)) for i in range(0, n, step)]
