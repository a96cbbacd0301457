"""Send rate, quota and warm-up: mail over the limit waits, and each mail is sent once."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from milepost.sending.message import Accepted, SubmissionRejected
from milepost.sending.rate_limit import SesQuota
from tests.support.builders import Json, delay, send, settings, shop, workflow
from tests.support.faults import Faults
from tests.support.world import World

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
PEOPLE = [f"recipient-{number}@mail.example" for number in range(60)]


class Ses:
    """A changeable SES quota."""

    def __init__(self, rate: float = 14, day: float = -1, sent: float = 0) -> None:
        self.allowed = SesQuota(rate, day, sent)

    def quota(self) -> SesQuota:
        return self.allowed


def rush(
    ses: Ses, *steps: Json, people: int = 60, faults: Faults | None = None, **head: Any
) -> World:
    """Many contacts enter at the same moment and get the same mail."""
    world = World(quotas=ses, faults=faults)
    visit = workflow(*(steps or (send("mail"),)), **{"on": "Visited", "topic": "offers"} | head)
    world.publish(shop(visit=visit))
    for email in PEOPLE[:people]:
        world.consent(email=email)
        world.event("Visited", email=email)
    return world


def each_once(world: World, people: int = 60) -> bool:
    return Counter(mail.to for mail in world.mails) == Counter(PEOPLE[:people])


def by_day(world: World) -> list[int]:
    days = Counter(at.date() for at, _ in world.posted)
    return [days[day] for day in sorted(days)]


def test_rush_is_sent_once_and_within_the_ses_rate() -> None:
    world = rush(Ses(rate=2))
    world.run_for(minutes=5)
    assert each_once(world)
    times = sorted(at for at, _ in world.posted)
    # A worker sleeps in real time, and time stands still in this world while a function runs.
    seconds = Counter(int((at - times[0]) / SECOND) for at in times)
    assert max(seconds.values()) <= 2 * 4 + 1
    assert (times[-1] - times[0]) / SECOND > 60 / 2 - 4


def test_throttled_rush_sends_every_mail_once() -> None:
    """Another application uses the same account, and SES throttles most submissions."""
    world = rush(Ses())
    for number in range(400):
        world.mailer.script.append(
            Accepted(f"ses-{number}")
            if number % 7 == 0
            else SubmissionRejected("Throttling", retry=True)
        )
    world.run_for(days=2)
    assert each_once(world)
    assert {message["status"] for message in world.state.messages.values()} == {"accepted"}


@pytest.mark.parametrize("seed", range(3))
def test_killed_functions_send_no_mail_twice(seed: int) -> None:
    world = rush(Ses(rate=2), people=30, faults=Faults(seed=seed, rate=0.02, most=40))
    world.run_for(days=2)
    assert max(Counter(mail.to for mail in world.mails).values()) == 1
    assert len(world.faults.struck) > 3
    unknown = [m for m in world.state.messages.values() if m["status"] == "unknown"]
    assert len(world.mails) + len(unknown) >= 30


def test_mail_over_quota_waits_for_more_quota() -> None:
    ses = Ses(day=200, sent=200)
    world = rush(ses)
    world.run_for(days=1)
    assert world.mails == []
    ses.allowed = SesQuota(14, 1000, 200)
    world.run_for(hours=4)
    assert each_once(world)


def test_transactional_mail_goes_out_near_the_end_of_the_quota() -> None:
    ses = Ses(day=1000, sent=910)
    world = rush(ses)
    world.publish(shop(order=workflow(send("receipt"), on="Ordered", category="transactional")))
    world.event("Ordered")
    world.run_for(hours=1)
    assert world.steps_mailed() == ["receipt"]
    assert len(world.mails) == 1


def test_rerun_after_sent_mail_needs_no_send_slot() -> None:
    """A function is killed after its mail was accepted with the last send slot."""
    faults = Faults()
    last = Ses(day=1000, sent=1000 - 57 - 101)
    world = rush(last, send("mail"), people=1, faults=faults)

    def strike() -> None:
        raise faults.killed("after ledger.record_result")

    faults.meanwhile("after ledger.record_result", strike)
    world.run_for(minutes=5)
    assert len(faults.struck) == 1
    assert each_once(world, 1)
    assert {held.status for held in world.state.enrollments.values()} == {"completed"}


# --- warm-up ---


@pytest.mark.parametrize(
    ("ramp", "days"),
    [
        ({"first_day": 5, "grow": 2}, [5, 10, 20, 25]),
        ({"days": [10, 1, 20]}, [10, 1, 20, 29]),
    ],
)
def test_warm_up_raises_the_daily_number_of_mails(ramp: Json, days: list[int]) -> None:
    world = World(quotas=Ses())
    visit = workflow(send("mail"), on="Visited", topic="offers")
    warm_up = {"starts": world.now.date().isoformat(), **ramp}
    world.publish({**shop(visit=visit), "settings.json": settings(warm_up=warm_up)})
    for email in PEOPLE:
        world.consent(email=email)
        world.event("Visited", email=email)
    world.run_for(days=6)
    assert each_once(world)
    assert by_day(world) == days


def test_mail_over_warm_up_goes_out_a_day_later_at_the_same_time() -> None:
    world = World(quotas=Ses())
    visit = workflow(send("mail"), delay("1 hour"), send("second"), on="Visited", topic="offers")
    warm_up = {"starts": world.now.date().isoformat(), "days": [1, 10]}
    world.publish({**shop(visit=visit), "settings.json": settings(warm_up=warm_up)})
    for email in PEOPLE[:2]:
        world.consent(email=email)
        world.event("Visited", email=email)
    start = world.now
    world.run_for(days=3)
    late = [at for at, mail in world.posted if mail.tags["step"] == "mail"][1]
    assert timedelta(0) <= late - start - DAY < timedelta(minutes=2)
    assert len(world.mails) == 4


def test_mail_that_expires_while_deferred_is_not_sent() -> None:
    ses = Ses(day=200, sent=200)
    world = rush(ses, send("mail", expires="5 hours"), people=3)
    world.run_for(hours=6)
    ses.allowed = SesQuota(14, 1000, 200)
    world.run_for(days=1)
    assert world.mails == []
    assert {m["reason"] for m in world.state.messages.values()} == {"expired"}


def test_week_without_quota_skips_marketing_but_not_receipts() -> None:
    for category, sent in (("marketing", 0), ("transactional", 1)):
        ses = Ses(day=200, sent=200)
        world = rush(ses, people=1, category=category)
        world.run_for(days=8)
        ses.allowed = SesQuota(14, 1000, 200)
        world.run_for(days=1)
        assert len(world.mails) == sent
        reasons = {m.get("reason", "") for m in world.state.messages.values()}
        assert reasons == ({""} if sent else {"deferred too long"})


def test_transactional_mail_does_not_count_toward_warm_up() -> None:
    world = World(quotas=Ses())
    visit = workflow(send("mail"), on="Visited", category="transactional")
    warm_up = {"starts": world.now.date().isoformat(), "days": [1, 1]}
    world.publish({**shop(visit=visit), "settings.json": settings(warm_up=warm_up)})
    for email in PEOPLE[:5]:
        world.event("Visited", email=email)
    world.run_for(hours=1)
    assert each_once(world, 5)
