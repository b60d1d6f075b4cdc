"""The documentation holds: its Python runs, its commands parse, its links lead somewhere, its tables are complete."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass, fields
from pathlib import Path

import click
import pytest

from tests.small_town import CRS, small_town
from twin.cli.main import VERBS, cli

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "examples" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MAX_PICTURE_BYTES = 250_000
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, in which language, and what it says."""

    page: Path
    line: int
    language: str
    text: str


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(page, text[: m.start()].count("\n") + 1, m[1], m[2]) for m in FENCE.finditer(text)]


def commands(page: Path) -> list[tuple[int, list[str]]]:
    """Arguments of every call of twin in the shell blocks of a page, with their lines."""
    found = []
    for block in blocks(page):
        if block.language not in {"bash", "powershell", "console"}:
            continue
        for number, line in enumerate(block.text.replace("\\\n", "  ").splitlines()):
            words = arguments(line)
            if words is not None:
                found.append((block.line + number + 1, words))
    return found


def arguments(line: str) -> list[str] | None:
    """What follows ``twin`` (or ``start.py``) in a line of shell, up to a redirection; None where it calls neither."""
    words = shlex.split(line.replace("\\", "/"), comments=True)
    while words and re.fullmatch(r"TWIN_\w+=.*", words[0]):
        words.pop(0)
    if "start.py" in words and words[-1] != "test":
        words = ["twin", *words[words.index("start.py") + 1 :]]
    if words[:1] != ["twin"]:
        return None
    return words[1 : words.index(">") if ">" in words else None]


def all_commands() -> list[object]:
    return [
        pytest.param(words, id=f"{name_of(page)}:{line}") for page in PAGES for line, words in commands(page)
    ]


def anchors(page: Path) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in heads}


@pytest.mark.parametrize("words", all_commands())
def test_command_parses(words: list[str]) -> None:
    """Verb, options and their values are known to the real command line."""
    verb, *arguments = words
    if verb.startswith("-"):
        return
    assert verb in VERBS, f"there is no verb {verb!r}"
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    command.make_context(verb, arguments)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_inline_commands_are_known(page: Path) -> None:
    """Verbs and options in running text exist, even where the command is not whole."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for inline in re.findall(r"`(twin [^`]+)`", text):
        verb, *rest = inline.split()[1:]
        if verb.startswith("-"):
            continue
        assert verb in VERBS, inline
        known = {o for p in parameters(verb) for o in p.opts} | {"--help"}
        assert {w for w in rest if w.startswith("--")} <= known, inline


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    missing = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        if not place.exists() or (anchor and anchor not in anchors(place)):
            missing.append(target)
    assert not missing


def test_pictures_are_small_and_shown() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    pictures = sorted((ROOT / "docs" / "pictures").iterdir())
    assert pictures
    assert not [p.name for p in pictures if p.stat().st_size > MAX_PICTURE_BYTES]
    assert not [p.name for p in pictures if f"pictures/{p.name}" not in text]


def parameters(verb: str) -> list[click.Parameter]:
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    return command.params


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_in_the_reference(verb: str) -> None:
    """The table of a verb names exactly its options, and every argument."""
    text = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    section = re.search(rf"^## twin {verb}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None, f"no section on twin {verb}"
    cells = " ".join(re.findall(r"^\| (`[^|]+) \|", section[1], re.MULTILINE))
    told = set(re.findall(r"(?<![\w-])(--?[a-z][a-z0-9-]*)", cells))
    real = {o for p in parameters(verb) if isinstance(p, click.Option) for o in p.opts}
    assert told == real
    arguments = [p for p in parameters(verb) if isinstance(p, click.Argument)]
    assert len(re.findall(r"`(?:[A-Z]+)(?:\.\.\.)?`", cells)) >= len(arguments)


def test_every_limit_is_in_the_guide(monkeypatch: pytest.MonkeyPatch) -> None:
    from twin.core.limits import Limits, environment_name

    text = (ROOT / "docs" / "how-to" / "large-surveys.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"\| `(TWIN_MAX_\w+)` \| ([\d,]+) \|", text))
    assert told == {environment_name(f.name): f"{f.default:,}" for f in fields(Limits)}


def test_every_key_of_the_toml_reference_is_read(tmp_path: Path) -> None:
    """The example sets every option that a file can set, and is accepted as it stands."""
    from twin.city.options import BuildOptions, read_options

    page = ROOT / "docs" / "reference" / "toml.md"
    (example,) = [b.text for b in blocks(page) if b.language == "toml"]
    (tmp_path / "twin.toml").write_text(example, encoding="utf-8")
    for name in re.findall(r'"([\w*/]+\.(?:gpkg|tif))["|]', example):
        (tmp_path / name).touch()
    read = read_options(tmp_path / "twin.toml")
    values = {f.name: getattr(read, f.name) for f in fields(BuildOptions)}
    unset = {name for name, value in values.items() if not value and not isinstance(value, float)}
    # Given solids exclude footprints; leaving damaged files out, and a cluster, are for the command line alone.
    assert unset == {"buildings", "keep_going", "scheduler"}


def test_every_key_of_the_toml_is_in_its_reference() -> None:
    """A key that the reader knows has a row in the table."""
    from twin.city import options

    text = (ROOT / "docs" / "reference" / "toml.md").read_text(encoding="utf-8")
    cells = " ".join(re.findall(r"^\|[^|]*\| (`[^|]+) \|", text, re.MULTILINE))
    told = set(re.findall(r"`(\w+)`", cells))
    sections = options._File.model_fields.values()
    known = {key for s in sections for key in s.annotation.model_fields}  # type: ignore[union-attr]
    assert told == known


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_town(tmp_path_factory)


@pytest.fixture
def in_town(town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the town as working folder."""
    folder = shutil.copytree(town, tmp_path / "work")
    (folder / "district").mkdir()
    shutil.copytree(folder / "town.twin", folder / "district" / "district.twin")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [p for p in PAGES if any(b.language == "python" for b in blocks(p))], ids=name_of
)
def test_python_of_a_page_runs(page: Path, in_town: Path) -> None:
    """Block after block in one namespace, as a reader would type them, on a town that lies elsewhere than Delft."""
    names: dict[str, object] = {"__name__": "__page__"}
    for block in blocks(page):
        if block.language != "python":
            continue
        source = block.text.replace("EPSG:7415", CRS)
        code = compile("\n" * block.line + source, str(page), "exec")
        exec(code, names)


@pytest.mark.slow
def test_columns_of_the_table_are_in_the_reference(town: Path) -> None:
    """Own columns of the buildings' table, and none that is not there."""
    import twin

    text = (ROOT / "docs" / "reference" / "city-folder.md").read_text(encoding="utf-8")
    section = re.search(r"^## buildings\.parquet$(.*?)^### ", text, re.MULTILINE | re.DOTALL)
    assert section is not None
    rows = re.findall(r"^\| (`[^|]+) \|[^|]*\| (.*) \|$", section[1], re.MULTILINE)
    told = {name for cell, _ in rows for name in re.findall(r"`([a-z]\w*)`", cell)}
    ((_, by_lod),) = [row for row in rows if "_lod12" in row[0]]
    quality = re.findall(r"`([a-z]\w*)`", by_lod)
    told |= {f"{q}_{lod}" for q in quality for lod in ("lod12", "lod13")}
    city = twin.open_city(town / "town.twin")
    own = list(city.buildings.columns)
    assert own[: len(told) - 1] == [c for c in own if c in told and c != "geometry"]
    assert set(told) <= set(own)
    assert set(own[: own.index("codes_lod13") + 1]) <= told


@pytest.mark.slow
def test_files_of_a_city_are_in_the_reference(town: Path) -> None:
    text = (ROOT / "docs" / "reference" / "city-folder.md").read_text(encoding="utf-8")
    city = town / "town.twin"
    files = [p.relative_to(city).as_posix() for p in city.rglob("*") if p.is_file()]
    known = [f for f in files if not f.startswith("cache/")]
    assert known
    for file in known:
        name = re.sub(r"x-?\d+_y-?\d+", "x0_y0", file)
        assert name in text or Path(name).name in text, file
