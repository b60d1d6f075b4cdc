"""Messages of a broker to observations: SensorThings by their topic, vehicles of HFP, everything else by a mapping."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from twin.core.visible_text import visible_text
from twin.live.decode import decode_observation, parse_json
from twin.live.hfp import PREFIX, take_hfp
from twin.live.lines import check_message
from twin.live.mapping import MessageRule, take_mapped
from twin.live.model import MICROSECONDS
from twin.live.rejected import RejectedError
from twin.live.times import LIVE_AHEAD_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.live.arrivals import Message
    from twin.live.intake import Intake
    from twin.live.places import Locator

_SENSORTHINGS = re.compile(r"(?:.*/)?v1\.[01]/(?:Datastreams\('?(?P<id>.+?)'?\)/)?Observations")
_MAX_ROUTES, _MAX_ROUTE_CHARS = 100_000, 500
_AHEAD_US = int(LIVE_AHEAD_S * MICROSECONDS)


class _Route(NamedTuple):
    """What is done with messages of one topic."""

    kind: str
    datastream: str = ""
    rule: MessageRule | None = None
    levels: dict[str, str] = {}  # noqa: RUF012 - never changed


@dataclass(slots=True)
class Decoder:
    """Takes messages in; one thread uses it.

    Parameters
    ----------
    intake : Intake
    locator : Locator
        Takes longitude and latitude into the city.
    rules : sequence of MessageRule
        The first that fits a topic counts; they go before what is known by itself.
    """

    intake: Intake
    locator: Locator
    rules: Sequence[MessageRule] = ()
    routes: dict[str, _Route] = field(default_factory=dict)

    def take(self, message: Message) -> None:
        """Take one message in, or count why not."""
        topic = message.topic
        route = self.routes.get(topic)
        if route is None:
            if len(self.routes) >= _MAX_ROUTES:
                self.routes.clear()
            route = self._route(topic)
            if len(topic) <= _MAX_ROUTE_CHARS:
                self.routes[topic] = route
        try:
            check_message(message)
            self._take(route, message)
        except RejectedError as reason:
            self.intake.reject(visible_text(topic, max_chars=80), reason)

    def _route(self, topic: str) -> _Route:
        for rule in self.rules:
            match = rule.pattern.fullmatch(topic)
            if match:
                return _Route("mapped", rule=rule, levels=match.groupdict())
        match = _SENSORTHINGS.fullmatch(topic)
        if match:
            return _Route("sensorthings", match["id"] or "")
        return _Route("hfp" if topic.startswith(PREFIX) else "unknown")

    def _take(self, route: _Route, message: Message) -> None:
        latest_us = message.received_us + _AHEAD_US
        if route.kind == "unknown":
            raise RejectedError("mapping", "no rule of the mapping fits this topic")
        document = parse_json(message.payload)
        if route.kind == "sensorthings":
            received = None if message.is_retained else message.received_us
            observation = decode_observation(
                document,
                self.intake.specs,
                latest_us=latest_us,
                datastream=route.datastream,
                received_us=received,
                locate=self.locator.moved,
            )
            self.intake.add(observation)
        elif route.kind == "hfp":
            take_hfp(message.topic, document, self.intake, self.locator, latest_us=latest_us)
        elif route.rule is not None:
            take_mapped(
                route.rule,
                route.levels,
                message,
                document,
                intake=self.intake,
                locator=self.locator,
                latest_us=latest_us,
            )


def is_sensorthings(topic: str) -> bool:
    """Whether a topic is one of SensorThings observations.

    >>> is_sensorthings("v1.1/Datastreams(7)/Observations"), is_sensorthings("city/air/7")
    (True, False)
    """
    return _SENSORTHINGS.fullmatch(topic) is not None
