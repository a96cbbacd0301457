"""The step `goto`: rounds, their mails and waits, and the end of a loop."""

from datetime import timedelta

import pytest

from bench.transitions import transitions
from tests.journeys.visits import data_of, ended, goto, outcomes, step, visit, visited, world_of
from tests.support.builders import Json, branch, delay, leave, send, shop, wait_for
from tests.support.faults import Faults, Kill
from tests.support.world import World

OPENED = {"email": "nudge", "was": "opened"}


@pytest.mark.parametrize("most", [1, 2, 7])
def test_loop_repeats_max_times_and_then_continues(most: int) -> None:
    world = world_of(
        delay("1 day", "wait"), send("nudge"), goto("again", "wait", max=most), send("bye")
    )
    visited(world, days=most + 2)
    assert world.steps_mailed() == ["nudge"] * (most + 1) + ["bye"]
    assert ended(world) == ("completed", "")


def test_every_round_sends_messages_of_its_own() -> None:
    loop = [delay("1 day", "wait"), send("nudge"), goto("again", "wait", max=3)]
    world = visited(world_of(*loop), days=9)
    assert len({mail.ref.id for mail in world.mails}) == 4
    assert world.numbers("visit").steps["nudge"].sent == 4
    gaps = {
        after - before
        for (before, _), (after, _) in zip(world.posted, world.posted[1:], strict=False)
    }
    assert gaps == {timedelta(days=1)}


def test_branch_in_a_loop_exits_the_loop() -> None:
    way_out = branch("opened", OPENED, [leave("done", "read it")])
    loop = [send("nudge"), delay("1 day", "wait"), way_out, goto("again", "nudge", max=50)]
    world = visited(world_of(*loop), days=3)
    assert len(world.mails) == 4
    world.open(world.last_mail())
    world.run_for(days=9)
    assert len(world.mails) == 4
    assert ended(world) == ("exited", "read it")


def test_condition_on_a_mail_means_the_latest_round() -> None:
    """The first mail was opened and the second was not: the condition means the second."""
    loop = [
        send("nudge"),
        delay("1 day", "wait"),
        branch("read", OPENED, [send("yes")], [send("no")]),
        goto("again", "nudge", max=2),
    ]
    world = visited(world_of(*loop))
    world.open(world.last_mail())
    world.run_for(days=1)
    assert world.steps_mailed() == ["nudge", "yes", "nudge"]
    world.run_for(days=9)
    assert world.steps_mailed() == ["nudge", "yes", "nudge", "no", "nudge", "no"]


def test_skipped_mail_of_a_round_counts_as_not_opened() -> None:
    """A skipped mail counts as not opened, although the mail before it was opened."""
    loop = [
        send("nudge", category="marketing"),
        delay("1 day", "wait"),
        branch("read", OPENED, [send("yes")], [send("no")]),
        goto("again", "nudge", max=1),
    ]
    world = world_of(*loop)
    world.consent()
    visited(world)
    world.open(world.last_mail())
    world.run_for(hours=23)
    world.consent(state="withdrawn")
    world.run_for(days=9)
    assert world.steps_mailed() == ["nudge", "yes", "no"]


def test_wait_in_a_loop_takes_only_events_of_its_round() -> None:
    answer = wait_for("answer", "Replied", "1 day", [send("thanks")], [send("miss-you")])
    world = visited(world_of(answer, delay("1 day", "rest"), goto("again", "answer", max=2)))
    world.event("Replied")
    world.run_for(hours=12)  # the loop is in the delay now
    world.event("Replied")
    world.run_for(days=9)
    assert world.steps_mailed() == ["thanks", "miss-you", "miss-you"]


def test_every_round_can_take_an_event_of_its_own() -> None:
    answer = wait_for("answer", "Replied", "1 day", [send("thanks")], [send("miss-you")])
    world = visited(world_of(answer, goto("again", "answer", max=2)))
    for number in range(3):
        world.run_for(hours=1)
        world.event("Replied", {"number": number})
    world.run_for(days=9)
    assert world.steps_mailed() == ["thanks"] * 3
    rounds = sorted(key for key in outcomes(world) if key.startswith("answer@"))
    assert [outcomes(world)[key]["data"]["number"] for key in rounds] == [0, 1, 2]


def test_event_that_ends_a_round_does_not_end_the_next() -> None:
    answer = wait_for("answer", "Replied", "1 day", [send("thanks")], [send("miss-you")])
    world = visited(world_of(answer, goto("again", "answer", max=3)))
    world.event("Replied", at=world.now + timedelta(minutes=2))  # the shop's clock is ahead
    world.run_for(days=9)
    assert world.steps_mailed() == ["thanks"] + ["miss-you"] * 3


def test_click_on_a_mail_of_an_earlier_round_ends_the_current_wait() -> None:
    answer = wait_for("answer", "Email Clicked", "1 day", [send("thanks")])
    world = visited(world_of(send("nudge"), answer, goto("again", "nudge", max=1)), days=1)
    first, _ = world.mails
    world.click(first)
    world.run_for(days=5)
    assert world.steps_mailed() == ["nudge", "nudge", "thanks"]


def test_condition_on_a_step_means_the_latest_round() -> None:
    answer = wait_for("answer", "Replied", "1 day")
    good = {"step": "answer", "output": "data.mood", "is": "good"}
    way_out = branch("enough", good, [leave("done", "happy")])
    world = visited(world_of(answer, way_out, goto("again", "answer", max=9)))
    for mood in ("bad", "bad", "good"):
        world.run_for(hours=1)
        assert ended(world) == ("active", "")
        world.event("Replied", {"mood": mood})
    world.run_for(minutes=1)
    assert ended(world) == ("exited", "happy")


def test_nested_loop_uses_its_limit_over_all_outer_rounds() -> None:
    world = world_of(
        send("outer"),
        delay("1 day", "wait"),
        send("inner"),
        goto("in", "wait", max=3),
        goto("out", "outer", max=2),
        send("bye"),
    )
    visited(world, days=30)
    assert world.steps_mailed() == [
        "outer",
        *["inner"] * 4,
        "outer",
        "inner",
        "outer",
        "inner",
        "bye",
    ]


def test_steps_change_the_contact_in_every_round() -> None:
    loop = [
        delay("1 day", "wait"),
        step("add_score", "warmer", points=5),
        step("emit_event", "tell", event="Went Round"),
        goto("again", "wait", max=3),
    ]
    world = visited(world_of(*loop), days=9)
    assert world.profile().get("score") == 20
    assert len(data_of(world, "Went Round")) == 4


def test_jump_forward_skips_the_steps_between() -> None:
    jump = branch("hurry", {"event": "n", "gte": 1}, [goto("skip", "last")])
    world = visited(world_of(jump, send("between"), send("last")), {"n": 1})
    assert world.steps_mailed() == ["last"]
    assert outcomes(world).keys() == {"hurry"}


def test_execution_that_could_not_be_stopped_leaves_its_loop() -> None:
    """Its block leads to two waits and no end, so each of them would lead back."""
    loop = [
        delay("1 hour", "wait"),
        send("nudge"),
        goto("again", "wait", max=50),
        delay("9 days"),
        send("bye"),
    ]
    files = shop(visit=visit(*loop, exit_on=[{"event": "Bought"}]))

    def run(faults: Faults) -> World:
        world = World(faults=faults)
        world.publish(files)
        visited(world)
        world.run_for(hours=2, minutes=30)
        world.event("Bought")
        world.run_for(days=30)
        return world

    (stop,) = (
        Kill(scope, number, "before")
        for scope, number, name in run(Faults()).faults.calls
        if (scope, name) == ("react", "engine.stop")
    )
    world = run(Faults(stop))
    execution = world.execution(world.enrollment())
    assert world.faults.struck == ["before engine.stop"]
    assert ended(world) == ("exited", "exit on Bought")
    assert execution.status in {"SUCCEEDED", "ABORTED"}
    assert execution.billed < 20


@pytest.mark.parametrize("replies", [0, 1, 3])
def test_loops_cost_at_most_the_compiled_transition_count(replies: int) -> None:
    steps: list[Json] = [
        send("a"),
        wait_for("w", "Replied", "1 day", [delay("1 hour", "d")], [goto("out", "z", max=2)]),
        delay("1 hour", "e"),
        goto("in", "d", max=2),
        goto("round", "a", max=3),
        delay("1 hour", "z"),
        send("b"),
        goto("far", "a", max=1),
    ]
    world = visited(world_of(*steps))
    for _ in range(replies):
        world.run_for(hours=4)
        world.event("Replied")
    world.run_for(days=60)
    assert ended(world) == ("completed", "")
    execution = world.execution(world.enrollment())
    assert execution.billed <= transitions(world.program("visit"))


def billed(world: World) -> int:
    return world.execution(world.enrollment()).billed


@pytest.mark.parametrize("most", [1, 4])
def test_plain_loop_costs_the_compiled_transition_count(most: int) -> None:
    """A Task, then a Wait, a Task and a Choice in each round, then the end."""
    world = world_of(delay("1 day", "wait"), send("nudge"), goto("again", "wait", max=most))
    visited(world, days=9)
    assert billed(world) == 1 + 3 * (most + 1) + 1
    assert billed(world) <= transitions(world.program("visit"))
