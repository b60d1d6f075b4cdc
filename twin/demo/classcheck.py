"""How well ground is told from the rest in a district's survey, its classes ignored, against the true classes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.notices import Notices
from twin.core.points import Classification, PointCloud
from twin.demo.terraincheck import class_errors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.core.grid import Bounds
    from twin.sources.points import PointFile

    Classes = NDArray[np.uint8]

HALO_M = 60.0
"""A large roof at the edge of a tile is told from the ground by what lies around it."""
NOISE = (Classification.LOW_NOISE, Classification.HIGH_NOISE)
EITHER = (*NOISE, Classification.LOW_VEGETATION)
"""Grass and noise: no answer is wrong for them."""


@dataclass(frozen=True, slots=True)
class ClassErrors:
    """Ground against the rest; water counts as ground, grass and noise do not count.

    `type_1` is the share of ground points lost, `type_2` that of others taken for ground (Sithole & Vosselman 2004).
    """

    n_points: int
    type_1: float
    type_2: float
    total: float
    kappa: float

    def as_json(self) -> dict[str, float]:
        """The same for machines."""
        return {k: round(v, 5) for k, v in asdict(self).items()}

    def line(self) -> str:
        """The same for people."""
        return (
            f"ground told from coordinates: {100 * self.type_1:.2f} % of it lost, {100 * self.type_2:.2f} % of others "
            f"taken for it, kappa {self.kappa:.4f} ({self.n_points} points)"
        )


def compare_classes(survey: Path, truth: Path) -> ClassErrors | None:
    """Errors of `twin.reconstruct.classify_ground` on a district's survey; None where there is no survey.

    Raises
    ------
    InputError
        If a file of the survey cannot be read.
    """
    from twin.sources.points import open_points

    if not any(survey.glob("*.laz")):
        return None
    files = open_points(sorted(survey.glob("*.laz")))
    told, exact = [], []
    for file in files:
        known = truth / "points" / f"{file.path.stem}.npz"
        if known.exists():
            predicted, true = _tile(file, files, known)
            told.append(predicted)
            exact.append(true)
    if not exact:
        return None
    errors = class_errors(np.concatenate(told), np.concatenate(exact))
    return ClassErrors(sum(map(len, exact)), **errors)


def _tile(
    file: PointFile, files: Sequence[PointFile], known: Path
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """What is told of a tile's points, and what is true."""
    from twin.reconstruct.ground import classify_ground

    own, exact = _read(file, None), _true_classes(known)
    if len(own) != len(exact):
        exact = exact[~np.isin(exact, NOISE)]  # left out in reading where the survey is classified
    around = file.bounds.buffered(HALO_M)
    others = [_read(f, around) for f in files if f.path != file.path and f.bounds.overlaps(around)]
    xyz = PointCloud.concatenate([own, *others]).xyz
    ground = classify_ground(xyz)[: len(own)]
    counts = ~np.isin(exact, EITHER)
    is_ground = np.isin(exact, (Classification.GROUND, Classification.WATER))
    return ground[counts], is_ground[counts]


def _true_classes(known: Path) -> Classes:
    with np.load(known) as columns:
        return np.asarray(columns["classification"], dtype=np.uint8)


def _read(file: PointFile, bounds: Bounds | None) -> PointCloud:
    from twin.sources.points import read_chunks

    chunks: list[Any] = list(read_chunks(file, bounds=bounds, notices=Notices()))
    return PointCloud.concatenate(chunks) if chunks else PointCloud.empty()
