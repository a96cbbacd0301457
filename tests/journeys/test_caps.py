"""Limits on the mail that one contact gets from all workflows together."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from milepost.contacts.event import ContactUpdate
from milepost.contacts.fields import Change
from milepost.sending.message import SubmissionRejected
from tests.journeys.test_executions import running
from tests.support.builders import (
    ADA,
    MONDAY_NOON,
    STORE,
    Json,
    delay,
    event,
    send,
    settings,
    shop,
    workflow,
)
from tests.support.faults import Faults, Scope
from tests.support.world import World

ONE_A_DAY = {"caps": {"per_day": 1}}
DAY = timedelta(days=1)


def many_workflows(
    number: int, limits: Json, *, faults: Faults | None = None, gap: str = "", **step: Any
) -> World:
    """Start `number` workflows with the same event for Ada, who consents to offers."""
    world = World(faults=faults)
    files: dict[str, Any] = {}
    for each in range(number):
        steps = [*([delay(gap)] if gap else ()), send(f"mail-{each}", **step)]
        files |= shop(**{f"flow-{each}": workflow(*steps, on="Visited")})
    world.publish(files | {"settings.json": settings(**limits)})
    world.consent()
    world.event("Visited")
    return world


def message_results(world: World) -> Counter[tuple[str, str]]:
    return Counter(world.messages().values())


def days(world: World) -> list[int]:
    return sorted((at - MONDAY_NOON.replace(hour=0)) // DAY for at, _ in world.posted)


@pytest.mark.parametrize("gap", ["", "2 hours"])
def test_daily_cap_holds_for_workflows_that_mail_at_the_same_instant(gap: str) -> None:
    world = many_workflows(5, ONE_A_DAY, gap=gap)
    world.run_for(days=3)
    assert message_results(world) == {("accepted", ""): 1, ("skipped", "cap per day"): 4}
    skipped = next(m for m in world.state.messages.values() if m["status"] == "skipped")
    assert skipped["numbers"] == {"cap per day": "1 of 1"}
    assert {each.status for each in world.enrollments_of()} == {"completed"}


def test_daily_cap_counts_mails_of_the_same_block() -> None:
    world = World()
    flow = workflow(send("a"), send("b"), send("c"), on="Visited")
    world.publish(shop(flow=flow) | {"settings.json": settings(caps={"per_day": 2})})
    world.consent()
    world.event("Visited")
    world.run_for(hours=1)
    skipped = ("skipped", "cap per day")
    assert world.messages() == {"a": ("accepted", ""), "b": ("accepted", ""), "c": skipped}
    assert world.execution(world.enrollment()).billed == 1


def test_deferred_mail_over_cap_goes_out_on_following_days() -> None:
    world = many_workflows(4, ONE_A_DAY, on_cap="defer")
    world.run_for(days=6)
    assert days(world) == [0, 1, 2, 3]
    assert message_results(world) == {("accepted", ""): 4}
    assert (running(world), world.state.timers) == ([], {})


def test_mail_deferred_by_cap_for_a_week_is_skipped() -> None:
    world = many_workflows(10, ONE_A_DAY, on_cap="defer")
    world.run_for(days=12)
    assert days(world) == list(range(len(world.mails)))
    results = message_results(world)
    assert results["accepted", ""] in {7, 8}
    assert results["skipped", "deferred too long"] == 10 - results["accepted", ""]


def test_weekly_cap_holds_beside_daily_cap() -> None:
    world = many_workflows(6, {"caps": {"per_day": 2, "per_week": 3}}, on_cap="defer")
    world.run_for(days=20)
    assert days(world)[:3] == [0, 0, 1]
    assert all(sum(0 <= day - each < 7 for each in days(world)) <= 3 for day in days(world))


def test_smart_sending_keeps_mails_apart() -> None:
    world = many_workflows(3, {"smart_sending": "16 hours"}, on_cap="defer")
    world.run_for(days=4)
    times = sorted(at for at, _ in world.posted)
    assert len(times) == 3
    assert all(later - earlier >= timedelta(hours=16) for earlier, later in pairwise(times))


def test_transactional_mail_neither_counts_toward_cap_nor_waits() -> None:
    world = World()
    offer = workflow(send("offer"), on="Visited")
    order = workflow(*(send(f"mail-{n}") for n in range(3)), on="Visited", category="transactional")
    world.publish(shop(offer=offer, order=order) | {"settings.json": settings(**ONE_A_DAY)})
    world.consent()
    world.event("Visited")
    world.run_for(hours=1)
    assert sorted(world.steps_mailed()) == ["mail-0", "mail-1", "mail-2", "offer"]


@pytest.mark.parametrize(("often", "expected"), [("all", 3), ("weekly", 1), ("monthly", 1)])
def test_frequency_from_preferences_page_limits_mail(often: str, expected: int) -> None:
    steps = [send("a"), delay("3 days", "x"), send("b"), delay("3 days", "y"), send("c")]
    world = World()
    world.publish(shop(flow=workflow(*steps, on="Visited")))
    world.consent()
    preference = ContactUpdate(changes=(Change("set", "frequency", often),))
    world.append(event("Preferences Changed", contact=preference, source="reader"))
    world.event("Visited")
    world.run_for(days=8)
    assert len(world.mails) == expected
    reasons = {reason for status, reason in world.messages().values() if status == "skipped"}
    assert reasons == ({f"reader wants {often} mail"} if expected == 1 else set())


def test_mail_rejected_by_ses_frees_its_place_under_the_cap() -> None:
    world = many_workflows(2, ONE_A_DAY, on_cap="defer")
    world.mailer.script.append(SubmissionRejected("MessageRejected"))
    world.run_for(hours=1)
    assert len(world.mails) <= 1
    world.run_for(days=2)
    assert sum(message_results(world).values()) == 2


def test_mail_throttled_by_ses_keeps_its_place_under_the_cap() -> None:
    world = World()
    files = shop(a=workflow(send("first"), on="Visited"))
    files |= shop(b=workflow(delay("1 minute"), send("second"), on="Visited"))
    world.publish(files | {"settings.json": settings(**ONE_A_DAY)})
    world.mailer.script.extend([SubmissionRejected("Throttling", retry=True)] * 6)
    world.consent()
    world.event("Visited")
    world.run_for(days=1)
    assert world.messages() == {"first": ("accepted", ""), "second": ("skipped", "cap per day")}


def test_merged_contacts_share_their_recent_sends() -> None:
    """Ada gets mail at two addresses before the shop links them."""
    world = World()
    more = workflow(send("b"), on="Came back")
    files = shop(flow=workflow(send("a"), on="Visited"), more=more)
    world.publish(files | {"settings.json": settings(caps={"per_day": 2})})
    for person in (ADA, "other@mail.example"):
        world.consent(email=person)
        world.event("Visited", email=person)
    world.run_for(hours=1)
    assert len(world.mails) == 2
    world.event("Account Created", external_id="7")
    world.event("Account Created", external_id="7", email="other@mail.example")
    world.run_for(minutes=1)
    one = world.state.owner(STORE, world.contact())
    assert one is not None
    assert one == world.state.owner(STORE, world.contact("other@mail.example"))
    assert len(one.recent_sends) == 2
    world.event("Came back", email="other@mail.example")
    world.run_for(hours=1)
    assert len(world.mails) == 2


def story(faults: Faults | None = None) -> World:
    world = many_workflows(3, ONE_A_DAY, on_cap="defer", faults=faults)
    world.run_for(days=9)
    return world


@pytest.mark.parametrize("scope", ["run_steps", "trigger_date"])
def test_kill_at_any_call_sends_no_mail_over_the_cap(scope: Scope) -> None:
    undisturbed = story()
    assert days(undisturbed) == [0, 1, 2]
    for kill, place in undisturbed.faults.kills(scope):
        world = story(Faults(kill))
        assert world.faults.struck == [place]
        assert max(Counter(days(world)).values()) == 1
        assert max(Counter(mail.ref.id for mail in world.mails).values()) == 1
        statuses = Counter(status for status, _ in world.messages(ADA).values())
        assert statuses["accepted"] + statuses["unknown"] == 3
        assert statuses["accepted"] >= 2
        assert (running(world), world.state.timers) == ([], {})
        assert {each.status for each in world.enrollments_of()} == {"completed"}


def test_daily_cap_uses_the_contacts_time_zone() -> None:
    """Mails at noon and 22:00 in New York are on one day there, but on two days in London."""
    for zone, expected in (("America/New_York", 1), ("Europe/London", 2)):
        world = World(start=datetime.fromisoformat("2026-11-02T17:00:00+00:00"))
        flow = workflow(send("a"), delay("10 hours"), send("b"), on="Visited")
        world.publish(shop(flow=flow) | {"settings.json": settings(**ONE_A_DAY)})
        world.consent()
        world.event("Visited", timezone=zone)
        world.run_for(days=1)
        assert len(world.mails) == expected


@pytest.mark.parametrize("seed", range(6))
def test_random_workflows_and_kills_exceed_no_cap_and_no_quiet_hours(seed: int) -> None:
    """Workflows start some hours apart; one of forty calls kills its function."""
    chance = Random(seed)
    per_day, per_week = chance.randint(1, 2), chance.randint(2, 4)
    world = World(faults=Faults(rate=0.025, seed=seed, most=25))
    files: dict[str, Any] = {}
    for number in range(5):
        on_cap = {"on_cap": "defer"} if chance.random() < 0.5 else {}
        first = delay(f"{chance.randint(1, 40)} hours")
        steps = [first, send("first", **on_cap), delay("20 hours", "rest"), send("last", **on_cap)]
        files |= shop(**{f"flow-{number}": workflow(*steps, on="Visited")})
    caps = {"per_day": per_day, "per_week": per_week}
    limits = settings(caps=caps, quiet_hours={"from": "21:00", "to": "08:00"})
    world.publish(files | {"settings.json": limits})
    world.consent()
    world.event("Visited")
    world.run_for(days=18)
    assert world.faults.struck
    assert max(Counter(days(world)).values()) <= per_day
    for day in days(world):
        assert sum(0 <= day - each < 7 for each in days(world)) <= per_week
    assert all(8 <= at.hour < 21 for at, _ in world.posted)
    assert {each.status for each in world.enrollments_of()} == {"completed"}
    assert len(world.state.messages) == 10
