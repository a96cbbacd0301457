import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.contacts.event import (
    IDENTIFIER_PRIORITY,
    ConsentEvidence,
    ContactUpdate,
    Event,
    contact_id,
    decode_body,
    encode_body,
)
from milepost.contacts.fields import CONTACT_FIELDS
from tests.support.builders import ADA, MONDAY_NOON, STORE, event

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
moments = st.integers(0, 3 * 10**12).map(
    lambda milliseconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
)
consents = st.builds(
    ConsentEvidence,
    state=st.sampled_from(["granted", "withdrawn"]),
    method=text,
    source=text,
    topic=st.none() | text,
    at=st.none() | moments,
    consent_text=st.none() | text,
    ip=st.none() | text,
    user_agent=st.none() | text,
    requested_at=st.none() | moments,
    requested_ip=st.none() | text,
)
facts = st.builds(
    ContactUpdate,
    fields=st.dictionaries(st.sampled_from(list(CONTACT_FIELDS)), text),
    properties=st.dictionaries(text, data, max_size=3),
    consents=st.lists(consents, max_size=2).map(tuple),
)


@given(
    st.dictionaries(st.sampled_from(IDENTIFIER_PRIORITY), text), st.dictionaries(text, data), facts
)
def test_the_body_of_an_event_reads_back_as_it_was(
    identifiers: Any, properties: dict[str, Any], contact: ContactUpdate
) -> None:
    made = Event(STORE, "1", "E", MONDAY_NOON, "api", identifiers, properties, contact)
    assert decode_body(encode_body(made)) == (identifiers, properties, contact)


def test_a_body_holds_nothing_that_was_not_said() -> None:
    assert json.loads(encode_body(event())) == {
        "identifiers": {"email": ADA}, "data": {}, "contact": {}
    }  # fmt: skip


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_json_number_is_not_written(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_body(event(data={"total": number}))


def test_a_contact_is_named_by_its_first_identifier_and_its_store() -> None:
    name = contact_id(STORE, "email", ADA)
    assert name == contact_id(STORE, "email", ADA)
    others = {
        contact_id("other", "email", ADA),
        contact_id(STORE, "phone", ADA),
        contact_id(STORE, "email", "eva@mail.example"),
    }
    assert len({name, *others}) == 4
    assert ADA.partition("@")[0] not in name


@given(text, text)
def test_a_contacts_name_can_stand_in_keys_tokens_and_tags(store: str, value: str) -> None:
    name = contact_id(store, "external_id", value)
    assert len(name) == 26
    assert set(name) <= set("c0123456789abcdef")


def test_times_of_consent_are_kept_to_the_millisecond() -> None:
    fact = ConsentEvidence(
        "granted", "form", "footer", at=MONDAY_NOON + timedelta(microseconds=1999)
    )
    made = event(contact=ContactUpdate(consents=(fact,)))
    (read,) = decode_body(encode_body(made))[2].consents
    assert read.at == MONDAY_NOON + timedelta(milliseconds=1)
