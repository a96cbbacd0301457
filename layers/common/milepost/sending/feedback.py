"""What delivery events lead to: ledger, timeline, suppression, and the marketing stop."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from milepost.base import times
from milepost.base.addresses import address_hash
from milepost.base.names import MessageRef
from milepost.contacts.event import Event
from milepost.contacts.event_names import EMAIL, EMAIL_BY_BOT
from milepost.published.marketing_stop import Kind, MarketingStop
from milepost.sending.message import DeliveryEvent
from milepost.sending.reputation import (
    HourlyCount,
    ReputationState,
    decide_stop,
    hour_of,
    window_start,
)
from milepost.stores.settings import is_tracked

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts, Timeline
    from milepost.outbound.ports import Alerts

    pass
    from milepost.sending.ports import Ledger
    from milepost.stores.settings import StoreSettings


class ReputationCounts(Protocol):
    """Counts by store and hour. The name of a `count` is the instant at which it starts."""

    def sent(self, store: str, count: str, hour: datetime, number: int) -> None: ...

    def suffered(self, ref: MessageRef, kind: Kind, count: str, hour: datetime) -> None:
        """Count a message's bounce or complaint once, even if the event is repeated."""

    def since(self, store: str, count: str, hour: datetime) -> Iterable[HourlyCount]: ...


class MarketingStops(Protocol):
    """Stops the marketing of stores."""

    def state(self, store: str) -> ReputationState:
        """A store's reputation state; it may be slightly out of date."""

    def open(self, store: str, count: str, stop: MarketingStop) -> MarketingStop | None:
        """Stop marketing. Return the stop in effect, or None if marketing was resumed after the
        start of `count`."""

    def mark_alerted(self, store: str, stop: MarketingStop) -> None:
        """Record that the staff has been alerted."""


@dataclass(frozen=True, slots=True)
class MarketingHealth:
    """Counts delivery events and stops marketing. `flush` saves the sent e-mails, many in one
    write. Without `alerts`, nothing alerts the staff."""

    tallies: ReputationCounts
    breakers: MarketingStops
    alerts: "Callable[[], Alerts] | None"
    now: Callable[[], datetime]
    _sent: Counter[tuple[str, str, datetime]] = field(default_factory=Counter)

    def sent(self, ref: MessageRef, message: Mapping[str, Any]) -> None:
        """Count a message when its first send event arrives."""
        if count_and_hour := _count_and_hour(message, self.breakers.state(ref.store)):
            self._sent[ref.store, *count_and_hour] += 1

    def flush(self) -> None:
        """Save the counts of sent e-mails. If this fails, they are lost, and the lower count makes
        a stop more likely."""
        for (store, count, hour), number in [*self._sent.items()]:
            del self._sent[store, count, hour]
            self.tallies.sent(store, count, hour, number)

    def record_negative(
        self, ref: MessageRef, kind: Kind, message: Mapping[str, Any]
    ) -> MarketingStop | None:
        """Count a hard bounce or a complaint. Return the marketing stop if this one causes it.

        Repeating the call is harmless, and completes a call that was interrupted.
        """
        state = self.breakers.state(ref.store)
        count_and_hour = _count_and_hour(message, state)
        if count_and_hour is None:
            return None
        count, hour = count_and_hour
        self.flush()
        self.tallies.suffered(ref, kind, count, hour)
        stop = state.breaker
        if stop is None:
            now = self.now()
            due_stop = decide_stop(self.tallies.since(ref.store, count, window_start(now)), now)
            stop = self.breakers.open(ref.store, count, due_stop) if due_stop else None
        if stop is None or stop.alerted:
            return None
        if self.alerts is not None:
            self.alerts().send_alert(
                f"{ref.store}: marketing is stopped", _alert_text(ref.store, stop), ref.store
            )
        self.breakers.mark_alerted(ref.store, stop)
        return stop


def _count_and_hour(
    message: Mapping[str, Any], state: ReputationState
) -> tuple[str, datetime] | None:
    """The count and the hour that a message belongs to; None if it does not count."""
    decided_at = message.get("decided_at", "")
    if message.get("category") != "marketing" or decided_at < state.resumed:
        return None
    return state.resumed, hour_of(times.parse_instant(decided_at))


def _alert_text(store: str, stop: MarketingStop) -> str:
    return (
        f"Marketing of the store {store} is stopped since "
        f"{times.format_instant(stop.opened)}: "
        f"{stop.reason()}. If this continues, Amazon stops all e-mail of the account, receipts "
        "included.\n\nTransactional e-mail continues. Marketing e-mail waits; messages that expire "
        "meanwhile are skipped.\n\nFind the cause, such as an old list or addresses that never "
        "confirmed, and remove these contacts. Then resume marketing:\n\n"
        f'    milepost resume {store} --why "what was wrong, and how it was fixed"\n'
    )


@dataclass(frozen=True, slots=True)
class FeedbackRecorder:
    """Records delivery events. All steps are idempotent, so an event can be repeated."""

    contacts: "Contacts"
    ledger: "Ledger"
    timeline: "Timeline"
    settings_of: "Callable[[str], StoreSettings]"
    reputation: "MarketingHealth | None" = None

    def record(self, store: str, message: str, event: DeliveryEvent) -> bool:
        """Record one delivery event; False if no such message was sent to this address.

        The ledger comes first, because it knows whether the event belongs to a message. The
        suppression follows, then the timeline. After a crash in between, SQS delivers the event
        again.
        """
        ref = MessageRef.from_id(store, message)
        if event.kind in ("opened", "clicked") and not self._tracked(ref):
            return True  # the contact refused tracking after the send: store nothing
        facts = self.ledger.record_delivery_event(ref, event)
        if facts is None:
            return False
        final = event.kind == "complained" or (event.kind == "bounced" and event.permanent)
        if final:
            reason = "complaint" if event.kind == "complained" else "hard bounce"
            self.contacts.suppress(store, facts["recipient"], reason, event.at)
        if event.kind in EMAIL:
            self.timeline.append(ref.contact, _timeline_event(store, message, event, facts))
        if self.reputation is not None:
            if event.kind == "sent" and "news" in facts:
                self.reputation.sent(ref, facts)
            elif final:
                kind: Kind = "complained" if event.kind == "complained" else "bounced"
                self.reputation.record_negative(ref, kind, facts)
        return True

    def _tracked(self, ref: MessageRef) -> bool:
        tracking = self.settings_of(ref.store).tracking
        if tracking != "consented":
            return tracking == "all"
        profile = self.contacts.profile(ref.store, ref.contact)
        return profile is not None and is_tracked(tracking, profile.consents())


def _timeline_event(
    store: str, message: str, event: DeliveryEvent, facts: Mapping[str, Any]
) -> Event:
    bot_reason = _bot_reason(event, facts)
    data = {
        "message": message,
        "workflow": facts["workflow"],
        "step": facts["step"],
        "enrollment": facts["enrollment"],
        **({"link": event.link} if event.link else {}),
        **({"detail": event.detail, "permanent": event.permanent} if event.detail else {}),
        **({"bot": True, "bot_reason": bot_reason} if bot_reason else {}),
    }
    # Two clicks on a link in one millisecond count as one click, as does a repeated event.
    link = event.link if event.kind == "clicked" else ""
    return Event(
        store=store,
        id=f"{message}:{event.kind}" + (f":{address_hash(link)[:12]}" if link else ""),
        name=(EMAIL_BY_BOT if bot_reason else EMAIL)[event.kind],
        occurred_at=event.at,
        source="email",
        identifiers={},
        data=data,
    )


def _bot_reason(event: DeliveryEvent, facts: Mapping[str, Any]) -> str:
    """Why an open or a click comes from a bot, judged with all clicks so far.

    The first click of a burst looks like a person's until the next click arrives. Its timeline
    event keeps the first judgement; the ledger has the later one.
    """
    if event.kind != "clicked":
        return event.bot_reason
    from milepost.sending.bot_detection import bot_reason

    return bot_reason(facts.get("clicks", ()), event.at, event.link)
