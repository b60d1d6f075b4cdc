"""One web page of a city: a single file that needs no server and asks for nothing.

Everything is in the page: the library, the data, the words of three languages. Its content security policy allows the
two scripts and the style by their hashes and nothing else, so that no name or value of the data can become code, and
no request can leave.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twin.core.assets import asset_path
from twin.core.errors import LimitError, StorageError, UsageError
from twin.core.files import atomic_path
from twin.core.visible_text import visible_text
from twin.outputs.verify import require_same
from twin.outputs.web import codec, geometry, pictures
from twin.outputs.web.edges import edge_lines
from twin.outputs.web.letters import from_letters, to_letters
from twin.outputs.web.library import three_js
from twin.outputs.web.looks import looks
from twin.outputs.web.packing import packed
from twin.outputs.web.shaders import programs
from twin.outputs.web.table import attribute_columns, colourings
from twin.outputs.web.timeline import Moments, timeline
from twin.outputs.web.words import LANGUAGES, column_label, page_words
from twin.scene.paint import id_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from twin.core.notices import Notices
    from twin.scene.layers import SceneLayer
    from twin.scene.scene import Scene

THEMES = ("light", "dark", "auto")
_START = ("unpack", "letters", "start")
_PROGRAM = (
    *("decode", "charts", "light", "edges", "walk"),
    *("city", "paint", "view", "pick", "time", "panels", "main"),
)
_LARGE_BYTES = 25_000_000
_MAX_BYTES = 400_000_000
"""A browser opens no longer text; half of it is what a phone can hold."""
_FIELD = re.compile(r"\{(language|policy|title|licence|style|program|data|script)\}")


@dataclass(frozen=True, slots=True)
class PageOptions:
    """What a page shows besides the city.

    Parameters
    ----------
    title : str, optional
        The city's name without it.
    language : str
        Which it opens in: ``en``, ``ko`` or ``fi``; it can be changed in the page.
    theme : str
        ``light``, ``dark``, or ``auto`` for what the reader's machine prefers.
    layers : tuple of SceneLayer
        What changes over time, each with a switch of its own.
    moments : Moments
        At which moments these are asked.
    """

    title: str | None = None
    language: str = "en"
    theme: str = "light"
    layers: tuple[SceneLayer, ...] = ()
    moments: Moments = field(default_factory=lambda: Moments(()))

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise UsageError(
                "--lang", f"there is no {self.language!r}", f"choose one of {', '.join(LANGUAGES)}"
            )
        if self.theme not in THEMES:
            raise UsageError("--theme", f"there is no {self.theme!r}", f"choose one of {', '.join(THEMES)}")


@dataclass(frozen=True, slots=True)
class PageCounts:
    """What a page holds, as read back from it.

    Parameters
    ----------
    n_buildings, n_triangles, n_moments, n_bytes : int
    """

    n_buildings: int
    n_triangles: int
    n_moments: int
    n_bytes: int


def write_page(
    path: Path | str,
    scene: Scene,
    attributes: Mapping[str, Sequence[Any]],
    options: PageOptions,
    *,
    force: bool = False,
    notices: Notices | None = None,
) -> PageCounts:
    """Write a scene as a web page, read it back, and only then give it its name.

    Parameters
    ----------
    path : path
        Where the file shall lie.
    scene : Scene
        The city, its light and its added layers.
    attributes : mapping
        Column name to one value for each building of the scene.
    options : PageOptions
    force : bool
        Whether an existing file may be replaced.
    notices : Notices, optional
        Told where the page is too large for phones, and where ground was thinned.

    Raises
    ------
    OutputExistsError
        If the file exists and `force` is false.
    LimitError
        If no browser could open it.
    ExtraMissingError
        If the web library is not there.
    StorageError
        If the disk is full or fails, or the file does not read back as it was written.
    """
    with atomic_path(path, force=force) as temporary:
        block = encode_page(scene, attributes, options, notices=notices)
        text = page_text(block, title=_title(scene, options), language=options.language)
        _check_size(path, len(text), notices)
        temporary.write_bytes(text.encode("ascii", errors="xmlcharrefreplace"))
        counts = read_page_counts(temporary)
        header, _ = codec.unpack(block)
        written = {"buildings": len(header["ids"]), "triangles": _count_triangles(header)}
        require_same(path, written, {"buildings": counts.n_buildings, "triangles": counts.n_triangles})
    return counts


def _check_size(path: Path | str, n_bytes: int, notices: Notices | None) -> None:
    if n_bytes > _MAX_BYTES:
        raise LimitError(path, f"the page would take {n_bytes / 1e6:.0f} MB", "export a part of the city")
    if n_bytes > _LARGE_BYTES and notices is not None:
        notices.add("large-page", f"{path}: {n_bytes / 1e6:.0f} MB are much for a phone")


def _title(scene: Scene, options: PageOptions) -> str:
    return visible_text(scene.pack.meta.name if options.title is None else options.title)


def encode_page(
    scene: Scene,
    attributes: Mapping[str, Sequence[Any]],
    options: PageOptions,
    *,
    notices: Notices | None = None,
) -> bytes:
    """The data of the page: header and arrays, compressed. Parameters as of `write_page`."""
    from twin.scene.bake import table_bounds

    pack, meta, bundle = scene.pack, scene.pack.meta, codec.Bundle()
    step = geometry.grid_step_m(pack)
    faces = geometry.facets(pack, step)
    placed = geometry.placed_faces(pack, faces, step)
    columns = [{**c, "label": column_label(c)} for c in attribute_columns(attributes, bundle)]
    ways = colourings(attributes, bundle)
    shown = looks(pack, scene.sun)
    walls = geometry.facet_meshes(pack, faces, placed, scene.light.atlas, bundle)
    changing = timeline(options.layers, options.moments, meta.origin, bundle)
    header = {
        "title": _title(scene, options),
        "language": options.language,
        "theme": "" if options.theme == "auto" else options.theme,
        "crs": meta.crs,
        "origin": meta.origin,
        "attribution": [visible_text(text, max_chars=600) for text in meta.attribution],
        "step": step,
        "block": meta.block,
        "tableBounds": table_bounds(meta.block),
        "plan": {k: getattr(meta.plan, k) for k in ("x_min", "y_max", "texel_m", "rows", "columns")},
        "fit": [round(float(v), 2) for v in pack["fit_points"].ravel()],
        "overview": meta.overview_deg,
        "convergence": meta.convergence_deg,
        "sun": scene.sun.direction,
        "shaders": programs(),
        "words": page_words(shown, changing["tracks"], ways, columns),
        "looks": shown,
        "light": pictures.light_pictures(scene.light, bundle, n_faces=walls["nFaces"]),
        "facets": walls,
        "edges": edge_lines(pack, faces, placed, bundle, step),
        "ground": geometry.ground(pack, bundle, step, notices=notices),
        "unbuilt": geometry.unbuilt_outlines(pack, bundle, step),
        "trees": geometry.trees(pack, scene.light.trees, bundle),
        "overlays": [{"name": visible_text(o.name), "lines": o.lines} for o in meta.overlays],
        "overlayLines": geometry.overlay_lines(pack, bundle, step),
        "overlayPictures": pictures.overlay_pictures(pack, scene.style, bundle),
        "labels": [{"text": visible_text(t), "at": at, "kind": kind} for t, at, kind in meta.labels],
        **_names(pack["building_ids"]),
        "columns": columns,
        "colourings": [{**c, "label": c["legend"]["title"]} for c in ways],
        "time": changing,
        "startMoment": 0,
        "hidden": [],
    }
    return bundle.pack(header)


def _names(ids: NDArray[np.str_]) -> dict[str, Any]:
    """Ids as they can be shown; where one differs, the number by which a style varies the building's colours."""
    shown = [visible_text(i) for i in ids.tolist()]
    odd = [k for k, (told, own) in enumerate(zip(shown, ids.tolist(), strict=True)) if told != own]
    return {"ids": shown, "oddIds": odd, "oddChances": id_hash(ids[odd]).tolist()}


def page_text(block: bytes, *, title: str, language: str) -> str:
    """The page as text: the template with everything in its place.

    Parameters
    ----------
    block : bytes
        As `encode_page` gives it.
    title : str
        Any text.
    language : str
    """
    library = three_js()
    start = _script(_START)
    program = f"{library.script}\n(() => {{\n{_script(_PROGRAM)}}})();\n"
    style = _asset("page.css")
    fields = {
        "language": language,
        "policy": _policy((start, program), style),
        "title": html.escape(title),
        "licence": " ".join(re.sub(r"[/*]+", " ", library.licence).split()),
        "style": style,
        "program": _data("program", packed(program.encode())),
        "data": _data("data", block),
        "script": start,
    }
    return _FIELD.sub(lambda match: fields[match[1]], _asset("page.html"))


def _script(names: Sequence[str]) -> str:
    return _escaped('"use strict";\n' + "\n".join(_asset(f"{name}.js") for name in names))


def _asset(name: str) -> str:
    # The hash in the policy is that of the text as a browser sees it, with plain line ends.
    return asset_path(f"web/{name}").read_text(encoding="utf-8").replace("\r\n", "\n")


def _escaped(script: str) -> str:
    r"""The script in ASCII, with ``\uXXXX`` for other letters: then no server can tell a browser to read it wrongly."""

    def units(match: re.Match[str]) -> str:
        raw = match[0].encode("utf-16-be")
        return "".join(f"\\u{int.from_bytes(raw[i : i + 2], 'big'):04x}" for i in range(0, len(raw), 2))

    return re.sub(r"[^\x00-\x7f]", units, script)


def _data(name: str, data: bytes) -> str:
    """An element that holds bytes, and how many."""
    kind = 'type="application/octet-stream"'
    return f'<script {kind} id="{name}" data-bytes="{len(data)}">{to_letters(data)}</script>'


def _policy(scripts: Sequence[str], style: str) -> str:
    """Content security policy: nothing but these scripts and this style, known by their hashes."""
    allowed = " ".join(_hash(s) for s in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def read_page_counts(path: Path) -> PageCounts:
    """What a page holds.

    Raises
    ------
    StorageError
        If the file is cut short or damaged.
    """
    raw = path.read_bytes()
    found = re.search(rb'id="data" data-bytes="(\d+)">([^<]+)</script>', raw)
    try:
        if found is None or not raw.rstrip().endswith(b"</html>"):
            raise ValueError("the data are cut off")
        header, data = codec.unpack(from_letters(found[2], int(found[1])))
        triangles = _count_triangles(header)
        codec.read_places(header["facets"]["places"], data)
        return PageCounts(len(header["ids"]), triangles, len(header["time"]["times"]), len(raw))
    except (ValueError, KeyError) as error:
        raise StorageError(path, f"does not read back ({error})", "check the disk and run again") from error


def _count_triangles(header: Mapping[str, Any]) -> int:
    corners = sum(int(p["triangles"]["shape"][0]) for p in header["facets"]["meshes"])
    return corners // 3 + int(header["ground"]["kinds"]["shape"][0])
