"""The inbox's JSON API: e-mails, actions on them, and the faults and outcomes that a test
orders."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.clock import timestamp
from local.inbox.documents import document, summary
from local.inbox.recipient import NotFound, Reader, link_of
from local.inbox.unsubscribe import NotOffered
from local.ses.faults import FAULTS, Faults
from local.ses.outcomes import OUTCOMES, Outcomes
from local.ses.service import SesService

DEFAULT_LIMIT = 100


class Unusable(Exception):
    """The request is invalid; the message says why."""


@dataclass(frozen=True, slots=True)
class InboxApi:
    """Everything that the inbox can do, as an API."""

    reader: Reader
    service: SesService
    faults: Faults
    outcomes: Outcomes

    def routes(self) -> list[Route]:
        def route(path: str, handler: Handler, *methods: str) -> Route:
            return Route(path, answering(handler), methods=list(methods))

        return [
            route("/api/status", self.status, "GET"),
            route("/api/messages", self.list_messages, "GET"),
            route("/api/messages", self.delete_messages, "DELETE"),
            route("/api/messages/{id}", self.get_message, "GET"),
            route("/api/messages/{id}/{action}", self.act, "POST"),
            route("/api/faults", self.order_faults, "POST"),
            route("/api/faults", self.clear_faults, "DELETE"),
            route("/api/outcomes", self.mark_outcome, "POST"),
            route("/api/outcomes", self.clear_outcomes, "DELETE"),
            route("/api/account", self.change_account, "PUT"),
        ]

    async def status(self, _request: Request) -> object:
        mailbox = self.reader.mailbox
        return {
            "now": timestamp(self.reader.now()),
            "accepted": mailbox.accepted,
            "changes": mailbox.changes,
            "problems": mailbox.problems(),
            "faults": self.faults.waiting(),
        }

    async def list_messages(self, request: Request) -> object:
        limit = whole_number(request.query_params.get("limit", DEFAULT_LIMIT))
        found = self.reader.mailbox.newest(request.query_params.get("to", ""), limit)
        full = request.query_params.get("full") in ("1", "true")
        return {
            "accepted": self.reader.mailbox.accepted,
            "messages": [document(kept) if full else summary(kept) for kept in found],
        }

    async def delete_messages(self, _request: Request) -> object:
        return {"deleted": self.reader.mailbox.clear()}

    async def get_message(self, request: Request) -> object:
        return document(self.reader.find(request.path_params["id"]))

    async def act(self, request: Request) -> object:
        mail = self.reader.find(request.path_params["id"]).mail
        given = await json_object(request)
        who = {"agent": str(given.get("user_agent", "")), "ip": str(given.get("ip", ""))}
        match request.path_params["action"]:
            case "open":
                return asdict(await self.reader.open(mail, **who))
            case "click":
                number = whole_number(given.get("number", 0))
                link = link_of(mail, number, str(given.get("link", "")))
                return {**asdict(await self.reader.click(mail, link, **who)), "link": link.url}
            case "bounce":
                transient = given.get("type") == "Transient"
                return asdict(await self.reader.bounce(mail, transient=transient))
            case "complain":
                return asdict(await self.reader.complain(mail))
            case "unsubscribe":
                answer = await self.reader.unsubscribe(mail)
                return {**asdict(answer), "done": answer.done}
            case unknown:
                raise NotFound(f"There is no action {unknown!r} on a mail.")

    async def order_faults(self, request: Request) -> object:
        given = await json_object(request)
        fault = next((one for one in FAULTS if one == given.get("fault")), None)
        if fault is None:
            raise Unusable(f"fault must be one of {', '.join(FAULTS)}.")
        try:
            self.faults.order(fault, whole_number(given.get("count", 1)))
        except ValueError as error:
            raise Unusable(str(error)) from None
        return {"faults": self.faults.waiting()}

    async def clear_faults(self, _request: Request) -> object:
        self.faults.clear()
        return {"faults": []}

    async def mark_outcome(self, request: Request) -> object:
        given = await json_object(request)
        outcome = next((one for one in OUTCOMES if one == given.get("outcome")), None)
        if outcome is None or not given.get("address"):
            raise Unusable(f"address is needed, and an outcome: one of {', '.join(OUTCOMES)}.")
        self.outcomes.mark(str(given["address"]), outcome)
        return {"address": given["address"], "outcome": outcome}

    async def clear_outcomes(self, _request: Request) -> object:
        self.outcomes.clear()
        return {}

    async def change_account(self, request: Request) -> object:
        given = await json_object(request)
        if "max_send_rate" in given:
            rate = given["max_send_rate"]
            if isinstance(rate, bool) or not isinstance(rate, int | float) or rate < 0:
                raise Unusable("max_send_rate must be a number of recipients a second.")
            self.service.rate.limit = float(rate)
        if "max_24_hour_send" in given:
            most = given["max_24_hour_send"]
            if isinstance(most, bool) or not isinstance(most, int | float):
                raise Unusable("max_24_hour_send must be a number of recipients, -1 for any.")
            self.service.daily_quota = float(most)
        if "sending_enabled" in given:
            self.service.sending_enabled = bool(given["sending_enabled"])
        return self.service.account()


Handler = Callable[[Request], Awaitable[object]]


def answering(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint of a handler: its value becomes JSON, its exceptions become JSON errors."""

    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await handler(request))
        except NotFound as error:
            return JSONResponse({"error": str(error)}, 404)
        except NotOffered as error:
            return JSONResponse({"error": str(error)}, 409)
        except Unusable as error:
            return JSONResponse({"error": str(error)}, 422)

    return endpoint


async def json_object(request: Request) -> dict[str, Any]:
    """The request's JSON object; an empty body is an empty object."""
    try:
        given = json.loads(await request.body() or b"{}")
    except ValueError:
        raise Unusable("The body is not JSON.") from None
    if not isinstance(given, dict):
        raise Unusable("The body is not a JSON object.")
    return given


def whole_number(given: object) -> int:
    try:
        number = int(given) if isinstance(given, int | str) else -1
    except ValueError:
        number = -1
    if number < 0:
        raise Unusable(f"{given!r} is not a whole number.")
    return number
