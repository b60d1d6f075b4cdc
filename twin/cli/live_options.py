"""What the verbs of ``twin live`` share: the city, a moment, a zone to show times in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from twin.live.store import Store

city_argument = click.argument("city", type=click.Path(path_type=Path))
time_option = click.option(
    "--time",
    help="Moment, ISO 8601 with its offset, or `end` for that of the newest observation.  [default: now]",
)
zone_option = click.option(
    "--zone", help="Zone to show times in, such as Asia/Seoul or +09:00.  [default: UTC]"
)
rules_option = click.option(
    "--rules",
    "alarm_rules",
    type=click.Path(path_type=Path),
    help="Rules of alarms instead of live/alarms.toml of the city.",
)
no_alarms_option = click.option(
    "--no-alarms",
    "alarms",
    flag_value=False,
    default=True,
    help="Keep what comes without judging it by rules of alarms.",
)

notes_option = click.option(
    "--json", "as_json", is_flag=True, help="Add the notes to the answer, which is JSON either way."
)


def moment_of(store: Store, text: str | None) -> int:
    """Microseconds of ``--time``: now if not given, or the end where everything lies in the future.

    Raises
    ------
    UsageError
        If it is no moment.
    """
    from twin.live.moments import parse_utc
    from twin.live.times import now_us

    if text is not None and text != "end":
        return parse_utc(text, where="--time")
    first, last = store.span() or (0, 0)
    return last if text == "end" or first > now_us() else now_us()


def result_text(result: float | str | bool | None) -> str:
    """A result as it is told to people: numbers by eight digits, texts in one line.

    >>> result_text(0.028316846592000004), result_text(True), result_text(None), result_text("open")
    ('0.028316847', 'True', '-', 'open')
    """
    from twin.core.visible_text import visible_text

    if isinstance(result, float):
        return f"{result:.8g}"
    return "-" if result is None else visible_text(str(result), max_chars=24)
