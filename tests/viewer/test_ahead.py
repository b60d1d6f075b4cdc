"""What the window will need is read before the hand asks for it, and texts are written before the frame."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

pytest.importorskip("PySide6")

from twin.viewer.ahead import MODULES, read_ahead
from twin.viewer.work import CancelledError

SCRIPT = """
import sys
from twin.viewer.ahead import MODULES, read_ahead
class Told:
    def check(self): pass
read_ahead(Told())
missing = [name for name in MODULES if name not in sys.modules]
numba = "numba.core.typing.arraydecl" in sys.modules
print(missing, numba)
"""


def test_everything_is_there_afterwards():
    told = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["[]", "True"]


def test_it_ends_when_it_is_told_to():
    class Told:
        asked = 0

        def check(self):
            self.asked += 1
            if self.asked > 2:
                raise CancelledError

    told = Told()
    with pytest.raises(CancelledError):
        read_ahead(told)
    assert told.asked == 3 < len(MODULES)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_texts_of_another_style_are_written_beside_the_interface(driver, monkeypatch):
    from twin.scene import furniture

    writers, plain = [], furniture.draw_text

    def watched(*given, **named):
        writers.append(threading.current_thread() is threading.main_thread())
        return plain(*given, **named)

    for kept in (furniture._written, furniture._panel):
        kept.cache_clear()
    monkeypatch.setattr(furniture, "_LEGENDS", furniture.Drawn(8))
    driver.window.canvas.settle()  # writes those of the style that is left once more
    driver.ready()
    monkeypatch.setattr(furniture, "draw_text", watched)
    driver.window.desk.edit("dark", style="dark")
    driver.ready()
    assert writers, "another style writes other texts"
    assert sum(writers) <= len(writers) // 4, "hardly any of them while the interface waits"
