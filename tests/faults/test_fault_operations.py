"""File operations that fail: the n-th one that changes the disk, and the n-th file that is opened."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.fault_harness import Twin, assert_told, differing, snapshot
from tests.faults.small_city import SmallInputs
from twin.core.files import _Counter

if TYPE_CHECKING:
    from pathlib import Path

N_OPERATIONS = 200
"""More than a build of the small survey begins."""


def fail_at(n: int, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Counter, "n", 0)
    monkeypatch.setenv("TWIN_FAULT", f"{kind}@{n}")


def assert_fails_and_completes(
    n: int, kind: str, twin: Twin, inputs: SmallInputs, folder: Path, sound: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> bool:  # fmt: skip
    """Whether there was an n-th operation to fail."""
    city = folder / str(n) / "town.twin"
    with monkeypatch.context() as patch:
        fail_at(n, kind, patch)
        done = twin(*inputs.arguments(city))
    assert done.code in {0, 5}, done.err
    if done.code == 0:
        assert differing(snapshot(city), sound) == []
        return False
    assert_told(done.error, str(folder))
    final = {k: v for k, v in snapshot(city).items() if not k.startswith(".")} if city.exists() else {}
    assert all(sound.get(k) == v for k, v in final.items()), (n, differing(final, sound))
    again = twin(*inputs.arguments(city))
    assert again.code == 0, again.err
    assert differing(snapshot(city), sound) == [], n
    shutil.rmtree(city)
    return True


@pytest.mark.parametrize(("n", "kind"), [(k, "EIO") for k in (1, 9, 31, 61, 79, 90)])
def test_the_nth_operation_fails(
    n: int, kind: str, twin: Twin, inputs: SmallInputs, sound_city: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """RT-06, some of them."""
    sound = snapshot(sound_city)
    assert assert_fails_and_completes(n, kind, twin, inputs, tmp_path, sound, monkeypatch)


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["EIO", "ENOENT", "EMFILE", "ENOSPC"])
def test_every_operation_fails_once(
    kind: str,
    twin: Twin,
    inputs: SmallInputs,
    sound_city: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RT-06, all of them."""
    sound = snapshot(sound_city)
    failed = [
        assert_fails_and_completes(n, kind, twin, inputs, tmp_path, sound, monkeypatch)
        for n in range(1, N_OPERATIONS)
    ]
    assert 50 < sum(failed) < N_OPERATIONS - 1


# --- opening fails


class Opening:
    """Fails the n-th opening of a file below a folder; an audit hook, which cannot be taken away, only be at rest."""

    installed = False
    folder, n, count, code = "", 0, 0, 0

    @classmethod
    def fail(cls, n: int, code: int, folder: Path) -> None:
        """From now on."""
        cls.folder, cls.n, cls.count, cls.code = str(folder), n, 0, code
        if not cls.installed:
            sys.addaudithook(cls.hook)
            cls.installed = True

    @classmethod
    def rest(cls) -> bool:
        """Whether an opening failed; no further one does."""
        failed, cls.folder = cls.count >= cls.n, ""
        return failed

    @classmethod
    def hook(cls, event: str, arguments: Any) -> None:
        if event == "open" and cls.folder and str(arguments[0]).startswith(cls.folder):
            cls.count += 1
            if cls.count == cls.n:
                raise OSError(cls.code, os.strerror(cls.code), str(arguments[0]))


def assert_opening_fails_in_words(
    n: int, code: int, twin: Twin, inputs: SmallInputs, folder: Path, sound: dict[str, bytes]
) -> bool:
    """Whether there was an n-th opening to fail."""
    city = folder / str(n) / "town.twin"
    Opening.fail(n, code, folder)
    try:
        done = twin(*inputs.arguments(city))
    finally:
        failed = Opening.rest()
    assert done.code in ({0, 3, 5} if failed else {0}), (
        done.err
    )  # what is not needed, an input, a file of ours
    if done.code:
        assert_told(done.error, str(folder))
        final = {k: v for k, v in snapshot(city).items() if not k.startswith(".")} if city.exists() else {}
        assert all(sound.get(k) == v for k, v in final.items()), (n, differing(final, sound))
    assert twin(*inputs.arguments(city)).code == 0, n
    assert differing(snapshot(city), sound) == [], n
    shutil.rmtree(city)
    return failed


@pytest.mark.parametrize("n", [1, 12, 40, 70])
def test_the_nth_opening_fails(
    n: int, twin: Twin, inputs: SmallInputs, sound_city: Path, tmp_path: Path
) -> None:
    """RT-06: reading fails as writing does."""
    assert assert_opening_fails_in_words(n, errno.EMFILE, twin, inputs, tmp_path, snapshot(sound_city))


@pytest.mark.nightly
@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE], ids=["EIO", "EMFILE"])
def test_every_opening_fails_once(
    code: int, twin: Twin, inputs: SmallInputs, sound_city: Path, tmp_path: Path
) -> None:
    """RT-06, all that Python opens in the city."""
    sound = snapshot(sound_city)
    n = 1
    while assert_opening_fails_in_words(n, code, twin, inputs, tmp_path, sound):
        n += 1
    assert n > 50
