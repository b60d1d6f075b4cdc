"""Vertex lists of CityJSON to coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAX_STEPS = 10**9
_MAX_EXACT = 2**52
"""Whole numbers below this are floats without loss, and so are their sums."""


@dataclass(frozen=True, slots=True)
class VertexTable:
    """Vertices of a document or a feature.

    Parameters
    ----------
    xyz : array, shape (n, 3)
        Metres if the file's CRS is in metres.
    first : array, shape (n,)
        For each vertex the first one with the same coordinates; writers repeat vertices, and a solid must not.
    """

    xyz: NDArray[np.float64]
    first: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FileTransform:
    """``scale`` and ``translate`` as the file gives them, each of three numbers."""

    scale: tuple[float, float, float]
    translate: tuple[float, float, float]

    def apply(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Coordinates of shape (n, 3), metres if the file's CRS is in metres.

        Where scale and translation are decimals, the sum is done in whole numbers, which gives the float nearest to
        the decimal coordinate; plain multiplication misses it in the last digit.
        """
        exact = _whole_numbers(self.scale, self.translate)
        if exact is None or rows.dtype.kind != "i" or (len(rows) and int(np.abs(rows).max()) >= _MAX_EXACT):
            return np.asarray(rows * np.array(self.scale) + np.array(self.translate), dtype=np.float64)
        steps, shifts = exact
        return np.asarray((rows + shifts) / steps, dtype=np.float64)


@lru_cache(maxsize=8)
def _whole_numbers(
    scale: tuple[float, float, float], translate: tuple[float, float, float]
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Steps per unit and the translation in steps, where both are whole numbers."""
    with np.errstate(all="ignore"):
        steps = np.rint(1 / np.abs(scale))
        shifts = np.rint(np.array(translate) * steps)
        whole = (
            (np.array(scale) > 0).all()
            and (steps >= 1).all()
            and (steps <= _MAX_STEPS).all()
            and (np.abs(np.array(scale) * steps - 1) < 1e-12).all()
            and (np.abs(np.array(translate) * steps - shifts) < 1e-6).all()
            and (np.abs(shifts) < _MAX_EXACT).all()
        )
    return (steps.astype(np.int64), shifts.astype(np.int64)) if whole else None


def read_transform(value: dict[str, Any], *, required: bool, where: str) -> FileTransform | None:
    """The ``transform`` member of a document.

    Raises
    ------
    InputError
        If it is missing though `required`, or does not hold three finite numbers each.
    """
    told = value.get("transform")
    if told is None and not required:
        return None
    if told is None:
        what = "has no transform, so that its vertices have no place"
        raise InputError(where, what, "CityJSON 1.1 and 2.0 need one; write the file again with cjio")
    try:
        scale, translate = (tuple(float(v) for v in told[key]) for key in ("scale", "translate"))
        if (
            len(scale) != 3
            or len(translate) != 3
            or not np.isfinite([*scale, *translate]).all()
            or 0 in scale
        ):
            raise ValueError
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        what = "transform does not hold a scale and a translate of three finite numbers"
        raise InputError(where, what, "check the writer of the file") from error
    return FileTransform((scale[0], scale[1], scale[2]), (translate[0], translate[1], translate[2]))


def read_vertices(value: Any, transform: FileTransform | None, *, where: str) -> VertexTable:
    """A list of vertices as coordinates.

    Raises
    ------
    InputError
        If it is no list of three finite numbers each.
    """
    if not isinstance(value, list):
        raise InputError(where, "has no list of vertices", "check the writer of the file")
    try:
        rows = np.array(value) if value else np.empty((0, 3), dtype=np.int64)
        wrong = rows.ndim != 2 or rows.shape[1:] != (3,) or rows.dtype.kind not in "if"
    except (ValueError, OverflowError):
        wrong = True
    if wrong or not np.isfinite(rows).all():
        n = next((i for i, v in enumerate(value) if not _is_vertex(v)), 0)
        raise InputError(
            where, f"vertex {n} is {str(value[n])[:60]}, not three finite numbers", "check the writer"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        xyz = transform.apply(rows) if transform else np.asarray(rows, dtype=np.float64)
    if not np.isfinite(xyz).all():
        what = "some vertices are beyond all numbers once its transform is applied"
        raise InputError(where, what, "check the writer of the file")
    seen: dict[tuple[Any, ...], int] = {}
    first = [seen.setdefault(tuple(row), i) for i, row in enumerate(value)]
    return VertexTable(xyz, np.array(first, dtype=np.int64))


def _is_vertex(value: Any) -> bool:
    numbers = isinstance(value, list) and len(value) == 3 and all(type(v) in (int, float) for v in value)
    return numbers and all(abs(v) < 2**62 for v in value)
