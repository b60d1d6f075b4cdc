"""The demo typhoon: a coarse flood of the district by rain, river and tide, with its gauges and alarms."""

import json

import common
import numpy as np

import twin
from twin.core.notices import Notices
from twin.core.progress import Silent
from twin.demo.live import bring_to_life
from twin.water.series import Series

NOON, PEAK = "2026-08-28T03:00:00", "2026-08-28T15:10+09:00"


def main() -> None:
    """Write ``demo-storm.png``."""
    out = common.output_folder()
    inputs = common.demo_city(out).path.parent
    city = common.copy_of(common.demo_city(out), "storm")
    bring_to_life(
        city.path, inputs / "things.json", inputs / "storm.jsonl", notices=Notices(), progress=Silent()
    )
    truth = json.loads((inputs / "truth" / "storm.json").read_text(encoding="utf-8"))["series"]
    rain, river = (
        Series(np.array(truth["hours"]) * 3600, np.array(truth[k])) for k in ("rain_mm_h", "river_m")
    )
    storm = {"rain": rain, "tide": river, "hours": 4.0, "start": NOON, "output_every_s": 600.0}
    flood = twin.water.simulate(city, cell_size_m=4.0, name="typhoon", **storm)
    twin.water.store_flood(city, flood, notices=Notices())
    scene = twin.Scene(twin.open_city(city.path), ["live", "typhoon"], time=PEAK)
    scene.snapshot(out / "demo-storm.png", size=common.picture_size())


if __name__ == "__main__":
    main()
