"""Browsing events: a visitor's browser reports them under an anonymous device id.

A device is connected with a contact when the visitor follows a signed link in an e-mail, or
confirms a sign-up. A page's own claim about the contact proves nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.contacts.event import Event
from milepost.contacts.event_names import DEVICE
from milepost.contacts.timeline import append
from milepost.pages.browser_report import SOURCE, BrowserReport, InvalidReport, read_report
from milepost.pages.visitor_limits import HOUR, VISITS_OF_AN_ADDRESS, counter
from milepost.sending.links import unseal_visit
from milepost.stores.settings import StoreSettings

if TYPE_CHECKING:
    from milepost.contacts.ports import Timeline
    from milepost.pages.visitor_limits import VisitorLimits
    from milepost.published.head import Published
    from milepost.stores.store_secrets import Secrets, StoreSecrets


class UnknownBrowserKeyError(NamedTuple):
    """The key does not belong to the store."""


class BrowserRateLimitedError(NamedTuple):
    """The internet address has reported too many events in this hour."""


@dataclass(frozen=True, slots=True)
class BrowserEvents:
    """Accepts the reports of browsers."""

    timeline: "Timeline"
    registry: "Published"
    secrets: "Secrets"
    limits: "VisitorLimits"

    def settings(self, store: str) -> StoreSettings:
        return self.registry.head(store).settings

    def keys(self, store: str) -> "StoreSecrets | None":
        return self.secrets.of(store)

    def accept(
        self, store: str, keys: "StoreSecrets", body: Mapping[str, Any], ip: str, now: datetime
    ) -> BrowserReport | InvalidReport | UnknownBrowserKeyError | BrowserRateLimitedError:
        """Store the events of a report. The answer does not depend on the device's contact."""
        if not _is_valid_key(body.get("key"), keys.browser):
            return UnknownBrowserKeyError()
        report = read_report(store, body, now)
        if isinstance(report, InvalidReport):
            return report
        secret = keys.links[0] if keys.links else keys.browser[0]
        ip_counter = counter(store, "browser-ip", ip, HOUR, now, secret)
        if self.limits.count(ip_counter, max(1, len(report.events))) > VISITS_OF_AN_ADDRESS:
            return BrowserRateLimitedError()
        if report.token:
            self._recognize(store, keys, report, now)
        append(self.timeline, report.events)
        return report

    def _recognize(
        self, store: str, keys: "StoreSecrets", report: BrowserReport, now: datetime
    ) -> None:
        """The visitor comes from an e-mail: add the device to its recipient's timeline.

        Earlier events of the device join the contact if the device belongs to no other contact. Two
        known contacts are never merged by this (see `runtime/merging/rules.py`).
        """
        link = unseal_visit(store, report.token, keys.links)
        if link is None or link.is_late(now):
            return
        id_ = sha256(f"{report.device}\n{report.token}".encode()).hexdigest()[:32]
        at = self.timeline.first_seen(store, SOURCE, id_, now)
        self.timeline.append(
            link.contact, Event(store, id_, DEVICE, at, SOURCE, {"device": report.device})
        )


def _is_valid_key(key_given: Any, keys: tuple[str, ...]) -> bool:
    valid = False
    for key in keys:
        text = key_given if isinstance(key_given, str) else ""
        valid |= compare_digest(text.encode("utf-8", "surrogatepass"), key.encode())
    return valid
