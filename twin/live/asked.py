"""The latest results of a city and the history of a datastream, as rows and files."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from twin.core.errors import UsageError
from twin.core.files import atomic_path
from twin.core.visible_text import spreadsheet_text
from twin.live.freshness import State, max_ages_s, states
from twin.live.model import NO_TIME, Quality
from twin.live.moments import iso_utc, shown_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from twin.live.model import Datastream, History, Snapshot
    from twin.live.store import Store

Row = dict[str, Any]
_COLUMNS = ("phenomenon_time", "result_time", "result", "unit", "quality")


def states_at(store: Store, moment_us: int) -> tuple[Snapshot, NDArray[np.uint8]]:
    """The newest observation of every datastream at a moment, and its `State`."""
    catalogue = store.catalogue()
    snapshot = store.latest(moment_us)
    return snapshot, states(snapshot, max_ages_s(catalogue, store.median_intervals_s()))


def latest_rows(store: Store, moment_us: int, *, zone: tzinfo | None = None) -> list[Row]:
    """What every datastream tells at a moment, in the order of the catalogue.

    Parameters
    ----------
    store : Store
    moment_us : int
        Microseconds, UTC.
    zone : tzinfo, optional
        To tell times in; UTC if not given. Nothing is computed in it.

    Returns
    -------
    list of dict
        ``datastream``, ``thing``, ``name``, ``observed_property``, ``phenomenon_time``, ``result``, ``unit``, ``age_s``
        and ``state``, which is fresh, stale (older than the datastream's own age, or three times its median interval),
        missing (nothing came, or without a result) or invalid.
    """
    catalogue = store.catalogue()
    snapshot, found = states_at(store, moment_us)
    ages, results = snapshot.age_s, snapshot.results
    rows = []
    for i, stream in enumerate(catalogue.datastreams):
        has = int(snapshot.time[i]) != NO_TIME
        rows.append(
            {
                "datastream": stream.id,
                "thing": stream.thing,
                "name": catalogue.thing(stream.thing).name,
                "observed_property": stream.observed_property,
                "phenomenon_time": _told(int(snapshot.time[i]), zone) if has else None,
                "result": results[i],
                "unit": stream.symbol or stream.unit,
                "age_s": round(float(ages[i]), 3) if has else None,
                "state": State(int(found[i])).name.lower(),
            }
        )
    return rows


def _told(time_us: int, zone: tzinfo | None) -> str:
    return iso_utc(time_us) if zone is None else shown_in(time_us, zone)


def history_rows(history: History, stream: Datastream, *, zone: tzinfo | None = None) -> list[Row]:
    """Observations of a datastream as rows of time, result, unit and quality; a result that was none stays none."""
    return [
        {
            "phenomenon_time": _told(int(t), zone),
            "result_time": None if int(rt) == NO_TIME else _told(int(rt), zone),
            "result": result,
            "unit": stream.symbol or stream.unit,
            "quality": Quality(int(q)).name.lower(),
        }
        for t, rt, result, q in zip(
            history.time, history.result_time, history.results, history.quality, strict=True
        )
    ]


def write_history(
    history: History, stream: Datastream, out: Path, *, zone: tzinfo | None = None, force: bool = False
) -> None:
    """Write the history of a datastream as CSV or Parquet, by the suffix.

    Texts in CSV are made such that no spreadsheet takes them for formulas. Parquet holds times as microseconds in UTC
    whatever the zone.

    Raises
    ------
    UsageError
        If the suffix is another.
    OutputExistsError
        If the file exists and `force` is false.
    """
    suffix = out.suffix.lower()
    if suffix not in {".csv", ".parquet"}:
        raise UsageError("-o", f"{out.name!r} is neither .csv nor .parquet", "choose one of the two")
    with atomic_path(out, force=force) as temporary:
        if suffix == ".csv":
            _write_csv(temporary, history_rows(history, stream, zone=zone))
        else:
            _write_parquet(temporary, history, stream)


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows([_cell(row[name]) for name in _COLUMNS] for row in rows)


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    return spreadsheet_text(value) if isinstance(value, str) else value


def _write_parquet(path: Path, history: History, stream: Datastream) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    results = history.results
    if any(isinstance(r, str) for r in results):
        result = pa.array([None if r is None else str(r) for r in results], pa.string())
    else:
        result = pa.array([None if r is None else float(r) for r in results], pa.float64())
    moments = pa.timestamp("us", tz="UTC")
    made = [None if int(t) == NO_TIME else int(t) for t in history.result_time]
    table = pa.table(
        {
            "phenomenon_time": pa.array(history.time, pa.int64()).cast(moments),
            "result_time": pa.array(made, pa.int64()).cast(moments),
            "result": result,
            "quality": pa.array(history.quality, pa.uint8()),
        }
    )
    about = {"datastream": stream.id, "thing": stream.thing, "unit": stream.unit}
    pq.write_table(table.replace_schema_metadata(about), path, compression="zstd")
