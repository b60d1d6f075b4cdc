"""Options of every verb that speaks to a broker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.live.mqtt import ConnectionState, Subscription


def mqtt_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Topic, level of service, credentials and authorities; never a password."""
    for option in (
        click.option(
            "--ca", type=click.Path(path_type=Path), help="Certificate of the broker's authority (PEM)."
        ),
        click.option(
            "--credentials",
            type=click.Path(path_type=Path),
            help="TOML with username and password; TWIN_MQTT_USERNAME and TWIN_MQTT_PASSWORD if not given.",
        ),
        click.option(
            "--qos", type=click.IntRange(0, 1), default=1, show_default=True, help="Level of service."
        ),
        click.option(
            "--topic", "topics", multiple=True, default=("v1.1/#",), show_default=True, help="Filter."
        ),
    ):
        function = option(function)
    return function


def subscription(
    url: str,
    topics: tuple[str, ...],
    qos: int,
    *,
    credentials: Path | None,
    ca: Path | None,
    client_id: str = "",
) -> Subscription:
    """What the options ask of a broker."""
    from twin.live.mqtt import Subscription
    from twin.live.mqtt_address import find_credentials, parse_broker

    return Subscription(parse_broker(url), topics, qos, client_id, find_credentials(credentials), ca)


def tell_connection(state: ConnectionState) -> None:
    """Say that the connection came or went."""
    word = "online" if state.is_online else f"offline: {state.reason}; trying again"
    click.echo(f"broker {word}", err=True)
