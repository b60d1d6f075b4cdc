"""A city with a few things and observations, of which everything is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyproj

from twin.city.manifest import Manifest, write_manifest
from twin.live.model import Batch, Catalogue, Datastream, Place, Quality, Thing
from twin.live.moments import parse_utc
from twin.live.store import open_store

T0 = parse_utc("2026-08-28T03:00:00Z")
MIN = 60_000_000
CRS = "EPSG:5187"
SCRIPT = '<script>alert("x")</script>'

CATALOGUE = Catalogue(
    (
        Thing("river-1", "Bridge gauge", "river gauge", Place("point", (192318.0, 280870.2, 3.6)), {"kind": "river"}),
        Thing("it's", SCRIPT, "", Place("building", (192400.0, 280900.0, float("nan")), "ED-1")),
        Thing("bus", "Bus\x1b[31m 1", "", Place("moving")),
    ),
    (
        Datastream(
            "river-1:level", "river-1", "Level", "water_level", unit="m", zero_m=-1.0, max_age_s=180.0,
            properties={"stages": {"interest": 1.0, "serious": 2.5}},
        ),
        Datastream("river-1:gate", "river-1", "Gate", "gate", result_type="text"),
        Datastream("it's:pm2_5", "it's", "=PM2.5", "pm2_5", unit="ug/m3", symbol="µg/m³"),
        Datastream("bus:speed", "bus", "Speed", "speed", unit="km/h"),
    ),
)  # fmt: skip


def small_city(folder: Path, *, n_minutes: int = 250) -> Path:
    """A folder that holds a manifest and observations alone: a level every minute, other things now and then."""
    folder.mkdir(parents=True, exist_ok=True)
    wkt = pyproj.CRS(CRS).to_wkt()
    write_manifest(
        Manifest("small", CRS, wkt, (192000, 280000, 0), (192000.0, 280000.0, 0.0, 193000.0, 281000.0, 50.0)),
        folder / "twin.json",
    )
    level = np.round(1.0 + 2.0 * np.sin(np.arange(n_minutes) / 60), 3)
    rows: list[tuple[str, int, object, int]] = [
        ("river-1:level", t, float(level[t]), Quality.INVALID if t == 77 else Quality.GOOD)
        for t in range(n_minutes)
    ]
    rows += [("river-1:gate", 0, "open", 0), ("river-1:gate", 90, "closed", 0)]
    rows += [("it's:pm2_5", t, None if t == 60 else 12.5, 0) for t in range(0, n_minutes, 5)]
    times = [T0 + t * MIN for _, t, _, _ in rows]
    with open_store(folder, write=True) as store:
        store.put_catalogue(CATALOGUE)
        store.append(
            Batch(
                [r[0] for r in rows],
                times,
                [t + 1_250_000 for t in times],
                [r[2] for r in rows],
                [r[3] for r in rows],
            )  # type: ignore[misc]
        )
    return folder
