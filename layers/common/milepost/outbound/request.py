"""Outbound calls: check a request, and read a response.

A workflow's author chooses the URL, a contact's data may fill it, and the caller runs inside AWS.
So the rules list what is allowed, not what is forbidden. Only `parse_target` reads a URL. The check
and the connection both use its result, so no second parser can see another host.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from milepost.base.signatures import sign_body
from milepost.base.strict_json import InvalidJsonError, read_json

METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")
PORT = 443
"""The only port: with other ports, the step could scan hosts, and no service needs them."""
MAX_BODY = 256 * 1024
"""The highest number of bytes in a request body."""
MAX_RESPONSE_BYTES = 64 * 1024
"""The highest number of bytes that are read from a response."""
MAX_TEXT = 2000
"""The number of characters kept from a response that is not JSON: enough for an error message."""

_MAX_URL = 2048
_MAX_HEADERS = 20
_MAX_VALUE = 4096
_URL = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)+(?![0-9])(?=..){_LABEL}")
"""At least two labels. The last one begins with a letter, because a host that ends in a number
(decimal, octal or hexadecimal) is an IP address."""
_PRIVATE_DOMAINS = frozenset(
    {
        "arpa", "corp", "home", "internal", "intranet", "lan", "local", "localdomain",
        "localhost", "onion", "private",
    }
)  # fmt: skip
"""Top-level domains that do not exist on the public internet."""
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(rf"(?:[!-~](?:[ -~]{{0,{_MAX_VALUE - 2}}}[!-~])?)?")
_KEY = re.compile(r"[!-~]{0,255}")
_RESERVED_HEADERS = frozenset(
    {
        "accept-encoding", "connection", "content-length", "expect", "host", "idempotency-key",
        "keep-alive", "milepost-signature", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
_RETRYABLE_STATUSES = frozenset({408, 425, 429})


class OutboundRequest(NamedTuple):
    """One request. `body` is JSON or empty. Empty keys and signatures are not sent."""

    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes = b""
    idempotency_key: str = ""
    signature: str = ""


class OutboundResponse(NamedTuple):
    """The response of a server with any status. Redirects are not followed.

    `body` is parsed JSON, or up to `MAX_TEXT` characters. It is None if the response had no body or
    a compressed one, which the request did not accept. `truncated` says that `body` is incomplete.
    """

    status: int
    body: Any = None
    truncated: bool = False


class RequestFailed(NamedTuple):
    """There is no complete response. `retry` says that the same call may succeed later.

    The server may have acted anyway, so a retry must have the same idempotency key. `reason` names
    neither the URL nor an address, because they may reveal personal data or the internal network.
    """

    reason: str
    retry: bool = False


class Target(NamedTuple):
    """The target of a URL: a lower-case ASCII host name, a port, and the path with the query."""

    host: str
    port: int
    path: str


def is_retryable(answer: OutboundResponse | RequestFailed) -> bool:
    """Whether the same call may succeed later: after 5xx, 408, 425, 429, or a failed connection."""
    if isinstance(answer, RequestFailed):
        return answer.retry
    return answer.status >= 500 or answer.status in _RETRYABLE_STATUSES


def check_url(url: str) -> str | None:
    """Why this URL is never called, with a remedy; None if it can be called."""
    target = parse_target(url)
    return target.reason if isinstance(target, RequestFailed) else None


def parse_target(url: str) -> Target | RequestFailed:
    """Parse a URL, for the check and for the call."""
    reason = ""
    authority, path = _split_authority(url[len("https://") :])
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
    elif host.rpartition(".")[2] in _PRIVATE_DOMAINS:
        reason = "the host is a name inside a network: only public ones are called"
    return RequestFailed(reason) if reason else Target(host, PORT, path)


def _split_authority(rest: str) -> tuple[str, str]:
    """Split the part after `https://` into the authority, and the path with the query."""
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    path = rest[len(authority) :]
    return authority, path if path.startswith("/") else f"/{path}"


def check_header(name: str, value: str) -> str | None:
    """Why a workflow cannot send this header. The value may be secret, so it is not quoted."""
    if not _HEADER_NAME.fullmatch(name):
        return "a header's name is letters, digits and hyphens"
    if name.lower() in _RESERVED_HEADERS or name.lower().startswith("proxy-"):
        return f"the header {name} is set by Milepost alone: leave it out"
    if not _HEADER_VALUE.fullmatch(value):
        return (
            f"the value of the header {name} must be printable ASCII on one line, without blanks "
            f"at its ends, of at most {_MAX_VALUE} characters"
        )
    return None


def check_request(request: OutboundRequest) -> Target | RequestFailed:
    """The target of the call, or why it is never made."""
    errors = (check_header(name, value) for name, value in request.headers.items())
    reason = next((error for error in errors if error), "")
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
    elif not _HEADER_VALUE.fullmatch(request.signature):
        reason = "the signature is not a header's value"
    return RequestFailed(reason) if reason else parse_target(request.url)


def sign_request_body(request: OutboundRequest, key: str, at: datetime) -> OutboundRequest:
    """The request with its `Milepost-Signature`, which `check_signature` accepts."""
    return request._replace(signature=sign_body(request.body, key, at))


def wire_headers(request: OutboundRequest, host: str) -> dict[str, str]:
    """All headers of the request, with lower-case names. Milepost's own cannot be overridden."""
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
    """Read a response. `raw` is one byte longer than `MAX_RESPONSE_BYTES` if it is incomplete."""
    if encoding.strip().lower() not in {"", "identity"}:
        return OutboundResponse(status, truncated=bool(raw))
    if not raw:
        return OutboundResponse(status)
    kind = content_type.partition(";")[0].strip().lower()
    if len(raw) <= MAX_RESPONSE_BYTES and (kind == "application/json" or kind.endswith("+json")):
        try:
            return OutboundResponse(status, read_json(raw))
        except InvalidJsonError:
            pass  # an error page with the content type of JSON
    text = raw.decode("utf-8", "replace")
    return OutboundResponse(status, text[:MAX_TEXT], truncated=len(text) > MAX_TEXT)
