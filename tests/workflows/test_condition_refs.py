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


def test_every_condition_is_found_with_its_place() -> None:
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
def test_everything_is_known_of_who_enters_and_of_who_is_inside(condition: Json) -> None:
    assert found(
        trigger=trigger(condition), audience=condition, steps=[branch("b", condition, [])]
    ) == []  # fmt: skip


@pytest.mark.parametrize("condition", [CONTACT, CONSENT, DID, {"not": {"any": [EVENT, CONTACT]}}])
def test_of_an_event_that_ends_an_enrollment_only_the_event_is_known(condition: Json) -> None:
    reason = "a where here can only ask about `event` (use a branch)"
    assert [problem.partition(": ")[2] for problem in found(
        exit_on=[{"event": "E", "where": condition}], goal={"event": "E", "where": condition}
    )] == [reason, reason]  # fmt: skip


@pytest.mark.parametrize("condition", [CONSENT, DID, {"all": [CONTACT, {"not": CONSENT}]}])
def test_of_an_event_that_is_waited_for_the_event_and_the_contact_are_known(
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


def test_an_e_mail_that_no_step_sends_is_found() -> None:
    asks = {"email": "remindr", "was": "opened"}
    assert found(steps=[send("reminder"), branch("b", asks, [])]) == [
        'steps[1].paths[0].if.email: no step "remindr" of this workflow sends an e-mail (did you '
        'mean "reminder"?)'
    ]
    assert found(steps=[send("reminder"), branch("b", asks | {"email": "b"}, [])]) != []
    assert found(steps=[send("reminder"), branch("b", asks | {"email": "reminder"}, [])]) == []


def test_only_of_a_click_a_link_is_known() -> None:
    asks = {"email": "reminder", "was": "opened", "link": "https://shop.example/cart"}
    assert found(steps=[send("reminder"), branch("b", asks, [])]) == [
        'steps[1].paths[0].if.link: goes with clicked alone (say {"was": "clicked"})'
    ]
    assert found(steps=[send("reminder"), branch("b", asks | {"was": "clicked"}, [])]) == []


def test_machines_open_and_click_and_do_nothing_else() -> None:
    asks = {"email": "reminder", "was": "delivered", "include_bots": True}
    assert found(steps=[send("reminder"), branch("b", asks, [])]) == [
        "steps[1].paths[0].if.include_bots: goes with opened and clicked alone (leave it out)"
    ]
    for was in ("opened", "clicked"):
        assert found(steps=[send("reminder"), branch("b", asks | {"was": was}, [])]) == []
