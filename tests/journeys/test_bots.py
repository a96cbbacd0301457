"""Opens and clicks of mail programs and link scanners end no wait and earn no points."""

from typing import Any

import pytest

from milepost.sending.message import OutgoingEmail
from tests.support.builders import branch, delay, send, shop, wait_for, workflow
from tests.support.world import World

APPLE = {"userAgent": "Mozilla/5.0"}
LINKS = tuple(f"https://shop.example/{name}" for name in "abcd")


def world_with(*steps: Any, **files: Any) -> World:
    """Ada gets a mail, and the workflow continues with these steps."""
    world = World()
    visit = workflow(send("hello"), *steps, on="Visited", category="transactional")
    world.publish(shop(visit=visit) | files)
    world.event("Visited")
    world.run_for(seconds=2)
    return world


def scan(world: World, mail: OutgoingEmail) -> None:
    """A scanner follows all links at once, two seconds after the submission."""
    for link in LINKS:
        world.send_ses_event(mail, "Click", {"link": link, "userAgent": "Mozilla/5.0 (Windows)"})
    world.run_for(seconds=1)


WAIT = wait_for("heard", "Email Clicked", "2 days", [send("thanks")], [send("nudge")])


def test_scanner_clicks_do_not_end_a_wait_but_a_later_human_click_does() -> None:
    world = world_with(WAIT)
    scan(world, world.last_mail())
    world.run_for(hours=3)
    assert world.steps_mailed() == ["hello"]
    world.click(world.last_mail(), LINKS[1])
    world.run_for(minutes=1)
    assert world.steps_mailed() == ["hello", "thanks"]


def test_wait_with_only_scanner_clicks_times_out() -> None:
    world = world_with(WAIT)
    scan(world, world.last_mail())
    world.run_for(days=3)
    assert world.steps_mailed() == ["hello", "nudge"]
    totals = world.profile().totals
    assert totals["Email Clicked by Bot"].count == len(LINKS)
    assert "Email Clicked" not in totals
    assert world.numbers("visit").steps["hello"].statuses["clicked"] == 0


@pytest.mark.parametrize("include_bots", [True, False])
def test_condition_counts_bot_opens_only_with_include_bots(include_bots: bool) -> None:
    condition = {"email": "hello", "was": "opened", "include_bots": include_bots}
    world = world_with(delay("1 day"), branch("b", condition, [send("seen")], [send("unseen")]))
    world.run_for(hours=1)
    world.send_ses_event(world.last_mail(), "Open", APPLE)
    world.run_for(days=2)
    assert world.steps_mailed() == ["hello", "seen" if include_bots else "unseen"]


def test_wait_for_can_name_a_bot_event() -> None:
    world = world_with(wait_for("m", "Email Opened by Bot", "1 day", [send("fetched")]))
    world.run_for(hours=1)
    world.send_ses_event(world.last_mail(), "Open", APPLE)
    world.run_for(minutes=1)
    assert world.steps_mailed() == ["hello", "fetched"]


def test_bot_opens_earn_no_points() -> None:
    rules = {"points": [{"id": "reads", "event": "Email Opened", "points": 10}]}
    world = world_with(delay("3 days"), **{"scoring.json": rules})
    world.run_for(hours=1)
    world.send_ses_event(world.last_mail(), "Open", APPLE)
    world.run_for(minutes=1)
    assert world.profile().get("score") in (None, 0)
    world.open(world.last_mail())
    world.run_for(minutes=1)
    assert world.profile().get("score") == 10


def test_bot_click_event_carries_bot_flag_and_reason() -> None:
    world = world_with(delay("1 day"))
    scan(world, world.last_mail())
    data = [r.event.data for r in world.state.stream if r.event.name == "Email Clicked by Bot"]
    assert [(each["bot"], each["bot_reason"]) for each in data] == [(True, "too soon")] * len(LINKS)
