"""Point records as they lie in memory, made into arrays, and the watch kept over them while a file is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from twin.core.errors import InputError
from twin.core.points import Classification, PointCloud
from twin.sources.las_header import FETCH_AGAIN, MAX_COORDINATE, LasHeader

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.core.notices import Notices

# Point formats 0 to 5 pack flags beside a class of five bits; from 6 on both have a byte of their own.
_SHORT_FORMATS = 6
_FIELDS_SHORT = {
    "X": ("<i4", 0),
    "Y": ("<i4", 4),
    "Z": ("<i4", 8),
    "returns": ("u1", 14),
    "class": ("u1", 15),
}
_FIELDS_LONG = {**_FIELDS_SHORT, "flags": ("u1", 15), "class": ("u1", 16)}
_WITHHELD_SHORT, _WITHHELD_LONG = 0x80, 0x04
_NOISE = (Classification.LOW_NOISE, Classification.HIGH_NOISE)

# A header that was never updated may be off by much, but not by this many times its own extent.
MAX_GROWTH_STALE, MAX_GROWTH_STRAY = 10.0, 2.0
# Extents, in the file's units, that never count as damage, and those for a header that says nothing.
SMALL_EXTENT = 100.0
EXTENT_UNKNOWN_XY, EXTENT_UNKNOWN_Z = 100_000.0, 30_000.0


def record_type(header: LasHeader) -> np.dtype[np.void]:
    """The fields of a point record that are used here."""
    fields = _FIELDS_SHORT if header.point_format < _SHORT_FORMATS else _FIELDS_LONG
    return np.dtype(
        {
            "names": list(fields),
            "formats": [kind for kind, _ in fields.values()],
            "offsets": [offset for _, offset in fields.values()],
            "itemsize": header.record_length,
        }
    )


def to_cloud(records: NDArray[np.void], header: LasHeader, keep: NDArray[np.bool_] | None) -> PointCloud:
    """Points in the file's coordinates.

    Parameters
    ----------
    records : array of `record_type`, shape (n,)
    header : LasHeader
    keep : array of bool, shape (n,), or None
        Which ones; None for all.
    """
    chosen = records if keep is None else records[keep]
    xyz = np.empty((len(chosen), 3), dtype=np.float64)
    for axis, name in enumerate("XYZ"):
        np.multiply(chosen[name], header.scales[axis], out=xyz[:, axis])
        xyz[:, axis] += header.offsets[axis]
    returns, classes = chosen["returns"], chosen["class"]
    if header.point_format < _SHORT_FORMATS:
        return PointCloud(xyz, classes & 0x1F, returns & 0x07, (returns >> 3) & 0x07)
    return PointCloud(xyz, np.ascontiguousarray(classes), returns & 0x0F, returns >> 4)


@dataclass(slots=True)
class Watch:
    """Counts what is read and holds it against the header.

    LAZ has no checksum: a damaged byte decodes without complaint into other points. What gives it away is that
    coordinates leave the bounding box of the header for good. A header that is merely out of date gives itself
    away too: the points lie elsewhere, but as close together as a survey does.
    """

    path: Path
    header: LasHeader
    n_read: int = 0
    n_withheld: int = 0
    n_noise: int = 0
    n_outside: int = 0
    lowest: NDArray[np.float64] = field(default_factory=lambda: np.full(3, np.inf))
    highest: NDArray[np.float64] = field(default_factory=lambda: np.full(3, -np.inf))

    def take(self, records: NDArray[np.void]) -> PointCloud:
        """The points worth keeping of the next records.

        Raises
        ------
        InputError
            If the points cannot be what the header describes.
        """
        self._measure(records)
        return to_cloud(records, self.header, self._keep(records))

    def _keep(self, records: NDArray[np.void]) -> NDArray[np.bool_] | None:
        """All but withheld points and noise; None for all of them."""
        if self.header.point_format < _SHORT_FORMATS:
            withheld, classes = records["class"] & _WITHHELD_SHORT != 0, records["class"] & 0x1F
        else:
            withheld, classes = records["flags"] & _WITHHELD_LONG != 0, records["class"]
        noise = (classes == _NOISE[0]) | (classes == _NOISE[1])
        self.n_withheld += int(np.count_nonzero(withheld))
        dropped = withheld | noise
        n_dropped = int(np.count_nonzero(dropped))
        self.n_noise += n_dropped - int(np.count_nonzero(withheld))
        return ~dropped if n_dropped else None

    def _measure(self, records: NDArray[np.void]) -> None:
        if not len(records):
            return
        self.n_read += len(records)
        scales, offsets = np.array(self.header.scales), np.array(self.header.offsets)
        low = np.array([records[name].min() for name in "XYZ"]) * scales + offsets
        high = np.array([records[name].max() for name in "XYZ"]) * scales + offsets
        np.minimum(self.lowest, low, out=self.lowest)
        np.maximum(self.highest, high, out=self.highest)
        box_low, box_high = self._tolerated_box()
        if (low < box_low).any() or (high > box_high).any():
            self.n_outside += self._count_outside(records, box_low, box_high)
            self._refuse_growth(MAX_GROWTH_STALE)

    def _tolerated_box(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The header's box, one step of the stored integers wider."""
        step = np.array(self.header.scales) * (1 + 1e-6)
        return np.array(self.header.lowest) - step, np.array(self.header.highest) + step

    def _count_outside(
        self, records: NDArray[np.void], box_low: NDArray[np.float64], box_high: NDArray[np.float64]
    ) -> int:
        outside = np.zeros(len(records), dtype=bool)
        for axis, name in enumerate("XYZ"):
            values = records[name] * self.header.scales[axis] + self.header.offsets[axis]
            outside |= (values < box_low[axis]) | (values > box_high[axis])
        return int(np.count_nonzero(outside))

    def _refuse_growth(self, limit: float) -> None:
        extent = self.highest - self.lowest
        promised = np.array(self.header.highest) - np.array(self.header.lowest)
        floor = np.full(3, SMALL_EXTENT)
        if not promised[:2].any():
            floor = np.array([EXTENT_UNKNOWN_XY, EXTENT_UNKNOWN_XY, EXTENT_UNKNOWN_Z])
        reach = np.maximum(abs(self.lowest), abs(self.highest))
        absurd = (extent > np.maximum(limit * promised, floor)) | (reach > MAX_COORDINATE)
        if absurd.any():
            axis = int(np.argmax(np.where(absurd, extent / np.maximum(promised, 1.0), 0)))
            raise InputError(
                self.path,
                f"corrupt: {'xyz'[axis]} runs from {self.lowest[axis]:.10g} to {self.highest[axis]:.10g},"
                f" the header promises {self.header.lowest[axis]:.10g} to {self.header.highest[axis]:.10g}",
                FETCH_AGAIN,
            )

    def finish(self, notices: Notices, *, n_expected: int) -> None:
        """The verdict after the last point, and what to tell the user.

        Raises
        ------
        InputError
            If points are missing, or stray far from where the header says.
        """
        name = self.path.name
        if self.n_read != n_expected:
            raise InputError(
                self.path, f"truncated: {n_expected} points were promised, {self.n_read} came", FETCH_AGAIN
            )
        for remark in self.header.remarks:
            notices.add("point-header", f"{self.path}: {remark}", subject=name)
        if self.header.n_points == 0:
            notices.add("no-points", f"{self.path}: a sound file with no points", subject=name)
        if self.n_outside:
            mostly = self.n_outside > self.n_read / 2
            self._refuse_growth(MAX_GROWTH_STALE if mostly else MAX_GROWTH_STRAY)
            notices.add("point-bounds", self._bounds_message(), subject=name)
        if self.n_withheld or self.n_noise:
            notices.add(
                "points-left-out",
                f"{self.path}: {self.n_withheld} withheld points and {self.n_noise} of noise (classes 7 and 18)"
                f" of {self.n_read} were left out",
                subject=name,
            )

    def _bounds_message(self) -> str:
        low, high = self.lowest, self.highest
        promised_low, promised_high = self.header.lowest, self.header.highest
        return (
            f"{self.path}: {self.n_outside} of {self.n_read} points lie outside the bounds of the header"
            f" ({promised_low[0]:.2f} {promised_low[1]:.2f} {promised_low[2]:.2f} to"
            f" {promised_high[0]:.2f} {promised_high[1]:.2f} {promised_high[2]:.2f}); the points themselves run"
            f" from {low[0]:.2f} {low[1]:.2f} {low[2]:.2f} to {high[0]:.2f} {high[1]:.2f} {high[2]:.2f}"
        )
