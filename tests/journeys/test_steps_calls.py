"""Webhook and notify: what is said to whom, what comes of the answer, and what of none."""

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


def answering(world: World, *answers: OutboundResponse | RequestFailed) -> World:
    """Other people's server gives these answers, the last for ever."""
    left = list(answers)
    world.outbound.server = lambda _: left.pop(0) if len(left) > 1 else left[0]
    return world


def said(request: OutboundRequest) -> Any:
    return json.loads(request.body)


# --- what is said ---


def test_a_webhook_tells_all_that_is_known_unless_it_has_a_body() -> None:
    steps = [branch("b", {"event": "total", "gte": 1}, []), webhook()]
    world = visited(world_of(*steps), {"total": 42}, first_name="Ada")
    (call,) = world.outbound.calls
    told = said(call)
    assert told.keys() == {"contact", "event", "steps", "enrollment"}
    assert told["contact"]["first_name"] == "Ada"
    assert told["event"] == {"total": 42, "name": "Visited"}
    assert told["steps"]["b"]["path"] == "yes"
    assert told["enrollment"]["id"] == world.enrollment().ref.id
    assert (call.url, call.method, dict(call.headers)) == (URL, "POST", {})


def test_a_body_is_filled_in_and_what_is_missing_is_left_out() -> None:
    body = {
        "mail": {"from": "contact.email"}, "total": {"from": "event.total"}, "fix": [1, None, "é"],
        "gone": {"from": "event.gone"}, "deep": {"gone": {"from": "event.gone.y"}, "n": 1},
        "html": "{contact.email}",
    }  # fmt: skip
    call = webhook(body=body, method="PUT", headers={"X-Team": "growth"})
    world = visited(world_of(call), {"total": 42})
    (made,) = world.outbound.calls
    assert said(made) == {
        "mail": ADA, "total": 42, "fix": [1, None, "é"], "deep": {"n": 1},
        "html": "{contact.email}",
    }  # fmt: skip
    assert (made.method, dict(made.headers)) == ("PUT", {"X-Team": "growth"})


def test_an_empty_body_says_nothing() -> None:
    world = visited(world_of(webhook(body={})), {"total": 42})
    assert said(world.outbound.calls[0]) == {}


def test_what_looks_like_a_place_in_other_peoples_data_is_not_looked_up() -> None:
    world = visited(world_of(webhook(body={"x": {"from": "event.x"}})),
                    {"x": {"from": "store.name"}})  # fmt: skip
    assert said(world.outbound.calls[0]) == {"x": {"from": "store.name"}}


def test_a_call_is_signed_with_the_stores_key_so_that_it_can_be_told_from_others() -> None:
    world = visited(world_of(webhook()))
    (call,) = world.outbound.calls
    assert check_signature(call.signature, call.body, ["webhook-key"], world.now) is None
    assert check_signature(call.signature, call.body, ["another"], world.now) is not None
    assert check_signature(call.signature, call.body + b" ", ["webhook-key"], world.now)


def test_without_a_key_to_sign_with_the_call_waits_until_there_is_one() -> None:
    world = world_of(webhook(), send("mail"))
    world.keys[STORE] = StoreSecrets(links=("link-key",))
    visited(world)
    assert world.outbound.calls == []
    world.keys[STORE] = StoreSecrets(links=("link-key",), webhooks=("webhook-key",))
    world.run_for(days=1)
    assert len(world.outbound.calls) == 1
    assert world.steps_mailed() == ["mail"]


def test_the_calls_of_two_rounds_two_steps_and_two_people_have_keys_of_their_own() -> None:
    loop = [delay("1 hour", "wait"), webhook("a"), webhook("b"), goto("again", "wait", max=1)]
    world = world_of(*loop)
    visited(world)
    visited(world, email="bo@mail.example", days=1)
    keys = [call.idempotency_key for call in world.outbound.calls]
    assert len(set(keys)) == len(keys) == 8


# --- what is answered ---


def test_the_answer_can_be_asked_about_and_written_into_mails() -> None:
    tier = template("tier", body="Tier {{ steps.crm.body.tier | default('-') }}.")
    asked = {"all": [{"step": "crm", "output": "body.tier", "is": "gold"},
                     {"step": "crm", "output": "status", "lt": 300},
                     {"step": "crm", "output": "error", "exists": False}]}  # fmt: skip
    steps = [
        webhook(), delay("1 day"), branch("b", asked, [send("mail", "tier")]),
        step("update_contact", "keep", set={"tier": {"from": "steps.crm.body.tier"}}),
    ]  # fmt: skip
    world = answering(world_of(*steps, files=tier), OutboundResponse(201, {"tier": "gold"}))
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
def test_whatever_the_other_side_says_the_contact_goes_on(
    answers: list[OutboundResponse | RequestFailed], outcome: Json
) -> None:
    world = visited(answering(world_of(webhook(), send("mail")), *answers))
    assert outcomes(world)["crm"] == outcome
    assert world.steps_mailed() == ["mail"]
    again = answers[0].retry if isinstance(answers[0], RequestFailed) else (
        answers[0].status >= 500 or answers[0].status == 429
    )  # fmt: skip
    assert len(world.outbound.calls) == 1 + again
    assert len({call.idempotency_key for call in world.outbound.calls}) == 1


def test_who_must_not_go_on_without_an_answer_leaves() -> None:
    steps = [webhook(on_failure="exit"), send("mail")]
    world = visited(answering(world_of(*steps), OutboundResponse(404)))
    assert ended(world) == ("exited", "crm: answered 404")
    assert world.mails == []
    world = visited(answering(world_of(*steps), OutboundResponse(200)))
    assert ended(world) == ("completed", "")
    assert world.steps_mailed() == ["mail"]


@pytest.mark.parametrize(
    ("reply", "kept"),
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
def test_a_huge_answer_is_not_kept_but_the_step_is_done(
    reply: OutboundResponse, kept: Json
) -> None:
    world = visited(answering(world_of(webhook(), send("mail")), reply))
    assert outcomes(world)["crm"] == kept
    assert world.steps_mailed() == ["mail"]


# --- staff ---


def test_staff_hear_what_happened_with_everything_filled_in() -> None:
    note = step("notify", "tell", message="{contact.email} left {event.total} {event.gone}{x} {}")
    world = visited(world_of(note, send("mail")), {"total": 42})
    assert world.alerts.told == [("visit: tell", f"{ADA} left 42 {{x}} {{}}")]
    assert world.steps_mailed() == ["mail"]


def test_slack_hears_it_in_its_own_way() -> None:
    note = step("notify", "tell", message="Look: {event.total}", to="slack",
                url="https://hooks.slack.com/services/x")  # fmt: skip
    world = visited(world_of(note), {"total": 42})
    (call,) = world.outbound.calls
    assert (call.url, said(call)) == ("https://hooks.slack.com/services/x", {"text": "Look: 42"})
    assert call.idempotency_key.endswith(":tell")


def test_a_slack_that_is_gone_does_not_hold_anybody_up() -> None:
    note = step("notify", "tell", message="x", to="slack", url="https://hooks.slack.com/x")
    world = visited(answering(world_of(note, send("mail")), OutboundResponse(404, "no_service")))
    assert outcomes(world)["tell"]["error"] == "answered 404"
    assert world.steps_mailed() == ["mail"]
