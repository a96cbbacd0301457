"""run_steps and trigger_date: long waits, pauses and new versions through the real handlers."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from functions.run_steps.app import handler as run_steps
from functions.trigger_date.app import handler as trigger_date
from milepost.base.names import EnrollmentRef
from milepost.enrollments.enrollment import Enrollment
from milepost.wiring import tables
from tests.support.builders import delay, send, settings, wait_for, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import Item, Shop
from tests.support.handlers import machine_of, run, tell, upload

YEAR = workflow(
    delay("365 days", "year"),
    wait_for("answer", "Replied", "90 days", [send("thanks")], [send("pity")]),
    category="transactional",
)


@pytest.fixture
def year(shop: Shop) -> Shop:
    upload(shop, files_of(year=YEAR))
    tell(shop, "Checkout Started")
    return shop


def held(shop: Shop) -> Enrollment:
    ref = EnrollmentRef.from_json(enroll_one(shop)["enrollment"])
    loaded = tables.enrollments().load(ref)
    assert loaded is not None
    return loaded[1]


def enroll_one(shop: Shop) -> Item:
    ref: Item = next(e for e in executions(shop) if e["execution_no"] == 0)
    return ref


def executions(shop: Shop) -> list[Item]:
    found = [json.loads(each["input"]) for each in shop.cloud.executions(machine_of(shop, "year"))]
    return sorted(found, key=lambda given: int(given["execution_no"]))


def make_due(shop: Shop) -> None:
    """Make the suspended enrollment due now."""
    enrollment = held(shop)
    assert enrollment.resume_point is not None
    start = enrollment.resume_point._replace(due=datetime.now(UTC) - timedelta(seconds=1))
    assert tables.enrollments().reschedule(enrollment.ref, enrollment.execution_no, start)


def test_wait_of_a_year_is_suspended_and_resumed(year: Shop) -> None:
    done = run(year, "year", "year", execution_no=0)
    assert (done["next"], done["execution_no"], done["block_seq"]) == ("end", 0, 1)
    trigger_date({}, None)
    assert len(executions(year)) == 1
    make_due(year)
    trigger_date({}, None)
    trigger_date({}, None)
    first, second = executions(year)
    assert second == {**first, "execution_no": 1, "block_seq": 1, "block": "answer"}


def test_event_of_suspended_wait_starts_next_execution(year: Shop) -> None:
    run(year, "year", "year", execution_no=0)
    make_due(year)
    trigger_date({}, None)
    run_steps(executions(year)[1], None)
    assert held(year).execution_no == 2
    now = datetime.now(UTC) + timedelta(seconds=1)
    tell(year, "Replied", id="r-1", occurred_at=now.isoformat())
    assert executions(year)[2] == {
        **executions(year)[0],
        "execution_no": 2,
        "block_seq": 2,
        "block": "thanks",
    }


def test_earlier_execution_changes_nothing(year: Shop) -> None:
    run(year, "year", "year", execution_no=0)
    before = held(year)
    assert run(year, "year", "answer", execution_no=0, block_seq=1)["next"] == "end"
    give_up = {**executions(year)[0], "abandon": {"Error": "Boom"}}
    run_steps(give_up, None)
    assert held(year) == before


def test_scheduler_applies_pause_and_resume(year: Shop) -> None:
    upload(year, files_of(year={**YEAR, "status": "paused"}))
    assert run(year, "year", "year", execution_no=0)["next"] == "end"
    assert held(year).execution_no == 1
    trigger_date({}, None)
    assert len(executions(year)) == 1
    upload(year, files_of(year=YEAR))
    trigger_date({}, None)
    trigger_date({}, None)
    first, second = executions(year)
    assert second == {**first, "execution_no": 1, "block": "year"}


@pytest.mark.parametrize(("kind", "status"), [("cancel", "exited"), ("migrate", "active")])
def test_scheduler_applies_new_version_to_active_enrollments(
    year: Shop, kind: str, status: str
) -> None:
    run(year, "year", "year", execution_no=0)
    upload(
        year, files_of(year={**YEAR, "title": "Anew", "active_enrollments": {"on_publish": kind}})
    )
    trigger_date({}, None)
    assert held(year).status == status
    assert held(year).ref.version == (2 if kind == "migrate" else 1)


def test_marketing_is_suspended_until_quiet_hours_end(shop: Shop) -> None:
    now = datetime.now(UTC)
    begin, end = (now + timedelta(hours=by) for by in (-1, 3))
    clock = {"from": f"{begin:%H:00}", "to": f"{end:%H:00}"}
    offer = workflow(send("offer"))
    upload(shop, {**files_of(year=offer), "settings.json": settings(quiet_hours=clock)})
    tell(shop, "Checkout Started")
    assert run(shop, "year", "offer", execution_no=0)["next"] == "end"
    start = held(shop).resume_point
    assert start is not None
    assert (start.deferred, start.block_seq) == ("offer: quiet hours", 0)
    assert timedelta(hours=1) < start.due - now < timedelta(hours=4)
    assert shop.cloud.post.sent == []
    trigger_date({}, None)
    assert len(executions(shop)) == 1
    upload(shop, {"settings.json": settings()})
    make_due(shop)
    trigger_date({}, None)
    assert executions(shop)[1] == {**executions(shop)[0], "execution_no": 1, "block": "offer"}
    run_steps(executions(shop)[1], None)
    assert held(shop).status == "completed"
    assert len(shop.cloud.post.sent) == 1
