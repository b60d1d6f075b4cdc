"""Point records as they lie in memory, made into arrays, and the watch kept over them while a file is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from twin.core.errors import InputError
from twin.core.points import Classification, PointCloud
from twin.sources.las_header import FETCH_AGAIN, MAX_COORDINATE, REWRITE, LasHeader

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
    "intensity": ("<u2", 12),
    "returns": ("u1", 14),
    "class": ("u1", 15),
}
_FIELDS_LONG = {**_FIELDS_SHORT, "flags": ("u1", 15), "class": ("u1", 16)}
_WITHHELD_SHORT, _WITHHELD_LONG = 0x80, 0x04
_NOISE = (Classification.LOW_NOISE, Classification.HIGH_NOISE)

# A header that was never updated may be off by much, but not by this many times its own extent.
MAX_GROWTH_STALE, MAX_GROWTH_PARTLY = 10.0, 2.0
# Fewer points than this share are no part of the survey that the header forgot. Headers rounded to centimetres
# are common, hence the distance, in the file's units.
MAX_STRAY_SHARE, STRAY_STEPS, STRAY_DISTANCE = 0.01, 10.0, 0.02
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


def to_cloud(records: NDArray[np.void], header: LasHeader, *, with_intensity: bool = False) -> PointCloud:
    """Points in the file's coordinates.

    Parameters
    ----------
    records : array of `record_type`, shape (n,)
    header : LasHeader
    with_intensity : bool
        Whether the strength of the echoes is taken along.
    """
    xyz = np.empty((len(records), 3), dtype=np.float64)
    for axis, name in enumerate("XYZ"):
        np.multiply(records[name], header.scales[axis], out=xyz[:, axis])
        xyz[:, axis] += header.offsets[axis]
    returns: NDArray[np.uint8] = records["returns"]
    classes: NDArray[np.uint8] = records["class"]
    strength = np.ascontiguousarray(records["intensity"]) if with_intensity else None
    if header.point_format < _SHORT_FORMATS:
        return PointCloud(xyz, _bits(classes, 0, 5), _bits(returns, 0, 3), _bits(returns, 3, 3), strength)
    return PointCloud(
        xyz, np.ascontiguousarray(classes), _bits(returns, 0, 4), _bits(returns, 4, 4), strength
    )


def _bits(values: NDArray[np.uint8], first: int, n: int) -> NDArray[np.uint8]:
    """Some bits of each byte as a number."""
    return np.asarray((values >> np.uint8(first)) & np.uint8(2**n - 1), dtype=np.uint8)


@dataclass(slots=True)
class Watch:
    """Counts what is read and holds it against the header.

    LAZ has no checksum: a damaged byte decodes without complaint into other points, from there to the end of
    its chunk. What gives it away is that coordinates leave the bounding box of the header. A header that is
    merely out of date gives itself away too: then many points lie elsewhere, but as close together as those of
    a survey do. Withheld points and noise are left out before that, since some headers leave them out as well.
    """

    path: Path
    header: LasHeader
    with_intensity: bool = False
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
        self.n_read += len(records)
        kept = self._kept(records)
        self._measure(kept)
        return to_cloud(kept, self.header, with_intensity=self.with_intensity)

    def _kept(self, records: NDArray[np.void]) -> NDArray[np.void]:
        """All but withheld points and noise."""
        if self.header.point_format < _SHORT_FORMATS:
            withheld, classes = records["class"] & _WITHHELD_SHORT != 0, records["class"] & 0x1F
        else:
            withheld, classes = records["flags"] & _WITHHELD_LONG != 0, records["class"]
        dropped = withheld | (classes == _NOISE[0]) | (classes == _NOISE[1])
        n_dropped, n_withheld = int(np.count_nonzero(dropped)), int(np.count_nonzero(withheld))
        self.n_withheld += n_withheld
        self.n_noise += n_dropped - n_withheld
        return records[~dropped] if n_dropped else records

    def _measure(self, records: NDArray[np.void]) -> None:
        if not len(records):
            return
        scales, offsets = np.array(self.header.scales), np.array(self.header.offsets)
        low = np.array([records[name].min() for name in "XYZ"]) * scales + offsets
        high = np.array([records[name].max() for name in "XYZ"]) * scales + offsets
        np.minimum(self.lowest, low, out=self.lowest)
        np.maximum(self.highest, high, out=self.highest)
        # One step of the stored integers wider, and a hair for the rounding of the product.
        step = scales * (1 + 1e-6)
        box = np.array(self.header.lowest) - step, np.array(self.header.highest) + step
        if (low < box[0]).any() or (high > box[1]).any():
            self.n_outside += self._count_outside(records, *box)
            self._refuse_growth(MAX_GROWTH_STALE)

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
            raise self._corrupt(int(np.argmax(np.where(absurd, extent / np.maximum(promised, 1.0), 0))))

    def _refuse_strays(self) -> None:
        """A handful of points beyond a box that holds for all the others was not put there by a survey."""
        beyond = np.maximum(
            np.array(self.header.lowest) - self.lowest, self.highest - np.array(self.header.highest)
        )
        tolerated = np.maximum(STRAY_STEPS * np.array(self.header.scales), STRAY_DISTANCE)
        if (beyond > tolerated).any():
            raise self._corrupt(int(np.argmax(beyond / tolerated)))

    def _corrupt(self, axis: int) -> InputError:
        return InputError(
            self.path,
            f"corrupt: {'xyz'[axis]} runs from {self.lowest[axis]:.10g} to {self.highest[axis]:.10g},"
            f" the header promises {self.header.lowest[axis]:.10g} to {self.header.highest[axis]:.10g}"
            f" ({self.n_outside} of {self.n_read} points outside)",
            f"{FETCH_AGAIN}; if the points are right and the header is wrong, {REWRITE}",
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
            self._judge_outside()
            notices.add("point-bounds", self._bounds_message(), subject=name)
        if self.n_withheld or self.n_noise:
            notices.add(
                "points-left-out",
                f"{self.path}: {self._left_out()} of {self.n_read} points were left out",
                subject=name,
            )

    def _left_out(self) -> str:
        groups = {"withheld": self.n_withheld, "of noise (classes 7 and 18)": self.n_noise}
        return " and ".join(f"{n} {what}" for what, n in groups.items() if n)

    def _judge_outside(self) -> None:
        share = self.n_outside / self.n_read
        if share < MAX_STRAY_SHARE:
            self._refuse_strays()
        self._refuse_growth(MAX_GROWTH_STALE if share > 0.5 else MAX_GROWTH_PARTLY)

    def _bounds_message(self) -> str:
        low, high = self.lowest, self.highest
        promised_low, promised_high = self.header.lowest, self.header.highest
        return (
            f"{self.path}: {self.n_outside} of {self.n_read} points lie outside the bounds of the header"
            f" ({promised_low[0]:.2f} {promised_low[1]:.2f} {promised_low[2]:.2f} to"
            f" {promised_high[0]:.2f} {promised_high[1]:.2f} {promised_high[2]:.2f}); the points themselves run"
            f" from {low[0]:.2f} {low[1]:.2f} {low[2]:.2f} to {high[0]:.2f} {high[1]:.2f} {high[2]:.2f}"
        )
