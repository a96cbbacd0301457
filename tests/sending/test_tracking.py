import json
from typing import Any

import pytest

from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem
from milepost.publishing.settings_file import SettingsFile
from milepost.sending.aws import SesMailer
from milepost.sending.tracking import UNTRACKED, is_tracked
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
def test_who_is_looked_at_is_what_the_store_and_the_reader_say(
    tracking: str, consents: dict[str, str], tracked: bool
) -> None:
    assert is_tracked(tracking, consents) is tracked


@pytest.mark.parametrize(
    "topics", [{"offers": "Offers"}, {"tracking": "Tracking", "offers": "Offers"}]
)
def test_a_store_that_asks_its_readers_has_a_topic_to_ask_about(topics: dict[str, str]) -> None:
    document = settings(topics=topics, shop_topics=[], tracking="consented")
    found = parse_file(json.dumps(document), SettingsFile)
    assert isinstance(found, list)
    assert isinstance(found[0], Problem)
    assert found[0].reason == "tracking asks for the topic 'tracking': add it at the end of topics"


def asking(tracking: str, consent: str = "") -> World:
    """A shop with one mail to Ada, who is asked about tracking."""
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
def test_a_mail_is_tracked_only_if_its_reader_is(
    tracking: str, consent: str, tracked: bool
) -> None:
    (mail,) = asking(tracking, consent).mails
    assert mail.tracked is tracked


def kept(world: World) -> set[str]:
    (message,) = world.state.messages.values()
    return {name for name in message if name.startswith(("opened", "clicked", "links", "clicks"))}


def test_whoever_takes_it_back_is_not_looked_at_in_mails_sent_before() -> None:
    world = asking("consented", "granted")
    world.open(world.last_mail())
    world.run_for(hours=1)
    assert kept(world) == {"opened_at"}
    world.consent("tracking", state="withdrawn")
    world.run_for(hours=1)
    world.click(world.last_mail())
    world.open(world.last_mail())
    world.run_for(hours=1)
    assert kept(world) == {"opened_at"}
    totals = world.profile().totals
    assert ("Email Opened" in totals, "Email Clicked" in totals) == (True, False)


def test_bounces_and_complaints_are_heard_of_everybody() -> None:
    world = asking("none")
    world.complain(world.last_mail())
    world.run_for(hours=1)
    assert [*world.state.suppressed.values()] == ["complaint"]


def test_a_mail_that_is_not_tracked_goes_by_a_set_that_reports_neither_opens_nor_clicks() -> None:
    (mail,) = asking("none").mails
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
