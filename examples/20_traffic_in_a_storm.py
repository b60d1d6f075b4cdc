"""Roads coloured by the traffic counters on them while the demo storm is at its height."""

import common

import twin
from twin.core.notices import Notices
from twin.core.progress import Silent
from twin.demo.live import bring_to_life

AMIDST = "2026-08-28T14:20+09:00"


def main() -> None:
    """Write ``demo-traffic.png``."""
    out = common.output_folder()
    built = common.demo_city(out)
    city = common.copy_of(built, "traffic").path
    inputs = built.path.parent
    bring_to_life(city, inputs / "things.json", inputs / "storm.jsonl", notices=Notices(), progress=Silent())
    scene = twin.Scene(twin.open_city(city), layers=["live:vehicle_speed"], time=AMIDST)
    scene.snapshot(out / "demo-traffic.png", view="top", size=common.picture_size(), force=True)


if __name__ == "__main__":
    main()
