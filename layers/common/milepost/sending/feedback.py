"""Record delivery events: in the ledger, on the contact and on the timeline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from milepost.base.refs import MessageRef
from milepost.contacts.event import Event
from milepost.contacts.event_names import EMAIL, EMAIL_BY_BOT
from milepost.contacts.suppression import address_hash
from milepost.sending.message import DeliveryEvent
from milepost.sending.tracking import is_tracked

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts, Timeline
    from milepost.published.marketing_stop import Kind
    from milepost.sending.marketing_health import MarketingHealth
    from milepost.sending.ports import Ledger
    from milepost.stores.settings import StoreSettings


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
