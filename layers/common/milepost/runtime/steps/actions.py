"""Act: the steps that change the contact, report events, call other systems and tell staff.

What changes a contact is an event on its timeline, as everything that happens to it is. Its id and
its instant are the step's own, so that a step which is run again reports nothing new. A call is
made at least once, with a key by which the other side can tell a second from the first.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from milepost.base.errors import ThrottledError
from milepost.base.paths import render_text, resolve_all
from milepost.contacts.event import ContactUpdate, Event
from milepost.enrollments.enrollment import Enrollment
from milepost.enrollments.program import Node
from milepost.outbound.request import (
    OutboundRequest,
    OutboundResponse,
    RequestFailed,
    is_retryable,
    sign_request_body,
)
from milepost.runtime.steps.step_events import changes_of, data_of

if TYPE_CHECKING:
    from milepost.contacts.ports import Timeline
    from milepost.outbound.ports import Alerts, Outbound
    from milepost.stores.store_secrets import Secrets


MAX_ATTEMPTS = 2
"""Calls to a server that fails or does not answer; each may take ten seconds."""

MAX_KEPT = 8192
"""Bytes of an answer that are kept: every later write of the enrollment is paid by its size."""

ALERT_SUBJECT = ("contact", "event", "steps", "enrollment")
"""What a webhook without a body of its own says."""


@dataclass(frozen=True, slots=True)
class ActionRunner:
    """Carries steps out. What few workflows need is built when one does."""

    timeline: "Timeline"
    outbound: Callable[[], "Outbound"]
    alerts: Callable[[], "Alerts"]
    secrets: "Secrets"
    now: Callable[[], datetime]

    def report(
        self, enrollment: Enrollment, key: str, outcome: Mapping[str, Any], at: datetime
    ) -> tuple[Event, bool]:
        """Put on the timeline what a step decided (`deeds.decide`); repeating it is harmless.

        Answers with the event, and whether the timeline had not had it before.
        """
        ref = enrollment.ref
        event = Event(
            store=ref.store,
            id=f"{ref.id}:{key}",
            name=outcome["event"],
            occurred_at=at,
            source="workflow",
            identifiers={},
            data=data_of(outcome, enrollment),
            contact=ContactUpdate(changes=changes_of(outcome)),
        )
        return event, self.timeline.append(ref.contact, event)

    def call(
        self, enrollment: Enrollment, node: Node, key: str, data: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Carry a `webhook` or `notify` step out; its outcome, with `error` if it failed."""
        if node["type"] == "webhook":
            body = node.get("body")
            said = (
                {name: data[name] for name in ALERT_SUBJECT}
                if body is None
                else resolve_all(body, data)
            )
            return self._post(enrollment, node, key, said)
        text = render_text(node["message"], data)
        if node.get("to") == "slack":
            return self._post(enrollment, node, key, {"text": text})
        subject = f"{enrollment.ref.workflow}: {node['id']}"
        self.alerts().send_alert(subject, text, enrollment.ref.store)
        return {"told": "alerts"}

    def _post(
        self, enrollment: Enrollment, node: Node, key: str, said: Mapping[str, Any]
    ) -> dict[str, Any]:
        request = OutboundRequest(
            url=node["url"],
            method=node.get("method", "POST"),
            headers=node.get("headers", {}),
            body=json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode(),
            idempotency_key=f"{enrollment.ref.id}:{key}",
        )
        answer = self._call(enrollment.ref.store, request)
        for _ in range(MAX_ATTEMPTS - 1):
            if is_retryable(answer):
                answer = self._call(enrollment.ref.store, request)
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
