"""The binary side of a glTF: one buffer, its views and its accessors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ARRAY_BUFFER = 34962
ELEMENT_ARRAY_BUFFER = 34963
_COMPONENT = {"f4": 5126, "u4": 5125, "u2": 5123, "u1": 5121}
_ALIGN = 8
"""Eight bytes suit every component, the 64-bit ones of property tables too."""


class GltfBuffer:
    """Collects arrays for the binary chunk and tells the JSON how to find them."""

    def __init__(self) -> None:
        self.chunks: list[bytes | memoryview] = []
        self.views: list[dict[str, int]] = []
        self.accessors: list[dict[str, Any]] = []
        self.n_bytes = 0

    def add_view(self, array: NDArray[Any] | bytes, *, target: int | None = None) -> int:
        """Append bytes, aligned; the index of their view. A view may not be empty, so nothing is one zero byte."""
        data = (
            array if isinstance(array, bytes) else np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        )
        data = data if len(data) else b"\0"
        view = {"buffer": 0, "byteOffset": self.n_bytes, "byteLength": len(data)}
        if target is not None:
            view["target"] = target
        padding = -len(data) % _ALIGN
        self.chunks += [data, bytes(padding)]
        self.n_bytes += len(data) + padding
        self.views.append(view)
        return len(self.views) - 1

    def add_attribute(self, values: NDArray[Any], *, bounded: bool = False) -> int:
        """Append a vertex attribute of shape (n,) or (n, k); the index of its accessor.

        Parameters
        ----------
        bounded : bool
            Whether the accessor tells smallest and largest values, as positions must.
        """
        accessor: dict[str, Any] = {
            "bufferView": self.add_view(values, target=ARRAY_BUFFER),
            "componentType": _COMPONENT[values.dtype.str[1:]],
            "count": len(values),
            "type": "SCALAR" if values.ndim == 1 else f"VEC{values.shape[1]}",
        }
        if bounded:
            # Axis by axis: numpy takes eight times as long for all three at once.
            accessor["min"] = [float(axis.min()) for axis in values.T]
            accessor["max"] = [float(axis.max()) for axis in values.T]
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def add_indices(self, lists: list[NDArray[np.int64]], *, n_vertices: int) -> list[int]:
        """Append index lists in one view, 16 bits wide where that is enough; the accessor of each.

        65,535 stands for no vertex in 16 bits, so that one fewer can be counted.
        """
        dtype = np.dtype("<u2" if n_vertices <= 0xFFFF else "<u4")
        flat = np.concatenate([a.reshape(-1) for a in lists]).astype(dtype)
        view = self.add_view(flat, target=ELEMENT_ARRAY_BUFFER)
        first, result = 0, []
        for part in lists:
            self.accessors.append(
                {
                    "bufferView": view,
                    "byteOffset": first * dtype.itemsize,
                    "componentType": _COMPONENT[dtype.str[1:]],
                    "count": part.size,
                    "type": "SCALAR",
                }
            )
            first += part.size
            result.append(len(self.accessors) - 1)
        return result
