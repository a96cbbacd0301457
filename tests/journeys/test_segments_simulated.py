"""What is simulated and tested before it goes live knows who is in a segment, and for how long."""

from milepost.simulator.file import CaseInput
from milepost.simulator.publish import open_shop
from milepost.simulator.test_case import run_case
from tests.journeys.test_segments import BUYERS, GOLD, HERALD, opened, segments
from tests.support.builders import (
    MONDAY_NOON,
    STORE,
    Json,
    branch,
    delay,
    send,
    shop,
    text,
    workflow,
)

ASKING = workflow(
    branch("now", {"in_segment": "buyers"}, [send("buyer")], [send("other")]),
    delay("20 days"),
    branch("later", {"in_segment": "buyers"}, [send("still")], [send("no-more")]),
    category="transactional",
)
ORDERS = [{"before": f"{days} days", "event": "Order Completed"} for days in (15, 12)]


def path_of(document: Json, **tale: object) -> tuple[str, ...]:
    files = {**shop(asking=document), **segments(buyers=BUYERS)}
    opened_shop = open_shop({path: text(each) for path, each in files.items()}, MONDAY_NOON)
    life, problems = run_case("asking", CaseInput.model_validate(tale), opened_shop.alone("asking"))
    assert problems == []
    return life.path


def test_simulated_contact_changes_segments_over_time() -> None:
    contact = {"email": "ada@mail.example"}
    told = path_of(ASKING, contact=contact, events=ORDERS)
    assert told == ("now", "buyer", "wait-20-days", "later", "no-more")
    assert path_of(ASKING, contact=contact) == (
        "now",
        "other",
        "wait-20-days",
        "later",
        "no-more",
    )


def test_simulation_can_start_with_a_segment_trigger() -> None:
    contact = {"email": "ada@mail.example"}
    assert path_of(HERALD, contact=contact) == ("hello",)


def test_workflow_tests_use_the_live_segments() -> None:
    tests = {
        "workflow": "asking",
        "cases": [
            {
                "name": "a buyer is told so",
                "contact": {"email": "ada@mail.example"},
                "events": ORDERS,
                "expect": {"path": ["now", "buyer", "wait-20-days", "later", "no-more"]},
            }
        ],
    }
    world = opened({**shop(), **segments(buyers=BUYERS, gold=GOLD)})
    world.files.write(STORE, "tests/asking.test.json", text(tests))
    world.publish({"workflows/asking.json": ASKING})
    other = {**BUYERS, "condition": {"contact": "properties.plan", "is": "gold"}}
    world.publish(segments(buyers=other))
    world.files.write(STORE, "workflows/asking.json", text({**ASKING, "title": "Anew"}))
    report = world.publisher.publish(STORE, ["workflows/asking.json"])[-1]
    assert report.outcome == "refused"
    assert "tests/asking.test.json: cases[0].expect.path" in report.problems[0].location
