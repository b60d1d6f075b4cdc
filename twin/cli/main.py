"""The entry point: finds the verb, runs it, and turns every outcome into words and an exit code."""

from __future__ import annotations

import signal
import sys
from importlib import import_module
from typing import Any

import click

from twin.cli.ending import Ending
from twin.core.errors import (
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_LIMIT,
    EXIT_OK,
    EXIT_STORAGE,
    EXIT_TERMINATED,
    EXIT_USAGE,
    TwinError,
)
from twin.core.files import storage_error, tells_full_disk

VERBS = {
    "demo": "make a district, survey it, build it and draw it",
    "build": "point clouds and footprints to a city folder",
    "add": "put another vector, raster, model or table into a city",
    "info": "what a city holds and where it came from",
    "check": "validity and quality of every building",
    "export": "write a city in another format",
    "snapshot": "draw a picture of a city",
    "doctor": "what works on this machine, and what mends the rest",
}


class Terminated(BaseException):
    """SIGTERM arrived; unwinds like Ctrl-C so that nothing half-written stays."""


class Verbs(click.Group):
    """The verbs, each imported when it is called, so that ``twin --help`` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a new user meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb, loaded now."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"twin.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names and sentences without loading the verbs."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.command(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="First steps: `twin doctor`, then `twin demo`. Every verb explains itself: `twin build --help`.",
)
@click.version_option(package_name="twin", prog_name="twin")
def cli() -> None:
    """3D urban digital twin: survey in, city out, picture out."""


def main() -> None:
    """Run the command line and exit with the code that `docs/errors.md` gives."""
    end = Ending()
    _prepare_streams()
    signal.signal(signal.SIGTERM, _terminate)
    end.code = run(sys.argv[1:])
    sys.exit(end.code)


def run(arguments: list[str]) -> int:
    """Run one command line; its exit code."""
    try:
        result = cli.main(args=arguments, prog_name="twin", standalone_mode=False)
    except TwinError as error:
        _say(f"error: {error}")
        return error.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):
        _say("interrupted; finished work is kept, the same command goes on from there")
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except Terminated:
        _say("terminated; finished work is kept, the same command goes on from there")
        return EXIT_TERMINATED
    except BrokenPipeError:
        return EXIT_OK
    except (MemoryError, OSError) as error:
        return _exhausted_or_bug(error)
    except Exception:  # noqa: BLE001 - the one place where an unforeseen error becomes exit code 70
        return _report_bug()
    return result if isinstance(result, int) else EXIT_OK


def _exhausted_or_bug(error: MemoryError | OSError) -> int:
    """A full disk or memory is nobody's bug, wherever it is met: compiled code is kept on disk too."""
    if isinstance(error, MemoryError):
        _say(f"error: memory: is exhausted ({error or 'no more is given'}); use --workers 1, or build parts")
        return EXIT_LIMIT
    if tells_full_disk(error):
        _say(f"error: {storage_error(error.filename or 'disk', error)}")
        return EXIT_STORAGE
    return _report_bug()


def _report_bug() -> int:
    import traceback

    traceback.print_exc()
    _say("error: this is a bug of ours; please report it with the lines above")
    return EXIT_BUG


def _say(text: str) -> None:
    click.echo(text, err=True)


def _terminate(*_: Any) -> None:
    raise Terminated


def _prepare_streams() -> None:
    """Names of places go through any console: what it cannot show is escaped, never a crash."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
