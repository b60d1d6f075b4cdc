"""Fine dust before the demo storm, at the stations and between them, and the alarms that the storm raised."""

import common

import twin
from twin.core.notices import Notices
from twin.core.progress import Silent
from twin.demo.live import bring_to_life
from twin.live.alarm_log import alarms
from twin.live.moments import parse_utc

BEFORE, AMIDST = "2026-08-28T03:15:00Z", "2026-08-28T06:20:00Z"


def main() -> None:
    """Write ``demo-air.png``."""
    out = common.output_folder()
    built = common.demo_city(out)
    city = common.copy_of(built, "air").path
    inputs = built.path.parent
    bring_to_life(city, inputs / "things.json", inputs / "storm.jsonl", notices=Notices(), progress=Silent())
    scene = twin.Scene(twin.open_city(city), layers=["field:pm2_5", "live:pm2_5"], time=BEFORE)
    scene.snapshot(out / "demo-air.png", size=common.picture_size(), force=True)
    for alarm in alarms(city, at_us=parse_utc(AMIDST))[:8]:
        print(f"{alarm.severity:8} {alarm.state:9} {alarm.id} since {alarm.since}")


if __name__ == "__main__":
    main()
