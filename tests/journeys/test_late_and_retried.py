"""Late events and repeated block runs do not change what was decided."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.builders import Json, branch, delay, send, shop, wait_for, workflow
from tests.support.faults import Faults, Kill, Phase
from tests.support.world import World

PHASES: tuple[Phase, ...] = ("before", "after")
ANSWER = wait_for("answer", "Replied", "1 day", [send("thanks")], [send("nudge")])


def shop_with(*steps: Json, faults: Faults | None = None, **head: Any) -> World:
    world = World(faults=faults)
    visit = workflow(*steps, **{"on": "Visited", "category": "transactional", **head})
    world.publish(shop(visit=visit))
    return world


def kill_once(world: World, place: str, then: str = "") -> None:
    """Kill the next function at this place; send an event right after."""

    def strike() -> None:
        if then:
            world.later(lambda: world.event(then), milliseconds=1)
        raise world.faults.killed(place)

    world.faults.meanwhile(place, strike)


# --- repeated block runs ---


def test_delay_counts_from_the_first_run_of_its_block() -> None:
    world = shop_with(send("first"), delay("1 day"), send("second"))
    kill_once(world, "after ledger.record_result")
    world.event("Visited")
    start = world.now
    world.run_for(days=3)
    assert world.faults.struck == ["after ledger.record_result"]
    assert world.mailed_at("second") == start + timedelta(days=1)


def test_delay_at_the_start_counts_from_the_first_run_of_its_block() -> None:
    world = shop_with(delay("1 day"), send("mail"))
    kill_once(world, "before the answer")
    world.event("Visited")
    start = world.now
    world.run_for(days=3)
    assert world.faults.struck == ["before the answer"]
    assert world.mailed_at("mail") == start + timedelta(days=1)


def test_wait_counts_events_from_the_first_run_of_its_block() -> None:
    world = shop_with(send("first"), ANSWER)
    kill_once(world, "after ledger.record_result", then="Replied")
    world.event("Visited")
    world.run_for(days=3)
    assert world.steps_mailed() == ["first", "thanks"]


def test_decided_branch_is_not_decided_again_on_rerun() -> None:
    """Otherwise a customer who orders between two runs of a block would get both mails."""
    ordered = branch("ordered", {"did": "Ordered"}, [send("thanks")], [send("reminder")])
    world = shop_with(ordered)
    kill_once(world, "after mailer.send", then="Ordered")
    world.event("Visited")
    world.run_for(days=3)
    assert world.steps_mailed() == ["reminder"]
    assert world.enrollment().outcomes["ordered"]["path"] is None


# --- events at any moment ---


def test_event_at_any_moment_between_mail_and_wait_is_matched() -> None:
    undisturbed = shop_with(send("first"), ANSWER)
    undisturbed.event("Visited")
    undisturbed.run_for(minutes=1)
    places = [
        Kill(scope, number, phase)
        for scope, number, _ in undisturbed.faults.calls
        if scope in {"run_steps", "await_event"}
        for phase in PHASES
    ]
    assert len(places) > 20
    for place in places:
        world = shop_with(send("first"), ANSWER)

        def reply(world: World = world) -> None:
            world.event("Replied")
            world.react_now()

        world.faults.meanwhile(place, reply)
        world.event("Visited")
        world.run_for(minutes=1)
        assert world.faults.happened == [place]
        assert world.steps_mailed() == ["first", "thanks"], place
        assert world.enrollment().outcomes["answer"]["event"] == "Replied"


def test_execution_that_could_not_be_stopped_ends_by_itself() -> None:
    world = shop_with(delay("1 hour"), send("mail"), ANSWER, exit_on=[{"event": "Ordered"}])
    world.event("Visited")
    world.run_for(minutes=30)
    kill_once(world, "after enrollments.finish")
    world.event("Ordered")
    world.run_for(minutes=1)
    execution = world.execution(world.enrollment())
    assert (world.enrollment().status, execution.status) == ("exited", "RUNNING")
    world.run_for(hours=1)
    assert execution.status == "ABORTED"
    assert world.mails == []


def two_waits() -> World:
    again = wait_for("again", "Replied", "1 day", [send("second")], [send("nudge")])
    return shop_with(wait_for("once", "Replied", "1 day"), again)


def test_one_event_ends_one_wait() -> None:
    world = two_waits()
    world.event("Visited")
    world.run_for(hours=1)
    world.event("Replied")
    world.run_for(days=3)
    assert world.steps_mailed() == ["nudge"]


def test_event_with_a_fast_clock_does_not_end_two_waits() -> None:
    world = two_waits()
    world.event("Visited")
    world.run_for(hours=1)
    world.event("Replied", at=world.now + timedelta(minutes=5))
    world.run_for(days=3)
    assert world.steps_mailed() == ["nudge"]


def test_two_events_end_two_waits() -> None:
    world = two_waits()
    world.event("Visited")
    for _ in range(2):
        world.run_for(hours=1)
        world.event("Replied")
    world.run_for(days=3)
    assert world.steps_mailed() == ["second"]


def test_event_with_a_fast_clock_does_not_block_a_wait_for_another_event() -> None:
    other = wait_for("other", "Ordered", "1 day", [send("thanks")], [send("nudge")])
    world = shop_with(wait_for("once", "Replied", "1 day"), other)
    world.event("Visited")
    world.run_for(hours=1)
    world.event("Replied", at=world.now + timedelta(minutes=5))
    world.run_for(minutes=1)
    world.event("Ordered")
    world.run_for(days=3)
    assert world.steps_mailed() == ["thanks"]


# --- late events ---


def test_late_order_from_before_the_entry_exits_nothing() -> None:
    world = shop_with(delay("1 hour"), send("mail"), exit_on=[{"event": "Ordered"}])
    before = world.now
    world.run_for(minutes=10)
    world.event("Visited")
    world.run_for(minutes=10)
    world.event("Ordered", at=before)
    world.run_for(days=1)
    assert world.steps_mailed() == ["mail"]


@pytest.mark.parametrize(("total", "mails"), [(150, []), (5, ["mail"])])
def test_order_received_before_the_visit_is_found_by_the_gate(
    total: float, mails: list[str]
) -> None:
    """The entry checks only whether such an event happened; the gate also checks its data."""
    exit_rule = {"event": "Ordered", "where": {"event": "total", "gte": 10}}
    world = shop_with(delay("1 hour"), send("mail"), send("more"), exit_on=[exit_rule])
    visited = world.now
    world.run_for(minutes=5)
    world.event("Ordered", {"total": total})
    world.run_for(minutes=5)
    world.event("Visited", at=visited)
    world.run_for(days=1)
    assert world.steps_mailed() == mails + ["more"] * bool(mails)
    if not mails:
        assert world.messages() == {"mail": ("skipped", "exit on Ordered")}
        assert (world.enrollment().status, world.enrollment().reason) == (
            "exited",
            "exit on Ordered",
        )


def test_goal_after_its_window_does_not_exit() -> None:
    goal = {"event": "Ordered", "within": "2 days"}
    world = shop_with(delay("3 days"), send("mail"), goal=goal)
    world.event("Visited")
    world.run_for(days=2, minutes=1)
    world.event("Ordered")
    world.run_for(days=5)
    assert world.steps_mailed() == ["mail"]
    assert world.enrollment().status == "completed"


def test_goal_within_its_window_exits() -> None:
    goal = {"event": "Ordered", "within": "2 days", "where": {"event": "total", "gte": 10}}
    world = shop_with(delay("3 days"), send("mail"), goal=goal)
    world.event("Visited")
    world.run_for(days=1)
    world.event("Ordered", {"total": 5})
    world.run_for(hours=1)
    assert world.enrollment().status == "active"
    world.event("Ordered", {"total": 15})
    world.run_for(days=5)
    assert (world.enrollment().reason, world.mails) == ("goal reached", [])


def test_contact_that_left_the_audience_is_skipped() -> None:
    vip = {"contact": "properties.vip", "is": True}
    world = shop_with(
        delay("1 hour"), send("first"), delay("1 hour", "b"), send("second"), audience=vip
    )
    world.event("Visited", properties={"vip": True})
    world.run_for(minutes=90)
    world.event("Profile Updated", properties={"vip": False})
    world.run_for(days=1)
    assert world.steps_mailed() == ["first"]
    assert world.messages()["second"] == ("skipped", "audience")


# --- identity and consent ---


def test_contact_with_a_device_id_stays_one_contact_after_login() -> None:
    world = shop_with(send("mail"), on="Ordered")
    world.event("Viewed", email=None, device_id="d-1")
    world.run_for(minutes=1)
    world.event("Logged In", device_id="d-1")
    world.run_for(minutes=1)
    world.event("Ordered")
    world.run_for(minutes=1)
    (profile,) = world.state.profiles.values()
    assert {*profile.totals} == {"Viewed", "Logged In", "Ordered"}
    assert len(world.mails) == 1


def test_every_consent_answer_is_kept_as_proof() -> None:
    world = shop_with(send("mail"))
    world.consent("offers")
    world.run_for(minutes=1)
    world.consent("news")
    world.consent("offers", state="withdrawn")
    world.run_for(minutes=1)
    proofs = sorted((p.at, p.topic, p.fact.state) for p in world.state.proofs.values())
    assert [(topic, state) for _, topic, state in proofs] == [
        ("offers", "granted"),
        ("news", "granted"),
        ("offers", "withdrawn"),
    ]
