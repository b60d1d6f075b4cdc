"""What a survey and its footprints are, before a city is built from them: CRS, extent, overlap, counts."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.core.errors import TwinError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.city.options import BuildOptions

MAP_ROLES = ("roads", "water", "bridges", "landcover")


@dataclass(frozen=True, slots=True)
class Survey:
    """What a build would start from.

    Parameters
    ----------
    crs : str
        Of the city.
    n_files, n_points : int
        As the headers promise.
    width_m, height_m : float
        Extent of the points.
    n_footprints, n_covered : int
        Outlines, and how many of them lie in the extent of the points.
    notes : tuple of str
        What a build would tell.
    """

    crs: str
    n_files: int
    n_points: int
    width_m: float
    height_m: float
    n_footprints: int
    n_covered: int
    notes: tuple[str, ...]


def look_over(options: BuildOptions) -> Survey:
    """Read headers and footprints; nothing is written.

    Raises
    ------
    TwinError
        Whatever keeps a build from starting.
    """
    from twin.city.plan import make_plan
    from twin.core.crs import crs_name
    from twin.core.notices import Notices
    from twin.core.progress import Silent

    notices = Notices()
    plan = make_plan(options, notices=notices, progress=Silent())
    area = plan.survey_bounds
    covered = 0
    if plan.footprints is not None and len(plan.footprints):
        covered = len(plan.footprints.cx[area.x_min : area.x_max, area.y_min : area.y_max])
    return Survey(
        crs_name(plan.crs),
        len(plan.files),
        sum(f.n_points for f in plan.files),
        area.width,
        area.height,
        0 if plan.footprints is None else len(plan.footprints),
        covered,
        tuple(notices.lines()),
    )


def sort_files(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """Dropped files by their part in a build: points, footprints, and maps told by their names.

    Examples
    --------
    >>> found = sort_files([Path("a.laz"), Path("roads.gpkg"), Path("houses.gpkg")])
    >>> sorted(found), found["footprints"][0].name
    (['footprints', 'points', 'roads'], 'houses.gpkg')
    """
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(_role(path), []).append(path)
    return found


def _role(path: Path) -> str:
    if path.is_dir() or path.suffix.lower() in {".las", ".laz"}:
        return "points"
    name = path.stem.lower()
    return next((role for role in MAP_ROLES if role in name), "footprints")


def main(arguments: list[str]) -> int:
    """``python -m twin.viewer.survey``: the survey as JSON on standard output; the window calls it."""
    from twin.city.options import BuildOptions

    parser = argparse.ArgumentParser(prog="twin.viewer.survey")
    parser.add_argument("points", nargs="+")
    parser.add_argument("--footprints", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    for name in ("crs", "id-field"):
        parser.add_argument(f"--{name}")
    for name in MAP_ROLES:
        parser.add_argument(f"--{name}", type=Path)
    given = parser.parse_args(arguments)
    vectors: dict[str, Any] = {n: getattr(given, n) for n in MAP_ROLES if getattr(given, n)}
    try:
        options = BuildOptions(
            points=tuple(given.points), output=given.output, footprints=given.footprints, vectors=vectors,
            crs=given.crs, id_field=given.id_field,
        )  # fmt: skip
        survey = look_over(options)
    except TwinError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(asdict(survey), ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
