"""Arrays as bytes that compress well, and back; the page decodes the same way (``assets/web/decode.js``).

Whole numbers become differences to the row before, signs are folded into the lowest bit, and bytes of equal weight are
laid side by side: then most bytes are zero, and packing finds what repeats. References of triangles count back from the
highest point met so far, which is nearly always 0, 1 or 2.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from twin.outputs.web.packing import packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

Codec = Literal["delta", "signed", "plain"]
_ALIGN = 4
_WIDTHS = (1, 2, 4)


def fold(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Signed numbers as positive ones, small ones small: 0, -1, 1, -2 become 0, 1, 2, 3.

    Examples
    --------
    >>> fold(np.array([0, -1, 1, -2])).tolist()
    [0, 1, 2, 3]
    """
    return np.where(values < 0, -2 * values - 1, 2 * values)


def planes(values: NDArray[np.unsignedinteger[Any]], width: int) -> bytes:
    """Bytes of numbers of shape (n, k), column by column and in each the lowest bytes first."""
    n, k = values.shape
    raw = np.ascontiguousarray(values.T.astype(f"<u{width}")).view(np.uint8).reshape(k, n, width)
    return raw.transpose(0, 2, 1).tobytes()


def differences(values: NDArray[Any]) -> NDArray[np.int64]:
    """Each row of shape (n, k) less the one before, folded."""
    wide = values.astype(np.int64)
    return fold(np.diff(wide, axis=0, prepend=np.zeros((1, wide.shape[1]), np.int64)))


def by_first_use(triangles: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Points in the order in which triangles first name them, and the triangles over these.

    Returns
    -------
    order : array, shape (n,)
        Old number of each new point; points that no triangle names are left out.
    triangles : array, shaped as given

    Examples
    --------
    >>> order, triangles = by_first_use(np.array([[5, 2, 7], [2, 5, 0]]))
    >>> order.tolist(), triangles.tolist()
    ([5, 2, 7, 0], [[0, 1, 2], [1, 0, 3]])
    """
    flat = triangles.ravel()
    old, first, inverse = np.unique(flat, return_index=True, return_inverse=True)
    rank = np.argsort(first, kind="stable")
    new = np.empty(len(old), np.int64)
    new[rank] = np.arange(len(old))
    return old[rank].astype(np.int64), new[inverse.ravel()].reshape(triangles.shape)


def count_back(triangles: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Distance of each reference below the number that the next new point would have, shape (n, 1)."""
    flat = triangles.ravel()
    highest = np.maximum.accumulate(np.concatenate([[-1], flat]))[:-1] + 1
    return (highest - flat).astype(np.uint32)[:, None]


def _width(top: int) -> int:
    return next(w for w in _WIDTHS if top < 256**w)


class Bundle:
    """Collects arrays and plain values for one compressed block.

    Examples
    --------
    >>> bundle = Bundle()
    >>> place = bundle.add(np.array([[3, 4], [5, 6]]))
    >>> place["codec"], place["shape"]
    ('delta', [2, 2])
    """

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._n_bytes = 0
        self._beside = bytearray()
        self._known: dict[bytes, int] = {}

    def _append(self, data: bytes) -> int:
        # Columns of one level of detail are often those of another.
        offset = self._known.setdefault(data, self._n_bytes)
        if offset < self._n_bytes:
            return offset
        padding = bytes(-len(data) % _ALIGN)
        self._chunks += [data, padding]
        self._n_bytes += len(data) + len(padding)
        return offset

    def add(self, values: NDArray[Any], *, codec: Codec = "delta") -> dict[str, Any]:
        """Take whole numbers in, of shape (n,) or (n, k); where and how they lie.

        Parameters
        ----------
        values : array
        codec : str
            ``delta`` where neighbours resemble each other, ``signed`` where they do not, ``plain`` without signs.

        Raises
        ------
        ValueError
            If a number takes more than 32 bits, or is negative where it must not be.
        """
        table = (values[:, None] if values.ndim == 1 else values).astype(np.int64)
        coded = differences(table) if codec == "delta" else fold(table) if codec == "signed" else table
        top = int(coded.max()) if coded.size else 0
        if top >= 2**32 or (coded.size and int(coded.min()) < 0):
            raise ValueError(f"numbers up to {top} do not fit")
        width = _width(top)
        offset = self._append(planes(coded.astype(np.uint32), width))
        return {"codec": codec, "offset": offset, "width": width, "shape": list(table.shape)}

    def add_triangles(self, triangles: NDArray[np.int64]) -> dict[str, Any]:
        """Take references in, such as corners of triangles, to things that are numbered by first use."""
        coded = count_back(triangles)
        width = _width(int(coded.max()) if coded.size else 0)
        offset = self._append(planes(coded, width))
        return {"codec": "back", "offset": offset, "width": width, "shape": [len(coded), 1]}

    def add_references(self, numbers: NDArray[np.int64]) -> dict[str, Any]:
        """Take references in, of shape (n,), which of them are new apart from where the others point.

        Smaller than `add_triangles` where old ones point far back.
        """
        back = count_back(numbers)[:, 0]
        is_new = back == 0
        return {
            "count": len(numbers),
            "isNew": self.add(np.packbits(is_new), codec="plain"),
            "back": self.add(back[~is_new], codec="plain"),
        }

    def add_places(self, places: NDArray[np.int64]) -> dict[str, Any]:
        """Take places in, of shape (n, 3), many of which stand above others, as eaves above the foot of a wall."""
        above, plumb = np.unique(places[:, :2], axis=0, return_inverse=True)
        order, renumbered = by_first_use(plumb.ravel())
        return {
            "plan": self.add(above[order]),
            "plumb": self.add_triangles(renumbered),
            "heights": self.add(places[:, 2]),
        }

    def add_bytes(self, data: bytes) -> dict[str, Any]:
        """Take bytes in as they are, such as a picture; they stand beside the arrays."""
        self._beside += data
        return {"start": len(self._beside) - len(data), "length": len(data)}

    def pack(self, header: Mapping[str, Any]) -> bytes:
        """Header and arrays, packed; the same content gives the same bytes."""
        text = json.dumps(header, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        told = text.encode("utf-8", errors="replace")
        told += b" " * (-len(told) % _ALIGN)
        return packed(b"".join([len(told).to_bytes(4, "little"), told, *self._chunks]), bytes(self._beside))


def unpack(block: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and arrays of a block, as the page reads them.

    Raises
    ------
    ValueError
        If the block is damaged.
    """
    raw, _ = unpacked(block)
    n = int.from_bytes(raw[:4], "little")
    return json.loads(raw[4 : 4 + n]), raw[4 + n :]


def read(place: Mapping[str, Any], data: bytes) -> NDArray[np.int64]:
    """An array from a block, shape (n, k)."""
    n, k = place["shape"]
    width = place["width"]
    raw = np.frombuffer(data, np.uint8, n * k * width, place["offset"]).reshape(k, width, n)
    values = np.zeros((n, k), np.int64)
    for w in range(width):
        values |= raw[:, w].T.astype(np.int64) << (8 * w)
    if place["codec"] == "back":
        return _from_back(values[:, 0])[:, None]
    if place["codec"] == "plain":
        return np.asarray(values)
    signed = np.where(values & 1, -(values >> 1) - 1, values >> 1)
    return np.asarray(np.cumsum(signed, axis=0) if place["codec"] == "delta" else signed)


def read_references(told: Mapping[str, Any], data: bytes) -> NDArray[np.int64]:
    """References from a block, shape (n,)."""
    bits = read(told["isNew"], data)[:, 0].astype(np.uint8)
    is_new = np.unpackbits(bits, count=told["count"]).astype(np.bool_)
    back = np.zeros(told["count"], np.int64)
    back[~is_new] = read(told["back"], data)[:, 0]
    return _from_back(back)


def read_places(told: Mapping[str, Any], data: bytes) -> NDArray[np.int64]:
    """Places from a block, shape (n, 3)."""
    plan = read(told["plan"], data)[read(told["plumb"], data)[:, 0]]
    return np.column_stack([plan, read(told["heights"], data)])


def _from_back(coded: NDArray[np.int64]) -> NDArray[np.int64]:
    new = np.cumsum(coded == 0)
    return np.asarray(new - coded - (coded == 0))
