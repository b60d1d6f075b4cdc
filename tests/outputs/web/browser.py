"""Debian's Chromium without a screen, driven by its own protocol; every request and console line is kept."""

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

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    # Whatever a page asks for, no name resolves.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-port=0",
)


class LeftError(RuntimeError):
    """The page was left while it was asked."""


class Browser:
    """One tab.

    Parameters
    ----------
    size : tuple of int
        Width and height of the window in pixels.
    touch : bool
        Whether it is a phone's.
    """

    def __init__(self, size: tuple[int, int] = (1280, 800), *, touch: bool = False) -> None:
        from websockets.sync.client import connect

        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        command = [str(CHROMIUM), *_OPTIONS, f"--user-data-dir={self._folder.name}"]
        command += [f"--window-size={size[0]},{size[1]}", "about:blank"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port = self._port()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
            page = next(t for t in json.load(answer) if t["type"] == "page")
        self._socket = connect(page["webSocketDebuggerUrl"], max_size=None)
        self._number = 0
        self.requests: list[str] = []
        self.console: list[str] = []
        self.dialogs: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": touch}
        self.call("Emulation.setDeviceMetricsOverride", metrics)
        if touch:
            self.call("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
        cut = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        self.call("Network.emulateNetworkConditions", cut)

    def _port(self) -> int:
        told = Path(self._folder.name) / "DevToolsActivePort"
        for _ in range(300):
            with contextlib.suppress(OSError, ValueError, IndexError):
                return int(told.read_text().splitlines()[0])
            time.sleep(0.1)
        raise TimeoutError("Chromium did not start")

    def call(self, method: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
        """One command of the protocol and its answer."""
        self._number += 1
        number = self._number
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters or {}}))
        while True:
            message = json.loads(self._socket.recv(timeout=120))
            if message.get("id") == number:
                if "error" in message:
                    left = (
                        "context" in message["error"]["message"] or "navigated" in message["error"]["message"]
                    )
                    raise (LeftError if left else RuntimeError)(f"{method}: {message['error']}")
                return message["result"]
            self._keep(message)

    def _keep(self, message: dict[str, Any]) -> None:
        method, told = message.get("method", ""), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method == "Runtime.consoleAPICalled":
            self.console.append(
                f"{told['type']}: {[a.get('value', a.get('description')) for a in told['args']]}"
            )
        elif method == "Runtime.exceptionThrown":
            self.console.append(f"exception: {told['exceptionDetails']}")
        elif method == "Log.entryAdded":
            self.console.append(f"{told['entry']['level']}: {told['entry']['text']}")
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append(told["message"])

    def run(self, expression: str) -> Any:
        """Value of an expression in the page."""
        told = self.call(
            "Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True}
        )
        if "exceptionDetails" in told:
            raise RuntimeError(str(told["exceptionDetails"]))
        return told["result"].get("value")

    def open(self, path: Path, *, seconds: float = 60) -> float:
        """Open a page of twin from the disk; milliseconds from its start to its first picture."""
        self.call("Page.navigate", {"url": path.resolve().as_uri()})
        self.wait("document.body && (document.body.dataset.ready || document.body.dataset.failed)", seconds)
        failed = self.run("document.body.dataset.failed || ''")
        if failed:
            raise RuntimeError(f"the page says: {failed}; {self.console}")
        return float(self.run("Number(document.body.dataset.ready)"))

    def wait(self, expression: str, seconds: float = 30) -> Any:
        """The first true value of an expression."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(LeftError):
                value = self.run(expression)
                if value:
                    return value
            time.sleep(0.1)
        raise TimeoutError(f"{expression} stayed false; {self.console}")

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """One event of the mouse."""
        self.call("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **more})

    def click(self, x: float, y: float) -> None:
        """Press and release."""
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def drag(self, start: tuple[float, float], end: tuple[float, float], *, button: str = "left") -> None:
        """Press, move in steps, release."""
        held = {"left": 1, "right": 2}[button]
        self.mouse("mousePressed", *start, button=button, clickCount=1)
        for i in range(1, 6):
            at = [a + (b - a) * i / 5 for a, b in zip(start, end, strict=True)]
            self.mouse("mouseMoved", *at, button=button, buttons=held)
        self.mouse("mouseReleased", *end, button=button, clickCount=1)

    def key(self, code: str, key: str, seconds: float) -> None:
        """Hold a key."""
        self.call("Input.dispatchKeyEvent", {"type": "keyDown", "code": code, "key": key})
        time.sleep(seconds)
        self.call("Input.dispatchKeyEvent", {"type": "keyUp", "code": code, "key": key})

    def settle(self) -> None:
        """Let the page draw what it has to."""
        self.run(
            "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(r))))"
        )

    def picture(self) -> bytes:
        """The page as PNG."""
        self.settle()
        return base64.b64decode(self.call("Page.captureScreenshot", {"format": "png"})["data"])

    def processor_s(self) -> float:
        """Seconds of processor time that all processes of the browser have taken."""
        import psutil

        own = psutil.Process(self._process.pid)
        times = []
        for process in [own, *own.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                taken = process.cpu_times()
                times.append(taken.user + taken.system)
        return sum(times)

    def close(self) -> None:
        """End the browser."""
        with contextlib.suppress(Exception):
            self.call("Browser.close")
        self._socket.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._folder.cleanup()
