"""What the finished table of buildings tells about the inputs that it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twin.sources.points_check import tell_suspected_feet

if TYPE_CHECKING:
    from pathlib import Path

    from twin.core.notices import Notices

N_EXAMPLES = 3
MIN_POINTS = 5
"""Fewer tell no height."""
LACKS = {
    "no_points": "without enough points of a roof; no shape was made",
    "failed": "of which no sound shape could be made",
}
"""States that no reader of an input could foresee, in words."""
HEIGHT_FIELD = "; --height-field COLUMN takes heights from a column of the footprints"


def tell_of_buildings(
    table: Any,
    *,
    footprints: str | Path,
    survey: str,
    has_points: bool,
    has_heights: bool = True,
    notices: Notices,
) -> None:
    """Tell how many buildings could not be shaped, naming the first, and whether their heights look like feet.

    Parameters
    ----------
    table : DataFrame
        With `id`, `state`, `height_m`, `n_points` and `footprint_area_m2`.
    footprints : path or str
        Their file.
    survey : str
        The point files.
    has_points : bool
        Whether heights come from points at all.
    has_heights : bool
        Whether a column of the footprints tells heights where points do not.
    notices : Notices
    """
    for state, lack in LACKS.items():
        ids = [str(i) for i in table.loc[table["state"] == state, "id"]]
        if ids:
            kind = "building" if len(ids) == 1 else "buildings"
            named = ", ".join(ids[:N_EXAMPLES]) + (", ..." if len(ids) > N_EXAMPLES else "")
            remedy = HEIGHT_FIELD if state == "no_points" and not has_heights else ""
            notices.add(f"buildings-{state}", f"{footprints}: {len(ids)} {kind} {lack} ({named}){remedy}")
    if has_points:
        heights = table["height_m"].where(table["n_points"] >= MIN_POINTS)
        tell_suspected_feet(heights, table["footprint_area_m2"], where=survey, notices=notices)
