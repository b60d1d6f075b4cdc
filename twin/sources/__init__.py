"""The outside world, read and checked: point clouds, footprints, vectors, rasters, tables, models."""
