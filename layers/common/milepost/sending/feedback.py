"""Learn: what the post reports of a message changes the ledger, the contact and the timeline."""

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
    """Records reports. Every step may be repeated: all of them are idempotent."""

    contacts: "Contacts"
    ledger: "Ledger"
    timeline: "Timeline"
    settings_of: "Callable[[str], StoreSettings]"
    reputation: "MarketingHealth | None" = None

    def record(self, store: str, message: str, report: DeliveryEvent) -> bool:
        """Record one report; False if it is not about a message we sent to that address.

        The ledger first, for it knows whether the report is ours; then suppression; the event last.
        A crash in between brings the report back.
        """
        ref = MessageRef.from_id(store, message)
        if report.kind in ("opened", "clicked") and not self._tracked(ref):
            return True  # they said no after the mail was made: nothing is kept
        facts = self.ledger.record_delivery_event(ref, report)
        if facts is None:
            return False
        final = report.kind == "complained" or (report.kind == "bounced" and report.permanent)
        if final:
            reason = "complaint" if report.kind == "complained" else "hard bounce"
            self.contacts.suppress(store, facts["recipient"], reason, report.at)
        if report.kind in EMAIL:
            self.timeline.append(ref.contact, _event(store, message, report, facts))
        if self.reputation is not None:
            if report.kind == "sent" and "news" in facts:
                self.reputation.sent(ref, facts)
            elif final:
                kind: Kind = "complained" if report.kind == "complained" else "bounced"
                self.reputation.record_negative(ref, kind, facts)
        return True

    def _tracked(self, ref: MessageRef) -> bool:
        tracking = self.settings_of(ref.store).tracking
        if tracking != "consented":
            return tracking == "all"
        profile = self.contacts.profile(ref.store, ref.contact)
        return profile is not None and is_tracked(tracking, profile.consents())


def _event(store: str, message: str, report: DeliveryEvent, facts: Mapping[str, Any]) -> Event:
    machine = _machine(report, facts)
    data = {
        "message": message,
        "workflow": facts["workflow"],
        "step": facts["step"],
        "enrollment": facts["enrollment"],
        **({"link": report.link} if report.link else {}),
        **({"detail": report.detail, "permanent": report.permanent} if report.detail else {}),
        **({"machine": True, "why": machine} if machine else {}),
    }
    # A link clicked twice in one millisecond is one click; two reports of one click are one too.
    distinction = report.link if report.kind == "clicked" else ""
    return Event(
        store=store,
        id=f"{message}:{report.kind}"
        + (f":{address_hash(distinction)[:12]}" if distinction else ""),
        name=(EMAIL_BY_BOT if machine else EMAIL)[report.kind],
        occurred_at=report.at,
        source="email",
        identifiers={},
        data=data,
    )


def _machine(report: DeliveryEvent, facts: Mapping[str, Any]) -> str:
    """Why a machine opened or clicked, as far as is known now.

    The first click of a burst cannot be told from a reader's until the next one comes: its event
    says what was known then, and the ledger what is known since.
    """
    if report.kind != "clicked":
        return report.bot_reason
    from milepost.sending.bot_detection import bot_reason

    return bot_reason(facts.get("clicks", ()), report.at, report.link)
