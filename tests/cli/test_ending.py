"""The end of a process: quick, and yet everybody who asked is called, and the exit code and every word arrive."""

import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import atexit, os, sys, tempfile, threading, time
from twin.cli import main

def verb(arguments):
    {body}

main.run = verb
main.main()
"""


def ended(body, **options):
    command = [sys.executable, "-c", RUN.format(body=body)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, **options)


@pytest.mark.parametrize("code", [0, 3, 70, 130])
def test_the_exit_code_and_all_words_arrive(code):
    done = ended(f"sys.stdout.write('told'); sys.stderr.write('noted'); return {code}")
    assert (done.returncode, done.stdout, done.stderr) == (code, "told", "noted")


def test_who_asked_to_be_called_is_called():
    done = ended("atexit.register(print, 'called'); return 0")
    assert (done.returncode, done.stdout) == (0, "called\n")


def test_threads_end_their_work():
    late = "threading.Thread(target=lambda: (time.sleep(0.2), print('written'))).start(); return 0"
    assert ended(late).stdout == "written\n"


def test_temporary_folders_go(tmp_path):
    body = "global kept; kept = tempfile.TemporaryDirectory(dir=sys.argv[1]); print(kept.name); return 0"
    command = [sys.executable, "-c", RUN.format(body=body), str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith(str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_an_error_that_passes_main_is_told():
    done = ended("raise RuntimeError('odd')")
    assert done.returncode == 1
    assert "RuntimeError: odd" in done.stderr


def test_nobody_is_registered_before():
    """What is registered before ours would be called after it: never."""
    told = "import atexit, twin.cli.main; print(atexit._ncallbacks())"
    done = subprocess.run(
        [sys.executable, "-c", told], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "0\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/dev/full is Linux's")
def test_words_that_do_not_fit_are_no_success():
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-c", RUN.format(body="print('x' * 10); return 0")]
        done = subprocess.run(
            command, check=False, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode != 0
