"""POST /v1/{store}/events: from the request that API Gateway hands over to the stored item."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from functions.trigger_event.app import handler
from milepost.base.signatures import sign_body
from milepost.contacts.event import decode_body
from tests.support.aws_events import posted, sample
from tests.support.cloud import EMAIL, FIRST_NAME, PHONE, Cloud, Printed, Shop

Json = dict[str, Any]
HOUR_AGO = (datetime.now(UTC) - timedelta(hours=1)).isoformat()


def event(**changes: Any) -> Json:
    return {
        "id": "evt-1",
        "event": "Checkout Started",
        "occurred_at": HOUR_AGO,
        "contact": {"email": EMAIL, "first_name": FIRST_NAME, "phone": PHONE},
        "properties": {"checkout_id": "c-1", "total": "421.88"},
        **changes,
    }


def without(document: Json, *names: str) -> Json:
    return {name: value for name, value in document.items() if name not in names}


def call(request: Json) -> tuple[int, Any]:
    response = handler(request, None)
    assert response["headers"]["content-type"] == "application/json"
    assert response["headers"]["cache-control"] == "no-store"
    return response["statusCode"], json.loads(response["body"])


def refused(request: Json, status: int, code: str, field: str | None = None) -> str:
    """Assert the one shape of all errors; the message."""
    got, body = call(request)
    assert (got, body["error"]["code"]) == (status, code)
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"code", "message", "field"}
    assert body["error"]["field"] == field
    assert body["error"]["message"]
    return str(body["error"]["message"])


# --- what is taken ---


def test_an_event_is_kept_with_everything_it_said(shop: Shop) -> None:
    consent = {"topic": "offers", "state": "granted", "at": HOUR_AGO, "method": "checkbox"}
    contact = {"email": f"  {EMAIL.upper()} ", "locale": "nb-NO", "properties": {"vip": True}}
    status, body = call(shop.request(event(contact={**contact, "consent": [consent]})))
    assert (status, body) == (202, {"id": "evt-1", "status": "accepted"})
    (item,) = shop.events()
    identifiers, data, facts = decode_body(item["body"]["S"])
    assert item["name"]["S"] == "Checkout Started"
    assert item["source"]["S"] == "api"
    assert identifiers == {"email": EMAIL}
    assert data == {"checkout_id": "c-1", "total": "421.88"}
    assert (facts.fields["locale"], facts.properties) == ("nb-NO", {"vip": True})
    assert [(c.topic, c.state, c.method) for c in facts.consents] == [
        ("offers", "granted", "checkbox")
    ]


def test_an_event_is_forgotten_when_its_retention_is_over(shop: Shop) -> None:
    call(shop.request(event(occurred_at="2026-01-01T00:00:00Z")))
    (item,) = shop.events()
    assert int(item["expires_at"]["N"]) == datetime(2027, 2, 5, tzinfo=UTC).timestamp()


def test_the_same_event_again_is_a_duplicate_and_kept_once(shop: Shop) -> None:
    assert call(shop.request(event()))[0] == 202
    status, body = call(shop.request(event()))
    assert (status, body) == (200, {"id": "evt-1", "status": "duplicate"})
    assert len(shop.events()) == 1


def test_an_event_without_a_time_is_the_same_event_when_it_is_repeated(shop: Shop) -> None:
    undated = without(event(), "occurred_at")
    assert call(shop.request(undated))[1]["status"] == "accepted"
    assert call(shop.request(undated))[1]["status"] == "duplicate"
    assert len(shop.events()) == 1


def test_an_event_without_an_id_is_named_after_its_content(shop: Shop) -> None:
    unnamed = without(event(), "id")
    _, first = call(shop.request(unnamed))
    _, second = call(shop.request(unnamed))
    _, other = call(shop.request(unnamed | {"properties": {"checkout_id": "c-2"}}))
    assert [first["status"], second["status"]] == ["accepted", "duplicate"]
    assert first["id"] == second["id"] != other["id"]


def test_two_reports_with_neither_id_nor_time_are_two_events(shop: Shop) -> None:
    anonymous = without(event(event="Product Viewed"), "id", "occurred_at")
    assert call(shop.request(anonymous))[1]["status"] == "accepted"
    assert call(shop.request(anonymous | {"properties": {}}))[1]["status"] == "accepted"
    assert len(shop.events()) == 2


def test_names_of_other_systems_become_ours(shop: Shop) -> None:
    call(shop.request(event(event="Placed Order")))
    assert [item["name"]["S"] for item in shop.events()] == ["Order Completed"]


def test_a_body_in_base64_is_the_same_body(shop: Shop) -> None:
    assert call(shop.request(event(), as_base64=True))[0] == 202
    assert call(shop.request(event()))[1]["status"] == "duplicate"


def test_header_names_may_be_written_in_any_case(shop: Shop) -> None:
    raw = json.dumps(event())
    headers = {"MILEPOST-Signature": sign_body(raw.encode(), shop.signing, datetime.now(UTC))}
    request = posted("events.post", raw, store=shop.store)
    request["headers"] |= headers
    assert call(request)[0] == 202


def test_an_event_of_nobody_new_reaches_the_contact_it_belongs_to(shop: Shop) -> None:
    """Whoever was linked to an identifier keeps it: here the e-mail decides, not the device."""
    call(shop.request(event(id="1", contact={"email": EMAIL, "device_id": "d-1"})))
    call(shop.request(event(id="2", contact={"email": EMAIL, "device_id": "d-2"})))
    assert len({item["pk"]["S"] for item in shop.events()}) == 1


# --- who may post ---


def test_an_unsigned_request_is_refused(shop: Shop) -> None:
    refused(shop.request(event(), headers={}), 401, "no_signature")
    assert shop.events() == []


def test_a_wrong_key_is_refused(shop: Shop) -> None:
    refused(shop.request(event(), key="another key"), 401, "bad_signature")
    assert shop.events() == []


def test_a_signature_over_another_body_is_refused(shop: Shop) -> None:
    genuine = shop.request(event())
    forged = genuine | {"body": genuine["body"].replace("421.88", "0.01")}
    refused(forged, 401, "bad_signature")
    assert shop.events() == []


@pytest.mark.parametrize("minutes", [-6, 6, -600])
def test_an_old_or_a_future_signature_is_refused(shop: Shop, minutes: int) -> None:
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    refused(shop.request(event(), at=at), 401, "old_signature")
    assert shop.events() == []


@pytest.mark.parametrize("minutes", [-4, 4])
def test_a_clock_that_is_a_little_off_is_forgiven(shop: Shop, minutes: int) -> None:
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    assert call(shop.request(event(), at=at))[0] == 202


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=,v1=",
        "v1=abc",
        "t=1795339800",
        "t=soon,v1=abc",
        "t=-1,v1=abc",
        "t=١٧٩٥٣٣٩٨٠٠,v1=abc",
        "t=1795339800,v1=ä",
        "t=" + "9" * 4000 + ",v1=abc",
        "t=1795339800,v0=abc",
        "," * 5000,
    ],
)
def test_a_signature_header_that_is_none_is_refused(shop: Shop, header: str) -> None:
    refused(shop.request(event(), headers={"Milepost-Signature": header}), 401, "bad_signature")


def test_two_keys_are_live_while_one_replaces_the_other(cloud: Cloud) -> None:
    shop = cloud.open_shop(signing_key_previous="the old key")
    assert call(shop.request(event(id="new")))[0] == 202
    assert call(shop.request(event(id="old"), key="the old key"))[0] == 202
    refused(shop.request(event(id="older"), key="the older key"), 401, "bad_signature")


def test_one_header_may_hold_the_signatures_of_two_keys(shop: Shop) -> None:
    raw = json.dumps(event()).encode()
    now = datetime.now(UTC)
    both = (
        sign_body(raw, "next key", now) + "," + sign_body(raw, shop.signing, now).partition(",")[2]
    )
    assert call(shop.request(raw, headers={"Milepost-Signature": both}))[0] == 202


def test_a_bearer_key_is_as_good_as_a_signature(shop: Shop) -> None:
    request = shop.request(event(), headers={"Authorization": f"Bearer {shop.bearer}"})
    assert call(request)[0] == 202


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer ", "Bearer", "", "Basic {key}", "{key}", "Bearer \ud800"]
)
def test_another_bearer_key_is_refused(shop: Shop, header: str) -> None:
    headers = {"Authorization": header.format(key=shop.bearer)}
    refused(shop.request(event(), headers=headers), 401, "bad_key")
    assert shop.events() == []


def test_the_hash_of_the_bearer_key_is_not_the_key(shop: Shop) -> None:
    digest = sha256(shop.bearer.encode()).hexdigest()
    headers = {"Authorization": f"Bearer {digest}"}
    refused(shop.request(event(), headers=headers), 401, "bad_key")


def test_a_wrong_signature_is_not_saved_by_a_right_bearer_key(shop: Shop) -> None:
    headers = {"Milepost-Signature": "t=1,v1=0", "Authorization": f"Bearer {shop.bearer}"}
    refused(shop.request(event(), headers=headers), 401, "bad_signature")


def test_a_store_without_a_signing_key_is_closed(cloud: Cloud) -> None:
    shop = cloud.open_shop(signing_key=None)
    message = refused(shop.request(event()), 503, "no_secret")
    assert "signing-key" in message


def test_a_store_without_a_bearer_key_is_closed(cloud: Cloud) -> None:
    shop = cloud.open_shop(bearer_key_sha256=None)
    request = shop.request(event(), headers={"Authorization": "Bearer "})
    refused(request, 503, "no_secret")


@pytest.mark.parametrize(
    "store",
    [
        "nobody",
        "",
        "..",
        "../shop-1",
        "shop-1/..",
        "SHOP-1",
        "Shop-1",
        "shop#1",
        "shop-1#C#x",
        "shop_1",
        "shop 1",
        " shop-1",
        "shop-1\n",
        "-shop",
        "shöp",
        "s" * 31,
        "shop-1\x00",
    ],
)
def test_a_store_that_there_is_not_is_not_found(shop: Shop, store: str) -> None:
    refused(posted("events.post", "{}", store=store), 404, "unknown_store")


def test_a_store_that_is_not_a_store_is_never_looked_up(cloud: Cloud, shop: Shop) -> None:
    """SSM would read the path `/milepost/../shop-1/` as something else."""
    request = shop.request(event()) | {"pathParameters": {"store": f"../{shop.store}"}}
    refused(request, 404, "unknown_store")
    refused(shop.request(event()) | {"pathParameters": None}, 404, "unknown_store")
    assert shop.events() == []


# --- what is no event ---


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        b"{'event': 'x'}",
        b'{"event": NaN}',
        b'{"properties": {"total": Infinity}}',
        b'{"properties": {"total": -Infinity}}',
        b'{"properties": {"total": 1e400}}',
        b'{"properties": {"total": ' + b"9" * 5000 + b"}}",
        b'{"event": "\\ud800"}',
        b'{"event": "x", "\\udfff": 1}',
        b"\xff\xfe\xfa",
        b'{"event": "\xc3\x28"}',
        b"[" * 10_000,
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"a":' * 30 + b"1" + b"}" * 30,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_that_is_no_json_we_take_is_refused(shop: Shop, body: bytes) -> None:
    refused(shop.request(body, as_base64=True), 400, "bad_json")
    assert shop.events() == []


def test_half_a_character_in_the_text_of_a_request_is_refused(shop: Shop) -> None:
    body = '{"event": "\ud83d"}'.encode("utf-8", "surrogatepass")
    refused(shop.request(body), 400, "bad_json")


def test_a_body_that_is_not_the_base64_it_claims_is_refused(shop: Shop) -> None:
    request = shop.request(event()) | {"isBase64Encoded": True, "body": "{'é'"}
    refused(request, 400, "bad_body")


@pytest.mark.parametrize("body", ["null", "true", "0", "1.5", '"event"', '""', '{"a": 1}'])
def test_json_that_is_no_event_is_refused(shop: Shop, body: str) -> None:
    refused(shop.request(body), 422, "bad_event", "event" if body.startswith("{") else None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"event": None}, "event"),
        ({"event": ""}, "event"),
        ({"event": 7}, "event"),
        ({"event": ["Checkout Started"]}, "event"),
        ({"event": "x" * 101}, "event"),
        ({"event": "Check#out"}, "event"),
        ({"event": "Check\nout"}, "event"),
        ({"event": "Check\x00out"}, "event"),
        ({"event": "Check\x7fout"}, "event"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"id": "a b"}, "id"),
        ({"id": "é"}, "id"),
        ({"id": "x" * 201}, "id"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"occurred_at": "2026-11-22T09:30:00"}, "occurred_at"),
        ({"occurred_at": "2026-11-22"}, "occurred_at"),
        ({"occurred_at": "2026-02-30T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": True}, "occurred_at"),
        ({"occurred_at": {}}, "occurred_at"),
        ({"contact": None}, "contact"),
        ({"contact": "ada"}, "contact"),
        ({"contact": {"email": 5}}, "contact.email"),
        ({"contact": {"email": EMAIL, "external_id": "a b"}}, "contact.external_id"),
        ({"contact": {"email": EMAIL, "first_name": ""}}, "contact.first_name"),
        ({"contact": {"email": EMAIL, "first_name": "x" * 201}}, "contact.first_name"),
        ({"contact": {"email": EMAIL, "locale": "../etc"}}, "contact.locale"),
        ({"contact": {"email": EMAIL, "properties": []}}, "contact.properties"),
        ({"contact": {"email": EMAIL, "properties": {"x" * 101: 1}}}, None),
        ({"contact": {"email": EMAIL, "consent": [{}]}}, "contact.consent.0.topic"),
        (
            {"contact": {"email": EMAIL, "consent": [{"topic": "A B", "state": "granted"}]}},
            "contact.consent.0.topic",
        ),
        (
            {"contact": {"email": EMAIL, "consent": [{"topic": "offers", "state": "yes"}]}},
            "contact.consent.0.state",
        ),
        ({"properties": [1]}, "properties"),
        ({"properties": None}, "properties"),
        ({"total": 5}, "total"),
    ],
    ids=str,
)
def test_a_field_of_the_wrong_kind_is_refused_by_name(
    shop: Shop, changes: Json, field: str | None
) -> None:
    _, body = call(shop.request(event(**changes)))
    assert body["error"]["code"] == "bad_event"
    if field is not None:
        assert body["error"]["field"] == field
        assert field in body["error"]["message"]
    assert EMAIL not in json.dumps(body)
    assert shop.events() == []


@pytest.mark.parametrize(
    "email", ["nobody", "a@b@c.example", "a@localhost", "a\r\nBcc: eve@example.org", "é@x.example"]
)
def test_an_address_that_is_none_is_refused(shop: Shop, email: str) -> None:
    refused(shop.request(event(contact={"email": email})), 422, "bad_email", "contact.email")


def test_a_number_without_its_country_is_refused(shop: Shop) -> None:
    refused(shop.request(event(contact={"phone": "0151 1"})), 422, "bad_phone", "contact.phone")


@pytest.mark.parametrize("contact", [{}, {"first_name": "Ada"}, {"email": None}, {"email": ""}])
def test_an_event_of_nobody_is_refused(shop: Shop, contact: Json) -> None:
    refused(shop.request(event(contact=contact)), 422, "no_contact", "contact")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../UTC", "Europe", "+01:00", "\u0000"])
def test_a_time_zone_that_is_none_is_refused(shop: Shop, zone: str) -> None:
    contact = {"email": EMAIL, "timezone": zone}
    refused(shop.request(event(contact=contact)), 422, "bad_timezone", "contact.timezone")


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("2999-01-01T00:00:00Z", "in_the_future"),
        ("9999-12-31T23:59:59-12:00", "in_the_future"),
        ("1999-12-31T23:59:59Z", "too_old"),
        ("0001-01-01T00:00:00+12:00", "too_old"),
        (0, "too_old"),
    ],
)
def test_a_time_that_cannot_be_is_refused(shop: Shop, at: Any, code: str) -> None:
    refused(shop.request(event(occurred_at=at)), 422, code, "occurred_at")


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("9999-12-31T23:59:59-12:00", "in_the_future"),
        ("2999-01-01T00:00:00Z", "in_the_future"),
        ("0001-01-01T00:00:00Z", "too_old"),
        ("0001-01-01T00:00:00+12:00", "too_old"),
    ],
)
def test_an_answer_cannot_have_been_given_at_an_impossible_time(
    shop: Shop, at: str, code: str
) -> None:
    """The latest answer counts: one dated in the year 9999 would outlive every unsubscribe."""
    consent = [
        {"topic": "news", "state": "granted"},
        {"topic": "offers", "state": "granted", "at": at},
    ]
    contact = {"email": EMAIL, "consent": consent}
    refused(shop.request(event(contact=contact)), 422, code, "contact.consent.1.at")
    assert shop.events() == []


def test_a_clock_ahead_by_a_few_minutes_is_taken(shop: Shop) -> None:
    ahead = (datetime.now(UTC) + timedelta(minutes=9)).isoformat()
    assert call(shop.request(event(occurred_at=ahead)))[0] == 202


# --- sizes ---


def test_an_event_of_more_than_256_kb_is_refused(shop: Shop) -> None:
    big = event(properties={"text": "é" * (130 * 1024)})
    refused(shop.request(big), 422, "event_too_large", "properties")
    assert shop.events() == []


def test_an_event_of_almost_256_kb_is_kept_whole(shop: Shop) -> None:
    big = event(properties={"text": "x" * (255 * 1024)})
    assert call(shop.request(big))[0] == 202
    (item,) = shop.events()
    assert decode_body(item["body"]["S"])[1] == big["properties"]


def test_a_body_of_more_than_1_mb_is_refused_before_it_is_read(shop: Shop) -> None:
    body = b"x" * (1024 * 1024 + 1)
    refused(shop.request(body, headers={}), 413, "body_too_large")
    refused(shop.request(body, as_base64=True), 413, "body_too_large")


def test_a_body_is_measured_in_bytes(shop: Shop) -> None:
    refused(shop.request(("é" * (600 * 1024)).encode()), 413, "body_too_large")


# --- batches ---


def statuses(body: Any) -> list[str]:
    return [result["status"] for result in body["results"]]


def test_a_batch_of_good_events_is_accepted(shop: Shop) -> None:
    events = [event(id=f"evt-{n}") for n in range(5)]
    for form in (events, {"batch": events}):
        status, body = call(shop.request(form))
        assert status == 202
        assert [result["index"] for result in body["results"]] == [0, 1, 2, 3, 4]
        assert [result["id"] for result in body["results"]] == [f"evt-{n}" for n in range(5)]
    assert body == body | {"accepted": 0, "duplicate": 5, "refused": 0}
    assert len(shop.events()) == 5


def test_a_batch_with_bad_events_keeps_the_good_ones_and_names_the_bad_ones(shop: Shop) -> None:
    batch: list[Any] = [event(id=f"evt-{n}") for n in range(8)]
    batch[1] = event(event="")
    batch[3] = "not an event"
    batch[4] = event(contact={"email": "nobody"})
    batch[6] = event(occurred_at="2999-01-01T00:00:00Z")
    status, body = call(shop.request(batch))
    assert status == 207
    assert body == body | {"accepted": 4, "duplicate": 0, "refused": 4}
    assert [body["results"][n]["error"]["code"] for n in (1, 3, 4, 6)] == [
        "bad_event",
        "bad_event",
        "bad_email",
        "in_the_future",
    ]
    for result in body["results"]:
        if result["status"] == "refused":
            assert result["error"].keys() == {"code", "message", "field"}
    assert sorted(item["id"]["S"] for item in shop.events()) == ["evt-0", "evt-2", "evt-5", "evt-7"]


HURTFUL: dict[str, Any] = {
    "nested too deeply": json.loads('{"a":' * 25 + "1" + "}" * 25),
    "half a character": "cut \ud83d",
    "too large": "1e400",
    "too long": "1" * 5000,
}


@pytest.mark.parametrize("what", HURTFUL)
def test_what_would_hurt_in_one_event_of_a_batch_takes_no_other_along(
    shop: Shop, what: str
) -> None:
    bad = event(id="bad", properties={"here": HURTFUL[what]})
    text = json.dumps([event(id="first"), bad, event(id="last")])
    if what.startswith("too l"):
        text = text.replace(f'"{HURTFUL[what]}"', HURTFUL[what])
    status, body = call(shop.request(text.encode()))
    assert (status, statuses(body)) == (207, ["accepted", "refused", "accepted"])
    assert body["results"][1]["error"]["code"] == "bad_json"
    assert sorted(item["id"]["S"] for item in shop.events()) == ["first", "last"]


def test_a_batch_of_nothing_but_mistakes_is_still_answered_item_by_item(shop: Shop) -> None:
    status, body = call(shop.request([{}, None, 3]))
    assert (status, body["refused"], statuses(body)) == (207, 3, ["refused"] * 3)


def test_an_id_twice_in_a_batch_is_one_event(shop: Shop) -> None:
    status, body = call(shop.request([event(), event(id="evt-2"), event()]))
    assert status == 202
    assert (body["accepted"], body["duplicate"]) == (2, 1)
    assert sorted([statuses(body)[0], statuses(body)[2]]) == ["accepted", "duplicate"]
    assert len(shop.events()) == 2


def test_an_id_twice_in_a_batch_is_one_event_also_without_a_time(shop: Shop) -> None:
    undated = without(event(), "occurred_at")
    _, body = call(shop.request([undated, undated]))
    assert (body["accepted"], body["duplicate"]) == (1, 1)
    _, again = call(shop.request([undated]))
    assert (again["accepted"], again["duplicate"]) == (0, 1)
    assert len(shop.events()) == 1


def test_500_events_are_a_batch_and_501_are_not(shop: Shop) -> None:
    small = {"event": "Seen", "occurred_at": HOUR_AGO, "contact": {"external_id": "7"}}
    events = [{**small, "id": str(n)} for n in range(501)]
    refused(shop.request(events), 413, "batch_too_large", "batch")
    refused(shop.request({"batch": events}), 413, "batch_too_large", "batch")
    assert shop.events() == []
    status, body = call(shop.request(events[:500]))
    assert (status, body["accepted"]) == (202, 500)
    assert len(shop.events()) == 500


@pytest.mark.parametrize(
    ("batch", "field"),
    [
        ([], "batch"),
        ({"batch": []}, "batch"),
        ({"batch": {}}, "batch"),
        ({"batch": "events"}, "batch"),
        ({"batch": None}, "batch"),
        ({"batch": [], "and": 1}, "and"),
    ],
    ids=str,
)
def test_a_batch_that_is_none_is_refused(shop: Shop, batch: Any, field: str) -> None:
    refused(shop.request(batch), 422, "bad_batch", field)


# --- what is said ---


def test_nothing_personal_is_logged_when_something_breaks(
    shop: Shop, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from milepost.wiring import tables

    def broken() -> Any:
        raise ValueError(f"cannot keep {EMAIL} of {FIRST_NAME}")

    monkeypatch.setattr(tables, "timeline", broken)
    refused(shop.request(event()), 500, "internal")
    (record,) = [r for r in printed.records() if r.get("level") == "ERROR"]
    assert record["exception_name"] == "ValueError"
    assert "broken" in record["exception"], "where it broke is what the log is for"


def test_a_database_that_is_busy_is_said_so(
    shop: Shop, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from milepost.base.errors import ThrottledError
    from milepost.wiring import tables

    def busy() -> Any:
        raise ThrottledError("DynamoDB: ThrottlingException")

    monkeypatch.setattr(tables, "timeline", busy)
    response = handler(shop.request(event()), None)
    assert response["statusCode"] == 503
    assert response["headers"]["retry-after"] == "5"
    assert json.loads(response["body"])["error"]["code"] == "busy"
    assert [r["reason"] for r in printed.records()] == ["DynamoDB: ThrottlingException"]


def test_a_sample_of_api_gateway_is_what_we_think_it_is() -> None:
    request = sample("api", "events.post")
    assert request["version"] == "2.0"
    assert all(name == name.lower() for name in request["headers"])
