"""A real browser, driven over WebDriver (W3C Recommendation) without a library: Chromium with its driver."""

from __future__ import annotations

import contextlib
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from tests.interop.programs import START_LIMIT, free_port, require, running

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  #: the key of a reference to an element, section 11


@attrs.frozen
class Browser:
    """One window."""

    session: str  #: URL of the session

    def go(self, url: str) -> None:
        """Open a page."""
        _call("POST", f"{self.session}/url", {"url": url})

    @property
    def address(self) -> str:
        """What stands in the address line."""
        return str(_call("GET", f"{self.session}/url"))

    def all(self, css: str) -> list[str]:
        """The elements that a selector finds."""
        found = _call("POST", f"{self.session}/elements", {"using": "css selector", "value": css})
        return [each[_ELEMENT] for each in found]

    def click(self, element: str) -> None:
        """Click in the middle of an element; raises where something else lies over it."""
        _call("POST", f"{self.session}/element/{element}/click", {})

    def press(self, element: str, keys: str) -> None:
        """Type into an element."""
        _call("POST", f"{self.session}/element/{element}/value", {"text": keys})

    def text(self, element: str) -> str:
        """What can be read of an element: nothing while it is not shown."""
        return str(_call("GET", f"{self.session}/element/{element}/text"))

    def shown(self, css: str) -> list[str]:
        """What can be read of the elements that a selector finds and that are shown."""
        return [text for element in self.all(css) if (text := self.text(element))]


@contextlib.contextmanager
def browser(folder: Path, *, width: int = 1280, height: int = 900) -> Iterator[Browser]:
    """A browser without a screen; skips, or on CI fails, where there is none."""
    require("chromium", "chromedriver")
    port = free_port()
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []  # it does not lock root in
    options = {
        "args": [
            "--headless=new",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--window-size={width},{height}",
            *alone,
        ]
    }
    with running(["chromedriver", f"--port={port}"], folder / "chromedriver.log", cwd=folder):
        driver = f"http://127.0.0.1:{port}"
        _until_ready(driver)
        wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}}
        session = f"{driver}/session/{_call('POST', f'{driver}/session', wanted)['sessionId']}"
        try:
            yield Browser(session)
        finally:
            _call("DELETE", session)


def _until_ready(driver: str) -> None:
    end = time.monotonic() + START_LIMIT
    while True:
        with contextlib.suppress(OSError):
            if _call("GET", f"{driver}/status")["ready"]:
                return
        if time.monotonic() > end:
            raise AssertionError(f"chromedriver is not ready after {START_LIMIT} s")
        time.sleep(0.05)


def _call(method: str, url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on this machine
    try:
        with opener.open(request, timeout=START_LIMIT) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise AssertionError(json.load(error)["value"]["message"]) from error
