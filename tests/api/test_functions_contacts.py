"""/v1/{store}/contacts...: the shop's systems read and change contacts."""

from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.contacts.app import handler
from functions.trigger_event.app import handler as trigger_event
from milepost.base.addresses import address_hash
from milepost.base.signatures import sign_body
from milepost.contacts.event import contact_id
from milepost.handlers.contacts import ROUTES
from milepost.wiring import tables
from tests.support.builders import send, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import EMAIL, FIRST_NAME, PHONE, Cloud, Printed, Shop
from tests.support.handlers import ago, pass_on, run, tell, upload
from tests.support.port_recorder import Answered, Caller, request, signed

Json = dict[str, Any]
FIND = "POST /v1/{store}/contacts/find"
UPSERT = "POST /v1/{store}/contacts"
READ = "GET /v1/{store}/contacts/{contact}"
PATCH = "PATCH /v1/{store}/contacts/{contact}"
TIMELINE = "GET /v1/{store}/contacts/{contact}/timeline"
ENROLLMENTS = "GET /v1/{store}/contacts/{contact}/enrollments"
MESSAGES = "GET /v1/{store}/contacts/{contact}/messages"
CONSENTS = "GET /v1/{store}/contacts/{contact}/consents"
ANSWER = "POST /v1/{store}/contacts/{contact}/consents"
JOIN = "PUT /v1/{store}/contacts/{contact}/lists/{list}"
LEAVE = "DELETE /v1/{store}/contacts/{contact}/lists/{list}"
STRANGER = "c" + "f" * 25
YES = {"topic": "offers", "state": "granted"}


@pytest.fixture
def call(shop: Shop) -> Caller:
    return Caller(handler, shop.store, shop.signing)


def wren(shop: Shop) -> str:
    return contact_id(shop.store, "email", EMAIL)


def apply_accepted(shop: Shop, answered: Answered) -> Json:
    """Assert that a change was accepted, and let `react` apply it."""
    assert answered.status == 202, answered
    others = {i["sk"]["S"] for i in shop.events() if i["id"]["S"] != answered.body["event"]}
    pass_on(shop, others)
    return dict(answered.body)


def contact_of(call: Caller, contact: str) -> Json:
    answered = call(READ, contact=contact)
    assert answered.status == 200
    return dict(answered.body)


# --- looking up ---


@pytest.mark.parametrize(
    "identifier", [{"email": f" {EMAIL.upper()} "}, {"external_id": "42"}, {"phone": PHONE}]
)
def test_contact_is_found_by_any_identifier(shop: Shop, call: Caller, identifier: Json) -> None:
    person = {"email": EMAIL, "external_id": "42", "phone": PHONE, "first_name": FIRST_NAME}
    tell(shop, "Signed Up", contact=person)
    found = call(FIND, body=identifier)
    assert found.status == 200
    assert found.body["id"] == wren(shop)
    assert found.body["first_name"] == FIRST_NAME
    assert found.body["identifiers"] == {"email": [EMAIL], "external_id": ["42"], "phone": [PHONE]}
    assert found.body == contact_of(call, wren(shop))


def test_contact_is_shown_with_all_its_fields(shop: Shop, call: Caller) -> None:
    tell(shop, "Order Completed", {"value": "12.50"})
    tell(shop, "Order Completed", {"value": 7.5}, id="second")
    known = contact_of(call, wren(shop))
    assert known["events"]["Order Completed"]["count"] == 2
    assert known["events"]["Order Completed"]["value"] == "20.0000"
    assert known["consent"]["offers"]["state"] == "granted"
    assert (known["lists"], known["active_enrollments"], known["suppressed"]) == ([], [], None)


def test_suppressed_contact_shows_the_reason(shop: Shop, call: Caller) -> None:
    tell(shop, "Signed Up")
    at = datetime(2026, 11, 1, tzinfo=UTC)
    tables.contacts().suppress(shop.store, address_hash(EMAIL), "hard bounce", at)
    told_of = contact_of(call, wren(shop))["suppressed"]
    assert told_of == {"reason": "hard bounce", "at": "2026-11-01T00:00:00.000Z"}


@pytest.mark.parametrize("body", [{"email": "nobody@mail.example"}, {"device_id": "d-1"}])
def test_unknown_identifier_is_not_found(call: Caller, body: Json) -> None:
    missing = call(FIND, body=body)
    assert (missing.status, missing.error) == (404, "unknown_contact")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "bad_lookup", None),
        ({"email": EMAIL, "phone": PHONE}, "bad_lookup", None),
        ({"email": "not an address"}, "bad_email", "email"),
        ({"phone": "0123"}, "bad_phone", "phone"),
        ({"email": 7}, "bad_event", "email"),
        ({"name": "x"}, "bad_event", "name"),
        ([], "bad_event", None),
        (None, "bad_json", None),
        (b"{", "bad_json", None),
        (b'{"email": NaN}', "bad_json", None),
        (b"[" * 5000, "bad_json", None),
        (b'{"email": "\\ud800"}', "bad_json", None),
        (b"\xff", "bad_json", None),
    ],
)
def test_invalid_lookup_reports_the_problem(
    call: Caller, body: Any, code: str, field: str | None
) -> None:
    refused = call(FIND, body=body)
    assert refused.status == (400 if code == "bad_json" else 422)
    assert (refused.error, refused.body["error"]["field"]) == (code, field)


def test_oversized_body_is_rejected(call: Caller) -> None:
    assert call(FIND, body=b" " * (1024 * 1024 + 1)).status == 413
    large = {"contact": {"email": EMAIL, "properties": {"x": "y" * 300_000}}}
    assert call(UPSERT, body=large).error == "event_too_large"


ROUTES_OF_ONE = [route for route in ROUTES if "{contact}" in route]
HOSTILE = [
    "",
    "c",
    "C" + "0" * 25,
    "c" + "0" * 24,
    "c" + "0" * 26,
    "c" + "g" * 25,
    "#",
    "c#C#" + "0" * 22,
    "../../c",
    "S#shop#C#c",
    "\ud800",
    "c" + "0" * 25 + "\n",
    "c" + "\u0660" * 25,
    "x" * 10_000,
]


@pytest.mark.parametrize("route", ROUTES_OF_ONE)
@pytest.mark.parametrize("contact", [STRANGER, *HOSTILE])
def test_unknown_contact_is_not_found_on_every_route(
    shop: Shop, call: Caller, route: str, contact: str
) -> None:
    path = {"store": shop.store, "list": "vip"}
    asked = request(route, path, body={"topic": "offers", "state": "granted"})
    asked["pathParameters"]["contact"] = contact
    asked["headers"]["authorization"] = f"Bearer {shop.bearer}"
    answered = call.send(asked)
    assert (answered.status, answered.error) == (404, "unknown_contact")
    assert shop.items() == []


# --- who may ---


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_rejects_requests_without_a_key(shop: Shop, call: Caller, route: str) -> None:
    tell(shop, "Signed Up")
    path = {"store": shop.store, "contact": wren(shop), "list": "vip"}
    for contact in (wren(shop), STRANGER):
        asked = request(route, path | {"contact": contact}, body={"email": EMAIL})
        assert call.send(asked).error == "no_signature"
        asked["headers"]["authorization"] = "Bearer guessed"
        assert call.send(asked).error == "bad_key"


@pytest.mark.parametrize("route", ROUTES)
def test_body_signature_is_rejected_on_these_routes(shop: Shop, call: Caller, route: str) -> None:
    """A server that a workflow calls has seen a signature, and the signed body too."""
    tell(shop, "Signed Up")
    before = shop.items()
    path = {"store": shop.store, "contact": wren(shop), "list": "vip"}
    body = b'{"event": "Signed Up", "contact": {"email": "' + EMAIL.encode() + b'"}}'
    old = sign_body(body, shop.signing, datetime.now(UTC))
    for header in (old, old.replace("v1=", "v2=")):
        asked = request(route, path, body=body, headers={"Milepost-Signature": header})
        assert call.send(asked).error == "bad_signature"
    assert shop.items() == before


def test_signature_covers_route_method_contact_and_query(shop: Shop, call: Caller) -> None:
    """Replay the valid call of every route on every other route."""
    tell(shop, "Signed Up")
    path = {"store": shop.store, "contact": wren(shop), "list": "vip"}
    before = shop.items()
    for genuine in ROUTES:
        header = signed(request(genuine, path, body={"email": EMAIL}), shop.signing)["headers"][
            "milepost-signature"
        ]
        for replayed in ROUTES:
            if replayed != genuine:
                asked = request(replayed, path, body={"email": EMAIL})
                asked["headers"]["milepost-signature"] = header
                assert call.send(asked).error == "bad_signature", (genuine, replayed)
    read = signed(request(TIMELINE, path, query={"limit": "1"}), shop.signing)
    for changed in (
        request(TIMELINE, path),
        request(TIMELINE, path, query={"limit": "2"}),
        request(TIMELINE, path | {"contact": STRANGER}, query={"limit": "1"}),
        request(TIMELINE, path, query={"limit": "1"}, body={}),
    ):
        changed["headers"]["milepost-signature"] = read["headers"]["milepost-signature"]
        assert call.send(changed).error == "bad_signature"
    assert call.send(read).status == 200
    assert shop.items() == before


def test_signed_call_cannot_be_replayed_as_event(shop: Shop, call: Caller) -> None:
    body = {"contact": {"email": EMAIL}, "event": "Order Completed"}
    genuine = signed(request(UPSERT, {"store": shop.store}, body=body), shop.signing)
    posted = shop.request(
        body, headers={"milepost-signature": genuine["headers"]["milepost-signature"]}
    )
    assert trigger_event(posted, None)["statusCode"] == 401
    assert shop.events() == []


def test_event_route_accepts_the_newer_signature(shop: Shop) -> None:
    event = request(
        "POST /v1/{store}/events",
        {"store": shop.store},
        body={"event": "Signed Up", "contact": {"email": EMAIL}},
    )
    assert trigger_event(signed(event, shop.signing), None)["statusCode"] == 202


def test_bearer_key_is_accepted_on_all_routes(shop: Shop, call: Caller) -> None:
    tell(shop, "Signed Up")
    asked = request(READ, {"store": shop.store, "contact": wren(shop)})
    asked["headers"]["authorization"] = f"Bearer {shop.bearer}"
    assert call.send(asked).status == 200


def test_custom_domain_path_does_not_change_signature(shop: Shop, call: Caller) -> None:
    tell(shop, "Signed Up")
    asked = signed(request(READ, {"store": shop.store, "contact": wren(shop)}), shop.signing)
    asked["rawPath"] = f"/mail{asked['rawPath']}"
    assert call.send(asked).status == 200


def test_store_without_keys_rejects_requests(cloud: Cloud) -> None:
    shop = cloud.open_shop(signing_key=None, bearer_key_sha256=None)
    call = Caller(handler, shop.store, "any")
    assert call(FIND, body={"email": EMAIL}).status == 503


# --- changing ---


def test_upsert_creates_and_updates_a_contact(shop: Shop, call: Caller) -> None:
    person = {"email": EMAIL, "first_name": FIRST_NAME, "properties": {"plan": "free"}}
    first = apply_accepted(shop, call(UPSERT, body={"contact": person}))
    assert (first["contact"], first["status"]) == (wren(shop), "accepted")
    assert contact_of(call, wren(shop))["properties"] == {"plan": "free"}
    apply_accepted(
        shop, call(UPSERT, body={"contact": {"email": EMAIL, "properties": {"plan": "pro"}}})
    )
    known = contact_of(call, wren(shop))
    assert (known["properties"], known["first_name"]) == ({"plan": "pro"}, FIRST_NAME)
    assert known["events"]["Contact Updated"]["count"] == 2


def test_upsert_with_idempotency_key_happens_once(shop: Shop, call: Caller) -> None:
    body = {"contact": {"email": EMAIL}}
    key = {"Idempotency-Key": "k-1"}
    assert call(UPSERT, body=body, headers=key).status == 202
    again = call(UPSERT, body=body, headers=key)
    assert (again.status, again.body["status"]) == (200, "duplicate")
    assert call(UPSERT, body=body | {"id": "k-1"}).status == 200
    assert len(shop.events()) == 1


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "bad_event", "contact"),
        ({"contact": {}}, "no_contact", "contact"),
        ({"contact": {"email": EMAIL}, "event": "Order Completed"}, "bad_event", "event"),
        ({"contact": {"email": EMAIL}, "properties": {}}, "bad_event", "properties"),
        ({"contact": {"email": EMAIL, "timezone": "Mars"}}, "bad_timezone", "contact.timezone"),
        (
            {"contact": {"email": EMAIL}, "occurred_at": "2999-01-01T00:00:00Z"},
            "in_the_future",
            "occurred_at",
        ),
        ({"contact": {"email": EMAIL}, "id": "a b"}, "bad_event", "id"),
    ],
)
def test_invalid_upsert_reports_the_problem(
    shop: Shop, call: Caller, body: Json, code: str, field: str
) -> None:
    refused = call(UPSERT, body=body)
    assert (refused.status, refused.error) == (422, code)
    assert refused.body["error"]["field"] == field
    assert shop.items() == []


def test_patch_sets_and_removes_values(shop: Shop, call: Caller) -> None:
    tell(shop, "Signed Up", contact={"email": EMAIL, "properties": {"a": 1, "b": [2]}})
    change = {
        "first_name": FIRST_NAME,
        "locale": "fa_ir",
        "timezone": "Asia/Tehran",
        "properties": {"a": None, "c": {"d": True}},
    }
    apply_accepted(shop, call(PATCH, contact=wren(shop), body=change))
    known = contact_of(call, wren(shop))
    assert (known["first_name"], known["locale"]) == (FIRST_NAME, "fa-IR")
    assert known["properties"] == {"b": [2], "c": {"d": True}}
    apply_accepted(shop, call(PATCH, contact=wren(shop), body={"first_name": None}))
    assert "first_name" not in contact_of(call, wren(shop))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "nothing_to_change"),
        ({"properties": {}}, "nothing_to_change"),
        ({"email": "other@mail.example"}, "bad_event"),
        ({"properties": None}, "bad_event"),
        ({"properties": {"x": "y" * 1100}}, "value_too_long"),
        ({"properties": {"": 1}}, "bad_event"),
        ({"locale": "not a language"}, "bad_locale"),
        ({"timezone": "Mars/North"}, "bad_timezone"),
        ({"first_name": " "}, "bad_event"),
        ({"first_name": 5}, "bad_event"),
        ("text", "bad_event"),
    ],
)
def test_invalid_patch_reports_the_problem(shop: Shop, call: Caller, body: Any, code: str) -> None:
    tell(shop, "Signed Up")
    before = shop.items()
    refused = call(PATCH, contact=wren(shop), body=body)
    assert (refused.status, refused.error) == (422, code)
    assert shop.items() == before


def test_list_changes_are_events_that_workflows_match(shop: Shop, call: Caller) -> None:
    tell(shop, "Signed Up")
    apply_accepted(shop, call(JOIN, contact=wren(shop), list="vip"))
    assert contact_of(call, wren(shop))["lists"] == ["vip"]
    apply_accepted(shop, call(LEAVE, contact=wren(shop), list="vip"))
    known = contact_of(call, wren(shop))
    assert known["lists"] == []
    assert {"List Joined", "List Left"} <= known["events"].keys()
    (joined,) = call(TIMELINE, contact=wren(shop), query={"event": "List Joined"}).body["items"]
    assert joined["properties"] == {"list": "vip"}


@pytest.mark.parametrize("name", ["", "VIP", "a b", "a#b", "x" * 41, "-a", "a\n", "\u0663"])
def test_list_name_must_be_valid_in_workflows(shop: Shop, call: Caller, name: str) -> None:
    tell(shop, "Signed Up")
    asked = request(JOIN, {"store": shop.store, "contact": wren(shop), "list": "x"})
    asked["pathParameters"]["list"] = name
    asked["headers"]["authorization"] = f"Bearer {shop.bearer}"
    assert call.send(asked).error == "bad_list"


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "schlüssel"])
def test_invalid_idempotency_key_is_rejected(shop: Shop, call: Caller, key: str) -> None:
    tell(shop, "Signed Up")
    refused = call(JOIN, contact=wren(shop), list="vip", headers={"Idempotency-Key": key})
    assert refused.error == "bad_key"


# --- consent ---


def test_withdrawal_takes_effect_at_once_and_is_logged(shop: Shop, call: Caller) -> None:
    """At once means before `react` applies it: an e-mail may be about to go out."""
    tell(shop, "Signed Up")
    said = {
        "topic": "offers",
        "state": "withdrawn",
        "method": "telephone",
        "source": "support",
        "consent_text": "Please stop.",
    }
    assert call(ANSWER, contact=wren(shop), body=said).status == 202
    assert contact_of(call, wren(shop))["consent"]["offers"]["state"] == "withdrawn"
    log = call(CONSENTS, contact=wren(shop)).body["items"]
    assert [(p["state"], p["method"], p["consent_text"]) for p in log] == [
        ("withdrawn", "telephone", "Please stop."),
        ("granted", "api", None),
    ]


def test_granted_consent_counts_when_its_event_is_applied(shop: Shop, call: Caller) -> None:
    tell(shop, "Signed Up")
    apply_accepted(
        shop, call(ANSWER, contact=wren(shop), body={"topic": "news", "state": "granted"})
    )
    news = contact_of(call, wren(shop))["consent"]["news"]
    assert (news["state"], news["weak"]) == ("granted", False)


def test_older_withdrawal_does_not_undo_newer_consent(shop: Shop, call: Caller) -> None:
    tell(shop, "Signed Up")
    old = {"topic": "offers", "state": "withdrawn", "at": ago(days=1)}
    apply_accepted(shop, call(ANSWER, contact=wren(shop), body=old))
    assert contact_of(call, wren(shop))["consent"]["offers"]["state"] == "granted"
    assert len(call(CONSENTS, contact=wren(shop)).body["items"]) == 2


def test_consent_with_idempotency_key_is_recorded_once(shop: Shop, call: Caller) -> None:
    tell(shop, "Signed Up")
    for _ in range(2):
        for topic, state in (("offers", "withdrawn"), ("news", "granted")):
            key = {"Idempotency-Key": f"{topic}-1"}
            call(ANSWER, contact=wren(shop), body={"topic": topic, "state": state}, headers=key)
    pass_on(shop, set())
    assert len(call(CONSENTS, contact=wren(shop)).body["items"]) == 3


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "bad_event", "topic"),
        ({"topic": "Offers", "state": "granted"}, "bad_event", "topic"),
        ({"topic": "offers", "state": "maybe"}, "bad_event", "state"),
        (YES | {"at": "2999-01-01T00:00:00Z"}, "in_the_future", "at"),
        (YES | {"at": "1999-01-01T00:00:00Z"}, "too_old", "at"),
        (YES | {"at": "2026-01-01T00:00:00"}, "bad_event", "at"),
    ],
)
def test_invalid_consent_reports_the_problem(
    shop: Shop, call: Caller, body: Json, code: str, field: str
) -> None:
    tell(shop, "Signed Up")
    refused = call(ANSWER, contact=wren(shop), body=body)
    assert (refused.status, refused.error) == (422, code)
    assert refused.body["error"]["field"] == field


# --- pages ---


def append_history(shop: Shop) -> None:
    """Append events of three names; one is in a script that sorts after Latin."""
    for number in range(5):
        for name in ("Product Viewed", "Cart!", "سفارش"):
            contact = {"email": EMAIL}
            at = ago(hours=10 - number)
            tell(
                shop,
                name,
                {"n": number},
                id=f"{name}-{number}".encode().hex(),
                contact=contact,
                occurred_at=at,
            )


def test_timeline_is_paged_newest_first(shop: Shop, call: Caller) -> None:
    append_history(shop)
    seen: list[Json] = []
    query: Json = {"limit": "4"}
    pages = 0
    while True:
        page = call(TIMELINE, contact=wren(shop), query=query).body
        seen += page["items"]
        pages += 1
        if page["next"] is None:
            break
        query = {"limit": "4", "cursor": page["next"]}
    assert (pages, len(seen)) == (4, 15)
    assert [e["occurred_at"] for e in seen] == sorted(
        (e["occurred_at"] for e in seen), reverse=True
    )
    assert len({(e["event"], e["id"]) for e in seen}) == 15


def test_timeline_is_filtered_by_event_and_window(shop: Shop, call: Caller) -> None:
    append_history(shop)
    window = {"event": "سفارش", "since": ago(hours=9, minutes=30), "until": ago(hours=7)}
    page = call(TIMELINE, contact=wren(shop), query=window).body
    assert [event["properties"]["n"] for event in page["items"]] == [3, 2, 1][-len(page["items"]) :]
    assert {event["event"] for event in page["items"]} == {"سفارش"}
    assert page["next"] is None
    empty = {"since": ago(hours=1), "until": ago(hours=2)}
    assert call(TIMELINE, contact=wren(shop), query=empty).body["items"] == []


def test_cursor_has_no_personal_data_and_fits_one_list(
    cloud: Cloud, shop: Shop, call: Caller
) -> None:
    contact = {"email": EMAIL}
    for number in range(3):
        tell(shop, "Signed Up", id=f"{EMAIL}-{number}", contact=contact)
    cursor = call(TIMELINE, contact=wren(shop), query={"limit": "1"}).body["next"]
    assert EMAIL.encode() not in urlsafe_b64decode(cursor + "==")
    for route, query in (
        (ENROLLMENTS, {}),
        (MESSAGES, {}),
        (CONSENTS, {}),
        (TIMELINE, {"event": "Signed Up"}),
    ):
        refused = call(route, contact=wren(shop), query={**query, "cursor": cursor})
        assert (refused.status, refused.error) == (422, "bad_cursor")
    other = cloud.open_shop()
    tell(other, "Signed Up")
    elsewhere = Caller(handler, other.store, other.signing)
    refused = elsewhere(TIMELINE, contact=wren(other), query={"cursor": cursor})
    assert refused.error == "bad_cursor"


@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "=", "a" * 5000, "MSAyIDM", "../..", "null"])
@pytest.mark.parametrize("route", [TIMELINE, ENROLLMENTS, MESSAGES, CONSENTS])
def test_forged_cursor_is_rejected(shop: Shop, call: Caller, route: str, cursor: str) -> None:
    tell(shop, "Signed Up")
    refused = call(route, contact=wren(shop), query={"cursor": cursor})
    assert (refused.status, refused.error) == (422, "bad_cursor")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"limit": "0"}, "bad_limit"),
        ({"limit": "101"}, "bad_limit"),
        ({"limit": "-1"}, "bad_limit"),
        ({"limit": "ten"}, "bad_limit"),
        ({"limit": "١"}, "bad_limit"),
        ({"limit": "9" * 5000}, "bad_limit"),
        ({"since": "yesterday"}, "bad_time"),
        ({"until": "2026-01-01"}, "bad_time"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "bad_time"),
        ({"event": "a#b"}, "bad_event"),
        ({"event": "x" * 101}, "bad_event"),
    ],
)
def test_invalid_query_reports_the_problem(
    shop: Shop, call: Caller, query: Json, code: str
) -> None:
    tell(shop, "Signed Up")
    refused = call(TIMELINE, contact=wren(shop), query=query)
    assert (refused.status, refused.error) == (422, code)


def test_messages_show_why_email_was_sent_or_skipped(shop: Shop, call: Caller) -> None:
    two = workflow(send("first"), send("second", topic="news"))
    upload(shop, files_of(cart=two))
    tell(shop, "Checkout Started", {"total": 150, "checkout_id": "c-9"})
    run(shop, "cart", "first")
    (inside,) = call(ENROLLMENTS, contact=wren(shop)).body["items"]
    assert (inside["workflow"], inside["event"]) == ("cart", "Checkout Started")
    assert inside["event_properties"]["checkout_id"] == "c-9"
    decided = {m["step"]: m for m in call(MESSAGES, contact=wren(shop)).body["items"]}
    assert (decided["first"]["status"], decided["first"]["reason"]) == ("accepted", None)
    assert decided["second"]["status"] == "skipped"
    assert (decided["second"]["topic"], decided["second"]["reason"]) == ("news", "no consent")
    assert "recipient" not in decided["first"]


def test_response_stays_below_the_lambda_limit(shop: Shop, call: Caller) -> None:
    for number in range(24):
        tell(shop, "Big", {"text": "x" * 250_000}, id=str(number))
    page = call(TIMELINE, contact=wren(shop), query={"limit": "100"}).body
    assert 10 < len(page["items"]) < 24
    rest = call(TIMELINE, contact=wren(shop), query={"limit": "100", "cursor": page["next"]}).body
    assert len(page["items"]) + len(rest["items"]) == 24


def test_errors_log_no_personal_data(
    shop: Shop, call: Caller, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError(f"{EMAIL} broke it")

    monkeypatch.setattr(type(tables.timeline()), "resolve", broken)
    assert call(FIND, body={"email": EMAIL}).status == 500
    assert printed.leaked() == []
