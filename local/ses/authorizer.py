"""Asks the emulator whether the signer of an SES request is allowed to make it.

The signature covers the host, so the request is forwarded unchanged, host included. The emulator
checks the signature, finds the role and authorizes the action; an unsigned header tells it to do
only that (see local/emulator/permissions.py).
"""

import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit

from local.emulator import AUTHORIZE_ONLY
from local.ses.service import Refusal

NOT_PASSED_ON = frozenset({"connection", "content-length", "expect", "transfer-encoding"})


class EmulatorAuthorizer:
    """The IAM of an emulator that enforces it."""

    def __init__(self, endpoint: str) -> None:
        self._address = urlsplit(endpoint).netloc

    def refusal(
        self, path: str, headers: Mapping[str, str], body: bytes, method: str = "POST"
    ) -> Refusal | None:
        connection = http.client.HTTPConnection(self._address, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if name.lower() not in NOT_PASSED_ON:
                    connection.putheader(name, value)
            connection.putheader(AUTHORIZE_ONLY, "yes")
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status < http.client.BAD_REQUEST:
            return None
        response_headers = {
            name: value
            for name, value in answer.getheaders()
            if name.lower() in ("content-type", "x-amzn-errortype")
        }
        return answer.status, response_headers, content
