"""What the libraries of vector files raise, turned into our errors."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import shapely

from twin.core.errors import InputError, TwinError
from twin.core.limits import limits
from twin.core.memory import memory_error, tells_exhausted_memory
from twin.sources.formats import Format
from twin.sources.gdal import load_pyogrio

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pyogrio = load_pyogrio()


_LIBRARY_ERRORS = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    pyogrio.errors.FieldError,
    pyogrio.errors.GeometryError,
    pa.ArrowException,
    shapely.errors.ShapelyError,
    UnicodeDecodeError,
    OSError,  # what GDAL says while Arrow reads its stream
    UnboundLocalError,  # what pyogrio ends in when a CRS cannot be written as text
)


@contextlib.contextmanager
def explained(path: Path, kind: Format) -> Iterator[None]:
    """Turn what the libraries raise inside the block into our errors.

    Raises
    ------
    InputError
        Naming the file and what the library said.
    LimitError
        If what it said is that memory is exhausted.
    """
    try:
        yield
    except TwinError:
        raise
    except _LIBRARY_ERRORS as error:
        raise _explain(path, kind, error) from error
    except ValueError as error:
        if kind is not Format.PARQUET:
            raise
        raise _explain(path, kind, error) from error


def _explain(path: Path, kind: Format, error: Exception) -> TwinError:
    if tells_exhausted_memory(error):
        return memory_error(path, error)
    if kind is Format.GEOJSON:
        return _explain_json(path, error)
    text = " ".join(str(error).replace(str(path.absolute()), path.name).split())[:300]
    return InputError(path, f"is corrupt or not a {kind.value} ({text})", "fetch or export it again")


def _explain_json(path: Path, error: Exception) -> InputError:
    """Where the JSON ends to be JSON, which GDAL does not tell."""
    remedy = "fetch or export it again"
    try:
        if path.stat().st_size <= limits().max_json_bytes:
            json.loads(path.read_bytes())
    except UnicodeDecodeError as bad:
        return InputError(path, f"is not UTF-8 as JSON must be ({bad})", "name its encoding (--encoding)")
    except ValueError as bad:
        return InputError(path, f"is not valid JSON: {bad} (truncated download?)", remedy)
    except RecursionError:
        return InputError(path, "is JSON nested too deeply", remedy)
    text = " ".join(str(error).split())[:300]
    return InputError(path, f"is JSON but not sound GeoJSON ({text})", remedy)
