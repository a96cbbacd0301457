import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.sending.message import DeliveryEvent
from milepost.sending.ses_events import SesEvent, from_queue, from_ses
from tests.support.aws_events import EVENTS, sample, told_by_sns
from tests.support.json_strategy import documents

MESSAGE = "c0123456789abcdef012345678-0123456789abcdef01234567"
WREN = "wren.canary@mail.example"
SENT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
Json = dict[str, Any]


DETAIL_KEYS = {"rendering-failure": "failure", "delivery-delay": "deliveryDelay"}


def event_type(event: Json) -> str:
    """The type of the event, in either format."""
    return str(event.get("eventType") or event["notificationType"])


def delivery_event(name: str, **detail: Any) -> DeliveryEvent | None:
    event = sample("ses", name)
    event[DETAIL_KEYS.get(name) or event_type(event).lower()] |= detail
    found = from_ses(event)
    if found is not None:
        assert (found.store, found.message) == ("harborline", MESSAGE)
    return found.report if found else None


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-22T{text}+00:00")


DELIVERY_EVENTS = {
    "send": DeliveryEvent("sent", SENT),
    "delivery": DeliveryEvent("delivered", at("09:30:02.411")),
    "open": DeliveryEvent("opened", at("09:41:17.208")),
    "click": DeliveryEvent(
        "clicked",
        at("09:42:03.877"),
        link="https://shop.harborline.example/cart?utm_source=milepost",
    ),
    "bounce.permanent": DeliveryEvent(
        "bounced", at("09:30:03.101"), WREN, detail="Permanent General", permanent=True
    ),
    "bounce.suppressed": DeliveryEvent(
        "bounced",
        at("09:30:00.301"),
        WREN,
        detail="Permanent OnAccountSuppressionList",
        permanent=True,
    ),
    "bounce.transient": DeliveryEvent(
        "bounced", at("11:30:03.101"), WREN, detail="Transient MailboxFull"
    ),
    "bounce.undetermined": DeliveryEvent(
        "bounced", at("09:31:03.101"), WREN, detail="Undetermined Undetermined"
    ),
    "complaint": DeliveryEvent("complained", at("10:02:41"), WREN, detail="abuse"),
    "complaint.redacted": DeliveryEvent("complained", at("10:02:41"), "", detail="complaint"),
    "reject": DeliveryEvent("rejected", SENT, detail="Bad content"),
    "rendering-failure": DeliveryEvent("rejected", SENT, detail="rendering failure"),
    "delivery-delay": DeliveryEvent(
        "delayed", at("10:30:00"), detail="TransientCommunicationFailure"
    ),
    "open.apple": DeliveryEvent("opened", at("09:30:41.118"), bot_reason="privacy proxy"),
    "open.gmail": DeliveryEvent("opened", at("09:47:20.004")),
    "click.scanner": DeliveryEvent(
        "clicked",
        at("09:30:01.377"),
        link="https://shop.harborline.example/cart?utm_source=milepost",
        bot_reason="too soon",
    ),
    "legacy.bounce.headers": DeliveryEvent(
        "bounced",
        at("09:30:03.101"),
        WREN,
        detail="Permanent General",
        permanent=True,
        others=("robin.canary@mail.example",),
    ),
    "legacy.complaint.headers": DeliveryEvent("complained", at("10:02:41"), WREN, detail="abuse"),
    "legacy.delivery.headers": DeliveryEvent("delivered", at("09:30:02.411")),
}
IGNORED = {"complaint.not-spam", "subscription", "legacy.bounce", "untagged.bounce"}


def test_every_sample_has_an_expectation() -> None:
    assert DELIVERY_EVENTS.keys() | IGNORED == {
        path.stem for path in (EVENTS / "ses").glob("*.json")
    }


@pytest.mark.parametrize("name", DELIVERY_EVENTS)
def test_ses_event_becomes_delivery_event(name: str) -> None:
    assert delivery_event(name) == DELIVERY_EVENTS[name]


@pytest.mark.parametrize("name", sorted(IGNORED))
def test_ignored_event_types_return_none(name: str) -> None:
    assert from_ses(sample("ses", name)) is None


@pytest.mark.parametrize("name", sorted(DELIVERY_EVENTS.keys() | IGNORED))
def test_sns_envelope_makes_no_difference(name: str) -> None:
    event = sample("ses", name)
    assert from_queue(json.dumps(told_by_sns(event))) == from_ses(event)
    assert from_queue(json.dumps(event)) == from_ses(event), "raw delivery has no envelope"


def test_greeting_of_new_topic_returns_none() -> None:
    text = "Successfully validated SNS topic for Amazon SES event publishing."
    assert from_queue(json.dumps(told_by_sns(text))) is None
    assert from_queue(text) is None


@pytest.mark.parametrize(
    ("address", "recipient"),
    [
        (WREN, WREN),
        (f"Wren Canary <{WREN}>", WREN),
        (f'"<x>" <{WREN}>', WREN),
        ("redacted", ""),
        ("", ""),
        ("<>", ""),
    ],
)
def test_recipient_is_address_or_empty(address: str, recipient: str) -> None:
    bounced = delivery_event("bounce.permanent", bouncedRecipients=[{"emailAddress": address}])
    assert bounced is not None
    assert bounced.recipient == recipient


def test_bounce_without_recipients_is_recorded() -> None:
    empty_lists: list[list[Json]] = [[], [{}]]
    for recipients in empty_lists:
        bounced = delivery_event("bounce.permanent", bouncedRecipients=recipients)
        assert bounced is not None
        assert (bounced.recipient, bounced.permanent) == ("", True)


def test_address_in_open_is_not_the_recipient() -> None:
    """An address in the open or click itself does not count as the recipient."""
    opened = delivery_event("open", bouncedRecipients=[{"emailAddress": "eve@mail.example"}])
    assert opened is not None
    assert opened.recipient == ""


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"message": [MESSAGE]},
        {"store": ["harborline"]},
        {"message": [], "store": []},
        {"message": MESSAGE, "store": "harborline"},
        {"message": None, "store": None},
        {"message": [""], "store": [""]},
    ],
)
def test_event_without_tags_returns_none(tags: Json) -> None:
    event = sample("ses", "bounce.permanent")
    event["mail"]["tags"] = tags
    assert from_ses(event) is None
    del event["mail"]["tags"]
    assert from_ses(event) is None


def test_first_value_of_tag_counts() -> None:
    event = sample("ses", "send")
    event["mail"]["tags"]["message"] = [MESSAGE, "another"]
    found = from_ses(event)
    assert isinstance(found, SesEvent)
    assert found.message == MESSAGE


def test_not_spam_feedback_is_no_complaint() -> None:
    assert delivery_event("complaint", complaintFeedbackType="not-spam") is None
    for kind in ("abuse", "auth-failure", "fraud", "other", "virus"):
        complaint = delivery_event("complaint", complaintFeedbackType=kind)
        assert complaint is not None
        assert complaint.detail == kind


@pytest.mark.parametrize("name", ["delivery", "open", "click", "bounce.permanent", "complaint"])
def test_event_without_details_gets_time_of_email(name: str) -> None:
    event = sample("ses", name)
    del event[event_type(event).lower()]
    found = from_ses(event)
    assert found is not None
    assert (found.report.at, found.report.recipient, found.report.permanent) == (SENT, "", False)


@given(st.sampled_from(sorted(DELIVERY_EVENTS)), st.data())
def test_damaged_event_is_read_or_raises_value_or_key_error(name: str, data: st.DataObject) -> None:
    """A damaged event returns to the queue; it must never count for another message."""
    event = sample("ses", name)
    part = data.draw(st.sampled_from(["mail", DETAIL_KEYS.get(name) or event_type(event).lower()]))
    if event[part]:
        event[part][data.draw(st.sampled_from(sorted(event[part])))] = data.draw(documents)
    try:
        found = from_ses(event)
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    if found is not None and part != "mail":
        assert (found.store, found.message) == ("harborline", MESSAGE)
