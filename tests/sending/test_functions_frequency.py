"""The frequency that a contact chooses on the preferences page, through the functions."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.preferences.app import handler as preferences
from functions.run_steps.app import handler as run_steps
from functions.trigger_date.app import handler as trigger_date
from milepost.base.names import EnrollmentRef
from milepost.contacts.event import contact_id
from milepost.contacts.recent_marketing import to_numbers
from milepost.enrollments.enrollment import Enrollment
from milepost.sending.links import PreferencesLink, seal_preferences
from milepost.wiring import tables
from tests.runtime.test_functions_merging import OTHER, post, run_react
from tests.runtime.test_functions_merging import held as held_as
from tests.support.builders import delay, send, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import EMAIL, Shop
from tests.support.handlers import ago, machine_of, pass_on, run, tell, upload
from tests.support.transfers import bring, put, report
from tests.support.visitors import press

Json = dict[str, Any]
WEEKLY = ("skipped", "reader wants weekly mail")
ACCEPTED = ("accepted", "")


def series(**step: Any) -> Json:
    return workflow(
        send("first"), delay("1 day"), send("second", **step), delay("1 day", "rest"), send("last")
    )


def ann(shop: Shop) -> str:
    return contact_id(shop.store, "email", EMAIL)


def choose_frequency(shop: Shop, often: str) -> None:
    """Ann chooses a frequency on her preferences page."""
    claim = PreferencesLink(shop.store, ann(shop), f"{ann(shop)}-{'1' * 24}")
    events_before = {item["sk"]["S"] for item in shop.events()}
    made = press(shop, seal_preferences(claim, shop.links), {"action": "save", "frequency": often})
    assert preferences(made, None)["statusCode"] == 200
    pass_on(shop, events_before)


def ledger(shop: Shop) -> dict[str, tuple[str, str]]:
    """The status of each step's message, and its reason."""
    return {
        item["step"]["S"]: (item["status"]["S"], item.get("reason", {}).get("S", ""))
        for item in shop.items("MESSAGE#")
    }


def age_messages(shop: Shop, days: int) -> None:
    """Make all of Ann's messages this many days older."""
    profile = tables.contacts().profile(shop.store, ann(shop))
    assert profile is not None
    older = {key: at - timedelta(days=days) for key, at in profile.recent_sends.items()}
    values = {key: {"N": str(number)} for key, number in to_numbers(older).items()}
    shop.cloud.dynamodb.update_item(
        TableName="milepost-contacts",
        Key={"pk": {"S": f"S#{shop.store}#C#{profile.contact}"}, "sk": {"S": "PROFILE"}},
        UpdateExpression="SET recent_sends = :older",
        ExpressionAttributeValues={":older": {"M": values}},
    )


def start_workflow(shop: Shop, flow: Json) -> None:
    upload(shop, files_of(flow=flow))
    tell(shop, "Checkout Started")
    run(shop, "flow", "first")
    assert ledger(shop) == {"first": ACCEPTED}


@pytest.mark.parametrize(("often", "days"), [("weekly", 7), ("monthly", 30)])
def test_next_marketing_goes_after_chosen_interval(shop: Shop, often: str, days: int) -> None:
    start_workflow(shop, series())
    choose_frequency(shop, often)
    age_messages(shop, days - 1)
    run(shop, "flow", "second", block_seq=1)
    assert ledger(shop)["second"] == ("skipped", f"reader wants {often} mail")
    age_messages(shop, 1)
    run(shop, "flow", "last", block_seq=2)
    assert ledger(shop)["last"] == ACCEPTED


def test_changed_frequency_applies_to_next_message(shop: Shop) -> None:
    start_workflow(shop, series())
    choose_frequency(shop, "weekly")
    run(shop, "flow", "second", block_seq=1)
    choose_frequency(shop, "all")
    run(shop, "flow", "last", block_seq=2)
    assert ledger(shop) == {"first": ACCEPTED, "second": WEEKLY, "last": ACCEPTED}


def test_transactional_message_ignores_frequency(shop: Shop) -> None:
    start_workflow(shop, series(category="transactional"))
    choose_frequency(shop, "monthly")
    run(shop, "flow", "second", block_seq=1)
    assert ledger(shop)["second"] == ACCEPTED


# --- mail that waits ---


def executions(shop: Shop) -> list[Json]:
    found = [json.loads(each["input"]) for each in shop.cloud.executions(machine_of(shop, "flow"))]
    return sorted(found, key=lambda given: int(given["execution_no"]))


def suspended(shop: Shop) -> Enrollment:
    loaded = tables.enrollments().load(EnrollmentRef.from_json(executions(shop)[0]["enrollment"]))
    assert loaded is not None
    return loaded[1]


def resume(shop: Shop) -> None:
    """Let the scheduler resume the suspended enrollment, and Step Functions run it."""
    enrollment = suspended(shop)
    assert enrollment.resume_point is not None
    start = enrollment.resume_point._replace(due=datetime.now(UTC) - timedelta(seconds=1))
    assert tables.enrollments().reschedule(enrollment.ref, enrollment.execution_no, start)
    trigger_date({}, None)
    run_steps(executions(shop)[-1], None)


def test_deferred_message_goes_a_week_after_last_one(shop: Shop) -> None:
    start_workflow(shop, series(on_cap="defer"))
    choose_frequency(shop, "weekly")
    assert run(shop, "flow", "second", block_seq=1)["next"] == "end"
    start = suspended(shop).resume_point
    assert start is not None
    assert start.deferred == "second: reader wants weekly mail"
    assert timedelta(days=6) <= start.due - datetime.now(UTC) <= timedelta(days=7, minutes=10)
    age_messages(shop, 7)
    resume(shop)
    assert ledger(shop) == {"first": ACCEPTED, "second": ACCEPTED}


def test_deferred_message_is_skipped_after_change_to_monthly(
    shop: Shop,
) -> None:
    start_workflow(shop, series(on_cap="defer"))
    choose_frequency(shop, "weekly")
    run(shop, "flow", "second", block_seq=1)
    choose_frequency(shop, "monthly")
    age_messages(shop, 7)
    resume(shop)
    assert ledger(shop)["second"] == ("skipped", "deferred too long")


# --- people who turn out to be one, and people of a file ---


def test_frequency_applies_after_merge_of_contacts(shop: Shop) -> None:
    """Ann is enrolled under another address when she chooses a frequency under this one."""
    upload(shop, files_of(flow=series()))
    tell(shop, "Order Completed")
    choose_frequency(shop, "weekly")
    consent = [{"topic": "offers", "state": "granted", "at": ago(hours=2)}]
    tell(shop, "Checkout Started", contact={"email": OTHER, "consent": consent})
    run(shop, "flow", "first")
    seen = {(item["pk"]["S"], item["sk"]["S"]) for item in shop.events()}
    post(
        shop,
        *(
            {"event": "Account Linked", "contact": {"external_id": "7", "email": address}}
            for address in (OTHER, EMAIL)
        ),
    )
    run_react(shop, seen)
    assert held_as(shop, "email", EMAIL) == held_as(shop, "email", OTHER)
    run(shop, "flow", "second", block_seq=1)
    assert ledger(shop) == {"first": ACCEPTED, "second": WEEKLY}


def test_import_does_not_change_frequency(shop: Shop) -> None:
    start_workflow(shop, series())
    choose_frequency(shop, "weekly")
    put(shop, "imports/people.import.json", {})
    line = {"email": EMAIL, "frequency": "all", "properties": {"frequency": "all"}}
    bring(shop, "imports/people.jsonl", json.dumps(line))
    assert report(shop)["counts"]["updated"] == 1
    run(shop, "flow", "second", block_seq=1)
    assert ledger(shop)["second"] == WEEKLY
