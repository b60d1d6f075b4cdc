"""Buildings of IFC files as triangles: what is seen of them from outside, and where on Earth they stand."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import ExtraMissingError, InputError, InputNotFoundError
from twin.core.limits import check_limit
from twin.core.mesh import TriangleMesh
from twin.sources.models import ModelPart

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.core.notices import Notices

MAX_IFC_BYTES = 512 * 2**20
MAGIC = b"ISO-10303-21"
LEFT_OUT = (
    "IfcOpeningElement",
    "IfcSpace",
    "IfcSite",
    "IfcFurnishingElement",
    "IfcFlowTerminal",
    "IfcDistributionElement",
    "IfcAnnotation",
    "IfcGrid",
)
"""What is no part of a building's shape."""
_COLOURS = {
    "IfcRoof": (186, 110, 84, 255),
    "IfcSlab": (186, 110, 84, 255),
    "IfcWindow": (140, 170, 190, 255),
    "IfcDoor": (120, 100, 84, 255),
    "IfcPlate": (140, 170, 190, 255),
}
_PLAIN = (214, 206, 194, 255)
_DEFAULTS = {"Scale": 1.0, "XAxisAbscissa": 1.0, "XAxisOrdinate": 0.0, "OrthogonalHeight": 0.0}


@dataclass(frozen=True, slots=True)
class MapPlace:
    """How a model lies on a map: easting and northing follow from x and y by a turn, a scale and a shift.

    Parameters
    ----------
    crs : str
        As the file names it; empty if it names none.
    origin : tuple of float
        Easting, northing and elevation of the model's origin, metres.
    turn_deg : float
        Clockwise seen from above.
    scale : float
    """

    crs: str
    origin: tuple[float, float, float]
    turn_deg: float
    scale: float = 1.0


def is_ifc(path: Path) -> bool:
    """Whether a file begins as IFC does.

    Raises
    ------
    InputNotFoundError
        If there is none.
    """
    try:
        with path.open("rb") as handle:
            head = handle.read(65_536)
    except OSError as error:
        raise InputNotFoundError(path, "not found", "correct the path") from error
    return head.lstrip().startswith(MAGIC) and b"IFC" in head


def read_ifc(path: Path, *, notices: Notices) -> tuple[list[ModelPart], MapPlace | None]:
    """The outer parts of an IFC model, one for each kind of element, and its place on the map if it names one.

    Metres, z up, in the model's own axes.

    Raises
    ------
    InputError
        If the file is damaged or holds no shape.
    ExtraMissingError
        If ifcopenshell is not installed.
    LimitError
        If the file is too large.
    """
    check_limit(path, "bytes", path.stat().st_size, MAX_IFC_BYTES)
    try:
        import ifcopenshell
        import ifcopenshell.geom
    except ImportError as error:
        raise ExtraMissingError(path, "IFC needs ifcopenshell", "pip install 'twin[indoor]'") from error
    try:
        model = ifcopenshell.open(str(path))
    except (ifcopenshell.Error, RuntimeError, OSError, ValueError, AttributeError) as error:
        raise InputError(path, f"cannot be read as IFC ({error})", "export it again") from error
    if not hasattr(model, "schema"):
        raise InputError(path, "cannot be read as IFC", "export it again")
    parts = _parts(path, model, notices)
    if not parts:
        raise InputError(path, "holds no shape of a building", "export it with its geometry")
    return parts, _place(model)


def _parts(path: Path, model: Any, notices: Notices) -> list[ModelPart]:
    import ifcopenshell.geom

    settings = ifcopenshell.geom.settings()
    settings.set("use-world-coords", True)
    known = [name for name in LEFT_OUT if _is_known(model, name)]
    iterator = ifcopenshell.geom.iterator(settings, model, 1, exclude=known)
    points: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    corners: dict[str, list[NDArray[np.int32]]] = defaultdict(list)
    count: dict[str, int] = defaultdict(int)
    found = iterator.initialize()
    while found:
        shape = iterator.get()
        vertices = np.array(shape.geometry.verts, np.float64).reshape(-1, 3)
        triangles = np.array(shape.geometry.faces, np.int32).reshape(-1, 3)
        if len(triangles) and np.isfinite(vertices).all():
            points[shape.type].append(vertices)
            corners[shape.type].append(triangles + count[shape.type])
            count[shape.type] += len(vertices)
        found = iterator.next()
    if not points:
        notices.add("ifc-empty", f"{path}: no element has a shape", subject=str(path))
    return [
        ModelPart(
            kind,
            TriangleMesh(np.concatenate(points[kind]), np.concatenate(corners[kind]).astype(np.int32)),
            _COLOURS.get(kind, _PLAIN),
        )
        for kind in sorted(points)
    ]


def _is_known(model: Any, name: str) -> bool:
    """Whether the file's edition of IFC has such a kind of element."""
    try:
        model.by_type(name)
    except RuntimeError:
        return False
    return True


def _place(model: Any) -> MapPlace | None:
    """Map conversion of IFC4, or the property sets that stand for it in IFC2x3."""
    values, crs = _conversion(model)
    if not {"Eastings", "Northings"} <= values.keys():
        return None
    numbers = {**_DEFAULTS, **{k: float(v) for k, v in values.items() if isinstance(v, int | float)}}
    along = np.degrees(np.arctan2(numbers["XAxisOrdinate"], numbers["XAxisAbscissa"]))
    origin = (numbers["Eastings"], numbers["Northings"], numbers["OrthogonalHeight"])
    return MapPlace(crs, origin, float(-along % 360), numbers["Scale"] or 1.0)


def _conversion(model: Any) -> tuple[dict[str, Any], str]:
    if _is_known(model, "IfcMapConversion"):
        for found in model.by_type("IfcMapConversion"):
            values = {k: v for k, v in found.get_info().items() if v is not None}
            target = found.TargetCRS
            return values, str(target.Name or "") if target is not None else ""
    sets = {s.Name: s for s in model.by_type("IfcPropertySet") if s.Name}
    if "ePSet_MapConversion" not in sets:
        return {}, ""
    named = _values(sets["ePSet_ProjectedCRS"]) if "ePSet_ProjectedCRS" in sets else {}
    return _values(sets["ePSet_MapConversion"]), str(named.get("Name", ""))


def _values(found: Any) -> dict[str, Any]:
    return {p.Name: p.NominalValue.wrappedValue for p in found.HasProperties if p.NominalValue is not None}
