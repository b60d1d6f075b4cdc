"""A procedural district with a simulated survey and its truth."""
