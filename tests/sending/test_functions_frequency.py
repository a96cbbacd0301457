"""How often a reader wants mail: said on the page of preferences, held through the functions."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.preferences.app import handler as preferences
from functions.run_steps.app import handler as run_steps
from functions.trigger_date.app import handler as trigger_date
from milepost.base.refs import EnrollmentRef
from milepost.contacts.event import contact_id
from milepost.contacts.recent_marketing import to_numbers
from milepost.enrollments.enrollment import Enrollment
from milepost.sending.link_tokens import PreferencesLink, seal_preferences
from milepost.wiring import tables
from tests.runtime.test_functions_merging import OTHER, post, settle
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


def wish(shop: Shop, often: str) -> None:
    """Ann says on her page how often she wants mail."""
    claim = PreferencesLink(shop.store, ann(shop), f"{ann(shop)}-{'1' * 24}")
    known = {item["sk"]["S"] for item in shop.events()}
    made = press(shop, seal_preferences(claim, shop.links), {"action": "save", "frequency": often})
    assert preferences(made, None)["statusCode"] == 200
    pass_on(shop, known)


def ledger(shop: Shop) -> dict[str, tuple[str, str]]:
    """What became of each step, and why."""
    return {
        item["step"]["S"]: (item["status"]["S"], item.get("reason", {}).get("S", ""))
        for item in shop.items("MESSAGE#")
    }


def age(shop: Shop, days: int) -> None:
    """Have all that Ann was mailed be so many days older."""
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


def begun(shop: Shop, flow: Json) -> None:
    upload(shop, files_of(flow=flow))
    tell(shop, "Checkout Started")
    run(shop, "flow", "first")
    assert ledger(shop) == {"first": ACCEPTED}


@pytest.mark.parametrize(("often", "days"), [("weekly", 7), ("monthly", 30)])
def test_the_next_mail_goes_when_the_time_that_was_asked_for_has_passed(
    shop: Shop, often: str, days: int
) -> None:
    begun(shop, series())
    wish(shop, often)
    age(shop, days - 1)
    run(shop, "flow", "second", turn=1)
    assert ledger(shop)["second"] == ("skipped", f"reader wants {often} mail")
    age(shop, 1)
    run(shop, "flow", "last", turn=2)
    assert ledger(shop)["last"] == ACCEPTED


def test_who_changes_their_mind_meanwhile_is_obeyed_at_the_next_mail(shop: Shop) -> None:
    begun(shop, series())
    wish(shop, "weekly")
    run(shop, "flow", "second", turn=1)
    wish(shop, "all")
    run(shop, "flow", "last", turn=2)
    assert ledger(shop) == {"first": ACCEPTED, "second": WEEKLY, "last": ACCEPTED}


def test_what_concerns_an_order_is_told_whatever_was_asked_for(shop: Shop) -> None:
    begun(shop, series(category="transactional"))
    wish(shop, "monthly")
    run(shop, "flow", "second", turn=1)
    assert ledger(shop)["second"] == ACCEPTED


# --- mail that waits ---


def executions(shop: Shop) -> list[Json]:
    found = [json.loads(each["input"]) for each in shop.cloud.executions(machine_of(shop, "flow"))]
    return sorted(found, key=lambda given: int(given["execution_no"]))


def held(shop: Shop) -> Enrollment:
    loaded = tables.enrollments().load(EnrollmentRef.from_json(executions(shop)[0]["enrollment"]))
    assert loaded is not None
    return loaded[1]


def wait_over(shop: Shop) -> None:
    """The clock comes to what waits, and Step Functions runs it."""
    parked = held(shop)
    assert parked.resume_point is not None
    start = parked.resume_point._replace(due=datetime.now(UTC) - timedelta(seconds=1))
    assert tables.enrollments().reschedule(parked.ref, parked.execution_no, start)
    trigger_date({}, None)
    run_steps(executions(shop)[-1], None)


def test_a_mail_that_may_wait_goes_a_week_after_the_last_one(shop: Shop) -> None:
    begun(shop, series(on_cap="defer"))
    wish(shop, "weekly")
    assert run(shop, "flow", "second", turn=1)["next"] == "end"
    start = held(shop).resume_point
    assert start is not None
    assert start.deferred == "second: reader wants weekly mail"
    assert timedelta(days=6) <= start.due - datetime.now(UTC) <= timedelta(days=7, minutes=10)
    age(shop, 7)
    wait_over(shop)
    assert ledger(shop) == {"first": ACCEPTED, "second": ACCEPTED}


def test_a_mail_that_waits_for_a_week_is_left_out_once_its_reader_wants_one_a_month(
    shop: Shop,
) -> None:
    begun(shop, series(on_cap="defer"))
    wish(shop, "weekly")
    run(shop, "flow", "second", turn=1)
    wish(shop, "monthly")
    age(shop, 7)
    wait_over(shop)
    assert ledger(shop)["second"] == ("skipped", "deferred too long")


# --- people who turn out to be one, and people of a file ---


def test_the_wish_of_one_name_holds_for_all_names_of_a_person(shop: Shop) -> None:
    """Ann is inside under another address when she says under this one what she wants."""
    upload(shop, files_of(flow=series()))
    tell(shop, "Order Completed")
    wish(shop, "weekly")
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
    settle(shop, seen)
    assert held_as(shop, "email", EMAIL) == held_as(shop, "email", OTHER)
    run(shop, "flow", "second", turn=1)
    assert ledger(shop) == {"first": ACCEPTED, "second": WEEKLY}


def test_a_file_of_contacts_lifts_no_wish(shop: Shop) -> None:
    begun(shop, series())
    wish(shop, "weekly")
    put(shop, "imports/people.import.json", {})
    line = {"email": EMAIL, "frequency": "all", "properties": {"frequency": "all"}}
    bring(shop, "imports/people.jsonl", json.dumps(line))
    assert report(shop)["counts"]["updated"] == 1
    run(shop, "flow", "second", turn=1)
    assert ledger(shop)["second"] == WEEKLY
