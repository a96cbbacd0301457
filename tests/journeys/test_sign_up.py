"""Double opt-in: from the form to the workflow for confirmed contacts."""

from datetime import timedelta
from typing import Any

import pytest

from milepost.pages.preferences import PreferencesService
from milepost.pages.preferences import PreferencesVisitor as Visitor
from milepost.pages.sign_up import FormVisitor, SignUpAccepted, SignUpConfirmation, SignUpForms
from milepost.simulator.memory.secrets import MemorySecrets
from tests.fakes.visitor_limits import MemoryVisitorLimits
from tests.support.builders import ADA, STORE, Json, send, settings, shop, workflow
from tests.support.environment import PUBLIC_URL
from tests.support.faults import Faults, Scope
from tests.support.world import World

FORM: Json = {
    "topics": ["offers"],
    "list": "newsletter",
    "consent_text": "Yes, please.",
    "fields": {"first_name": {}},
}
FILES = {
    **shop(
        opt_in=workflow(
            send("ask", "confirm"),
            on="Opt-In Requested",
            category="transactional",
            reentry={"allow": "always"},
        ),
        hello=workflow(send("hello"), trigger={"type": "form", "form": "footer"}),
        joined=workflow(send("joined"), trigger={"type": "list", "list": "newsletter"}),
    ),
    "settings.json": settings(forms={"footer": FORM}),
    "templates/confirm/subject.txt": "Is it you?",
    "templates/confirm/body.html": '<html><body><a href="{{ urls.confirm }}">Yes</a> '
    '<a href="{{ urls.preferences }}">Preferences</a></body></html>',
}


@pytest.fixture(scope="module")
def published() -> World:
    world = World()
    world.publish(FILES)
    return world


def sign_up(world: World, email: str = ADA) -> None:
    """Submit the form in the footer."""
    forms = SignUpForms(
        world.timeline, world.registry, MemorySecrets(world.keys), MemoryVisitorLimits(world.state)
    )
    found = forms.form(STORE, "footer")
    assert found is not None
    posted = {"email": email, "first_name": "Ada"}
    assert forms.take(
        STORE, found[0], posted, FormVisitor("203.0.113.9"), world.now
    ) == SignUpAccepted(True)
    world.pass_on()


def token(world: World, kind: str) -> str:
    """The link token in the last mail."""
    return world.last_mail().html.partition(f"{PUBLIC_URL}/v1/{STORE}/{kind}/")[2].partition('"')[0]


def confirm(world: World) -> bool:
    """Follow the confirmation link; whether it was still valid."""
    confirmation = SignUpConfirmation(
        world.timeline, world.contacts, world.registry, MemorySecrets(world.keys)
    )
    opened = confirmation.open(STORE, token(world, "confirm"), world.now)
    assert opened is not None
    confirmation.confirm(opened, FormVisitor("198.51.100.7"), world.now)
    world.pass_on()
    return not opened.late


def save_preferences(world: World, **posted: Any) -> None:
    preferences = PreferencesService(
        world.contacts, world.timeline, world.enrollments, world.registry, MemorySecrets(world.keys)
    )
    opened = preferences.open(STORE, token(world, "preferences"))
    assert opened is not None
    preferences.save(opened, {k: [v] for k, v in posted.items()}, Visitor(), world.now)
    world.pass_on()


def story(published: World, faults: Faults | None = None) -> World:
    world = World(published=published, faults=faults)
    sign_up(world)
    world.run_for(hours=1)
    confirm(world)
    confirm(world)
    world.run_for(days=1)
    return world


def test_confirmed_sign_up_is_welcomed(published: World) -> None:
    world = World(published=published)
    sign_up(world)
    world.run_for(days=2)
    assert world.steps_mailed() == ["ask"], "no more mail before the confirmation"
    assert world.profile().consent == {}
    assert confirm(world)
    world.run_for(days=1)
    assert world.steps_mailed() == ["ask", "hello", "joined"]
    assert world.profile().consents() == {"offers": "granted"}
    assert world.profile().get("first_name") == "Ada"


def test_unconfirmed_sign_up_gets_no_more_mail(published: World) -> None:
    world = World(published=published)
    sign_up(world)
    world.run_for(days=8)
    assert not confirm(world), "the link has expired"
    world.run_for(days=30)
    assert world.steps_mailed() == ["ask"]
    assert world.profile().consent == {}


def test_suppressed_address_gets_no_confirmation_mail(published: World) -> None:
    world = World(published=published)
    world.suppress()
    sign_up(world)
    world.run_for(days=1)
    assert world.mails == []
    assert world.messages() == {"ask": ("skipped", "suppressed: hard bounce")}


def test_snoozed_contact_gets_confirmations_but_no_marketing(published: World) -> None:
    world = story(published)
    sign_up(world)
    world.run_for(hours=1)
    save_preferences(world, action="snooze")
    world.run_for(hours=1)
    world.publish({"workflows/news.json": workflow(send("news"), on="News")})
    world.event("News")
    world.run_for(days=1)
    assert world.messages()["news"] == ("skipped", "snoozed")
    sign_up(world)
    world.run_for(days=1)
    assert world.steps_mailed()[-1] == "ask", "the confirmation mail is transactional"
    world.run_until(world.now + timedelta(days=31))
    world.publish({"workflows/more.json": workflow(send("more"), on="More")})
    world.event("More")
    world.run_for(days=1)
    assert world.messages()["more"][0] == "accepted"


def visible_result(world: World) -> object:
    profile = world.profile()
    return (
        sorted((m.tags["step"], m.ref.id) for m in world.mails),
        profile.as_data(),
        profile.consent,
        sorted((proof.topic, proof.at) for proof in world.state.proofs.values()),
        sorted((e.ref.workflow, e.status) for e in world.enrollments_of()),
    )


@pytest.mark.parametrize("scope", ["react", "run_steps"])
def test_kill_at_any_call_changes_no_sign_up_result(published: World, scope: Scope) -> None:
    undisturbed = story(published)
    unsent = {
        "after ledger.claim",
        "after mailer.send",
    }
    for kill, place in undisturbed.faults.kills(scope):
        if place in unsent:
            continue
        world = story(published, Faults(kill))
        assert world.faults.struck == [place]
        assert visible_result(world) == visible_result(undisturbed), world.faults.struck
