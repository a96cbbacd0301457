import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from milepost.base.parse_file import parse_file
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import ResumePoint, waiting_step
from milepost.enrollments.program import Program
from milepost.enrollments.version_migration import (
    PendingDecisions,
    current_resume_point,
    map_to_version,
    pending_decisions,
)
from milepost.stores.settings import StoreSettings
from milepost.workflows.compiler.check_steps import build_program
from milepost.workflows.language.workflow import Workflow
from tests.support.builders import (
    MONDAY_NOON,
    STORE,
    Json,
    branch,
    contact,
    delay,
    enrollment,
    leave,
    send,
    wait_for,
    workflow,
)

DAY = timedelta(days=1)
ALWAYS = {"event": "x", "exists": True}


def compiled(*steps: Json, version: int = 1, **head: Any) -> Program:
    found = parse_file(json.dumps(workflow(*steps, **head)), Workflow)
    assert isinstance(found, Workflow), found
    return build_program("cart", version, found)


def moved_to(**renamed_steps: str) -> Json:
    return {"on_publish": "migrate", "renamed_steps": renamed_steps}


ONE = compiled(
    send("mail"),
    branch("b", ALWAYS, [delay("2 days", "pause")], [leave("out")]),
    wait_for("answer", "Replied", "3 days", [send("yes")], [send("no")]),
)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [({}, None), ({"b": {"path": "yes"}}, "pause"), ({"b": {"path": None}}, None)],
)
def test_block_run_waits_where_its_outcomes_led(outcomes: Json, expected: str | None) -> None:
    node = waiting_step(ONE, ONE.entry, 0, outcomes)
    assert (node and node["id"]) == expected


def rest(**changes: Any) -> ResumePoint | None:
    held = replace(enrollment(), **changes)
    return current_resume_point(ONE, Profile(STORE, contact()), held, StoreSettings())


def test_enrollment_without_block_run_has_no_resume_point() -> None:
    assert rest() is None


def test_delay_is_due_at_its_end() -> None:
    found = rest(block_started={"0": MONDAY_NOON}, outcomes={"b": {"path": "yes"}})
    assert found == ResumePoint("answer", 1, MONDAY_NOON + 2 * DAY, MONDAY_NOON, "pause")


def test_wait_for_event_is_due_at_timeout_until_the_event_arrives() -> None:
    began = {"0": MONDAY_NOON, "1": MONDAY_NOON + 2 * DAY}
    outcomes: Json = {"b": {"path": "yes"}}
    at = {"block_started": began, "block_entries": {"1": "answer"}}
    found = rest(**at, outcomes=outcomes)
    assert found == ResumePoint("no", 2, MONDAY_NOON + 5 * DAY, began["1"], "answer")
    assert rest(**at, outcomes={**outcomes, "answer": {"event": "Replied"}}) is None


def test_execution_not_started_waits_at_its_resume_point() -> None:
    start = ResumePoint("answer", 1, MONDAY_NOON + 9 * DAY, MONDAY_NOON, "pause")
    began = {"0": MONDAY_NOON}
    assert (
        rest(
            block_started=began, execution_no=1, resume_point=start, outcomes={"b": {"path": "yes"}}
        )
        == start
    )


@pytest.mark.parametrize(
    ("later", "step", "block"),
    [
        ([compiled(delay("9 days", "pause"), send("new"))], "pause", "new"),
        ([compiled(delay("9 days", "other"), send("new"))], None, None),
        ([compiled(send("pause"))], None, None),
        (
            [
                compiled(delay("9 days", "nap"), active_enrollments=moved_to(pause="nap")),
                compiled(
                    delay("9 days", "doze"), send("new"), active_enrollments=moved_to(nap="doze")
                ),
            ],
            "doze",
            "new",
        ),
        ([compiled(wait_for("pause", "R", "1 day", [send("y")], [send("n")]))], "pause", "n"),
    ],
)
def test_wait_continues_in_newest_version_under_its_new_name(
    later: list[Program], step: str | None, block: str | None
) -> None:
    start = ResumePoint("answer", 1, MONDAY_NOON, MONDAY_NOON, "pause")
    expected = step and start._replace(step=step, block=str(block))
    assert map_to_version(start, later) == expected


def test_enrollment_that_just_entered_starts_at_the_first_step() -> None:
    start = ResumePoint("mail", 0, MONDAY_NOON, MONDAY_NOON)
    new = compiled(delay("1 day", "first"))
    assert map_to_version(start, [new]) == start._replace(block="first")
    assert map_to_version(start._replace(block_seq=3), [new]) is None


@pytest.mark.parametrize(
    ("outcomes", "done"),
    [
        ({}, False),
        ({"join": {"list": "news"}}, False),
        ({"leave": {"list": "sales"}}, False),
        ({"join": {"list": "news"}, "leave": {"list": "sales"}}, True),
    ],
)
def test_a_block_may_move_only_when_all_its_actions_before_the_wait_are_done(
    outcomes: Json, done: bool
) -> None:
    program = compiled(
        {"id": "join", "type": "add_to_list", "list": "news"},
        send("mail"),
        {"id": "leave", "type": "remove_from_list", "list": "sales"},
        delay("2 days", "pause"),
    )
    held = replace(enrollment(), block_started={"0": MONDAY_NOON}, outcomes=outcomes)
    assert pending_decisions(program, held) == PendingDecisions({"mail": 1}, done)
