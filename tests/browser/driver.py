"""A client for a real Chromium, through chromedriver (W3C WebDriver over HTTP)."""

import base64
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

import httpx

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--force-device-scale-factor=1",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Refusal(Exception):
    """The browser rejects a command, with the reason."""


@dataclass(frozen=True)
class Element:
    """An element of the page."""

    browser: "Browser"
    id: str

    def _at(self, path: str) -> str:
        return f"/element/{self.id}/{path}"

    @property
    def label(self) -> str:
        """What a screen reader calls it."""
        return str(self.browser.get(self._at("computedlabel")))

    @property
    def role(self) -> str:
        return str(self.browser.get(self._at("computedrole")))

    @property
    def text(self) -> str:
        return str(self.browser.get(self._at("text")))

    def property(self, name: str) -> Any:
        return self.browser.get(self._at(f"property/{name}"))

    def click(self) -> None:
        self.browser.post(self._at("click"))

    def write(self, text: str) -> None:
        self.browser.post(self._at("value"), {"text": text})


@dataclass(frozen=True)
class Browser:
    """One browser window."""

    client: httpx.Client
    session: str

    def get(self, path: str) -> Any:
        return _value(self.client.get(f"/session/{self.session}{path}"))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return _value(self.client.post(f"/session/{self.session}{path}", json=dict(body or {})))

    def visit(self, url: str) -> None:
        self.post("/url", {"url": url})

    @property
    def url(self) -> str:
        return str(self.get("/url"))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.post("/execute/sync", {"script": script, "args": list(arguments)})

    def find(self, selector: str) -> Element:
        """The one element of its kind, which a page that still arrives may not have yet."""
        deadline = time.monotonic() + 10
        while len(found := self.find_all(selector)) != 1:
            assert time.monotonic() < deadline, f"{len(found)} of {selector} at {self.url}"
            time.sleep(0.02)
        return found[0]

    def find_all(self, selector: str) -> list[Element]:
        found = self.post("/elements", {"using": "css selector", "value": selector})
        return [Element(self, each[ELEMENT]) for each in found]

    def press(self, value: str) -> None:
        """Press the button of this value, and wait for the page that it leads to."""
        self.follow(f'button[value="{value}"]')

    def follow(self, selector: str) -> None:
        """Press something that leads to another page."""
        before = self.find("html").id
        self.find(selector).click()
        deadline = time.monotonic() + 10
        while not self._has_left(before):
            assert time.monotonic() < deadline, f"{selector} leads nowhere"
            time.sleep(0.02)

    def _has_left(self, before: str) -> bool:
        """Whether another page is there, all of it; in between, not every question is answered."""
        try:
            there = [each.id for each in self.find_all("html")] not in ([], [before])
            return there and self.run("return document.readyState") == "complete"
        except Refusal:
            return False

    def tab(self) -> None:
        keys = [{"type": kind, "value": "\ue004"} for kind in ("keyDown", "keyUp")]
        self.post("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": keys}]})

    def devtools(self, command: str, **parameters: Any) -> Any:
        return self.post("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def resize(self, width: int, height: int = 900) -> None:
        """The page is this wide, however narrow a window may be."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def prefer(self, scheme: str) -> None:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.devtools("Emulation.setEmulatedMedia", features=[feature])

    def picture(self, file: Path) -> None:
        """Keep a picture of the whole page, for people to look at."""
        file.parent.mkdir(parents=True, exist_ok=True)
        size = self.run("return document.documentElement.scrollHeight")
        width = self.run("return innerWidth")
        self.resize(width, max(int(size), 300))
        file.write_bytes(base64.b64decode(self.get("/screenshot")))
        self.resize(width)


@contextmanager
def chromedriver() -> Iterator[httpx.Client]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = which("chromedriver")
    assert program is not None
    command = [program, f"--port={port}", "--log-level=OFF"]
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client,
    ):
        try:
            _wait_for(client)
            yield client
        finally:
            process.terminate()


@contextmanager
def browser(
    client: httpx.Client, flags: Sequence[str] = (), preferences: Mapping[str, Any] | None = None
) -> Iterator[Browser]:
    binary = next(found for name in BROWSERS if (found := which(name)))
    options = {"binary": binary, "args": [*FLAGS, *flags], "prefs": dict(preferences or {})}
    wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
    made = _value(client.post("/session", json={"capabilities": wanted}))
    opened = Browser(client, made["sessionId"])
    try:
        yield opened
    finally:
        client.delete(f"/session/{opened.session}")


def _value(answer: httpx.Response) -> Any:
    value = answer.json()["value"]
    if not answer.is_success:
        raise Refusal(value)
    return value


def _wait_for(client: httpx.Client) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            if client.get("/status").json()["value"]["ready"]:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "chromedriver does not answer"
        time.sleep(0.05)
