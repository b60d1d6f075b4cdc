#!/usr/bin/env python3
"""Sets twin up in a virtual environment of its own and runs it; needs Python 3.11 or newer and nothing else.

    python3 start.py demo       install, then make, build and draw the demo district
    python3 start.py test       install with the test tools, then run the tests
    python3 start.py VERB ...   install, then any other verb of twin

On Debian and Ubuntu the system libraries that drawing needs are installed where this user may (root, or sudo
without a password); elsewhere they are named. The environment lies in .venv, or where TWIN_VENV says.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
DEBIAN_LIBRARIES = ("libegl1", "libgl1", "libgl1-mesa-dri", "libxrender1", "fonts-noto-cjk")
OLDEST = (3, 11)


def main(arguments: list[str]) -> int:
    """Install what is missing, then run; the exit code of what was run."""
    if sys.version_info < OLDEST:
        print(f"twin needs Python {OLDEST[0]}.{OLDEST[1]} or newer, this is {sys.version.split()[0]}")
        return 2
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(__doc__)
        return 0
    install_system_libraries()
    python = environment(Path(os.environ.get("TWIN_VENV", ROOT / ".venv")))
    install_packages(python, extras="all,dev" if arguments[0] == "test" else "all")
    if arguments[0] == "test":
        return call([python, "-m", "pytest", "-n", "auto", "--dist", "loadfile", *arguments[1:]])
    return call([python, "-m", "twin", *arguments])


def call(command: list[object]) -> int:
    """Run a command in the project's folder; its exit code."""
    return subprocess.run([str(c) for c in command], cwd=ROOT, check=False).returncode


def install_system_libraries() -> None:
    """On Debian and Ubuntu: what VTK and Hangul need, if it is missing and may be installed."""
    if not shutil.which("dpkg-query") or not shutil.which("apt-get"):
        return
    missing = [p for p in DEBIAN_LIBRARIES if not is_installed(p)]
    if not missing:
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    prefix = root_prefix()
    if prefix is None:
        print(
            f"missing system packages; pictures may fail without them: sudo {' '.join(install)}",
            file=sys.stderr,
        )
        return
    print(f"installing {', '.join(missing)}", file=sys.stderr)
    quietly([*prefix, "apt-get", "update", "-q"])
    if quietly([*prefix, *install]):
        print(f"could not install them; try yourself: {' '.join(prefix + install)}", file=sys.stderr)


def quietly(command: list[str]) -> int:
    """Run a package manager without questions; its exit code."""
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=False).returncode


def is_installed(package: str) -> bool:
    """Whether dpkg knows the package as installed."""
    query = ["dpkg-query", "-W", "-f", "${Status}", package]
    answer = subprocess.run(query, capture_output=True, text=True, check=False)
    return answer.stdout.startswith("install ok")


def root_prefix() -> list[str] | None:
    """What to put before a command that needs root; None where this user may not."""
    if getattr(os, "geteuid", lambda: 1)() == 0:
        return []
    if (
        shutil.which("sudo")
        and not subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode
    ):
        return ["sudo", "-n"]
    return None


def environment(folder: Path) -> Path:
    """The Python of the virtual environment, which is made if it is not there."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"making a virtual environment in {folder}", file=sys.stderr)
        try:
            venv.create(folder, with_pip=True)
        except subprocess.CalledProcessError:
            prefix = root_prefix()
            if prefix is None or not shutil.which("apt-get"):
                raise SystemExit(
                    "no ensurepip here; install it first: sudo apt-get install python3-venv"
                ) from None
            subprocess.run([*prefix, "apt-get", "install", "-y", "-q", "python3-venv"], check=False)
            venv.create(folder, with_pip=True, clear=True)
    return python


def install_packages(python: Path, *, extras: str) -> None:
    """Install twin and what it needs, unless this very state of it is installed already."""
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + extras.encode()).hexdigest()
    mark = python.parent.parent / f".twin-{extras.replace(',', '-')}"
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return
    print("installing packages (a few minutes the first time)", file=sys.stderr)
    # Without --no-compile pip spends a third of its time on byte code of modules that nobody imports.
    options = ["-q", "--disable-pip-version-check", "--no-compile"]
    if call([python, "-m", "pip", "install", *options, "-e", f".[{extras}]"]):
        raise SystemExit("installing packages failed; the lines above say why")
    mark.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
