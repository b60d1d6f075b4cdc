"""Columns of any origin to the four types that table formats share: truth, whole number, number, text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.building_geometry import json_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_LEAST, _MOST = -(2**63), 2**63 - 1
_PLAIN = {bool, int, str, type(None)}
"""Types that JSON knows and that have no value that it does not."""


class ColumnKind(Enum):
    """What the values of a column are."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    REAL = "real"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Column:
    """One attribute of every building.

    Parameters
    ----------
    name : str
        As the user knows it; any text.
    kind : ColumnKind
        Type of the values.
    values : array, shape (n,)
        bool, int64, float64 or object (str); what stands where `missing` is set means nothing.
    missing : array, shape (n,)
        Where there is no value: null, not a number, infinite.
    """

    name: str
    kind: ColumnKind
    values: NDArray[Any]
    missing: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.values.shape != self.missing.shape or self.values.ndim != 1:
            raise ValueError(
                f"column {self.name!r}: {self.values.shape} values, {self.missing.shape} missing"
            )


def typed_column(name: str, values: Sequence[Any] | NDArray[Any]) -> Column:
    """A column from a list, an array or a pandas Series; mixed values become text.

    Examples
    --------
    >>> column = typed_column("storeys", [2, None, 3.0])
    >>> column.kind.value, column.values.tolist(), column.missing.tolist()
    ('real', [2.0, 0.0, 3.0], [False, True, False])
    """
    if not isinstance(getattr(values, "dtype", np.dtype(object)), np.dtype):
        values = list(values)  # pandas' own types know gaps that numpy's would turn into floats
    array = np.asarray(values) if isinstance(values, np.ndarray) else _as_array(values)
    if array.dtype.kind == "b":
        return Column(name, ColumnKind.BOOLEAN, array, np.zeros(len(array), dtype=bool))
    if array.dtype.kind in "iu" and (array.dtype.kind == "i" or not (array > _MOST).any()):
        return Column(name, ColumnKind.INTEGER, array.astype(np.int64), np.zeros(len(array), dtype=bool))
    if array.dtype.kind == "f":
        missing = ~np.isfinite(array)
        return Column(name, ColumnKind.REAL, np.where(missing, 0, array).astype(np.float64), missing)
    return _from_objects(name, values)


def _as_array(values: Sequence[Any]) -> NDArray[Any]:
    """Lists stay lists of cells, whatever numpy would make of rows of equal length."""
    if hasattr(values, "dtype"):
        return np.asarray(values)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _from_objects(name: str, values: Iterable[Any]) -> Column:
    cells = list(values)
    kinds = set(map(type, cells))
    if kinds == {float}:
        return typed_column(name, np.array(cells))
    if not kinds <= _PLAIN:
        cells = [json_value(v) for v in cells]
        kinds = set(map(type, cells))
    kinds.discard(type(None))
    missing = np.array([c is None for c in cells], dtype=bool)
    if kinds == {str}:
        return Column(name, ColumnKind.TEXT, _filled(_encodable(cells), "", object), missing)
    if kinds == {bool}:
        return Column(name, ColumnKind.BOOLEAN, _filled(cells, False, bool), missing)
    small = all(_LEAST <= c <= _MOST for c in cells if isinstance(c, int))
    if kinds == {int} and small:
        return Column(name, ColumnKind.INTEGER, _filled(cells, 0, np.int64), missing)
    if kinds and kinds <= {int, float} and small:
        return Column(name, ColumnKind.REAL, _filled(cells, 0.0, np.float64), missing)
    return Column(name, ColumnKind.TEXT, _filled([_text(c) for c in cells], "", object), missing)


def _encodable(cells: list[str | None]) -> list[str | None]:
    """Texts that UTF-8 can hold; half surrogate pairs become question marks."""
    try:
        "".join(c for c in cells if c).encode("utf-8")
    except UnicodeEncodeError:
        return [_text(c) for c in cells]
    return cells


def _filled(cells: list[Any], empty: Any, dtype: Any) -> NDArray[Any]:
    result = np.empty(len(cells), dtype=dtype)
    result[:] = [empty if c is None else c for c in cells] if None in cells else cells
    return result


def _text(cell: Any) -> str | None:
    """A cell as text that UTF-8 can hold; lists and tables as JSON."""
    if cell is None:
        return None
    text = cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)
    return text.encode("utf-8", errors="replace").decode("utf-8")


def unique_names(names: Iterable[str], *, taken: Iterable[str] = ()) -> list[str]:
    """The names, those that come again (whatever their case) with a number behind them.

    Examples
    --------
    >>> unique_names(["Height", "height", "id"], taken=["id"])
    ['Height', 'height_2', 'id_2']
    """
    seen = {t.casefold() for t in taken}
    result = []
    for name in names:
        candidate, n = name, 1
        while candidate.casefold() in seen:
            n += 1
            candidate = f"{name}_{n}"
        seen.add(candidate.casefold())
        result.append(candidate)
    return result
