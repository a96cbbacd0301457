"""HTTPS calls to servers that a workflow names, with one DNS lookup and one time limit.

The call connects to the checked address and verifies the certificate. It uses parts of the standard
library, because a complete client would look the name up again after the check, follow redirects,
use proxies from the environment, decompress the response, and restart its timeout with every byte.
"""

import io
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException, HTTPResponse, IncompleteRead
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, cast

from milepost.outbound.public_addresses import is_public
from milepost.outbound.request import (
    MAX_RESPONSE_BYTES,
    OutboundRequest,
    OutboundResponse,
    RequestFailed,
    Target,
    check_request,
    read_answer,
    wire_headers,
)

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    Resolve = Callable[[str], Sequence[str]]
    Connect = Callable[[str, int, float], socket.socket]


_TRIES = 4
"""The number of a host's addresses that are tried."""
_TRY_SECONDS = 3.0
_MAX_READ = 512 * 1024
"""Bytes of the whole response, so that headers and chunk framing are limited too."""


def addresses_of(host: str) -> Sequence[str]:
    """All addresses of a host name. The dot at its end keeps the resolver from adding suffixes."""
    found = socket.getaddrinfo(f"{host}.".encode(), None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def connect_to(address: str, port: int, seconds: float) -> socket.socket:
    """A TCP connection to an IP address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    tcp = socket.socket(family, socket.SOCK_STREAM)
    try:
        tcp.settimeout(seconds)
        tcp.connect((address, port))
    except BaseException:
        tcp.close()
        raise
    return tcp


@dataclass(frozen=True, slots=True)
class HttpsOutbound:
    """Implements `Outbound`. `seconds` limits the whole call: lookup, handshake, request, response.

    `allowed` says whether an address, given as text, may be called; only tests relax it.
    """

    resolve: "Resolve" = addresses_of
    context: ssl.SSLContext | None = None
    allowed: Callable[[str], bool] = is_public
    connect: "Connect" = connect_to
    seconds: float = 10.0

    def call(self, request: OutboundRequest) -> OutboundResponse | RequestFailed:
        target = check_request(request)
        if isinstance(target, RequestFailed):
            return target
        try:
            return self._call(request, target, _Deadline(self.seconds))
        except ssl.SSLCertVerificationError:
            return RequestFailed("the server's certificate is not valid for its name")
        except socket.gaierror:
            return RequestFailed("the host's name could not be looked up", retry=True)
        except TimeoutError:
            reason = f"no whole answer in time, which is {self.seconds:g} seconds"
            return RequestFailed(reason, retry=True)
        except (OSError, HTTPException, ValueError) as error:
            return RequestFailed(f"the call broke off: {type(error).__name__}", retry=True)

    def _call(
        self, request: OutboundRequest, target: Target, deadline: "_Deadline"
    ) -> OutboundResponse | RequestFailed:
        addresses = _look_up(self.resolve, target.host, deadline)
        if not addresses:
            return RequestFailed("the host has no address", retry=True)
        if not all(self.allowed(address) for address in addresses):
            return RequestFailed("the host leads to an address that is not public")
        context = self.context or verifying_context()
        with closing(self._reach(addresses, target.port, deadline)) as tcp:
            tcp.settimeout(deadline.left())
            with context.wrap_socket(tcp, server_hostname=target.host) as connection:
                return _exchange(request, target, _TimedConnection(connection, deadline))

    def _reach(self, addresses: Sequence[str], port: int, deadline: "_Deadline") -> socket.socket:
        """A connection to the first address that accepts one, without a second lookup."""
        failure = OSError("no address was tried")
        for address in addresses[:_TRIES]:
            try:
                seconds = min(_TRY_SECONDS, deadline.left())
                return self.connect(address, port, seconds)
            except OSError as error:
                failure = error
        raise failure


@cache
def verifying_context() -> ssl.SSLContext:
    """A TLS context with the system's root certificates; cached, because it reads all of them."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _look_up(resolve: "Resolve", host: str, deadline: "_Deadline") -> list[str]:
    """Resolve in a separate thread, because the system's resolver has no time limit."""
    answers: SimpleQueue[list[str] | Exception] = SimpleQueue()

    def resolve_host() -> None:
        try:
            answers.put(list(resolve(host)))
        except Exception as error:  # raised below, in the calling thread
            answers.put(error)

    Thread(target=resolve_host, daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left())
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _exchange(
    request: OutboundRequest, target: Target, connection: "_TimedConnection"
) -> OutboundResponse:
    headers = wire_headers(request, target.host).items()
    lines = [f"{request.method} {target.path} HTTP/1.1", *(f"{n}: {v}" for n, v in headers)]
    connection.send("\r\n".join([*lines, "", ""]).encode("ascii") + request.body)
    answer = HTTPResponse(cast("socket.socket", connection), method=request.method)
    with closing(answer):
        answer.begin()
        if not 200 <= answer.status <= 599:
            raise HTTPException("no status of an answer")
        raw = answer.read(MAX_RESPONSE_BYTES + 1)
        if len(raw) <= MAX_RESPONSE_BYTES and answer.length:
            raise IncompleteRead(raw, answer.length)  # `read` with a limit does not raise it
        kind = answer.getheader("Content-Type", "")
        return read_answer(answer.status, kind, answer.getheader("Content-Encoding", ""), raw)


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._ends = monotonic() + seconds

    def left(self) -> float:
        """The seconds that are left; raise TimeoutError if there are none."""
        seconds = self._ends - monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds


class _TimedConnection(io.RawIOBase):
    """A connection with one time limit for all reads and writes together."""

    def __init__(self, connection: socket.socket, deadline: _Deadline) -> None:
        self._connection = connection
        self._deadline = deadline
        self._budget = _MAX_READ

    def makefile(self, _mode: str) -> io.BufferedReader:
        """The method that `HTTPResponse` calls on a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        self._connection.settimeout(self._deadline.left())
        count = self._connection.recv_into(buffer)
        self._budget -= count
        if self._budget < 0:
            raise HTTPException("too much around the answer")
        return count

    def send(self, data: "ReadableBuffer") -> None:
        rest = memoryview(data)
        while rest:
            self._connection.settimeout(self._deadline.left())
            rest = rest[self._connection.send(rest) :]
