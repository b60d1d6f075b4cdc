"""Where a picture is taken from: named views fitted to what they show, and cameras from a file."""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import ConfigError, UsageError
from twin.scene.pack import Material

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.scene.framing import Taken
    from twin.scene.pack import PackMeta, ScenePack

Vector = tuple[float, float, float]

VIEWS = ("overview", "street", "top", "north", "south", "east", "west", "axis")
_STREET_ANGLE_DEG = 52.0
_MODEL_ANGLE_DEG = 28.0
_HOUSE = (Material.WALL, Material.ROOF_FLAT, Material.ROOF_SLOPED)
_MAX_FILE_BYTES = 8_192
"""The time that Python takes for a key with very many dots grows with their square."""
_MANY_POINTS = 50_000
_NO_FIT = "the points to fit must not be empty"


@dataclass(frozen=True, slots=True)
class Camera:
    """An eye and what it looks at, in local metres of the scene.

    Parameters
    ----------
    eye, target : tuple of float
        They must differ.
    view_angle_deg : float
        Height of the field of view in a picture with perspective.
    parallel_height_m : float, optional
        Metres that the height of the picture shows; given, the picture has no perspective.

    Raises
    ------
    ValueError
        If eye and target are one, a number is not finite, or an angle is out of range.
    """

    eye: Vector
    target: Vector
    view_angle_deg: float = _MODEL_ANGLE_DEG
    parallel_height_m: float | None = None

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (*self.eye, *self.target))):
            raise ValueError("eye and target must be finite")
        if math.dist(self.eye, self.target) < 1e-6:
            raise ValueError("eye and target must differ")
        if not 1 <= self.view_angle_deg <= 150:
            raise ValueError(f"view_angle_deg must be 1 to 150, is {self.view_angle_deg}")
        if self.parallel_height_m is not None and not 0 < self.parallel_height_m < math.inf:
            raise ValueError("parallel_height_m must be positive")

    @property
    def axes(self) -> NDArray[np.float64]:
        """Rows: right, up and forward, unit vectors; north is up in a view straight down."""
        forward = np.subtract(self.target, self.eye) / math.dist(self.eye, self.target)
        hint = np.array([0.0, 0.0, 1.0]) if abs(forward[2]) < 0.9999 else np.array([0.0, 1.0, 0.0])
        right = np.cross(forward, hint)
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(right, forward), forward])


def project(camera: Camera, points: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.float64]:
    """Where points of space appear in a picture.

    Parameters
    ----------
    camera : Camera
    points : array, shape (n, 3)
        Local metres.
    size : tuple of int
        Width and height in pixels.

    Returns
    -------
    array, shape (n, 3)
        Column and row in pixels from the upper left corner, and distance along the view in metres (negative
        behind the camera, where column and row mean nothing).

    Examples
    --------
    >>> import numpy as np
    >>> project(Camera((0, -10, 0), (0, 0, 0)), np.zeros((1, 3)), (200, 100)).tolist()
    [[100.0, 50.0, 10.0]]
    """
    seen = (np.asarray(points, dtype=np.float64) - camera.eye) @ camera.axes.T
    width, height = size
    if camera.parallel_height_m is not None:
        scale: Any = height / camera.parallel_height_m
    else:
        depth = np.where(np.abs(seen[:, 2]) > 1e-6, seen[:, 2], 1e-6)
        scale = height / (2 * math.tan(math.radians(camera.view_angle_deg) / 2) * depth)
    return np.column_stack([width / 2 + seen[:, 0] * scale, height / 2 - seen[:, 1] * scale, seen[:, 2]])


def metres_per_pixel(camera: Camera, height_px: int, distance_m: float | None = None) -> float:
    """Size of a pixel across the view at a distance, by default at the target."""
    if camera.parallel_height_m is not None:
        return camera.parallel_height_m / height_px
    distance = math.dist(camera.eye, camera.target) if distance_m is None else distance_m
    return 2 * math.tan(math.radians(camera.view_angle_deg) / 2) * distance / height_px


@dataclass(frozen=True, slots=True)
class Margins:
    """Shares of the picture that stay free of what is fitted, for title, legend and scale."""

    left: float = 0.03
    right: float = 0.06
    top: float = 0.08
    bottom: float = 0.08


_SIDES = {"north": 0.0, "east": 90.0, "south": 180.0, "west": 270.0}
_MARGINS = {"top": Margins(top=0.115), "axis": Margins(left=0.0, right=0.0, top=0.14, bottom=0.14)}

_SINKS = {"overview": (0.5, 0.35), "top": (0.5,), "axis": (0.2, 0.1)}
"""How low the city may lie in a picture that is taller than it needs; a legend may find room above it."""


def fit(
    points: NDArray[np.floating],
    *,
    azimuth_deg: float,
    elevation_deg: float,
    aspect: float,
    view_angle_deg: float = _MODEL_ANGLE_DEG,
    margins: Margins | None = None,
    sink: float = 0.5,
) -> Camera:
    """The nearest camera from a direction that has all points in the picture.

    Each side of the field of view is a plane; it is moved until it touches the outermost point, which gives the
    eye in closed form.

    Parameters
    ----------
    points : array, shape (n, 3)
        Local metres.
    azimuth_deg, elevation_deg : float
        Where the camera stands, seen from the points: clockwise from north, and above the horizon.
    aspect : float
        Width over height of the picture.
    sink : float
        Where the points lie in a picture that is taller than they need: 0 at its lower edge, 0.5 in its middle.

    Raises
    ------
    ValueError
        If there is no point.
    """
    if not len(points):
        raise ValueError(_NO_FIT)
    m = margins or Margins()
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    away = np.array(
        [
            math.cos(elevation) * math.sin(azimuth),
            math.cos(elevation) * math.cos(azimuth),
            math.sin(elevation),
        ]
    )
    axes = Camera((0.0, 0.0, 0.0), tuple(-away)).axes
    x, y, z = (np.asarray(points, dtype=np.float64) @ axes.T).T
    tall = math.tan(math.radians(view_angle_deg) / 2)
    wide = tall * aspect
    # A point lies inside the right-hand plane if x - cx <= wide_r * (z - cz), and likewise for the others.
    limits = (
        wide * (1 - 2 * m.right),
        wide * (1 - 2 * m.left),
        tall * (1 - 2 * m.top),
        tall * (1 - 2 * m.bottom),
    )
    right, left, upper, lower = limits
    r, le = np.max(x - right * z), np.max(-x - left * z)
    u, lo = np.max(y - upper * z), np.max(-y - lower * z)
    back = max((r + le) / (right + left), (u + lo) / (upper + lower))
    eye_x = (r - right * back + left * back - le) / 2
    # The upper plane alone would have the eye at its lowest, the lower plane alone at its highest.
    eye_y = sink * (u - upper * back) + (1 - sink) * (lower * back - lo)
    eye = np.array([eye_x, eye_y, -back]) @ axes
    target = np.array([eye_x, eye_y, float(z.mean())]) @ axes
    return Camera(_vector(eye), _vector(target), view_angle_deg)


def fit_top(points: NDArray[np.floating], *, aspect: float, margins: Margins | None = None) -> Camera:
    """The view straight down without perspective, north up, that holds all points.

    Raises
    ------
    ValueError
        If there is no point.
    """
    if not len(points):
        raise ValueError(_NO_FIT)
    m = margins or _MARGINS["top"]
    low, high = np.min(points, axis=0).astype(float), np.max(points, axis=0).astype(float)
    width, height = high[0] - low[0], high[1] - low[1]
    free_x, free_y = 1 - m.left - m.right, 1 - m.top - m.bottom
    shown = max(height / free_y, width / free_x / aspect, 1.0)
    x = (low[0] + high[0]) / 2 + (m.right - m.left) / 2 * shown * aspect
    y = (low[1] + high[1]) / 2 + (m.top - m.bottom) / 2 * shown
    return Camera((x, y, high[2] + shown), (x, y, high[2]), parallel_height_m=shown)


def named_view(name: str, pack: ScenePack, *, aspect: float, taken: Sequence[Taken] = ()) -> Camera:
    """The camera of a named view; what is seen of the city keeps clear of what is `taken` by legends.

    ``overview`` looks from the best side, a little turned against the streets, so that roofs and two sides of each
    house are seen; ``north`` and its kin look from that side; ``axis`` looks low along the main direction of the
    streets; ``street`` stands in a street at the height of the eyes, below the legend; ``top`` is a map.

    Raises
    ------
    UsageError
        If there is no such view.
    """
    from twin.scene.framing import clear_of

    if name == "street":
        return _street_view(pack, aspect=aspect)
    if name not in VIEWS:
        raise UsageError(
            "--view",
            f"there is no view {name!r}",
            f"choose one of {', '.join(VIEWS)} or a .json or .toml file",
        )
    margins = _MARGINS.get(name, Margins())
    shown = _standing(pack) if name == "axis" else pack["fit_points"]
    sinks = _SINKS.get(name, _SINKS["overview"])

    def camera(right: float, sink: float) -> Camera:
        return _fitted_view(name, pack, aspect=aspect, margins=replace(margins, right=right), sink=sink)

    if not taken:
        return camera(margins.right, sinks[0])
    return clear_of(camera, shown, taken, least=margins.right, aspect=aspect, sinks=sinks)


def _fitted_view(name: str, pack: ScenePack, *, aspect: float, margins: Margins, sink: float) -> Camera:
    points = pack["fit_points"]
    if name == "top":
        return fit_top(points, aspect=aspect, margins=margins)
    if name == "axis":
        return _axis_view(pack, aspect=aspect, margins=margins, sink=sink)
    azimuth = _SIDES.get(name, pack.meta.overview_deg)
    elevation = 32 if name in _SIDES else 31
    return fit(
        points, azimuth_deg=azimuth, elevation_deg=elevation, aspect=aspect, margins=margins, sink=sink
    )


def _axis_view(pack: ScenePack, *, aspect: float, margins: Margins, sink: float) -> Camera:
    """Along the streets over the houses, which fill its width; the ground before them runs out of the picture.

    Seen so low a district is a strip: it lies low in the picture, its skyline before the sky.
    """
    houses = pack["facet_points"][np.isin(pack["facet_material"], _HOUSE)]
    return fit(
        houses if len(houses) else pack["fit_points"],
        azimuth_deg=_axis_azimuth(pack.meta),
        elevation_deg=20,
        aspect=aspect,
        margins=margins,
        sink=sink,
    )


def _standing(pack: ScenePack) -> NDArray[np.float32]:
    """Points of what stands on the ground, of a large city some; the ground alone where nothing does."""
    tops = pack["tree_foot"] + np.array([0, 0, 1], np.float32) * pack["tree_size"][:, 1:]
    points = np.concatenate([pack["facet_points"], tops])
    points = points[:: max(1, len(points) // _MANY_POINTS)]
    return points if len(points) else pack["fit_points"]


def _axis_azimuth(meta: PackMeta) -> float:
    """The end of an axis of the streets that lies nearest to where the overview is taken from."""
    ends = [(meta.axis_deg + 90 * k) % 360 for k in range(4)]
    return min(ends, key=lambda c: (abs((c - meta.overview_deg + 180) % 360 - 180), c))


def _street_view(pack: ScenePack, *, aspect: float) -> Camera:
    if not pack.meta.street_views:
        return fit(
            pack["fit_points"],
            azimuth_deg=pack.meta.overview_deg,
            elevation_deg=14,
            aspect=aspect,
        )
    x, y, z, direction = pack.meta.street_views[0]
    ahead = math.radians(direction)
    return Camera((x, y, z), (x + 20 * math.sin(ahead), y + 20 * math.cos(ahead), z + 0.9), _STREET_ANGLE_DEG)


def load_camera(path: Path, origin: Sequence[int]) -> Camera:
    """A camera from a JSON or TOML file, given in map coordinates.

    Keys: ``eye`` and ``target`` (easting, northing, elevation), and ``view_angle_deg`` or ``parallel_height_m``.

    Raises
    ------
    UsageError
        If there is no such file.
    ConfigError
        If the file is damaged or a key is missing, unknown or out of range.
    """
    if not path.is_file():
        raise UsageError(
            "--view", f"{path} is no file", f"choose one of {', '.join(VIEWS)}, or a camera file"
        )
    data = _camera_table(path)
    try:
        eye, target = (_map_point(data[k], origin) for k in ("eye", "target"))
        numbers = {
            k: float(data[k]) for k in ("view_angle_deg", "parallel_height_m") if data.get(k) is not None
        }
        return Camera(eye, target, **numbers)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ConfigError(path, f"is no camera ({error})", "give three numbers for eye and target") from error


def _camera_table(path: Path) -> dict[str, Any]:
    """The keys of a camera file, known ones alone."""
    try:
        with path.open("rb") as handle:
            raw = handle.read(_MAX_FILE_BYTES + 1)
        if len(raw) > _MAX_FILE_BYTES:
            raise ConfigError(path, f"is over {_MAX_FILE_BYTES} bytes long", "a camera takes a few lines")
        text = raw.decode("utf-8-sig")
        data = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else error
        raise ConfigError(
            path, f"is no camera file ({why})", "write JSON or TOML with eye and target"
        ) from error
    known = {"eye", "target", "view_angle_deg", "parallel_height_m"}
    if not isinstance(data, dict) or set(data) - known or not {"eye", "target"} <= set(data):
        raise ConfigError(
            path, f"needs eye and target, and knows only {', '.join(sorted(known))}", "mend the keys"
        )
    return data


def _map_point(values: Any, origin: Sequence[int]) -> Vector:
    """Three numbers in map coordinates as a place in local metres."""
    if not isinstance(values, list) or len(values) != 3:
        raise ValueError(f"three numbers are needed, not {str(values)[:40]}")
    x, y, z = (float(v) - o for v, o in zip(values, origin, strict=True))
    return x, y, z


def camera_to_json(camera: Camera, origin: Sequence[int]) -> dict[str, Any]:
    """The camera in map coordinates, as `load_camera` reads it."""
    data: dict[str, Any] = {
        "eye": [round(float(a + b), 3) for a, b in zip(camera.eye, origin, strict=True)],
        "target": [round(float(a + b), 3) for a, b in zip(camera.target, origin, strict=True)],
    }
    if camera.parallel_height_m is None:
        return {**data, "view_angle_deg": camera.view_angle_deg}
    return {**data, "parallel_height_m": camera.parallel_height_m}


def _vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = (float(v) for v in values)
    return x, y, z
