"""Retries: a transactional mail with an unknown result is sent once more, if still allowed."""

from collections import Counter

import pytest

from milepost.base.error_collector import ErrorCollector
from milepost.base.errors import ThrottledError
from milepost.base.names import EnrollmentRef
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
    """SES sends neither responses nor delivery events."""
    world = World(published=published, post_reports=False)
    world.mailer.script.extend([NoResponse("timeout")] * 100)
    return world


def order(world: World, email: str = ADA) -> None:
    world.event("Order Completed", {"total": 150}, email=email)


def tries(world: World) -> Counter[str]:
    return Counter(mail.to for mail in world.mails)


def test_receipt_without_response_is_resent_exactly_once(world: World) -> None:
    order(world)
    world.run_for(minutes=14)
    assert tries(world) == {ADA: 1}
    world.run_for(days=3)
    assert tries(world) == {ADA: 2}
    assert world.numbers("receipt").steps["receipt"].unknown == 1
    assert sum(done.sent_again for done in world.scheduler_results) == 1
    assert sum(done.given_up for done in world.scheduler_results) == 1


def test_accepted_retry_settles_the_receipt(world: World) -> None:
    order(world)
    world.run_for(minutes=5)
    world.mailer.script.clear()
    world.run_for(days=3)
    assert tries(world) == {ADA: 2}
    assert world.numbers("receipt").steps["receipt"].sent == 1


def test_rejected_retry_leaves_the_receipt_unknown(
    world: World,
) -> None:
    order(world)
    world.run_for(minutes=5)
    world.mailer.script.clear()
    world.mailer.script.append(SubmissionRejected("MessageRejected"))
    world.run_for(days=3)
    assert world.numbers("receipt").steps["receipt"].unknown == 1


def test_delivery_event_in_time_prevents_the_retry(world: World) -> None:
    order(world)
    world.run_for(minutes=10)
    world.open(world.last_mail())
    world.run_for(days=3)
    assert tries(world) == {ADA: 1}
    assert world.scheduler_results == []


def test_marketing_without_response_is_never_resent(world: World) -> None:
    world.consent()
    world.run_for(minutes=1)
    world.event("News Wanted")
    world.run_for(days=3)
    assert tries(world) == {ADA: 1}
    assert world.numbers("news").steps["news"].unknown == 1


def test_address_suppressed_in_between_gets_no_retry(world: World) -> None:
    order(world)
    world.run_for(minutes=10)
    world.suppress()
    world.run_for(days=3)
    assert tries(world) == {ADA: 1}
    assert world.numbers("receipt").steps["receipt"].unknown == 1


def test_retry_waits_for_the_end_of_a_pause(world: World) -> None:
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


def test_retry_that_is_not_allowed_is_abandoned_at_once(
    world: World,
) -> None:
    order(world)
    world.run_for(minutes=10)
    world.suppress()
    world.run_for(days=3)
    assert [(done.given_up, done.sent_again) for done in world.scheduler_results] == [(1, 0)]


def test_failing_retry_does_not_block_other_messages(world: World) -> None:
    recipients = [f"recipient-{number}@mail.example" for number in range(5)]
    for recipient in recipients:
        order(world, recipient)
    world.clock.after_each = lambda: None  # this test runs the scheduler itself
    world.run_for(minutes=20)
    attempted: list[str] = []

    class FailsOnce:
        def retry_message(self, enrollment: EnrollmentRef, step: str, block_seq: int) -> bool:
            attempted.append(enrollment.contact)
            if len(attempted) == 1:
                raise ThrottledError("always fails")
            return True

    errors = ErrorCollector()
    run_due(
        world.timers, FailsOnce(), world.execution_starter, world.reevaluator, world.now, errors
    )
    with pytest.raises(
        ThrottledError, match=r"mails: 1 could not be done.*; ThrottledError at test_retries"
    ):
        errors.raise_if_any("mails")
    assert sorted(attempted) == sorted(world.contact(recipient) for recipient in recipients)


def test_throttled_retry_counts_as_unknown(world: World) -> None:
    world.mailer.script.clear()
    world.mailer.script.extend(
        [NoResponse("timeout"), SubmissionRejected("Throttling", retry=True)]
    )
    order(world)
    world.run_for(days=3)
    assert tries(world) == {ADA: 1}
    assert sum(done.sent_again for done in world.scheduler_results) == 1
    assert world.numbers("receipt").steps["receipt"].unknown == 1
    assert sum(done.given_up for done in world.scheduler_results) == 1


def test_expired_mail_is_not_retried() -> None:
    world = World(post_reports=False)
    code = workflow(send("code", expires="5 minutes"), on="Code Wanted", category="transactional")
    world.publish(shop(code=code))
    world.mailer.script.extend([NoResponse("timeout")] * 100)
    world.event("Code Wanted")
    world.run_for(days=1)
    assert tries(world) == {ADA: 1}
