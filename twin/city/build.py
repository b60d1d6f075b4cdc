"""From survey to city: the stages in their order, resumable after each tile.

::

    point files -> spool by tile -> ground pass (tiles) -> mosaic of rasters -> water levels
                                                               |
    footprints, map ------------------------------------> object pass (tiles) -> assembly -> commit

Everything unfinished lies in ``CITY/.build/KEY``, where KEY is the digest of inputs and parameters; a finished tile
is a file there, and a second run with the same key finds it. The city itself changes in one journalled commit.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from twin.city.folder import WORK, previous_manifest, require_ours
from twin.city.manifest import MANIFEST, Manifest
from twin.core.commit import commit, recover
from twin.core.errors import (
    CrsError,
    InputError,
    InputNotFoundError,
    LimitError,
    OverlapError,
    StorageError,
    UnsafeInputError,
    UsageError,
)
from twin.core.files import (
    make_folder,
    remove_file,
    remove_leftovers,
    remove_tree,
    require_free_space,
    require_utf8_name,
)
from twin.core.lock import writer_lock
from twin.core.memory import give_back_memory
from twin.core.notices import Notices

if TYPE_CHECKING:
    from pathlib import Path

    from twin.city.options import BuildOptions
    from twin.city.plan import Plan
    from twin.core.progress import Progress

BYTES_PER_POINT = 40
"""Disk that a build needs while it runs: the points twice by tile, rasters, meshes."""
REFUSALS = (
    *(CrsError, InputError, InputNotFoundError, LimitError, OverlapError, UnsafeInputError, UsageError),
)
"""What is wrong with an input, not with this run; a tile that was given up is not among them."""


def build_city(options: BuildOptions, *, notices: Notices, progress: Progress) -> dict[str, Any]:
    """Build or update the city that the options describe; counts for a summary.

    Raises
    ------
    TwinError
        One of its leaves; what was finished is kept for the next run.
    """
    from twin.city.plan import make_plan

    folder = options.output
    require_utf8_name(folder)
    require_ours(folder)
    is_new = not folder.exists()
    found = Notices()  # of the inputs alone: they go into the manifest, what happened to this run does not
    try:
        plan = make_plan(options, notices=found, progress=progress)
        with writer_lock(folder, notices=notices):
            recover(folder)
            remove_leftovers(folder)
            old = previous_manifest(folder, notices)
            if old is not None and old.build_key == plan.key:
                _clear_work(folder, plan.key)
                return {**_summary(folder, old), "unchanged": True}
            manifest = _build_or_clear(plan, old, found, progress)
            return _summary(folder, manifest)
    finally:
        notices.extend(found)
        if is_new:
            _remove_if_empty(folder)


def _build_or_clear(plan: Plan, old: Manifest | None, found: Notices, progress: Progress) -> Manifest:
    """Build; leave no unfinished work of inputs that no second run could build from either."""
    try:
        return _build(plan, old, found, progress)
    except REFUSALS:
        with contextlib.suppress(StorageError):
            remove_tree(plan.options.output / WORK)
        raise


def _remove_if_empty(folder: Path) -> None:
    """Leave no empty city behind where a build was refused."""
    for path in (folder / WORK, folder):
        with contextlib.suppress(OSError):
            path.rmdir()


def _build(plan: Plan, old: Manifest | None, notices: Notices, progress: Progress) -> Manifest:
    from twin.city.assemble import assemble
    from twin.city.ground_pass import ground_pass
    from twin.city.object_pass import footprint_pass, object_pass
    from twin.city.plan import require_unchanged
    from twin.city.survey_pass import spool_survey

    folder = plan.options.output
    require_free_space(folder, sum(f.n_points for f in plan.files) * BYTES_PER_POINT + 20_000_000)
    work = _work_folder(folder, plan.key)
    spool = spool_survey(plan, work / "spool", notices=notices, progress=progress)
    give_back_memory()
    ground = ground_pass(plan, spool, work / "ground", notices=notices, progress=progress)
    give_back_memory()
    plan = footprint_pass(plan, ground, work, notices=notices, progress=progress)
    objects = object_pass(plan, ground, work / "objects", notices=notices, progress=progress)
    give_back_memory()
    progress.stage("writing the city", 1)
    require_unchanged(plan)
    stage = make_folder(work / "stage")
    manifest = assemble(plan, ground, objects, stage, old=old, notices=notices)
    kept = {f.path for layer in manifest.layers.values() for f in layer.files}
    gone = () if old is None else tuple({f.path for la in old.layers.values() for f in la.files} - kept)
    commit(stage, folder, last=MANIFEST, remove=gone)
    remove_tree(folder / WORK)
    progress.advance()
    return manifest


def _work_folder(folder: Path, key: str) -> Path:
    """The folder of this build's unfinished work; work for other inputs is thrown away."""
    work = folder / WORK / key[:16]
    if (folder / WORK).is_dir():
        for other in (folder / WORK).iterdir():
            if other != work:
                remove_tree(other) if other.is_dir() else remove_file(other)
    remove_tree(work / "stage")
    return make_folder(work)


def _clear_work(folder: Path, key: str) -> None:
    """Remove what is left of a build whose commit was completed by the next one to open the city."""
    if (folder / WORK / key[:16]).exists():
        remove_tree(folder / WORK / key[:16])
    with contextlib.suppress(OSError):
        (folder / WORK).rmdir()


def _summary(folder: Path, manifest: Manifest) -> dict[str, Any]:
    from twin.city.info import building_facts
    from twin.city.model import City

    facts = building_facts(City(folder, manifest))
    unmapped = manifest.layers.get("unmapped")
    return {
        "city": str(folder),
        "crs": manifest.crs,
        "buildings": facts["buildings"],
        "states": facts["states"],
        "unmapped": int(unmapped.counts.get("masses", 0)) if unmapped else 0,
        "layers": sorted(manifest.layers),
        "unchanged": False,
    }
