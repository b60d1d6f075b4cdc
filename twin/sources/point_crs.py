"""In which coordinates point clouds are, and how they come into the city's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.core.crs import (
    PointTransform,
    describe,
    heights_agree,
    horizontal,
    in_metres,
    is_placed,
    make_transform,
    names_heights,
    same_horizontal,
    to_metre_factors,
    vertical,
)
from twin.core.errors import CrsError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyproj import CRS

    from twin.core.notices import Notices
    from twin.sources.points import PointFile

GIVE_CRS = "say which it is with --crs, such as --crs EPSG:28992"
# Surveys in degrees are stored in steps finer than a metre, those in metres or feet never.
DEGREE_STEP, DEGREE_M = 1e-5, 111_000.0
METRE_TOLERANCE = 1e-9


def common_crs(files: Sequence[PointFile], crs: CRS | None = None) -> CRS:
    """The CRS of a city made from these files: the one given, else the one that all of them name.

    A CRS in feet becomes the same in metres. Files of one projection of which some name a vertical datum and
    the others none have that datum in common.

    Parameters
    ----------
    files : sequence of PointFile
        At least one.
    crs : CRS, optional
        What the user said; then the files are transformed and may differ.

    Raises
    ------
    CrsError
        If a file names none, or one that cannot be understood or has no place on earth; if two files differ, or
        only in their heights where the given CRS has none. Both are named then.
    InputError
        If the files are in degrees.

    Notes
    -----
    Nothing but headers is looked at.
    """
    if crs is not None:
        _refuse_mixed_heights([f for f in files if f.crs is not None and is_placed(f.crs)], crs)
        return crs
    first, found = files[0], _named_crs(files[0])
    for file in files[1:]:
        other = _named_crs(file)
        if not same_horizontal(found, other) or not heights_agree(found, other):
            raise _differ(first, file, "name the city's with --crs, then both are brought into it")
        if len(other.axis_info) > len(found.axis_info):
            first, found = file, other
    if horizontal(found).is_geographic:
        raise InputError(
            first.path,
            f"its coordinates are in degrees ({describe(found)}); a city needs metres",
            "name a projected CRS for the city with --crs, such as --crs EPSG:25832",
        )
    return in_metres(found)


def _refuse_mixed_heights(files: Sequence[PointFile], crs: CRS) -> None:
    """A city without a vertical datum takes heights as they come, which must then be of one kind."""
    if names_heights(crs):
        return
    telling = [f for f in files if f.crs is not None and names_heights(f.crs)]
    for file in telling[1:]:
        if not _agree(telling[0], file):
            raise _differ(
                telling[0], file, "name the city's vertical datum too, such as --crs EPSG:28992+5709"
            )


def _agree(first: PointFile, second: PointFile) -> bool:
    return first.crs is None or second.crs is None or heights_agree(first.crs, second.crs)


def _differ(first: PointFile, second: PointFile, remedy: str) -> CrsError:
    names = [describe(file.crs) for file in (first, second) if file.crs is not None]
    return CrsError(f"{first.path} and {second.path}", f"are in different CRS: {' and '.join(names)}", remedy)


def _named_crs(file: PointFile) -> CRS:
    if file.crs is None:
        what = file.crs_problem or "names no CRS"
        raise CrsError(file.path, what, GIVE_CRS)
    if not is_placed(file.crs):
        raise CrsError(file.path, f"its CRS {describe(file.crs)} is no map projection", GIVE_CRS)
    return file.crs


def file_transform(
    file: PointFile, city_crs: CRS, *, height_offset_m: float | None = None, notices: Notices
) -> PointTransform:
    """The way of a file's points into the city.

    A file that names no CRS, or none that can be used, is taken to be in the city's.

    Parameters
    ----------
    file : PointFile
    city_crs : CRS
        Projected, metres.
    height_offset_m : float, optional
        Metres to add to the elevations of the file instead of transforming them.
    notices : Notices
        Is told of feet, and of a CRS that could not be used.

    Raises
    ------
    CrsError
        If no more than a guess is known between the two vertical datums.
    InputError
        If the coordinates cannot be in the CRS that the file names.
    """
    source = _usable_crs(file, city_crs, notices)
    if source is city_crs and height_offset_m is not None:
        source = horizontal(city_crs)  # nothing says that its heights are the city's already
    _check_range(file, source, notices)
    _tell_feet(file, source, notices)
    return make_transform(source, city_crs, height_offset_m=height_offset_m, where=file.path, notices=notices)


def _usable_crs(file: PointFile, city_crs: CRS, notices: Notices) -> CRS:
    if file.crs is not None and is_placed(file.crs):
        return file.crs
    problem = file.crs_problem or "names no CRS"
    if file.crs is not None:
        problem = f"its CRS {describe(file.crs)} is no map projection"
    notices.add(
        "point-crs", f"{file.path}: {problem}; taken to be in {describe(city_crs)}", subject=file.path.name
    )
    return city_crs


def _check_range(file: PointFile, source: CRS, notices: Notices) -> None:
    """Refuse degrees where the CRS counts in metres, and the other way round."""
    if not file.n_points:
        return
    b = file.bounds
    within = max(abs(b.x_min), abs(b.x_max)) <= 360 and max(abs(b.y_min), abs(b.y_max)) <= 90
    if horizontal(source).is_geographic and not within:
        raise InputError(
            file.path,
            f"{describe(source)} counts in degrees, but x runs to {b.x_max:.0f} and y to {b.y_max:.0f}:"
            " out of range",
            "the file names a wrong CRS; correct it, for instance with `pdal translate`",
        )
    if horizontal(source).is_geographic and max(file.header.scales[:2]) > DEGREE_STEP:
        step = max(file.header.scales[:2])
        notices.add(
            "coarse",
            f"{file.path}: coordinates are stored in steps of {step:g} degrees ({step * DEGREE_M:.1f} m)",
            subject=file.path.name,
        )
    fine = max(file.header.scales[:2]) <= DEGREE_STEP
    if not horizontal(source).is_geographic and within and fine and (b.x_max, b.y_max) != (0, 0):
        raise InputError(
            file.path,
            f"its coordinates look like degrees (x to {b.x_max:.6f}, y to {b.y_max:.6f}),"
            f" {describe(source)} counts in metres",
            "give the file its right CRS, such as EPSG:4326, for instance with `pdal translate`",
        )


def _tell_feet(file: PointFile, source: CRS, notices: Notices) -> None:
    factors = to_metre_factors(source)
    if all(abs(f - 1) <= METRE_TOLERANCE for f in factors):
        return
    assumed = "" if vertical(source) is not None else ", taken to be in the same unit,"
    notices.add(
        "feet",
        f"{file.path}: coordinates and heights{assumed} are converted to metres"
        f" (one foot of its heights is {factors[1]:.10g} m)",
        subject=file.path.name,
    )
