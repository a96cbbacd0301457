"""The events that a visitor's browser can report: browsing events only.

Every visitor can read the key for reports. So events with other names are dropped, and data about a
person, consent or an order is not accepted.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from json import dumps
from typing import Any, Final, NamedTuple

from milepost.contacts.event import Event
from milepost.contacts.event_names import ALLOWED
from milepost.pages.form import DEVICE_PATTERN

SOURCE: Final = "browser"
MAX_EVENTS = 20
"""The highest number of events in one report."""
MAX_BYTES = 8 * 1024
MAX_ID_LENGTH = 64
_MILLISECOND = timedelta(milliseconds=1)


class BrowserReport(NamedTuple):
    """The accepted part of a report; `left_out` counts the dropped events."""

    device: str
    events: tuple[Event, ...]
    token: str = ""
    left_out: int = 0


class InvalidReport(NamedTuple):
    """An invalid report, with the wrong `field`."""

    field: str
    reason: str


def read_report(
    store: str, body: Mapping[str, Any], now: datetime
) -> BrowserReport | InvalidReport:
    """Read a report. Events get the server's time, because a visitor's clock can be wrong."""
    device, reported = body.get("device"), body.get("events", [])
    if not isinstance(device, str) or not DEVICE_PATTERN.fullmatch(device):
        return InvalidReport("device", "must be a random UUID, such as milepost.js makes")
    if not isinstance(reported, list) or len(reported) > MAX_EVENTS:
        return InvalidReport("events", f"must be a list of {MAX_EVENTS} events at most")
    events = []
    for number, item in enumerate(reported):
        event = _event(store, device, item, now + number * _MILLISECOND)
        if event is not None:
            events.append(event)
    token = body.get("token")
    return BrowserReport(
        device,
        tuple(events),
        token if isinstance(token, str) and len(token) <= 300 else "",
        len(reported) - len(events),
    )


def _event(store: str, device: str, reported: Any, at: datetime) -> Event | None:
    if not isinstance(reported, dict):
        return None
    name, id_, data = reported.get("name"), reported.get("id"), reported.get("properties", {})
    if not isinstance(name, str) or name not in ALLOWED or not isinstance(data, dict):
        return None
    if not isinstance(id_, str) or not id_.isascii() or not 0 < len(id_) <= MAX_ID_LENGTH:
        return None
    if "#" in id_ or not id_.isprintable():
        return None
    # Names with `_` are reserved: they say which step emitted an event.
    properties = {key: value for key, value in data.items() if not key.startswith("_")}
    if len(dumps(properties, ensure_ascii=False).encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return None
    return Event(store, id_, name, at, SOURCE, {"device": device}, properties)
