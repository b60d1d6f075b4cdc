"""Ids of footprints as exact texts, whatever type and length they have in the file."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd

from twin.core.errors import InputError, UsageError
from twin.sources.attributes import FID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from twin.core.notices import Notices

# In the order of preference; compared without regard to case.
ID_COLUMNS = (
    "gml_id",
    "identificatie",
    "lokaalid",
    "building_id",
    "bldg_id",
    "ufid",
    "bd_mgt_sn",
    "id",
    "osm_id",
    "egid",
    "toid",
    "gid",
    "objectid",
    "fid",
)


def choose_id_column(
    columns: Sequence[str], *, id_field: str | None, fid_column: str, where: Path
) -> str | None:
    """The column that holds the ids; `FID` for the feature numbers, None where there is no such column.

    Parameters
    ----------
    columns : sequence of str
        Of the layer.
    id_field : str or None
        What the user named.
    fid_column : str
        The layer's name for its feature numbers, which are not among its columns.

    Raises
    ------
    UsageError
        If `id_field` is not there.

    Examples
    --------
    >>> choose_id_column(["name", "OSM_ID"], id_field=None, fid_column="fid", where="b.gpkg")
    'OSM_ID'
    """
    if id_field is None:
        by_lower = {c.lower(): c for c in reversed(columns)}
        return next((by_lower[c] for c in ID_COLUMNS if c in by_lower), None)
    if id_field in columns:
        return id_field
    if id_field == fid_column:
        return FID
    raise UsageError(
        where, f"has no column {id_field!r} for the ids", f"its columns are: {', '.join(columns) or 'none'}"
    )


def id_texts(frame: pd.DataFrame, column: str | None, *, where: Path, notices: Notices) -> list[str]:
    """One text for each row, all of them different.

    Parameters
    ----------
    frame : DataFrame
        With the feature numbers under `attributes.FID`.
    column : str or None
        From `choose_id_column`; without one the feature numbers serve.

    Raises
    ------
    InputError
        If two rows have the same id.
    """
    numbers = [str(n) for n in frame[FID]]
    if column is None:
        notices.add(
            "no-id-column",
            f"{where}: no id column was found, so the feature numbers serve as ids; --id-field names one",
            subject=str(where),
        )
        return numbers
    texts = [exact_text(value) for value in frame[column]]
    for i, text in enumerate(texts):
        if text is None:
            texts[i] = _free_name(f"row {numbers[i]}", texts)
            notices.add(
                "no-id",
                f"{where}: the footprint of row {numbers[i]} has no id in {column} and is called "
                f"{texts[i]!r}",
                subject=str(texts[i]),
            )
    whole = [t for t in texts if t is not None]
    _refuse_repeated(whole, column, where)
    return whole


def exact_text(value: object) -> str | None:
    """A value of an id column as text, None where it is missing or blank.

    Examples
    --------
    >>> exact_text(1152921504606846977), exact_text(12.0), exact_text(" A-7 "), exact_text(float("nan"))
    ('1152921504606846977', '12', ' A-7 ', None)
    """
    if isinstance(value, str):
        return value if value.strip() else None
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else repr(float(value))
    return str(value)


def _free_name(wanted: str, taken: Sequence[str | None]) -> str:
    names = set(taken)
    while wanted in names:
        wanted += "*"
    return wanted


def _refuse_repeated(texts: list[str], column: str, where: Path) -> None:
    repeated = [text for text, n in Counter(texts).items() if n > 1]
    if repeated:
        more = f" and {len(repeated) - 3} more" if len(repeated) > 3 else ""
        shown = ", ".join(repr(t) for t in repeated[:3]) + more
        raise InputError(
            where,
            f"in column {column} the same id stands on several footprints: {shown}",
            "make the ids unique, or name another column with --id-field",
        )
