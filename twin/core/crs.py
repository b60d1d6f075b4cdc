"""Coordinate reference systems: names in, checks, units, and the way from one to another.

A city has a projected CRS in metres and, where it is known, a vertical one. Inputs come in whatever they are
in; `make_transform` brings them home. Horizontal and vertical parts travel separately, so that a missing geoid
grid is noticed and never replaced by a silent guess, and PROJ never reaches for the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from twin.core.crs_parts import (
    check_city_crs,
    crs_name,
    crs_text,
    describe,
    has_ellipsoidal_heights,
    horizontal,
    in_metres,
    is_placed,
    parse_crs,
    same_crs,
    same_horizontal,
    same_vertical_datum,
    to_metre_factors,
    vertical,
)
from twin.core.errors import CrsError
from twin.core.grid import Bounds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS, Transformer
    from pyproj.transformer import TransformerGroup

    from twin.core.notices import Notices

__all__ = [
    "PointTransform",
    "check_city_crs",
    "crs_name",
    "crs_text",
    "describe",
    "forbid_network",
    "has_ellipsoidal_heights",
    "heights_agree",
    "horizontal",
    "in_metres",
    "is_placed",
    "make_transform",
    "names_heights",
    "parse_crs",
    "same_crs",
    "same_horizontal",
    "same_vertical_datum",
    "to_metre_factors",
    "vertical",
]

# A better transformation than the one at hand is worth a word where it is better by more than this.
NOTABLE_ACCURACY_M = 0.05


@dataclass(frozen=True, slots=True)
class PointTransform:
    """From one CRS into another; picklable, so that workers take it along.

    Parameters
    ----------
    where : str
        The input that is meant, for messages.
    horizontal_pair : tuple of str or None
        WKT of the horizontal parts, None where easting and northing stay as they are.
    vertical_pair : tuple of str or None
        WKT of the source and of the same with the target's heights, None where a factor does it.
    z_factor, z_offset_m : float
        Elevations become ``z * z_factor + z_offset_m`` where there is no `vertical_pair`.
    """

    where: str
    horizontal_pair: tuple[str, str] | None = None
    vertical_pair: tuple[str, str] | None = None
    z_factor: float = 1.0
    z_offset_m: float = 0.0

    @property
    def is_identity(self) -> bool:
        """Whether nothing changes."""
        pairs = self.horizontal_pair is None and self.vertical_pair is None
        return pairs and self.z_factor == 1 and self.z_offset_m == 0

    def __call__(self, xyz: NDArray[np.float64]) -> NDArray[np.float64]:
        """The points in the target's coordinates, shape (n, 3); `xyz` itself where nothing changes."""
        if self.is_identity or len(xyz) == 0:
            return xyz
        x, y, z = xyz[:, 0], xyz[:, 1], xyz[:, 2]
        out = np.empty_like(xyz, dtype=np.float64)
        out[:, 2] = z * self.z_factor + self.z_offset_m
        if self.vertical_pair is not None:
            out[:, 2] = _transformer(*self.vertical_pair).transform(x, y, z)[2]
        out[:, 0], out[:, 1] = x, y
        if self.horizontal_pair is not None:
            out[:, 0], out[:, 1] = _transformer(*self.horizontal_pair).transform(x, y)
        self._refuse_outside(out, xyz)
        return out

    def to_source(self, bounds: Bounds) -> Bounds:
        """A rectangle of the source's coordinates that covers `bounds` of the target's."""
        if self.horizontal_pair is None:
            return bounds
        corners = (bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max)
        return Bounds(*_transformer(*self.horizontal_pair[::-1]).transform_bounds(*corners, densify_pts=51))

    def to_target(self, bounds: Bounds) -> Bounds:
        """A rectangle of the target's coordinates that covers `bounds` of the source's."""
        if self.horizontal_pair is None:
            return bounds
        corners = (bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max)
        return Bounds(*_transformer(*self.horizontal_pair).transform_bounds(*corners, densify_pts=51))

    def _refuse_outside(self, out: NDArray[np.float64], xyz: NDArray[np.float64]) -> None:
        bad = np.asarray(~np.isfinite(out).all(axis=1), dtype=np.bool_)
        if bad.any():
            x, y, z = xyz[bad.argmax()]
            raise CrsError(
                self.where,
                f"{int(bad.sum())} of {len(bad)} points cannot be transformed, the first at {x:.6g}, {y:.6g}, {z:.6g}",
                "the CRS does not fit the coordinates; give the right one",
            )


@lru_cache(maxsize=64)
def _known_transformer(source_wkt: str, target_wkt: str) -> Transformer | None:
    """A transformation that is more than PROJ's ballpark guess, None where there is none."""
    from pyproj import CRS, Transformer
    from pyproj.exceptions import ProjError

    forbid_network()
    source, target = CRS.from_wkt(source_wkt), CRS.from_wkt(target_wkt)
    try:
        return Transformer.from_crs(source, target, always_xy=True, allow_ballpark=False)
    except ProjError:
        return None


@lru_cache(maxsize=64)
def _transformer(source_wkt: str, target_wkt: str) -> Transformer:
    from pyproj import CRS, Transformer

    known = _known_transformer(source_wkt, target_wkt)
    if known is not None:
        return known
    return Transformer.from_crs(CRS.from_wkt(source_wkt), CRS.from_wkt(target_wkt), always_xy=True)


def forbid_network() -> None:
    """Keep PROJ from fetching grids: a result must not depend on whether a server answers today."""
    from pyproj import network

    if network.is_network_enabled():  # type: ignore[attr-defined]
        network.set_network_enabled(False)  # type: ignore[attr-defined]


def make_transform(
    source: CRS,
    target: CRS,
    *,
    height_offset_m: float | None = None,
    where: str | Path,
    notices: Notices,
) -> PointTransform:
    """The way from an input's coordinates into the city's.

    Easting and northing go by the best transformation whose grids are here. Elevations are converted to metres
    and pass where the datum is the same or where one side names none; between two datums they need a
    transformation that is more than a guess.

    Parameters
    ----------
    source, target : CRS
        Of the input and of the city.
    height_offset_m : float, optional
        Metres to add to the elevations instead of transforming them; not added where the source names the very
        heights of the target.
    where : path or str
        The input, for messages.
    notices : Notices
        Is told where a better transformation exists but its grid is not here, where heights had to be taken on
        trust, and where the offset was not needed.

    Raises
    ------
    CrsError
        If only a guess is known between the two vertical datums; names the missing grid.

    Examples
    --------
    >>> from twin.core.notices import Notices
    >>> home = make_transform(
    ...     parse_crs("EPSG:2263"), parse_crs("EPSG:32118"), where="survey.laz", notices=Notices()
    ... )
    >>> home(np.array([[984250.0, 0.0, 100.0]])).round(3)
    array([[3.000e+05, 0.000e+00, 3.048e+01]])
    """
    if not is_placed(source):
        raise CrsError(
            where,
            f"{describe(source)} has no place on earth",
            "write its right CRS into the file; --crs counts only for files that name none",
        )
    pair, factor, offset_m = _height_way(source, target, height_offset_m, where=where, notices=notices)
    return PointTransform(
        where=str(where),
        horizontal_pair=_horizontal_way(source, target, where=where, notices=notices),
        vertical_pair=pair,
        z_factor=factor,
        z_offset_m=offset_m,
    )


def _horizontal_way(
    source: CRS, target: CRS, *, where: str | Path, notices: Notices
) -> tuple[str, str] | None:
    if same_horizontal(source, target):
        return None
    pair = horizontal(source).to_wkt(), horizontal(target).to_wkt()
    known, group = _known_transformer(*pair), _operations(horizontal(source), horizontal(target))
    if known is None:
        _refuse_other_worlds(source, target, pair, where=where)
        notices.add(
            "crs-datum",
            f"{where}: {describe(source)} and {describe(target)} have different datums and no transformation"
            f" between them is here{_grids_wanted(group)}; they were taken as one, positions can be metres off",
            subject=str(where),
        )
    else:
        _tell_accuracy(known, group, "positions", where, notices)
    return pair


def _refuse_other_worlds(source: CRS, target: CRS, pair: tuple[str, str], *, where: str | Path) -> None:
    """Refuse a CRS whose ellipsoid is not the Earth's; PROJ knows no way from there, not even a guess."""
    from pyproj.exceptions import ProjError

    try:
        _transformer(*pair)
    except ProjError as error:
        raise CrsError(
            where,
            f"no way leads from {describe(source)} to {describe(target)}: the first may not be of the Earth",
            "write its right CRS into the file",
        ) from error


def _height_way(
    source: CRS, target: CRS, height_offset_m: float | None, *, where: str | Path, notices: Notices
) -> tuple[tuple[str, str] | None, float, float]:
    """The WKT pair of a true transformation or None, and the factor and offset that do without."""
    factor = to_metre_factors(source)[1] / to_metre_factors(target)[1]
    named = names_heights(source) and names_heights(target)
    if named and heights_agree(source, target):
        if height_offset_m:
            _tell_offset_left_out(target, height_offset_m, where, notices)
        return None, factor, 0.0
    if height_offset_m is not None:
        return None, factor, height_offset_m
    if not named:
        _tell_assumed_heights(source, target, where, notices)
        return None, factor, 0.0
    return _transformed_heights(source, target, where=where, notices=notices), 1.0, 0.0


def _transformed_heights(source: CRS, target: CRS, *, where: str | Path, notices: Notices) -> tuple[str, str]:
    """The WKT pair between two datums, if PROJ knows more than a guess."""
    raised = _with_heights_of(horizontal(source), target)
    pair = source.to_wkt(), raised.to_wkt()
    known, group = _known_transformer(*pair), _operations(source, raised)
    if known is None:
        raise CrsError(
            where,
            f"heights ({_height_name(source)}) cannot be turned into {_height_name(target)}: "
            f"only a guess without the geoid is known{_grids_wanted(group)}",
            "give --height-offset M, the metres to add to its heights, or put the grid into PROJ's data folder",
        )
    _tell_accuracy(known, group, "heights", where, notices)
    return pair


def _tell_offset_left_out(target: CRS, offset_m: float, where: str | Path, notices: Notices) -> None:
    notices.add(
        "height-offset",
        f"{where}: its heights are the city's own ({_height_name(target)}); the {offset_m:+g} m of --height-offset"
        " were not added",
        subject=str(where),
    )


def _tell_assumed_heights(source: CRS, target: CRS, where: str | Path, notices: Notices) -> None:
    """A survey in another projection seldom has the city's heights, those of satellite navigation never."""
    if names_heights(target) and not same_horizontal(source, target):
        notices.add(
            "heights-assumed",
            f"{where}: {describe(source)} does not say from which zero heights count; they were taken to be"
            f" {_height_name(target)} (if not, give --height-offset M, the metres to add)",
            subject=str(where),
        )


def heights_agree(a: CRS, b: CRS) -> bool:
    """Whether elevations can be taken over: they count from the same zero, or one side does not say from which."""
    if not (names_heights(a) and names_heights(b)):
        return True
    if has_ellipsoidal_heights(a) or has_ellipsoidal_heights(b):
        return has_ellipsoidal_heights(a) and has_ellipsoidal_heights(b)
    return same_vertical_datum(a, b)


def names_heights(crs: CRS) -> bool:
    """Whether the CRS says from which zero elevations count."""
    up = vertical(crs)
    return has_ellipsoidal_heights(crs) or (up is not None and is_placed(up))


def _height_name(crs: CRS) -> str:
    up = vertical(crs)
    return f"above the ellipsoid, {crs.name}" if up is None else str(up.name)


def _with_heights_of(flat: CRS, target: CRS) -> CRS:
    from pyproj.crs import CompoundCRS

    up = vertical(target)
    return flat.to_3d() if up is None else CompoundCRS(f"{flat.name} + {up.name}", [flat, up])


def _operations(source: CRS, target: CRS) -> TransformerGroup:
    import warnings

    from pyproj.transformer import TransformerGroup

    forbid_network()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "best transformation is not available": told by us
        try:
            return TransformerGroup(source, target, always_xy=True, allow_ballpark=True)
        except IndexError as error:  # what pyproj raises where PROJ finds no way at all
            what = f"no transformation is known from {source.name} to {target.name}"
            raise CrsError(source.name, what, "check the CRS of the file, or name the right one") from error


def _missing_grids(operations: Iterable[object]) -> list[str]:
    names = [g.short_name for op in operations for g in getattr(op, "grids", ()) if not g.available]
    return list(dict.fromkeys(names))


def _grids_wanted(group: TransformerGroup) -> str:
    names = _missing_grids(group.unavailable_operations)[:3]
    return f" (missing grid: {', '.join(names)})" if names else ""


def _tell_accuracy(
    used: Transformer, group: TransformerGroup, what: str, where: str | Path, notices: Notices
) -> None:
    best = next((op for op in group.unavailable_operations if op.accuracy >= 0), None)
    if group.best_available or best is None or 0 <= used.accuracy < best.accuracy + NOTABLE_ACCURACY_M:
        return
    # PROJ gives -1 where it will choose among several operations by the place of each point.
    reached = f"to {used.accuracy:g} m" if used.accuracy >= 0 else "as well as the place allows"
    notices.add(
        "crs-accuracy",
        f"{where}: {what} are transformed {reached}; {best.accuracy:g} m would need the grid"
        f" {', '.join(_missing_grids([best]))} in PROJ's data folder",
        subject=str(where),
    )
