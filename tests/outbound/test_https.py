import socket
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milepost.base.signatures import check_signature
from milepost.outbound.public_addresses import is_public
from milepost.outbound.request import (
    MAX_BODY,
    MAX_RESPONSE_BYTES,
    MAX_TEXT,
    OutboundRequest,
    OutboundResponse,
    RequestFailed,
    Target,
    check_header,
    check_request,
    check_url,
    is_retryable,
    parse_target,
    read_answer,
    sign_request_body,
    wire_headers,
)

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
CALL = OutboundRequest("https://hooks.harborline.example/crm", "POST", {}, b"{}")
JSON = "application/json"
url_text = st.text("abcx0179.:/@?#[]%-_\\ é。１\r\n", max_size=30) | st.text(max_size=30)
any_v4 = st.integers(0, 2**32 - 1) | st.sampled_from(
    [int(IPv4Address(a)) for a in ("127.0.0.1", "169.254.169.254", "10.0.0.1", "8.8.8.8")]
)
any_v6 = st.integers(0, 2**128 - 1) | st.integers(2**125, 2**126 - 1)


# --- URLs ---


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hooks.harborline.example", ("hooks.harborline.example", 443, "/")),
        ("https://hooks.harborline.example?a=1", ("hooks.harborline.example", 443, "/?a=1")),
        ("HTTPS://Hooks.Harborline.EXAMPLE:443/A", ("hooks.harborline.example", 443, "/A")),
        ("https://a.co/x//../%0A?u=https://b@c/[0]", ("a.co", 443, "/x//../%0A?u=https://b@c/[0]")),
        ("https://xn--bcher-kva.example/", ("xn--bcher-kva.example", 443, "/")),
        ("https://shop.xn--p1ai/", ("shop.xn--p1ai", 443, "/")),
        ("https://1.2.3.4.nip.example/", ("1.2.3.4.nip.example", 443, "/")),
        (f"https://{'a' * 63}.example/", (f"{'a' * 63}.example", 443, "/")),
    ],
)
def test_url_is_parsed_into_host_port_and_path(url: str, target: tuple[str, int, str]) -> None:
    assert parse_target(url) == Target(*target)
    assert check_url(url) is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://hooks.harborline.example/", "must begin with https://"),
        ("https://bücher.example/", "punycode for the host (xn--...)"),
        ("https://hooks.harborline.example/a b", "written as %XX"),
        ("https://hooks.harborline.example/100%", "a lone %"),
        ("https://hooks.harborline.example/#top", "leave out #"),
        ("https://key@hooks.harborline.example/", "use a header for credentials"),
        ("https://[2606:4700::1111]/", "use a name"),
        ("https://hooks.harborline.example:8443/", "other than 443: leave it out"),
        ("https://hooks/", "full public name such as"),
        ("https://hooks.internal/", "only public ones"),
        ("https://hooks.harborline.example/" + "a" * 2048, "longer than 2048"),
    ],
)
def test_rejected_url_has_reason_and_remedy(url: str, reason: str) -> None:
    reason_given = check_url(url)
    assert reason_given is not None
    assert reason in reason_given
    assert parse_target(url) == RequestFailed(reason_given)


@given(st.sampled_from(["https://", "https:/", "https:", ""]), url_text, url_text)
@example("https://", "a.co", "")
@example("https://", "a.0x7f", "/")
def test_parsed_target_matches_other_url_parsers(scheme: str, authority: str, rest: str) -> None:
    url = scheme + authority + rest
    target = parse_target(url)
    if isinstance(target, RequestFailed):
        return
    seen = urlsplit(url)
    assert (seen.scheme, seen.hostname, seen.port or 443) == ("https", target.host, target.port)
    assert seen.username is seen.password is None
    assert target.path.endswith(seen.query)
    with pytest.raises(OSError, match="illegal IP address"):
        socket.inet_aton(target.host)
    assert all(" " < c <= "~" for c in target.host + target.path)


@given(st.lists(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True), max_size=4))
def test_every_public_dns_name_is_accepted(labels: list[str]) -> None:
    host = ".".join([*labels, "shop", "com"])
    assert (check_url(f"https://{host}/") is None) == (len(host) <= 253)


# --- addresses ---


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2a05:d018::1",
        "64:ff9b::8.8.8.8",
    ],
)
def test_internet_address_is_public(address: str) -> None:
    assert is_public(address)


@given(any_v4)
def test_embedded_ipv4_address_decides_if_public(number: int) -> None:
    plain = is_public(str(IPv4Address(number)))
    forms = {
        "mapped": 0xFFFF << 32 | number,
        "compatible": number,
        "translated": 0xFFFF << 48 | number,
        "6to4": 0x2002 << 112 | number << 80 | 1,
        "NAT64": 0x64FF9B << 96 | number,
        "NAT64 inside": 0x64FF9B0001 << 80 | number,
        "Teredo server": 0x20010000 << 96 | number << 64,
        "Teredo client": 0x20010000 << 96 | number ^ 0xFFFFFFFF,
        "ISATAP": 0x2A05D018 << 96 | 0x5EFE << 32 | number,
        "ISATAP, unique": 0x2A05D018 << 96 | 0x02005EFE << 32 | number,
    }
    for name, form in forms.items():
        assert plain or not is_public(str(IPv6Address(form))), name
    assert is_public(str(IPv6Address(forms["NAT64"]))) == plain, "a network without IPv4 needs it"


@given(any_v4.map(IPv4Address) | any_v6.map(IPv6Address))
def test_public_addresses_are_global_in_ipaddress(
    address: IPv4Address | IPv6Address,
) -> None:
    if is_public(str(address)):
        assert address.is_global
        assert not (address.is_private or address.is_multicast or address.is_loopback)
        assert not (address.is_link_local or address.is_unspecified)


@given(st.text() | st.text("0123456789abcdefx.:% ", max_size=20))
def test_unusual_spelling_of_address_is_not_public(text: str) -> None:
    if is_public(text):
        assert ip_address(text).exploded == text or ":" in text


# --- headers and the rest of a request ---


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("X-Key", "a\r\nHost: b", "one line"),
        ("X-Key", "a\nb", "one line"),
        ("X-Key", "a\n", "one line"),
        ("X-Key", " a", "without blanks"),
        ("X-Key", "a\t", "without blanks"),
        ("X-Key", "a\x00b", "printable"),
        ("X-Key", "é", "ASCII"),
        ("X-Key", "a\u2028b", "ASCII"),
        ("X-Key", "a" * 4097, "at most 4096"),
        ("X-Key: a\r\nHost", "b", "letters, digits and hyphens"),
        ("X Key", "b", "letters, digits and hyphens"),
        ("", "b", "letters, digits and hyphens"),
        ("HOST", "b", "HOST is set by Milepost alone"),
        ("Content-Length", "0", "leave it out"),
        ("Transfer-Encoding", "chunked", "leave it out"),
        ("Milepost-Signature", "t=1", "leave it out"),
        ("Proxy-Authorization", "x", "leave it out"),
    ],
)
def test_unsafe_header_is_rejected(name: str, value: str, reason: str) -> None:
    reason_given = check_header(name, value)
    assert reason_given is not None
    assert reason in reason_given
    assert check_request(CALL._replace(headers={name: value})) == RequestFailed(reason_given)


@pytest.mark.parametrize(
    ("name", "value"),
    [("Authorization", "Bearer abc=="), ("X-Empty", ""), ("X-One", "a"), ("X-Long", "a" * 4096)],
)
def test_ordinary_header_is_accepted(name: str, value: str) -> None:
    assert check_header(name, value) is None
    assert wire_headers(CALL._replace(headers={name: value}), "h")[name.lower()] == value


@given(
    st.dictionaries(
        st.text(max_size=6) | st.sampled_from(["Host", "hOST", "Accept", "content-TYPE", "TE"]),
        st.text(max_size=6) | st.text("ab\r\n: ", max_size=8),
        max_size=3,
    ),
    st.text(max_size=5),
)
def test_no_value_adds_a_header_line(headers: dict[str, str], key: str) -> None:
    request = CALL._replace(headers=headers, idempotency_key=key)
    if isinstance(check_request(request), Target):
        sent = wire_headers(request, "host")
        lines = "\r\n".join(f"{name}: {value}" for name, value in sent.items())
        assert len(lines.splitlines()) == len(sent)
        assert lines.isascii()
        assert sent["host"] == "host"


def test_workflow_can_set_content_type_and_accept() -> None:
    request = CALL._replace(headers={"Content-Type": "application/ld+json", "ACCEPT": "*/*"})
    sent = wire_headers(request, "h")
    assert (sent["content-type"], sent["accept"]) == ("application/ld+json", "*/*")
    assert len(sent) == len(wire_headers(CALL, "h"))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (CALL._replace(method="TRACE"), "none of POST, PUT"),
        (CALL._replace(method="POST / HTTP/1.1\r\nX: y"), "none of POST, PUT"),
        (CALL._replace(method="GET"), "a GET has no body"),
        (CALL._replace(body=b"x" * (MAX_BODY + 1)), "larger than 256 KiB"),
        (CALL._replace(headers={f"X-{n}": "" for n in range(21)}), "more than 20 headers"),
        (CALL._replace(idempotency_key="a\r\nb"), "idempotency key"),
        (CALL._replace(idempotency_key="a" * 256), "idempotency key"),
        (CALL._replace(signature="t=1\r\nX: y"), "signature"),
        (CALL._replace(url="http://a.co/"), "https://"),
    ],
)
def test_rejected_request_has_reason(changed: OutboundRequest, reason: str) -> None:
    refused = check_request(changed)
    assert isinstance(refused, RequestFailed)
    assert reason in refused.reason
    assert not refused.retry


def test_signature_matches_inbound_event_signature() -> None:
    request = sign_request_body(CALL, "key", NOW)
    assert check_signature(request.signature, CALL.body, ["key"], NOW) is None
    assert wire_headers(request, "h")["milepost-signature"] == request.signature
    assert "milepost-signature" not in wire_headers(CALL, "h")
    assert isinstance(check_request(request), Target)


# --- answers ---


@pytest.mark.parametrize(
    ("kind", "raw", "reply"),
    [
        (JSON, b'{"id": 7}', OutboundResponse(200, {"id": 7})),
        ("Application/Problem+JSON ; charset=utf-8", b"[1]", OutboundResponse(200, [1])),
        (JSON, b"", OutboundResponse(200)),
        (JSON, b"<html>", OutboundResponse(200, "<html>")),
        (JSON, b"NaN", OutboundResponse(200, "NaN")),
        (JSON, b"[" * 30 + b"]" * 30, OutboundResponse(200, "[" * 30 + "]" * 30)),
        ("text/plain", b'{"id": 7}', OutboundResponse(200, '{"id": 7}')),
        ("", "né\0".encode(), OutboundResponse(200, "né\0")),
        ("", b"\xff", OutboundResponse(200, "\ufffd")),
        ("text/html", b"x" * MAX_TEXT, OutboundResponse(200, "x" * MAX_TEXT)),
        ("text/html", b"x" * (MAX_TEXT + 1), OutboundResponse(200, "x" * MAX_TEXT, truncated=True)),
    ],
)
def test_response_is_json_or_short_text(kind: str, raw: bytes, reply: OutboundResponse) -> None:
    assert read_answer(200, kind, "", raw) == reply


def test_truncated_json_is_not_parsed() -> None:
    whole = b"1" + b" " * (MAX_RESPONSE_BYTES - 1)
    assert read_answer(200, JSON, "", whole) == OutboundResponse(200, 1)
    cut = read_answer(200, JSON, "", whole + b" ")  # a number that may be cut off
    assert cut == OutboundResponse(200, whole.decode()[:MAX_TEXT], truncated=True)


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "deflate"])
def test_compressed_response_is_not_unpacked(encoding: str) -> None:
    assert read_answer(200, JSON, encoding, b"\x1f\x8b") == OutboundResponse(200, truncated=True)
    assert read_answer(200, JSON, " Identity", b"1") == OutboundResponse(200, 1)


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        (OutboundResponse(status), status in {408, 425, 429, 500, 502, 503, 599})
        for status in (
            200,
            204,
            301,
            400,
            401,
            404,
            408,
            409,
            410,
            422,
            425,
            429,
            500,
            502,
            503,
            599,
        )
    ]
    + [(RequestFailed("x", retry=True), True), (RequestFailed("x"), False)],
)
def test_only_temporary_failures_are_retryable(
    answer: OutboundResponse | RequestFailed, again: bool
) -> None:
    assert is_retryable(answer) is again
