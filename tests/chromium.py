"""A real Chromium for the browser tests, driven over its own debugging pipe (the DevTools protocol), with no library between."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--hide-scrollbars", "--remote-debugging-pipe", "--disable-dev-shm-usage",
)


def find_chromium() -> str | None:
    """Path of an installed Chromium; None on systems whose pipes this driver does not know."""
    if os.name != "posix":
        return None
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


class Chromium:
    """One browser with one tab. ``trouble`` collects console errors, exceptions and requests to anything but the opened files."""

    def __init__(self, profile: Path) -> None:
        self.trouble: list[str] = []
        program = find_chromium()
        assert program
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        command = 'exec "$@" 3<&"$TO_BROWSER" 4>&"$FROM_BROWSER"'
        environment = os.environ | {"TO_BROWSER": str(to_browser), "FROM_BROWSER": str(from_browser)}
        self._process = subprocess.Popen(
            ["bash", "-c", command, "chromium", program, *FLAGS, f"--user-data-dir={profile}", "about:blank"], env=environment,
            pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._left, self._number, self._session = b"", 0, ""
        targets = self._call("Target.getTargets")["targetInfos"]
        target = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "CSS"):
            self._call(f"{domain}.enable")
        self._call("Emulation.setFocusEmulationEnabled", enabled=True)  # the clipboard is for the window in front only

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._read)
        os.close(self._write)

    def open(self, file: Path, width: int = 1280, height: int = 900) -> None:
        """Open a file at a width and wait until it is loaded."""
        self.resize(width, height)
        self._loaded = False
        self._call("Page.navigate", url=file.as_uri())
        self._wait(file.name)

    def follow(self, script: str) -> None:
        """Do what leads to another page, and wait until that is loaded."""
        self._loaded = False
        self.run(f"setTimeout(() => {{ {script} }}, 0); true")
        self._wait(script)

    def _wait(self, what: str) -> None:
        limit = time.monotonic() + 60
        while not self._loaded:
            assert time.monotonic() < limit, f"{what} did not load"
            self._message()
        self.run("document.fonts.ready.then(() => true)")

    def resize(self, width: int, height: int = 900) -> None:
        """Make the window as wide and high."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def media(self, name: str, **features: str) -> None:
        """Show the page as for ``print``, or as ever (""); with features such as ``forced_colors="active"``."""
        listed = [{"name": feature.replace("_", "-"), "value": value} for feature, value in features.items()]
        self._call("Emulation.setEmulatedMedia", media=name, features=listed)

    def press(self, key: str, command: str = "", *, shift: bool = False) -> None:
        """Press a key as a person does; ``command`` is what an editor makes of it, such as Paste."""
        codes = {"Enter": 13, "Escape": 27, "Tab": 9, " ": 32, "v": 86}
        down: dict[str, Any] = {"type": "keyDown", "key": key, "windowsVirtualKeyCode": codes[key]}
        if key in ("Enter", " "):
            down["text"] = "\r" if key == "Enter" else " "
        if shift:
            down["modifiers"] = 8
        self._call("Input.dispatchKeyEvent", **down, **({"commands": [command], "modifiers": 2} if command else {}))
        self._call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=codes[key])

    def run(self, script: str) -> Any:
        """Value of an expression in the page, as if a person had asked for it."""
        result = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def fonts(self, selector: str) -> list[dict[str, Any]]:
        """Fonts that draw the text of the elements, with counts of glyphs."""
        root = self._call("DOM.getDocument", depth=-1)["root"]["nodeId"]
        found: list[dict[str, Any]] = []
        for node in self._call("DOM.querySelectorAll", nodeId=root, selector=selector)["nodeIds"]:
            found += self._call("CSS.getPlatformFontsForNode", nodeId=node)["fonts"]
        return found

    def picture(self, file: Path, *, whole: bool = True) -> None:
        """Write a PNG of the page."""
        data = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        file.write_bytes(base64.b64decode(data))

    def pdf(self, file: Path) -> None:
        """Print as the page's own print style says."""
        file.write_bytes(base64.b64decode(self._call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]))

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        number = self._number
        call: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            call["sessionId"] = self._session
        os.write(self._write, json.dumps(call).encode() + b"\0")
        while True:
            message = self._message()
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            part = os.read(self._read, 1 << 20)
            assert part, "the browser has ended"
            self._left += part
        text, _, self._left = self._left.partition(b"\0")
        message = json.loads(text)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, event: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Log.entryAdded" and event["entry"]["level"] in {"error", "warning"}:
            self.trouble.append(f"log: {event['entry']['text']}")
        elif method == "Runtime.exceptionThrown":
            self.trouble.append(f"exception: {event['exceptionDetails'].get('text')}")
        elif method == "Runtime.consoleAPICalled" and event["type"] in {"error", "warning", "assert"}:
            self.trouble.append(f"console: {event['type']}")
        elif method == "Network.requestWillBeSent" and not event["request"]["url"].startswith(("file:", "data:", "about:")):
            self.trouble.append(f"request: {event['request']['url']}")
