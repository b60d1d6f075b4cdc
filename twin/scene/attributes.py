"""Attributes of buildings as columns: which are known, the numbers among them, and the kinds of names."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import InputError, UsageError
from twin.scene.units import unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_MOST_CODES = 6


@dataclass(frozen=True, slots=True)
class Values:
    """An attribute of all buildings, ready to be cut into classes.

    Parameters
    ----------
    known : array of bool, shape (n,)
        Of which buildings something is known.
    numbers : array of float64, shape (n_known,), optional
        Of those; None where they are no numbers.
    kinds : tuple of (array of int64 with shape (n_known,), tuple of str), optional
        Which of some names each of those has; None where numbers are amounts rather than names.
    """

    known: NDArray[np.bool_]
    numbers: NDArray[np.float64] | None
    kinds: tuple[NDArray[np.int64], tuple[str, ...]] | None


def values_of(cells: Sequence[Any]) -> Values:
    """Values of any kinds as a column; None and what is not finite is not known.

    Whole numbers of so few kinds that they are names rather than amounts are both.

    Examples
    --------
    >>> values_of(["flat", None, "gable"]).kinds
    (array([0, 1]), ('flat', 'gable'))
    >>> values_of([1.5, float("nan")]).numbers
    array([1.5])
    """
    known = np.array([not _is_missing(v) for v in cells], dtype=np.bool_)
    present = [v for v, k in zip(cells, known, strict=True) if k]
    are_numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in present)
    numbers = np.asarray(present, dtype=np.float64) if are_numbers else None
    are_codes = all(isinstance(v, int) for v in present) and len(set(present)) <= _MOST_CODES
    if are_numbers and not are_codes:
        return Values(known, numbers, None)
    names, index = np.unique([_name(v) for v in present], return_inverse=True)
    return Values(known, numbers, (index.ravel().astype(np.int64), tuple(map(str, names))))


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def _name(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def read_values(
    tables: Sequence[tuple[str, str, dict[str, str]]], name: str, ids: NDArray[np.str_]
) -> tuple[Values, str]:
    """Values of an attribute for each building, and its unit.

    Parameters
    ----------
    tables : sequence
        Parquet file, column of ids, and units by column; the first table that has the attribute is taken.
    name : str
    ids : array, shape (n,)

    Returns
    -------
    values : Values
        Not known where a building has no row or the cell is empty.
    unit : str

    Raises
    ------
    UsageError
        If no table has such a column; names those that sound like it.
    InputError
        If a table cannot be read.
    """
    import pyarrow as pa
    from pyarrow import parquet

    seen: list[str] = []
    for path, id_column, units in tables:
        try:
            with parquet.ParquetFile(path) as file:
                columns = file.schema_arrow.names
                seen += [c for c in columns if c not in {id_column, "geometry"}]
                if name not in columns or id_column not in columns:
                    continue
                table = file.read(columns=list(dict.fromkeys([id_column, name])))
        except (OSError, pa.ArrowException) as error:
            raise InputError(path, f"cannot be read ({error})", "rebuild the city") from error
        return _column(_by_id(table, id_column, name, ids)), units.get(name, unit_of(name))
    near = difflib.get_close_matches(name, seen, n=3) or seen[:8]
    remedy = f"choose one of {', '.join(near)}" if near else "the city has no attributes"
    raise UsageError("--color-by", f"no building has an attribute {name!r}", remedy)


def _by_id(table: Any, id_column: str, name: str, ids: NDArray[np.str_]) -> Any:
    """A column in the order of ids; null where a table has none of them. Of rows of one id the last counts."""
    import pyarrow as pa
    import pyarrow.compute as pc

    theirs = table[id_column].combine_chunks()
    if not pa.types.is_string(theirs.type):
        theirs = pa.array([str(v) for v in theirs.to_pylist()], pa.string())
    last = len(theirs) - 1
    row = pc.index_in(pa.array(ids.tolist(), pa.string()), value_set=theirs[::-1])
    return table[name].combine_chunks().take(pc.subtract(last, row))


def _column(cells: Any) -> Values:
    """An arrow array as values; numbers and words without a Python object for each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = cells.type
    if pa.types.is_floating(kind):
        numbers = cells.to_numpy(zero_copy_only=False).astype(np.float64)
        known = np.isfinite(numbers)
        return Values(known, numbers[known], None)
    if pa.types.is_integer(kind) and len(pc.unique(cells.drop_null())) > _MOST_CODES:
        known = cells.is_valid().to_numpy(zero_copy_only=False)
        return Values(known, cells.drop_null().to_numpy().astype(np.float64), None)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        known = cells.is_valid().to_numpy(zero_copy_only=False)
        words = cells.drop_null().dictionary_encode()
        order = np.argsort(np.array(words.dictionary.to_pylist(), dtype=str), kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        names = tuple(words.dictionary[int(i)].as_py() for i in order)
        return Values(known, None, (rank[words.indices.to_numpy()], names))
    return values_of(cells.to_pylist())
