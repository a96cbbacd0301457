import json
from typing import Any

import pytest

from milepost.base.parse_file import parse_file
from milepost.workflows.compiler.check_conditions import check_conditions, condition_leaves
from milepost.workflows.language.workflow import Workflow
from tests.support.builders import branch, send, wait_for, workflow

Json = dict[str, Any]
EVENT = {"event": "total", "gte": 20}
CONTACT = {"contact": "country", "is": "NO"}
CONSENT = {"consents_to": "offers"}
DID = {"did": "Order Completed"}


def read(**head: Any) -> Workflow:
    steps = head.pop("steps", [send("reminder")])
    found = parse_file(json.dumps(workflow(*steps, **head)), Workflow)
    assert isinstance(found, Workflow), found
    return found


def found(**head: Any) -> list[str]:
    return [str(problem) for problem in check_conditions(read(**head))]


def trigger(where: Json) -> Json:
    return {"type": "event", "event": "E", "where": where}


def test_every_condition_is_found_with_its_location() -> None:
    one = read(
        trigger=trigger({"all": [EVENT, {"any": [CONTACT, {"not": CONSENT}]}]}),
        audience={"did": "E", "where": {"all": [EVENT]}},
        exit_on=[{"event": "E"}, {"event": "F", "where": EVENT}],
        goal={"event": "G", "where": EVENT},
        steps=[wait_for("w", "E", "1 day", [branch("b", DID, [])], [], where=CONTACT)],
    )
    assert [place for place, _, _ in condition_leaves(one)] == [
        "trigger.where.all[0]",
        "trigger.where.all[1].any[0]",
        "trigger.where.all[1].any[1].not",
        "audience",
        "audience.where.all[0]",
        "exit_on[1].where",
        "goal.where",
        "steps[0].where",
        "steps[0].on_event[0].paths[0].if",
    ]


@pytest.mark.parametrize("condition", [EVENT, CONTACT, CONSENT, DID, {"in_workflow": "welcome"}])
def test_entry_and_step_conditions_may_use_all_data(condition: Json) -> None:
    assert (
        found(trigger=trigger(condition), audience=condition, steps=[branch("b", condition, [])])
        == []
    )


@pytest.mark.parametrize("condition", [CONTACT, CONSENT, DID, {"not": {"any": [EVENT, CONTACT]}}])
def test_exit_condition_may_use_only_the_event(condition: Json) -> None:
    reason = "a where here can only ask about `event` (use a branch)"
    assert [
        problem.partition(": ")[2]
        for problem in found(
            exit_on=[{"event": "E", "where": condition}], goal={"event": "E", "where": condition}
        )
    ] == [reason, reason]


@pytest.mark.parametrize("condition", [CONSENT, DID, {"all": [CONTACT, {"not": CONSENT}]}])
def test_wait_condition_may_use_event_and_contact(
    condition: Json,
) -> None:
    reason = "a where here can only ask about `event` and `contact` (use a branch)"
    step = wait_for("w", "E", "1 day", where=condition)
    audience = {"did": "E", "where": condition}
    problems = found(steps=[step], audience=audience)
    assert [problem.partition(": ")[2] for problem in problems] == [reason, reason]
    both = {"all": [EVENT, CONTACT]}
    good = wait_for("w", "E", "1 day", where=both)
    assert found(steps=[good], audience={"did": "E", "where": both}) == []


def test_condition_on_email_without_send_step_is_reported() -> None:
    asks = {"email": "remindr", "was": "opened"}
    assert found(steps=[send("reminder"), branch("b", asks, [])]) == [
        'steps[1].paths[0].if.email: no step "remindr" of this workflow sends an e-mail (did you '
        'mean "reminder"?)'
    ]
    assert found(steps=[send("reminder"), branch("b", asks | {"email": "b"}, [])]) != []
    assert found(steps=[send("reminder"), branch("b", asks | {"email": "reminder"}, [])]) == []


def test_link_is_allowed_only_for_clicks() -> None:
    asks = {"email": "reminder", "was": "opened", "link": "https://shop.example/cart"}
    assert found(steps=[send("reminder"), branch("b", asks, [])]) == [
        'steps[1].paths[0].if.link: goes with clicked alone (say {"was": "clicked"})'
    ]
    assert found(steps=[send("reminder"), branch("b", asks | {"was": "clicked"}, [])]) == []


def test_include_bots_is_allowed_only_for_opens_and_clicks() -> None:
    asks = {"email": "reminder", "was": "delivered", "include_bots": True}
    assert found(steps=[send("reminder"), branch("b", asks, [])]) == [
        "steps[1].paths[0].if.include_bots: goes with opened and clicked alone (leave it out)"
    ]
    for was in ("opened", "clicked"):
        assert found(steps=[send("reminder"), branch("b", asks | {"was": was}, [])]) == []
