"""The delivery events of the doctor's test mails reach our function, which records them."""

import json
from typing import Any

import pytest

from functions.trigger_email.app import handler
from milepost.sending.probes import probe_name
from milepost.wiring import sending, tables
from milepost_tools.operations.test_send import ProbeSender
from tests.support.aws_events import queued, sample, told_by_sns
from tests.support.cloud import Printed, Shop

MARK = "00112233445566ff"


def reported(sample_name: str, mailbox: str, mark: str = MARK) -> Any:
    """SES's report of a test mail: the tag's value is an array."""
    event = sample("ses", sample_name)
    tags = {"probe": [probe_name(mark, mailbox)], "ses:configuration-set": ["milepost"]}
    event["mail"]["tags"] = tags
    return told_by_sns(event)


def hear(*bodies: Any) -> None:
    assert handler(queued(*bodies), None) == {"batchItemFailures": []}


@pytest.mark.parametrize(
    ("sample_name", "mailbox", "kind"),
    [
        ("send", "success", "sent"),
        ("delivery", "success", "delivered"),
        ("bounce.permanent", "bounce", "bounced"),
        ("complaint", "complaint", "complained"),
    ],
)
def test_probe_event_is_recorded(
    shop: Shop, printed: Printed, sample_name: str, mailbox: str, kind: str
) -> None:
    mark = f"{len(sample_name):016x}"
    hear(reported(sample_name, mailbox, mark), reported(sample_name, mailbox, mark))
    post = ProbeSender(sending.mail_sender().mailer, tables.probes())
    assert post.heard(probe_name(mark, mailbox)) == [kind]
    assert printed.counted("EmailEventsIgnored") == 0
    assert printed.counted("EmailEventsUnknown") == 0


def test_all_events_of_one_probe_are_kept_and_expire(shop: Shop) -> None:
    hear(reported("send", "success"), reported("delivery", "success"))
    assert tables.probes().reports(probe_name(MARK, "success")) == ["delivered", "sent"]
    (item,) = shop.cloud.contacts(f"PROBE#{MARK}-success")
    assert "expires_at" in item


def test_probe_event_changes_no_contact(shop: Shop) -> None:
    before = len(shop.cloud.contacts("S#"))
    hear(reported("bounce.permanent", "bounce"), reported("complaint", "complaint"))
    assert len(shop.cloud.contacts("S#")) == before, "no suppression, no event, no message"


@pytest.mark.parametrize("name", ["", "x", f"{MARK}-other", "S#acme#C#c1", f"{MARK}-bounce\n"])
def test_unknown_probe_tag_is_ignored(shop: Shop, printed: Printed, name: str) -> None:
    event = sample("ses", "send")
    event["mail"]["tags"] = {"probe": [name]}
    before = len(shop.cloud.contacts(""))
    hear(told_by_sns(event))
    assert len(shop.cloud.contacts("")) == before
    assert printed.counted("EmailEventsIgnored") == 1


def test_event_with_message_id_is_not_a_probe(shop: Shop, printed: Printed) -> None:
    event = json.loads(json.dumps(sample("ses", "send")))
    name = f"{MARK[::-1]}-complaint"
    event["mail"]["tags"] |= {"probe": [name]}
    hear(told_by_sns(event))
    assert tables.probes().reports(name) == []
    assert printed.counted("EmailEventsUnknown") == 1
