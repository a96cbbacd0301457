"""The live timeline: prints new items of the tables as they appear."""

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from local.demo.ledger import Ledger
from local.demo.shoppers import CAST, Shopper
from milepost.base import times

_PAUSE = 0.4

_EVENTS = {
    "delivered_at": "mail {step} arrived",
    "opened_at": "opened {step}",
    "clicked_at": "clicked in {step}",
    "bounced_at": "mail {step} bounced",
    "complained_at": "called {step} spam",
}


class Timeline:
    """Watches the shoppers' items in a thread of its own."""

    def __init__(self, ledger: Ledger, console: Console, start: datetime) -> None:
        self._ledger, self._console, self._start = ledger, console, start
        self._printed: set[tuple[str, str]] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="timeline", daemon=True)

    def __enter__(self) -> "Timeline":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(timeout=10)

    def _watch(self) -> None:
        while not self._stopping.wait(_PAUSE):
            self._print_new()
        self._print_new()

    def _print_new(self) -> None:
        news = [
            (at, shopper, text)
            for shopper in CAST
            for item in self._ledger.life(shopper)
            for at, text in _lines(item)
            if (shopper.name, text) not in self._printed
        ]
        for at, shopper, text in sorted(news, key=lambda one: (one[0], one[1].number)):
            self._printed.add((shopper.name, text))
            self._console.print(self._line(at, shopper, text))

    def _line(self, at: str, shopper: Shopper, text: str) -> Text:
        elapsed = times.parse_instant(at) - self._start
        hours, minutes = divmod(int(elapsed.total_seconds()) // 60, 60)
        when = f"day {hours // 24 + 1} {hours % 24:02d}:{minutes % 60:02d}"
        return Text.assemble(
            (f"  {when:>13}  ", "dim"), (f"{shopper.name:<6}", shopper.color), text
        )


def _lines(item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The lines to print for one item of a contact, each with its time."""
    kind = item["sk"].partition("#")[0]
    if kind == "EVENT" and item["source"] != "email":
        yield item["at"], f"{item['name']} ({item['source']})"
    elif kind == "ENROLLMENT":
        workflow = item["workflow"]
        yield item["entered_at"], f"enters {workflow}"
        if item["status"] != "active":
            reason = f": {item['reason']}" if item.get("reason") else ""
            yield item["ended_at"], f"leaves {workflow}, {item['status']}{reason}"
    elif kind == "MESSAGE":
        yield from _mail_lines(item)
    elif kind == "CONSENT" and item["state"] == "withdrawn":
        yield item["at"], f"says no to {item['topic']} ({item['method']})"


def _mail_lines(item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    step, status = item["step"], item["status"]
    if status == "accepted":
        yield item["decided_at"], f"is sent {step}"
    elif status in {"skipped", "failed", "rejected"}:
        yield item["decided_at"], f"is not sent {step}: {item['reason']}"
    for name, sentence in _EVENTS.items():
        if name in item:
            yield item[name], sentence.format(step=step)
