"""The district's things and their storm brought into the built city, with rules of alarms to start from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twin.core.assets import asset_path
from twin.core.files import write_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from twin.core.notices import Notices
    from twin.core.progress import Progress

RULES = "alarms/storm.toml"


def bring_to_life(
    city: Path, things: Path, storm: Path, *, notices: Notices, progress: Progress
) -> dict[str, Any]:
    """Import things into a city and replay a storm as fast as it goes; counts, and events in the alarm log.

    Rules that the city has already are kept.
    """
    from twin.live.alarm_rules import FILE
    from twin.live.import_plans import ImportOptions
    from twin.live.importing import import_files
    from twin.live.replay import replay

    progress.stage("replaying the storm", 1)
    done = import_files(city, [things], ImportOptions(), notices=notices, progress=_Quiet())
    if not (city / FILE).exists():
        write_bytes(city / FILE, asset_path(RULES).read_bytes())
    replayed = replay(city, storm, speed=0.0, notices=notices)
    progress.advance()
    counts = {"things": len(done.catalogue.things), "datastreams": len(done.catalogue.datastreams)}
    return {**counts, **replayed.counts.as_json(), "alarm_events": replayed.n_alarm_events}


class _Quiet:
    """Steps of an import that are one step here."""

    def stage(self, name: str, total: int) -> None:
        """Nothing to tell."""

    def advance(self, steps: int = 1) -> None:
        """Nothing to tell."""
