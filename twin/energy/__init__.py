"""The sun over a city, and what it brings."""
