"""Fixtures for the tests of faults: a sound city to damage, and the command line."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.faults.fault_harness import Twin, snapshot
from tests.faults.running import Running, write_larger
from tests.faults.small_city import OTHER, SmallInputs, write_small
from twin.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def twin(capsys: pytest.CaptureFixture[str]) -> Twin:
    """The command line in this process."""
    return Twin(capsys)


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> SmallInputs:
    """The sound survey; tests copy it before they change it."""
    return write_small(tmp_path_factory.mktemp("survey"))


@pytest.fixture(scope="session")
def sound_city(inputs: SmallInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city built from it; tests copy it before they change it."""
    city = tmp_path_factory.mktemp("sound") / "town.twin"
    assert run(inputs.arguments(city)) == 0
    return city


@pytest.fixture(scope="session")
def other_city(inputs: SmallInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `OTHER` makes of the same inputs; read only."""
    city = tmp_path_factory.mktemp("other") / "town.twin"
    assert run(inputs.arguments(city, *OTHER)) == 0
    return city


@pytest.fixture
def city(sound_city: Path, tmp_path: Path) -> Path:
    """A copy of the sound city, free to be damaged."""
    return shutil.copytree(sound_city, tmp_path / "town.twin")


@pytest.fixture(scope="session")
def larger(tmp_path_factory: pytest.TempPathFactory) -> SmallInputs:
    """A survey that takes a second or two to build."""
    return write_larger(tmp_path_factory.mktemp("larger"))


@pytest.fixture(scope="session")
def larger_city(larger: SmallInputs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What it becomes when nothing disturbs it."""
    city = tmp_path_factory.mktemp("larger-city") / "town.twin"
    assert run(larger.arguments(city)) == 0
    return snapshot(city)


@pytest.fixture
def running() -> Iterator[list[Running]]:
    """Builds in other processes that are ended with the test, whatever happens."""
    builds: list[Running] = []
    yield builds
    for build in builds:
        if build.process.poll() is None:
            build.process.kill()
        build.process.communicate()
