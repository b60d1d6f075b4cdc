"""Films: every picture is the snapshot of its moment; what is cut short goes on; what stood there stays."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta

import numpy as np
import pytest
from PIL import Image

from tests.drawing import needs_graphics
from tests.full_disk import file_size_limit
from tests.scene.conftest import village_content
from twin.core.errors import ExtraMissingError, LimitError, OutputExistsError, StorageError, UsageError
from twin.core.notices import Notices
from twin.core.progress import Silent
from twin.outputs import ffmpeg, film
from twin.outputs.ffmpeg import Encoder, count_frames, even, ffmpeg_program, h264_arguments, run_ffmpeg
from twin.outputs.film import write_film
from twin.outputs.film_plan import FilmOptions, parse_time_range, plan_film
from twin.scene.camera import Camera
from twin.scene.layers import LayerView
from twin.scene.scene import Scene

SIZE = (96, 54)
START = datetime.fromisoformat("2026-07-01T17:00+02:00")
RANGE = (START, START + timedelta(hours=2))
CAMERA = Camera((0.0, -90.0, 50.0), (0.0, 0.0, 0.0))


@pytest.fixture(scope="module")
def scene():
    return Scene(village_content())


@pytest.fixture
def plan(scene):
    def make(**changes):
        wanted = {"size": SIZE, "fps": 8.0, "seconds": 2.0, "orbits": True, **changes}
        return plan_film(scene, FilmOptions(**wanted))

    return make


def write(plan, out, **options):
    return write_film(plan, out, **{"notices": Notices(), "progress": Silent(), **options})


def decoded(path, size=SIZE) -> np.ndarray:
    command = [
        ffmpeg_program(),
        "-loglevel",
        "error",
        "-i",
        str(path),
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-",
    ]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, size[1], size[0], 3)


def told(path) -> str:
    return subprocess.run(
        [ffmpeg_program(), "-i", str(path)], capture_output=True, text=True, check=False
    ).stderr


@needs_graphics
def test_every_picture_of_a_series_is_the_snapshot_of_its_moment(tmp_path, scene, plan) -> None:
    made = plan(orbits=False, time_range=RANGE, view=CAMERA, seconds=0.5)
    found = write(made, tmp_path / "frames")
    assert found["frames"] == 4
    assert (made.frames[0].when, made.frames[-1].when) == RANGE
    for i, frame in enumerate(made.frames):
        shot = scene.at(frame.when).snapshot(tmp_path / "shot.png", size=SIZE, view=frame.camera)
        assert (tmp_path / "frames" / f"{i:04d}.png").read_bytes() == shot.read_bytes()
    pictures = [Image.open(tmp_path / "frames" / f"{i:04d}.png").tobytes() for i in range(4)]
    assert len(set(pictures)) == 4


@needs_graphics
def test_a_film_shows_the_pictures_of_its_series(tmp_path, plan) -> None:
    made = plan()
    write(made, tmp_path / "frames/p%03d.png")
    found = write(made, tmp_path / "round.mp4")
    assert found["bytes"] == (tmp_path / "round.mp4").stat().st_size
    frames = decoded(tmp_path / "round.mp4")
    assert len(frames) == 16 == count_frames(tmp_path / "round.mp4")
    for i, frame in enumerate(frames):
        still = np.asarray(Image.open(tmp_path / "frames" / f"p{i:03d}.png"))
        assert np.abs(frame.astype(float) - still).mean() < 6.0
    text = told(tmp_path / "round.mp4")
    for words in ("h264 (High)", "yuv420p(tv, bt709", "8 fps", "Village", "Survey of the village"):
        assert words in text
    raw = (tmp_path / "round.mp4").read_bytes()
    assert raw.index(b"moov") < raw.index(b"mdat")  # plays before it is loaded


@needs_graphics
def test_odd_sizes_gain_a_column_and_a_gif_keeps_its_size(tmp_path, plan) -> None:
    made = plan(size=(97, 55), seconds=1.0)
    assert write(made, tmp_path / "odd.mp4")["size"] == [98, 56]
    assert decoded(tmp_path / "odd.mp4", (98, 56)).shape[0] == 8
    write(made, tmp_path / "odd.gif")
    with Image.open(tmp_path / "odd.gif") as image:
        assert (image.size, image.n_frames, image.info["loop"]) == ((97, 55), 8, 0)
        assert 110 <= image.info["duration"] <= 130


@needs_graphics
def test_an_interrupted_film_goes_on_with_what_it_has(tmp_path, plan, monkeypatch) -> None:
    made, out, drawn = plan(seconds=3.0), tmp_path / "cut.mp4", []
    draw = film.draw_frame

    def until_killed(*arguments):
        if len(drawn) == 19:
            raise KeyboardInterrupt
        drawn.append(arguments[2])
        return draw(*arguments)

    monkeypatch.setattr(film, "draw_frame", until_killed)
    with pytest.raises(KeyboardInterrupt):
        write(made, out)
    assert not out.exists()
    left = sorted(p.name for p in (tmp_path / ".cut.mp4.twin-film").iterdir())
    assert left == ["film.json", "piece-000000-000008.mkv", "piece-000008-000016.mkv"]
    drawn.clear()
    monkeypatch.setattr(film, "draw_frame", lambda *a: drawn.append(a[2]) or draw(*a))
    assert write(made, out)["frames_kept"] == 16
    assert drawn == list(made.frames[16:])
    assert [p.name for p in tmp_path.iterdir()] == ["cut.mp4"]
    write(made, tmp_path / "whole.mp4")
    assert out.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@needs_graphics
def test_pieces_of_another_film_are_not_taken(tmp_path, plan, monkeypatch) -> None:
    draw, n = film.draw_frame, []
    monkeypatch.setattr(film, "draw_frame", lambda *a: n.append(1) or (draw(*a) if len(n) < 10 else 1 / 0))
    with pytest.raises(ZeroDivisionError):
        write(plan(), tmp_path / "a.mp4")
    monkeypatch.setattr(film, "draw_frame", draw)
    assert write(plan(view=CAMERA), tmp_path / "a.mp4")["frames_kept"] == 0


@needs_graphics
def test_a_series_goes_on_and_another_is_not_written_over(tmp_path, plan) -> None:
    made = plan(seconds=0.5)
    write(made, tmp_path / "s")
    (tmp_path / "s" / "0002.png").unlink()
    (tmp_path / "s" / "0001.png").write_bytes(b"mine now")
    assert write(made, tmp_path / "s")["frames_kept"] == 3
    assert (tmp_path / "s" / "0002.png").exists()
    with pytest.raises(OutputExistsError, match="another film"):
        write(plan(seconds=0.5, view=CAMERA), tmp_path / "s")
    write(plan(seconds=0.5, view=CAMERA), tmp_path / "s", force=True)
    assert (tmp_path / "s" / "0001.png").read_bytes() != b"mine now"


def test_a_film_that_exists_stays(tmp_path, plan) -> None:
    (tmp_path / "a.mp4").write_bytes(b"old")
    with pytest.raises(OutputExistsError, match="--force"):
        write(plan(), tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == b"old"


@pytest.mark.parametrize("name", ["a.avi", "a.png", "a.mkv"])
def test_other_kinds_are_refused(tmp_path, plan, name) -> None:
    with pytest.raises(UsageError, match="mp4"):
        write(plan(), tmp_path / name)


def test_a_missing_encoder_is_named_with_the_command_that_brings_it(tmp_path, plan, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    monkeypatch.setattr(ffmpeg.shutil, "which", lambda name: None)
    with pytest.raises(ExtraMissingError, match=r'pip install "twin\[expo\]"'):
        write(plan(), tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told_as_one(tmp_path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    with (
        file_size_limit(100_000),
        pytest.raises(StorageError, match="disk full"),
        Encoder(tmp_path / "a.mkv", size=(256, 256), fps=10, arguments=h264_arguments((256, 256), 10)) as out,
    ):
        for _ in range(60):
            out.put(noise)
    assert not list(tmp_path.iterdir())


@needs_graphics
@pytest.mark.parametrize("name", ["frames/%02d.png", "film.gif"])
def test_a_disk_that_fills_while_pictures_are_drawn_leaves_none_in_halves(tmp_path, plan, name) -> None:
    resource = pytest.importorskip("resource")  # not on Windows
    film = plan(fps=2.0, seconds=1.0)
    write(film, tmp_path / "warm")  # caches are written before
    tmp_path = tmp_path / "out"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
    try:
        with pytest.raises(StorageError, match="disk full") as told:
            write(film, tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert told.value.exit_code == 5
    left = sorted(p.name for p in tmp_path.rglob("*") if p.is_file())
    assert set(left) <= {"film.json", ".lock", ".lock.json"}
    assert write(film, tmp_path / name)["frames"] == 2


def test_an_encoder_that_fails_leaves_nothing(tmp_path) -> None:
    with pytest.raises(StorageError, match="encoding failed"):
        run_ffmpeg(["-i", "file:/nowhere.mkv"], tmp_path / "a.mp4")
    with (
        pytest.raises(ValueError, match="stop"),
        Encoder(tmp_path / "b.mkv", size=(16, 16), fps=5, arguments=h264_arguments((16, 16), 5)) as out,
    ):
        out.put(np.zeros((16, 16, 3), np.uint8))
        raise ValueError("stop")
    assert not list(tmp_path.iterdir())


def test_even_repeats_the_rim() -> None:
    odd = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    padded = even(odd)
    assert padded.shape == (4, 4, 3)
    assert np.array_equal(padded[:3, 3], odd[:, 2])


class Gauge:
    """A layer that knows ten minutes."""

    name, span = "gauge", (START, START + timedelta(minutes=10))

    def at(self, when):
        return LayerView()


def test_a_time_without_data_is_told() -> None:
    scene = Scene(village_content(), [Gauge()])
    late = (START + timedelta(days=1), START + timedelta(days=2))
    with pytest.raises(UsageError, match=r"outside of what the layers know.*2026-07-01T17:00:00"):
        plan_film(scene, FilmOptions(size=SIZE, time_range=late))
    plan_film(scene, FilmOptions(size=SIZE, fps=1, seconds=2, time_range=RANGE))
    assert "beyond" in scene.notices.lines()[0]
    assert parse_time_range("all", scene.span) == Gauge.span


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"orbits": False}, UsageError, "nothing moves"),
        ({"fps": 0.0}, UsageError, "--fps"),
        ({"fps": float("nan")}, UsageError, "--fps"),
        ({"seconds": 0.0}, UsageError, "--seconds"),
        ({"seconds": float("inf")}, UsageError, "--seconds"),
        ({"seconds": 1e9}, LimitError, "pictures"),
    ],
)
def test_films_that_cannot_be_meant(plan, options, error, words) -> None:
    with pytest.raises(error, match=words):
        plan(**options)


@pytest.mark.parametrize("text", ["2026", "2026-07-01T17:00+02:00/2026-07-01T16:00+02:00", "a/b", "all"])
def test_ranges_that_are_none(text) -> None:
    with pytest.raises(UsageError):
        parse_time_range(text, None)


def test_the_key_of_a_film_tells_films_apart(plan) -> None:
    assert plan().key == plan().key
    keys = {
        plan(**c).key for c in ({}, {"fps": 9.0}, {"size": (98, 54)}, {"view": CAMERA}, {"color_by": "h"})
    }
    assert len(keys) == 5
