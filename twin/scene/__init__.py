"""City and layers to what is seen: drawables, light, colour, camera, legend, picture."""
