"""Whether this machine can draw, asked once for all tests: each asking starts a process that opens a window."""

from __future__ import annotations

import pytest

from twin.scene.graphics import probe_graphics

needs_graphics = pytest.mark.skipif(probe_graphics() is not None, reason="this machine draws nothing")
