"""The two copies of GDAL, loaded without the drivers that read other files, run programs or fetch addresses.

The wheels of rasterio and pyogrio each bring their own GDAL, and both choose a driver by content. `sniff` judges the
content first; what is left out here is the second line of defence. It holds where twin loads these packages first,
since GDAL reads the list of left-out drivers once, when it is loaded.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

INDIRECT_DRIVERS = (
    "VRT",
    "OGR_VRT",
    "GDALG",
    "GTI",
    "DERIVED",
    "STACIT",
    "STACTA",
    "WMS",
    "WMTS",
    "WCS",
    "WFS",
    "OAPIF",
    "OGCAPI",
    "CSW",
    "HTTP",
    "DAAS",
    "EEDA",
    "EEDAI",
    "PLMOSAIC",
    "PLSCENES",
    "NGW",
    "Carto",
    "AmigoCloud",
    "Elasticsearch",
    "GPSBabel",
    "ADBC",
)


def leave_out_indirect_drivers() -> None:
    """Name them in the environment variable that GDAL reads when it is loaded; what the user named there stays.

    ``OGR_SKIP`` drops drivers of rasters too, and unlike ``GDAL_SKIP`` says nothing about names that a build of GDAL
    does not have.
    """
    before = [name for name in os.environ.get("OGR_SKIP", "").split(",") if name]
    os.environ["OGR_SKIP"] = ",".join(dict.fromkeys([*before, *INDIRECT_DRIVERS]))


def load_pyogrio() -> ModuleType:
    """The module `pyogrio`, its GDAL without the indirect drivers."""
    leave_out_indirect_drivers()
    import pyogrio
    import pyogrio.raw

    return pyogrio


def load_rasterio() -> ModuleType:
    """The module `rasterio`, its GDAL without the indirect drivers."""
    leave_out_indirect_drivers()
    import rasterio

    return rasterio
