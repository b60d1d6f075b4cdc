"""NetCDF files, opened one at a time: the library below cannot be called by two threads at once.

Only files of this machine are opened, by their content: the library would also fetch an address.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import InputError, InputNotFoundError, StorageError
from twin.core.files import guard_storage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

MAGIC = (b"\x89HDF", b"CDF\x01", b"CDF\x02", b"CDF\x05")
FILL = -9999.0
"""Stands for no data in the files that we write."""
_CHUNK_CELLS = 512
_lock = threading.RLock()


def is_netcdf(path: Path) -> bool:
    """Whether a file begins as NetCDF does, classic or 4.

    Raises
    ------
    StorageError
        If it cannot be read.
    """
    with guard_storage(path), path.open("rb") as handle:
        return handle.read(4) in MAGIC


@contextlib.contextmanager
def open_netcdf(path: Path) -> Iterator[Any]:
    """The dataset of a file, values as they are stored, until the block ends.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    InputError
        If it is no NetCDF file, or a damaged one.
    """
    import netCDF4

    if not path.is_file():
        raise InputNotFoundError(path, "not found", "correct the path")
    if not is_netcdf(path):
        raise InputError(path, "is no NetCDF file", "give a NetCDF file")
    with _lock:
        try:
            data = netCDF4.Dataset(str(path.resolve()), "r")
        except OSError as error:
            raise InputError(path, f"is damaged ({error})", "fetch or make it again") from error
        data.set_auto_maskandscale(False)
        try:
            yield data
        except (RuntimeError, OSError) as error:  # what the library raises where a chunk does not unpack
            if isinstance(error, InputError):
                raise
            raise InputError(path, f"is damaged ({error})", "fetch or make it again") from error
        finally:
            with contextlib.suppress(RuntimeError):
                data.close()


@contextlib.contextmanager
def new_netcdf(path: Path) -> Iterator[Any]:
    """A new NetCDF-4 dataset to fill, closed when the block ends.

    Raises
    ------
    StorageError
        If the disk is full, not writable, or fails.
    """
    import netCDF4

    with _lock, guard_storage(path):
        try:
            data = netCDF4.Dataset(str(path.resolve()), "w", format="NETCDF4", clobber=True)
            try:
                yield data
            finally:
                data.close()
        except RuntimeError as error:  # the library's word for a write that failed
            raise StorageError(path, f"writing failed ({error})", "check the disk and run again") from error


def add_raster(
    data: Any,
    name: str,
    dimensions: tuple[str, ...],
    *,
    shape: tuple[int, int],
    attributes: Mapping[str, Any],
) -> Any:
    """A packed float32 variable with `FILL` for no data, to be written by `put`.

    Parameters
    ----------
    data : netCDF4.Dataset
        Open for writing.
    name : str
    dimensions : tuple of str
        Ending in y and x.
    shape : tuple of int
        Rows and columns.
    attributes : mapping
        CF attributes such as `units`.
    """
    cells = tuple(min(n, _CHUNK_CELLS) for n in shape)
    chunks = (*(1,) * (len(dimensions) - 2), *cells)
    options = {
        "zlib": True,
        "complevel": 1,
        "shuffle": True,
        "chunksizes": chunks,
        "fill_value": np.float32(FILL),
    }
    variable = data.createVariable(name, "f4", dimensions, **options)
    variable.set_auto_maskandscale(False)
    variable.setncatts(dict(attributes))
    return variable


def put(variable: Any, values: NDArray[Any], step: int | None = None) -> None:
    """Write a raster, NaN as `FILL`, whole or as one step."""
    cells = np.where(np.isfinite(values), values, FILL).astype(np.float32)
    variable[slice(None) if step is None else step] = cells


def get(variable: Any, step: int | None = None) -> NDArray[np.float32]:
    """A raster as float32 with NaN for no data; scaled as its attributes say."""
    raw = np.asarray(variable[...] if step is None else variable[step])
    names = set(variable.ncattrs())
    empty = ~np.isfinite(raw) if raw.dtype.kind == "f" else np.zeros(raw.shape, bool)
    for name in {"_FillValue", "missing_value"} & names:
        empty |= np.isin(raw, np.atleast_1d(variable.getncattr(name)))
    scale = float(variable.getncattr("scale_factor")) if "scale_factor" in names else 1.0
    offset = float(variable.getncattr("add_offset")) if "add_offset" in names else 0.0
    values = raw.astype(np.float64) * scale + offset if (scale, offset) != (1.0, 0.0) else raw
    return np.where(empty, np.nan, values).astype(np.float32)
