"""When water closes a road and how dangerous it is: rules from data files, each with its source and edition."""

from __future__ import annotations

import itertools
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.assets import asset_names, asset_path
from twin.core.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

STATES = ("open", "caution", "restricted", "closed")
"""States of a road from best to worst; its code is the place in this list, -1 where nothing is known."""
CLOSED = STATES.index("closed")
ROADS, HAZARD = "water/roads", "water/hazard"
DEFAULT_ROADS, DEFAULT_HAZARD = "korea-2024", "aidr-2017"
_MEASURES = ("depth_m", "velocity_m_s", "depth_velocity_m2_s")


@dataclass(frozen=True, slots=True)
class Limits:
    """Depth, speed and their product at which something begins; infinite where the rule does not ask for it."""

    depth_m: float = math.inf
    velocity_m_s: float = math.inf
    depth_velocity_m2_s: float = math.inf


@dataclass(frozen=True, slots=True)
class SafeSpeed:
    """How fast one may drive through water: a polynomial of the depth in millimetres.

    Parameters
    ----------
    coefficients : tuple of float
        km/h, lowest order first.
    impassable_m : float
        From this depth on nobody drives.
    least_km_h : float
        Kept up to there.
    source : str
        Where it was published.
    """

    coefficients: tuple[float, ...]
    impassable_m: float
    least_km_h: float
    source: str


@dataclass(frozen=True, slots=True)
class RoadStandard:
    """When a road is open, driven with caution, restricted or closed.

    Parameters
    ----------
    name, title, edition, source : str
        What it is and who published it when.
    limits : tuple of Limits
        Where caution, restricted and closed begin, each of them by any of its limits.
    underpass : tuple of Limits
        The same below a deck.
    speed : SafeSpeed
        How fast one may drive.
    """

    name: str
    title: str
    edition: str
    source: str
    limits: tuple[Limits, ...]
    underpass: tuple[Limits, ...]
    speed: SafeSpeed


@dataclass(frozen=True, slots=True)
class HazardStandard:
    """Classes of danger by depth and speed.

    Parameters
    ----------
    name, title, edition, source : str
        What it is and who published it when.
    classes : tuple of str
        Names from least to worst.
    meanings : tuple of str
        What each says.
    legends : tuple of str
        What a legend has room for, such as ``H1 generally safe``; empty where the standard gives no such text.
    limits : tuple of Limits
        Up to where each class but the last reaches; empty for a rating.
    ratings : tuple of float
        Below which rating each class but the last lies; empty for limits.
    offset_m_s, debris_depth_m, debris : float, float, tuple of float
        Of the rating ``d (v + offset) + debris``, with debris up to that depth and beyond.
    """

    name: str
    title: str
    edition: str
    source: str
    classes: tuple[str, ...]
    meanings: tuple[str, ...]
    limits: tuple[Limits, ...] = ()
    ratings: tuple[float, ...] = ()
    offset_m_s: float = 0.0
    debris_depth_m: float = 0.0
    debris: tuple[float, float] = (0.0, 0.0)
    legends: tuple[str, ...] = ()


def road_standard(name: str | Path = DEFAULT_ROADS) -> RoadStandard:
    """A shipped standard for roads by its name, or one from a ``.toml`` file.

    Raises
    ------
    UsageError
        If there is no such standard.
    ConfigError
        If the file has a mistake; names the key.

    Examples
    --------
    >>> standard = road_standard("korea-2024")
    >>> standard.limits[-1].depth_m, standard.underpass[-1].depth_m
    (0.3, 0.15)
    """
    path, data = _read(name, ROADS)
    limits = _steps(path, data, "")
    special = data.get("underpass")
    under = _steps(path, special, "underpass.") if isinstance(special, dict) else limits
    speed = data.get("speed")
    if not isinstance(speed, dict):
        raise ConfigError(f"{path}: speed", "is missing", "compare it with a shipped standard")
    return RoadStandard(
        path.stem, **_labels(path, data), limits=limits, underpass=under, speed=_speed(path, speed)
    )


def hazard_standard(name: str | Path = DEFAULT_HAZARD) -> HazardStandard:
    """A shipped standard of hazard classes by its name, or one from a ``.toml`` file.

    Raises
    ------
    UsageError
        If there is no such standard.
    ConfigError
        If the file has a mistake; names the key.

    Examples
    --------
    >>> hazard_standard("aidr-2017").classes
    ('H1', 'H2', 'H3', 'H4', 'H5', 'H6')
    """
    path, data = _read(name, HAZARD)
    classes = data.get("class")
    if not isinstance(classes, list) or len(classes) < 2 or not all(isinstance(c, dict) for c in classes):
        raise ConfigError(f"{path}: class", "two classes at least are needed", "write [[class]] sections")
    shared = {
        **_labels(path, data),
        "classes": tuple(str(c.get("name", i + 1)) for i, c in enumerate(classes)),
        "meanings": tuple(str(c.get("means", "")) for c in classes),
        "legends": tuple(str(c.get("legend", "")) for c in classes),
    }
    rule = data.get("rule")
    if rule == "limits":
        limits = tuple(_limits(path, c, f"class.{i}") for i, c in enumerate(classes[:-1]))
        _require_rising(path, "class", limits)
        return HazardStandard(path.stem, **shared, limits=limits)
    if rule != "rating":
        raise ConfigError(f"{path}: rule", f"is {rule!r}", 'write "limits" or "rating"')
    ratings = tuple(_number(path, c, "rating", f"class.{i}.") for i, c in enumerate(classes[:-1]))
    if any(b <= a for a, b in itertools.pairwise(ratings)):
        raise ConfigError(f"{path}: class", "ratings must rise", "put the least dangerous class first")
    return HazardStandard(
        path.stem,
        **shared,
        ratings=ratings,
        offset_m_s=_number(path, data, "velocity_offset_m_s"),
        debris_depth_m=_number(path, data, "debris_depth_m"),
        debris=(_number(path, data, "debris_shallow"), _number(path, data, "debris_deep")),
    )


def road_states(
    limits: tuple[Limits, ...], depth_m: ArrayLike, velocity_m_s: ArrayLike, product_m2_s: ArrayLike
) -> NDArray[np.int8]:
    """Code of the state (place in `STATES`) for greatest depth, speed and product of a road.

    Parameters
    ----------
    limits : tuple of Limits
        Of a `RoadStandard`, on the open road or below a deck.
    depth_m, velocity_m_s, product_m2_s : array, any one shape
        NaN depth is unknown (-1); NaN speed is left out of account.

    Returns
    -------
    array of int8, the same shape

    Examples
    --------
    >>> road_states(road_standard().limits, [0.04, 0.15, 0.3, float("nan")], 0.0, 0.0).tolist()
    [0, 2, 3, -1]
    """
    depth, speed, product = np.broadcast_arrays(depth_m, velocity_m_s, product_m2_s)
    out = np.zeros(depth.shape, np.int8)
    for code, limit in enumerate(limits, start=1):
        out[_reached(depth, limit.depth_m)] = code
        out[_reached(speed, limit.velocity_m_s) | _reached(product, limit.depth_velocity_m2_s)] = code
    return np.where(np.isnan(depth), np.int8(-1), out)


def _reached(values: NDArray[Any], limit: float) -> NDArray[np.bool_]:
    """Whether a limit is reached; float32 values meet a limit that they cannot hold exactly."""
    with np.errstate(invalid="ignore"):
        return np.asarray(values >= limit - 1e-6)


def safe_speed(speed: SafeSpeed, depth_m: ArrayLike) -> NDArray[np.float64]:
    """Speed at which one may drive through water of a depth, km/h; 0 where nobody should, NaN where it is unknown.

    Examples
    --------
    >>> safe_speed(road_standard().speed, [0.0, 0.1, 0.3]).round(2).tolist()
    [86.94, 40.65, 0.0]

    References
    ----------
    Pregnolato, M., Ford, A., Wilkinson, S. M., Dawson, R. J. (2017). The impact of flooding on road transport:
    a depth-disruption function. Transportation Research Part D 55, 67-81.
    """
    depth = np.asarray(depth_m, np.float64)
    km_h = np.polynomial.polynomial.polyval(depth * 1000.0, speed.coefficients)
    top = speed.coefficients[0]
    kept = np.clip(km_h, speed.least_km_h, top)
    return np.where(_reached(depth, speed.impassable_m), 0.0, kept)


def hazard_classes(standard: HazardStandard, depth_m: ArrayLike, velocity_m_s: ArrayLike) -> NDArray[np.int8]:
    """Class of danger for water of a depth and speed: 1 is the least, 0 dry.

    Parameters
    ----------
    standard : HazardStandard
    depth_m, velocity_m_s : array, any one shape
        NaN depth counts as dry, NaN speed as standing water.

    Returns
    -------
    array of int8, the same shape

    Examples
    --------
    >>> hazard_classes(hazard_standard("aidr-2017"), [0.0, 0.3, 0.4, 1.0, 5.0], [0.0, 1.0, 1.0, 1.0, 0.0]).tolist()
    [0, 1, 2, 4, 6]
    """
    depth, speed = np.broadcast_arrays(np.nan_to_num(depth_m), np.nan_to_num(velocity_m_s))
    if standard.limits:
        return limit_classes(standard, depth, speed, depth * speed)
    debris = np.where(depth > standard.debris_depth_m, standard.debris[1], standard.debris[0])
    rating = depth * (speed + standard.offset_m_s) + debris
    found = 1 + np.searchsorted(standard.ratings, rating.reshape(-1), side="right").reshape(rating.shape)
    return np.where(depth > 0, found, 0).astype(np.int8)


def limit_classes(
    standard: HazardStandard, depth_m: ArrayLike, velocity_m_s: ArrayLike, product_m2_s: ArrayLike
) -> NDArray[np.int8]:
    """Class by limits: the first of which none is passed.

    Since each measure alone can only raise the class, the greatest values over time give the worst class over time.
    """
    depth = np.nan_to_num(np.asarray(depth_m))
    out = np.ones(depth.shape, np.int8)
    for values, key in ((depth, _MEASURES[0]), (velocity_m_s, _MEASURES[1]), (product_m2_s, _MEASURES[2])):
        bounds = np.array([getattr(limit, key) for limit in standard.limits])
        passed = (
            np.nan_to_num(np.asarray(values)) - 1e-6
        )  # a float32 meets a bound that it cannot hold exactly
        code = 1 + np.searchsorted(bounds, passed.reshape(-1), side="left").reshape(depth.shape)
        np.maximum(out, code.astype(np.int8), out=out)
    return np.where(depth > 0, out, np.int8(0))


def _read(name: str | Path, folder: str) -> tuple[Path, dict[str, Any]]:
    known = [n.removesuffix(".toml") for n in asset_names(folder)]
    if str(name) in known:
        path = asset_path(f"{folder}/{name}.toml")
    elif Path(name).suffix.lower() == ".toml" and Path(name).is_file():
        path = Path(name)
    else:
        raise UsageError(
            "standard", f"there is none called {name!r}", f"choose one of {', '.join(known)} or a .toml file"
        )
    try:
        return path, tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(path, f"is no TOML ({error})", "compare it with a shipped standard") from error


def _labels(path: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    for key in ("title", "edition", "source"):
        if not isinstance(data.get(key), str) or not data[key].strip():
            raise ConfigError(f"{path}: {key}", "is missing", "say what the standard is and where it stands")
    return {key: data[key] for key in ("title", "edition", "source")}


def _steps(path: Path, data: Mapping[str, Any], place: str) -> tuple[Limits, ...]:
    steps = tuple(_limits(path, data.get(state), f"{place}{state}") for state in STATES[1:])
    _require_rising(path, place.rstrip(".") or "limits", steps)
    return steps


def _limits(path: Path, table: Any, place: str) -> Limits:
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: {place}", "is missing", f"write [{place}] with depth_m")
    given = {key: _number(path, table, key, f"{place}.") for key in _MEASURES if key in table}
    if not given:
        raise ConfigError(f"{path}: {place}", "has no limit", f"write one of {', '.join(_MEASURES)}")
    return Limits(**given)


def _require_rising(path: Path, place: str, steps: tuple[Limits, ...]) -> None:
    for key in _MEASURES:
        asked = [v for v in (getattr(s, key) for s in steps) if math.isfinite(v)]
        if any(b < a for a, b in itertools.pairwise(asked)):
            raise ConfigError(
                f"{path}: {place}", f"{key} must not fall", "put the least dangerous step first"
            )


def _number(path: Path, table: Mapping[str, Any], key: str, place: str = "") -> float:
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ConfigError(f"{path}: {place}{key}", f"is {value!r}", "write a number, 0 or more")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _speed(path: Path, table: Mapping[str, Any]) -> SafeSpeed:
    numbers = table.get("coefficients_km_h_mm")
    if not isinstance(numbers, list) or not numbers or not all(_is_number(n) for n in numbers):
        raise ConfigError(f"{path}: speed.coefficients_km_h_mm", "must be a list of numbers", "km/h and mm")
    least = _number(path, table, "least_km_h", "speed.") if "least_km_h" in table else 0.0
    return SafeSpeed(
        tuple(map(float, numbers)),
        _number(path, table, "impassable_m", "speed."),
        least,
        str(table.get("source", "")),
    )
