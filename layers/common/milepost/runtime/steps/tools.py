"""The services that steps use. Calls are made at least once, with an idempotency key."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from milepost.base.errors import ThrottledError
from milepost.base.names import EnrollmentRef
from milepost.enrollments.condition_data import ContextLoader
from milepost.enrollments.program import Node
from milepost.outbound.request import (
    OutboundRequest,
    OutboundResponse,
    RequestFailed,
    is_retryable,
    sign_request_body,
)
from milepost.sending.send import MailSender

if TYPE_CHECKING:
    from milepost.contacts.ports import Timeline
    from milepost.outbound.ports import Alerts, Outbound
    from milepost.stores.store_secrets import Secrets


MAX_ATTEMPTS = 2
"""Attempts for a server that fails or does not answer; each may take ten seconds."""

MAX_KEPT = 8192
"""Bytes of a stored answer: the enrollment's size determines the price of later writes."""


@dataclass(frozen=True, slots=True)
class StepTools:
    """The services that steps call. Services that few workflows need are built on demand."""

    sender: MailSender
    facts: ContextLoader
    timeline: "Timeline"
    outbound: Callable[[], "Outbound"]
    alerts: Callable[[], "Alerts"]
    secrets: "Secrets"
    now: Callable[[], datetime]

    def post(
        self, ref: EnrollmentRef, node: Node, key: str, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Call the `url` of a step; the outcome has an `error` if the call failed."""
        request = OutboundRequest(
            url=node["url"],
            method=node.get("method", "POST"),
            headers=node.get("headers", {}),
            body=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
            idempotency_key=f"{ref.id}:{key}",
        )
        answer = self._call(ref.store, request)
        for _ in range(MAX_ATTEMPTS - 1):
            if is_retryable(answer):
                answer = self._call(ref.store, request)
        return _outcome(answer)

    def _call(self, store: str, request: OutboundRequest) -> OutboundResponse | RequestFailed:
        keys = self.secrets.of(store)
        if keys is None or not keys.webhooks:
            raise ThrottledError("the store has no webhook-key, so its webhooks cannot be signed")
        # Not the store's signing-key, with which a receiver could sign events for Milepost.
        return self.outbound().call(sign_request_body(request, keys.webhooks[0], self.now()))


def _outcome(answer: OutboundResponse | RequestFailed) -> dict[str, Any]:
    if isinstance(answer, RequestFailed):
        return {"error": answer.reason}
    too_long = answer.truncated or len(json.dumps(answer.body)) > MAX_KEPT
    kept = {"truncated": True} if too_long else {"body": answer.body}
    failed = {} if 200 <= answer.status < 300 else {"error": f"answered {answer.status}"}
    return {"status": answer.status, **kept, **failed}
