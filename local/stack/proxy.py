"""The proxy: a public address that is known before the deploy and forwards to the HTTP API.

E-mails contain links to the API, and the functions need its address when they are deployed; but the
emulator assigns the API's id, and with it the address, only then. So this proxy is the stack's
public address and forwards requests unchanged.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local import ports

# An HTTP API accepts no larger body and waits no longer for its function.
MAX_BYTES = 10 * 1024 * 1024
TIMEOUT = 30.0

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class ApiProxy:
    """Forwards requests to one HTTP API of the emulator after `open_to`."""

    def __init__(self) -> None:
        self._target = self._path = ""
        route = Route("/{path:path}", self.forward, methods=METHODS)
        self.app = Starlette(routes=[route], lifespan=self._connected)

    def open_to(self, emulator: str, api: str) -> None:
        """Serve the `$default` stage of the API with this id."""
        self._path = f"/_aws/execute-api/{api}/$default"
        self._target = emulator + self._path

    @asynccontextmanager
    async def _connected(self, _app: Starlette) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT) as client:
            yield {"client": client}

    async def forward(self, request: Request) -> Response:
        if not self._target:
            return JSONResponse({"message": "The stack is not deployed yet."}, 503)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BYTES:
                return JSONResponse({"message": "Request Entity Too Large"}, 413)
        path: bytes = request.scope["raw_path"]
        query: bytes = request.scope["query_string"]
        client: httpx.AsyncClient = request.state.client
        forwarded = httpx.Request(
            request.method,
            self._target,
            headers=[*end_to_end(request.headers.raw), *self._forwarded(request)],
            content=bytes(body),
            # The path exactly as received; a URL object would normalize its escapes.
            extensions={"target": self._path.encode() + path + (b"?" + query if query else b"")},
        )
        try:
            answer = await client.send(forwarded, stream=True)
            content = b"".join([chunk async for chunk in answer.aiter_raw()])
        except httpx.TimeoutException:
            return JSONResponse({"message": "Service Unavailable"}, 503)
        except httpx.HTTPError:
            return JSONResponse({"message": "The emulator does not answer."}, 502)
        response = Response(content, answer.status_code)
        response.raw_headers = [
            *(
                (name.lower(), value)
                for name, value in end_to_end(answer.headers.raw)
                if name.lower() != b"date"
            ),
            (b"content-length", str(len(content)).encode()),
        ]
        return response

    @staticmethod
    def _forwarded(request: Request) -> list[tuple[bytes, bytes]]:
        client = request.client.host if request.client else ports.LOOPBACK
        return [(b"x-forwarded-for", client.encode()), (b"x-forwarded-proto", b"http")]


def end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers that are meant for the other end, not for this connection."""
    return [(name, value) for name, value in headers if name.decode().lower() not in HOP_BY_HOP]
