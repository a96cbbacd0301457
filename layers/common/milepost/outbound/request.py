"""Calls to other people's servers: what may be asked of whom, and what an answer comes to.

A workflow's author chooses the URL, a contact's data may fill it, and the caller sits inside AWS:
so the rule is what is allowed, not what is forbidden. One function, `parse_target`, reads a URL,
and both the check and the connection use what it read, so no second parser can see another host.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from milepost.base.signatures import sign_body
from milepost.base.strict_json import InvalidJsonError, read_json

METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")
PORT = 443
"""The only port: a second one would turn the step into a scanner, and no service asks for it."""
MAX_BODY = 256 * 1024
"""Bytes that are sent at most."""
MAX_RESPONSE_BYTES = 64 * 1024
"""Bytes of an answer that are read at most."""
MAX_TEXT = 2000
"""Characters kept of an answer that is not JSON: enough for a message of error."""

_MAX_URL = 2048
_MAX_HEADERS = 20
_MAX_VALUE = 4096
_URL = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)+(?![0-9])(?=..){_LABEL}")
"""Two labels or more. The last begins with a letter: a host that ends in a number is an address,
whether decimal, octal or hexadecimal."""
_INSIDE = frozenset(
    {
        "arpa", "corp", "home", "internal", "intranet", "lan", "local", "localdomain",
        "localhost", "onion", "private",
    }
)  # fmt: skip
"""Top-level names that lead nowhere in public."""
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(rf"(?:[!-~](?:[ -~]{{0,{_MAX_VALUE - 2}}}[!-~])?)?")
_KEY = re.compile(r"[!-~]{0,255}")
_OURS = frozenset(
    {
        "accept-encoding", "connection", "content-length", "expect", "host", "idempotency-key",
        "keep-alive", "milepost-signature", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
_RETRY = frozenset({408, 425, 429})


class OutboundRequest(NamedTuple):
    """One call. `body` is JSON or empty; empty `idempotency_key` and `signature` are not sent."""

    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes = b""
    idempotency_key: str = ""
    signature: str = ""


class OutboundResponse(NamedTuple):
    """The server answered, whatever it said; a redirect is an answer like any other.

    `body` is parsed JSON, or up to `MAX_TEXT` characters, or None if there was none or it was
    compressed, which was not asked for. `truncated` says that there was more than `body` holds.
    """

    status: int
    body: Any = None
    truncated: bool = False


class RequestFailed(NamedTuple):
    """There is no whole answer. `retry` says that the same call may succeed later.

    The server may have acted all the same: a retry must carry the same idempotency key. `reason`
    names neither the URL nor an address, for both may tell of a person or of the network inside.
    """

    reason: str
    retry: bool = False


class Target(NamedTuple):
    """Where a URL leads: a lower-case ASCII host name, a port, and path with query."""

    host: str
    port: int
    path: str


def is_retryable(answer: OutboundResponse | RequestFailed) -> bool:
    """Whether the same call may do better later: 5xx, 429 and their like, or no connection."""
    if isinstance(answer, RequestFailed):
        return answer.retry
    return answer.status >= 500 or answer.status in _RETRY


def check_url(url: str) -> str | None:
    """Why this URL is never called, with a remedy; None if its host may be looked up."""
    target = parse_target(url)
    return target.reason if isinstance(target, RequestFailed) else None


def parse_target(url: str) -> Target | RequestFailed:
    """Read a URL as the one who calls it will."""
    reason = ""
    authority, path = _split(url[len("https://") :])
    host, colon, port = authority.partition(":")
    host = host.lower()
    if len(url) > _MAX_URL:
        reason = f"the URL is longer than {_MAX_URL} characters"
    elif not url.isascii():
        reason = "the URL must be ASCII: punycode for the host (xn--...), %XX for the rest"
    elif not _URL.fullmatch(url):
        reason = "the URL holds a character that must be written as %XX, or a lone %"
    elif url[: len("https://")].lower() != "https://":
        reason = "the URL must begin with https://"
    elif "#" in url:
        reason = "the URL has a fragment, which is never sent: leave out # and what follows"
    elif "@" in authority:
        reason = "the URL names a user before its host: use a header for credentials"
    elif "[" in authority:
        reason = "the host is an address: use a name"
    elif colon and port != str(PORT):
        reason = f"the URL names a port other than {PORT}: leave it out"
    elif len(host) > 253 or not _HOST.fullmatch(host):
        reason = "the host must be a full public name such as hooks.example.com"
    elif host.rpartition(".")[2] in _INSIDE:
        reason = "the host is a name inside a network: only public ones are called"
    return RequestFailed(reason) if reason else Target(host, PORT, path)


def _split(rest: str) -> tuple[str, str]:
    """Authority, and path with query, of what follows `https://`."""
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    path = rest[len(authority) :]
    return authority, path if path.startswith("/") else f"/{path}"


def check_header(name: str, value: str) -> str | None:
    """Why a workflow may not send this header; the value, which may be secret, is not quoted."""
    if not _TOKEN.fullmatch(name):
        return "a header's name is letters, digits and hyphens"
    if name.lower() in _OURS or name.lower().startswith("proxy-"):
        return f"the header {name} is set by Milepost alone: leave it out"
    if not _VALUE.fullmatch(value):
        return (
            f"the value of the header {name} must be printable ASCII on one line, without blanks "
            f"at its ends, of at most {_MAX_VALUE} characters"
        )
    return None


def check_request(request: OutboundRequest) -> Target | RequestFailed:
    """Where the call goes, or why it is never made."""
    faults = (check_header(name, value) for name, value in request.headers.items())
    reason = next((fault for fault in faults if fault), "")
    if request.method not in METHODS:
        reason = f"the method is none of {', '.join(METHODS)}"
    elif len(request.headers) > _MAX_HEADERS:
        reason = f"there are more than {_MAX_HEADERS} headers"
    elif request.body and request.method == "GET":
        reason = "a GET has no body"
    elif len(request.body) > MAX_BODY:
        reason = f"the body is larger than {MAX_BODY // 1024} KiB"
    elif not _KEY.fullmatch(request.idempotency_key):
        reason = "an idempotency key is up to 255 printable ASCII characters without blanks"
    elif not _VALUE.fullmatch(request.signature):
        reason = "the signature is not a header's value"
    return RequestFailed(reason) if reason else parse_target(request.url)


def sign_request_body(request: OutboundRequest, key: str, at: datetime) -> OutboundRequest:
    """The request with its `Milepost-Signature`, which `check_signature` would accept."""
    return request._replace(signature=sign_body(request.body, key, at))


def wire_headers(request: OutboundRequest, host: str) -> dict[str, str]:
    """All headers as they are sent, names in lower case; ours cannot be overridden."""
    usual = {"user-agent": "Milepost", "accept": "application/json"}
    ours = {"host": host, "accept-encoding": "identity", "connection": "close"}
    if request.method != "GET":
        usual["content-type"] = "application/json"
        ours["content-length"] = str(len(request.body))
    if request.idempotency_key:
        ours["idempotency-key"] = request.idempotency_key
    if request.signature:
        ours["milepost-signature"] = request.signature
    return usual | {name.lower(): value for name, value in request.headers.items()} | ours


def read_answer(status: int, content_type: str, encoding: str, raw: bytes) -> OutboundResponse:
    """What the server said; `raw` may be one byte longer than `MAX_RESPONSE_BYTES` to say there is
    more."""
    if encoding.strip().lower() not in {"", "identity"}:
        return OutboundResponse(status, truncated=bool(raw))
    if not raw:
        return OutboundResponse(status)
    kind = content_type.partition(";")[0].strip().lower()
    if len(raw) <= MAX_RESPONSE_BYTES and (kind == "application/json" or kind.endswith("+json")):
        try:
            return OutboundResponse(status, read_json(raw))
        except InvalidJsonError:
            pass  # a page of error that claims to be JSON
    text = raw.decode("utf-8", "replace")
    return OutboundResponse(status, text[:MAX_TEXT], truncated=len(text) > MAX_TEXT)
