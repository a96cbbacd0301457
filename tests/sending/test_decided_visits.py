"""The decided visits of an enrollment, from its own record of block runs."""

from datetime import timedelta
from typing import Any

from milepost.enrollments.enrollment import Enrollment, ResumePoint
from milepost.enrollments.program import Program
from milepost.sending.decided_visits import decided_visits
from tests.support.builders import MONDAY_NOON, enrollment

HOUR = timedelta(hours=1)


def mail(id_: str, leads: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "type": "send_email", "template": "plain", "next": leads, **more}


def rest(id_: str, leads: str) -> dict[str, Any]:
    return {"id": id_, "type": "delay", "for": "1 day", "next": leads}


BRANCH = {
    "id": "fork",
    "type": "branch",
    "paths": [{"name": "yes", "if": {}, "next": "offer"}],
    "else": "good-bye",
}
NODES = (
    mail("hello", "pause"),
    rest("pause", "fork"),
    BRANCH,
    mail("offer", "longer"),
    mail("good-bye", "end"),
    rest("longer", "last"),
    mail("last", "end"),
)
PROGRAM = Program("cart", 1, {}, {str(node["id"]): node for node in NODES}, "hello")


def visits(
    *entries: str, program: Program = PROGRAM, since: int | None = None, **more: Any
) -> list[str]:
    """The decided steps of an enrollment that started these block runs, one an hour."""
    began = {str(turn): MONDAY_NOON + turn * HOUR for turn in range(len(entries))}
    held = enrollment(
        block_started=began, block_entries={str(n): each for n, each in enumerate(entries)}, **more
    )
    after = MONDAY_NOON + since * HOUR if since is not None else None
    return [f"{step} {visit}" for step, visit in decided_visits(program, held, after)]


def test_new_enrollment_has_no_decided_visits() -> None:
    assert visits() == []


def test_running_block_run_may_be_undecided() -> None:
    assert visits("hello") == []
    assert visits("hello", status="exited", ended_at=MONDAY_NOON) == []


def test_later_block_run_shows_that_earlier_one_is_decided() -> None:
    assert visits("hello", "fork") == ["hello 1"]


def test_scheduled_block_run_shows_that_earlier_one_is_decided() -> None:
    start = ResumePoint("fork", 1, MONDAY_NOON, MONDAY_NOON, "pause")
    assert visits("hello", resume_point=start, execution_no=1) == ["hello 1"]


def test_block_run_to_be_repeated_is_undecided() -> None:
    start = ResumePoint("hello", 0, MONDAY_NOON, MONDAY_NOON, deferred="hello: quiet hours")
    assert visits("hello", resume_point=start, execution_no=1) == []


def test_only_taken_path_of_branch_counts() -> None:
    yes: dict[str, Any] = {"fork": {"path": "yes"}}
    no: dict[str, Any] = {"fork": {"path": None}}
    assert visits("hello", "fork", "last", outcomes=yes) == ["hello 1", "offer 1"]
    assert visits("hello", "fork", status="completed", outcomes=no) == ["hello 1", "good-bye 1"]


def test_all_block_runs_of_completed_enrollment_are_decided() -> None:
    assert visits("last", status="completed") == ["last 1"]


def test_repeated_step_has_number_of_each_visit() -> None:
    nodes = {"hello": mail("hello", "pause", repeats=True), "pause": rest("pause", "hello")}
    loop = Program("cart", 1, {}, nodes, "hello")
    assert visits("hello", "hello", "hello", program=loop) == ["hello 2", "hello 3"]


def test_block_runs_before_migration_are_left_out() -> None:
    assert visits("hello", "last", "longer", first_block_run=1) == ["last 1"]


def test_block_run_of_unknown_block_is_left_out() -> None:
    assert visits("gone", "last", "longer") == ["last 1"]


def test_block_run_without_known_entry_is_left_out() -> None:
    began = {"0": MONDAY_NOON, "1": MONDAY_NOON + HOUR, "2": MONDAY_NOON + 2 * HOUR}
    held: Enrollment = enrollment(block_started=began)
    assert list(decided_visits(PROGRAM, held)) == [("hello", 1)]


def test_block_runs_that_ended_before_instant_are_left_out() -> None:
    assert visits("hello", "last", "longer", since=2) == ["last 1"]
    ended: dict[str, Any] = {"status": "completed", "ended_at": MONDAY_NOON + HOUR}
    assert visits("last", since=1, **ended) == ["last 1"]
    assert visits("last", since=2, **ended) == []
