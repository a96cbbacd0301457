"""A small HTTP server on this machine that counts requests and answers them incorrectly."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Reply = Callable[[socket.socket], None]


@dataclass
class Loopback:
    """`requests` are the received heads and bodies, in order; `connections` counts connections."""

    url: str
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0


@contextmanager
def answering(reply: Reply) -> Iterator[Loopback]:
    """Serve inside the block. `reply` gets the connection after one request was read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        server = Loopback(f"http://127.0.0.1:{listener.getsockname()[1]}")
        stopped = threading.Event()
        worker = threading.Thread(target=_serve, args=(listener, server, reply, stopped))
        worker.start()
        try:
            yield server
        finally:
            stopped.set()
            worker.join(5)


def _serve(
    listener: socket.socket, server: Loopback, reply: Reply, stopped: threading.Event
) -> None:
    while not stopped.is_set():
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        server.connections += 1
        with connection:
            connection.settimeout(2)
            request = _read(connection)
            if request:
                server.requests.append(request)
                reply(connection)


def _read(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def http_reply(status: str, body: str, *headers: str) -> Reply:
    """An answer of AWS's JSON protocol."""
    lines = [
        f"HTTP/1.1 {status}",
        "content-type: application/json",
        *headers,
        f"content-length: {len(body)}",
        "connection: close",
        "",
        body,
    ]
    return lambda connection: connection.sendall("\r\n".join(lines).encode())
