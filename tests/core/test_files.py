"""Files are whole or not there, whatever fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from twin.core.commit import JOURNAL, commit, recover
from twin.core.errors import BusyError, OutputExistsError, StorageError
from twin.core.files import (
    _Counter,
    atomic_path,
    make_folder,
    remove_leftovers,
    require_free_space,
    write_bytes,
    write_text,
)
from twin.core.lock import HOLDER, writer_lock
from twin.core.notices import Notices

N_MAX = 60


def test_atomic_path_keeps_the_suffix_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a.city.json") as temporary:
        assert temporary.name.endswith(".city.json")
        temporary.write_text("x")
    assert [p.name for p in tmp_path.iterdir()] == ["a.city.json"]


def test_a_failing_block_leaves_the_old_file(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_existing_output_is_kept_without_force(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(OutputExistsError, match="--force") as caught:
        write_text(tmp_path / "a.txt", "new", force=False)
    assert caught.value.exit_code == 5
    assert (tmp_path / "a.txt").read_text() == "old"


@pytest.mark.parametrize("kind", ["EIO", "ENOSPC", "EMFILE"])
def test_every_failing_operation_leaves_old_or_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    final = tmp_path / "a.txt"
    failed = 0
    for n in range(1, N_MAX):
        write_text(final, "old")
        monkeypatch.setattr(_Counter, "n", 0)
        monkeypatch.setenv("TWIN_FAULT", f"{kind}@{n}")
        try:
            write_text(final, "new")
        except StorageError as error:
            failed += 1
            assert str(tmp_path) in str(error)
            assert error.exit_code == 5
        finally:
            monkeypatch.delenv("TWIN_FAULT")
        assert final.read_text() in {"old", "new"}
        assert len(list(tmp_path.iterdir())) == 1
    assert failed >= 4


def _stage(target: Path, text: str) -> Path:
    stage = target / ".stage"
    for name in ("terrain/dtm.tif", "map/roads.parquet", "twin.json"):
        make_folder((stage / name).parent)
        (stage / name).write_text(text)
    return stage


def _texts(target: Path) -> set[str]:
    return {p.read_text() for p in target.rglob("*") if p.is_file() and not p.name.startswith(".")}


def test_commit_replaces_all_and_removes_what_is_gone(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("old")
    commit(_stage(tmp_path, "new"), tmp_path, last="twin.json", remove=("old.txt",))
    assert _texts(tmp_path) == {"new"}
    assert not (tmp_path / "old.txt").exists()
    assert not recover(tmp_path)


KILLED = """
import sys
from pathlib import Path
from twin.core.commit import commit, recover
target = Path(sys.argv[1])
commit(target / ".stage", target, last="twin.json")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_a_kill_at_any_operation_of_a_commit_ends_in_old_or_new(tmp_path: Path) -> None:
    seen = set()
    for n in range(1, N_MAX):
        target = tmp_path / str(n)
        target.mkdir()
        commit(_stage(target, "old"), target, last="twin.json")
        _stage(target, "new")
        env = {**os.environ, "TWIN_FAULT": f"kill@{n}"}
        code = subprocess.run([sys.executable, "-c", KILLED, str(target)], env=env, check=False).returncode
        recover(target)
        texts = {
            p.read_text()
            for p in target.rglob("*")
            if p.is_file() and ".stage" not in p.parts and not p.name.startswith(".")
        }
        assert len(texts) == 1, (n, texts)
        seen |= texts
        if code == 0:
            break
    assert seen == {"old", "new"}


def test_a_journal_that_leads_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_text('{"stage": ".stage", "moves": ["../../escaped"], "remove": []}')
    with pytest.raises(StorageError, match="outside"):
        recover(tmp_path)


def test_free_space_is_checked_before_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage)
    with pytest.raises(StorageError, match=r"needs about 5 MB of disk, has 1 MB"):
        require_free_space(tmp_path / "not" / "yet", 5_000_000)


def test_leftovers_of_killed_runs_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".123.twin-tmp-dtm.tif.tif").write_text("half")
    write_bytes(tmp_path / "dtm.tif", b"whole")
    assert remove_leftovers(tmp_path) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["dtm.tif"]


def test_a_path_under_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        make_folder(tmp_path / "file" / "city.twin")


HOLD = """
import sys, time
from pathlib import Path
from twin.core.lock import writer_lock
from twin.core.notices import Notices
with writer_lock(Path(sys.argv[1]), notices=Notices()):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_leaves_at_once_and_a_dead_one_is_taken_over(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "held"
        with (
            pytest.raises(BusyError, match=f"process {holder.pid} on .+ since 20") as caught,
            writer_lock(tmp_path, notices=Notices()),
        ):
            pass
        assert caught.value.exit_code == 6
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()  # type: ignore[union-attr]
    assert (tmp_path / HOLDER).exists()
    notices = Notices()
    with writer_lock(tmp_path, notices=notices):
        pass
    assert [n.cause for n in notices.items] == ["stale-lock"]
