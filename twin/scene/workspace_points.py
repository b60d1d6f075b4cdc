"""The survey points of a workspace: which files they lie in, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from twin.core.errors import InputNotFoundError
from twin.scene.point_colours import PointColour, point_colours
from twin.scene.workspace_paths import told_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from twin.city.manifest import Source
    from twin.city.model import City
    from twin.core.notices import Notices
    from twin.core.progress import Progress
    from twin.scene.colour import Legend
    from twin.scene.point_layer import SurveyPoints
    from twin.scene.workspace import Workspace

SURVEY = "survey_points"
"""Name of the layer of survey points."""
POINT_SUFFIXES = frozenset({".las", ".laz"})
_MOST_FOLDERS = 500


@dataclass(frozen=True, eq=False)
class ShownPoints:
    """Survey points with their colours, as a scene draws them."""

    points: SurveyPoints
    by: PointColour
    rgb: NDArray[np.uint8]
    legend: Legend
    opacity: float = 1.0


def shows_points(workspace: Workspace) -> bool:
    """Whether a workspace shows survey points."""
    from twin.scene.workspace import layer_state

    return workspace.survey is not None and layer_state(workspace, SURVEY).is_visible


def survey_inputs(city: City) -> tuple[Source, ...]:
    """The point files that a city was built from, as its manifest tells."""
    found: dict[str, Source] = {}
    for layer in city.manifest.layers.values():
        for source in layer.provenance.inputs:
            if Path(source.name).suffix.lower() in POINT_SUFFIXES:
                found.setdefault(source.name, source)
    return tuple(found.values())


def survey_files(city: City, *, notices: Notices) -> list[Path]:
    """The point files that a city was built from, where they lie beside it, in its folder or one of its neighbours.

    Parameters
    ----------
    city : City
    notices : Notices
        Told of those that are not there any more, while others are.

    Raises
    ------
    InputNotFoundError
        If none of them is there.
    """
    wanted = {source.name: source.size for source in survey_inputs(city)}
    if not wanted:
        raise InputNotFoundError(
            city.path, "was not built from survey points", "add a LAS, LAZ or COPC file to show"
        )
    found: dict[str, Path] = {}
    for path in _neighbours(city.path.resolve()):
        if path.name in wanted and path.name not in found and path.stat().st_size == wanted[path.name]:
            found[path.name] = path
    gone = sorted(wanted.keys() - found.keys())
    some = ", ".join(gone[:3]) + (f" and {len(gone) - 3} more" if len(gone) > 3 else "")
    if not found:
        what = f"the survey that the city was built from is not beside it ({some})"
        raise InputNotFoundError(city.path.parent, what, "put it there again, or say where it lies")
    if gone:
        notices.add("survey-gone", f"{len(gone)} of {len(wanted)} survey files are not there: {some}")
    return [found[name] for name in wanted if name in found]


def _neighbours(city: Path) -> Iterator[Path]:
    """Point files in the folder of a city, in its own layers, and in folders beside it."""
    beside = city.parent
    folders = [beside, city / "layers"]
    if beside.is_dir():
        subs = sorted(p for p in beside.iterdir() if p.is_dir() and not p.name.startswith("."))
        folders += [p for p in subs if p != city][:_MOST_FOLDERS]
    for folder in folders:
        if folder.is_dir():
            yield from sorted(p for p in folder.iterdir() if p.suffix.lower() in POINT_SUFFIXES)


def point_files(city: City, workspace: Workspace, *, file: Path | None, notices: Notices) -> list[Path]:
    """The point files that a workspace shows: those that it names, else those that the city was built from.

    Raises
    ------
    InputNotFoundError
        If they are not there.
    """
    named = workspace.survey.files if workspace.survey is not None else ()
    if not named:
        return survey_files(city, notices=notices)
    return [told_file(text, file, notices=notices) for text in named]


def workspace_points(
    city: City,
    workspace: Workspace,
    *,
    file: Path | None,
    notices: Notices,
    progress: Progress | None = None,
) -> ShownPoints | None:
    """Survey points as a workspace shows them; None where it shows none.

    Parameters
    ----------
    city : City
    workspace : Workspace
    file : Path, optional
        Where the workspace lies; point files are named as seen from it.
    notices : Notices
    progress : Progress, optional

    Raises
    ------
    InputNotFoundError
        If the survey is not there any more.
    TwinError
        If it cannot be read.
    """
    from twin.core.crs import parse_crs
    from twin.scene.point_layer import read_survey_points
    from twin.scene.workspace import layer_state

    state = workspace.survey
    if state is None or not shows_points(workspace):
        return None
    points = read_survey_points(
        point_files(city, workspace, file=file, notices=notices),
        crs=parse_crs(city.manifest.crs_wkt or city.manifest.crs, where=city.path),
        origin=city.manifest.origin,
        cache=city.path / "cache" / "points",
        most=state.most,
        notices=notices,
        progress=progress,
    )
    rgb, legend = point_colours(points, state.color_by)
    return ShownPoints(points, state.color_by, rgb, legend, layer_state(workspace, SURVEY).opacity)
