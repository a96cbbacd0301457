import json
from typing import Any

import pytest

from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem
from milepost.publishing.settings_file import SettingsFile
from milepost.sending.aws import SesMailer
from milepost.stores.settings import UNTRACKED, is_tracked
from tests.support.builders import send, settings, shop, workflow
from tests.support.mailer import FakeSes
from tests.support.template import read_stack
from tests.support.world import World

TOPICS = {"offers": "Offers", "tracking": "May we see what you read?"}


@pytest.mark.parametrize(
    ("tracking", "consents", "tracked"),
    [
        ("all", {}, True),
        ("all", {"tracking": "withdrawn"}, True),
        ("none", {"tracking": "granted"}, False),
        ("consented", {}, False),
        ("consented", {"offers": "granted"}, False),
        ("consented", {"tracking": "withdrawn"}, False),
        ("consented", {"tracking": "granted"}, True),
    ],
)
def test_tracking_follows_setting_and_consent(
    tracking: str, consents: dict[str, str], tracked: bool
) -> None:
    assert is_tracked(tracking, consents) is tracked


@pytest.mark.parametrize(
    "topics", [{"offers": "Offers"}, {"tracking": "Tracking", "offers": "Offers"}]
)
def test_consented_tracking_needs_topic_tracking(topics: dict[str, str]) -> None:
    document = settings(topics=topics, shop_topics=[], tracking="consented")
    found = parse_file(json.dumps(document), SettingsFile)
    assert isinstance(found, list)
    assert isinstance(found[0], Problem)
    assert found[0].reason == "tracking asks for the topic 'tracking': add it at the end of topics"


def world_with_tracking(tracking: str, consent: str = "") -> World:
    """A shop with one e-mail to Ada, with this tracking setting and her consent."""
    world = World()
    files = shop(visit=workflow(send("hello"), on="Visited"))
    world.publish(files | {"settings.json": settings(topics=TOPICS, tracking=tracking)})
    world.consent()
    if consent:
        world.consent("tracking", state=consent)
    world.run_for(minutes=1)
    world.event("Visited")
    world.run_for(hours=1)
    return world


@pytest.mark.parametrize(
    ("tracking", "consent", "tracked"),
    [
        ("all", "", True),
        ("consented", "", False),
        ("consented", "granted", True),
        ("none", "granted", False),
    ],
)
def test_email_is_tracked_only_with_consent(tracking: str, consent: str, tracked: bool) -> None:
    (mail,) = world_with_tracking(tracking, consent).mails
    assert mail.tracked is tracked


def recorded_events(world: World) -> set[str]:
    (message,) = world.state.messages.values()
    return {name for name in message if name.startswith(("opened", "clicked", "links", "clicks"))}


def test_withdrawn_tracking_consent_applies_to_earlier_emails() -> None:
    world = world_with_tracking("consented", "granted")
    world.open(world.last_mail())
    world.run_for(hours=1)
    assert recorded_events(world) == {"opened_at"}
    world.consent("tracking", state="withdrawn")
    world.run_for(hours=1)
    world.click(world.last_mail())
    world.open(world.last_mail())
    world.run_for(hours=1)
    assert recorded_events(world) == {"opened_at"}
    totals = world.profile().totals
    assert ("Email Opened" in totals, "Email Clicked" in totals) == (True, False)


def test_bounces_and_complaints_are_recorded_without_tracking() -> None:
    world = world_with_tracking("none")
    world.complain(world.last_mail())
    world.run_for(hours=1)
    assert [*world.state.suppressed.values()] == ["complaint"]


def test_untracked_email_uses_untracked_configuration_set() -> None:
    (mail,) = world_with_tracking("none").mails
    post = FakeSes()
    for each in (mail, mail._replace(tracked=True)):
        SesMailer(post, "post@shop.example", "stack").send(each)  # type: ignore[arg-type]
    sets = [request["ConfigurationSetName"] for request in post.sent]
    assert sets == [f"stack{UNTRACKED}", "stack"]
    resources: dict[str, Any] = read_stack().source["Resources"]
    kinds = {
        name: set(resources[name]["Properties"]["EventDestination"]["MatchingEventTypes"])
        for name in ("MailEvents", "UntrackedMailEvents")
    }
    assert kinds["MailEvents"] - kinds["UntrackedMailEvents"] == {"OPEN", "CLICK"}
    assert kinds["UntrackedMailEvents"] < kinds["MailEvents"]
