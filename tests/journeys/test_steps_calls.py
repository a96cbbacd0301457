"""The steps `webhook` and `notify`: requests, responses and failures."""

import json
from typing import Any

import pytest

from milepost.base.signatures import check_signature
from milepost.outbound.request import OutboundRequest, OutboundResponse, RequestFailed
from milepost.runtime.steps.tools import MAX_KEPT
from milepost.stores.store_secrets import StoreSecrets
from tests.journeys.visits import ended, goto, outcomes, step, visited, world_of
from tests.support.builders import ADA, STORE, Json, branch, delay, send, template
from tests.support.world import World

URL = "https://crm.example.com/hook"


def webhook(id_: str = "crm", **fields: Any) -> Json:
    return step("webhook", id_, url=URL, **fields)


def with_responses(world: World, *answers: OutboundResponse | RequestFailed) -> World:
    """Let the external server give these responses, the last one repeatedly."""
    left = list(answers)
    world.outbound.server = lambda _: left.pop(0) if len(left) > 1 else left[0]
    return world


def body_of(request: OutboundRequest) -> Any:
    return json.loads(request.body)


# --- requests ---


def test_webhook_without_body_sends_contact_event_steps_and_enrollment() -> None:
    steps = [branch("b", {"event": "total", "gte": 1}, []), webhook()]
    world = visited(world_of(*steps), {"total": 42}, first_name="Ada")
    (call,) = world.outbound.calls
    body = body_of(call)
    assert body.keys() == {"contact", "event", "steps", "enrollment"}
    assert body["contact"]["first_name"] == "Ada"
    assert body["event"] == {"total": 42, "name": "Visited"}
    assert body["steps"]["b"]["path"] == "yes"
    assert body["enrollment"]["id"] == world.enrollment().ref.id
    assert (call.url, call.method, dict(call.headers)) == (URL, "POST", {})


def test_webhook_body_is_filled_in_and_omits_missing_values() -> None:
    body = {
        "mail": {"from": "contact.email"},
        "total": {"from": "event.total"},
        "fix": [1, None, "é"],
        "gone": {"from": "event.gone"},
        "deep": {"gone": {"from": "event.gone.y"}, "n": 1},
        "html": "{contact.email}",
    }
    call = webhook(body=body, method="PUT", headers={"X-Team": "growth"})
    world = visited(world_of(call), {"total": 42})
    (made,) = world.outbound.calls
    assert body_of(made) == {
        "mail": ADA,
        "total": 42,
        "fix": [1, None, "é"],
        "deep": {"n": 1},
        "html": "{contact.email}",
    }
    assert (made.method, dict(made.headers)) == ("PUT", {"X-Team": "growth"})


def test_webhook_with_empty_body_sends_an_empty_object() -> None:
    world = visited(world_of(webhook(body={})), {"total": 42})
    assert body_of(world.outbound.calls[0]) == {}


def test_reference_inside_event_data_is_not_resolved() -> None:
    world = visited(
        world_of(webhook(body={"x": {"from": "event.x"}})), {"x": {"from": "store.name"}}
    )
    assert body_of(world.outbound.calls[0]) == {"x": {"from": "store.name"}}


def test_webhook_is_signed_with_the_stores_key() -> None:
    world = visited(world_of(webhook()))
    (call,) = world.outbound.calls
    assert check_signature(call.signature, call.body, ["webhook-key"], world.now) is None
    assert check_signature(call.signature, call.body, ["another"], world.now) is not None
    assert check_signature(call.signature, call.body + b" ", ["webhook-key"], world.now)


def test_webhook_waits_until_the_store_has_a_signing_key() -> None:
    world = world_of(webhook(), send("mail"))
    world.keys[STORE] = StoreSecrets(links=("link-key",))
    visited(world)
    assert world.outbound.calls == []
    world.keys[STORE] = StoreSecrets(links=("link-key",), webhooks=("webhook-key",))
    world.run_for(days=1)
    assert len(world.outbound.calls) == 1
    assert world.steps_mailed() == ["mail"]


def test_webhooks_of_rounds_steps_and_contacts_have_own_idempotency_keys() -> None:
    loop = [delay("1 hour", "wait"), webhook("a"), webhook("b"), goto("again", "wait", max=1)]
    world = world_of(*loop)
    visited(world)
    visited(world, email="bo@mail.example", days=1)
    keys = [call.idempotency_key for call in world.outbound.calls]
    assert len(set(keys)) == len(keys) == 8


# --- responses ---


def test_webhook_response_is_usable_in_conditions_mails_and_updates() -> None:
    tier = template("tier", body="Tier {{ steps.crm.body.tier | default('-') }}.")
    condition = {
        "all": [
            {"step": "crm", "output": "body.tier", "is": "gold"},
            {"step": "crm", "output": "status", "lt": 300},
            {"step": "crm", "output": "error", "exists": False},
        ]
    }
    steps = [
        webhook(),
        delay("1 day"),
        branch("b", condition, [send("mail", "tier")]),
        step("update_contact", "keep", set={"tier": {"from": "steps.crm.body.tier"}}),
    ]
    world = with_responses(world_of(*steps, files=tier), OutboundResponse(201, {"tier": "gold"}))
    visited(world, days=2)
    assert "Tier gold." in world.last_mail().text
    assert world.profile().get("properties.tier") == "gold"


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([OutboundResponse(200, {"a": 1})], {"status": 200, "body": {"a": 1}}),
        ([OutboundResponse(204)], {"status": 204, "body": None}),
        ([OutboundResponse(200, "hello")], {"status": 200, "body": "hello"}),
        ([OutboundResponse(302)], {"status": 302, "body": None, "error": "answered 302"}),
        ([OutboundResponse(404, "no")], {"status": 404, "body": "no", "error": "answered 404"}),
        ([OutboundResponse(500), OutboundResponse(200, 1)], {"status": 200, "body": 1}),
        (
            [OutboundResponse(503), OutboundResponse(502)],
            {"status": 502, "body": None, "error": "answered 502"},
        ),
        ([OutboundResponse(429), OutboundResponse(200)], {"status": 200, "body": None}),
        ([RequestFailed("timed out", True), OutboundResponse(200)], {"status": 200, "body": None}),
        ([RequestFailed("timed out", True)], {"error": "timed out"}),
        ([RequestFailed("no such host")], {"error": "no such host"}),
    ],
)
def test_contact_continues_after_any_webhook_response(
    answers: list[OutboundResponse | RequestFailed], outcome: Json
) -> None:
    world = visited(with_responses(world_of(webhook(), send("mail")), *answers))
    assert outcomes(world)["crm"] == outcome
    assert world.steps_mailed() == ["mail"]
    again = (
        answers[0].retry
        if isinstance(answers[0], RequestFailed)
        else (answers[0].status >= 500 or answers[0].status == 429)
    )
    assert len(world.outbound.calls) == 1 + again
    assert len({call.idempotency_key for call in world.outbound.calls}) == 1


def test_webhook_with_on_failure_exit_exits_on_error() -> None:
    steps = [webhook(on_failure="exit"), send("mail")]
    world = visited(with_responses(world_of(*steps), OutboundResponse(404)))
    assert ended(world) == ("exited", "crm: answered 404")
    assert world.mails == []
    world = visited(with_responses(world_of(*steps), OutboundResponse(200)))
    assert ended(world) == ("completed", "")
    assert world.steps_mailed() == ["mail"]


@pytest.mark.parametrize(
    ("reply", "stored"),
    [
        (OutboundResponse(200, "x" * 1000, truncated=True), {"status": 200, "truncated": True}),
        (OutboundResponse(200, ["x" * MAX_KEPT]), {"status": 200, "truncated": True}),
        (OutboundResponse(200, "é" * (MAX_KEPT // 4)), {"status": 200, "truncated": True}),
        (
            OutboundResponse(200, ["x" * (MAX_KEPT - 4)]),
            {"status": 200, "body": ["x" * (MAX_KEPT - 4)]},
        ),
        (
            OutboundResponse(500, ["x" * MAX_KEPT]),
            {"status": 500, "truncated": True, "error": "answered 500"},
        ),
    ],
    ids=["cut off", "long", "long in bytes", "just short enough", "long and bad"],
)
def test_huge_webhook_response_is_not_stored_but_the_step_succeeds(
    reply: OutboundResponse, stored: Json
) -> None:
    world = visited(with_responses(world_of(webhook(), send("mail")), reply))
    assert outcomes(world)["crm"] == stored
    assert world.steps_mailed() == ["mail"]


# --- notify ---


def test_notify_alerts_staff_with_values_filled_in() -> None:
    note = step("notify", "tell", message="{contact.email} left {event.total} {event.gone}{x} {}")
    world = visited(world_of(note, send("mail")), {"total": 42})
    assert world.alerts.told == [("visit: tell", f"{ADA} left 42 {{x}} {{}}")]
    assert world.steps_mailed() == ["mail"]


def test_notify_posts_to_slack() -> None:
    note = step(
        "notify",
        "tell",
        message="Look: {event.total}",
        to="slack",
        url="https://hooks.slack.com/services/x",
    )
    world = visited(world_of(note), {"total": 42})
    (call,) = world.outbound.calls
    assert (call.url, body_of(call)) == ("https://hooks.slack.com/services/x", {"text": "Look: 42"})
    assert call.idempotency_key.endswith(":tell")


def test_unreachable_slack_does_not_block_the_contact() -> None:
    note = step("notify", "tell", message="x", to="slack", url="https://hooks.slack.com/x")
    world = visited(
        with_responses(world_of(note, send("mail")), OutboundResponse(404, "no_service"))
    )
    assert outcomes(world)["tell"]["error"] == "answered 404"
    assert world.steps_mailed() == ["mail"]
