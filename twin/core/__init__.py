"""What every room stands on: errors, coordinate frames, grids, safe files, limits, progress."""
