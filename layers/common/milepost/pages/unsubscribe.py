"""Unsubscribe: withdraw a contact's consent, with immediate effect."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from milepost.contacts.event import ConsentEvidence, ContactUpdate, Event
from milepost.sending.links import UnsubscribeLink, verify_unsubscribe_link

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
        link = verify_unsubscribe_link(store, token, keys.links if keys else ())
        if link is None:
            return None
        settings = self.registry.head(store).settings
        profile = self.contacts.profile(store, link.contact)
        locale = (profile and profile.get("locale")) or settings.default_locale
        return UnsubscribePage(
            claim=link,
            store_name=settings.name or store,
            topic_title=settings.title_of(link.topic, locale),
            locale=locale,
        )

    def unsubscribe(
        self, link: UnsubscribeLink, scope: Scope, evidence: UnsubscribeEvidence, now: datetime
    ) -> None:
        """Withdraw consent with proof. The call is idempotent and accepts an unknown contact."""
        topics = self._topics(link, scope)
        profile = self.contacts.profile(link.store, link.contact)
        if profile is None and self.contacts.erased(link.store, link.contact) is not None:
            return  # an erased contact gets no e-mail, and a proof would store new data
        consent = profile.consent if profile else {}
        open_topics = [t for t in topics if t not in consent or consent[t].state != "withdrawn"]
        if not open_topics:
            return
        consents = tuple(
            ConsentEvidence(
                state="withdrawn",
                method=evidence.method,
                source=f"message {link.message}",
                topic=topic,
                at=now,
                ip=evidence.ip or None,
                user_agent=evidence.user_agent[:200] or None,
            )
            for topic in open_topics
        )
        event = Event(
            store=link.store,
            id=f"{link.message}:unsubscribed:{scope}",
            name="Unsubscribed",
            occurred_at=now,
            source="reader",
            identifiers={},
            data={"topics": open_topics, "message": link.message},
            contact=ContactUpdate(consents=consents),
        )
        self.contacts.withdraw(link.contact, event)

    def _topics(self, link: UnsubscribeLink, scope: Scope) -> Sequence[str]:
        known = self.registry.head(link.store).settings.topics or {}
        topics_of_link = (link.topic,) if link.topic else tuple(known)
        return tuple(dict.fromkeys((*topics_of_link, *known))) if scope == "all" else topics_of_link
