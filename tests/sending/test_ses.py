"""`SesMailer` at the socket: it makes exactly one request, whatever happens to it."""

import json
import time
from collections.abc import Iterator
from email.header import decode_header, make_header
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError
from hypothesis import example, given
from hypothesis import strategies as st

from milepost.aws.config import ONE_ATTEMPT
from milepost.base.names import MessageRef
from milepost.sending.attachments import Attachment
from milepost.sending.aws import SesMailer
from milepost.sending.message import Accepted, Answer, NoResponse, OutgoingEmail, SubmissionRejected
from tests.support.loopback import Reply, answering, http_reply
from tests.support.mailer import FakeSes, refusal

SENDER = "post@mail.harborline.example"
MAIL = OutgoingEmail(
    ref=MessageRef("harborline", "c1", "c1-2"),
    to="ada@mail.example",
    sender_name="Harborline",
    reply_to="",
    subject="Your basket",
    html="<p>Hello</p>",
    text="Hello",
    headers={"List-Unsubscribe": "<https://links.example/u>"},
    tags={"message": "c1-2", "store": "harborline"},
)


def request_for(mail: OutgoingEmail) -> dict[str, Any]:
    post = FakeSes()
    assert SesMailer(post, SENDER, "milepost").send(mail) == Accepted("0100-000001")  # type: ignore[arg-type]
    (request,) = post.sent
    return request


# --- what is handed over ---


def test_request_has_all_parts_of_message() -> None:
    assert request_for(MAIL) == {
        "FromEmailAddress": '"Harborline" <post@mail.harborline.example>',
        "Destination": {"ToAddresses": ["ada@mail.example"]},
        "Content": {
            "Simple": {
                "Subject": {"Data": "Your basket", "Charset": "UTF-8"},
                "Body": {
                    "Html": {"Data": "<p>Hello</p>", "Charset": "UTF-8"},
                    "Text": {"Data": "Hello", "Charset": "UTF-8"},
                },
                "Headers": [{"Name": "List-Unsubscribe", "Value": "<https://links.example/u>"}],
            }
        },
        "EmailTags": [
            {"Name": "message", "Value": "c1-2"},
            {"Name": "store", "Value": "harborline"},
        ],
        "ConfigurationSetName": "milepost",
    }


def test_request_has_reply_to_address() -> None:
    request = request_for(MAIL._replace(reply_to="hello@harborline.example"))
    assert request["ReplyToAddresses"] == ["hello@harborline.example"]


def test_request_has_attachments_only_if_there_are_files() -> None:
    invoice = Attachment("1001.pdf", "application/pdf", b"%PDF-")
    simple = request_for(MAIL._replace(files=(invoice,)))["Content"]["Simple"]
    assert simple["Attachments"] == [
        {"FileName": "1001.pdf", "ContentType": "application/pdf", "RawContent": b"%PDF-"}
    ]
    assert "Attachments" not in request_for(MAIL)["Content"]["Simple"]


def test_request_uses_address_of_sender() -> None:
    request = request_for(MAIL._replace(sender_name="Anna", sender_address="anna@h.example"))
    assert request["FromEmailAddress"] == '"Anna" <anna@h.example>'


def sender(name: str) -> str:
    return str(request_for(MAIL._replace(sender_name=name))["FromEmailAddress"])


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Harbor & Pine, Inc.", f'"Harbor & Pine, Inc." <{SENDER}>'),
        ('The "Best" \\ Shop', f'"The Best  Shop" <{SENDER}>'),
        ("", SENDER),
        ("\r\n", SENDER),
        ("Shop\r\nBcc: eve@example.org", f'"ShopBcc: eve@example.org" <{SENDER}>'),
        ("Shop\x00\x7f\u2028\u202e", f'"Shop" <{SENDER}>'),
        ("فروشگاه", f"=?utf-8?b?2YHYsdmI2LTar9in2Yc=?= <{SENDER}>"),
    ],
)
def test_from_header_has_sender_name(name: str, shown: str) -> None:
    assert sender(name) == shown


@given(st.text(min_size=1, max_size=60))
@example("0000000000000000000¡¡¡¡¡¡¡¡¡૦நந")  # its first word came to 76 characters
def test_any_sender_name_is_one_ascii_line_and_decodes_back(name: str) -> None:
    header = sender(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.endswith(SENDER) or header.endswith(f" <{SENDER}>")
    shown = header.removesuffix(f" <{SENDER}>")
    kept = "".join(c for c in name if c.isprintable() and c not in '\\"')
    if kept and not kept.isascii():
        assert all(len(word) <= 75 for word in shown.split(" ")), "RFC 2047, section 2"
        assert str(make_header(decode_header(shown))) == kept
    elif kept:
        assert shown == f'"{kept}"'


# --- what is answered ---


@pytest.mark.parametrize(
    "code",
    [
        "AccountSuspendedException",
        "LimitExceededException",
        "SendingPausedException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    ],
)
@pytest.mark.parametrize("status", [400, 429, 503])
def test_temporary_error_is_retryable_rejection(code: str, status: int) -> None:
    assert answer_to(refusal(code, status)) == SubmissionRejected(code, retry=True)


@pytest.mark.parametrize(
    "code",
    [
        "MessageRejected",
        "MailFromDomainNotVerifiedException",
        "BadRequestException",
        "NotFoundException",
        "AccessDeniedException",
    ],
)
def test_permanent_error_is_final_rejection_with_code_only(code: str) -> None:
    """SES's message may quote the address."""
    assert answer_to(refusal(code)) == SubmissionRejected(code)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_error_is_no_response(status: int) -> None:
    answer = answer_to(refusal("InternalServiceErrorException", status))
    assert answer == NoResponse("InternalServiceErrorException")


def test_timeout_is_no_response() -> None:
    assert answer_to(ConnectTimeoutError(endpoint_url="x")) == NoResponse("ConnectTimeoutError")


def answer_to(error: Exception) -> Answer:
    post = FakeSes(answers=[error])
    answer = SesMailer(post, SENDER, "milepost").send(MAIL)  # type: ignore[arg-type]
    assert len(post.sent) == 1
    return answer


# --- at the socket ---


def submit(url: str, mail: OutgoingEmail = MAIL, **config: Any) -> Answer:
    """Submit with boto3's client, configured as in `wiring` except for its address."""
    from botocore.config import Config

    client = boto3.client(
        "sesv2",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="none",
        aws_secret_access_key="none",
        config=ONE_ATTEMPT.merge(Config(**config)),
    )
    try:
        return SesMailer(client, SENDER, "milepost").send(mail)
    finally:
        client.close()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    return iter([None])


def dropped(connection: Any) -> None:
    connection.close()


def reset(connection: Any) -> None:
    import socket
    import struct

    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def slow(connection: Any) -> None:
    time.sleep(0.6)


def incomplete(connection: Any) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{")


ERROR = json.dumps({"message": "no"})
BAD: dict[str, tuple[Reply, Answer]] = {
    "dropped": (dropped, NoResponse("ConnectionClosedError")),
    "reset": (reset, NoResponse("ConnectionClosedError")),
    "slow": (slow, NoResponse("ReadTimeoutError")),
    "half an answer": (incomplete, NoResponse("ConnectionClosedError")),
    "500": (
        http_reply("500 No", ERROR, "x-amzn-errortype: InternalServiceErrorException"),
        NoResponse("InternalServiceErrorException"),
    ),
    "503": (http_reply("503 No", ERROR), NoResponse("503")),
    "503 in HTML": (http_reply("503 No", "<html>"), NoResponse("503")),
    "429": (
        http_reply("429 Slow", ERROR, "x-amzn-errortype: TooManyRequestsException"),
        SubmissionRejected("TooManyRequestsException", retry=True),
    ),
    "400": (
        http_reply("400 No", ERROR, "x-amzn-errortype: MessageRejected"),
        SubmissionRejected("MessageRejected"),
    ),
    "yes": (http_reply("200 OK", json.dumps({"MessageId": "0100-1"})), Accepted("0100-1")),
    "yes, but not which": (
        http_reply("200 OK", "{}"),
        NoResponse("an answer without a message id"),
    ),
    "yes in HTML": (
        http_reply("200 OK", "<html>"),
        NoResponse("an answer without a message id"),
    ),
    "redirect": (
        http_reply("307 Away", "{}", "location: http://127.0.0.1:9/"),
        SubmissionRejected("307"),
    ),
}


@pytest.mark.parametrize("how", BAD)
def test_broken_connection_makes_exactly_one_request(how: str) -> None:
    reply, expected = BAD[how]
    with answering(reply) as server:
        answer = submit(server.url, read_timeout=0.3)
        time.sleep(0.1)
    assert len(server.requests) == 1
    assert b"ada@mail.example" in server.requests[0]
    assert answer == expected


def test_refused_connection_is_no_response() -> None:
    with answering(dropped) as server:
        pass
    assert submit(server.url) == NoResponse("EndpointConnectionError")


def test_invalid_parameter_is_rejected_without_request() -> None:
    with answering(dropped) as server:
        answer = submit(server.url, MAIL._replace(to=7))  # type: ignore[arg-type]
    assert answer == SubmissionRejected("ParamValidationError")
    assert server.connections == 0


def test_wiring_creates_ses_client_with_one_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from milepost.wiring import core

    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "us-east-1")
    core.client.cache_clear()
    try:
        config = core.client("sesv2").meta.config
        others = core.client("dynamodb").meta.config
    finally:
        core.client.cache_clear()
    assert config.retries["total_max_attempts"] == 1
    assert (config.connect_timeout, config.read_timeout) == (5, 20)
    assert others.retries["total_max_attempts"] > 1, "everything else may be tried again"


def test_lambda_timeout_exceeds_ses_timeouts() -> None:
    """Otherwise Lambda could stop before a slow answer, and an accepted message stays unknown."""
    from tests.support.template import read_stack

    functions = read_stack().source["Resources"]
    timeout = functions["RunStepsFunction"]["Properties"]["Timeout"]
    connect, read = (getattr(ONE_ATTEMPT, f"{what}_timeout") for what in ("connect", "read"))
    assert timeout > connect + read
