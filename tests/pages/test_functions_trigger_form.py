"""POST /v1/{store}/forms/{form}, and the link of the confirmation e-mail."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.react.app import handler as react
from functions.run_steps.app import handler as run_steps
from functions.trigger_form.app import handler
from milepost.base.addresses import address_hash
from milepost.contacts.event import contact_id
from milepost.sending.links import ConfirmationLink, seal_confirmation
from milepost.wiring import core, tables
from tests.support.builders import send, workflow
from tests.support.builders import settings as settings_file
from tests.support.cloud import EMAIL, Cloud, Printed, Shop
from tests.support.handlers import enrolled, tell, upload
from tests.support.visitors import (
    DEVICE,
    FOOTER,
    PAGE,
    WORDING,
    form_post,
    json_post,
    look,
    press,
    request,
)

Json = dict[str, Any]
OPT_IN = workflow(
    send("ask", "confirm"),
    on="Opt-In Requested",
    category="transactional",
    reentry={"allow": "always"},
)
CONFIRM = {
    "templates/confirm/subject.txt": "Is it you?",
    "templates/confirm/body.html": '<html><body><a href="{{ urls.confirm }}">Yes</a></body></html>',
}
ANSWERS = {"first_name": "Ann", "age": 41, "over_18": False}
"""An unchecked box is an answer too."""


@pytest.fixture
def open_store(shop: Shop) -> Shop:
    """A store with one form with double opt-in and one without."""
    popup = {**FOOTER, "double_opt_in": False, "redirect": f"{PAGE}/thanks"}
    shop.settings(forms={"footer": FOOTER, "popup": popup}, locales=["en", "fa", "ar", "zh-Hant"])
    return shop


def call(http_request: Json) -> tuple[int, str]:
    response = handler(http_request, None)
    headers = response["headers"]
    assert "set-cookie" not in headers
    assert headers["cache-control"] == "no-store"
    if headers["content-type"].startswith("text/html"):
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "<script" not in response["body"]
    return response["statusCode"], response["body"]


def pass_on(shop: Shop, *names: str) -> None:
    """Pass the appended events to `react`; with `names`, only events with these names."""
    found = [item for item in shop.events() if not names or item["name"]["S"] in names]
    react(shop.cloud.stream(*found), None)


def event(shop: Shop, name: str) -> tuple[Json, Json]:
    """The only event with this name: its data and its whole body."""
    (item,) = shop.events(name)
    body = json.loads(item["body"]["S"])
    return body["data"], body


def link(shop: Shop, **changes: Any) -> str:
    """The token in the confirmation e-mail of the only sign-up."""
    (item,) = shop.events("Opt-In Requested")
    claim = ConfirmationLink(
        shop.store,
        item["pk"]["S"].rpartition("#")[2],
        "footer",
        item["id"]["S"],
        datetime.fromisoformat(item["at"]["S"]),
    )
    return seal_confirmation(claim._replace(**changes), shop.links)


def profile(shop: Shop) -> Any:
    return tables.contacts().profile(shop.store, contact_id(shop.store, "email", EMAIL))


def withdraw_consent(shop: Shop) -> None:
    no = {"topic": "offers", "state": "withdrawn", "at": datetime.now(UTC).isoformat()}
    tell(shop, "No", contact={"email": EMAIL, "consent": [no]})


# --- what a form leads to ---


def test_double_opt_in_form_waits_for_confirmation(open_store: Shop) -> None:
    status, page = call(form_post(open_store, first_name="Ann", age="41", utf8="✓"))
    assert status == 200
    assert "Press the button" in page
    data, body = event(open_store, "Opt-In Requested")
    assert data["form"] == "footer"
    assert data["_request"]["answers"] == ANSWERS
    assert body["identifiers"] == {"email": EMAIL}
    pass_on(open_store)
    assert profile(open_store).consent == {}
    assert profile(open_store).get("first_name") is None
    assert open_store.items("CONSENT#") == []


def test_confirmation_email_passes_gate_and_its_link_confirms(open_store: Shop) -> None:
    forms = {"footer": FOOTER}
    upload(
        open_store,
        {"settings.json": settings_file(forms=forms), **CONFIRM, "workflows/opt-in.json": OPT_IN},
    )
    call(form_post(open_store))
    pass_on(open_store)
    before = len(open_store.cloud.post.sent)
    run_steps({**enrolled(open_store, "opt-in"), "block": "ask"}, None)
    (mail,) = open_store.cloud.post.sent[before:]
    html = mail["Content"]["Simple"]["Body"]["Html"]["Data"]
    prefix = f"https://links.harborline.example/v1/{open_store.store}/confirm/"
    token = html.partition(prefix)[2].partition('"')[0]
    assert EMAIL not in html
    assert call(look(open_store, token))[0] == 200
    assert call(press(open_store, token, "action=confirm"))[0] == 200
    assert event(open_store, "Form Submitted")[0]["form"] == "footer"


def test_confirmation_stores_consent_with_proof_of_both_requests(open_store: Shop) -> None:
    call(form_post(open_store, first_name="Ann", age="41", device=DEVICE, ip="203.0.113.9"))
    token = link(open_store)
    pass_on(open_store)
    status, page = call(press(open_store, token, "action=confirm", ip="198.51.100.7"))
    assert (status, "You are signed up" in page) == (200, True)
    data, body = event(open_store, "Form Submitted")
    assert data == {"form": "footer", **ANSWERS}
    assert body["identifiers"] == {"email": EMAIL, "device": DEVICE}
    pass_on(open_store, "Form Submitted", "List Joined")
    known = profile(open_store)
    assert known.consents() == {"offers": "granted", "news": "granted"}
    assert {c.method for c in known.consent.values()} == {"double-opt-in"}
    assert known.as_data()["properties"] == {"age": 41, "over_18": False}
    assert known.get("first_name") == "Ann"
    assert known.as_data()["lists"] == {"newsletter": True}
    assert event(open_store, "List Joined")[0]["list"] == "newsletter"
    proofs = open_store.items("CONSENT#")
    assert {p["topic"]["S"] for p in proofs} == {"offers", "news"}
    for proof in proofs:
        assert proof["consent_text"]["S"] == WORDING
        assert proof["ip"]["S"] == "198.51.100.7"
        assert proof["requested_ip"]["S"] == "203.0.113.9"
        assert proof["requested_at"]["S"] == open_store.events("Opt-In Requested")[0]["at"]["S"]
        assert proof["source"]["S"] == "form footer"


def test_repeated_confirmation_does_not_undo_later_withdrawal(open_store: Shop) -> None:
    call(form_post(open_store))
    token = link(open_store)
    assert call(press(open_store, token, "action=confirm")) == call(
        press(open_store, token, "action=confirm")
    )
    pass_on(open_store)
    withdraw_consent(open_store)
    call(press(open_store, token, "action=confirm"))
    assert len(open_store.events("Form Submitted")) == 1
    pass_on(open_store)
    assert profile(open_store).consents()["offers"] == "withdrawn"


def test_consent_text_is_that_of_the_sign_up(open_store: Shop) -> None:
    call(form_post(open_store))
    wider = {
        **FOOTER,
        "topics": ["offers", "news", "sms"],
        "consent_text": "Everything",
        "list": "all",
    }
    open_store.settings(forms={"footer": wider}, topics={"offers": "O", "news": "N", "sms": "S"})
    token = link(open_store)
    assert "Everything" not in call(look(open_store, token))[1]
    call(press(open_store, token, "action=confirm"))
    pass_on(open_store)
    assert profile(open_store).consents() == {"offers": "granted", "news": "granted"}
    assert event(open_store, "List Joined")[0]["list"] == "newsletter"


@pytest.mark.parametrize(("reason", "stays"), [("erased", False), ("hard bounce", True)])
def test_confirmation_lifts_suppression_of_erased_address(
    open_store: Shop, reason: str, stays: bool
) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    tables.contacts().suppress(open_store.store, address_hash(EMAIL), reason, at)
    call(form_post(open_store))
    assert open_store.items("SUPPRESSION")
    call(press(open_store, link(open_store), "action=confirm"))
    assert bool(open_store.items("SUPPRESSION")) is stays


def test_single_opt_in_does_not_resubscribe_contact(
    open_store: Shop,
) -> None:
    response = handler(form_post(open_store, "popup", first_name="Ann"), None)
    assert response["statusCode"] == 303
    assert response["headers"]["location"] == f"{PAGE}/thanks"
    pass_on(open_store)
    assert profile(open_store).consents() == {"offers": "granted", "news": "granted"}
    withdraw_consent(open_store)
    handler(form_post(open_store, "popup"), None)
    pass_on(open_store)
    assert profile(open_store).consents()["offers"] == "withdrawn"


def test_unconfirmed_sign_up_changes_no_known_contact_data(open_store: Shop) -> None:
    person = {"email": EMAIL, "first_name": "Ann", "locale": "en", "properties": {"age": 41}}
    tell(open_store, "Order Completed", contact=person)
    call(form_post(open_store, "popup", first_name="Mallory", age="1", locale="fa"))
    pass_on(open_store)
    known = profile(open_store)
    assert (known.get("first_name"), known.get("locale")) == ("Ann", "en")
    assert known.as_data()["properties"]["age"] == 41


# --- equal answers ---


@pytest.mark.parametrize("form", ["footer", "popup"])
@pytest.mark.parametrize("post", [form_post, json_post])
def test_answer_does_not_reveal_known_address(
    open_store: Shop, form: str, post: Callable[..., Json], calls: list[str]
) -> None:
    """Unknown, subscribed, unsubscribed or suppressed: same answer, same calls."""
    yes = {"topic": "offers", "state": "granted", "at": datetime.now(UTC).isoformat()}
    no = {**yes, "state": "withdrawn"}
    subscribed, gone, dead = (f"{name}@mail.example" for name in ("sub", "gone", "dead"))
    for address, answer in ((subscribed, yes), (gone, no), (dead, yes)):
        tell(open_store, "Known", id=address, contact={"email": address, "consent": [answer]})
    tables.contacts().suppress(open_store.store, address_hash(dead), "complaint", datetime.now(UTC))
    seen = []
    for address in ("new@mail.example", subscribed, gone, dead):
        calls.clear()
        seen.append((handler(post(open_store, form, email=address), None), list(calls)))
    assert all(each == seen[0] for each in seen)
    kept = ["PutItem"] * (1 if form == "footer" else 2)
    assert seen[0][1] == ["UpdateItem", "UpdateItem", "BatchGetItem", *kept]


@pytest.fixture
def calls(cloud: Cloud) -> Iterator[list[str]]:
    """The names of the calls to the contacts table, in order."""
    names: list[str] = []
    client = core.client("dynamodb")

    def note(params: Json, model: Any, **_: Any) -> None:
        if json.loads(params["body"]).get("TableName") != "milepost-workflows":
            names.append(model.name)

    client.meta.events.register("before-call.dynamodb.*", note)
    yield names
    client.meta.events.unregister("before-call.dynamodb.*", note)


def test_bot_that_fills_honeypot_gets_the_usual_answer(open_store: Shop, printed: Printed) -> None:
    answers = [call(form_post(open_store)), call(form_post(open_store, website="http://x.example"))]
    assert answers[0] == answers[1]
    assert len(open_store.events()) == 1
    assert printed.counted("SignUpsDropped") == 1


# --- limits ---


def test_three_sign_ups_a_day_for_one_address_are_stored(
    open_store: Shop, printed: Printed
) -> None:
    answers = [call(form_post(open_store, ip=f"203.0.113.{n}")) for n in range(6)]
    assert len(set(answers)) == 1
    assert len(open_store.events("Opt-In Requested")) <= 3
    assert printed.counted("SignUpsDropped") == 3


def test_sign_ups_from_one_internet_address_are_limited_per_hour(shop: Shop) -> None:
    shop.settings(forms={"footer": {**FOOTER, "per_hour": 2}})
    answers = [handler(form_post(shop, email=f"a{n}@mail.example"), None) for n in range(3)]
    assert [answer["statusCode"] for answer in answers] == [200, 200, 429]
    assert answers[2]["headers"]["retry-after"] == "3600"
    assert handler(json_post(shop), None)["statusCode"] == 429
    assert handler(form_post(shop, ip="198.51.100.1"), None)["statusCode"] == 200


def test_counters_contain_no_address(open_store: Shop) -> None:
    call(form_post(open_store))
    counters = open_store.cloud.contacts(f"S#{open_store.store}#LIMIT")
    assert len(counters) == 2
    assert all(int(c["expires_at"]["N"]) > datetime.now(UTC).timestamp() for c in counters)
    text = json.dumps(counters)
    assert EMAIL not in text
    assert "203.0.113" not in text


# --- bad input ---


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"email": ""}, "bad_email", "email"),
        ({"email": "wren"}, "bad_email", "email"),
        ({"email": "a@b.example\r\nBcc: x@y.example"}, "bad_email", "email"),
        ({"email": "a@b.example,c@d.example"}, "bad_email", "email"),
        ({"email": ["a@b.example"]}, "bad_email", "email"),
        ({"first_name": "Buy at https://evil.example"}, "bad_field", "first_name"),
        ({"first_name": "evil.example/x"}, "bad_field", "first_name"),
        ({"first_name": "x" * 61}, "bad_field", "first_name"),
        ({"first_name": "A\r\nBcc: x@y.example"}, "bad_field", "first_name"),
        ({"first_name": {"$ne": 1}}, "bad_field", "first_name"),
        ({"age": "many"}, "bad_field", "age"),
        ({"age": "1e999"}, "bad_field", "age"),
        ({"age": "NaN"}, "bad_field", "age"),
        ({"age": "9" * 400}, "bad_field", "age"),
        ({"country": "US"}, "bad_field", "country"),
        ({"birthday": "31.01.2027"}, "bad_field", "birthday"),
        ({"birthday": "2027-02-30"}, "bad_field", "birthday"),
    ],
)
def test_wrong_answer_is_reported_with_its_field(
    open_store: Shop, fields: Json, code: str, field: str
) -> None:
    response = handler(json_post(open_store, **fields), None)
    error = json.loads(response["body"])["error"]
    assert (response["statusCode"], error["code"], error["field"]) == (422, code, field)
    assert response["headers"]["access-control-allow-origin"] == PAGE
    if all(isinstance(value, str) for value in fields.values()):
        assert call(form_post(open_store, **fields))[0] == 422
    assert open_store.items() == []


def test_missing_required_field_is_reported(shop: Shop) -> None:
    shop.settings(forms={"footer": {"fields": {"over_18": {"type": "boolean", "required": True}}}})
    status, page = call(form_post(shop, locale="fa"))
    assert status == 422
    assert 'lang="fa" dir="rtl"' in page
    assert call(form_post(shop, over_18="on"))[0] == 200


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("multipart/form-data; boundary=x", 415, "no_multipart"),
        ("text/plain", 415, "bad_content_type"),
        ("", 415, "bad_content_type"),
    ],
)
def test_form_in_other_encoding_is_rejected_with_reason(
    open_store: Shop, kind: str, status: int, code: str
) -> None:
    response = handler(form_post(open_store, kind=kind), None)
    assert (response["statusCode"], json.loads(response["body"])["error"]["code"]) == (status, code)


@pytest.mark.parametrize("body", ["", "[]", "{", "null", '"x"', '{"a":' * 30])
def test_json_that_is_not_an_object_is_rejected(open_store: Shop, body: str) -> None:
    headers = {"content-type": "application/json"}
    http_request = request(
        "events.post", "POST", body, headers, store=open_store.store, form="footer"
    )
    assert handler(http_request, None)["statusCode"] == 400


def test_form_with_too_many_fields_is_rejected(open_store: Shop) -> None:
    fields: dict[str, Any] = {f"f{n}": "x" for n in range(1000)}
    assert json.loads(call(form_post(open_store, **fields))[1])["error"]["code"] == "bad_form"


@pytest.mark.parametrize("form", ["", "header", "../footer", "Footer", "x" * 500])
def test_unknown_form_is_not_found(open_store: Shop, form: str) -> None:
    response = handler(form_post(open_store, form), None)
    assert json.loads(response["body"])["error"]["code"] == "unknown_form"


def test_store_without_link_key_accepts_no_sign_up(cloud: Cloud) -> None:
    shop = cloud.open_shop(link_key=None)
    shop.settings(forms={"footer": FOOTER})
    assert handler(form_post(shop), None)["statusCode"] == 503
    assert shop.items() == []


@pytest.mark.parametrize("where", ["https://evil.example", "//evil.example", "javascript:alert(1)"])
@pytest.mark.parametrize("form", ["footer", "popup"])
def test_redirect_is_from_settings_and_not_from_post(
    open_store: Shop, form: str, where: str
) -> None:
    response = handler(form_post(open_store, form, redirect=where, location=where), None)
    assert response["headers"].get("location") in {None, f"{PAGE}/thanks"}
    assert where not in response["body"]


# --- scripts of other websites ---


def preflight(shop: Shop, origin: str) -> Json:
    headers = {"origin": origin, "access-control-request-method": "POST"}
    return request("events.post", "OPTIONS", b"", headers, store=shop.store, form="footer")


def test_script_of_shop_page_can_post(open_store: Shop) -> None:
    headers = handler(preflight(open_store, PAGE), None)["headers"]
    assert headers["access-control-allow-origin"] == PAGE
    assert headers["access-control-allow-methods"] == "POST"
    assert headers["vary"] == "origin"
    response = handler(json_post(open_store), None)
    assert (response["statusCode"], response["headers"]["access-control-allow-origin"]) == (
        202,
        PAGE,
    )
    assert json.loads(response["body"]) == {"status": "accepted"}


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "https://shop.harborline.example.evil.example", "*", ""],
)
def test_script_of_other_origin_cannot_read_answer(open_store: Shop, origin: str) -> None:
    for http_request in (preflight(open_store, origin), json_post(open_store, origin=origin)):
        assert "access-control-allow-origin" not in handler(http_request, None)["headers"]


# --- the link ---


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_get_of_confirmation_link_confirms_nothing(open_store: Shop, method: str) -> None:
    call(form_post(open_store))
    http_request = look(open_store, link(open_store), method)
    http_request["queryStringParameters"] = {"action": "confirm"}
    status, page = call(http_request)
    assert status == 200
    assert "Yes, send me &lt;b&gt;offers&lt;/b&gt; &amp; news." in page
    assert call(press(open_store, link(open_store), ""))[0] == 200
    assert open_store.events("Form Submitted") == []


def test_confirmation_link_expires_after_seven_days(open_store: Shop) -> None:
    """The token names the instant of the sign-up, so the test changes the event's age."""
    call(form_post(open_store))
    (item,) = open_store.events("Opt-In Requested")
    for days, status in ((6.9, 200), (7.1, 410)):
        at = datetime.now(UTC) - timedelta(days=days)
        shown = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        name = f"EVENT#Opt-In Requested#{shown}#{item['id']['S']}"
        aged = item | {"sk": {"S": name}, "at": {"S": shown}}
        core.client("dynamodb").put_item(TableName="milepost-contacts", Item=aged)
        claim = ConfirmationLink(
            open_store.store,
            item["pk"]["S"].rpartition("#")[2],
            "footer",
            item["id"]["S"],
            datetime.fromisoformat(shown),
        )
        token = seal_confirmation(claim, open_store.links)
        assert call(press(open_store, token, "action=confirm"))[0] == status
    assert len(open_store.events("Form Submitted")) == 1


def change_character(token: str, index: int) -> str:
    return token[:index] + ("A" if token[index] != "A" else "B") + token[index + 1 :]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t, s: t[:-1],
        lambda t, s: change_character(t, 3),
        lambda t, s: change_character(t, len(t) - 3),
        lambda t, s: t.replace(".footer.", ".popup."),
        lambda t, s: s.token(t.partition(".")[0]),
        lambda t, s: "x",
        lambda t, s: "",
        lambda t, s: ".....",
        lambda t, s: f"../../unsubscribe/{t}",
    ],
)
def test_forged_link_confirms_nothing(
    open_store: Shop, printed: Printed, spoil: Callable[[str, Shop], str]
) -> None:
    call(form_post(open_store))
    token = spoil(link(open_store), open_store)
    expected = call(look(open_store, "nonsense"))
    assert call(look(open_store, token)) == expected
    assert call(press(open_store, token, "action=confirm")) == expected
    assert printed.counted("ConfirmLinksRefused") == 3
    assert open_store.events("Form Submitted") == []


def test_valid_link_of_missing_sign_up_is_invalid(open_store: Shop) -> None:
    call(form_post(open_store))
    for changes in ({"request": "0" * 24}, {"contact": "c" + "0" * 25}, {"at": datetime.now(UTC)}):
        assert call(press(open_store, link(open_store, **changes), "action=confirm"))[0] == 404


def test_link_of_other_store_is_invalid(cloud: Cloud) -> None:
    one, two = (cloud.open_shop(link_key="shared") for _ in range(2))
    for shop in (one, two):
        shop.settings(forms={"footer": FOOTER})
        call(form_post(shop))
    (item,) = one.events("Opt-In Requested")
    claim = ConfirmationLink(
        one.store,
        item["pk"]["S"].rpartition("#")[2],
        "footer",
        item["id"]["S"],
        datetime.fromisoformat(item["at"]["S"]),
    )
    token = seal_confirmation(claim, "shared")
    assert call(look(two, token))[0] == 404
    assert call(look(one, token))[0] == 200


def test_address_and_link_are_not_logged(open_store: Shop, printed: Printed) -> None:
    call(form_post(open_store, first_name="Wrenkanari"))
    token = link(open_store)
    printed.forbid(token, "203.0.113.24")
    call(look(open_store, token))
    call(press(open_store, token, "action=confirm"))
    assert [r["message"] for r in printed.records() if "message" in r] == ["signed up", "confirmed"]


def test_list_is_joined_a_millisecond_after_the_form(
    open_store: Shop,
) -> None:
    call(form_post(open_store))
    token = link(open_store)
    pass_on(open_store)
    call(press(open_store, token, "action=confirm"))
    (form,), (joined,) = open_store.events("Form Submitted"), open_store.events("List Joined")
    submitted = datetime.fromisoformat(form["at"]["S"])
    assert datetime.fromisoformat(joined["at"]["S"]) - submitted == timedelta(milliseconds=1)
