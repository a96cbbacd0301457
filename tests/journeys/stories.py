"""Stories of one customer in a world, and the visible result of a story."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.support.builders import branch, delay, leave, send, shop, wait_for, workflow
from tests.support.world import World

CART = workflow(
    delay("1 hour"),
    send("reminder"),
    wait_for(
        "answer",
        "Email Clicked",
        "1 day",
        on_event=[leave("clicked", "came back")],
        on_timeout=[
            branch(
                "worth-an-offer",
                {
                    "all": [
                        {"event": "total", "gte": 100},
                        {"email": "reminder", "was": "delivered"},
                    ]
                },
                [send("offer"), delay("2 days"), send("last-call")],
                [send("good-bye")],
            )
        ],
    ),
    trigger={"type": "event", "event": "Checkout Started", "key": "checkout_id"},
    audience={
        "all": [{"consents_to": "offers"}, {"did_not": "Order Completed", "within": "1 day"}]
    },
    reentry={"allow": "always"},
    exit_on=[{"event": "Order Completed", "where": {"event": "total", "gte": 1}}],
)
RECEIPT = workflow(
    send("receipt"),
    wait_for("arrival", "Shipment Delivered", "9 days", on_event=[send("review")]),
    on="Order Completed",
    category="transactional",
    reentry={"allow": "always"},
)
TRANSACTIONAL = {"receipt", "review"}
FILES = shop(abandoned_cart=CART, receipt=RECEIPT)

Story = Callable[[World], None]


def begin(world: World) -> None:
    world.consent()
    world.run_for(minutes=5)
    world.event("Checkout Started", {"checkout_id": "c-1", "total": 150}, id_="c-1")


def never_answers(world: World) -> None:
    begin(world)
    world.run_for(days=10)


def clicks(world: World) -> None:
    begin(world)
    world.run_for(hours=3)
    for mail in world.mails:
        world.click(mail)
    world.run_for(days=10)


def buys(world: World) -> None:
    begin(world)
    world.run_for(hours=3)
    world.event("Order Completed", {"total": 150}, id_="o-1")
    world.run_for(days=2)
    world.event("Shipment Delivered", {"order": "o-1"}, id_="s-1")
    world.run_for(days=10)


def bounces(world: World) -> None:
    begin(world)
    world.run_for(hours=3)
    for mail in world.mails:
        world.bounce(mail)
    world.run_for(days=10)


def unsubscribes(world: World) -> None:
    begin(world)
    world.run_for(hours=3)
    for mail in world.mails:
        world.unsubscribe(mail)
    world.run_for(days=10)


STORIES: tuple[Story, ...] = (never_answers, clicks, buys, bounces, unsubscribes)


@dataclass(frozen=True)
class Outcome:
    """The visible result: e-mails, messages, enrollments, executions, profile and proofs."""

    mails: tuple[tuple[str, str], ...]
    messages: tuple[tuple[str, str, str], ...]
    enrollments: tuple[tuple[str, str, str], ...]
    executions: tuple[str, ...]
    profile: tuple[object, ...]
    suppressed: tuple[object, ...]
    proofs: int


def outcome(world: World) -> Outcome:
    profile = world.profile()
    totals = {name: (t.count, t.value) for name, t in profile.totals.items()}
    return Outcome(
        mails=tuple(sorted((mail.to, mail.tags["step"]) for mail in world.mails)),
        messages=tuple((step, *result) for step, result in sorted(world.messages().items())),
        enrollments=tuple((e.ref.workflow, e.status, e.reason) for e in world.enrollments_of()),
        executions=tuple(
            "over" if e.status in {"SUCCEEDED", "ABORTED"} else e.status
            for e in world.step_functions.executions.values()
        ),
        profile=(
            sorted((name, entry[0]) for name, entry in profile.fields.items()),
            sorted(totals.items()),
            sorted((topic, c.state) for topic, c in profile.consent.items()),
            sorted(profile.entries),
            sorted(profile.active_enrollments),
        ),
        suppressed=tuple(sorted(world.state.suppressed.items())),
        proofs=len(world.state.proofs),
    )


def accounts_balance(world: World) -> bool:
    """sent + skipped + failed + unknown = decided, for every step of every workflow."""
    numbers = [world.numbers(name) for name in ("abandoned-cart", "receipt")]
    steps = [step for each in numbers for step in each.steps.values()]
    return all(s.decided == s.sent + s.skipped + s.failed + s.unknown for s in steps)


def unknown(world: World) -> list[str]:
    """The steps whose message has the status unknown."""
    return [step for step, (status, _) in world.messages().items() if status == "unknown"]
