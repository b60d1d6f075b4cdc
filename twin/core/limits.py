"""How much an input may ask for before any memory is taken.

A file of a few bytes can promise billions of points or pixels. Every reader asks here first; each figure can be
raised by the environment variable of the same name, such as ``TWIN_MAX_RASTER_CELLS=4e9``.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from twin.core.errors import ConfigError, LimitError

if TYPE_CHECKING:
    from pathlib import Path

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest inputs that are accepted.

    Parameters
    ----------
    max_points_per_file : int
        Points that one point cloud file may promise.
    max_points_in_memory : int
        Points that may be held at once, in one tile.
    max_raster_cells : int
        Cells of a raster that is read or made as a whole, all bands together.
    max_unpacked_bytes : int
        What an archive may unpack to.
    max_vector_features : int
        Features of one vector layer.
    max_vector_file_bytes : int
        Size of a vector file.
    max_geometry_vertices : int
        Vertices of one polygon or line.
    max_json_bytes : int
        Size of a JSON document that is read as a whole; one line of a JSON sequence counts as a document.
    max_table_bytes : int
        Size of a table, unpacked.
    max_message_bytes : int
        Size of one message of a sensor, and of one line of a file of them.
    """

    max_points_per_file: int = 10_000_000_000
    max_points_in_memory: int = 200_000_000
    max_raster_cells: int = 1_000_000_000
    max_unpacked_bytes: int = 256 * MIB
    max_vector_features: int = 20_000_000
    max_vector_file_bytes: int = 16_384 * MIB
    max_geometry_vertices: int = 5_000_000
    max_json_bytes: int = 1_024 * MIB
    max_table_bytes: int = 512 * MIB
    max_message_bytes: int = MIB


def environment_name(field: str) -> str:
    """The environment variable that overrides a limit.

    Examples
    --------
    >>> environment_name("max_raster_cells")
    'TWIN_MAX_RASTER_CELLS'
    """
    return f"TWIN_{field.upper()}"


def limits() -> Limits:
    """The limits in force: the built-in figures, with what the environment overrides.

    Raises
    ------
    ConfigError
        If a ``TWIN_MAX_...`` variable is not a positive number.

    Examples
    --------
    >>> limits().max_raster_cells
    1000000000
    """
    overrides = {f.name: os.environ.get(environment_name(f.name)) for f in fields(Limits)}
    return Limits(**{name: _as_count(name, text) for name, text in overrides.items() if text})


def _as_count(name: str, text: str) -> int:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise ConfigError(
            environment_name(name), f"{text!r} is not a positive number", "give a count such as 4e9"
        )
    return int(value)


def check_limit(where: str | Path, what: str, wanted: int, limit: int, *, name: str = "") -> None:
    """Refuse an input that asks for more than is allowed.

    Parameters
    ----------
    where : path or str
        The file that asks.
    what : str
        What it asks for, in the plural: ``"points"``, ``"cells"``.
    wanted, limit : int
        How much, and how much is allowed.
    name : str
        The field of `Limits` that holds `limit`; its variable is then named in the remedy.

    Raises
    ------
    LimitError
        If more is wanted than allowed.

    Examples
    --------
    >>> check_limit("dtm.tif", "cells", 10_000_000_000, 1_000_000_000, name="max_raster_cells")
    Traceback (most recent call last):
    twin.core.errors.LimitError: dtm.tif: asks for 10,000,000,000 cells, the limit is 1,000,000,000;
    if the file is meant, set TWIN_MAX_RASTER_CELLS=10000000000
    """
    if wanted <= limit:
        return
    remedy = f"if the file is meant, set {environment_name(name)}={wanted}" if name else "use a smaller input"
    raise LimitError(where, f"asks for {wanted:,} {what}, the limit is {limit:,}", remedy)
