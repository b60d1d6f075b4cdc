"""A 3D urban digital twin: survey in, city out, picture out."""
