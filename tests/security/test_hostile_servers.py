"""Whatever a called server answers: no further call, limited time and limited memory."""

import gzip
import json
import ssl
import time
from socket import socket, socketpair

import pytest

from milepost.outbound.https import HttpsOutbound, verifying_context
from milepost.outbound.request import MAX_TEXT, OutboundRequest, OutboundResponse, RequestFailed
from tests.support.tls import HOST, Answerer, bytes_of, saying, serving, trusting

CALL = OutboundRequest(f"https://{HOST}/crm", "POST", {}, b"{}")
METADATA = "169.254.169.254"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def call(
    answer: Answerer, request: OutboundRequest = CALL, seconds: float = 5
) -> OutboundResponse | RequestFailed:
    """Call a server with this answer. The name resolves once."""
    with serving(answer) as server:
        made = HttpsOutbound(
            lambda _: ["127.0.0.1"], trusting(), lambda _: True, server.connect, seconds
        )
        reply = made.call(request)
    assert server.connections == 1
    assert len(server.requests) == 1
    return reply


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
@pytest.mark.parametrize(
    "place",
    [
        f"http://{METADATA}/latest/meta-data/",
        "https://127.0.0.1/",
        "//localhost/",
        "/again",
        f"https://{HOST}/again",
        "file:///etc/passwd",
        "",
    ],
)
def test_redirect_is_not_followed(status: int, place: str) -> None:
    assert call(saying(f"{status} Go", b"", f"Location: {place}")) == OutboundResponse(status)


@pytest.mark.parametrize(
    "header",
    [
        "Refresh: 0; url=https://127.0.0.1/",
        f'Alt-Svc: h2="{METADATA}:443"',
        "Upgrade: h2c",
        "Connection: keep-alive",
        "WWW-Authenticate: Negotiate",
        "Set-Cookie: a=b",
        "Strict-Transport-Security: max-age=1",
    ],
)
def test_answer_headers_trigger_no_further_call(header: str) -> None:
    assert call(saying("401 No", b"", header)) == OutboundResponse(401)


def test_huge_answer_is_truncated() -> None:
    reply = call(saying("200 OK", b"x" * 5_000_000))
    assert reply == OutboundResponse(200, "x" * MAX_TEXT, truncated=True)


def test_huge_json_is_not_parsed() -> None:
    body = json.dumps(["x"] * 100_000).encode()
    reply = call(saying("200 OK", body, "Content-Type: application/json"))
    assert isinstance(reply, OutboundResponse)
    assert isinstance(reply.body, str)
    assert reply.truncated


def test_endless_answer_is_cut_off() -> None:
    def endless(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    assert call(endless) == OutboundResponse(200, "x" * MAX_TEXT, truncated=True)


@pytest.mark.parametrize(
    ("head", "more"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"A: " + b"b" * 60_000 + b"\r\n"),
        (CHUNKED, b"1;" + b"b" * 9000 + b"\r\nx\r\n"),
        (CHUNKED + b"0\r\n", b"A: b\r\n"),
    ],
    ids=["interim answers", "headers", "chunks", "trailers"],
)
def test_endless_head_or_chunks_are_cut_off(head: bytes, more: bytes) -> None:
    def endless(connection: ssl.SSLSocket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(more)

    assert isinstance(call(endless), RequestFailed)


def test_compressed_answer_is_not_unpacked() -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    reply = call(saying("200 OK", bomb, "Content-Encoding: gzip", "Content-Type: application/json"))
    assert reply == OutboundResponse(200, truncated=True)


@pytest.mark.parametrize("depth", [22, 1000, 30_000])
def test_deeply_nested_json_stays_text(depth: int) -> None:
    body = b"[" * depth + b"]" * depth
    reply = call(saying("200 OK", body, "Content-Type: application/json"))
    assert isinstance(reply, OutboundResponse)
    assert isinstance(reply.body, str)


SLOW = {
    "no answer": [b""],
    "status drips": list(map(bytes, zip(b"HTTP/1.1 200 OK" * 9, strict=True))),
    "headers drip": [b"HTTP/1.1 200 OK\r\n", *[b"A: b\r\n"] * 90],
    "body drips": [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", *[b"x"] * 99],
    "chunks drip": [CHUNKED, *[b"1\r\nx\r\n"] * 99],
    "interim answers drip": [b"HTTP/1.1 100 Continue\r\n\r\n"] * 99,
}


@pytest.mark.parametrize("parts", SLOW.values(), ids=SLOW.keys())
def test_slow_answer_ends_at_timeout(parts: list[bytes]) -> None:
    began = time.monotonic()
    reply = call(bytes_of(*parts, pause=1 if parts == [b""] else 0.05), seconds=0.4)
    took = time.monotonic() - began
    assert reply == RequestFailed("no whole answer in time, which is 0.4 seconds", retry=True)
    assert took < 4, "dripping on takes 4.5 seconds and more"


def test_stalled_handshake_ends_at_timeout() -> None:
    ours, theirs = socketpair()
    with theirs:
        made = HttpsOutbound(
            lambda _: ["127.0.0.1"], trusting(), lambda _: True, lambda *_: ours, 0.3
        )
        began = time.monotonic()
        reply = made.call(CALL)
    assert reply == RequestFailed("no whole answer in time, which is 0.3 seconds", retry=True)
    assert time.monotonic() - began < 2


def test_proxy_environment_variables_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert call(saying("200 OK")) == OutboundResponse(200)


def test_unresponsive_addresses_share_the_timeout() -> None:
    tried = []

    def connect(address: str, _: int, seconds: float) -> socket:
        tried.append(address)
        time.sleep(min(seconds, 0.6))
        raise TimeoutError

    made = HttpsOutbound(lambda _: ["8.8.8.8"] * 4, trusting(), connect=connect, seconds=0.9)
    answer = made.call(CALL)
    assert answer == RequestFailed("no whole answer in time, which is 0.9 seconds", retry=True)
    assert len(tried) == 2


def test_production_tls_context_verifies_certificates() -> None:
    context = verifying_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert HttpsOutbound().context is None
