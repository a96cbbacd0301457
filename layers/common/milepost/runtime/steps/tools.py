"""What steps are run with.

A call is made at least once, with a key by which the other side can tell a second from the first.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from milepost.base.errors import ThrottledError
from milepost.base.refs import EnrollmentRef
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
"""Calls to a server that fails or does not answer; each may take ten seconds."""

MAX_KEPT = 8192
"""Bytes of an answer that are kept: every later write of the enrollment is paid by its size."""


@dataclass(frozen=True, slots=True)
class StepTools:
    """The services that steps call. What few workflows need is built when one does."""

    sender: MailSender
    facts: ContextLoader
    timeline: "Timeline"
    outbound: Callable[[], "Outbound"]
    alerts: Callable[[], "Alerts"]
    secrets: "Secrets"
    now: Callable[[], datetime]

    def post(
        self, ref: EnrollmentRef, node: Node, key: str, said: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Call the `url` of a step; its outcome, with `error` if that failed."""
        request = OutboundRequest(
            url=node["url"],
            method=node.get("method", "POST"),
            headers=node.get("headers", {}),
            body=json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode(),
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
        # A key of their own: with the store's signing-key a receiver could sign events for us.
        return self.outbound().call(sign_request_body(request, keys.webhooks[0], self.now()))


def _outcome(answer: OutboundResponse | RequestFailed) -> dict[str, Any]:
    if isinstance(answer, RequestFailed):
        return {"error": answer.reason}
    too_long = answer.truncated or len(json.dumps(answer.body)) > MAX_KEPT
    kept = {"truncated": True} if too_long else {"body": answer.body}
    failed = {} if 200 <= answer.status < 300 else {"error": f"answered {answer.status}"}
    return {"status": answer.status, **kept, **failed}
