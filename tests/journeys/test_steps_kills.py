"""A kill at any call of any step must not change the result.

For every type of step, a short workflow runs once without faults, and then once for every call of a
port, with a kill before the call, and once with a kill after it.
"""

from collections.abc import Collection, Iterator
from typing import Any

import pytest

from tests.journeys.visits import goto, step, visit, visited, world_of
from tests.support.builders import STORE, Json, branch, delay, send, shop, template
from tests.support.faults import Faults, Kill, Scope
from tests.support.world import World

UNSENT = {"after ledger.claim"}
"""A kill here leaves a message with unknown result; `test_kills.py` tests this case."""

PATHS = [{"name": "left", "steps": [send("l")]}, {"name": "right", "steps": [send("r")]}]
VARIANTS = [{"name": name, "template": name} for name in ("one", "two")]
DID_ONCE = {"did": "Told", "times": {"is": 1}}
FEW = {"contact": "properties.n", "lte": 2}

KINDS: dict[str, list[Json]] = {
    "split": [step("split", "s", paths=PATHS), delay("1 hour"), send("last")],
    "holdout": [step("holdout", "h", percent=50), send("mail")],
    "loop": [send("a"), delay("1 hour", "wait"), send("b"), goto("again", "a", max=2)],
    "wait in a loop": [
        step(
            "wait_for",
            "w",
            event="Replied",
            timeout="2 hours",
            on_event=[send("thanks")],
            on_timeout=[send("nudge")],
        ),
        goto("again", "w", max=2),
    ],
    "date": [step("delay_until", "d", date="2026-11-03", at="09:00"), send("mail")],
    "no date": [step("delay_until", "d", date="event.gone", if_missing="exit"), send("mail")],
    "variants": [step("send_email", "v", variants=VARIANTS), send("mail")],
    "update": [
        step(
            "update_contact",
            "u",
            set={"plan": "gold"},
            unset=["old"],
            increment={"n": 2},
            append={"seen": {"from": "event.total"}},
            locale="fr",
            timezone="Europe/Paris",
        ),
        branch("b", FEW, [send("few")], [send("many")]),
        step("update_contact", "again", increment={"n": 3}),
        delay("1 hour"),
        step("update_contact", "later", increment={"n": 4}, unset=["plan"]),
        send("mail"),
    ],
    "update in a loop": [
        delay("1 hour", "wait"),
        step("add_score", "u", points=3),
        goto("again", "wait", max=2),
    ],
    "list, stage and score": [
        step("add_to_list", "in", list="club"),
        step("remove_from_list", "out", list="other"),
        step("set_stage", "stage", stage="vip"),
        step("add_score", "score", points=5),
        branch("b", {"contact": "score", "is": 5}, [send("five")], [send("other")]),
        step("remove_from_list", "out-2", list="club"),
    ],
    "emit": [
        step("emit_event", "tell", event="Told", properties={"n": {"from": "event.total"}, "k": 1}),
        branch("b", DID_ONCE, [send("once")], [send("twice")]),
        step("emit_event", "tell-2", event="Told", properties={"k": 2}),
        delay("1 hour"),
        branch("c", {"did": "Told", "times": {"is": 2}}, [send("yes")], [send("no")]),
    ],
    "start": [step("start_workflow", "go", workflow="started"), send("mail")],
    "webhook": [
        step("webhook", "w", url="https://crm.example.com/hook"),
        branch("b", {"step": "w", "output": "body.ok", "is": True}, [send("ok")], [send("no")]),
        step("webhook", "x", url="https://crm.example.com/hook", on_failure="exit"),
    ],
    "webhook in a loop": [
        delay("1 hour", "wait"),
        step("webhook", "w", url="https://crm.example.com/hook"),
        goto("again", "wait", max=1),
    ],
    "notify": [
        step("notify", "n", message="Look: {event.total}"),
        step("notify", "m", message="x", to="slack", url="https://hooks.slack.com/x"),
        send("mail"),
    ],
}
"""The steps of a workflow, by what they test."""

each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def published() -> dict[str, World]:
    worlds = {}
    for kind, steps in KINDS.items():
        files = {**template("one"), **template("two")}
        started = visit(send("started"), trigger={"type": "manual"})
        key = {"type": "event", "event": "Told", "key": "k"}
        told = visit(step("add_score", "heard", points=1), trigger=key)
        worlds[kind] = world_of(*steps, files={**shop(started=started, told=told), **files})
    return worlds


def run_kind(kind: str, published: dict[str, World], faults: Faults | None = None) -> World:
    world = World(published=published[kind], faults=faults)
    visited(world, {"total": 150}, properties={"old": 1, "n": 0})
    world.run_for(minutes=90)
    world.event("Replied", id_="r-1")
    world.run_for(days=9)
    return world


def visible_result(world: World) -> dict[str, Any]:
    """The visible result: mails, messages, events, contact, calls and alerts."""
    profile = world.profile()
    return {
        "mails": sorted((m.ref.id, m.tags["step"], m.tags.get("variant")) for m in world.mails),
        "messages": sorted(world.messages().items()),
        "enrollments": [(e.ref.workflow, e.status, e.reason) for e in world.enrollments_of()],
        "events": sorted(
            (name, id_, str(each.data), str(each.contact.changes))
            for (name, _, id_), each in world.state.events[STORE, world.contact()].items()
        ),
        "contact": profile.as_data(),
        "totals": sorted((name, total.count) for name, total in profile.totals.items()),
        "calls": list(dict.fromkeys(call.idempotency_key for call in world.outbound.calls)),
        "alerts": list(dict.fromkeys(world.alerts.told)),
        "inside": dict(profile.active_enrollments),
    }


def kills(undisturbed: World, scope: Scope, but: Collection[str] = ()) -> Iterator[Kill]:
    return (kill for kill, place in undisturbed.faults.kills(scope) if place not in but)


@pytest.mark.no_cover
@pytest.mark.parametrize("scope", ["run_steps", "react", "await_event"])
@each_kind
def test_kill_at_any_call_of_any_step_changes_nothing(
    kind: str, scope: Scope, published: dict[str, World]
) -> None:
    undisturbed = run_kind(kind, published)
    assert undisturbed.faults.struck == []
    assert {e.status for e in undisturbed.enrollments_of()} <= {"completed", "exited"}
    expected = visible_result(undisturbed)
    for kill in kills(undisturbed, scope, but=UNSENT):
        world = run_kind(kind, published, Faults(kill))
        assert world.faults.struck
        assert visible_result(world) == expected, world.faults.struck
        states = {e.status for e in world.step_functions.executions.values()}
        assert states <= {"SUCCEEDED", "ABORTED"}


@each_kind
def test_records_and_delivery_events_delivered_three_times_change_nothing(
    kind: str, published: dict[str, World]
) -> None:
    world = World(published=published[kind], echo=3)
    visited(world, {"total": 150}, properties={"old": 1, "n": 0})
    world.run_for(minutes=90)
    world.event("Replied", id_="r-1")
    world.run_for(days=9)
    assert visible_result(world) == visible_result(run_kind(kind, published))


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("kind", ["update", "emit", "webhook", "loop", "list, stage and score"])
def test_random_kills_leave_the_contact_unchanged(
    kind: str, seed: int, published: dict[str, World]
) -> None:
    world = run_kind(kind, published, Faults(rate=0.03, seed=seed))
    before, after = visible_result(run_kind(kind, published)), visible_result(world)
    in_doubt = UNSENT | {"after mailer.send", "before ledger.record_result"}
    doubtful = bool(in_doubt & {*world.faults.struck})
    same = ("contact", "totals", "calls", "alerts", "inside", "enrollments")
    for part in same:
        assert doubtful or after[part] == before[part], world.faults.struck


def test_webhook_repeated_after_kill_has_the_same_idempotency_key(
    published: dict[str, World],
) -> None:
    undisturbed = run_kind("webhook", published)
    at = [n for scope, n, name in undisturbed.faults.calls if name == "outbound.call"]
    world = run_kind("webhook", published, Faults(Kill("run_steps", at[0], "after")))
    first, again, *_ = world.outbound.calls
    assert first.idempotency_key == again.idempotency_key
    assert len(world.outbound.calls) == len(undisturbed.outbound.calls) + 1
