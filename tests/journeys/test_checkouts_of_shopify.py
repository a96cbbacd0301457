"""A checkout as Shopify reports it: first anonymous, then with an address, then with consent."""

from datetime import timedelta

import pytest

from milepost.base import times
from tests.journeys.stories import CART, FILES
from tests.support.builders import shop
from tests.support.events import load
from tests.support.world import World

SHOPPER = "jonas@weidmann-tischlerei.example"
SERIES = ["reminder", "offer", "last-call"]


def begin(*deliveries: str, store: World | None = None) -> World:
    """Deliver the states of a growing checkout, a minute apart, and let ten days pass."""
    world = store or World()
    if store is None:
        world.publish(FILES)
    began = {"created_at": times.format_instant(world.now), "total_price": "150.00"}
    for delivery in deliveries:
        sample = {
            "anonymous": load("shopify", "checkouts.create.anonymous"),
            "address": load("shopify", "checkouts.update.address"),
            "consent": load("shopify", "checkouts.update.address").but(
                buyer_accepts_marketing=True
            ),
        }[delivery]
        world.shopify(sample.but(updated_at=times.format_instant(world.now), **began))
        world.run_for(minutes=1)
    world.run_for(days=10)
    return world


@pytest.mark.parametrize(
    "deliveries",
    [
        ("consent",),
        ("anonymous", "consent"),
        ("address", "consent"),
        ("anonymous", "address", "consent"),
        ("anonymous", "address", "address", "consent", "consent"),
    ],
    ids=" ".join,
)
def test_consent_during_shopify_checkout_sends_series_once(
    deliveries: tuple[str, ...],
) -> None:
    world = begin(*deliveries)
    assert world.steps_mailed(SHOPPER) == SERIES
    assert len(world.enrollments_of(SHOPPER)) == 1


@pytest.mark.parametrize("deliveries", [("anonymous",), ("address",), ("anonymous", "address")])
def test_shopify_checkout_without_consent_sends_nothing(deliveries: tuple[str, ...]) -> None:
    assert begin(*deliveries).mails == []


@pytest.mark.parametrize("reentry", ["always", "never"])
def test_growing_checkout_enters_once_without_audience(reentry: str) -> None:
    world = World()
    without_audience = {key: value for key, value in CART.items() if key != "audience"}
    world.publish(shop(abandoned_cart={**without_audience, "reentry": {"allow": reentry}}))
    begin("anonymous", "address", "consent", store=world)
    assert len(world.state.enrollments) == 1
    assert world.steps_mailed(SHOPPER) == SERIES


def test_consent_after_the_order_sends_no_reminder() -> None:
    world = World()
    world.publish(FILES)
    began = world.now
    world.run_for(minutes=1)
    world.event("Order Completed", {"order_id": "1", "total": 150}, email=SHOPPER)
    world.run_for(minutes=1)
    late = load("shopify", "checkouts.update.address").but(
        created_at=times.format_instant(began),
        updated_at=times.format_instant(began + timedelta(minutes=2)),
        total_price="150.00",
        buyer_accepts_marketing=True,
    )
    world.shopify(late)
    world.run_for(days=10)
    assert "reminder" not in world.steps_mailed(SHOPPER)
