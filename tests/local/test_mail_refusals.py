"""The stand-in for SES refuses what SES refuses, with SES's own errors, through boto3."""

from base64 import b64encode
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.ses.identities import ConfigurationSet, Identity
from tests.local.conftest import Post, simple


def body(**parts: str | None) -> dict[str, Any]:
    return {name: {"Data": data, "Charset": "UTF-8"} for name, data in parts.items()}


def header(name: str, value: str = "v") -> Any:
    return simple(Headers=[{"Name": name, "Value": value}])


def tag(name: str = "message", value: str = "m1") -> list[dict[str, str]]:
    return [{"Name": name, "Value": value}]


def to(*addresses: str) -> dict[str, list[str]]:
    return {"ToAddresses": list(addresses)}


def attached(name: str) -> Any:
    return simple(Attachments=[{"FileName": name, "RawContent": b"x"}])


BAD = "BadRequestException"
REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "a tag value with a space": (BAD, {"EmailTags": tag(value="a b")}),
    "a tag value that is an address": (BAD, {"EmailTags": tag(value="ada@mail.example")}),
    "a tag name of SES's own": (BAD, {"EmailTags": tag("ses:source")}),
    "an empty tag value": (BAD, {"EmailTags": tag(value="")}),
    "a tag value of 257 characters": (BAD, {"EmailTags": tag(value="x" * 257)}),
    "a tag given twice": (BAD, {"EmailTags": tag() + tag()}),
    "a line break in a header": (BAD, {"Content": header("X-A", "v\r\nBcc: eve@x.example")}),
    "a non-ASCII header": (BAD, {"Content": header("X-A", "café")}),
    "a header of 996 characters": (BAD, {"Content": header("X-A", "v" * 996)}),
    "a header name with a colon": (BAD, {"Content": header("X-A:")}),
    "a header name and value of 997": (BAD, {"Content": header("X-AB", "v" * 993)}),
    "a header that SES sets": (BAD, {"Content": header("Reply-To", "eve@x.example")}),
    "a Content-Type header": (BAD, {"Content": header("Content-Type", "text/html")}),
    "16 headers": (
        BAD,
        {"Content": simple(Headers=[{"Name": f"X-{n}", "Value": "v"} for n in range(16)])},
    ),
    "51 recipients": (BAD, {"Destination": to(*(f"a{n}@mail.example" for n in range(51)))}),
    "no recipient": (BAD, {"Destination": to()}),
    "a recipient without a domain": (BAD, {"Destination": to("ada")}),
    "two recipients in one entry": (BAD, {"Destination": to("a@x.example, b@x.example")}),
    "a non-ASCII local part": (BAD, {"Destination": to("zoë@mail.example")}),
    "a non-ASCII domain": (BAD, {"Destination": to("ada@bücher.example")}),
    "a non-ASCII display name": (BAD, {"FromEmailAddress": "Café <post@shop.example>"}),
    "a line break in an address": (BAD, {"Destination": to("a@x.example\nBcc: b@x.example")}),
    "a space in an address": (BAD, {"Destination": to("a da@mail.example")}),
    "dot-dot in a local part": (BAD, {"Destination": to("a..b@mail.example")}),
    "a local part of 65 characters": (BAD, {"Destination": to("a" * 65 + "@mail.example")}),
    "a bad reply-to": (BAD, {"ReplyToAddresses": ["nobody"]}),
    "no sender": (BAD, {"FromEmailAddress": ""}),
    "a line break in the subject": (
        BAD,
        {"Content": simple(Subject={"Data": "a\r\nBcc: b@x.example", "Charset": "UTF-8"})},
    ),
    "neither text nor HTML": (BAD, {"Content": simple(Body={})}),
    "text that does not fit its charset": (
        BAD,
        {"Content": simple(Body={"Text": {"Data": "سلام"}})},
    ),
    "an unknown charset": (
        BAD,
        {"Content": simple(Body={"Text": {"Data": "a", "Charset": "UTF-5"}})},
    ),
    "both simple and raw": (BAD, {"Content": simple() | {"Raw": {"Data": b"To: a@x.example\n\n"}}}),
    "no content": (BAD, {"Content": {}}),
    "raw data without a header": (BAD, {"Content": {"Raw": {"Data": b"\n\nhello"}}}),
    "a mail beyond 40 MB": (
        BAD,
        {"Content": {"Raw": {"Data": b"To: a@x.example\n\n" + b"x" * (41 * 1024 * 1024)}}},
    ),
    "a tracking override that is no status": (
        BAD,
        {"ConfigurationOverrides": {"Tracking": {"OpenTrackingEnabled": "NO"}}},
    ),
    "a program attached": ("MessageRejected", {"Content": attached("prize.exe")}),
    "an unverified sender": ("MessageRejected", {"FromEmailAddress": "post@rival.example"}),
    "an unknown configuration set": ("NotFoundException", {"ConfigurationSetName": "gone"}),
    "a template": ("NotFoundException", {"Content": {"Template": {"TemplateName": "t"}}}),
    "a contact list": (
        "NotFoundException",
        {"ListManagementOptions": {"ContactListName": "news"}},
    ),
    "a tenant": ("NotFoundException", {"TenantName": "t"}),
}


@pytest.mark.parametrize(("kind", "changes"), REFUSED.values(), ids=REFUSED)
def test_invalid_request_is_refused(post: Post, kind: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as caught:
        post.send(**changes)

    answer = caught.value.response
    assert answer["Error"]["Code"] == kind
    assert answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == (404 if "NotFound" in kind else 400)
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == kind
    assert post.server.mailbox.newest() == []


def test_verified_domain_covers_subdomains_and_address_covers_itself(post: Post) -> None:
    post.account.identities["eve@rival.example"] = Identity(verified=True)

    assert post.send(FromEmailAddress="post@mail.shop.example")
    assert post.send(FromEmailAddress="eve@rival.example")


def test_required_mail_from_domain_must_be_verified(post: Post) -> None:
    post.account.identities["shop.example"] = Identity(verified=True, insists_on_mail_from=True)

    with pytest.raises(ClientError, match="MailFromDomainNotVerifiedException"):
        post.send()


def test_disabled_config_set_pauses_sending(post: Post) -> None:
    post.account.sets["off"] = ConfigurationSet("off", False, ())

    with pytest.raises(ClientError, match="SendingPausedException"):
        post.send(ConfigurationSetName="off")


def test_account_returns_its_rate_and_refuses_more(post: Post) -> None:
    post.json("PUT", "/api/account", {"max_send_rate": 2})
    post.send(Destination=to("a@x.example", "b@x.example"))

    with pytest.raises(ClientError) as caught:
        post.send()

    assert caught.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert post.aws.ses.get_account()["SendQuota"]["MaxSendRate"] == 2


def test_daily_quota_is_enforced_and_account_read_once_a_second(post: Post) -> None:
    sent = post.json("PUT", "/api/account", {})["SendQuota"]["SentLast24Hours"]
    post.json("PUT", "/api/account", {"max_24_hour_send": sent + 1})
    post.send()
    with pytest.raises(ClientError, match="Daily message quota exceeded"):
        post.send()
    quota = post.aws.ses.get_account()["SendQuota"]
    assert quota["Max24HourSend"] == quota["SentLast24Hours"] == sent + 1
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        post.aws.ses.get_account()


def test_malformed_requests_are_refused_by_service_model(post: Post) -> None:
    def answer(document: object) -> tuple[int, str]:
        reply = post.http.post("/v2/email/outbound-emails", json=document)
        return reply.status_code, reply.headers["x-amzn-errortype"] + " " + reply.json()["message"]

    assert answer({}) == (
        400,
        "BadRequestException 1 validation error detected: Value null at 'content' failed to "
        "satisfy constraint: Member must not be null",
    )
    assert answer([])[1].startswith("SerializationException")
    assert answer({"Content": "hello"})[1].startswith("SerializationException")
    assert answer({"Content": {"Raw": {"Data": "not base64!"}}})[1].startswith("Serialization")
    assert (
        "'content.simple.subject.data'"
        in answer({"Content": {"Simple": {"Subject": {}, "Body": {}}}})[1]
    )


def test_raw_mail_is_parsed_like_ses(post: Post) -> None:
    raw = (
        b"From: post@shop.example\r\nTo: ada@mail.example\r\nSubject: Raw\r\n"
        b"X-SES-MESSAGE-TAGS: message=m1, step=s1\r\nX-SES-CONFIGURATION-SET: milepost\r\n"
        b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + b64encode("<b>سلام</b>".encode())
    )
    identity = post.aws.ses.send_email(Content={"Raw": {"Data": raw}})["MessageId"]

    mail = post.json("GET", f"/api/messages/{identity}")

    assert mail["recipients"] == ["ada@mail.example"]
    assert mail["tags"] == {"message": "m1", "step": "s1"}
    assert mail["html"].strip() == "<b>سلام</b>"
    assert mail["configuration_set"] == "milepost"
