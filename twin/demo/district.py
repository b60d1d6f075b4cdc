"""A whole district into a folder: what a city office would hand over, and the truth beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from twin.core.files import canonical_json, make_folder, write_text
from twin.core.progress import Silent
from twin.demo import skeleton as sk
from twin.demo.cadastre import FootprintDefects
from twin.demo.delivery import deliver_survey, write_buildings
from twin.demo.flight import SurveySettings, fly
from twin.demo.geofiles import DAY, write_layer
from twin.demo.layout import make_layout
from twin.demo.rasters import write_rasters
from twin.demo.roads import road_areas, road_axes
from twin.demo.sensing import write_storm
from twin.demo.surfaces import bridge_areas, land_cover, water_areas
from twin.demo.typhoon import Typhoon, typhoon_of, write_typhoon
from twin.demo.viewpoints import viewpoints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.core.progress import Progress
    from twin.demo.flight import Flight
    from twin.demo.layout import Layout

NAME = "Eco Delta (procedural)"


@dataclass(frozen=True, slots=True)
class DistrictFiles:
    """Where everything lies.

    Parameters
    ----------
    name, crs : str
        What to call the district, and its coordinate reference system.
    folder : Path
        Holds all of them.
    survey : tuple of Path
        Point clouds, a file per tile.
    footprints, roads, network, water, bridges, landcover, ortho : Path
        What a city office hands over with a survey.
    things, storm : Path
        Measuring stations as a SensorThings answer, and what they report during a typhoon of six hours.
    typhoon : Typhoon
        Rain, levels and pumps of the same hours, as tables for ``twin flood simulate``.
    views : tuple of Path
        Camera files of good places for a picture.
    truth : Path
        Folder of what nobody knows of a real city.
    """

    name: str
    crs: str
    folder: Path
    survey: tuple[Path, ...]
    footprints: Path
    roads: Path
    network: Path
    water: Path
    bridges: Path
    landcover: Path
    ortho: Path
    things: Path
    storm: Path
    typhoon: Typhoon
    views: tuple[Path, ...]
    truth: Path

    def paths(self) -> tuple[Path, ...]:
        """Every file that a build may read."""
        others = {"folder", "survey", "truth", "things", "storm", "typhoon", "views"}
        singles = [getattr(self, f.name) for f in fields(self) if f.name not in others]
        return *self.survey, *(p for p in singles if isinstance(p, Path))


def generate_district(
    folder: Path | str,
    *,
    n_buildings: int = 60,
    density: float = 8.0,
    unclassified: bool = False,
    seed: int = 1,
    defects: FootprintDefects | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> DistrictFiles:
    """Make a district at a river mouth and fly a laser survey over it.

    The same arguments give the same bytes on any number of workers. Work goes tile by tile, so that memory does not
    grow with the district.

    Parameters
    ----------
    folder : path
        Made if need be; files of the same names are replaced.
    n_buildings : int
        Exactly as many, 1 to 200,000; from 400 on there is every kind of roof.
    density : float
        Laser pulses per square metre of ground, 0.5 to 60.
    unclassified : bool
        Whether the points are delivered with class 1 throughout.
    seed : int
        Another number makes another district.
    defects : FootprintDefects, optional
        How much of the cadastre is wrong.
    workers : int
        Processes.
    progress : Progress, optional
        Hears of stages and steps.

    Returns
    -------
    DistrictFiles

    Raises
    ------
    UsageError
        If a number is outside its range.
    StorageError
        If the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = generate_district(folder, n_buildings=4, density=1)
    ...     [path.name for path in files.paths()[-3:]]
    ['bridges.gpkg', 'landcover.gpkg', 'ortho.tif']
    """
    progress = progress or Silent()
    settings = SurveySettings(density=density, is_classified=not unclassified)
    defects = defects or FootprintDefects()
    layout = make_layout(n_buildings, seed=seed)
    flight = fly(settings, layout.bounds, seed=seed)
    files = _files(Path(folder), tuple(viewpoints(layout)))
    make_folder(files.truth)
    _write_maps(layout, files, progress)
    write_buildings(layout, defects, files.footprints, files.truth, workers=workers, progress=progress)
    survey = deliver_survey(
        layout, flight, files.folder / "survey", files.truth, workers=workers, progress=progress
    )
    write_rasters(layout, files.truth, files.ortho, workers=workers, progress=progress)
    progress.stage("writing what the stations report", 1)
    write_storm(layout, files.things, files.storm, files.truth)
    typhoon = write_typhoon(layout, files.folder / "storm")
    progress.advance()
    _write_views(files, layout)
    _write_notes(files, layout, flight)
    return replace(files, survey=survey, typhoon=typhoon)


def _files(folder: Path, views: Sequence[str]) -> DistrictFiles:
    layers = ("footprints", "roads", "network", "water", "bridges", "landcover")
    named = {name: folder / f"{name}.gpkg" for name in layers}
    return DistrictFiles(
        NAME,
        sk.CRS,
        folder,
        (),
        **named,
        ortho=folder / "ortho.tif",
        things=folder / "things.json",
        storm=folder / "storm.jsonl",
        typhoon=typhoon_of(folder / "storm"),
        views=tuple(folder / "views" / f"{name}.json" for name in views),
        truth=folder / "truth",
    )


def _write_maps(layout: Layout, files: DistrictFiles, progress: Progress) -> None:
    layers = {
        files.roads: road_areas,
        files.network: road_axes,
        files.water: water_areas,
        files.bridges: bridge_areas,
        files.landcover: land_cover,
    }
    progress.stage("mapping streets and water", len(layers))
    for path, rows in layers.items():
        write_layer(path, rows(layout))
        progress.advance()


def _write_views(files: DistrictFiles, layout: Layout) -> None:
    cameras = viewpoints(layout)
    make_folder(files.folder / "views")
    for path in files.views:
        write_text(path, canonical_json(cameras[path.stem]))


def _write_notes(files: DistrictFiles, layout: Layout, flight: Flight) -> None:
    """How the survey was flown, and what the truth folder holds."""
    told = {
        "crs": sk.CRS,
        "day": DAY,
        "seed": layout.seed,
        "n_buildings": layout.n_buildings,
        "blocks": [layout.skeleton.nx, layout.skeleton.ny],
        "water_level_m": sk.WATER_LEVEL_M,
        "settings": asdict(flight.settings),
        "line_spacing_m": flight.line_spacing_m,
        "strips": [asdict(strip) for strip in flight.strips],
    }
    write_text(files.truth / "survey.json", canonical_json(told))
    write_text(files.truth / "README.txt", _README)


_README = """What nobody knows of a real city: the exact district that the survey beside this folder was flown over.

buildings.gpkg        outlines of all walls with kind, heights, volume, number of roof faces, and the id of the
                      footprint under which the cadastre has the building
solids.city.jsonl     CityJSONSeq 2.0 with exact solids of LoD 1.2, 1.3 and 2.2
defects.json          every footprint that is wrong, and how
trees.gpkg            trees with height, crown radius and species
dtm.tif, dsm.tif      bare earth or water, and what is on top of it, every half metre
points/*.npz          per tile of the survey, in the order of its points: true ASPRS class, and flight strip
storm.json            the storm minute by minute, and every gap, spike, late and repeated message of storm.jsonl
survey.json           how the survey was flown: settings, strips with their constant errors

Written by `twin demo`; CC0-1.0. Places and names are invented.
"""
