import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.api.event_body import ALIASES, MAX_EVENT_BYTES, RefusedEventError, translate
from milepost.base.strict_json import InvalidJsonError, read_json
from milepost.contacts.event import Event, decode_body, encode_body
from tests.support.builders import ADA, STORE
from tests.support.json_strategy import documents
from tests.support.laws import how_many

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
Json = dict[str, Any]


def posted(**changes: Any) -> Json:
    return {"event": "Checkout Started", "contact": {"email": ADA}, **changes}


def read(document: Any) -> Event:
    return translate(STORE, document, NOW)[0]


def refusal(document: Any) -> RefusedEventError:
    with pytest.raises(RefusedEventError) as error:
        read(document)
    return error.value


def test_every_field_of_the_format_arrives() -> None:
    consent = {
        "topic": "offers", "state": "granted", "at": "2026-11-20T10:00:00+01:00", "method": "box",
        "source": "checkout", "consent_text": "Send me offers", "ip": "203.0.113.24",
        "user_agent": "x",
    }  # fmt: skip
    contact = {
        "email": "Ada@Mail.Example", "external_id": "7", "phone": "+47 55 51 12 34",
        "device_id": "d-1", "first_name": " Ada ", "last_name": "Byron", "locale": "nb_NO",
        "timezone": "Europe/Oslo", "properties": {"vip": True}, "consent": [consent],
    }  # fmt: skip
    event = read(posted(id="evt-1", occurred_at="2026-11-22T10:00:00+01:00", contact=contact,
                        properties={"total": "421.88"}))  # fmt: skip
    assert (event.store, event.id, event.name, event.source) == (
        STORE, "evt-1", "Checkout Started", "api"
    )  # fmt: skip
    assert event.occurred_at == datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert event.identifiers == {
        "email": ADA, "external_id": "7", "phone": "+4755511234", "device": "d-1"
    }  # fmt: skip
    assert event.data == {"total": "421.88"}
    facts = event.contact
    assert facts.fields == {
        "first_name": "Ada", "last_name": "Byron", "locale": "nb_NO", "timezone": "Europe/Oslo"
    }  # fmt: skip
    assert facts.properties == {"vip": True}
    (kept,) = facts.consents
    assert kept.at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert (kept.topic, kept.state, kept.method, kept.source) == (
        "offers", "granted", "box", "checkout"
    )  # fmt: skip
    assert (kept.consent_text, kept.ip, kept.user_agent) == ("Send me offers", "203.0.113.24", "x")


def test_consent_without_a_date_stays_without_one() -> None:
    consent = [{"topic": "offers", "state": "granted"}]
    event = read(posted(contact={"email": ADA, "consent": consent}))
    assert event.contact.consents[0].at is None
    assert event.contact.consents[0].method == "api"


@pytest.mark.parametrize(("theirs", "ours"), ALIASES.items())
def test_events_of_other_systems_have_our_names(theirs: str, ours: str) -> None:
    assert read(posted(event=theirs)).name == ours
    assert read(posted(event=ours)).name == ours


@pytest.mark.parametrize(
    ("document", "dated"),
    [
        (posted(id="1", occurred_at="2026-11-22T09:00:00Z"), True),
        (posted(id="1"), False),
        (posted(occurred_at="2026-11-22T09:00:00Z"), True),
        (posted(), True),
    ],
)
def test_only_an_event_with_an_id_and_no_time_needs_to_be_dated(
    document: Json, dated: bool
) -> None:
    event, told = translate(STORE, document, NOW)
    assert told is dated
    assert event.occurred_at <= NOW


def test_an_event_without_an_id_is_named_after_everything_in_it() -> None:
    assert read(posted()).id == read(posted()).id
    assert read(posted()).id == read(dict(reversed(posted().items()))).id
    assert read(posted()).id != read(posted(properties={"a": 1})).id
    assert read(posted()).id != read(posted(contact={"email": "eva@mail.example"})).id


@pytest.mark.parametrize("minutes", [10, 0, -999_999])
def test_times_that_can_be(minutes: int) -> None:
    at = NOW + timedelta(minutes=minutes)
    assert read(posted(occurred_at=at.isoformat())).occurred_at == at


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"occurred_at": "2026-11-22T09:40:01Z"}, "in_the_future", "occurred_at"),
        ({"occurred_at": "9999-12-31T23:59:59-23:00"}, "in_the_future", "occurred_at"),
        ({"occurred_at": "1999-12-31T23:59:59Z"}, "too_old", "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+23:00"}, "too_old", "occurred_at"),
        ({"occurred_at": "2026-11-22T09:00:00"}, "bad_event", "occurred_at"),
        ({"contact": {}}, "no_contact", "contact"),
        ({"contact": {"email": "x"}}, "bad_email", "contact.email"),
        ({"contact": {"phone": "1"}}, "bad_phone", "contact.phone"),
        ({"contact": {"email": ADA, "timezone": "Mars"}}, "bad_timezone", "contact.timezone"),
        ({"properties": {"x": "y" * MAX_EVENT_BYTES}}, "event_too_large", "properties"),
        ({"event": "a#b"}, "bad_event", "event"),
        ({"event": "a\x1fb"}, "bad_event", "event"),
        ({"events": "x"}, "bad_event", "events"),
    ],
)
def test_a_refusal_names_its_kind_and_its_field(changes: Json, code: str, field: str) -> None:
    error = refusal(posted(**changes))
    assert (error.code, error.field) == (code, field)


def test_a_name_may_be_anything_that_can_stand_in_a_key() -> None:
    for name in ("Köp slutfört", "注文完了", "a" * 100, "x/y?z&", "~"):
        assert read(posted(event=name)).name == name
    assert read(posted(event="  Checkout Started ")).name == "Checkout Started"


def test_a_refusal_repeats_nothing_of_what_it_refuses() -> None:
    secret = "wren.canary@mail.example"
    for changes in (
        {"contact": {"email": secret + "@"}},
        {"contact": {"email": ADA, "first_name": [secret]}},
        {"id": f"a {secret}"},
        {"occurred_at": secret},
        {"contact": {"phone": secret}},
    ):
        assert secret not in str(refusal(posted(**changes)))


def test_unknown_fields_are_sent_to_the_properties() -> None:
    error = refusal(posted(total=5))
    assert str(error) == "total is not a field of an event: put your own data under properties"
    assert str(refusal({"event": "x"})) == "contact is required"
    assert str(refusal(posted(occurred_at="2026-11-22T09:00:00"))) == (
        "occurred_at needs an offset, as in 2026-11-22T09:30:00Z"
    )


FIELDS = ["id", "event", "occurred_at", "contact", "properties", "batch"]
CONTACT = ["email", "external_id", "phone", "device_id", "first_name", "locale", "timezone",
           "properties", "consent"]  # fmt: skip
CONSENT = ["topic", "state", "at", "method", "ip"]
TIMES = ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-11-22T09:00:00Z",
         "2026-11-22", 1e18, -1e18, 0, 10**30]  # fmt: skip
values = documents | st.sampled_from([*TIMES, ADA, "offers", "granted", "Europe/Oslo"])
consents = st.lists(st.dictionaries(st.sampled_from(CONSENT), values), max_size=2)
contacts = st.dictionaries(st.sampled_from(CONTACT), values | consents)
events = st.fixed_dictionaries(
    {"event": st.just("E") | values, "contact": contacts},
    optional={"occurred_at": values, "id": values, "properties": values},
) | st.dictionaries(st.sampled_from(FIELDS), values | contacts)


@settings(max_examples=how_many(200))
@given(documents | events)
def test_whatever_is_posted_is_an_event_that_can_be_kept_or_a_refusal(document: Any) -> None:
    try:
        document = read_json(json.dumps(document).encode())
        event = read(document)
    except (InvalidJsonError, RefusedEventError) as error:
        assert str(error)
        return
    identifiers, data, facts = decode_body(encode_body(event))
    assert identifiers == event.identifiers
    assert identifiers
    assert data == event.data
    assert len(facts.consents) == len(event.contact.consents)
    assert "#" not in event.name
    assert datetime(2000, 1, 1, tzinfo=UTC) <= event.occurred_at <= NOW + timedelta(minutes=10)
    for consent in facts.consents:
        assert consent.at is None or consent.at <= NOW + timedelta(minutes=10)
