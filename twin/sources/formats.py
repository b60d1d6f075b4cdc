"""The formats that are read, how each begins, and what to do with those that are not read."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """The formats that are read; the value is the name a person knows."""

    GPKG = "GeoPackage"
    SQLITE = "SQLite"
    GEOJSON = "GeoJSON"
    SHAPEFILE = "Shapefile"
    FLATGEOBUF = "FlatGeobuf"
    PARQUET = "GeoParquet"
    GEOTIFF = "GeoTIFF"
    ASCII_GRID = "ESRI ASCII grid"
    JPEG = "JPEG"
    PNG = "PNG"
    CITYJSON = "CityJSON"
    CITYJSON_SEQ = "CityJSONSeq"
    GLB = "GLB"
    GLTF = "glTF"
    OBJ = "OBJ"
    PLY = "PLY"
    STL = "STL"
    CSV = "CSV"
    XLSX = "XLSX"
    ZIP = "zip archive"
    TAR = "tar archive"
    LAS = "LAS"


VECTOR_FORMATS = frozenset(
    {
        Format.GPKG,
        Format.SQLITE,
        Format.GEOJSON,
        Format.SHAPEFILE,
        Format.FLATGEOBUF,
        Format.PARQUET,
        Format.ZIP,
        Format.TAR,
    }
)
RASTER_FORMATS = frozenset({Format.GEOTIFF, Format.ASCII_GRID, Format.JPEG, Format.PNG})
MODEL_FORMATS = frozenset({Format.GLB, Format.GLTF, Format.OBJ, Format.PLY, Format.STL})
TABLE_FORMATS = frozenset({Format.CSV, Format.XLSX})
CITY_FORMATS = frozenset({Format.CITYJSON, Format.CITYJSON_SEQ})

MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"fgb\x03", Format.FLATGEOBUF),
    (b"PAR1", Format.PARQUET),
    (b"II*\0", Format.GEOTIFF),
    (b"MM\0*", Format.GEOTIFF),
    (b"II+\0", Format.GEOTIFF),
    (b"MM\0+", Format.GEOTIFF),
    (b"\xff\xd8\xff", Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"glTF", Format.GLB),
    (b"ply\n", Format.PLY),
    (b"ply\r", Format.PLY),
    (b"LASF", Format.LAS),
    (b"\x00\x00\x27\x0a", Format.SHAPEFILE),
)
SUFFIXES = {
    ".gpkg": Format.GPKG,
    ".sqlite": Format.SQLITE,
    ".geojson": Format.GEOJSON,
    ".shp": Format.SHAPEFILE,
    ".fgb": Format.FLATGEOBUF,
    ".parquet": Format.PARQUET,
    ".tif": Format.GEOTIFF,
    ".tiff": Format.GEOTIFF,
    ".asc": Format.ASCII_GRID,
    ".glb": Format.GLB,
    ".gltf": Format.GLTF,
    ".obj": Format.OBJ,
    ".ply": Format.PLY,
    ".stl": Format.STL,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".xlsx": Format.XLSX,
    ".laz": Format.LAS,
    ".las": Format.LAS,
}
AS_GLB = "export it as GLB from the program that made it"
AS_PROPOSAL = "stand an IFC model into the city as a proposal in `twin view`, or export it as GLB"
AS_GPKG = "turn it into a GeoPackage, for example with: ogr2ogr out.gpkg {name}"
AS_CITYJSON = "CityGML is read as CityJSON; convert it with citygml-tools: citygml-tools to-cityjson {name}"
UNPACK = "unpack it and name the file inside"
FOREIGN_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\xff\xfe\xff\x0e\x53\x00\x6b\x00", "a SketchUp model", AS_GLB),
    (b"BLENDER", "a Blender scene", AS_GLB),
    (b"Kaydara FBX", "an FBX model", AS_GLB),
    (b"AC10", "a DWG drawing", "export its buildings as GLB, or its outlines as a GeoPackage"),
    (b"PXR-USDC", "a USD scene", AS_GLB),
    (b"#usda", "a USD scene", AS_GLB),
    (b"ISO-10303-21", "an IFC or STEP model", AS_PROPOSAL),
    (b"\xd0\xcf\x11\xe0", "an old Office document", "save the table as .xlsx or .csv"),
    (b"\x1f\x8b", "a gzip archive", UNPACK),
    (b"7z\xbc\xaf", "a 7z archive", UNPACK),
    (b"Rar!", "a RAR archive", UNPACK),
    (b"%PDF", "a PDF document", "export the data from the program that made it"),
    (b"\x89HDF", "an HDF5 or NetCDF file", "convert it to a GeoTIFF, for example with: gdal_translate"),
    (b"CDF", "a NetCDF file", "convert it to a GeoTIFF, for example with: gdal_translate"),
    (
        b"\x00\x00\x00\x0cjP  ",
        "a JPEG 2000 picture",
        "turn it into a GeoTIFF, for example with: gdal_translate",
    ),
)
FOREIGN_SUFFIXES = {
    **dict.fromkeys(
        (".skp", ".blend", ".fbx", ".max", ".3ds", ".dae", ".rvt", ".usd", ".usdz", ".3mf"), AS_GLB
    ),
    **dict.fromkeys((".kml", ".kmz", ".gdb", ".tab", ".mif", ".dxf", ".gpx"), AS_GPKG),
    ".xls": "save the table as .xlsx or .csv",
}
GEOJSON_TYPES = {
    "FeatureCollection",
    "Feature",
    "Point",
    "LineString",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
}
