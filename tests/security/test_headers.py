"""No name, subject or address can inject a mail header."""

import email
from email import policy
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any

import pytest

from tests.support.builders import send, template, workflow
from tests.support.builders import settings as settings_file
from tests.support.cloud import EMAIL, Shop
from tests.support.handlers import report, run, tell, upload

EVIL = "evil@attacker.example"
INJECTIONS = {
    "CRLF and Bcc": f"Ann\r\nBcc: {EVIL}",
    "LF and Bcc": f"Ann\nBcc: {EVIL}",
    "CR alone": f"Ann\rBcc: {EVIL}",
    "two lines, then a body": "Ann\r\n\r\n<h1>Pay here</h1>",
    "folded line": f"Ann\r\n Bcc: {EVIL}",
    "folded by a tab": f"Ann\r\n\tBcc: {EVIL}",
    "NUL": f"Ann\x00\r\nBcc: {EVIL}",
    "vertical tab": f"Ann\x0bBcc: {EVIL}",
    "form feed": f"Ann\x0cBcc: {EVIL}",
    "next line": f"Ann\x85Bcc: {EVIL}",
    "line separator": f"Ann\u2028Bcc: {EVIL}",
    "paragraph separator": f"Ann\u2029Bcc: {EVIL}",
    "file separators": f"Ann\x1c\x1d\x1eBcc: {EVIL}",
    "DEL": f"Ann\x7f\r\nBcc: {EVIL}",
    "encoded word": "=?utf-8?Q?Ann=0D=0ABcc:_evil@attacker.example?=",
    "encoded word in Base64": "=?utf-8?B?QW5uDQpCY2M6IGV2aWxAYXR0YWNrZXIuZXhhbXBsZQ==?=",
    "percent encoded": f"Ann%0d%0aBcc:%20{EVIL}",
    "escaped in words": f"Ann\\r\\nBcc: {EVIL}",
    "a quote that ends the name": f'Ann" <{EVIL}>, "Bea',
    "an address in brackets": f"Ann <{EVIL}>",
    "a list of addresses": f"Ann, {EVIL};",
    "a comment": f"Ann (\\) {EVIL}",
    "a backslash at the end": "Ann\\",
    "MIME boundary": '--b\r\nContent-Type: text/html\r\n\r\n<script>--b--"',
    "right-to-left override": "Ann\u202egpj.exe",
    "five thousand letters": "A" * 5000,
    "look-alike letters": f"Ann\uff0c {EVIL}\uff1e",
}


def mailed(shop: Shop, name: str) -> dict[str, Any]:
    """The request to SES if every value that can reach a header contains this text."""
    files = {
        "settings.json": settings_file(name="Harborline"),
        **template(
            "plain",
            "For {{ contact.first_name | default('you') }}: {{ event.note | default('-') }}",
        ),
        "workflows/cart.json": workflow(send("first")),
    }
    upload(shop, files)
    shop.settings(name=name)
    yes = [{"topic": "offers", "state": "granted", "at": "2026-01-01T00:00:00Z"}]
    person = {"email": EMAIL, "first_name": name[:200], "consent": yes}
    tell(shop, "Checkout Started", {"note": name}, contact=person)
    run(shop, "cart", "first")
    (sent,) = shop.cloud.post.sent
    return dict(sent)


@pytest.fixture
def empty_post(shop: Shop) -> Shop:
    shop.cloud.post.sent.clear()
    return shop


BROKEN = [text for text in INJECTIONS.values() if len(text.splitlines()) > 1]


def lines(text: str) -> int:
    """Lines as the most tolerant parser counts them."""
    return len(text.splitlines())


@pytest.mark.parametrize("how", INJECTIONS)
def test_mail_has_one_recipient_and_only_our_headers(empty_post: Shop, how: str) -> None:
    assert_harmless(mailed(empty_post, INJECTIONS[how]))


def assert_harmless(sent: dict[str, Any]) -> None:
    simple = sent["Content"]["Simple"]
    assert sent["Destination"] == {"ToAddresses": [EMAIL]}
    assert set(sent) <= {
        "FromEmailAddress",
        "Destination",
        "ReplyToAddresses",
        "Content",
        "EmailTags",
        "ConfigurationSetName",
    }
    names = {header["Name"] for header in simple["Headers"]}
    assert {"List-Unsubscribe", "List-Unsubscribe-Post"} <= names
    assert names <= {"List-Unsubscribe", "List-Unsubscribe-Post", "Content-Language"}
    values = [header["Value"] for header in simple["Headers"]]
    written = [simple["Subject"]["Data"], sent["FromEmailAddress"], *values]
    assert [lines(text) for text in written] == [1] * len(written)
    assert all(c.isprintable() for text in written for c in text), "no control character at all"
    assert all(value.isascii() and len(value) < 900 for value in values)
    assert [address for _, address in getaddresses([sent["FromEmailAddress"]])] == [
        "post@mail.harborline.example"
    ]
    # The message as SES would write it, parsed by a parser other than ours.
    raw = f"From: {sent['FromEmailAddress']}\r\nSubject: {simple['Subject']['Data']}\r\n"
    raw += "".join(f"{h['Name']}: {h['Value']}\r\n" for h in simple["Headers"]) + "\r\nx"
    read = email.message_from_bytes(raw.encode(), _class=EmailMessage, policy=policy.default)
    assert read["bcc"] is None
    assert read["cc"] is None
    assert read["to"] is None
    assert read.get_content().strip() == "x"
    (sender,) = read["from"].addresses
    assert sender.addr_spec == "post@mail.harborline.example"


def test_reply_address_with_line_break_is_not_published(shop: Shop) -> None:
    files = {"settings.json": settings_file(), **template("plain")}
    for number, text in enumerate(BROKEN):
        files[f"workflows/w{number}.json"] = workflow(send("first", reply_to=f"a@b.example{text}"))
    upload(shop, files)
    outcomes = [report(shop, f"workflows.w{n}")["outcome"] for n in range(len(BROKEN))]
    assert outcomes == ["refused"] * len(BROKEN)


def test_sender_name_cannot_inject_a_header(empty_post: Shop) -> None:
    steps = [send(f"s{number}", from_name=text[:100]) for number, text in enumerate(BROKEN)]
    files = {
        "settings.json": settings_file(),
        **template("plain"),
        "workflows/cart.json": workflow(*steps),
    }
    upload(empty_post, files)
    tell(empty_post, "Checkout Started")
    run(empty_post, "cart", "s0")
    assert len(empty_post.cloud.post.sent) == len(BROKEN)
    for sent in empty_post.cloud.post.sent:
        assert_harmless(sent)
