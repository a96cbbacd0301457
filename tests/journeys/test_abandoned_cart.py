"""The abandoned cart, as a shop would write it, walked through in every way that matters."""

import pytest

from tests.support.builders import delay, leave, send, shop, wait_for, workflow
from tests.support.world import World

ABANDONED_CART = workflow(
    delay("1 hour", "first-wait"),
    send("reminder"),
    wait_for(
        "second-wait",
        "Email Clicked",
        "1 day",
        on_event=[leave("clicked", "came back")],
        on_timeout=[
            {
                "id": "worth-an-offer",
                "type": "branch",
                "paths": [
                    {
                        "name": "big cart",
                        "if": {"event": "total", "gte": 100},
                        "steps": [send("offer")],
                    }
                ],
                "else": [send("last-call")],
            }
        ],
    ),
    title="Abandoned cart",
    trigger={
        "type": "event",
        "event": "Checkout Started",
        "key": "checkout_id",
        "where": {"event": "total", "gte": 20},
    },
    audience={"consents_to": "offers"},
    reentry={"allow": "after", "after": "7 days"},
    exit_on=[{"event": "Order Completed"}],
    goal={"event": "Order Completed", "within": "5 days"},
)


@pytest.fixture(scope="module")
def published() -> World:
    world = World()
    world.publish(shop(abandoned_cart=ABANDONED_CART))
    return world


@pytest.fixture
def world(published: World) -> World:
    """A shop with the workflow, and Ada, who wants its offers."""
    world = World(published=published)
    world.consent()
    world.run_for(minutes=1)
    return world


def start_checkout(world: World, checkout: str = "c-1", total: float = 150) -> None:
    world.event("Checkout Started", {"checkout_id": checkout, "total": total}, id_=checkout)


def test_who_never_answers_gets_the_whole_series(world: World) -> None:
    start_checkout(world)
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder", "offer"]
    assert world.enrollment().status == "completed"


def test_who_buys_after_the_first_mail_gets_no_more(world: World) -> None:
    start_checkout(world)
    world.run_for(hours=2)
    world.event("Order Completed", {"total": 150})
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder"]
    assert (world.enrollment().status, world.enrollment().reason) == ("exited", "goal reached")
    assert world.execution(world.enrollment()).status == "ABORTED"


def test_who_clicks_leaves_because_they_came_back(world: World) -> None:
    start_checkout(world)
    world.run_for(hours=2)
    world.click(world.last_mail())
    world.run_for(days=10)
    assert world.steps_mailed() == ["reminder"]
    assert (world.enrollment().status, world.enrollment().reason) == ("exited", "came back")
    assert world.execution(world.enrollment()).status == "SUCCEEDED"
