"""Where packs come from: the cache of a city, or the content itself, and nothing heavy where the cache is warm."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from twin.city.manifest import manifest_text
from twin.core.errors import StorageError, UsageError
from twin.scene.model import SceneContent
from twin.scene.pack import FORMAT, ScenePack, digest, forget_old, load_pack, save_pack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.core.notices import Notices

_CACHE = Path("cache", "scene")
_KEPT_PACKS = 4
NO_LAYERS = ("none",)
"""Asks for a scene without any added layer."""
OVERLAY_KINDS = frozenset({"vector", "raster", "picture", "ortho", "model"})
"""Layers of a city that `twin.scene.added_layers` draws."""
OVER_TIME = frozenset({"flood", "observations"})
"""Layers of a city that change with time: they are no part of a pack, and a new one does not make it anew."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A pack, the folder where it and its light are kept (None where nothing can be kept), and the city's own, from
    which the pack names files: a city that is moved takes its cache along.

    A pack of content alone may have a folder for its light. The sky is kept in memory, too: only the sun moves.
    """

    pack: ScenePack
    folder: Path | None
    base: Path = Path()
    light_folder: Path | None = None
    sky: dict[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def file(self) -> Path | None:
        """Where the pack lies; None where it is kept in memory alone."""
        return None if self.folder is None else _pack_file(self.folder, self.pack.meta.key)


def stored_pack(
    source: City | SceneContent, layers: Sequence[str], *, notices: Notices, lod: str | None = None
) -> Stored:
    """The pack of a city or of content, from the cache or made now.

    Parameters
    ----------
    source : City or SceneContent
    layers : sequence of str
        Names of added layers to show; empty shows all, `NO_LAYERS` none.
    notices : Notices
    lod : str, optional
        Level of detail that the buildings of a city are no finer than.

    Raises
    ------
    UsageError
        If the city has no layer of such a name.
    """
    if isinstance(source, SceneContent):
        return Stored(_make(_chosen(source, layers, ()), ""), None, light_folder=source.light_folder)
    path, key = _place(source, layers, lod)
    found = load_pack(path, key=key)
    if found is not None:
        return Stored(found, path.parent, source.path)
    from twin.scene.from_city import scene_content

    over_time = [name for name, layer in source.manifest.layers.items() if layer.kind in OVER_TIME]
    content = _chosen(scene_content(source, lod=lod), layers, over_time)
    return keep_pack(source, content, layers, notices=notices, lod=lod)


def is_pack_kept(city: City, layers: Sequence[str], lod: str | None = None) -> bool:
    """Whether the pack of a city lies in its cache, so that opening takes no time."""
    return _place(city, layers, lod)[0].exists()


def keep_pack(
    city: City, content: SceneContent, layers: Sequence[str], *, notices: Notices, lod: str | None = None
) -> Stored:
    """Make a pack of content and put it into the cache of the city that it shows."""
    path, key = _place(city, layers, lod)
    pack = _make(content, key)
    try:
        save_pack(pack, path)
        forget_old(path.parent, "pack-*.npz", _KEPT_PACKS)
    except StorageError as error:
        notices.add("no-cache", f"{error}; the picture is drawn, but the next one will take as long")
        return Stored(pack, None, city.path)
    return Stored(pack, path.parent, city.path)


def _place(city: City, layers: Sequence[str], lod: str | None = None) -> tuple[Path, str]:
    """Where the pack of a city lies, and the key of what it must have been made from."""
    lasting = {n: la for n, la in city.manifest.layers.items() if la.kind not in OVER_TIME}
    text = manifest_text(replace(city.manifest, layers=lasting))
    if tuple(layers) == NO_LAYERS and not any(la.kind in OVERLAY_KINDS for la in lasting.values()):
        layers = ()
    level = (f"lod {lod}",) if lod else ()
    key = digest(f"pack {FORMAT}", text, *sorted(layers), *level)
    return _pack_file(cache_folder(city), key), key


def _pack_file(folder: Path, key: str) -> Path:
    return folder / f"pack-{key}.npz"


def cache_folder(city: City) -> Path:
    """Where packs and light of a city are kept."""
    return city.path / _CACHE


def _chosen(content: SceneContent, layers: Sequence[str], over_time: Sequence[str]) -> SceneContent:
    """The content with only the added layers of these names; all of them without names, none of them for ``none``."""
    if not layers:
        return content
    if tuple(layers) == NO_LAYERS:
        return replace(content, overlays=())
    names = [o.name for o in content.overlays]
    for name in layers:
        if name not in names:
            shown = [*names, *over_time]
            known = f"choose of {', '.join(shown)}" if shown else "add one with `twin add`"
            raise UsageError("--layer", f"there is no added layer {name!r}", known)
    return replace(content, overlays=tuple(o for o in content.overlays if o.name in set(layers)))


def _make(content: SceneContent, key: str) -> ScenePack:
    from twin.scene.packing import pack_content, with_street_views
    from twin.scene.viewpoints import street_views

    pack = pack_content(content, key=key)
    known = content.street_views
    return with_street_views(pack, street_views(pack) if known is None else known)
