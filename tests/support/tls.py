"""A small HTTPS server on this machine, and a certificate authority that only its tests trust."""

import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "hooks.harborline.example"
Answerer = Callable[[ssl.SSLSocket], None]


@dataclass
class HttpsServer:
    """`requests` are the received heads and bodies; `connections` counts connections."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    connections: int = 0

    def connect(self, _address: str, _port: int, seconds: float) -> socket.socket:
        """For `HttpsOutbound.connect`: this server takes the call, whatever address was pinned."""
        return socket.create_connection(("127.0.0.1", self.port), seconds)


@contextmanager
def serving(answer: Answerer, name: str = HOST, days: int = 1) -> Iterator[HttpsServer]:
    """Serve inside the block. `answer` gets the connection after one request was read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.02)
        server = HttpsServer(listener.getsockname()[1])
        context = server_context(name, days)
        context.sni_callback = lambda _, asked, __: server.names.append(asked)
        stopped = threading.Event()
        worker = threading.Thread(target=_serve, args=(listener, context, server, answer, stopped))
        worker.start()
        try:
            yield server
        finally:
            stopped.set()
            worker.join(5)


def _serve(
    listener: socket.socket,
    context: ssl.SSLContext,
    server: HttpsServer,
    answer: Answerer,
    stopped: threading.Event,
) -> None:
    while not stopped.is_set():
        try:
            plain, _ = listener.accept()
        except TimeoutError:
            continue
        server.connections += 1
        plain.settimeout(2)
        # The caller may hang up at any time: during the handshake, or during the answer.
        with plain, suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
            server.requests.append(_read(connection))
            answer(connection)


def _read(connection: ssl.SSLSocket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.split(b"\r\n") if line.startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0].split(b":")[1]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def saying(status: str, body: bytes = b"", *headers: str) -> Answerer:
    """A correct answer."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return bytes_of("\r\n".join(lines).encode() + body)


def bytes_of(*parts: bytes, pause: float = 0) -> Answerer:
    """An answer of exactly these bytes, with a pause after each part."""

    def answer(connection: ssl.SSLSocket) -> None:
        for part in parts:
            connection.sendall(part)
            if pause:
                threading.Event().wait(pause)

    return answer


@cache
def _authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    made = (
        _unsigned(name, name, key, days=1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return made, key


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def server_context(name: str, days: int) -> ssl.SSLContext:
    """The server's side; its certificate is valid for one name and so many days from now."""
    authority, signing = _authority()
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
    certificate = (
        _unsigned(subject, authority.subject, key, days)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(signing, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:  # `ssl` reads a chain only from files
        file = Path(folder, "chain.pem")
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(file)
    return context


@cache
def trusting() -> ssl.SSLContext:
    """The client's side as in production, except that it trusts the test's authority."""
    pem = _authority()[0].public_bytes(serialization.Encoding.PEM).decode()
    return ssl.create_default_context(cadata=pem)
