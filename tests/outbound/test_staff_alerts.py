"""The request to SNS and its answers (botocore's models check both)."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from milepost.base.errors import ThrottledError
from milepost.outbound.aws import MAX_SUBJECT, MAX_TEXT, SnsAlerts

TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"


@pytest.fixture
def sns() -> Iterator[tuple[SnsAlerts, Stubber]]:
    client = boto3.client(
        "sns", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stub:
        yield SnsAlerts(client, TOPIC), stub
        stub.assert_no_pending_responses()


def published_message(sns: tuple[SnsAlerts, Stubber], subject: str, text: str) -> tuple[str, str]:
    """The subject and the message in the request to SNS."""
    alerts, stub = sns
    seen: dict[str, Any] = {}
    client = alerts.client
    client.meta.events.register(
        "provide-client-params.sns.Publish", lambda params, **_: seen.update(params)
    )
    stub.add_response("publish", {"MessageId": "1"})
    alerts.send_alert(subject, text, "harborline")
    assert seen["TopicArn"] == TOPIC
    assert seen["MessageAttributes"]["store"]["StringValue"] == "harborline"
    return seen["Subject"], seen["Message"]


def test_alert_is_published_to_topic(sns: tuple[SnsAlerts, Stubber]) -> None:
    assert published_message(sns, "cart: tell", "Ada left\n42") == ("cart: tell", "Ada left\n42")


@pytest.mark.parametrize(
    ("subject", "line"),
    [
        ("zoé\r\nBcc: x", "zoBcc: x"),
        ("", "Milepost"),
        ("é", "Milepost"),
        ("x" * 300, "x" * MAX_SUBJECT),
    ],
)
def test_subject_is_one_ascii_line(sns: tuple[SnsAlerts, Stubber], subject: str, line: str) -> None:
    assert published_message(sns, subject, "text")[0] == line
    assert len(line) < 100


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_empty_text_is_replaced_by_subject(sns: tuple[SnsAlerts, Stubber], text: str) -> None:
    """SNS rejects an empty message: the step would be retried for half a day and then fail."""
    assert published_message(sns, "cart: tell", text) == ("cart: tell", "cart: tell")


@pytest.mark.parametrize("text", ["é" * MAX_TEXT, "x" * (MAX_TEXT + 1), "\ud800" * MAX_TEXT])
def test_too_long_text_is_cut(sns: tuple[SnsAlerts, Stubber], text: str) -> None:
    _, message = published_message(sns, "cart: tell", text)
    assert MAX_TEXT - 4 < len(message.encode()) <= MAX_TEXT


@pytest.mark.parametrize(
    "code", ["InternalError", "Throttled", "AuthorizationError", "NotFound", "KMSDisabled"]
)
def test_error_of_sns_raises_throttled_error(sns: tuple[SnsAlerts, Stubber], code: str) -> None:
    alerts, stub = sns
    stub.add_client_error("publish", code, "about ada@mail.example")
    with pytest.raises(ThrottledError) as busy:
        alerts.send_alert("a", "b", "harborline")
    assert "ada" not in str(busy.value)


def test_network_error_raises_throttled_error() -> None:
    class Down:
        def publish(self, **_: Any) -> None:
            raise EndpointConnectionError(endpoint_url="https://sns.example")

    with pytest.raises(ThrottledError):
        SnsAlerts(Down(), TOPIC).send_alert("a", "b", "harborline")  # type: ignore[arg-type]


def test_missing_topic_raises_throttled_error(sns: tuple[SnsAlerts, Stubber]) -> None:
    with pytest.raises(ThrottledError, match="AlarmTopicArn"):
        SnsAlerts(sns[0].client, "").send_alert("a", "b", "harborline")
