"""A picture of a web page as Chromium shows it."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

DRAWING = ("--headless=new", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")


def photograph(page: Path, picture: Path, *, size: tuple[int, int]) -> bool:
    """A picture of one of twin's pages as Chromium shows it; False where no Chromium or no way to ask it is there."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from websockets.sync.client import connect
    except ImportError:
        return False
    if chromium is None:
        return False
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = [f"--user-data-dir={profile}", "--remote-debugging-port=0", "--hide-scrollbars"]
        command = [chromium, *DRAWING, *options, page.resolve().as_uri()]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            with connect(_address(Path(profile)), max_size=None) as socket:
                bounds = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
                _ask(socket, "Emulation.setDeviceMetricsOverride", **bounds)
                ready = "new Promise(r => setTimeout(() => r(document.body.dataset.ready || ''), 500))"
                for _ in range(120):
                    told = _ask(socket, "Runtime.evaluate", expression=ready, awaitPromise=True)
                    if told.get("result", {}).get("value"):
                        break
                shot = _ask(socket, "Page.captureScreenshot", format="png")
                picture.write_bytes(base64.b64decode(shot["data"]))
                _ask(socket, "Browser.close")
        finally:
            process.terminate()
            process.wait()
    return True


def _address(profile: Path) -> str:
    """Where the browser's only tab listens."""
    for _ in range(200):
        with contextlib.suppress(OSError, ValueError, IndexError, StopIteration):
            port = int((profile / "DevToolsActivePort").read_text().splitlines()[0])
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
                return next(t["webSocketDebuggerUrl"] for t in json.load(answer) if t["type"] == "page")
        time.sleep(0.1)
    raise TimeoutError("Chromium did not start")


def _ask(socket: Any, method: str, **parameters: Any) -> dict[str, Any]:
    """One command of the browser's protocol and its answer, empty where the page was left while it was asked."""
    socket.send(json.dumps({"id": 1, "method": method, "params": parameters}))
    while True:
        message = json.loads(socket.recv(timeout=60))
        if message.get("id") == 1:
            return message.get("result", {})
