"""The wire API: SES v2's paths, answers and error formats, and faults that a test has ordered."""

import asyncio
import http
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.ses.errors import BadRequest, SesError, TooManyRequests
from local.ses.faults import Faults
from local.ses.rules import MAX_BYTES
from local.ses.service import Denied, SesService

# An e-mail may have 40 MB; this adds room for base64, JSON and the rest of the request.
MAX_REQUEST_BYTES = MAX_BYTES * 3 // 2
MAX_TIMEOUT = 300.0


@dataclass(frozen=True, slots=True)
class WireApi:
    """The two operations that sending needs."""

    service: SesService
    faults: Faults

    def routes(self) -> list[Route]:
        return [
            Route("/v2/email/outbound-emails", self.send_email, methods=["POST"]),
            Route("/v2/email/account", self.get_account, methods=["GET"]),
        ]

    async def send_email(self, request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_REQUEST_BYTES:
                return failure(BadRequest(f"The request exceeds {MAX_REQUEST_BYTES} bytes."))
        order = self.faults.take()
        if order is not None and not order.accepts:
            return await fail_as_ordered(request, order.fault)
        headers = dict(request.headers)
        try:
            mail = await run_in_threadpool(
                self.service.accept, request.url.path, headers, bytes(body)
            )
        except SesError as error:
            return failure(error)
        except Denied as denied:
            return denial(denied)
        if order is not None:
            return await fail_as_ordered(request, order.fault)
        return JSONResponse({"MessageId": mail.id}, headers=with_request_id())

    async def get_account(self, request: Request) -> Response:
        try:
            account = await run_in_threadpool(
                self.service.get_account, request.url.path, dict(request.headers)
            )
        except SesError as error:
            return failure(error)
        except Denied as denied:
            return denial(denied)
        return JSONResponse(account, headers=with_request_id())


async def fail_as_ordered(request: Request, fault: str) -> Response:
    """Fail as SES and networks do. For a time-out, answer only after the caller has left."""
    if fault == "throttle":
        return failure(TooManyRequests("Maximum sending rate exceeded."))
    if fault.startswith("timeout"):
        await until_caller_leaves(request)
    return JSONResponse(
        {"message": "Service Unavailable"},
        status_code=http.HTTPStatus.SERVICE_UNAVAILABLE,
        headers=with_request_id(),
    )


async def until_caller_leaves(request: Request) -> None:
    try:
        async with asyncio.timeout(MAX_TIMEOUT):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


def failure(error: SesError) -> Response:
    """SES's error format: the type in a header, the message in JSON."""
    return JSONResponse(
        {"message": error.message},
        status_code=error.status,
        headers=with_request_id({"x-amzn-errortype": error.kind}),
    )


def denial(denied: Denied) -> Response:
    """The authorizer's own answer, unchanged."""
    status, headers, content = denied.refusal
    return Response(content, status, with_request_id(headers))


def with_request_id(headers: Mapping[str, str] | None = None) -> dict[str, str]:
    return {**(headers or {}), "x-amzn-requestid": str(uuid.uuid4())}
