"""A headless Chromium that tests drive with real events of a pointer and a keyboard: DevTools protocol over pipes."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
#: Seconds after which a browser that does not answer is given up; on a busy machine it begins slowly.
PATIENCE = 180.0


class Browser:
    """One page of a browser."""

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write
        self._buffer, self._last = b"", 0
        self._session = ""
        self.loads = 0
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.send("Page.enable")
        self.size(1280, 900)

    def send(self, method: str, **params: Any) -> Any:
        """What a method of the protocol answers."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            answer = self._next(end)
            self.loads += answer.get("method") == "Page.loadEventFired"
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                return answer["result"]
        raise TimeoutError(method)

    def _next(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._read], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError("the browser is silent")
            part = os.read(self._read, 2**16)
            assert part, "the browser has ended"
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def size(self, width: int, height: int) -> None:
        """The window, in pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def dark(self, on: bool) -> None:
        """What the system prefers."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, address: str) -> None:
        """Show a page; returns when it has loaded."""
        self.send("Page.navigate", url="about:blank")  # the same page with another anchor would not load anew
        loads = self.loads
        self.send("Page.navigate", url=address)
        self.until("document.readyState === 'complete'", lambda: self.loads > loads or address == "about:blank")

    def js(self, expression: str) -> Any:
        """The value of an expression, which may be a promise."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression: str, also: Any = lambda: True) -> Any:
        """Wait until an expression is true, and return it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            value = self.js(expression)
            if value and also():
                return value
            time.sleep(0.05)
        raise TimeoutError(expression)

    def place(self, selector: str) -> tuple[float, float]:
        """The middle of an element, scrolled into view."""
        x, y = self.js(
            f"(() => {{ const e = document.querySelector({selector!r}); e.scrollIntoView({{block: 'center'}}); "
            "const b = e.getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]; })()"
        )
        return x, y

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """``"mouseMoved"``, ``"mousePressed"`` or ``"mouseReleased"``."""
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def hover(self, selector: str) -> None:
        """Move the pointer onto an element."""
        x, y = self.place(selector)
        self.js(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )  # scrolling has ended
        self.mouse("mouseMoved", x, y)

    def click(self, selector: str) -> None:
        """Click an element."""
        self.hover(selector)
        x, y = self.place(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def key(self, name: str, code: int, text: str = "") -> None:
        """Press a key of the keyboard."""
        for kind in ("keyDown", "keyUp"):
            given = {"text": text} if text and kind == "keyDown" else {}
            self.send("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code, **given)


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start a browser whose profile is in a folder, and end it."""
    assert PROGRAM is not None
    theirs, write = os.pipe()
    read, answers = os.pipe()
    theirs, answers = (fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (theirs, answers))

    def place_pipes() -> None:
        os.dup2(theirs, 3)
        os.dup2(answers, 4)

    words = [PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"]
    with (profile.parent / "browser.log").open("wb") as log:
        process = subprocess.Popen(
            [*words, f"--user-data-dir={profile}"], pass_fds=(3, 4), preexec_fn=place_pipes, stderr=log, stdout=log
        )
        os.close(theirs)
        os.close(answers)
        try:
            yield Browser(read, write)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)
            os.close(read)
            os.close(write)
