"""Points and footprints to geometry: ground, terrain, solids, trees, bridges, quality and validity."""
