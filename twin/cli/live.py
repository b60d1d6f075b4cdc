"""``twin live``: observations come in, are asked, judged and replayed; each verb in a module of its own."""

from __future__ import annotations

from importlib import import_module

import click

VERBS: dict[str, str] = {
    "sniff": "listen to a broker, and draft a mapping of what it sends",
    "import": "things, stations and observations from files or a SensorThings server",
    "ingest": "keep what a broker or a city's platform sends",
    "replay": "history by the clock of the scene, as if it came in now",
    "latest": "what every datastream tells at a moment, and whether it is fresh",
    "index": "what an air-quality index, or another table of bands, says of every station",
    "history": "what one datastream told over time",
    "alarms": "what asks for attention, who has seen it, what is put aside",
    "field": "values between stations as a raster",
    "serve": "a read-only SensorThings service for programs on this machine",
    "tidy": "remove and thin old observations by rules",
    "export": "the whole history as Parquet",
}
"""Verb to what it does, in the order of ``--help``; ``import`` lies in ``twin.cli.live_import``, and so on."""

EXAMPLES = """\b
Examples:
  twin live import town.twin things.json
  twin live replay town.twin storm.jsonl --speed 60
  twin live latest town.twin --time end
  twin live import --help
"""


class LiveVerbs(click.Group):
    """The verbs, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a new user meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb, loaded now."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"twin.cli.live_{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names and sentences without loading the verbs."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.command(cls=LiveVerbs, epilog=EXAMPLES)
def command() -> None:
    """Live observations of a city: taken in, kept, asked."""
