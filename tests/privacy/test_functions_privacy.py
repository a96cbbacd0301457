"""A person's data, handed out or erased: through the API, through Shopify, and without a trace."""

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
from milepost.contacts.event import contact_id
from milepost.contacts.suppression import address_hash
from milepost.privacy import erase
from milepost.sending.link_tokens import PreferencesLink, seal_preferences
from milepost.wiring import core
from milepost.wiring import privacy as privacy_wiring
from tests.support.aws_events import posted, queued
from tests.support.builders import send, wait_for, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import BUCKET, EMAIL, FIRST_NAME, PERSONAL, PHONE, Cloud, Printed, Shop
from tests.support.events import load, signed_shopify
from tests.support.handlers import learn, machine_of, pass_on, run, tell, told, upload
from tests.support.port_recorder import Answered, Caller, request

Json = dict[str, Any]
READ = "GET /v1/{store}/contacts/{contact}"
ERASE = "DELETE /v1/{store}/contacts/{contact}"
EXPORT = "POST /v1/{store}/contacts/{contact}/export"
REQUEST = "GET /v1/{store}/privacy/{request}"
PERSON = {
    "email": EMAIL, "first_name": FIRST_NAME, "phone": PHONE, "external_id": f"id-of-{EMAIL}",
    "device_id": "d-canary", "properties": {"note": f"call {PHONE}"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The second pass follows at once; how it waits is told in `tests/journeys/test_erasure.py`."""
    monkeypatch.setattr(erase, "GRACE_PERIOD", timedelta(0))
    yield
    queue, url = boto3.client("sqs"), core.settings().privacy_queue
    while messages := queue.receive_message(QueueUrl=url).get("Messages"):
        for message in messages:
            queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


@pytest.fixture
def call(shop: Shop) -> Caller:
    return Caller(contacts, shop.store, shop.signing)


def wren(shop: Shop) -> str:
    return contact_id(shop.store, "email", EMAIL)


def work_off() -> list[str]:
    """Have the function carry out all that is in the queue; the bodies that it was given."""
    queue, url = boto3.client("sqs"), core.settings().privacy_queue
    done: list[str] = []
    while messages := queue.receive_message(QueueUrl=url).get("Messages"):
        for message in messages:
            done.append(message["Body"])
            assert privacy(queued(message["Body"]), None) == {"batchItemFailures": []}
            queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        assert len(done) < 50
    return done


def live(shop: Shop) -> None:
    """All that can leave a trace: events, a mail, a click, a wait, ids that hold an address."""
    upload(shop, files_of(cart=workflow(send("first"), wait_for("answer", "Replied", "9 days"))))
    tell(shop, "Signed Up", contact=PERSON | {"consent": [
        {"topic": "offers", "state": "granted", "consent_text": f"I, {FIRST_NAME}, agree",
         "ip": "203.0.113.9"}
    ]})  # fmt: skip
    tell(shop, "Checkout Started", {"total": 150, "name": FIRST_NAME}, id=f"cart-of-{EMAIL}")
    run(shop, "cart", "first")
    (message,) = shop.items("MESSAGE#")
    ref = message["sk"]["S"].removeprefix("MESSAGE#")
    assert learn(told(ref, "click", shop)) == []
    event = {"event": "Undated", "id": f"of-{EMAIL}", "contact": {"email": EMAIL}}
    assert trigger_event(shop.request(event), None)["statusCode"] == 202


def traces(shop: Shop, *words: str) -> list[str]:
    """Where in all tables, files (of every version) and queues one of these still stands.

    What belongs to other stores is left out: they are other tests'.
    """
    sqs, s3, own = boto3.client("sqs"), shop.cloud.s3, f"S#{shop.store}"
    items = [*shop.cloud.contacts(), *shop.cloud.workflows()]
    held = {
        f"{i['pk']['S']} {i['sk']['S']}": json.dumps(i, default=str)
        for i in items
        if not i["pk"]["S"].startswith("S#")
        or i["pk"]["S"].partition("#")[2].split("#")[0] == shop.store
    }
    assert any(place.startswith(own) for place in held)
    for version in s3.list_object_versions(Bucket=BUCKET, Prefix=shop.store).get("Versions", []):
        place = {"Key": version["Key"], "VersionId": version["VersionId"]}
        body = s3.get_object(Bucket=BUCKET, **place)["Body"].read()
        held[version["Key"]] = version["Key"] + body.decode("utf-8", "replace")
    for url in sqs.list_queues().get("QueueUrls", []):
        for each in sqs.receive_message(QueueUrl=url, VisibilityTimeout=0).get("Messages", []):
            held[url] = each["Body"]
    wanted = [word.lower() for word in words]
    return [place for place, text in held.items() if any(word in text.lower() for word in wanted)]


def ask(call: Caller, route: str, contact: str, **more: Any) -> Json:
    asked = call(route, contact=contact, **more)
    assert asked.status == 202, asked
    return dict(asked.body)


def shopify(shop: Shop, name: str, secret: str = "", **changes: Any) -> Answered:
    raw, headers = signed_shopify(
        load("shopify_compliance", name).but(**changes), secret or shop.shopify
    )
    request = posted("webhook.post", raw, headers, store=shop.store, source="shopify")
    answer = trigger_webhook(request, None)
    return Answered(answer["statusCode"], json.loads(answer["body"]))


# --- erasure ---


def test_no_table_file_queue_or_log_knows_who_was_erased(
    cloud: Cloud, shop: Shop, call: Caller, printed: Printed
) -> None:
    live(shop)
    ask(call, EXPORT, wren(shop))
    work_off()
    assert len(traces(shop, *PERSONAL)) > 10
    asked = ask(call, ERASE, wren(shop))
    bodies = work_off()
    assert traces(shop, *PERSONAL, "203.0.113.9", "d-canary") == []
    kept = {i["sk"]["S"] for i in shop.items()}
    assert kept == {"ERASED", "SUPPRESSION", "REQUEST"}
    assert [i["pk"]["S"] for i in shop.items("SUPPRESSION")] == [
        f"S#{shop.store}#X#{address_hash(EMAIL)}"
    ]
    assert all(wren(shop) not in body for body in bodies)
    assert wren(shop) not in json.dumps(shop.items("REQUEST"))
    proof = call(REQUEST, request=asked["id"]).body
    assert (proof["status"], proof["kind"], proof["url"]) == ("done", "erase", None)
    assert proof["items"] > 15
    assert proof["done_at"] >= proof["asked_at"]
    assert printed.leaked() == []
    assert printed.counted("PrivacyRequestsDone") == 2


def test_an_execution_that_waits_is_stopped(shop: Shop, call: Caller) -> None:
    live(shop)
    ask(call, ERASE, wren(shop))
    work_off()
    (execution,) = shop.cloud.executions(machine_of(shop, "cart"))
    assert execution["status"] == "ABORTED"


def test_an_erased_contact_is_unknown(shop: Shop, call: Caller) -> None:
    live(shop)
    ask(call, ERASE, wren(shop))
    work_off()
    assert call(READ, contact=wren(shop)).status == 404
    assert call("POST /v1/{store}/contacts/find", body={"email": EMAIL}).status == 404
    assert call(ERASE, contact=wren(shop)).status == 404


def test_asking_again_under_one_key_is_asking_once(shop: Shop, call: Caller) -> None:
    live(shop)
    key = {"Idempotency-Key": "case-7"}
    first = ask(call, ERASE, wren(shop), headers=key)
    assert ask(call, ERASE, wren(shop), headers=key) == first
    assert ask(call, ERASE, wren(shop))["id"] != first["id"]
    assert ask(call, EXPORT, wren(shop), headers=key)["id"] != first["id"]


def test_a_report_or_a_click_that_comes_after_leaves_nothing(
    cloud: Cloud, shop: Shop, call: Caller
) -> None:
    live(shop)
    (message,) = shop.items("MESSAGE#")
    ref = message["sk"]["S"].removeprefix("MESSAGE#")
    ask(call, ERASE, wren(shop))
    work_off()
    before = cloud.contacts()
    for kind in ("click", "bounce.permanent", "delivery"):
        assert learn(told(ref, kind, shop)) == []
    link = posted("unsubscribe.post", b"List-Unsubscribe=One-Click", as_base64=True,
                  store=shop.store, token=shop.token(wren(shop), message=ref))  # fmt: skip
    assert unsubscribe(link, None)["statusCode"] == 200
    claim = PreferencesLink(shop.store, wren(shop), ref)
    wishes = posted("unsubscribe.post", b"action=save&topic=offers", store=shop.store,
                    token=seal_preferences(claim, shop.links))  # fmt: skip
    assert preferences(wishes, None)["statusCode"] == 404
    assert cloud.contacts() == before


def test_what_shopify_sends_late_of_an_old_order_stays_forgotten(
    cloud: Cloud, shop: Shop, call: Caller
) -> None:
    live(shop)
    ask(call, ERASE, wren(shop))
    work_off()
    tell(shop, "Order Completed", {"order_id": 7}, occurred_at="2026-01-01T00:00:00Z")
    assert traces(shop, *PERSONAL) == []


# --- export ---


def test_an_export_holds_all_that_is_kept_and_can_be_fetched_by_its_link(
    cloud: Cloud, shop: Shop, call: Caller
) -> None:
    live(shop)
    asked = ask(call, EXPORT, wren(shop))
    assert (asked["status"], asked["kind"]) == ("running", "export")
    assert call(REQUEST, request=asked["id"]).body["url"] is None
    work_off()
    told_of = call(REQUEST, request=asked["id"]).body
    assert told_of["status"] == "done"
    key = f"{shop.store}/exports/{asked['id']}.json"
    assert told_of["url"].partition("?")[0].endswith(f"/{key}")
    document = json.loads(cloud.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    tags = cloud.s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]
    assert tags == [{"Key": "milepost", "Value": "exported"}]
    (person,) = document["contacts"]
    assert person["contact"]["email"] == EMAIL
    stored = {
        kind: len(shop.items(kind)) for kind in ("EVENT#", "CONSENT#", "MESSAGE#", "ENROLLMENT#")
    }
    assert stored == {
        "EVENT#": len(person["events"]), "CONSENT#": len(person["consents"]),
        "MESSAGE#": len(person["messages"]), "ENROLLMENT#": len(person["enrollments"]),
    }  # fmt: skip
    assert [each["kind"] for each in person["others"]] == ["export"]


def test_every_item_of_a_contact_is_told_in_an_export(
    cloud: Cloud, shop: Shop, call: Caller
) -> None:
    """Also what a later version will keep under a name that this one does not know."""
    live(shop)
    item = {"pk": {"S": f"S#{shop.store}#C#{wren(shop)}"}, "sk": {"S": "MEMBER#list#vip"},
            "member_bucket": {"S": "x"}, "since": {"S": "2026-01-01"}}  # fmt: skip
    cloud.dynamodb.put_item(TableName="milepost-contacts", Item=item)
    asked = ask(call, EXPORT, wren(shop))
    work_off()
    key = f"{shop.store}/exports/{asked['id']}.json"
    document = json.loads(cloud.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    others = {each["kind"]: each for each in document["contacts"][0]["others"]}
    assert others["member"] == {"kind": "member", "sk": "MEMBER#list#vip", "since": "2026-01-01"}


@pytest.mark.parametrize(
    "request_id", ["", "r", "r" + "0" * 32, "R" + "0" * 32, "#", "../x", "r" + "g" * 32]
)
def test_what_is_no_request_is_unknown(shop: Shop, call: Caller, request_id: str) -> None:
    asked = request(REQUEST, {"store": shop.store, "request": "x"})
    asked["pathParameters"]["request"] = request_id
    asked["headers"]["authorization"] = f"Bearer {shop.bearer}"
    answered = call.send(asked)
    assert (answered.status, answered.error) == (404, "unknown_request")


def test_a_request_of_one_store_is_none_of_another(cloud: Cloud, shop: Shop, call: Caller) -> None:
    live(shop)
    asked = ask(call, EXPORT, wren(shop))
    other = cloud.open_shop()
    elsewhere = Caller(contacts, other.store, other.signing)
    assert elsewhere(REQUEST, request=asked["id"]).status == 404


# --- what Shopify demands of every app ---


def test_a_customer_who_wants_their_data_gets_a_file_and_staff_a_word(
    cloud: Cloud, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(shop)
    said: list[tuple[str, str]] = []

    class Staff:
        def send_alert(self, subject: str, text: str, store: str) -> None:
            assert store == shop.store
            said.append((subject, text))

    clerk = privacy_wiring.clerk()
    monkeypatch.setattr(privacy_wiring, "clerk", lambda: erasing_clerk(clerk, Staff()))
    accepted = shopify(shop, "customers.data_request", customer={"id": 1, "email": EMAIL})
    assert (accepted.status, accepted.body["status"]) == (200, "accepted")
    work_off()
    ((subject, text),) = said
    assert "shopify 9999" in text
    assert not any(word in (subject + text).lower() for word in PERSONAL)
    key = f"{shop.store}/exports/{accepted.body['request']}.json"
    assert EMAIL in cloud.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()


def erasing_clerk(clerk: Any, staff: Any) -> Any:
    return replace(clerk, alerts=staff)


def test_a_customer_who_wants_to_be_forgotten_is(cloud: Cloud, shop: Shop) -> None:
    live(shop)
    accepted = shopify(shop, "customers.redact", customer={"id": 1, "email": EMAIL})
    again = shopify(shop, "customers.redact", customer={"id": 1, "email": EMAIL})
    assert accepted.body == again.body
    work_off()
    assert traces(shop, *PERSONAL) == []


def test_a_customer_is_found_by_number_by_phone_or_by_an_order_alone(
    cloud: Cloud, shop: Shop
) -> None:
    order = load("shopify", "orders.create").but(email=EMAIL, contact_email=EMAIL)
    raw, headers = signed_shopify(order, shop.shopify)
    trigger_webhook(posted("webhook.post", raw, headers, store=shop.store, source="shopify"), None)
    pass_on(shop, set())
    assert traces(shop, EMAIL)
    nobody = {"id": None, "email": None, "phone": None}
    shopify(shop, "customers.redact", customer=nobody, orders_to_redact=[order.body["id"]])
    work_off()
    assert traces(shop, EMAIL) == []


def test_a_shop_that_has_left_is_erased_and_no_other(cloud: Cloud, shop: Shop) -> None:
    other = cloud.open_shop()
    live(shop)
    tell(other, "Signed Up")
    theirs = other.items()
    assert shopify(shop, "shop.redact").body["status"] == "accepted"
    work_off()
    assert other.items() == theirs
    assert {i["sk"]["S"] for i in shop.items()} == {"REQUEST"}
    (proof,) = shop.items("REQUEST")
    assert int(proof["items"]["N"]) > 10


@pytest.mark.parametrize("topic", ["customers.data_request", "customers.redact", "shop.redact"])
def test_a_demand_that_shopify_has_not_signed_changes_nothing(
    cloud: Cloud, shop: Shop, topic: str
) -> None:
    live(shop)
    before = cloud.contacts()
    assert shopify(shop, topic, secret="guessed").status == 401
    assert work_off() == []
    assert cloud.contacts() == before


@pytest.mark.parametrize("topic", ["customers.data_request", "customers.redact", "shop.redact"])
def test_a_demand_for_another_shop_of_the_same_app_is_not_this_stores(
    cloud: Cloud, topic: str
) -> None:
    shop = cloud.open_shop(shopify_domain="another.myshopify.com")
    tell(shop, "Signed Up")
    answered = shopify(shop, topic)
    assert (answered.status, answered.body["reason"]) == (200, "other_shop")
    assert work_off() == []
    own = cloud.open_shop(shopify_domain="Harborline-Goods.myshopify.com")
    assert shopify(own, topic).body["status"] == "accepted"


@pytest.mark.parametrize(
    "customer", [None, {}, {"email": "no address"}, {"id": []}, {"email": 7}, "text"]
)
def test_a_demand_that_names_nobody_is_acknowledged_and_counted(
    shop: Shop, printed: Printed, customer: Any
) -> None:
    answered = shopify(shop, "customers.redact", customer=customer, orders_to_redact=[])
    assert (answered.status, answered.body["status"]) == (200, "ignored")
    assert printed.counted("WebhooksUnreadable") == 1
    assert work_off() == []


# --- the queue ---


NO_SUCH = json.dumps({"store": "shop", "request": "r" + "0" * 32})


@pytest.mark.parametrize("body", ["{}", "[]", "no json", '{"store": "#", "request": "x"}', NO_SUCH])
def test_a_message_that_names_no_request_goes_where_failures_are_kept(body: str) -> None:
    failed = privacy(queued(body), None)["batchItemFailures"]
    assert failed == [{"itemIdentifier": "message-0"}]


def test_a_call_that_runs_out_of_time_goes_on_in_the_next(shop: Shop, call: Caller) -> None:
    live(shop)
    asked = ask(call, ERASE, wren(shop))

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 1000

    body = json.dumps({"store": shop.store, "request": asked["id"]})
    assert privacy(queued(body), Context()) == {"batchItemFailures": []}
    assert call(READ, contact=wren(shop)).status == 200
    work_off()
    assert call(REQUEST, request=asked["id"]).body["status"] == "done"
