"""What the libraries of vector files raise, turned into our errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import shapely

from twin.core.errors import InputError, TwinError
from twin.core.limits import limits
from twin.sources.formats import Format
from twin.sources.gdal import load_pyogrio

if TYPE_CHECKING:
    from pathlib import Path

pyogrio = load_pyogrio()


class explained:  # noqa: N801  (a context manager that reads as a verb)
    """Turn what the libraries raise inside the block into our errors."""

    def __init__(self, path: Path, kind: Format) -> None:
        self.path, self.kind = path, kind

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None:
            return
        raised = _explain(self.path, self.kind, error)
        if raised is not None:
            raise raised from error


def _explain(path: Path, kind: Format, error: BaseException) -> InputError | None:
    library = (
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
    from_parquet = kind is Format.PARQUET and isinstance(error, ValueError)
    if isinstance(error, TwinError) or not (isinstance(error, library) or from_parquet):
        return None
    if kind is Format.GEOJSON:
        return _explain_json(path, error)
    text = " ".join(str(error).replace(str(path.absolute()), path.name).split())[:300]
    return InputError(path, f"is corrupt or not a {kind.value} ({text})", "fetch or export it again")


def _explain_json(path: Path, error: BaseException) -> InputError:
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
