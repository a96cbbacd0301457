"""Entry into workflows: triggers, reentry, keys and active enrollments."""

from datetime import timedelta

import pytest

from tests.support.builders import ADA, delay, send, shop, wait_for, workflow
from tests.support.world import World


def shop_with(**head: object) -> World:
    steps = (delay("1 day"), send("mail"))
    world = World()
    world.publish(shop(plain=workflow(*steps, on="Visited", category="transactional", **head)))
    return world


def visits(world: World, *after_days: float) -> list[str]:
    """Ada visits after these days; the results are "in" or the reason for the refusal."""
    start = world.now
    answers = []
    for number, days in enumerate(after_days):
        world.run_until(start + timedelta(days=days))
        world.event("Visited", {"room": number % 2}, id_=f"visit-{number}")
        world.run_for(minutes=1)
        reaction = world.reactions[-1]
        answers.append(reaction.refused[0][1] if reaction.refused else "in")
    world.run_for(days=30)
    return answers


def test_contact_enters_once_without_a_reentry_rule() -> None:
    world = shop_with()
    assert visits(world, 0, 3, 400) == ["in", *["was here before, reentry is never"] * 2]
    assert world.steps_mailed() == ["mail"]


def test_reentry_always_still_allows_one_enrollment_at_a_time() -> None:
    world = shop_with(reentry={"allow": "always"})
    assert visits(world, 0, 0, 3, 5) == ["in", "already inside", "in", "in"]
    assert world.steps_mailed() == ["mail"] * 3


def test_reentry_after_a_week_counts_from_entry() -> None:
    world = shop_with(reentry={"allow": "after", "after": "7 days"})
    assert visits(world, 0, 3, 6, 7, 13, 15) == [
        "in",
        "was here 3 days ago, reentry is after 7 days",
        "was here 6 days ago, reentry is after 7 days",
        "in",
        "was here 6 days ago, reentry is after 7 days",
        "in",
    ]


def test_event_that_exits_an_enrollment_can_start_the_next() -> None:
    world = shop_with(reentry={"allow": "always"}, exit_on=[{"event": "Visited"}])
    assert visits(world, 0, 0.5, 0.9) == ["in", "in", "in"]
    assert [e.status for e in world.enrollments_of()] == ["exited", "exited", "completed"]
    assert world.steps_mailed() == ["mail"]


def test_key_allows_one_enrollment_per_value() -> None:
    trigger = {"type": "event", "event": "Visited", "key": "room"}
    world = shop_with(trigger=trigger, reentry={"allow": "always"})
    again = "was enrolled for this key before"
    assert visits(world, 0, 0, 0, 5) == ["in", "in", again, again]
    assert [e.key for e in world.enrollments_of()] == ["0", "1"]
    assert world.steps_mailed() == ["mail"] * 2


def test_event_without_the_key_does_not_enter() -> None:
    world = shop_with(trigger={"type": "event", "event": "Visited", "key": "checkout.id"})
    assert visits(world, 0) == ["key: event.checkout.id is missing"]


def test_one_event_can_start_several_workflows() -> None:
    world = World()
    both = workflow(send("mail"), on="Visited", category="transactional")
    world.publish(
        shop(
            first=both, second=both, other={**both, "trigger": {**both["trigger"], "event": "Left"}}
        )
    )
    world.event("Visited")
    world.run_for(days=1)
    assert sorted(e.ref.workflow for e in world.enrollments_of()) == ["first", "second"]
    assert world.steps_mailed() == ["mail"] * 2


def test_active_enrollment_can_exclude_from_another_workflow() -> None:
    world = World()
    first = workflow(delay("1 day"), send("mail"), on="Visited", category="transactional")
    second = {**first, "audience": {"not": {"in_workflow": "first"}}}
    world.publish(shop(first=first, second=second))
    world.event("Visited")
    world.run_for(days=3)
    assert [e.ref.workflow for e in world.enrollments_of()] == ["first"]


def test_click_event_can_start_a_workflow() -> None:
    world = World()
    world.publish(
        shop(
            plain=workflow(send("mail"), on="Visited", category="transactional"),
            thanks=workflow(send("thanks"), on="Email Clicked", category="transactional"),
        )
    )
    world.event("Visited")
    world.run_for(minutes=1)
    world.click(world.last_mail())
    world.run_for(days=1)
    assert world.steps_mailed() == ["mail", "thanks"]


@pytest.mark.parametrize("status", ["paused", "draft"])
def test_paused_or_draft_workflow_admits_no_contact(status: str) -> None:
    world = shop_with(status=status)
    visits(world, 0)
    assert world.enrollments_of() == []


def test_contacts_do_not_affect_each_other() -> None:
    world = World()
    wait = wait_for("answer", "Replied", "1 day", [send("thanks")], [send("nudge")])
    world.publish(shop(talk=workflow(send("hello"), wait, on="Visited", category="transactional")))
    recipients = [f"recipient-{number}@mail.example" for number in range(30)]
    for recipient in recipients:
        world.event("Visited", email=recipient)
        world.run_for(seconds=7)
    for recipient in recipients[::2]:
        world.event("Replied", email=recipient)
    world.run_for(days=3)
    for recipient in recipients:
        answer = "thanks" if recipient in recipients[::2] else "nudge"
        assert world.steps_mailed(recipient) == ["hello", answer]


def test_anonymous_visitor_gets_no_mail_until_identified() -> None:
    world = shop_with(reentry={"allow": "always"})
    world.event("Visited", email=None, device_id="d-1")
    world.run_for(days=2)
    assert world.mails == []
    (refused,) = world.state.messages.values()
    assert refused["reason"] == "contact has no e-mail address"
    world.event("Visited", email=ADA, device_id="d-1")
    world.run_for(days=2)
    assert world.steps_mailed() == ["mail"]
