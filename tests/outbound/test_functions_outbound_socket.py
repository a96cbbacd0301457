"""`HttpsOutbound` against a real HTTPS server on this machine."""

import socket
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.base.signatures import check_signature
from milepost.outbound.https import HttpsOutbound, addresses_of, connect_to
from milepost.outbound.request import (
    OutboundRequest,
    OutboundResponse,
    RequestFailed,
    sign_request_body,
)
from tests.support.laws import how_many
from tests.support.tls import HOST, HttpsServer, bytes_of, saying, serving, trusting

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
CALL = OutboundRequest(
    f"https://{HOST}/contacts?x=1", "POST", {"Authorization": "Bearer t"}, b'{"a": 1}'
)
JSON = "Content-Type: application/json; charset=utf-8"


def outbound(server: HttpsServer, seconds: float = 5) -> HttpsOutbound:
    return HttpsOutbound(
        resolve=lambda _: ["127.0.0.1"],
        context=trusting(),
        allowed=lambda address: address == "127.0.0.1",
        connect=server.connect,
        seconds=seconds,
    )


def test_server_receives_the_request() -> None:
    request = sign_request_body(CALL._replace(idempotency_key="run-1.step-2"), "key", NOW)
    with serving(saying("201 Created", b'{"id": 7}', JSON)) as server:
        assert outbound(server).call(request) == OutboundResponse(201, {"id": 7})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert first == "POST /contacts?x=1 HTTP/1.1"
    assert body == b'{"a": 1}'
    assert headers == {
        "host": HOST,
        "user-agent": "Milepost",
        "accept": "application/json",
        "accept-encoding": "identity",
        "connection": "close",
        "content-type": "application/json",
        "content-length": "8",
        "authorization": "Bearer t",
        "idempotency-key": "run-1.step-2",
        "milepost-signature": request.signature,
    }
    assert check_signature(headers["milepost-signature"], body, ["key"], NOW) is None
    assert server.names == [HOST], "the name is sent in the handshake"


def test_large_body_arrives_complete() -> None:
    body = b'"' + b"x" * 250_000 + b'"'
    with serving(saying("204 No Content")) as server:
        assert outbound(server).call(CALL._replace(body=body)) == OutboundResponse(204)
    assert server.requests[0].endswith(b"\r\n\r\n" + body)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "GET", "DELETE"])
def test_every_method_is_sent(method: str) -> None:
    with serving(saying("200 OK", b"done", "Content-Type: text/plain")) as server:
        assert outbound(server).call(CALL._replace(method=method, body=b"")) == OutboundResponse(
            200, "done"
        )
    assert server.requests[0].startswith(f"{method} /contacts?x=1 HTTP/1.1\r\n".encode())


@pytest.mark.parametrize("status", [302, 400, 404, 409, 429, 500, 503, 599])
def test_error_status_is_a_response(status: int) -> None:
    with serving(saying(f"{status} No", b'{"error": "no"}', JSON)) as server:
        assert outbound(server).call(CALL) == OutboundResponse(status, {"error": "no"})
    assert server.connections == 1


def test_chunked_response_is_read() -> None:
    chunks = b"6\r\n[1, 2,\r\n3;x=y\r\n 3]\r\n0\r\nTrailer: x\r\n\r\n"
    head = f"HTTP/1.1 200 OK\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    with serving(bytes_of(head, chunks)) as server:
        assert outbound(server).call(CALL) == OutboundResponse(200, [1, 2, 3])


def test_response_without_length_ends_with_connection() -> None:
    with serving(bytes_of(f"HTTP/1.0 200 OK\r\n{JSON}\r\n\r\n[1]".encode())) as server:
        assert outbound(server).call(CALL) == OutboundResponse(200, [1])


def test_interim_response_is_skipped() -> None:
    with serving(bytes_of(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n")) as server:
        assert outbound(server).call(CALL) == OutboundResponse(204)


def test_next_address_is_tried_after_failure() -> None:
    tried = []
    with serving(saying("200 OK")) as server, socket.create_server(("127.0.0.1", 0)) as closed:
        dead = closed.getsockname()[1]
        closed.close()

        def connect(address: str, _: int, seconds: float) -> socket.socket:
            tried.append(address)
            return connect_to("127.0.0.1", dead if len(tried) == 1 else server.port, seconds)

        made = HttpsOutbound(
            lambda _: ["192.0.2.1", "192.0.2.2"], trusting(), lambda _: True, connect
        )
        assert made.call(CALL) == OutboundResponse(200)
    assert tried == ["192.0.2.1", "192.0.2.2"]


def test_refused_connection_is_retryable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        server = HttpsServer(closed.getsockname()[1])
    assert outbound(server).call(CALL) == RequestFailed(
        "the call broke off: ConnectionRefusedError", retry=True
    )


def test_certificate_of_other_name_fails_before_request() -> None:
    with serving(saying("200 OK"), name="hooks.other.example") as server:
        answer = outbound(server).call(CALL)
    assert answer == RequestFailed("the server's certificate is not valid for its name")
    assert server.requests == []


def test_expired_certificate_fails() -> None:
    with serving(saying("200 OK"), days=-1) as server:
        answer = outbound(server).call(CALL)
    assert answer == RequestFailed("the server's certificate is not valid for its name")


def test_certificate_of_unknown_authority_fails() -> None:
    with serving(saying("200 OK")) as server:
        made = HttpsOutbound(
            lambda _: ["127.0.0.1"], allowed=lambda _: True, connect=server.connect
        )
        answer = made.call(CALL)
    assert answer == RequestFailed("the server's certificate is not valid for its name")
    assert server.requests == []


def test_server_without_tls_gets_no_request() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = HttpsServer(listener.getsockname()[1])
        plain = server.connect("", 0, 1)
        peer, _ = listener.accept()
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        made = HttpsOutbound(
            lambda _: ["127.0.0.1"], trusting(), lambda _: True, lambda *_: plain, 2
        )
        answer = made.call(CALL)
        with peer:
            received = peer.recv(65536)
    assert answer == RequestFailed("the call broke off: SSLError", retry=True)
    assert b"contacts" not in received


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000 + b"\r\n\r\n",
    ],
    ids=lambda raw: repr(raw[:48]),
)
def test_malformed_response_is_retryable(raw: bytes) -> None:
    with serving(bytes_of(raw)) as server:
        answer = outbound(server).call(CALL)
    assert isinstance(answer, RequestFailed)
    assert answer.retry


heads = st.lists(
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK",
            b"\r\n",
            b"Content-Length:",
            b"Transfer-Encoding: chunked",
            b"5",
            b"Content-Encoding: gzip",
            b"Content-Type: application/json",
            b"{",
            b"\x00",
            b"\xff",
            b"0",
        ]
    )
    | st.binary(max_size=12),
    max_size=14,
)


def test_any_response_bytes_give_a_value() -> None:
    received = [b""]
    with serving(lambda connection: connection.sendall(received[0])) as server:
        made = outbound(server)

        @settings(max_examples=how_many(60), deadline=None)
        @given(heads)
        def any_answer(parts: list[bytes]) -> None:
            received[0] = b"".join(parts)
            assert isinstance(made.call(CALL), OutboundResponse | RequestFailed)

        any_answer()


@pytest.mark.parametrize("seconds", [0.3, 0.6])
def test_time_limit_covers_the_whole_call(seconds: float) -> None:
    drip = bytes_of(b"HTTP/1.1 200 OK\r\n\r\n", *([b"x"] * 200), pause=0.05)
    with serving(drip) as server:
        began = time.monotonic()
        answer = outbound(server, seconds).call(CALL)
        took = time.monotonic() - began
    reason = f"no whole answer in time, which is {seconds:g} seconds"
    assert answer == RequestFailed(reason, retry=True)
    assert seconds <= took < seconds + 1


def test_host_name_is_looked_up_without_suffixes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The dot at the end keeps the resolver from adding suffixes."""
    hosts = []

    def getaddrinfo(host: bytes, *_: object, **__: object) -> list[tuple[object, ...]]:
        hosts.append(host)
        return [(2, 1, 6, "", ("203.0.113.9", 0)), (10, 1, 6, "", ("2001:db8::9", 0, 0, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert addresses_of(HOST) == ["203.0.113.9", "2001:db8::9"]
    assert hosts == [f"{HOST}.".encode()]
