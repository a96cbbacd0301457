"""A link gives access to one contact only, and no answer reveals which contacts exist."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import pytest

from functions.preferences.app import handler as preferences
from functions.trigger_form.app import handler as trigger_form
from functions.unsubscribe.app import handler as unsubscribe
from functions.view.app import handler as view
from milepost.contacts.event import contact_id
from milepost.sending.links import (
    ConfirmationLink,
    PreferencesLink,
    UnsubscribeLink,
    ViewLink,
    seal_confirmation,
    seal_preferences,
    sign_unsubscribe_link,
    sign_view_link,
)
from tests.support.cloud import EMAIL, Cloud, Shop
from tests.support.handlers import tell
from tests.support.visitors import FOOTER, form_post, look, press

Json = dict[str, Any]
Handler = Callable[[Any, Any], Any]
VICTIM = EMAIL
ATTACKER = "mallory.canary@mail.example"
UNKNOWN = "nobody.canary@mail.example"


@dataclass(frozen=True)
class Links:
    """The links of two recipients of one store: the attacker has only his own."""

    shop: Shop
    other: Shop

    def contact(self, address: str) -> str:
        return contact_id(self.shop.store, "email", address)

    def token(self, kind: str, address: str, shop: Shop | None = None, key: str = "") -> str:
        shop = shop or self.shop
        contact = contact_id(shop.store, "email", address)
        message, key = f"{contact}-{'1' * 24}", key or shop.links
        if kind == "unsubscribe":
            return sign_unsubscribe_link(
                UnsubscribeLink(shop.store, contact, "offers", message), key
            )
        if kind == "view":
            return sign_view_link(ViewLink(shop.store, contact, message), key)
        if kind == "preferences":
            return seal_preferences(PreferencesLink(shop.store, contact, message), key)
        (asked,) = [e for e in shop.events("Opt-In Requested") if e["pk"]["S"].endswith(contact)]
        at = datetime.fromisoformat(asked["at"]["S"])
        return seal_confirmation(
            ConfirmationLink(shop.store, contact, "footer", asked["id"]["S"], at), key
        )


KINDS: dict[str, tuple[Handler, Json]] = {
    "unsubscribe": (unsubscribe, {"scope": "all"}),
    "preferences": (preferences, {"action": "all"}),
    "confirm": (trigger_form, {"action": "confirm"}),
    "view": (view, {}),
}


@pytest.fixture(scope="module")
def links(cloud: Cloud) -> Links:
    made = Links(cloud.open_shop(), cloud.open_shop())
    for shop in (made.shop, made.other):
        shop.settings(forms={"footer": FOOTER})
        for address in (VICTIM, ATTACKER):
            yes = {"topic": "offers", "state": "granted", "at": "2026-01-01T00:00:00Z"}
            person = {"email": address, "first_name": "Known", "consent": [yes]}
            tell(shop, "Order Completed", contact=person, id=address)
            trigger_form(form_post(shop, email=address), None)
    return made


def swapped(links: Links, kind: str) -> str:
    """The victim's body with the attacker's signature."""
    body = links.token(kind, VICTIM).rpartition(".")[0]
    return f"{body}.{links.token(kind, ATTACKER).rpartition('.')[2]}"


def signed(key: Callable[[Links], str]) -> Callable[[Links, str], str]:
    """The victim's link, signed with another key."""
    return lambda links, kind: links.token(kind, VICTIM, key=key(links))


def of_another_kind(links: Links, kind: str) -> str:
    """The attacker may have a link of another kind, from a forwarded mail."""
    others = [each for each in KINDS if each != kind]
    return links.token(others[0], VICTIM)


def with_contact(links: Links, kind: str) -> str:
    """His own link with the victim's contact id in place of his."""
    return links.token(kind, ATTACKER).replace(links.contact(ATTACKER), links.contact(VICTIM))


def both(links: Links, kind: str) -> str:
    return f"{links.contact(VICTIM)}.{links.token(kind, ATTACKER)}"


def last_bits(links: Links, kind: str) -> str:
    """Base64 of 32 bytes has two unused bits: another spelling of the same signature."""
    token = links.token(kind, VICTIM)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    body, _, signature = token.rpartition(".")
    twin = signature[:-1] + letters[letters.index(signature[-1]) ^ 1]
    pad = "="
    assert urlsafe_b64decode(twin + pad) == urlsafe_b64decode(signature + pad)
    return f"{body}.{twin}"


FORGED: dict[str, Callable[[Links, str], str]] = {
    "another's body with one's own signature": swapped,
    "another's id in one's own link": with_contact,
    "another's id before one's own link": both,
    "a link of another kind": of_another_kind,
    "a link of another store": lambda links, kind: links.token(kind, VICTIM, links.other),
    "signed with the other store's key": signed(lambda links: links.other.links),
    "signed with an empty key": signed(lambda _: "\0"),
    "signed with the name of the store": signed(lambda links: links.shop.store),
    "signed with the store's bearer key": signed(lambda links: links.shop.bearer),
    "signed with the shop's key": signed(lambda links: links.shop.shopify),
    "signed with a guess": signed(lambda _: "secret"),
    "the signature another way": last_bits,
    "the address itself": lambda _, __: VICTIM,
    "the address in Base64": lambda _, __: urlsafe_b64encode(VICTIM.encode()).decode(),
    "the hash of the address": lambda _, __: sha256(VICTIM.encode()).hexdigest(),
    "the id alone": lambda links, _: links.contact(VICTIM),
    "the id and no signature": lambda links, kind: links.token(kind, VICTIM).rpartition(".")[0],
    "an empty signature": lambda ls, kind: ls.token(kind, VICTIM).rpartition(".")[0] + ".",
    "half a signature": lambda links, kind: links.token(kind, VICTIM)[:-20],
    "a number": lambda _, __: "1",
    "a negative number": lambda _, __: "-1",
    "a wildcard": lambda _, __: "*",
    "a path": lambda links, kind: f"../{links.token(kind, VICTIM)}",
    "percent encoded": lambda ls, kind: quote(ls.token(kind, VICTIM), safe="").replace(".", "%2E"),
    "a query in it": lambda links, kind: f"{links.token(kind, VICTIM)}?contact=1",
    "with a blank": lambda links, kind: f"{links.token(kind, VICTIM)} ",
    "with a line break": lambda links, kind: f"{links.token(kind, VICTIM)}\n",
    "in upper case": lambda links, kind: links.token(kind, VICTIM).upper(),
    "null": lambda _, __: "null",
    "an object": lambda _, __: '{"$ne": ""}',
}


@pytest.mark.parametrize("kind", KINDS)
def test_own_link_opens_a_page(links: Links, kind: str) -> None:
    """This proves that the tests below can fail."""
    handler, _ = KINDS[kind]
    answer = handler(look(links.shop, links.token(kind, ATTACKER)), None)
    assert answer["statusCode"] == (410 if kind == "view" else 200)  # no such message was sent


@pytest.mark.parametrize("how", FORGED)
@pytest.mark.parametrize("kind", KINDS)
def test_forged_link_shows_and_changes_nothing(links: Links, kind: str, how: str) -> None:
    handler, wish = KINDS[kind]
    token = FORGED[how](links, kind)
    before = [*links.shop.items(), *links.other.items()]
    nonsense = handler(look(links.shop, "nonsense"), None)
    for request in (look(links.shop, token), press(links.shop, token, wish)):
        answer = handler(request, None)
        assert answer["statusCode"] == 404
        assert answer["body"] == nonsense["body"], "the answer is that of any nonsense"
    assert [*links.shop.items(), *links.other.items()] == before


ADDRESSES = {
    "known": VICTIM,
    "known too": ATTACKER,
    "unknown": UNKNOWN,
    "in upper case": VICTIM.upper(),
    "with a tag": VICTIM.replace("@", "+x@"),
    "of another domain": VICTIM.replace("mail.example", "post.example"),
}


def test_sign_up_answer_does_not_reveal_known_contacts(links: Links) -> None:
    answers = {
        name: trigger_form(form_post(links.shop, email=address, ip=f"198.51.100.{number}"), None)
        for number, (name, address) in enumerate(ADDRESSES.items())
    }
    told = {
        (a["statusCode"], a["body"], str(sorted(a["headers"].items()))) for a in answers.values()
    }
    assert len(told) == 1


@pytest.mark.parametrize("kind", ["unsubscribe", "preferences"])
def test_page_does_not_reveal_its_contact(links: Links, kind: str) -> None:
    """A forwarded link shows the choices, not who the recipient was."""
    handler, _ = KINDS[kind]
    pages = [
        handler(look(links.shop, links.token(kind, address)), None)["body"]
        for address in (VICTIM, UNKNOWN)
    ]
    for page in pages:
        for told in ("canary", "Known", links.contact(VICTIM), links.contact(UNKNOWN)):
            assert told not in page
    if kind == "unsubscribe":
        assert pages[0] == pages[1]
