"""Forwards requests about identities and configuration sets to the emulator.

The signature covers the host, so the request is forwarded unchanged, host included.
"""

import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.ses.authorizer import NOT_PASSED_ON

PATHS = (
    "/v2/email/identities/{name}",
    "/v2/email/configuration-sets/{name}/event-destinations",
)


@dataclass(frozen=True, slots=True)
class ControlApi:
    """Forwards requests to the emulator at `endpoint`."""

    endpoint: str

    def routes(self) -> list[Route]:
        return [Route(path, self.forward, methods=["GET"]) for path in PATHS]

    async def forward(self, request: Request) -> Response:
        return await run_in_threadpool(self._forward, request)

    def _forward(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("ascii")
        connection = http.client.HTTPConnection(urlsplit(self.endpoint).netloc, timeout=30)
        try:
            connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name.lower() not in NOT_PASSED_ON:
                    connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        headers = {
            name: value
            for name, value in answer.getheaders()
            if name.lower() in ("content-type", "x-amzn-errortype", "x-amzn-requestid")
        }
        return Response(content, answer.status, headers)
