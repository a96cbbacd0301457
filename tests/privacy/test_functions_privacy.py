"""Export and erasure through the API and Shopify, and a search for traces after an erasure."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest

from functions.contacts.app import handler as contacts
from functions.preferences.app import handler as preferences
from functions.privacy.app import handler as privacy
from functions.trigger_event.app import handler as trigger_event
from functions.trigger_webhook.app import handler as trigger_webhook
from functions.unsubscribe.app import handler as unsubscribe
from milepost.base.addresses import address_hash
from milepost.contacts.event import contact_id
from milepost.privacy import erase
from milepost.sending.links import PreferencesLink, seal_preferences
from milepost.wiring import core
from milepost.wiring import privacy as privacy_wiring
from tests.support.aws_events import posted, queued
from tests.support.builders import send, wait_for, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import BUCKET, EMAIL, FIRST_NAME, PERSONAL, PHONE, Cloud, Printed, Shop
from tests.support.events import load, signed_shopify
from tests.support.handlers import (
    machine_of,
    pass_on,
    record_ses_events,
    run,
    ses_event,
    tell,
    upload,
)
from tests.support.port_recorder import Answered, Caller, request

Json = dict[str, Any]
READ = "GET /v1/{store}/contacts/{contact}"
ERASE = "DELETE /v1/{store}/contacts/{contact}"
EXPORT = "POST /v1/{store}/contacts/{contact}/export"
REQUEST = "GET /v1/{store}/privacy/{request}"
PERSON = {
    "email": EMAIL,
    "first_name": FIRST_NAME,
    "phone": PHONE,
    "external_id": f"id-of-{EMAIL}",
    "device_id": "d-canary",
    "properties": {"note": f"call {PHONE}"},
}


@pytest.fixture(autouse=True)
def no_grace_period(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run the second pass at once. `tests/journeys/test_erasure.py` tests the grace period."""
    monkeypatch.setattr(erase, "GRACE_PERIOD", timedelta(0))
    yield
    queue, url = boto3.client("sqs"), core.settings().privacy_queue
    while messages := queue.receive_message(QueueUrl=url).get("Messages"):
        for message in messages:
            queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


@pytest.fixture
def call(shop: Shop) -> Caller:
    return Caller(contacts, shop.store, shop.signing)


def contact_of(shop: Shop) -> str:
    return contact_id(shop.store, "email", EMAIL)


def process_queue() -> list[str]:
    """Let the function process the queue, and return the bodies of its messages."""
    queue, url = boto3.client("sqs"), core.settings().privacy_queue
    done: list[str] = []
    while messages := queue.receive_message(QueueUrl=url).get("Messages"):
        for message in messages:
            done.append(message["Body"])
            assert privacy(queued(message["Body"]), None) == {"batchItemFailures": []}
            queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        assert len(done) < 50
    return done


def create_history(shop: Shop) -> None:
    """Store all that can leave a trace: events, mail, a click, a wait, ids with an address."""
    upload(shop, files_of(cart=workflow(send("first"), wait_for("answer", "Replied", "9 days"))))
    tell(
        shop,
        "Signed Up",
        contact=PERSON
        | {
            "consent": [
                {
                    "topic": "offers",
                    "state": "granted",
                    "consent_text": f"I, {FIRST_NAME}, agree",
                    "ip": "203.0.113.9",
                }
            ]
        },
    )
    tell(shop, "Checkout Started", {"total": 150, "name": FIRST_NAME}, id=f"cart-of-{EMAIL}")
    run(shop, "cart", "first")
    (message,) = shop.items("MESSAGE#")
    ref = message["sk"]["S"].removeprefix("MESSAGE#")
    assert record_ses_events(ses_event(ref, "click", shop)) == []
    event = {"event": "Undated", "id": f"of-{EMAIL}", "contact": {"email": EMAIL}}
    assert trigger_event(shop.request(event), None)["statusCode"] == 202


def traces(shop: Shop, *words: str) -> list[str]:
    """The places in all tables, file versions and queues that contain one of these words.

    Items of other stores are left out, because they belong to other tests.
    """
    sqs, s3, own = boto3.client("sqs"), shop.cloud.s3, f"S#{shop.store}"
    items = [*shop.cloud.contacts(), *shop.cloud.workflows()]
    texts = {
        f"{i['pk']['S']} {i['sk']['S']}": json.dumps(i, default=str)
        for i in items
        if not i["pk"]["S"].startswith("S#")
        or i["pk"]["S"].partition("#")[2].split("#")[0] == shop.store
    }
    assert any(place.startswith(own) for place in texts)
    for version in s3.list_object_versions(Bucket=BUCKET, Prefix=shop.store).get("Versions", []):
        place = {"Key": version["Key"], "VersionId": version["VersionId"]}
        body = s3.get_object(Bucket=BUCKET, **place)["Body"].read()
        texts[version["Key"]] = version["Key"] + body.decode("utf-8", "replace")
    for url in sqs.list_queues().get("QueueUrls", []):
        for each in sqs.receive_message(QueueUrl=url, VisibilityTimeout=0).get("Messages", []):
            texts[url] = each["Body"]
    wanted = [word.lower() for word in words]
    return [place for place, text in texts.items() if any(word in text.lower() for word in wanted)]


def ask(call: Caller, route: str, contact: str, **more: Any) -> Json:
    response = call(route, contact=contact, **more)
    assert response.status == 202, response
    return dict(response.body)


def shopify(shop: Shop, name: str, secret: str = "", **changes: Any) -> Answered:
    raw, headers = signed_shopify(
        load("shopify_compliance", name).but(**changes), secret or shop.shopify
    )
    request = posted("webhook.post", raw, headers, store=shop.store, source="shopify")
    answer = trigger_webhook(request, None)
    return Answered(answer["statusCode"], json.loads(answer["body"]))


# --- erasure ---


def test_erased_person_is_in_no_table_file_queue_or_log(
    cloud: Cloud, shop: Shop, call: Caller, printed: Printed
) -> None:
    create_history(shop)
    ask(call, EXPORT, contact_of(shop))
    process_queue()
    assert len(traces(shop, *PERSONAL)) > 10
    request_body = ask(call, ERASE, contact_of(shop))
    bodies = process_queue()
    assert traces(shop, *PERSONAL, "203.0.113.9", "d-canary") == []
    kept = {i["sk"]["S"] for i in shop.items()}
    assert kept == {"ERASED", "SUPPRESSION", "REQUEST"}
    assert [i["pk"]["S"] for i in shop.items("SUPPRESSION")] == [
        f"S#{shop.store}#X#{address_hash(EMAIL)}"
    ]
    assert all(contact_of(shop) not in body for body in bodies)
    assert contact_of(shop) not in json.dumps(shop.items("REQUEST"))
    proof = call(REQUEST, request=request_body["id"]).body
    assert (proof["status"], proof["kind"], proof["url"]) == ("done", "erase", None)
    assert proof["items"] > 15
    assert proof["done_at"] >= proof["asked_at"]
    assert printed.leaked() == []
    assert printed.counted("PrivacyRequestsDone") == 2


def test_erasure_stops_a_waiting_execution(shop: Shop, call: Caller) -> None:
    create_history(shop)
    ask(call, ERASE, contact_of(shop))
    process_queue()
    (execution,) = shop.cloud.executions(machine_of(shop, "cart"))
    assert execution["status"] == "ABORTED"


def test_erased_contact_is_unknown_to_the_api(shop: Shop, call: Caller) -> None:
    create_history(shop)
    ask(call, ERASE, contact_of(shop))
    process_queue()
    assert call(READ, contact=contact_of(shop)).status == 404
    assert call("POST /v1/{store}/contacts/find", body={"email": EMAIL}).status == 404
    assert call(ERASE, contact=contact_of(shop)).status == 404


def test_repeated_request_with_the_same_key_is_one_request(shop: Shop, call: Caller) -> None:
    create_history(shop)
    key = {"Idempotency-Key": "case-7"}
    first = ask(call, ERASE, contact_of(shop), headers=key)
    assert ask(call, ERASE, contact_of(shop), headers=key) == first
    assert ask(call, ERASE, contact_of(shop))["id"] != first["id"]
    assert ask(call, EXPORT, contact_of(shop), headers=key)["id"] != first["id"]


def test_delivery_event_or_click_after_erasure_leaves_nothing(
    cloud: Cloud, shop: Shop, call: Caller
) -> None:
    create_history(shop)
    (message,) = shop.items("MESSAGE#")
    ref = message["sk"]["S"].removeprefix("MESSAGE#")
    ask(call, ERASE, contact_of(shop))
    process_queue()
    before = cloud.contacts()
    for kind in ("click", "bounce.permanent", "delivery"):
        assert record_ses_events(ses_event(ref, kind, shop)) == []
    link = posted(
        "unsubscribe.post",
        b"List-Unsubscribe=One-Click",
        as_base64=True,
        store=shop.store,
        token=shop.token(contact_of(shop), message=ref),
    )
    assert unsubscribe(link, None)["statusCode"] == 200
    claim = PreferencesLink(shop.store, contact_of(shop), ref)
    preference_form = posted(
        "unsubscribe.post",
        b"action=save&topic=offers",
        store=shop.store,
        token=seal_preferences(claim, shop.links),
    )
    assert preferences(preference_form, None)["statusCode"] == 404
    assert cloud.contacts() == before


def test_old_shop_event_after_erasure_stays_ignored(cloud: Cloud, shop: Shop, call: Caller) -> None:
    create_history(shop)
    ask(call, ERASE, contact_of(shop))
    process_queue()
    tell(shop, "Order Completed", {"order_id": 7}, occurred_at="2026-01-01T00:00:00Z")
    assert traces(shop, *PERSONAL) == []


# --- export ---


def test_export_contains_all_records_and_has_a_link(cloud: Cloud, shop: Shop, call: Caller) -> None:
    create_history(shop)
    request_body = ask(call, EXPORT, contact_of(shop))
    assert (request_body["status"], request_body["kind"]) == ("running", "export")
    assert call(REQUEST, request=request_body["id"]).body["url"] is None
    process_queue()
    finished = call(REQUEST, request=request_body["id"]).body
    assert finished["status"] == "done"
    key = f"{shop.store}/exports/{request_body['id']}.json"
    assert finished["url"].partition("?")[0].endswith(f"/{key}")
    document = json.loads(cloud.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    tags = cloud.s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]
    assert tags == [{"Key": "milepost", "Value": "exported"}]
    (person,) = document["contacts"]
    assert person["contact"]["email"] == EMAIL
    stored = {
        kind: len(shop.items(kind)) for kind in ("EVENT#", "CONSENT#", "MESSAGE#", "ENROLLMENT#")
    }
    assert stored == {
        "EVENT#": len(person["events"]),
        "CONSENT#": len(person["consents"]),
        "MESSAGE#": len(person["messages"]),
        "ENROLLMENT#": len(person["enrollments"]),
    }
    assert [each["kind"] for each in person["others"]] == ["export"]


def test_export_contains_items_of_unknown_kinds(cloud: Cloud, shop: Shop, call: Caller) -> None:
    """This includes items of later versions, whose kind this version does not know."""
    create_history(shop)
    item = {
        "pk": {"S": f"S#{shop.store}#C#{contact_of(shop)}"},
        "sk": {"S": "MEMBER#list#vip"},
        "member_bucket": {"S": "x"},
        "since": {"S": "2026-01-01"},
    }
    cloud.dynamodb.put_item(TableName="milepost-contacts", Item=item)
    request_body = ask(call, EXPORT, contact_of(shop))
    process_queue()
    key = f"{shop.store}/exports/{request_body['id']}.json"
    document = json.loads(cloud.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    others = {each["kind"]: each for each in document["contacts"][0]["others"]}
    assert others["member"] == {"kind": "member", "sk": "MEMBER#list#vip", "since": "2026-01-01"}


@pytest.mark.parametrize(
    "request_id", ["", "r", "r" + "0" * 32, "R" + "0" * 32, "#", "../x", "r" + "g" * 32]
)
def test_unknown_privacy_request_is_404(shop: Shop, call: Caller, request_id: str) -> None:
    api_request = request(REQUEST, {"store": shop.store, "request": "x"})
    api_request["pathParameters"]["request"] = request_id
    api_request["headers"]["authorization"] = f"Bearer {shop.bearer}"
    answered = call.send(api_request)
    assert (answered.status, answered.error) == (404, "unknown_request")


def test_privacy_request_is_invisible_to_another_store(
    cloud: Cloud, shop: Shop, call: Caller
) -> None:
    create_history(shop)
    request_body = ask(call, EXPORT, contact_of(shop))
    other = cloud.open_shop()
    elsewhere = Caller(contacts, other.store, other.signing)
    assert elsewhere(REQUEST, request=request_body["id"]).status == 404


# --- mandatory requests of Shopify ---


def test_shopify_data_request_creates_a_file_and_alerts_staff(
    cloud: Cloud, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_history(shop)
    alerts: list[tuple[str, str]] = []

    class Staff:
        def send_alert(self, subject: str, text: str, store: str) -> None:
            assert store == shop.store
            alerts.append((subject, text))

    worker = privacy_wiring.request_worker()
    monkeypatch.setattr(
        privacy_wiring, "request_worker", lambda: worker_with_alerts(worker, Staff())
    )
    accepted = shopify(shop, "customers.data_request", customer={"id": 1, "email": EMAIL})
    assert (accepted.status, accepted.body["status"]) == (200, "accepted")
    process_queue()
    ((subject, text),) = alerts
    assert "shopify 9999" in text
    assert not any(word in (subject + text).lower() for word in PERSONAL)
    key = f"{shop.store}/exports/{accepted.body['request']}.json"
    assert EMAIL in cloud.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()


def worker_with_alerts(worker: Any, staff: Any) -> Any:
    return replace(worker, alerts=staff)


def test_shopify_redact_request_erases_the_customer(cloud: Cloud, shop: Shop) -> None:
    create_history(shop)
    accepted = shopify(shop, "customers.redact", customer={"id": 1, "email": EMAIL})
    again = shopify(shop, "customers.redact", customer={"id": 1, "email": EMAIL})
    assert accepted.body == again.body
    process_queue()
    assert traces(shop, *PERSONAL) == []


def test_redact_request_finds_a_customer_by_order_alone(cloud: Cloud, shop: Shop) -> None:
    order = load("shopify", "orders.create").but(email=EMAIL, contact_email=EMAIL)
    raw, headers = signed_shopify(order, shop.shopify)
    trigger_webhook(posted("webhook.post", raw, headers, store=shop.store, source="shopify"), None)
    pass_on(shop, set())
    assert traces(shop, EMAIL)
    anonymous = {"id": None, "email": None, "phone": None}
    shopify(shop, "customers.redact", customer=anonymous, orders_to_redact=[order.body["id"]])
    process_queue()
    assert traces(shop, EMAIL) == []


def test_shop_redact_erases_that_store_and_no_other(cloud: Cloud, shop: Shop) -> None:
    other = cloud.open_shop()
    create_history(shop)
    tell(other, "Signed Up")
    items_of_other = other.items()
    assert shopify(shop, "shop.redact").body["status"] == "accepted"
    process_queue()
    assert other.items() == items_of_other
    assert {i["sk"]["S"] for i in shop.items()} == {"REQUEST"}
    (proof,) = shop.items("REQUEST")
    assert int(proof["items"]["N"]) > 10


@pytest.mark.parametrize("topic", ["customers.data_request", "customers.redact", "shop.redact"])
def test_unsigned_shopify_request_changes_nothing(cloud: Cloud, shop: Shop, topic: str) -> None:
    create_history(shop)
    before = cloud.contacts()
    assert shopify(shop, topic, secret="guessed").status == 401
    assert process_queue() == []
    assert cloud.contacts() == before


@pytest.mark.parametrize("topic", ["customers.data_request", "customers.redact", "shop.redact"])
def test_request_for_another_shop_of_the_app_is_ignored(cloud: Cloud, topic: str) -> None:
    shop = cloud.open_shop(shopify_domain="another.myshopify.com")
    tell(shop, "Signed Up")
    answered = shopify(shop, topic)
    assert (answered.status, answered.body["reason"]) == (200, "other_shop")
    assert process_queue() == []
    own = cloud.open_shop(shopify_domain="Harborline-Goods.myshopify.com")
    assert shopify(own, topic).body["status"] == "accepted"


@pytest.mark.parametrize(
    "customer", [None, {}, {"email": "no address"}, {"id": []}, {"email": 7}, "text"]
)
def test_request_that_names_no_person_is_acknowledged_and_counted(
    shop: Shop, printed: Printed, customer: Any
) -> None:
    answered = shopify(shop, "customers.redact", customer=customer, orders_to_redact=[])
    assert (answered.status, answered.body["status"]) == (200, "ignored")
    assert printed.counted("WebhooksUnreadable") == 1
    assert process_queue() == []


# --- the queue ---


UNKNOWN_REQUEST = json.dumps({"store": "shop", "request": "r" + "0" * 32})


@pytest.mark.parametrize(
    "body", ["{}", "[]", "no json", '{"store": "#", "request": "x"}', UNKNOWN_REQUEST]
)
def test_message_without_a_request_goes_to_the_dead_letter_queue(body: str) -> None:
    failed = privacy(queued(body), None)["batchItemFailures"]
    assert failed == [{"itemIdentifier": "message-0"}]


def test_call_that_runs_out_of_time_continues_in_the_next(shop: Shop, call: Caller) -> None:
    create_history(shop)
    request_body = ask(call, ERASE, contact_of(shop))

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 1000

    body = json.dumps({"store": shop.store, "request": request_body["id"]})
    assert privacy(queued(body), Context()) == {"batchItemFailures": []}
    assert call(READ, contact=contact_of(shop)).status == 200
    process_queue()
    assert call(REQUEST, request=request_body["id"]).body["status"] == "done"
