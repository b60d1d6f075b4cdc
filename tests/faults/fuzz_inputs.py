"""Mutants of sound inputs, read in a process of their own: ``python -m tests.faults.fuzz_inputs FOLDER gpkg laz``.

Writes ``report.json`` into the folder. If the process dies, ``current`` there names the mutant, and the mutant itself
lies in the folder of its kind; ``--first N --count 1`` reads it again.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import shutil
import sys
import time
import traceback
import zlib
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from tests.faults.mutant_inputs import KINDS, Kind
from twin.core.errors import EXIT_INPUT, EXIT_LIMIT, EXIT_OK, EXIT_USAGE, TwinError

ALLOWED = {EXIT_USAGE, EXIT_INPUT, EXIT_LIMIT}
HANGS_AFTER_S = 60
"""Of wall time, on a machine that may be busy; what is judged is processor time."""
ADDRESS_SPACE = 8 * 2**30
MAIN_SHARE = 0.7
"""How often the file itself is damaged and not one beside it."""


@dataclass(slots=True)
class Tally:
    """What the mutants of one kind came to.

    Parameters
    ----------
    outcomes : dict
        How many were read, and how many refused by code of the error.
    bugs : list of str
        Whatever else happened, with the number of the mutant.
    worst_s : float
        Most processor time that one mutant took.
    peak_mb : float
        Most memory that the process held so far.
    slowest, largest : int
        The mutants that took the most time, and the last that raised the memory by more than 16 MB.
    """

    outcomes: dict[str, int] = field(default_factory=dict)
    bugs: list[str] = field(default_factory=list)
    worst_s: float = 0.0
    peak_mb: float = 0.0
    slowest: int = -1
    largest: int = -1


def write_mutant(sound: Path, kind: Kind, folder: Path, rng: np.random.Generator) -> Path:
    """A copy of the sound files of which one is damaged."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound, folder)
    others = sorted(p for p in folder.iterdir() if p.name != kind.name and p.suffix not in {".laz", ".gpkg"})
    victim = folder / kind.name
    if others and rng.random() > MAIN_SHARE:
        victim = others[int(rng.integers(len(others)))]
    victim.write_bytes(kind.damage(victim.read_bytes(), rng))
    return folder / kind.name


def outcome_of_reading(kind: Kind, path: Path) -> str:
    """``read``, or the code of the error that refused it."""
    try:
        kind.read(path)
    except TwinError as error:
        if error.exit_code not in ALLOWED:
            raise RuntimeError(f"exit code {error.exit_code}") from error
        return error.code
    return "read"


def outcome_of_command(kind: Kind, path: Path, folder: Path) -> str:
    """The same of a whole command line; what it leaves behind is looked at too."""
    from tests.faults.fault_harness import differing, snapshot
    from twin.cli.main import run

    target = folder / "made" / "town.twin"
    shutil.rmtree(target.parent, ignore_errors=True)
    command = kind.command(path, folder / "beside", target)
    target.parent.mkdir()
    if command[0] == "add":
        shutil.copytree(folder / "beside" / "town.twin", target)
    before = snapshot(target.parent)
    code = run(command)
    left = differing(before, snapshot(target.parent))
    if code not in ALLOWED | {EXIT_OK}:
        raise RuntimeError(f"exit code {code}")
    if code and left:
        raise RuntimeError(f"exit code {code}, but {left[:3]} was left behind")
    return f"exit {code}" if code else "read"


def prepare(folder: Path, names: list[str]) -> None:
    """Sound files of each kind, and what command lines need beside them."""
    from tests.faults.small_city import write_small
    from twin.cli.main import run

    for name in names:
        (folder / "sound" / name).mkdir(parents=True)
        KINDS[name].make(folder / "sound" / name)
    inputs = write_small(folder / "beside")
    if any(KINDS[n].command(folder, folder, folder)[0] == "add" for n in names):
        assert run(inputs.arguments(folder / "beside" / "town.twin")) == EXIT_OK


def fuzz(folder: Path, name: str, numbers: range, *, seed: int, whole: bool) -> Tally:
    """Read the mutants with these numbers."""
    kind, tally = KINDS[name], Tally(peak_mb=peak_mb())
    for number in numbers:
        rng = np.random.default_rng([seed, number, zlib.crc32(name.encode())])
        path = write_mutant(folder / "sound" / name, kind, folder / name, rng)
        (folder / "current").write_text(f"{name} seed {seed} number {number}")
        faulthandler.dump_traceback_later(HANGS_AFTER_S, exit=True)
        start = time.process_time()
        try:
            done = outcome_of_command(kind, path, folder) if whole else outcome_of_reading(kind, path)
            tally.outcomes[done] = tally.outcomes.get(done, 0) + 1
        except BaseException:  # noqa: BLE001 - a panic of a library is none of the usual kinds; all are reported
            tally.bugs.append(f"{name} {number}: {traceback.format_exc(limit=-6)}")
        took, held = time.process_time() - start, peak_mb()
        faulthandler.cancel_dump_traceback_later()
        if took > tally.worst_s:
            tally.worst_s, tally.slowest = took, number
        if held > tally.peak_mb + 16:
            tally.largest = number
        tally.peak_mb = held
    return tally


def peak_mb() -> float:
    """Largest resident memory of this process so far, 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux `ru_maxrss` begins with the parent's, which may be a large test process
        line = next(t for t in status.read_text().splitlines() if t.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    try:
        import resource
    except ImportError:
        return 0.0
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def bound_memory() -> None:
    """Let a runaway mutant fail alone instead of taking the machine with it."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("kinds", nargs="*", help=", ".join(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100, help="how many are read")
    parser.add_argument("--whole", type=int, default=0, help="how many go through a whole command line")
    options = parser.parse_args()
    bound_memory()
    names = options.kinds or list(KINDS)
    prepare(options.folder, names)
    report = {}
    for way, count in (("read", options.count), ("whole", options.whole)):
        numbers = range(options.first, options.first + count)
        report[way] = {
            name: asdict(fuzz(options.folder, name, numbers, seed=options.seed, whole=way == "whole"))
            for name in (names if count else ())
        }
    (options.folder / "report.json").write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
