"""CityJSON 1.0 to 2.0 in, CityJSON 2.0 and CityJSONSeq out; what other rooms use of it."""

from twin.city.cityjson_encode import VertexTransform
from twin.city.cityjson_read import CityModel, ModelHeader, iter_buildings, read_cityjson, read_header
from twin.city.cityjson_write import (
    ModelMetadata,
    feature_line,
    header_line,
    write_cityjson,
    write_cityjsonseq,
)

__all__ = [
    "CityModel",
    "ModelHeader",
    "ModelMetadata",
    "VertexTransform",
    "feature_line",
    "header_line",
    "iter_buildings",
    "read_cityjson",
    "read_header",
    "write_cityjson",
    "write_cityjsonseq",
]
