"""Scoring and stages: points, decay, and the workflows that they trigger."""

from datetime import timedelta
from typing import Any

import pytest

from milepost.contacts.event_names import STAGE
from tests.journeys.test_segments import inside, opened, segments
from tests.support.builders import STORE, Json, send, shop, text, workflow
from tests.support.world import World

SCORING: Json = {
    "points": [
        {"id": "order", "event": "Order Completed", "points": 40},
        {"id": "view", "event": "Product Viewed", "points": 5, "most": 20},
    ],
    "decay": {"half_life": "30 days"},
    "stages": [
        {"stage": "lead", "if": {"contact": "score", "gte": 5}},
        {"stage": "customer", "if": {"did": "Order Completed"}},
        {"stage": "fan", "if": {"contact": "score", "gte": 75}},
    ],
}
HOT = workflow(
    send("hot"),
    trigger={"type": "contact", "field": "score", "crosses": 60},
    category="transactional",
    reentry={"allow": "always"},
)
FAN = workflow(
    send("fan"),
    trigger={"type": "contact", "field": "stage", "to": "fan"},
    category="transactional",
)


def scoring(**changes: Any) -> dict[str, Json]:
    return {"scoring.json": {**SCORING, **changes}}


def stages(world: World) -> list[str]:
    return [r.event.data["stage"] for r in world.state.stream if r.event.name == STAGE]


def test_score_that_crosses_again_after_decay_starts_the_workflow_again() -> None:
    world = opened({**shop(hot=HOT), **scoring()})
    world.event("Order Completed", id_="o-1")
    world.run_for(hours=1)
    assert world.profile().get("score") == 40
    world.event("Order Completed", id_="o-2")
    world.run_for(hours=1)
    assert world.steps_mailed() == ["hot"]
    world.run_for(days=90)
    world.event("Order Completed", id_="o-3")
    world.run_for(hours=1)
    assert world.profile().get("score") == 50
    world.event("Product Viewed", id_="v-1")
    world.event("Product Viewed", id_="v-2")
    world.run_for(hours=1)
    assert world.steps_mailed() == ["hot", "hot"]


def test_contact_leaves_a_segment_when_its_score_decays() -> None:
    warm = {"title": "Warm", "condition": {"contact": "score", "gte": 20}}
    world = opened({**shop(), **scoring(stages=[]), **segments(warm=warm)})
    world.event("Order Completed")
    world.run_for(days=29)
    assert inside(world) == {"warm"}
    world.run_for(days=10)
    assert inside(world) == set()
    assert world.profile().get("score") < 20
    world.run_for(days=400)
    assert world.profile().next_check is None


def test_stages_rise_and_do_not_fall_back() -> None:
    world = opened({**shop(fan=FAN), **scoring()})
    world.event("Product Viewed")
    world.run_for(hours=1)
    assert world.profile().get("stage") == "lead"
    for number in range(2):
        world.event("Order Completed", id_=f"o-{number}")
        world.run_for(hours=1)
    assert stages(world) == ["lead", "customer", "fan"]
    assert world.steps_mailed() == ["fan"]
    world.run_for(days=300)
    assert stages(world) == ["lead", "customer", "fan"]
    assert world.profile().get("stage") == "fan"


def test_stages_fall_back_if_allowed() -> None:
    world = opened({**shop(), **scoring(fall_back=True)})
    for number in range(2):
        world.event("Order Completed", id_=f"o-{number}")
    world.run_for(days=60)
    assert stages(world) == ["customer", "fan", "customer"]


def test_step_adds_points_and_sets_a_stage_until_a_rule_changes_it() -> None:
    lift = workflow(
        {"id": "more", "type": "add_score", "points": 7},
        {"id": "lost", "type": "set_stage", "stage": "lost"},
        on="Complained",
    )
    world = opened({**shop(lift=lift), **scoring()})
    world.event("Product Viewed")
    world.run_for(hours=1)
    world.event("Complained")
    world.run_for(hours=1)
    assert (world.profile().get("score"), world.profile().get("stage")) == (12, "lost")
    world.event("Order Completed")
    world.run_for(hours=1)
    assert world.profile().get("stage") == "customer"


def test_new_stage_rules_start_no_workflow() -> None:
    world = opened(shop(fan=FAN))
    world.event("Order Completed")
    world.run_for(minutes=1)
    rules = [{"stage": "fan", "if": {"did": "Order Completed"}}]
    world.publish(scoring(stages=rules))
    world.run_for(minutes=5)
    assert world.profile().get("stage") == "fan"
    assert world.steps_mailed() == []


def test_past_events_earn_no_points() -> None:
    world = opened(shop())
    world.event("Order Completed", id_="o-1")
    world.run_for(minutes=1)
    world.publish(scoring())
    world.run_for(minutes=5)
    assert world.profile().get("score") is None
    world.event("Order Completed", id_="o-2")
    world.run_for(minutes=1)
    assert world.profile().get("score") == 40


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"decay": {"half_life": "30 days", "steps": 3, "every": "1 day"}}, "decay: needs either"),
        ({"decay": {"half_life": "1 minute"}}, "decay: is too quick"),
        ({"decay": {"steps": 3}}, "decay: steps and every go together"),
        ({"points": [{**SCORING["points"][0], "points": 5000}]}, "points[0].points"),
        ({"points": [SCORING["points"][0]] * 2}, 'file: two rules are called "order"'),
        ({"stages": [SCORING["stages"][0]] * 2}, 'file: the stage "lead" is there twice'),
        ({"least": 9, "most": 1}, "file: least is more than most"),
        (
            {"points": [{**SCORING["points"][0], "where": {"contact": "a", "is": 1}}]},
            "points[0].where: a where here can only ask about `event`",
        ),
        (
            {"stages": [{"stage": "lead", "if": {"all": [{"event": "a", "is": 1}]}}]},
            "stages[0].if.all[0]: asks about an event",
        ),
    ],
)
def test_invalid_scoring_rules_are_refused(changes: Json, problem: str) -> None:
    world = opened({**shop(), **scoring()})
    world.files.write(STORE, "scoring.json", text({**SCORING, **changes}))
    (report,) = world.publisher.publish(STORE, ["scoring.json"])
    assert report.outcome == "refused"
    assert any(str(found).startswith(problem) for found in report.problems), report.problems
    assert world.shelf.head(STORE).scoring is not None


def test_scoring_is_published_once_and_ends_with_its_file() -> None:
    world = opened({**shop(), **scoring()})
    (report,) = world.publish(scoring())
    assert report.outcome == "unchanged"
    world.event("Order Completed")
    world.run_for(minutes=1)
    (report,) = world.remove("scoring.json")
    assert report.outcome == "archived"
    world.run_for(days=1)
    world.event("Product Viewed", at=world.now - timedelta(minutes=1))
    world.run_for(minutes=1)
    assert world.profile().get("score") is None
    assert world.profile().get("stage") == "customer"


def test_score_that_decayed_unseen_crosses_again_with_the_next_event() -> None:
    """Nothing asks for the score meanwhile, so the profile still shows the old one."""
    world = opened({**shop(hot=HOT), **scoring(stages=[])})
    for number in (1, 2):
        world.event("Order Completed", id_=f"o-{number}")
        world.run_for(hours=1)
    assert world.steps_mailed() == ["hot"]
    world.run_for(days=60)
    assert world.profile().get("score") == 80
    world.event("Order Completed", id_="o-3")
    world.run_for(hours=1)
    assert world.profile().get("score") == 60
    assert world.steps_mailed() == ["hot", "hot"]
