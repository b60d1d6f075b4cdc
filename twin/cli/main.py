"""The entry point: finds the verb, runs it, and turns every outcome into words and an exit code."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from twin.cli.ending import Ending
from twin.cli.signals import (
    INTERRUPTED,
    TERMINATED,
    Stop,
    Terminated,
    claim,
    leave_signals,
    received,
    watch_signals,
)
from twin.core.errors import (
    EXIT_BUG,
    EXIT_OK,
    EXIT_USAGE,
    TwinError,
)
from twin.core.files import odd_name_error, storage_error, tells_failing_disk
from twin.core.memory import memory_error, tells_exhausted_memory

VERBS = {
    "demo": "make a district, survey it, build it and draw it",
    "build": "point clouds and footprints to a city folder",
    "add": "put another vector, raster, model or table into a city",
    "flood": "water in a city: a level, a computation, files of others",
    "live": "observations of sensors: taken in, kept, asked",
    "sun": "hours of direct sun on ground, roofs and walls",
    "sight": "what is seen from where",
    "measure": "lengths, areas, volumes and height profiles",
    "info": "what a city holds and where it came from",
    "check": "validity and quality of every building",
    "export": "write a city in another format",
    "snapshot": "draw a picture of a city",
    "film": "a flight, an orbit or a storm as a film",
    "view": "open the desktop window",
    "doctor": "what works on this machine, and what mends the rest",
}


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
    _require_utf8()
    _prepare_streams()
    watch_signals()
    code = run(sys.argv[1:])
    leave_signals()
    end.code = code
    sys.exit(code)


def _require_utf8() -> None:
    """Begin again in Python's UTF-8 mode where file names are not UTF-8, as in a plain C locale.

    The libraries below know no other encoding, and the city must not depend on the locale; the same bytes of every
    argument are handed over, and workers inherit the mode.
    """
    if sys.platform == "win32" or sys.getfilesystemencoding().lower() in {"utf-8", "utf8"}:
        return
    os.execve(  # noqa: S606 - this very program, with the arguments that it was given
        sys.executable,
        [sys.executable, "-X", "utf8", *sys.orig_argv[1:]],
        {**os.environ, "PYTHONUTF8": "1"},
    )


def run(arguments: list[str]) -> int:
    """Run one command line; its exit code."""
    try:
        result = cli.main(args=arguments, prog_name="twin", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return _tell_stop(INTERRUPTED)
    except Terminated:
        return _tell_stop(TERMINATED)
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except BrokenPipeError:
        return EXIT_OK
    except Exception as error:  # noqa: BLE001 - the one place where an unforeseen error becomes exit code 70
        stop = received()  # what a library made of our exception is no error of its own
        return _tell_stop(stop) if stop else _tell_error(error)
    return result if isinstance(result, int) else EXIT_OK


def _tell_stop(stop: Stop) -> int:
    if received() is None or claim():
        _say(stop.message)
    return stop.exit_code


def _tell_error(error: Exception) -> int:
    """What went wrong in words; a failing disk, full memory or an odd file name is nobody's bug, wherever it is met."""
    ours: TwinError | None = None
    if isinstance(error, TwinError):
        ours = error
    elif isinstance(error, UnicodeEncodeError):
        ours = odd_name_error(error)
    elif isinstance(error, (MemoryError, OSError)) and tells_exhausted_memory(error):
        ours = memory_error("memory", error)
    elif isinstance(error, OSError) and tells_failing_disk(error):  # such as where compiled code is kept
        ours = storage_error(error.filename or "disk", error)
    if ours is None:
        return _report_bug()
    _say(f"error: {ours}")
    return ours.exit_code


def _report_bug() -> int:
    import traceback

    traceback.print_exc()
    _say("error: this is a bug of ours; please report it with the lines above")
    return EXIT_BUG


def _say(text: str) -> None:
    click.echo(text.encode("utf-8", "backslashreplace").decode(), err=True)


def _prepare_streams() -> None:
    """Names of places go through any console: what it cannot show is escaped, never a crash."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
