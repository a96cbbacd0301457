"""The view page: the same mail in the browser, for a limited time, without private links."""

import re
from dataclasses import replace
from typing import Any

import pytest

from milepost.pages.view import MailViewer
from milepost.sending.links import ViewLink, seal_preferences, sign_view_link
from milepost.sending.message import OutgoingEmail, SubmissionRejected
from milepost.simulator.memory.enrollments import MemoryEnrollments
from milepost.simulator.memory.ledger import MemoryLedger
from milepost.simulator.memory.published import MemoryPublished
from tests.journeys.visits import visited, world_of
from tests.support.builders import ADA, STORE, Content, send, settings
from tests.support.environment import PUBLIC_URL
from tests.support.world import World

BODY = (
    '<p>Dear {{ contact.first_name | default("reader") }}, {{ event.what }} on {{ now | date }}</p>'
    '<a href="{{ urls.view }}">v</a> <a href="{{ urls.unsubscribe }}">u</a> '
    '<a href="{{ urls.preferences }}">p</a> <a href="{{ urls.shop }}">s</a> '
    "{{ store.postal_address }}"
)

KEY = "link-key"


def letter_template(body: str = BODY) -> dict[str, Content]:
    return {"templates/letter/subject.txt": "Hello", "templates/letter/body.html": body}


@pytest.fixture
def world() -> World:
    return world_of(send("first", "letter"), files=letter_template())


def viewer(world: World) -> MailViewer:
    return MailViewer(
        archive=MemoryLedger(world.state),
        enrollments=MemoryEnrollments(world.state),
        registry=MemoryPublished(world.shelf),
        secrets=world.unsubscriber.secrets,
    )


def link(mail: OutgoingEmail) -> str:
    (token,) = re.findall(rf'href="{PUBLIC_URL}/v1/{STORE}/view/([^"]+)"', mail.html)
    return str(token)


def shown(world: World, token: str, store: str = STORE) -> str | None:
    opened = viewer(world).open(store, token, world.now)
    assert opened is not None
    return opened.html


def test_view_page_equals_the_mail_and_its_link_is_shareable(world: World) -> None:
    visited(world, {"what": "a lamp"}, first_name="Ada")
    mail = world.last_mail()
    world.run_for(days=3)
    page = shown(world, link(mail))
    assert page is not None
    assert "Dear Ada, a lamp on November 2, 2026" in page
    plain = [re.sub(r'href="[^"]*"', "", html) for html in (mail.html, page)]
    assert plain[0] == plain[1]
    links = re.findall(r'href="([^"]*)"', page)
    assert links[0] == "#"
    assert links[1] == links[2]  # both pages ask for confirmation and show no personal data
    opened = world.unsubscriber.open(STORE, links[1].removeprefix("../unsubscribe/"))
    assert opened is not None
    assert opened.claim.contact == mail.ref.contact
    assert links[3] == "https://shop.example/"
    assert ADA not in link(mail)


def test_corrected_template_does_not_change_the_view_page(world: World) -> None:
    visited(world, {"what": "a lamp"})
    world.publish(letter_template(BODY.replace("Dear", "Hello")))
    assert "Dear reader, a lamp" in (shown(world, link(world.last_mail())) or "")


def test_view_page_expires_after_ninety_days(world: World) -> None:
    visited(world, {"what": "a lamp"})
    token = link(world.last_mail())
    world.run_for(days=89)
    assert shown(world, token)
    world.run_for(days=2)
    assert shown(world, token) is None


def test_view_page_is_hidden_once_the_address_changed(world: World) -> None:
    visited(world, {"what": "a lamp"}, external_id="7", first_name="Ada")
    token = link(world.last_mail())
    assert shown(world, token)
    profile = world.profile()
    moved = replace(profile, fields={**profile.fields, "email": ("other@mail.example", "9", "e")})
    world.state.profiles[STORE, profile.contact] = moved
    assert shown(world, token) is None


def test_view_page_of_an_unsent_mail_is_hidden(world: World) -> None:
    world.mailer.script.append(SubmissionRejected("MessageRejected"))
    visited(world, {"what": "a lamp"})
    ((ref, message),) = world.state.messages.items()
    assert message["status"] == "rejected"
    token = sign_view_link(ViewLink(STORE, ref.contact, ref.id), KEY)
    assert shown(world, token) is None
    unknown = ViewLink(STORE, "c" + "7" * 25, "c" + "7" * 25 + "-" + "1" * 24)
    assert shown(world, sign_view_link(unknown, KEY)) is None


def test_forged_view_link_shows_nothing(world: World) -> None:
    visited(world, {"what": "a lamp"})
    mail = world.last_mail()
    token = link(mail)
    claim: Any = ViewLink(STORE, mail.ref.contact, mail.ref.id)
    body, _, signature = token.rpartition(".")
    forged = [
        "",
        ".",
        token[:-1],
        token + "a",
        body,
        f"{body}.",
        f".{signature}",
        token.upper(),
        sign_view_link(claim, "another key"),
        sign_view_link(claim, ""),
        seal_preferences(claim, KEY),
        sign_view_link(ViewLink("other", claim.contact, claim.message), KEY),
        f"{token}/../{token}",
        token.replace(".", ".."),
        f"{body}.{body}.{signature}",
        "é" + token,
        "\x00",
        "a" * 5000,
        body.replace(claim.contact, "c" + "7" * 25) + "." + signature,
        f"{token}%00",
    ]
    assert len(forged) == 20
    for wrong in forged:
        assert viewer(world).open(STORE, wrong, world.now) is None, wrong
    assert viewer(world).open("other", token, world.now) is None


def test_view_page_has_the_sender_of_the_mail() -> None:
    senders = {"anna": {"name": "Anna"}, "ben": {"name": "Ben"}}
    variants = [
        {"name": name, "template": "letter", "from": sender, "weight": weight}
        for name, sender, weight in (("a", "anna", 1), ("b", "ben", 0))
    ]
    tested = {"id": "first", "type": "send_email", "variants": variants}
    body = BODY.replace("Dear", "From {{ sender.name }}: dear")
    files = {"settings.json": settings(senders=senders), **letter_template(body)}
    world = visited(world_of(tested, files=files), {"what": "a lamp"})
    page = shown(world, link(world.last_mail()))
    assert page is not None
    assert "From Anna: dear" in page
