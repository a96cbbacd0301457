"""`milepost send-test` sends a template to one of your own addresses only."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoRegionError

from milepost.sending.aws import SesMailer
from milepost.wiring import core
from milepost_tools import wiring as tools_wiring
from tests.support.builders import settings, template
from tests.support.commands import Answer, milepost, write
from tests.support.mailer import FakeSes, refusal

OWN = {"me@shop.example", "team.example"}


class Ses(FakeSes):
    """SES that also knows the account's identities."""

    def get_email_identity(self, *, EmailIdentity: str) -> dict[str, Any]:
        if EmailIdentity == "new@shop.example":
            return {"VerifiedForSendingStatus": False}
        if EmailIdentity not in OWN:
            raise ClientError({"Error": {"Code": "NotFoundException"}}, "GetEmailIdentity")
        return {"VerifiedForSendingStatus": True}


class Formation:
    """CloudFormation with one stack."""

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        if StackName != "milepost":
            raise ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStacks")
        sender = {"ParameterKey": "SenderAddress", "ParameterValue": "post@mail.shop.example"}
        mails = {"OutputKey": "ConfigurationSetName", "OutputValue": "milepost"}
        return {"Stacks": [{"Parameters": [sender], "Outputs": [mails]}]}


@pytest.fixture
def ses(monkeypatch: pytest.MonkeyPatch) -> Ses:
    post = Ses()
    clients = {"sesv2": post, "cloudformation": Formation()}
    monkeypatch.setattr(core, "client", clients.__getitem__)
    return post


@pytest.fixture
def store(tmp_path: Path) -> Path:
    senders = {"anna": {"name": "Anna", "address": "anna@mail.shop.example"}}
    body = (
        "Hello {{ contact.first_name | default('you') }}, order {{ event.ref }}, {{ sender.name }}"
    )
    files = {"settings.json": settings(senders=senders), **template("mail", body=body)}
    return write(tmp_path, files)


def send_test(store: Path, *more: object, to: str = "me@shop.example") -> Answer:
    call = ("send-test", "mail", "--store", store, "--to", to, "--set", "ref=A-7")
    return milepost(*call, *more)


def test_test_email_goes_to_given_address_marked_as_test(ses: Ses, store: Path) -> None:
    answer = send_test(store)
    assert (answer.code, answer.lines) == (
        0,
        ["SES took it for me@shop.example: message 0100-000001"],
    )
    (sent,) = ses.sent
    assert sent["Destination"] == {"ToAddresses": ["me@shop.example"]}
    assert sent["FromEmailAddress"] == '"Harborline Goods" <post@mail.shop.example>'
    assert sent["ConfigurationSetName"] == "milepost"
    simple = sent["Content"]["Simple"]
    assert simple["Subject"]["Data"] == "[Test] About mail"
    assert "Hello Robin, order A-7" in simple["Body"]["Html"]["Data"]


def test_delivery_event_of_test_email_matches_no_message(ses: Ses, store: Path) -> None:
    send_test(store)
    names = {tag["Name"] for tag in ses.sent[0]["EmailTags"]}
    assert names == {"test"}, "neither a message nor a store: see sending/ses_events.py"


def test_test_email_can_use_a_sender_of_the_store(ses: Ses, store: Path) -> None:
    send_test(store, "--from", "anna")
    assert ses.sent[0]["FromEmailAddress"] == '"Anna" <anna@mail.shop.example>'
    assert "order A-7, Anna" in ses.sent[0]["Content"]["Simple"]["Body"]["Html"]["Data"]
    answer = send_test(store, "--from", "ana")
    assert answer.code == 2
    assert 'did you mean "anna"?' in answer.err


@pytest.mark.parametrize(
    "to",
    ["bo@team.example", "bo@mail.team.example", "bo@simulator.amazonses.com", " ME@shop.example "],
)
def test_test_email_goes_to_verified_identity(ses: Ses, store: Path, to: str) -> None:
    assert send_test(store, to=to).code == 0
    assert len(ses.sent) == 1


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("customer@mail.example", "customer@mail.example is not known to be your own"),
        ("new@shop.example", "new@shop.example is not known to be your own"),
        ("other@shop.example", "other@shop.example is not known to be your own"),
        ("me@team.example.evil.example", "is not known to be your own"),
        ("me@shop.example,customer@mail.example", "is no single e-mail address"),
        ("me@shop.example; customer@mail.example", "is no single e-mail address"),
        ("Me <me@shop.example>", "is no single e-mail address"),
        ("me@shop.example\r\nBcc: customer@mail.example", "is no single e-mail address"),
        ("", "is no single e-mail address"),
    ],
)
def test_test_email_to_unverified_address_is_refused(
    ses: Ses, store: Path, to: str, why: str
) -> None:
    answer = send_test(store, to=to)
    assert answer.code == 1
    assert why in answer.out
    assert ses.sent == []


def test_test_email_accepts_exactly_one_address(ses: Ses, store: Path) -> None:
    send_test(store, "--to", "bo@team.example")
    assert [sent["Destination"] for sent in ses.sent] == [{"ToAddresses": ["bo@team.example"]}]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (refusal("MessageRejected"), "not sent: SES says MessageRejected (in SES's sandbox"),
        (refusal("Throttling"), "not sent: SES says Throttling (run `milepost doctor`)"),
        (refusal("InternalServiceErrorException", 503), "SES gave no answer"),
    ],
)
def test_ses_error_is_printed_with_remedy(
    ses: Ses, store: Path, error: Exception, said: str
) -> None:
    ses.answers = [error]
    answer = send_test(store)
    assert answer.code == 1
    assert answer.out.startswith(said)
    assert len(ses.sent) == 1, "it is not tried again"


def test_test_email_with_missing_value_is_sent_with_warning(ses: Ses, store: Path) -> None:
    answer = milepost("send-test", "mail", "--store", store, "--to", "me@shop.example")
    assert answer.code == 0
    assert "templates/mail: html: event.ref is missing" in answer.out
    assert "order [event.ref]" in ses.sent[0]["Content"]["Simple"]["Body"]["Html"]["Data"]


def test_unknown_stack_is_named_in_error(ses: Ses, store: Path) -> None:
    answer = send_test(store, "--stack", "milpost")
    assert answer.code == 2
    assert "there is no stack 'milpost'" in answer.err
    assert ses.sent == []


def test_missing_region_is_reported(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def client(_: str) -> None:
        raise NoRegionError

    monkeypatch.setattr(core, "client", client)
    answer = send_test(store)
    assert answer.code == 2
    assert "You must specify a region" in answer.err
    assert "AWS_REGION" in answer.err


def test_send_test_uses_same_mailer_as_workflows(ses: Ses) -> None:
    assert type(tools_wiring.test_sender("milepost").mailer) is SesMailer
