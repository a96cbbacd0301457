"""What visitors look at: their browsers report it, under a device and nobody's name.

A device becomes somebody's when they follow a link of a mail of ours, which says whose it is and
that we said so, or when they confirm a sign-up. That a page says so proves nothing.
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
from milepost.sending.link_tokens import unseal_visit
from milepost.stores.settings import StoreSettings

if TYPE_CHECKING:
    from milepost.contacts.ports import Timeline
    from milepost.pages.visitor_limits import VisitorLimits
    from milepost.published.head import Published
    from milepost.stores.store_secrets import Secrets, StoreSecrets


class UnknownBrowserKeyError(NamedTuple):
    """The key is not the store's."""


class BrowserRateLimitedError(NamedTuple):
    """This internet address has reported too much in this hour."""


@dataclass(frozen=True, slots=True)
class BrowserEvents:
    """Takes what browsers report."""

    timeline: "Timeline"
    registry: "Published"
    secrets: "Secrets"
    limits: "VisitorLimits"

    def settings(self, store: str) -> StoreSettings:
        return self.registry.head(store).settings

    def keys(self, store: str) -> "StoreSecrets | None":
        return self.secrets.of(store)

    def accept(
        self, store: str, keys: "StoreSecrets", posted: Mapping[str, Any], ip: str, now: datetime
    ) -> BrowserReport | InvalidReport | UnknownBrowserKeyError | BrowserRateLimitedError:
        """Keep what was looked at. Nothing of the answer depends on whose device it is."""
        if not _fits(posted.get("key"), keys.browser):
            return UnknownBrowserKeyError()
        report = read_report(store, posted, now)
        if isinstance(report, InvalidReport):
            return report
        secret = keys.links[0] if keys.links else keys.browser[0]
        of_ip = counter(store, "browser-ip", ip, HOUR, now, secret)
        if self.limits.count(of_ip, max(1, len(report.events))) > VISITS_OF_AN_ADDRESS:
            return BrowserRateLimitedError()
        if report.token:
            self._recognize(store, keys, report, now)
        append(self.timeline, report.events)
        return report

    def _recognize(
        self, store: str, keys: "StoreSecrets", report: BrowserReport, now: datetime
    ) -> None:
        """The visitor comes from a mail: note on its reader's timeline that this is their device.

        What the device was seen with before joins that contact if nobody had claimed it; two
        contacts who are known are never made one by this (see `runtime/merging/rules.py`).
        """
        claim = unseal_visit(store, report.token, keys.links)
        if claim is None or claim.is_late(now):
            return
        id_ = sha256(f"{report.device}\n{report.token}".encode()).hexdigest()[:32]
        at = self.timeline.first_seen(store, SOURCE, id_, now)
        self.timeline.append(
            claim.contact, Event(store, id_, DEVICE, at, SOURCE, {"device": report.device})
        )


def _fits(given: Any, keys: tuple[str, ...]) -> bool:
    fits = False
    for key in keys:
        told = given if isinstance(given, str) else ""
        fits |= compare_digest(told.encode("utf-8", "surrogatepass"), key.encode())
    return fits
