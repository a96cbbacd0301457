"""Edits of files and failures of SES while customers wait for the next mail."""

from datetime import timedelta

import pytest

from bench.transitions import transitions
from milepost.sending.message import NoResponse, SubmissionRejected
from tests.journeys.carts import ABANDONED_CART, BO, start_checkout
from tests.support.builders import ADA, delay, send, settings, shop, template
from tests.support.world import World


@pytest.fixture(scope="module")
def published() -> World:
    world = World()
    world.publish(shop(abandoned_cart=ABANDONED_CART))
    return world


@pytest.fixture
def world(published: World) -> World:
    """A shop with the workflow, and Ada, who consents to offers."""
    world = World(published=published)
    world.consent()
    world.run_for(minutes=1)
    return world


# --- edits ---


def test_active_enrollment_stays_on_its_version_after_edit(world: World) -> None:
    start_checkout(world)
    world.run_for(minutes=30)
    edited = {**ABANDONED_CART, "steps": [delay("2 hours"), send("only-mail")]}
    world.publish(shop(abandoned_cart=edited))
    world.consent(email=BO)
    start_checkout(world, email=BO)
    world.run_for(days=10)
    assert world.steps_mailed(ADA) == ["reminder", "offer"]
    assert world.steps_mailed(BO) == ["only-mail"]
    assert [e.ref.version for e in (world.enrollment(), world.enrollment(BO))] == [1, 2]


def test_corrected_template_reaches_active_enrollments(world: World) -> None:
    start_checkout(world)
    world.run_for(hours=2)
    world.publish(template("plain", subject="Corrected"))
    world.run_for(days=10)
    assert [mail.subject for mail in world.mails] == ["About plain", "Corrected"]


def test_archived_workflow_finishes_active_enrollments_and_admits_no_more(world: World) -> None:
    start_checkout(world)
    world.run_for(hours=2)
    world.remove("workflows/abandoned-cart.json")
    world.consent(email=BO)
    start_checkout(world, email=BO)
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder", "offer"]
    assert world.enrollments_of(BO) == []


def test_paused_workflow_admits_no_contact_and_sends_nothing(world: World) -> None:
    start_checkout(world)
    world.run_for(minutes=30)
    world.publish(shop(abandoned_cart={**ABANDONED_CART, "status": "paused"}))
    world.consent(email=BO)
    start_checkout(world, email=BO)
    world.run_for(days=10)
    assert world.mails == []
    assert (world.messages(), world.enrollment().status) == ({}, "active")
    assert world.enrollments_of(BO) == []


def test_paused_store_sends_nothing(world: World) -> None:
    start_checkout(world)
    world.run_for(minutes=30)
    world.publish({"settings.json": settings(paused=True)})
    world.run_for(days=10)
    assert (world.messages(), world.enrollment().status) == ({}, "active")


# --- SES ---


def test_throttled_mail_is_sent_once_later(world: World) -> None:
    world.mailer.script.extend([SubmissionRejected("Throttling", retry=True)] * 4)
    start_checkout(world)
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder", "offer"]
    assert world.messages()["reminder"] == ("accepted", "")
    assert timedelta(0) < world.posted[-2][0] - world.posted[0][0] < timedelta(minutes=2)
    assert world.mailed_at("offer") > world.posted[0][0] + timedelta(days=1)


def test_mail_rejected_by_ses_counts_as_failed_and_series_continues(world: World) -> None:
    world.mailer.script.append(SubmissionRejected("MessageRejected"))
    start_checkout(world)
    world.run_for(days=10)
    assert world.steps_mailed() == ["offer"]
    assert world.messages()["reminder"] == ("rejected", "MessageRejected")
    assert world.numbers("abandoned-cart").steps["reminder"].failed == 1


def test_mail_with_lost_response_is_settled_by_delivery_event(world: World) -> None:
    world.mailer.script.append(NoResponse("ReadTimeoutError"))
    start_checkout(world)
    world.run_for(hours=1)
    assert world.messages()["reminder"] == ("unknown", "ReadTimeoutError")
    world.open(world.last_mail())
    world.run_for(days=10)
    assert world.numbers("abandoned-cart").steps["reminder"].sent == 1
    assert world.steps_mailed() == ["reminder", "offer"]


def test_mail_without_delivery_event_is_abandoned_and_not_resent(world: World) -> None:
    world.mailer.script.append(NoResponse("ReadTimeoutError"))
    start_checkout(world)
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder", "offer"]
    assert world.numbers("abandoned-cart").steps["reminder"].unknown == 1
    assert [done.given_up for done in world.scheduler_results] == [1]


# --- costs ---


def test_longest_path_costs_what_the_publish_report_says(world: World) -> None:
    start_checkout(world)
    world.run_for(days=10)
    billed = world.execution(world.enrollment()).billed
    assert billed == transitions(world.program("abandoned-cart"))
    report = world.files.read("harborline", "reports/workflows.abandoned-cart.report.md")
    assert f"| {billed} |" in (report or "")
