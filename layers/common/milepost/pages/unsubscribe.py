"""Unsubscribe: withdraw a contact's consent, with immediate effect."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from milepost.contacts.event import ConsentEvidence, ContactUpdate, Event
from milepost.sending.link_tokens import UnsubscribeLink, verify_unsubscribe_link

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts
    from milepost.published.head import Published
    from milepost.stores.store_secrets import Secrets


Scope = Literal["topic", "all"]


class UnsubscribePage(NamedTuple):
    """The data of the page. `topic_title` is empty if the link has no topic."""

    claim: UnsubscribeLink
    store_name: str
    topic_title: str
    locale: str


class UnsubscribeEvidence(NamedTuple):
    """The source of an unsubscribe; it is stored with the consent."""

    method: Literal["one-click", "page"]
    ip: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Unsubscriber:
    """Opens unsubscribe links and withdraws consent."""

    contacts: "Contacts"
    registry: "Published"
    secrets: "Secrets"

    def open(self, store: str, token: str) -> UnsubscribePage | None:
        """The page of a link; None if the link is invalid."""
        keys = self.secrets.of(store)
        claim = verify_unsubscribe_link(store, token, keys.links if keys else ())
        if claim is None:
            return None
        settings = self.registry.head(store).settings
        profile = self.contacts.profile(store, claim.contact)
        locale = (profile and profile.get("locale")) or settings.default_locale
        return UnsubscribePage(
            claim=claim,
            store_name=settings.name or store,
            topic_title=settings.title_of(claim.topic, locale),
            locale=locale,
        )

    def unsubscribe(
        self, claim: UnsubscribeLink, scope: Scope, proof: UnsubscribeEvidence, now: datetime
    ) -> None:
        """Withdraw consent with proof. The call is idempotent and accepts an unknown contact."""
        topics = self._topics(claim, scope)
        profile = self.contacts.profile(claim.store, claim.contact)
        if profile is None and self.contacts.erased(claim.store, claim.contact) is not None:
            return  # an erased contact gets no e-mail, and a proof would store new data
        consent = profile.consent if profile else {}
        open_topics = [t for t in topics if t not in consent or consent[t].state != "withdrawn"]
        if not open_topics:
            return
        facts = tuple(
            ConsentEvidence(
                state="withdrawn",
                method=proof.method,
                source=f"message {claim.message}",
                topic=topic,
                at=now,
                ip=proof.ip or None,
                user_agent=proof.user_agent[:200] or None,
            )
            for topic in open_topics
        )
        event = Event(
            store=claim.store,
            id=f"{claim.message}:unsubscribed:{scope}",
            name="Unsubscribed",
            occurred_at=now,
            source="reader",
            identifiers={},
            data={"topics": open_topics, "message": claim.message},
            contact=ContactUpdate(consents=facts),
        )
        self.contacts.withdraw(claim.contact, event)

    def _topics(self, claim: UnsubscribeLink, scope: Scope) -> Sequence[str]:
        known = self.registry.head(claim.store).settings.topics or {}
        own = (claim.topic,) if claim.topic else tuple(known)
        return tuple(dict.fromkeys((*own, *known))) if scope == "all" else own
