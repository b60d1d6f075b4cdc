"""Many files that change together: staged beside the target, journalled, then moved; finished after a crash.

Until the journal is on disk the target is the old one; from then on it is the new one, since whoever opens it next
completes the moves first. There is no moment at which a crash leaves a mixture for good.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from twin.core.errors import StorageError
from twin.core.files import (
    begin_operation,
    canonical_json,
    guard_storage,
    make_folder,
    remove_tree,
    sync_file,
    sync_folder,
    write_text,
)

if TYPE_CHECKING:
    from pathlib import Path

JOURNAL = ".commit.json"


def commit(stage: Path, target: Path, *, last: str, remove: tuple[str, ...] = ()) -> None:
    """Replace the staged files in the target, all or none.

    Parameters
    ----------
    stage : Path
        A folder inside the target's file system whose files go to the same relative paths in the target.
    target : Path
        The folder that receives them.
    last : str
        Relative path of the file that is moved last (the manifest).
    remove : tuple of str
        Relative paths in the target that the new state no longer has.
    """
    names = sorted(p.relative_to(stage).as_posix() for p in stage.rglob("*") if p.is_file())
    names = [n for n in names if n != last] + [last]
    with guard_storage(target):
        for name in names:
            sync_file(stage / name)
    inside = stage.relative_to(target).as_posix()
    write_text(target / JOURNAL, canonical_json({"stage": inside, "moves": names, "remove": sorted(remove)}))
    recover(target)


def recover(target: Path) -> bool:
    """Complete a commit that was cut off; whether there was one.

    Raises
    ------
    StorageError
        If the journal is damaged or reaches outside the target.
    """
    journal = target / JOURNAL
    if not journal.exists():
        return False
    plan = _read_journal(journal)
    stage = _inside(target, plan["stage"])
    with guard_storage(target):
        for name in plan["remove"]:
            begin_operation(target / name)
            _inside(target, name).unlink(missing_ok=True)
        for name in plan["moves"]:
            _move(stage / name, _inside(target, name))
        sync_folder(target)
        begin_operation(journal)
        journal.unlink()
    remove_tree(stage)
    return True


def _move(source: Path, final: Path) -> None:
    if not source.exists():  # moved before the crash
        return
    make_folder(final.parent)
    begin_operation(final)
    source.replace(final)
    sync_folder(final.parent)


def _read_journal(journal: Path) -> dict[str, list[str]]:
    try:
        plan = json.loads(journal.read_text(encoding="utf-8"))
        return {"stage": plan["stage"], "moves": plan["moves"], "remove": plan["remove"]}
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            journal, "the journal of an interrupted build is damaged", "delete it and build again"
        ) from error


def _inside(target: Path, name: object) -> Path:
    path = (target / str(name)).resolve()
    if not path.is_relative_to(target.resolve()):
        raise StorageError(target / JOURNAL, f"names {name!r}, outside the city", "delete it and build again")
    return target / str(name)
