"""Which messages lie behind an enrollment, as its own record tells."""

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
    """The steps whose messages lie behind an enrollment that began these blocks, one an hour."""
    began = {str(turn): MONDAY_NOON + turn * HOUR for turn in range(len(entries))}
    held = enrollment(
        block_started=began, block_entries={str(n): each for n, each in enumerate(entries)}, **more
    )
    after = MONDAY_NOON + since * HOUR if since is not None else None
    return [f"{step} {visit}" for step, visit in decided_visits(program, held, after)]


def test_nothing_lies_behind_an_enrollment_that_has_not_begun() -> None:
    assert visits() == []


def test_the_block_that_runs_may_be_undecided() -> None:
    assert visits("hello") == []
    assert visits("hello", status="exited", ended_at=MONDAY_NOON) == []


def test_a_later_block_shows_that_the_one_before_was_decided() -> None:
    assert visits("hello", "fork") == ["hello 1"]


def test_a_block_that_has_been_given_a_time_shows_it_too() -> None:
    start = ResumePoint("fork", 1, MONDAY_NOON, MONDAY_NOON, "pause")
    assert visits("hello", resume_point=start, execution_no=1) == ["hello 1"]


def test_a_block_that_is_to_be_run_again_is_undecided() -> None:
    start = ResumePoint("hello", 0, MONDAY_NOON, MONDAY_NOON, deferred="hello: quiet hours")
    assert visits("hello", resume_point=start, execution_no=1) == []


def test_of_a_branch_only_the_path_that_was_taken_counts() -> None:
    yes: dict[str, Any] = {"fork": {"path": "yes"}}
    no: dict[str, Any] = {"fork": {"path": None}}
    assert visits("hello", "fork", "last", outcomes=yes) == ["hello 1", "offer 1"]
    assert visits("hello", "fork", status="completed", outcomes=no) == ["hello 1", "good-bye 1"]


def test_all_lies_behind_a_completed_enrollment() -> None:
    assert visits("last", status="completed") == ["last 1"]


def test_each_visit_of_a_step_that_comes_again_has_its_number() -> None:
    nodes = {"hello": mail("hello", "pause", repeats=True), "pause": rest("pause", "hello")}
    loop = Program("cart", 1, {}, nodes, "hello")
    assert visits("hello", "hello", "hello", program=loop) == ["hello 2", "hello 3"]


def test_blocks_of_the_version_before_a_move_are_left_out() -> None:
    assert visits("hello", "last", "longer", first_block_run=1) == ["last 1"]


def test_a_block_that_this_version_does_not_have_is_left_out() -> None:
    assert visits("gone", "last", "longer") == ["last 1"]


def test_a_block_of_which_nobody_knows_where_it_began_is_left_out() -> None:
    began = {"0": MONDAY_NOON, "1": MONDAY_NOON + HOUR, "2": MONDAY_NOON + 2 * HOUR}
    held: Enrollment = enrollment(block_started=began)
    assert list(decided_visits(PROGRAM, held)) == [("hello", 1)]


def test_what_was_over_before_an_instant_is_left_out() -> None:
    assert visits("hello", "last", "longer", since=2) == ["last 1"]
    ended: dict[str, Any] = {"status": "completed", "ended_at": MONDAY_NOON + HOUR}
    assert visits("last", since=1, **ended) == ["last 1"]
    assert visits("last", since=2, **ended) == []
