"""Survey points as they came, drawn as a layer of their own: few while the camera moves, all when it rests.

Points lie in an order that is shuffled once and kept: any first part of them is an even sample of the whole, so that a
quick frame draws a tenth without asking where the camera stands.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.limits import check_limit, limits
from twin.core.points import Classification
from twin.scene.pack import digest, load_arrays, save_arrays

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.core.notices import Notices

FORMAT = 1
MOVING_SHARE = 0.075
POINT_PX = 2.0
_GREY = (150, 148, 144)
_COLOURS = {
    Classification.GROUND: (170, 146, 110),
    Classification.LOW_VEGETATION: (150, 180, 110),
    Classification.MEDIUM_VEGETATION: (116, 160, 84),
    Classification.HIGH_VEGETATION: (78, 132, 66),
    Classification.BUILDING: (206, 110, 82),
    Classification.WATER: (88, 140, 190),
    Classification.BRIDGE_DECK: (150, 132, 160),
    Classification.LOW_NOISE: (220, 60, 160),
    Classification.HIGH_NOISE: (220, 60, 160),
}


@dataclass(frozen=True, slots=True)
class SurveyPoints:
    """Points in shuffled order.

    Parameters
    ----------
    xyz : array, shape (n, 3)
        Metres from `origin`, float32.
    classification : array, shape (n,)
        ASPRS class, uint8.
    origin : tuple of int
        Of the scene, map coordinates.
    """

    xyz: NDArray[np.float32]
    classification: NDArray[np.uint8]
    origin: tuple[int, int, int]

    def __len__(self) -> int:
        return len(self.xyz)

    def first(self, share: float) -> SurveyPoints:
        """An even sample: the first part of them.

        Examples
        --------
        >>> points = SurveyPoints(np.zeros((10, 3), np.float32), np.zeros(10, np.uint8), (0, 0, 0))
        >>> len(points.first(0.3))
        3
        """
        n = max(1, round(len(self) * share)) if len(self) else 0
        return SurveyPoints(self.xyz[:n], self.classification[:n], self.origin)

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """Colours by class, shape (n, 3)."""
        table = np.tile(np.array(_GREY, np.uint8), (256, 1))
        for kind, colour in _COLOURS.items():
            table[kind] = colour
        return table[self.classification]


def read_survey_points(
    paths: str | Path | Iterable[str | Path],
    *,
    crs: CRS,
    origin: Sequence[int],
    cache: Path | None = None,
    most: int | None = None,
    notices: Notices,
) -> SurveyPoints:
    """Survey points of LAS, LAZ or COPC files in a city's coordinates, from the cache or read now.

    Parameters
    ----------
    paths : path or iterable of paths
        Files, folders and globs.
    crs : CRS
        Of the city, also taken for files that name none.
    origin : sequence of int
        Of the scene.
    cache : Path, optional
        Folder to keep them in, such as ``cache/points`` of the city; None keeps nothing.
    most : int, optional
        Points to keep at most, an even sample of all.
    notices : Notices

    Raises
    ------
    TwinError
        As `twin.sources.points.open_points` and `twin.core.crs.make_transform` raise.
    LimitError
        If there are more points than may be held at once.
    """
    from twin.sources.points import open_points

    files = open_points(paths)
    key = digest(f"points {FORMAT} {most} {crs.to_wkt()} {tuple(origin)}", *(_stamp(f) for f in files))
    path = None if cache is None else Path(cache) / f"points-{key}.npz"
    kept = load_arrays(path) if path is not None else None
    place = (int(origin[0]), int(origin[1]), int(origin[2]))
    if kept is not None and {"xyz", "classification"} <= set(kept):
        return SurveyPoints(kept["xyz"], kept["classification"], place)
    n_points = sum(f.n_points for f in files)
    check_limit(files[0].path, "points", n_points, limits().max_points_in_memory, name="max_points_in_memory")
    xyz, classes = _read(files, crs, place, notices)
    order = np.random.default_rng(_seed(key)).permutation(len(xyz))[:most]
    found = SurveyPoints(xyz[order], classes[order], place)
    if path is not None:
        _keep(found, path)
    return found


def _stamp(file: Any) -> str:
    return f"{file.path.absolute()} {file.size_bytes} {file.mtime_ns}"


def _seed(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")


def _read(
    files: Sequence[Any], crs: CRS, origin: tuple[int, int, int], notices: Notices
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    from twin.core.crs import make_transform
    from twin.sources.points import read_chunks

    places, classes = [np.empty((0, 3), np.float32)], [np.empty(0, np.uint8)]
    for file in files:
        own = file.crs if file.crs is not None else crs
        move = make_transform(own, crs, where=file.path, notices=notices)
        for cloud in read_chunks(file, transform=move, notices=notices):
            places.append((cloud.xyz - origin).astype(np.float32))
            classes.append(cloud.classification)
    return np.concatenate(places), np.concatenate(classes)


def _keep(points: SurveyPoints, path: Path) -> None:
    import contextlib

    from twin.core.errors import StorageError
    from twin.core.files import atomic_path

    # A cache that cannot be written costs time, nothing else.
    with contextlib.suppress(StorageError), atomic_path(path) as temporary, temporary.open("wb") as handle:
        save_arrays(handle, {"xyz": points.xyz, "classification": points.classification})


@dataclass
class PointActors:
    """Two actors over the same points: all of them, and the few that are drawn while the camera moves."""

    every: Any
    some: Any

    def show(self, *, moving: bool, visible: bool = True) -> None:
        """Draw few points or all."""
        self.every.SetVisibility(visible and not moving)
        self.some.SetVisibility(visible and moving)


def point_actors(
    points: SurveyPoints, *, share: float = MOVING_SHARE, rgb: NDArray[np.uint8] | None = None
) -> PointActors:
    """Survey points ready to be drawn.

    Parameters
    ----------
    points : SurveyPoints
    share : float
        Of all points, drawn while the camera moves.
    rgb : array, shape (n, 3), optional
        Colours; by class if not given.
    """
    colours = points.rgb if rgb is None else rgb
    n = len(points.first(share))
    every = _actor(points.xyz, colours, POINT_PX)
    some = _actor(points.xyz[:n], colours[:n], POINT_PX)
    made = PointActors(every, some)
    made.show(moving=False)
    return made


def _actor(xyz: NDArray[np.float32], rgb: NDArray[np.uint8], size_px: float) -> Any:
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 - without it VTK makes mappers that draw nothing
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
    from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

    data, places, cells = vtkPolyData(), vtkPoints(), vtkCellArray()
    places.SetData(numpy_to_vtk(np.ascontiguousarray(xyz), deep=True))
    data.SetPoints(places)
    # One cell of all points: a cell for each would take five times the memory.
    ends = np.array([0, len(xyz)], np.int64)
    cells.SetData(_ids(ends), _ids(np.arange(len(xyz), dtype=np.int64)))
    data.SetVerts(cells)
    data.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(rgb), deep=True))
    mapper, actor = vtkPolyDataMapper(), vtkActor()
    mapper.SetInputData(data)
    mapper.StaticOn()
    actor.SetMapper(mapper)
    actor.GetProperty().LightingOff()
    actor.GetProperty().SetPointSize(size_px)
    return actor


def _ids(values: NDArray[np.int64]) -> Any:
    from vtkmodules.util.numpy_support import numpy_to_vtkIdTypeArray

    return numpy_to_vtkIdTypeArray(np.ascontiguousarray(values), deep=True)
