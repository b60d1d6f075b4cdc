"""Survey points as they came: read once in the city's coordinates, in an order of which any first part is a sample.

Points lie in an order that is shuffled once and kept: any first part of them is an even sample of the whole, so that a
quick frame draws a tenth without asking where the camera stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.limits import check_limit, limits
from twin.core.progress import Silent
from twin.scene.pack import digest, load_arrays, save_arrays

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.core.notices import Notices
    from twin.core.progress import Progress

FORMAT = 3
# The same survey gives the same order, and so the same picture, wherever its files lie and whenever they were copied.
SEED = 1


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
    intensity : array, shape (n,), optional
        Strength of the echo, uint16; zero everywhere where it is not known.
    n_of : int, optional
        Points of the survey that these are a sample of; as many as these if not given.
    """

    xyz: NDArray[np.float32]
    classification: NDArray[np.uint8]
    origin: tuple[int, int, int]
    intensity: NDArray[np.uint16] | None = None
    n_of: int | None = None

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
        strength = None if self.intensity is None else self.intensity[:n]
        return SurveyPoints(self.xyz[:n], self.classification[:n], self.origin, strength, self.n_of)


def read_survey_points(
    paths: str | Path | Iterable[str | Path],
    *,
    crs: CRS,
    origin: Sequence[int],
    cache: Path | None = None,
    most: int | None = None,
    notices: Notices,
    progress: Progress | None = None,
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
        Points to keep at most, an even sample of all; no more than these are held while reading.
    notices : Notices
    progress : Progress, optional
        Is told of every block that was read.

    Raises
    ------
    TwinError
        As `twin.sources.points.open_points` and `twin.core.crs.make_transform` raise.
    LimitError
        If more points would be held than may be at once.
    """
    from twin.sources.points import open_points

    files = open_points(paths)
    key = digest(f"points {FORMAT} {most} {crs.to_wkt()} {tuple(origin)}", *(_stamp(f) for f in files))
    path = None if cache is None else Path(cache) / f"points-{key}.npz"
    kept = load_arrays(path) if path is not None else None
    place = (int(origin[0]), int(origin[1]), int(origin[2]))
    n_points = sum(f.n_points for f in files)
    if kept is not None and {"xyz", "classification", "intensity"} <= set(kept):
        return SurveyPoints(kept["xyz"], kept["classification"], place, kept["intensity"], n_points)
    n_held = n_points if most is None else min(n_points, most)
    check_limit(files[0].path, "points", n_held, limits().max_points_in_memory, name="max_points_in_memory")
    found = _read(files, crs, place, most, notices, progress or Silent())
    if path is not None:
        _keep(found, path)
    return found


def _stamp(file: Any) -> str:
    return f"{file.path.absolute()} {file.size_bytes} {file.mtime_ns}"


def _read(  # noqa: PLR0917
    files: Sequence[Any],
    crs: CRS,
    origin: tuple[int, int, int],
    most: int | None,
    notices: Notices,
    progress: Progress,
) -> SurveyPoints:
    """Points of all files in shuffled order; of many no more are held than are kept, each with the same chance."""
    from twin.core.crs import make_transform
    from twin.sources.points import read_chunks

    n_points = sum(f.n_points for f in files)
    # A few more than wanted are drawn by lot: five times their usual spread, so that hardly ever any are missing.
    share = 1.0 if most is None else (most + 5 * most**0.5) / max(n_points, 1)
    rng = np.random.default_rng(SEED)
    places = [np.empty((0, 3), np.float32)]
    classes, strengths = [np.empty(0, np.uint8)], [np.empty(0, np.uint16)]
    progress.stage("points", max(1, n_points))
    for file in files:
        own = file.crs if file.crs is not None else crs
        move = make_transform(own, crs, where=file.path, notices=notices)
        for cloud in read_chunks(file, transform=move, with_intensity=True, notices=notices):
            progress.advance(len(cloud))
            taken = cloud if share >= 1 else cloud.select(rng.random(len(cloud)) < share)
            places.append((taken.xyz - origin).astype(np.float32))
            classes.append(taken.classification)
            if taken.intensity is not None:
                strengths.append(taken.intensity)
    xyz = np.concatenate(places)
    order = rng.permutation(len(xyz))[:most]
    return SurveyPoints(
        xyz[order],
        np.concatenate(classes)[order],
        origin,
        np.concatenate(strengths)[order],
        n_points,
    )


def _keep(points: SurveyPoints, path: Path) -> None:
    import contextlib

    from twin.core.errors import StorageError
    from twin.core.files import atomic_path

    if points.intensity is None:
        return
    arrays: dict[str, NDArray[Any]] = {
        "xyz": points.xyz,
        "classification": points.classification,
        "intensity": points.intensity,
    }
    # A cache that cannot be written costs time, nothing else.
    with contextlib.suppress(StorageError), atomic_path(path) as temporary, temporary.open("wb") as handle:
        save_arrays(handle, arrays)
