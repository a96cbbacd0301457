"""The workflow `abandoned-cart` as a shop would write it, and the start of a checkout."""

from tests.support.builders import ADA, branch, delay, leave, send, wait_for, workflow
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
            branch("big-cart", {"event": "total", "gte": 100}, [send("offer")], [send("last-call")])
        ],
    ),
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
BO = "bo@mail.example"


def start_checkout(
    world: World, checkout: str = "c-1", total: float = 150, email: str = ADA
) -> str:
    data = {"checkout_id": checkout, "total": total}
    return world.event("Checkout Started", data, email=email, id_=f"{checkout}:{email}")


def ended(world: World, email: str = ADA) -> tuple[str, str]:
    enrollment = world.enrollment(email)
    return enrollment.status, enrollment.reason
