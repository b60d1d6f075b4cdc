"""How a camera moves through a film: along a tour, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.scene.flight_path import STEPS, camera_of, eye_of, spline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from twin.scene.camera import Camera
    from twin.scene.pack import ScenePack

    Surface = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_LEAST_TRAVEL_S = 0.4
_CLEARANCE_M = 5.0


@dataclass(frozen=True, slots=True)
class Stop:
    """One camera of a tour. Parameters as of `twin.scene.workspace_parts.TourStop`; a travel of 0 s is a cut."""

    camera: Camera
    travel_s: float | None = None
    hold_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Flight:
    """Where the camera is at each moment of a film.

    Parameters
    ----------
    seconds : float
        How long it takes.
    legs : tuple of Leg
        One after the other.
    stop_s : tuple of float
        When each stop of a tour is reached.
    """

    seconds: float
    legs: tuple[Leg, ...]
    stop_s: tuple[float, ...] = ()

    def at(self, second: float) -> Camera:
        """The camera at a moment; before the start and after the end it rests."""
        second = min(max(second, 0.0), self.seconds)
        leg = next((leg for leg in reversed(self.legs) if leg.start_s <= second), self.legs[0])
        return leg.at(second - leg.start_s)


@dataclass(frozen=True, slots=True)
class Leg:
    """A way without a cut: the camera as a smooth function of seconds since its start."""

    start_s: float
    way: Any

    def at(self, second: float) -> Camera:
        """The camera so many seconds after the start of the leg."""
        return self.way(second)


def still_flight(camera: Camera, *, seconds: float) -> Flight:
    """A camera that rests."""
    return Flight(seconds, (Leg(0.0, lambda _second: camera),))


def tour_flight(
    stops: Sequence[Stop],
    *,
    is_closed: bool = False,
    seconds: float | None = None,
    surface: Surface | None = None,
) -> Flight:
    """A flight past cameras: a smooth line through all of them, gently started and ended, at an even pace between.

    The line is a centripetal Catmull-Rom spline, which has neither loops nor overshoot, through what is looked at and
    through direction and distance of the eye from there: the camera swings around the city and not through it. Along
    it runs a monotone function of time that is at rest at both ends and wherever a stop holds. Pace is motion against
    distance, since near things pass faster than far ones.

    Parameters
    ----------
    stops : sequence of Stop
        At least two.
    is_closed : bool
        Whether the flight returns to the first stop.
    seconds : float, optional
        How long all of it takes; times of stops are stretched to fit.
    surface : function, optional
        Elevation of the highest solid thing at places of shape (n, 2); between stops the eye is lifted over it.

    Raises
    ------
    ValueError
        If there are fewer than two stops.

    References
    ----------
    Barry & Goldman (1988), A recursive evaluation algorithm for a class of Catmull-Rom splines, SIGGRAPH '88.
    Fritsch & Butland (1984), A method for constructing local monotone piecewise cubic interpolants, SIAM J. Sci.
    Stat. Comput. 5, 300-304.
    """
    if len(stops) < 2:
        raise ValueError("a tour needs at least two stops")
    line = [*stops, Stop(stops[0].camera, stops[0].travel_s)] if is_closed else list(stops)
    runs = _runs(line)
    reach = [_way_length(run) for run in runs]
    pace = _pace(runs, reach, seconds)
    legs, arrivals, clock = [], [], 0.0
    for run, lengths in zip(runs, reach, strict=True):
        leg, took = _leg(run, lengths, pace, clock, surface)
        legs.append(leg)
        arrivals += [clock + t for t in took[:-1:2]]
        clock += took[-1]
    stretch = 1.0 if seconds is None or clock <= 0 else seconds / clock
    return Flight(
        float(clock * stretch),
        tuple(Leg(leg.start_s * stretch, _stretched(leg.way, stretch)) for leg in legs),
        tuple(float(t * stretch) for t in arrivals),
    )


def solid_surface(pack: ScenePack) -> Surface:
    """The elevation of roofs, bridges and ground, as `tour_flight` asks for it; -infinity beyond the city."""
    from twin.scene.bake import scene_occluders

    rays, top = scene_occluders(pack).solid, pack.meta.block[5] + 10.0

    def surface(places: NDArray[np.float64]) -> NDArray[np.float64]:
        eyes = np.column_stack([places, np.full(len(places), top)]).astype(np.float32)
        down = np.tile(np.array([0, 0, -1], np.float32), (len(places), 1))
        return np.asarray(top - rays.distances(eyes, down), np.float64)

    return surface


def _stretched(way: Any, stretch: float) -> Any:
    return way if stretch == 1.0 else lambda second: way(second / stretch)


def _runs(line: Sequence[Stop]) -> list[list[Stop]]:
    """The tour cut where a stop is reached in no time."""
    runs: list[list[Stop]] = [[line[0]]]
    for stop in line[1:]:
        if stop.travel_s == 0:
            runs.append([stop])
        else:
            runs[-1].append(stop)
    return runs


def _pace(
    runs: Sequence[Sequence[Stop]], reach: Sequence[NDArray[np.float64]], seconds: float | None
) -> float:
    """Way a second where a stop does not say how long its way takes."""
    free = sum(
        float(length)
        for run, lengths in zip(runs, reach, strict=True)
        for stop, length in zip(run[1:], lengths, strict=True)
        if stop.travel_s is None
    )
    given = sum(stop.hold_s + (stop.travel_s or 0.0) for run in runs for stop in run)
    n_free = sum(stop.travel_s is None for run in runs for stop in run[1:])
    left = max((seconds or 4.0 * n_free + given) - given, 0.5 * n_free)
    return free / left if free > 0 and left > 0 else 1.0


def _leg(
    run: Sequence[Stop], lengths: NDArray[np.float64], pace: float, start_s: float, surface: Surface | None
) -> tuple[Leg, list[float]]:
    """One run as a leg, and for each stop when it is reached and when it is left."""
    times, places, rests = [0.0], [0.0], [True]
    moments: list[float] = []
    for i, stop in enumerate(run):
        if i:
            travel = stop.travel_s or max(lengths[i - 1] / pace, _LEAST_TRAVEL_S)
            times.append(times[-1] + travel)
            places.append(places[-1] + 1.0)
            rests.append(stop.hold_s > 0 or i == len(run) - 1)
        moments.append(times[-1])
        if stop.hold_s > 0:
            times.append(times[-1] + stop.hold_s)
            places.append(places[-1])
            rests.append(True)
        moments.append(times[-1])
    if len(run) == 1:
        return Leg(start_s, lambda _second: run[0].camera), [0.0, max(times[-1], 1e-3)]
    way = _way(run, np.array(times), np.array(places), np.array(rests), surface)
    return Leg(start_s, way), moments


def _way(
    run: Sequence[Stop],
    times: NDArray[np.float64],
    places: NDArray[np.float64],
    rests: NDArray[np.bool_],
    surface: Surface | None,
) -> Any:
    """The camera as a function of seconds."""
    from scipy.interpolate import CubicHermiteSpline

    line, lengths = spline([stop.camera for stop in run])
    gone = np.concatenate([[0.0], np.cumsum(lengths.ravel())])
    knots = gone[np.rint(places * STEPS).astype(int)]
    run_along = CubicHermiteSpline(times, knots, _slopes(times, knots, rests))
    index = np.arange(len(gone)) / STEPS
    lift = _lifts(np.array([eye_of(line(number)) for number in index]), surface)

    def way(second: float) -> Camera:
        along = float(run_along(min(max(second, 0.0), float(times[-1]))))
        number = float(np.interp(along, gone, index))
        if abs(number - round(number)) < 1e-9:
            return run[round(number)].camera
        return camera_of(line(number), float(np.interp(number, index, lift)))

    return way


def _lifts(eyes: NDArray[np.float64], surface: Surface | None) -> NDArray[np.float64]:
    """How far the eye is lifted at each step, so that it passes over what it would fly through; nothing at a stop."""
    from scipy.ndimage import gaussian_filter1d, maximum_filter1d

    if surface is None:
        return np.zeros(len(eyes))
    free = eyes[:, 2] - surface(eyes[:, :2])
    # Between two stops in a street the eye stays as low as there.
    wanted = np.interp(
        np.arange(len(eyes)) / STEPS,
        np.arange(len(free[::STEPS])),
        np.clip(free[::STEPS], 0.5, _CLEARANCE_M),
    )
    need = np.maximum(wanted - free, 0.0)
    from_stop = np.abs((np.arange(len(eyes)) + STEPS // 2) % STEPS - STEPS // 2)
    need[from_stop <= 1] = 0.0
    wide = gaussian_filter1d(maximum_filter1d(np.nan_to_num(need), 13), 4.0, mode="nearest")
    near = np.clip(from_stop / 5.0, 0.0, 1.0)
    return np.asarray(wide * near * near * (3 - 2 * near))


def _slopes(
    times: NDArray[np.float64], knots: NDArray[np.float64], rests: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Speed at each knot: none at a rest, the harmonic mean of both sides elsewhere, so that nothing runs backwards."""
    speed = np.diff(knots) / np.maximum(np.diff(times), 1e-9)
    slopes = np.zeros(len(times))
    for i in range(1, len(times) - 1):
        if not rests[i] and speed[i - 1] > 0 and speed[i] > 0:
            slopes[i] = 2 / (1 / speed[i - 1] + 1 / speed[i])
    return slopes


def _way_length(run: Sequence[Stop]) -> NDArray[np.float64]:
    """Length of the way between neighbours, shape (n - 1,)."""
    if len(run) < 2:
        return np.zeros(0)
    return np.asarray(spline([stop.camera for stop in run])[1].sum(axis=1))
