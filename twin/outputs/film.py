"""Films: pictures drawn one after the other, encoded meanwhile, kept in pieces, so that a killed film goes on."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

from twin.core.errors import OutputExistsError, UsageError
from twin.core.files import (
    atomic_path,
    canonical_json,
    guard_storage,
    make_folder,
    mark_unfinished,
    remove_tree,
    remove_unfinished,
    require_utf8_name,
    sync_file,
    write_text,
)
from twin.core.lock import writer_lock
from twin.core.visible_text import visible_text
from twin.outputs.ffmpeg import (
    LOSSLESS_ARGUMENTS,
    Encoder,
    count_frames,
    ffmpeg_program,
    h264_arguments,
    run_ffmpeg,
)
from twin.outputs.film_plan import frame_range
from twin.scene.studio import Studio

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from twin.core.notices import Notices
    from twin.core.progress import Progress
    from twin.outputs.film_plan import FilmPlan, Frame

FILM_SUFFIXES = (".mp4", ".gif")
_SERIES = re.compile(r"%0?(\d*)d")
_PIECE_S = 1.0
"""Pictures of this long are kept together: so much is drawn anew after a kill."""
GIF_FPS = 12.5
_LEAST_PIECE = 8
_MAX_TAG = 1000


def film_kind(out: Path) -> str:
    """``mp4``, ``gif`` or ``series``, by the name of the output.

    Raises
    ------
    UsageError
        If the name ends in something else.

    Examples
    --------
    >>> from pathlib import Path
    >>> film_kind(Path("storm.mp4")), film_kind(Path("frames/%04d.png")), film_kind(Path("frames"))
    ('mp4', 'series', 'series')
    """
    suffix = out.suffix.lower()
    if suffix in FILM_SUFFIXES:
        return suffix[1:]
    if suffix == "" or (suffix == ".png" and _SERIES.search(out.name)):
        return "series"
    remedy = "call it .mp4 or .gif, a folder, or a series such as frames/%04d.png"
    raise UsageError(out, f"films are not written as {suffix or 'that'}", remedy)


def require_free(out: Path, *, force: bool) -> None:
    """Refuse an output that exists before anything is drawn.

    Raises
    ------
    OutputExistsError
        If the film is there and may not be replaced.
    """
    require_utf8_name(out)
    if film_kind(out) != "series" and out.exists() and not force:
        raise OutputExistsError(out, "exists already and was kept", "pass --force to replace it")


def write_film(
    plan: FilmPlan,
    out: Path,
    *,
    force: bool = False,
    resume: bool = True,
    notices: Notices,
    progress: Progress,
) -> dict[str, Any]:
    """Draw and encode a film; what it holds.

    Parameters
    ----------
    plan : FilmPlan
    out : Path
        ``.mp4``, ``.gif``, a folder, or a series such as ``frames/%04d.png``.
    force : bool
        Whether an existing film may be replaced.
    resume : bool
        Whether finished pieces of an interrupted run of the same film are taken over.
    notices : Notices
    progress : Progress

    Raises
    ------
    OutputExistsError
        If the film exists and `force` is false.
    ExtraMissingError
        If there is no encoder.
    StorageError
        If the disk is full, not writable, or fails.
    BusyError
        If another process writes the same film.
    """
    require_free(out, force=force)
    if film_kind(out) == "series":
        return _write_series(plan, out, force=force, resume=resume, progress=progress)
    ffmpeg_program()
    make_folder(out.absolute().parent)
    work = out.with_name(f".{out.name}.twin-film")
    with writer_lock(work, notices=notices):
        kept = _prepare(work, plan.key, resume=resume)
        pieces = _draw_pieces(plan, work, out, progress)
        progress.stage("putting the film together", 1)
        with atomic_path(out, force=force) as temporary:
            _put_together(plan, work, pieces, temporary)
            found = count_frames(temporary)
            if found != len(plan.frames):
                raise OSError(f"holds {found} of {len(plan.frames)} pictures")
        progress.advance()
    remove_tree(work)
    return {**_told(plan, out), "frames_kept": kept, "bytes": out.stat().st_size}


def _told(plan: FilmPlan, out: Path) -> dict[str, Any]:
    size, n = plan.options.size, len(plan.frames)
    shown = (size[0] + size[0] % 2, size[1] + size[1] % 2) if film_kind(out) == "mp4" else size
    return {
        "output": str(out),
        "frames": n,
        "fps": plan.options.fps,
        "seconds": round(n / plan.options.fps, 3),
        "size": list(shown),
    }


def _prepare(work: Path, key: str, *, resume: bool) -> int:
    """Keep the pieces of the same film alone; how many pictures they hold."""
    told = work / "film.json"
    try:
        same = json.loads(told.read_text(encoding="utf-8")).get("key") == key
    except (OSError, ValueError, AttributeError):
        same = False
    if not (same and resume):
        for piece in work.glob("piece-*"):
            piece.unlink(missing_ok=True)
        write_text(told, canonical_json({"key": key}))
    return sum(_frames_of(p) for p in work.glob("piece-*.mkv"))


def _frames_of(piece: Path) -> int:
    """How many pictures a finished piece holds, by its name."""
    first, last = piece.stem.split("-")[1:3]
    return int(last) - int(first)


def _draw_pieces(plan: FilmPlan, work: Path, out: Path, progress: Progress) -> list[Path]:
    step = max(_LEAST_PIECE, round(_PIECE_S * plan.options.fps))
    runs = frame_range(len(plan.frames), step)
    paths = [work / f"piece-{first:06d}-{last:06d}.mkv" for first, last in runs]
    progress.stage("drawing", len(plan.frames))
    with Studio(plan.options.size) as studio:
        for (first, last), path in zip(runs, paths, strict=True):
            if path.exists():
                progress.advance(last - first)
            else:
                with _new_piece(plan, path, is_gif=film_kind(out) == "gif", n=last - first) as encoder:
                    for frame in plan.frames[first:last]:
                        encoder.put(draw_frame(plan, studio, frame))
                        progress.advance()
    return paths


@contextlib.contextmanager
def _new_piece(plan: FilmPlan, path: Path, *, is_gif: bool, n: int) -> Iterator[Encoder]:
    """An encoder of n pictures, whose file takes its name only when it is whole."""
    width, height = plan.options.size
    size, temporary = (width + width % 2, height + height % 2), path.with_name(f"new-{path.name}")
    arguments = LOSSLESS_ARGUMENTS if is_gif else h264_arguments(size, plan.options.fps)
    mark_unfinished(temporary)
    try:
        with (
            guard_storage(path),
            Encoder(temporary, size=size, fps=plan.options.fps, arguments=arguments) as encoder,
        ):
            yield encoder
        with guard_storage(path):
            if count_frames(temporary) != n:
                raise OSError("the piece came back shorter than it was written")
            sync_file(temporary)
            temporary.replace(path)
    finally:
        remove_unfinished(temporary)


def draw_frame(plan: FilmPlan, studio: Studio, frame: Frame) -> NDArray[np.uint8]:
    """One picture of a film: the snapshot of that moment, and what the film lays over it."""
    return studio.picture(
        plan.scene_of(frame),
        frame.camera,
        color_by=plan.options.color_by,
        furniture=plan.furniture,
        marks=lambda sheet: plan.marks(frame, sheet),
    )


def _put_together(plan: FilmPlan, work: Path, pieces: list[Path], out: Path) -> None:
    """All pieces as one file: as they are for a film, in the best 256 colours for a GIF."""
    listed = work / "pieces.txt"
    listed.write_text("".join(f"file '{p.name}'\n" for p in pieces), encoding="utf-8")
    source = ["-f", "concat", "-safe", "0", "-i", f"file:{listed.absolute()}"]
    meta = plan.still_scene.pack.meta
    if out.suffix.lower() == ".mp4":
        tags = {"title": plan.furniture.title or meta.name, "copyright": " · ".join(meta.attribution)}
        shown = {k: visible_text(v, max_chars=_MAX_TAG) for k, v in tags.items() if v}
        named = [part for k, v in shown.items() for part in ("-metadata", f"{k}={v}")]
        brand = ["-map_metadata", "-1", "-fflags", "+bitexact", *named, "-movflags", "+faststart"]
        run_ffmpeg([*source, "-c", "copy", *brand, "-f", "mp4"], out)
        return
    palette = work / "palette.png"
    run_ffmpeg([*source, "-vf", "palettegen=stats_mode=diff", "-frames:v", "1", "-update", "1"], palette)
    crop = "crop={}:{}:0:0".format(*plan.options.size)
    graph = f"[0:v]{crop}[cut];[cut][1:v]paletteuse=dither=sierra2_4a:diff_mode=rectangle"
    both = [*source, "-i", f"file:{palette.absolute()}"]
    run_ffmpeg([*both, "-lavfi", graph, "-loop", "0", "-fflags", "+bitexact", "-f", "gif"], out)


def _write_series(
    plan: FilmPlan, out: Path, *, force: bool, resume: bool, progress: Progress
) -> dict[str, Any]:
    """Each picture as a PNG of the same bytes as its snapshot; those of an interrupted run of the same film stay."""
    from twin.scene.png import write_png

    folder, names = series_names(out, len(plan.frames))
    make_folder(folder)
    told = folder / f"{_series_stem(out)}film.json"
    same = _is_series_of(told, plan.key)
    there = [name for name in names if (folder / name).exists()]
    if there and not same and not force:
        raise OutputExistsError(
            folder / there[0], "exists already and was kept, of another film", "pass --force to replace it"
        )
    kept = set(there) if same and resume else set()
    write_text(told, canonical_json({"key": plan.key, "frames": len(names), "fps": plan.options.fps}))
    meta = plan.still_scene.pack.meta
    progress.stage("drawing", len(names))
    with Studio(plan.options.size) as studio:
        for frame, name in zip(plan.frames, names, strict=True):
            if name not in kept:
                picture, sun = draw_frame(plan, studio, frame), plan.scene_of(frame).sun
                write_png(folder / name, picture, meta, frame.camera, sun, force=True)
            progress.advance()
    return {**_told(plan, out), "frames_kept": len(kept)}


def series_names(out: Path, n: int) -> tuple[Path, list[str]]:
    """The folder of a series and the name of each picture.

    Examples
    --------
    >>> from pathlib import Path
    >>> series_names(Path("a/f%03d.png"), 2)[1], series_names(Path("b"), 1)[1]
    (['f000.png', 'f001.png'], ['0000.png'])
    """
    if out.suffix.lower() != ".png":
        digits = max(4, len(str(n - 1)))
        return out, [f"{i:0{digits}d}.png" for i in range(n)]
    found = _SERIES.search(out.name)
    digits = int(found[1] or 0) if found else 4
    before, after = _SERIES.split(out.name)[0], out.name[found.end() :] if found else ""
    return out.parent, [f"{before}{i:0{digits}d}{after}" for i in range(n)]


def _series_stem(out: Path) -> str:
    """What keeps two series in one folder apart."""
    return f"{_SERIES.split(out.name)[0]}." if out.suffix and _SERIES.split(out.name)[0] else ""


def _is_series_of(told: Path, key: str) -> bool:
    try:
        return bool(json.loads(told.read_text(encoding="utf-8")).get("key") == key)
    except (OSError, ValueError, AttributeError):
        return False
