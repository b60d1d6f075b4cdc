"""Builds that are interrupted and terminated: they stop at once, in words, and the same command goes on."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.faults.fault_harness import Twin, assert_told, differing, snapshot
from tests.faults.running import AT_ONCE_S, SIGNALS, Running, our_words, posix

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.small_city import SmallInputs

pytestmark = [posix, pytest.mark.slow]
SLACK = 2.5
"""Machines that run tests beside other work are slower by this."""
SMALL_TILES = "tests.faults.small_tiles"


def assert_stopped_cleanly(build: Running, ended: int, number: int, city: Path, workers: int = 1) -> None:
    """The code and word of its signal, unless the build was faster; nothing half-written, no lock.

    Workers are ended as they are; what they were writing goes when the next build begins.
    """
    code, word = SIGNALS[signal.Signals(number)]
    assert ended in {0, code}, build.said
    if ended:
        assert_told(build.said, word, "finished work is kept")
    found = {p.relative_to(city) for p in city.rglob("*twin-tmp*")}
    assert not [path for path in found if workers == 1 or path.parts[0] != ".build"]
    assert not (city / ".lock.json").exists()


@pytest.mark.parametrize(
    ("number", "stage", "delay_s"),
    [
        (signal.SIGINT, "checking inputs", 0.0),
        (signal.SIGTERM, "finding the ground", 0.05),
        (signal.SIGINT, "making buildings", 0.02),
        (signal.SIGTERM, "writing the city", 0.0),
    ],
)
def test_a_signal_stops_a_build_and_the_same_command_completes_it(
    number: int, stage: str, delay_s: float, twin: Twin, larger: SmallInputs, larger_city: dict[str, bytes],
    running: list[Running], tmp_path: Path,
) -> None:  # fmt: skip
    """RT-10 and RT-11: at most two seconds, no traceback, work kept."""
    city = tmp_path / "town.twin"
    build = Running(larger.arguments(city))
    running.append(build)
    build.wait_for(stage)
    time.sleep(delay_s)
    ended = build.stop(number, within_s=AT_ONCE_S * SLACK)
    assert_stopped_cleanly(build, ended, number, city)
    if stage != "writing the city":
        assert ended
        assert not (city / "twin.json").exists()
    if stage in {"finding the ground", "making buildings"}:
        assert list(city.glob(".build/*/spool/part-*.json"))
    assert twin(*larger.arguments(city)).code == 0
    assert differing(snapshot(city), larger_city) == []


def test_ctrl_c_reaches_the_whole_group_and_every_worker_ends(
    larger: SmallInputs, running: list[Running], tmp_path: Path
) -> None:
    """RT-10, as a terminal sends it: to the build and all its workers, which leave the words to the build."""
    build = Running(larger.arguments(tmp_path / "town.twin", workers=2), module=SMALL_TILES)
    running.append(build)
    build.wait_for("finding the ground")
    workers = workers_of(build)
    os.killpg(build.process.pid, signal.SIGINT)
    assert build.end() == 130, build.said
    assert build.said.count("interrupted") == 1
    assert_all_end(workers)


def workers_of(build: Running) -> list[psutil.Process]:
    """Its processes, once it has some beside the server that starts them."""
    parent = psutil.Process(build.process.pid)
    for _ in range(200):
        workers = parent.children(recursive=True)
        if len(workers) > 2:
            return workers
        time.sleep(0.02)
    raise AssertionError(f"no workers: {build.said}")


def assert_all_end(workers: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_build(
    number: int, larger: SmallInputs, running: list[Running], tmp_path: Path
) -> None:
    """RT-11 and RT-01: else they would go on writing beside those of the next build."""
    build = Running(larger.arguments(tmp_path / "town.twin", workers=2), module=SMALL_TILES)
    running.append(build)
    build.wait_for("finding the ground")
    workers = workers_of(build)
    ended = build.stop(number, within_s=AT_ONCE_S * SLACK)
    assert ended == {signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL}[signal.Signals(number)]
    assert_all_end(workers)


def test_only_a_worker_without_a_build_may_say_so():
    worker = (
        "Traceback (most recent call last):\n"
        '  File "/lib/multiprocessing/forkserver.py", line 274, in main\n'
        "    code = _serve_one(child_r, fds,\n"
        "           ^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "EOFError: Ran out of input\n"
    )
    ours = worker.replace("multiprocessing/forkserver.py", "twin/city/build.py")
    assert our_words(f"[ 1.8 s] ground\n{worker}", -signal.SIGKILL) == "[ 1.8 s] ground\n"
    assert our_words(worker, 143) == worker
    assert our_words(ours, -signal.SIGKILL) == ours
    assert our_words(worker + ours, -signal.SIGKILL) == ours
    other = worker.replace("EOFError", "ValueError")
    assert our_words(other + worker, -signal.SIGKILL) == other


N_MOMENTS = 100


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_at_random_moments(
    number: int, workers: int, twin: Twin, larger: SmallInputs, tmp_path: Path, running: list[Running]
) -> None:
    """RT-10 and RT-11, all of them: 100 moments spread over the whole build, seeded; every fifth is completed."""
    module = SMALL_TILES if workers > 1 else "twin.cli.main"
    sound = tmp_path / "sound" / "town.twin"
    build = Running(larger.arguments(sound, workers=workers), module)
    began = time.monotonic()
    build.wait_for("checking inputs")
    first_s = time.monotonic() - began
    assert build.end() == 0, build.said
    last_s = time.monotonic() - began
    moments = random.Random(number * 7 + workers)
    for k in range(N_MOMENTS // workers):
        city = tmp_path / str(k) / "town.twin"
        build = Running(larger.arguments(city, workers=workers), module)
        running[:] = [build]
        build.wait_for("checking inputs")
        time.sleep(moments.uniform(0, last_s - first_s))
        ended = build.stop(number, within_s=AT_ONCE_S * SLACK)
        assert_stopped_cleanly(build, ended, number, city, workers)
        if k % 5 == 0:
            again = Running(larger.arguments(city, workers=workers), module)
            assert again.end() == 0, again.said
            assert differing(snapshot(city), snapshot(sound)) == []
        shutil.rmtree(city, ignore_errors=True)
