"""The workflow `abandoned-cart` with every relevant behavior of a customer."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.journeys.carts import ABANDONED_CART, BO, ended, start_checkout
from tests.support.builders import send, shop, workflow
from tests.support.events import load
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


def test_customer_without_reaction_gets_the_whole_series(world: World) -> None:
    start_checkout(world)
    start = world.now
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder", "offer"]
    assert world.mailed_at("reminder") == start + timedelta(hours=1)
    assert world.mailed_at("offer") == start + timedelta(days=1, hours=1)
    assert ended(world) == ("completed", "")


def test_cart_below_100_gets_last_call_instead_of_offer(world: World) -> None:
    start_checkout(world, total=99.99)
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder", "last-call"]


def test_cart_below_20_does_not_enter(world: World) -> None:
    start_checkout(world, total=19.99)
    world.run_for(days=10)
    assert world.enrollments_of() == []
    assert world.reactions[-1].refused[0][1].startswith("trigger: event.total is 19.99")


def test_contact_without_consent_does_not_enter(world: World) -> None:
    start_checkout(world, email=BO)
    world.run_for(days=10)
    assert world.enrollments_of(BO) == []
    assert world.mails == []


def test_order_before_first_mail_stops_all_mail(world: World) -> None:
    start_checkout(world)
    world.run_for(minutes=59)
    world.event("Order Completed", {"total": 150})
    world.run_for(days=10)
    assert world.mails == []
    assert ended(world) == ("exited", "goal reached")


def test_order_after_first_mail_stops_later_mail(world: World) -> None:
    start_checkout(world)
    world.run_for(hours=2)
    world.event("Order Completed", {"total": 150})
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder"]
    assert ended(world) == ("exited", "goal reached")
    assert world.execution(world.enrollment()).status == "ABORTED"
    assert world.profile().active_enrollments == {}


def test_order_received_before_its_checkout_prevents_entry(world: World) -> None:
    started_at = world.now
    world.run_for(minutes=10)
    world.event("Order Completed", {"total": 150})
    world.run_for(minutes=1)
    data = {"checkout_id": "c-1", "total": 150}
    world.event("Checkout Started", data, at=started_at, id_="late")
    world.run_for(days=10)
    assert world.enrollments_of() == []
    assert world.reactions[-1].refused == (
        ("abandoned-cart", "Order Completed has already happened since"),
    )


def test_order_before_checkout_does_not_prevent_entry(world: World) -> None:
    world.event("Order Completed", {"total": 150})
    world.run_for(minutes=10)
    start_checkout(world)
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder", "offer"]


def test_click_on_reminder_exits_the_workflow(world: World) -> None:
    start_checkout(world)
    world.run_for(hours=2)
    world.click(world.last_mail())
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder"]
    assert ended(world) == ("exited", "came back")
    assert world.execution(world.enrollment()).status == "SUCCEEDED"


def test_click_five_seconds_after_the_mail_counts(world: World) -> None:
    start_checkout(world)
    world.run_for(hours=1, seconds=5)
    world.click(world.last_mail())
    world.run_for(days=10)
    assert ended(world) == ("exited", "came back")
    assert world.enrollment().outcomes["second-wait"]["data"]["link"] == "https://shop.example/cart"


def test_click_after_the_wait_does_not_exit(world: World) -> None:
    start_checkout(world)
    world.run_for(days=1, hours=2)
    world.click(world.mails[0])
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder", "offer"]
    assert ended(world) == ("completed", "")


def test_click_in_mail_of_another_workflow_does_not_end_the_wait(world: World) -> None:
    news = workflow(send("news"), on="News Wanted")
    world.publish(shop(abandoned_cart=ABANDONED_CART, news=news))
    start_checkout(world)
    world.event("News Wanted")
    world.run_for(hours=2)
    (other,) = (mail for mail in world.mails if mail.tags["workflow"] == "news")
    world.click(other)
    world.run_for(days=10)
    assert "offer" in world.steps_mailed()


def test_hard_bounce_suppresses_address_and_skips_later_mail(world: World) -> None:
    start_checkout(world)
    world.run_for(hours=2)
    world.bounce(world.last_mail())
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder"]
    assert world.messages() == {
        "reminder": ("accepted", ""),
        "offer": ("skipped", "suppressed: hard bounce"),
    }
    assert ended(world) == ("completed", "")


def test_soft_bounce_does_not_suppress(world: World) -> None:
    start_checkout(world)
    world.run_for(hours=2)
    world.bounce(world.last_mail(), permanent=False)
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder", "offer"]


def test_complaint_suppresses_address(world: World) -> None:
    start_checkout(world)
    world.run_for(hours=2)
    world.complain(world.last_mail())
    world.run_for(days=10)
    assert world.messages()["offer"] == ("skipped", "suppressed: complaint")


def test_one_click_unsubscribe_stops_later_mail(world: World) -> None:
    start_checkout(world)
    world.run_for(hours=2)
    world.unsubscribe(world.last_mail())
    assert world.profile().consent["offers"].state == "withdrawn"
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder"]
    assert world.messages()["offer"] == ("skipped", "consent withdrawn")
    (proof,) = (p for p in world.state.proofs.values() if p.fact.state == "withdrawn")
    assert (proof.topic, proof.fact.method, proof.fact.ip) == ("offers", "one-click", "192.0.2.1")


def test_unsubscribing_twice_is_one_withdrawal(world: World) -> None:
    start_checkout(world)
    world.run_for(hours=2)
    for _ in range(2):
        world.unsubscribe(world.last_mail())
        world.run_for(minutes=5)
    assert world.profile().totals["Unsubscribed"].count == 1


def test_unsubscribe_just_before_claim_stops_the_mail(world: World) -> None:
    """The claim checks consent again."""
    start_checkout(world)
    world.run_for(hours=2)
    first = world.last_mail()
    world.faults.meanwhile("before ledger.claim", lambda: world.unsubscribe(first))
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder"]
    assert world.messages()["offer"] == ("skipped", "consent withdrawn")


def test_event_sent_three_times_enters_once(world: World) -> None:
    started_at, data = world.now, {"checkout_id": "c-1", "total": 150}
    results = []
    for _ in range(3):
        results.append(world.event("Checkout Started", data, at=started_at, id_="c-1"))
        world.run_for(hours=2)
    world.run_for(days=10)
    assert results == ["accepted", "duplicate", "duplicate"]
    assert len(world.enrollments_of()) == 1
    assert world.steps_mailed() == ["reminder", "offer"]


@pytest.mark.parametrize("echo", [2, 3])
def test_duplicate_deliveries_change_nothing(published: World, echo: int) -> None:
    world = World(published=published, echo=echo)
    world.consent()
    world.run_for(minutes=1)
    start_checkout(world)
    world.run_for(hours=2)
    world.click(world.last_mail())
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder"]
    assert ended(world) == ("exited", "came back")
    counts = {name: total.count for name, total in world.profile().totals.items()}
    assert counts == {"Subscription Changed": 1, "Checkout Started": 1, "Email Clicked": 1}


def test_second_report_of_same_checkout_does_not_enter_again(world: World) -> None:
    start_checkout(world)
    world.run_for(minutes=10)
    world.event("Checkout Started", {"checkout_id": "c-1", "total": 180}, id_="another-report")
    world.run_for(days=10)
    assert len(world.enrollments_of()) == 1


def test_second_cart_within_reentry_period_does_not_enter(world: World) -> None:
    start_checkout(world)
    world.run_for(days=6)
    start_checkout(world, "c-2")
    world.run_for(days=10)
    assert len(world.enrollments_of()) == 1


def test_second_cart_after_reentry_period_enters(world: World) -> None:
    start_checkout(world)
    world.run_for(days=8)
    start_checkout(world, "c-2")
    world.run_for(days=10)
    assert [e.key for e in world.enrollments_of()] == ["c-1", "c-2"]
    assert world.steps_mailed() == ["reminder", "offer"] * 2


def test_same_cart_never_enters_twice(world: World) -> None:
    start_checkout(world)
    world.run_for(days=8)
    world.event("Checkout Started", {"checkout_id": "c-1", "total": 150}, id_="again")
    world.run_for(days=10)
    assert len(world.enrollments_of()) == 1
    assert world.reactions[-1].refused[-1][1] == "was enrolled for this key before"


def test_event_two_days_old_counts_but_does_not_enter(world: World) -> None:
    old = world.now - timedelta(days=2)
    data = {"checkout_id": "c-1", "total": 150}
    world.event("Checkout Started", data, at=old, id_="old")
    world.run_for(days=10)
    assert world.enrollments_of() == []
    assert world.profile().totals["Checkout Started"].count == 1


def test_shopify_checkout_and_order_run_through_the_workflow(published: World) -> None:
    checkout, order = load("shopify", "checkouts.create"), load("shopify", "orders.create")
    started = "2026-11-17T13:06:03.551+00:00"
    world = World(published=published, start=_instant(started))
    noor = "noor.haddad@example.com"
    world.consent(email=noor)
    world.run_for(minutes=1)
    assert world.shopify(checkout) == ["accepted"]
    assert world.shopify(checkout) == ["duplicate"]
    world.run_for(hours=2)
    assert world.steps_mailed(noor) == ["reminder"]
    world.shopify(order)
    world.run_for(days=10)
    assert world.steps_mailed(noor) == ["reminder"]
    assert ended(world, noor) == ("exited", "goal reached")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
