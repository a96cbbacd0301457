"""A transactional mail of which nobody knows is sent once more, if it still may be."""

from collections import Counter

import pytest

from milepost.base.error_collector import ErrorCollector
from milepost.base.errors import ThrottledError
from milepost.base.refs import EnrollmentRef
from milepost.runtime.scheduler import run_due
from milepost.sending.message import NoResponse, SubmissionRejected
from tests.support.builders import ADA, send, settings, shop, workflow
from tests.support.world import World

RECEIPT = workflow(
    send("receipt"), on="Order Completed", category="transactional", reentry={"allow": "always"}
)
NEWS = workflow(send("news"), on="News Wanted")


@pytest.fixture(scope="module")
def published() -> World:
    world = World()
    world.publish(shop(receipt=RECEIPT, news=NEWS))
    return world


@pytest.fixture
def world(published: World) -> World:
    """The post says nothing any more."""
    world = World(published=published, post_reports=False)
    world.mailer.script.extend([NoResponse("timeout")] * 100)
    return world


def order(world: World, email: str = ADA) -> None:
    world.event("Order Completed", {"total": 150}, email=email)


def tries(world: World) -> Counter[str]:
    return Counter(mail.to for mail in world.mails)


def test_a_receipt_without_an_answer_is_sent_once_more_and_never_again(world: World) -> None:
    order(world)
    world.run_for(minutes=14)
    assert tries(world) == {ADA: 1}
    world.run_for(days=3)
    assert tries(world) == {ADA: 2}
    assert world.numbers("receipt").steps["receipt"].unknown == 1
    assert sum(done.sent_again for done in world.reconciled) == 1
    assert sum(done.given_up for done in world.reconciled) == 1


def test_a_second_try_that_the_post_accepts_settles_the_receipt(world: World) -> None:
    order(world)
    world.run_for(minutes=5)
    world.mailer.script.clear()
    world.run_for(days=3)
    assert tries(world) == {ADA: 2}
    assert world.numbers("receipt").steps["receipt"].sent == 1


def test_a_second_try_that_the_post_refuses_says_nothing_of_the_first(
    world: World,
) -> None:
    order(world)
    world.run_for(minutes=5)
    world.mailer.script.clear()
    world.mailer.script.append(SubmissionRejected("MessageRejected"))
    world.run_for(days=3)
    assert world.numbers("receipt").steps["receipt"].unknown == 1


def test_a_report_that_comes_in_time_saves_the_second_try(world: World) -> None:
    order(world)
    world.run_for(minutes=10)
    world.open(world.last_mail())
    world.run_for(days=3)
    assert tries(world) == {ADA: 1}
    assert world.reconciled == []


def test_marketing_without_an_answer_is_never_sent_again(world: World) -> None:
    world.consent()
    world.run_for(minutes=1)
    world.event("News Wanted")
    world.run_for(days=3)
    assert tries(world) == {ADA: 1}
    assert world.numbers("news").steps["news"].unknown == 1


def test_no_second_try_goes_to_an_address_suppressed_meanwhile(world: World) -> None:
    order(world)
    world.run_for(minutes=10)
    world.suppress()
    world.run_for(days=3)
    assert tries(world) == {ADA: 1}
    assert world.numbers("receipt").steps["receipt"].unknown == 1


def test_a_second_try_waits_for_the_end_of_a_pause(world: World) -> None:
    order(world)
    world.run_for(minutes=10)
    world.publish({"settings.json": settings(paused=True)})
    world.run_for(hours=3)
    assert tries(world) == {ADA: 1}
    world.mailer.script.clear()
    world.publish({"settings.json": settings()})
    world.run_for(days=3)
    assert tries(world) == {ADA: 2}
    assert world.numbers("receipt").steps["receipt"].sent == 1


def test_a_second_try_that_is_not_allowed_is_given_up_and_not_tried_every_minute(
    world: World,
) -> None:
    order(world)
    world.run_for(minutes=10)
    world.suppress()
    world.run_for(days=3)
    assert [(done.given_up, done.sent_again) for done in world.reconciled] == [(1, 0)]


def test_a_message_that_cannot_be_sent_again_does_not_hold_up_the_others(world: World) -> None:
    readers = [f"reader-{number}@mail.example" for number in range(5)]
    for reader in readers:
        order(world, reader)
    world.clock.after_each = lambda: None  # no minute of its own: this test is the minute
    world.run_for(minutes=20)
    asked: list[str] = []

    class Stubborn:
        def retry_message(self, enrollment: EnrollmentRef, step: str, turn: int) -> bool:
            asked.append(enrollment.contact)
            if len(asked) == 1:
                raise ThrottledError("this one fails for ever")
            return True

    apart = ErrorCollector()
    run_due(world.timers, Stubborn(), world.legs, world.lookouts, world.now, apart)
    with pytest.raises(
        ThrottledError, match=r"mails: 1 could not be done.*; ThrottledError at test_retries"
    ):
        apart.raise_if_any("mails")
    assert sorted(asked) == sorted(world.contact(reader) for reader in readers)


def test_a_second_try_that_the_post_has_no_time_for_is_counted_as_unknown(world: World) -> None:
    world.mailer.script.clear()
    world.mailer.script.extend(
        [NoResponse("timeout"), SubmissionRejected("Throttling", retry=True)]
    )
    order(world)
    world.run_for(days=3)
    assert tries(world) == {ADA: 1}
    assert sum(done.sent_again for done in world.reconciled) == 1
    assert world.numbers("receipt").steps["receipt"].unknown == 1
    assert sum(done.given_up for done in world.reconciled) == 1


def test_what_has_expired_meanwhile_is_not_sent_again() -> None:
    world = World(post_reports=False)
    code = workflow(send("code", expires="5 minutes"), on="Code Wanted", category="transactional")
    world.publish(shop(code=code))
    world.mailer.script.extend([NoResponse("timeout")] * 100)
    world.event("Code Wanted")
    world.run_for(days=1)
    assert tries(world) == {ADA: 1}
