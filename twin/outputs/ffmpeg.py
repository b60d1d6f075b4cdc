"""Pictures handed to ffmpeg while the next is drawn: a thread, a short queue, one process."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import ExtraMissingError, StorageError
from twin.core.files import says_full_disk, storage_error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

QUEUE_FRAMES = 3
_LEVELS = (  # macroblocks a frame and a second that a level of H.264 allows (ITU-T H.264, table A-1)
    (1_620, 40_500, "3.0"),
    (3_600, 108_000, "3.1"),
    (8_192, 245_760, "4.0"),
    (8_704, 522_240, "4.2"),
    (22_080, 589_824, "5.0"),
    (36_864, 983_040, "5.1"),
    (36_864, 2_073_600, "5.2"),
    (139_264, 4_177_920, "6.0"),
    (139_264, 16_711_680, "6.2"),
)


def ffmpeg_program() -> str:
    """The program that encodes: that of the extra, else one of the system.

    Raises
    ------
    ExtraMissingError
        If there is neither.
    """
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        found = shutil.which("ffmpeg")
    if found is None:
        raise ExtraMissingError(
            "ffmpeg", "films need an encoder, and none is installed", 'pip install "twin[expo]"'
        )
    return found


def h264_level(size: tuple[int, int], fps: float) -> str:
    """The lowest level of H.264 that a player must have for such a film.

    Examples
    --------
    >>> h264_level((1920, 1080), 30), h264_level((1280, 720), 25), h264_level((3840, 2160), 30)
    ('4.0', '3.1', '5.1')
    """
    blocks = math.ceil(size[0] / 16) * math.ceil(size[1] / 16)
    for most, rate, level in _LEVELS:
        if blocks <= most and blocks * fps <= rate:
            return level
    return _LEVELS[-1][2]


def h264_arguments(size: tuple[int, int], fps: float) -> list[str]:
    """Options for H.264 that plays everywhere: 4:2:0, BT.709 said and meant, a level, a key frame every two seconds."""
    return [
        *("-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", "17", "-profile:v", "high"),
        *("-level:v", h264_level(size, fps), "-g", str(max(1, round(2 * fps)))),
        *("-x264-params", "colorprim=bt709:transfer=bt709:colormatrix=bt709:range=tv"),
        *("-flags:v", "+bitexact"),
    ]


LOSSLESS_ARGUMENTS = ["-c:v", "ffv1", "-level", "3", "-pix_fmt", "bgr0"]
"""What a GIF is made from at the end, when its colours can be chosen."""


def even(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with its last column or row repeated where a side is odd: 4:2:0 knows pairs of pixels alone."""
    height, width = picture.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return picture
    return np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


class Encoder:
    """An ffmpeg process that takes pictures of one size; a context that fails leaves no file.

    Parameters
    ----------
    out : Path
    size : tuple of int
        Even width and height, pixels.
    fps : float
    arguments : sequence of str
        Options of the encoder.

    Raises
    ------
    ExtraMissingError
        If there is no ffmpeg.
    StorageError
        If the file cannot be written.
    """

    def __init__(self, out: Path, *, size: tuple[int, int], fps: float, arguments: Sequence[str]) -> None:
        self.out = out
        self._told = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process is
        source = [
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-s",
            f"{size[0]}x{size[1]}",
            "-r",
            f"{fps:g}",
            "-i",
            "-",
        ]
        self._process = start_ffmpeg(
            [*source, "-an", *arguments, f"file:{out.absolute()}"], told=self._told, takes_input=True
        )
        self._queue: queue.Queue[NDArray[np.uint8] | None] = queue.Queue(QUEUE_FRAMES)
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self._thread.start()

    def put(self, picture: NDArray[np.uint8]) -> None:
        """Hand over one picture, shape (height, width, 3); waits only where the encoder is far behind."""
        if self._error is not None:
            self._fail()
        self._queue.put(even(picture))

    def __enter__(self) -> Encoder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
            self._process.wait()
            self._told.close()
            with contextlib.suppress(OSError):
                self.out.unlink(missing_ok=True)
            return
        self._queue.put(None)
        self._thread.join()
        if self._process.wait() or self._error is not None:
            self._fail()
        self._told.close()

    def _feed(self) -> None:
        pipe: Any = self._process.stdin
        while (picture := self._queue.get()) is not None:
            if self._error is None:
                try:
                    pipe.write(np.ascontiguousarray(picture).data)
                except OSError as error:  # the process ended; the queue is emptied so that nobody waits
                    self._error = error
        with contextlib.suppress(OSError):
            pipe.close()

    def _fail(self) -> None:
        code = self._process.wait()
        raise encoder_error(self.out, code, self._told)


def start_ffmpeg(
    arguments: Sequence[str], *, told: Any, takes_input: bool = False
) -> subprocess.Popen[bytes]:
    """An ffmpeg in a session of its own: a Ctrl-C is for us, who then end it."""
    command = [ffmpeg_program(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y"]
    if takes_input:
        command.remove("-nostdin")
    new_group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # Windows has it
    return subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.PIPE if takes_input else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=told,
        start_new_session=sys.platform != "win32",
        creationflags=new_group,
    )


def run_ffmpeg(arguments: Sequence[str], out: Path) -> None:
    """One pass of ffmpeg over files.

    Raises
    ------
    StorageError
        If it fails.
    """
    with tempfile.TemporaryFile() as told:
        process = start_ffmpeg([*arguments, f"file:{out.absolute()}"], told=told)
        try:
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        if code:
            raise encoder_error(out, code, told, close=False)


def count_frames(path: Path) -> int:
    """How many pictures a film holds, told by reading it through; 0 where it cannot be read."""
    with tempfile.TemporaryFile() as told:
        arguments = [
            "-loglevel",
            "info",
            "-i",
            f"file:{path.absolute()}",
            "-map",
            "0:v:0",
            "-c",
            "copy",
            "-f",
            "null",
            "-",
        ]
        if start_ffmpeg(arguments, told=told).wait():
            return 0
        told.seek(0)
        found = re.findall(rb"frame=\s*(\d+)", told.read())
    return int(found[-1]) if found else 0


def encoder_error(out: Path, code: int, told: Any, *, close: bool = True) -> Exception:
    """Our error for what ffmpeg said."""
    told.seek(0)
    text = told.read().decode("utf-8", "replace").strip()
    if close:
        told.close()
    with contextlib.suppress(OSError):
        out.unlink(missing_ok=True)
    too_large = not sys.platform.startswith("win") and code == -_SIGXFSZ
    if too_large or says_full_disk(text):
        return storage_error(out, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    lines = text.splitlines()
    why = lines[-1][:200] if lines else f"exit {code}"
    return StorageError(out, f"encoding failed ({why})", "check the disk and run again")


_SIGXFSZ = 25
