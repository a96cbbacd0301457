"""Sign-up forms: what somebody posts becomes an event, and what somebody confirms becomes consent.

Whoever posts a form is nobody in particular: they may write anybody's address into it. So nothing
here depends on whose address it is. It is not looked up, and every post is answered alike; the
gate and the ledger decide later whether a mail may go there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base import instants
from milepost.base.errors import ThrottledError
from milepost.contacts.changes import Change
from milepost.contacts.event import ConsentEvidence, ContactUpdate, Event, IdentifierKind
from milepost.contacts.event_names import FORM, LIST, OPT_IN
from milepost.contacts.suppression import address_hash
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
from milepost.sending.link_tokens import ConfirmationLink, unseal_confirmation
from milepost.stores.settings import StoreSettings

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts, Timeline
    from milepost.pages.visitor_limits import VisitorLimits
    from milepost.published.head import Published
    from milepost.stores.store_secrets import Secrets


REQUEST = "_request"
"""Where the event of a sign-up keeps what was asked for until it is confirmed. No template can
speak of a name that begins like this: a stranger's words must not stand in a mail to the address.
"""

SIGN_UP_RESOLUTION = timedelta(milliseconds=1)


class FormVisitor(NamedTuple):
    """Where a post came from; part of the proof."""

    ip: str = ""
    user_agent: str = ""


class SignUpRateLimited(NamedTuple):
    """This internet address has posted too often in this hour."""


class SignUpAccepted(NamedTuple):
    """The post has been dealt with; `kept` says, for the log alone, whether anything came of it."""

    kept: bool


@dataclass(frozen=True, slots=True)
class SignUpForms:
    """Takes what forms post."""

    timeline: "Timeline"
    registry: "Published"
    secrets: "Secrets"
    limits: "VisitorLimits"

    def form(self, store: str, name: str) -> tuple[Form, StoreSettings] | None:
        settings = self.registry.head(store).settings
        form = form_named(settings, name)
        return None if form is None else (form, settings)

    def take(
        self, store: str, form: Form, posted: Mapping[str, Any], caller: FormVisitor, now: datetime
    ) -> SignUpAccepted | SignUpRateLimited | FormError:
        """Keep a sign-up. What is wrong with a post is told before anything is counted."""
        answers = read_answers(form, posted)
        if isinstance(answers, FormError):
            return answers
        secret = self._secret(store)
        of_ip = counter(store, "form-ip", f"{form.name} {caller.ip}", HOUR, now, secret)
        if self.limits.count(of_ip) > form.per_hour:
            return SignUpRateLimited()
        of_address = counter(store, "form-address", answers.email, DAY, now, secret)
        often = self.limits.count(of_address) > SIGN_UPS_OF_AN_ADDRESS
        if often or is_bot_submission(form, posted):
            return SignUpAccepted(kept=False)
        default = self.registry.head(store).settings.default_locale
        wording = form.worded(answers.locale, default)
        append(self.timeline, _signed_up(store, form, answers, wording, caller, now))
        return SignUpAccepted(kept=True)

    def _secret(self, store: str) -> str:
        keys = self.secrets.of(store)
        if keys is None or not keys.links:
            raise ThrottledError(
                "the store has no link-key, so no sign-up can be counted or confirmed"
            )
        return keys.links[0]


class ConfirmationPage(NamedTuple):
    """A link that confirms a sign-up: what its page is made of. `late` links confirm nothing."""

    claim: ConfirmationLink
    request: Event
    store_name: str
    store_url: str
    wording: str
    locale: str
    late: bool


@dataclass(frozen=True, slots=True)
class SignUpConfirmation:
    """Reads the links of confirmation mails, and carries out what they ask for."""

    timeline: "Timeline"
    contacts: "Contacts"
    registry: "Published"
    secrets: "Secrets"

    def open(self, store: str, token: str, now: datetime) -> ConfirmationPage | None:
        """What a link is about; None if we did not make it, or all about it is long gone."""
        keys = self.secrets.of(store)
        claim = unseal_confirmation(store, token, keys.links if keys else ())
        if claim is None:
            return None
        profile = self.contacts.profile(store, claim.contact)
        # The contact may have become another since; that one's timeline then has the request too.
        owners = dict.fromkeys([claim.contact, profile.contact if profile else claim.contact])
        found = (
            self.timeline.find(store, owner, OPT_IN, claim.at, claim.request) for owner in owners
        )
        request = next((event for event in found if event is not None), None)
        if request is None or not isinstance(request.data.get(REQUEST), Mapping):
            return None
        settings = self.registry.head(store).settings
        known = profile.get("locale") if profile else None
        return ConfirmationPage(
            claim=claim,
            request=request,
            store_name=settings.name or store,
            store_url=settings.url,
            wording=request.data[REQUEST]["consent_text"],
            locale=request.contact.fields.get("locale") or known or settings.default_locale,
            late=claim.is_late(now),
        )

    def confirm(self, opened: ConfirmationPage, caller: FormVisitor, now: datetime) -> None:
        """Make the sign-up count, with proof of both requests. Repeating it changes nothing.

        What was agreed to is what the form said then, whatever it says by now. Whoever was erased
        once and comes back like this is mailed again.
        """
        if opened.late:
            return
        email = opened.request.identifiers.get("email")
        if email:
            self.contacts.lift_erasure_suppression(opened.claim.store, address_hash(email))
        claim = opened.claim
        at = self.timeline.first_seen(claim.store, "confirm", claim.request, now)
        append(self.timeline, _confirmed(opened.request, caller, at))


def _signed_up(
    store: str, form: Form, answers: Answers, wording: str, caller: FormVisitor, now: datetime
) -> list[Event]:
    id_ = request_id(store, form.name, answers.email, instants.format_instant(now))
    source = f"form {form.name}"
    browser = {"locale": answers.locale, "timezone": answers.timezone}
    person = ContactUpdate(fields={name: value for name, value in browser.items() if value})
    identifiers: dict[IdentifierKind, str] = {"email": answers.email}
    if form.double_opt_in:
        asked = {
            "answers": dict(answers.values),
            "topics": list(form.topics),
            "list": form.list,
            "consent_text": wording,
            "source": source,
            "ip": caller.ip,
            "device": answers.device,
        }
        data = {"form": form.name, REQUEST: asked}
        return [Event(store, id_, OPT_IN, now, "form", identifiers, data, person)]
    # Nobody has proved whose address it is, so the yes has no date: it is weak evidence, and a
    # person who has unsubscribed is not brought back by it (see `contacts.weigh`).
    consents = tuple(
        ConsentEvidence(
            "granted", "form", source, topic,
            consent_text=wording or None, ip=caller.ip or None,
            user_agent=caller.user_agent[:200] or None,
        )
        for topic in form.topics
    )  # fmt: skip
    return _events(store, id_, now, "form", identifiers, form.name, answers.values, form.list,
                   consents, person)  # fmt: skip


def _confirmed(request: Event, caller: FormVisitor, at: datetime) -> list[Event]:
    asked = request.data[REQUEST]
    consents = tuple(
        ConsentEvidence(
            "granted", "double-opt-in", asked["source"], topic, at,
            consent_text=asked["consent_text"] or None, ip=caller.ip or None,
            user_agent=caller.user_agent[:200] or None,
            requested_at=request.occurred_at, requested_ip=asked["ip"] or None,
        )
        for topic in asked["topics"]
    )  # fmt: skip
    device: dict[IdentifierKind, str] = {"device": asked["device"]} if asked["device"] else {}
    return _events(
        request.store, f"{request.id}:confirmed", at, "reader",
        {**request.identifiers, **device}, request.data["form"], asked["answers"], asked["list"],
        consents, request.contact,
    )  # fmt: skip


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
    person: ContactUpdate,
) -> list[Event]:
    """The sign-up itself, and the list it leads to, which is an event of its own as lists are."""
    facts = ContactUpdate(
        fields={**{name: values[name] for name in PERSON if name in values}, **person.fields},
        properties={name: value for name, value in values.items() if name not in PERSON},
        consents=consents,
    )
    said = {**values, "form": form}
    events = [Event(store, id_, FORM, at, source, identifiers, said, facts)]
    if list_:
        joins = ContactUpdate(changes=(Change("set", f"lists.{list_}", True),))
        events.append(
            Event(store, id_, LIST["added"], at + SIGN_UP_RESOLUTION, source, identifiers,
                  {"list": list_, "form": form}, joins)
        )  # fmt: skip
    return events
