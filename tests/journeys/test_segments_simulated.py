"""Simulations and workflow tests evaluate segments over time."""

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


def path_of(document: Json, **case: object) -> tuple[str, ...]:
    files = {**shop(asking=document), **segments(buyers=BUYERS)}
    opened_shop = open_shop({path: text(each) for path, each in files.items()}, MONDAY_NOON)
    trace, problems = run_case(
        "asking", CaseInput.model_validate(case), opened_shop.alone("asking")
    )
    assert problems == []
    return trace.path


def test_simulated_contact_changes_segments_over_time() -> None:
    contact = {"email": "ada@mail.example"}
    path = path_of(ASKING, contact=contact, events=ORDERS)
    assert path == ("now", "buyer", "wait-20-days", "later", "no-more")
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
                "name": "a buyer takes the path for buyers",
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
