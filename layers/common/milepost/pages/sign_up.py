"""Sign-up forms: a post becomes an event, and a confirmation becomes consent.

A visitor can enter the address of another person. So a post does not look the address up, and every
post gets the same answer. The gate and the ledger decide later whether an e-mail can go to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base import times
from milepost.base.addresses import address_hash
from milepost.base.errors import ThrottledError
from milepost.contacts.event import ConsentEvidence, ContactUpdate, Event, IdentifierKind
from milepost.contacts.event_names import FORM, LIST, OPT_IN
from milepost.contacts.fields import Change
from milepost.contacts.timeline import append
from milepost.pages.form import (
    PERSON,
    Answers,
    Form,
    FormError,
    form_named,
    is_bot_submission,
    read_answers,
    request_id,
)
from milepost.pages.visitor_limits import DAY, HOUR, SIGN_UPS_OF_AN_ADDRESS, counter
from milepost.sending.links import ConfirmationLink, unseal_confirmation
from milepost.stores.settings import StoreSettings

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts, Timeline
    from milepost.pages.visitor_limits import VisitorLimits
    from milepost.published.head import Published
    from milepost.stores.store_secrets import Secrets


REQUEST = "_request"
"""The key under which the sign-up event keeps the request until it is confirmed. Templates cannot
use names that begin with `_`, so a visitor's text never appears in an e-mail to the address.
"""

SIGN_UP_RESOLUTION = timedelta(milliseconds=1)


class FormVisitor(NamedTuple):
    """The source of a post; it is stored with the consent."""

    ip: str = ""
    user_agent: str = ""


class SignUpRateLimited(NamedTuple):
    """The internet address has posted too often in this hour."""


class SignUpAccepted(NamedTuple):
    """The post has been handled; `kept` says whether it was stored, for the log only."""

    kept: bool


@dataclass(frozen=True, slots=True)
class SignUpForms:
    """Accepts the posts of forms."""

    timeline: "Timeline"
    registry: "Published"
    secrets: "Secrets"
    limits: "VisitorLimits"

    def form(self, store: str, name: str) -> tuple[Form, StoreSettings] | None:
        settings = self.registry.head(store).settings
        form = form_named(settings, name)
        return None if form is None else (form, settings)

    def take(
        self, store: str, form: Form, body: Mapping[str, Any], visitor: FormVisitor, now: datetime
    ) -> SignUpAccepted | SignUpRateLimited | FormError:
        """Store a sign-up. Errors in a post are returned before anything is counted."""
        answers = read_answers(form, body)
        if isinstance(answers, FormError):
            return answers
        secret = self._secret(store)
        ip_counter = counter(store, "form-ip", f"{form.name} {visitor.ip}", HOUR, now, secret)
        if self.limits.count(ip_counter) > form.per_hour:
            return SignUpRateLimited()
        address_counter = counter(store, "form-address", answers.email, DAY, now, secret)
        too_many = self.limits.count(address_counter) > SIGN_UPS_OF_AN_ADDRESS
        if too_many or is_bot_submission(form, body):
            return SignUpAccepted(kept=False)
        default = self.registry.head(store).settings.default_locale
        consent_text = form.consent_text_in(answers.locale, default)
        append(self.timeline, _signed_up(store, form, answers, consent_text, visitor, now))
        return SignUpAccepted(kept=True)

    def _secret(self, store: str) -> str:
        keys = self.secrets.of(store)
        if keys is None or not keys.links:
            raise ThrottledError(
                "the store has no link-key, so no sign-up can be counted or confirmed"
            )
        return keys.links[0]


class ConfirmationPage(NamedTuple):
    """The data of a confirmation page. `late` links confirm nothing."""

    claim: ConfirmationLink
    request: Event
    store_name: str
    store_url: str
    consent_text: str
    locale: str
    late: bool


@dataclass(frozen=True, slots=True)
class SignUpConfirmation:
    """Opens confirmation links and confirms sign-ups."""

    timeline: "Timeline"
    contacts: "Contacts"
    registry: "Published"
    secrets: "Secrets"

    def open(self, store: str, token: str, now: datetime) -> ConfirmationPage | None:
        """The page of a link; None if the link is invalid or its sign-up has expired."""
        keys = self.secrets.of(store)
        link = unseal_confirmation(store, token, keys.links if keys else ())
        if link is None:
            return None
        profile = self.contacts.profile(store, link.contact)
        # The contact may have been merged since; then the other contact's timeline has the request.
        owners = dict.fromkeys([link.contact, profile.contact if profile else link.contact])
        candidates = (
            self.timeline.find(store, owner, OPT_IN, link.at, link.request) for owner in owners
        )
        request = next((event for event in candidates if event is not None), None)
        if request is None or not isinstance(request.data.get(REQUEST), Mapping):
            return None
        settings = self.registry.head(store).settings
        locale = profile.get("locale") if profile else None
        return ConfirmationPage(
            claim=link,
            request=request,
            store_name=settings.name or store,
            store_url=settings.url,
            consent_text=request.data[REQUEST]["consent_text"],
            locale=request.contact.fields.get("locale") or locale or settings.default_locale,
            late=link.is_late(now),
        )

    def confirm(self, confirmation: ConfirmationPage, visitor: FormVisitor, now: datetime) -> None:
        """Grant the consent of a sign-up, with proof of both requests. The call is idempotent.

        The consent text is the one that the form showed then. A confirmation also lifts the
        suppression of an erased address.
        """
        if confirmation.late:
            return
        email = confirmation.request.identifiers.get("email")
        if email:
            self.contacts.lift_erasure_suppression(confirmation.claim.store, address_hash(email))
        link = confirmation.claim
        at = self.timeline.first_seen(link.store, "confirm", link.request, now)
        append(self.timeline, _confirmed(confirmation.request, visitor, at))


def _signed_up(
    store: str, form: Form, answers: Answers, consent_text: str, visitor: FormVisitor, now: datetime
) -> list[Event]:
    id_ = request_id(store, form.name, answers.email, times.format_instant(now))
    source = f"form {form.name}"
    browser = {"locale": answers.locale, "timezone": answers.timezone}
    base_update = ContactUpdate(fields={name: value for name, value in browser.items() if value})
    identifiers: dict[IdentifierKind, str] = {"email": answers.email}
    if form.double_opt_in:
        request_data = {
            "answers": dict(answers.values),
            "topics": list(form.topics),
            "list": form.list,
            "consent_text": consent_text,
            "source": source,
            "ip": visitor.ip,
            "device": answers.device,
        }
        data = {"form": form.name, REQUEST: request_data}
        return [Event(store, id_, OPT_IN, now, "form", identifiers, data, base_update)]
    # The address is not confirmed, so the consent has no date. It is weak evidence and does not
    # resubscribe a contact who has unsubscribed (see `merge_consent`).
    consents = tuple(
        ConsentEvidence(
            "granted",
            "form",
            source,
            topic,
            consent_text=consent_text or None,
            ip=visitor.ip or None,
            user_agent=visitor.user_agent[:200] or None,
        )
        for topic in form.topics
    )
    return _events(
        store,
        id_,
        now,
        "form",
        identifiers,
        form.name,
        answers.values,
        form.list,
        consents,
        base_update,
    )


def _confirmed(request: Event, visitor: FormVisitor, at: datetime) -> list[Event]:
    request_data = request.data[REQUEST]
    consents = tuple(
        ConsentEvidence(
            "granted",
            "double-opt-in",
            request_data["source"],
            topic,
            at,
            consent_text=request_data["consent_text"] or None,
            ip=visitor.ip or None,
            user_agent=visitor.user_agent[:200] or None,
            requested_at=request.occurred_at,
            requested_ip=request_data["ip"] or None,
        )
        for topic in request_data["topics"]
    )
    device: dict[IdentifierKind, str] = (
        {"device": request_data["device"]} if request_data["device"] else {}
    )
    return _events(
        request.store,
        f"{request.id}:confirmed",
        at,
        "reader",
        {**request.identifiers, **device},
        request.data["form"],
        request_data["answers"],
        request_data["list"],
        consents,
        request.contact,
    )


def _events(
    store: str,
    id_: str,
    at: datetime,
    source: str,
    identifiers: Mapping[IdentifierKind, str],
    form: str,
    values: Mapping[str, Any],
    list_: str,
    consents: tuple[ConsentEvidence, ...],
    base_update: ContactUpdate,
) -> list[Event]:
    """The sign-up event, and the list event if the form has a list."""
    update = ContactUpdate(
        fields={**{name: values[name] for name in PERSON if name in values}, **base_update.fields},
        properties={name: value for name, value in values.items() if name not in PERSON},
        consents=consents,
    )
    data = {**values, "form": form}
    events = [Event(store, id_, FORM, at, source, identifiers, data, update)]
    if list_:
        list_update = ContactUpdate(changes=(Change("set", f"lists.{list_}", True),))
        events.append(
            Event(
                store,
                id_,
                LIST["added"],
                at + SIGN_UP_RESOLUTION,
                source,
                identifiers,
                {"list": list_, "form": form},
                list_update,
            )
        )
    return events
