"""The price of an enrollment: Step Functions bills every entered state."""

import pytest

from bench.transitions import transitions
from tests.support.builders import Json, branch, delay, leave, send, shop, wait_for, workflow
from tests.support.world import World

BIG = {"event": "total", "gte": 100}
ANSWER = wait_for("answer", "Replied", "1 day", [send("thanks")], [send("nudge")])


def walk(*steps: Json, total: float = 150, reply: bool = False) -> World:
    """Run Ada through these steps to the end."""
    world = World()
    visit = workflow(*steps, on="Visited", category="transactional")
    world.publish(shop(visit=visit))
    world.event("Visited", {"total": total})
    world.run_for(minutes=1)
    if reply:
        world.event("Replied")
    world.run_for(days=100)
    assert world.enrollment().status in {"completed", "exited"}
    return world


def billed(world: World) -> int:
    return world.execution(world.enrollment()).billed


@pytest.mark.parametrize(
    ("steps", "cost"),
    [
        ([send("a")], 1),
        ([send("a"), send("b"), send("c")], 1),
        ([delay("1 day"), send("a")], 3),
        ([delay("1 day"), send("a"), delay("2 days"), send("b")], 5),
        ([send("a"), delay("1 day"), send("b"), delay("2 days"), send("c")], 5),
        ([delay("1 day"), delay("2 days"), send("a")], 5),
        ([send("a"), branch("b", BIG, [send("c")], [send("d")]), send("e")], 1),
        ([branch("b", BIG, [delay("1 day"), send("a")]), send("c")], 4),
        ([branch("b", BIG, [delay("1 day"), send("a")], [delay("2 days")]), send("c")], 4),
        ([send("a"), ANSWER], 3),
        ([send("a"), ANSWER, delay("3 days"), send("b")], 5),
        ([send("a"), leave("b")], 1),
    ],
)
def test_longest_path_bills_the_compiled_transition_count(steps: list[Json], cost: int) -> None:
    world = walk(*steps)
    assert billed(world) == transitions(world.program("visit")) == cost


@pytest.mark.parametrize(("total", "cost"), [(0, 3), (1, 6), (15, 48), (39, 118)])
def test_block_with_many_possible_waits_reaches_the_right_one(total: float, cost: int) -> None:
    """A shared Choice state costs the same as a separate one."""
    branches = [
        branch(f"b-{n}", {"event": "total", "gte": n}, [delay("1 hour", f"w-{n}"), send(f"m-{n}")])
        for n in range(1, 40)
    ]
    world = walk(*branches, total=total)
    assert world.steps_mailed() == [f"m-{n}" for n in range(1, int(total) + 1)]
    assert billed(world) == cost


@pytest.mark.parametrize("number", range(1, 8))
def test_each_delay_with_a_mail_adds_two_transitions(number: int) -> None:
    steps = [
        step for n in range(number) for step in (delay("1 day", f"wait-{n}"), send(f"mail-{n}"))
    ]
    assert billed(walk(*steps)) == 1 + 2 * number


def test_branch_with_waiting_paths_adds_one_transition() -> None:
    waiting = [delay("1 day"), send("a")]
    straight = billed(walk(*waiting))
    assert billed(walk(branch("b", BIG, waiting, [delay("2 days"), send("c")]))) == straight + 1


def test_shorter_path_costs_less() -> None:
    steps = [branch("b", BIG, [delay("1 day"), send("a")]), send("c")]
    assert (billed(walk(*steps)), billed(walk(*steps, total=1))) == (4, 3)


@pytest.mark.parametrize("reply", [True, False])
def test_wait_for_event_costs_as_much_as_a_delay(reply: bool) -> None:
    world = walk(send("a"), ANSWER, reply=reply)
    assert world.steps_mailed() == ["a", "thanks" if reply else "nudge"]
    assert billed(world) == 3


def test_retry_adds_a_transition() -> None:
    from milepost.sending.message import SubmissionRejected

    world = World()
    world.publish(shop(visit=workflow(send("a"), on="Visited", category="transactional")))
    world.mailer.script.extend([SubmissionRejected("Throttling", retry=True)] * 2)
    world.event("Visited")
    world.run_for(days=1)
    assert billed(world) == transitions(world.program("visit")) + 2


def test_state_names_use_step_ids() -> None:
    world = walk(send("hello"), delay("1 day", "a-night"), send("again"))
    entered = world.execution(world.enrollment()).entered
    assert entered == ["run hello", "a-night", "run again"]


def test_long_state_names_are_shortened_and_stay_unique() -> None:
    steps = [send(f"step-number-{n}-of-a-very-long-workflow") for n in range(12)]
    for number in (3, 7):
        steps.insert(number, delay("1 day", f"wait-{number}"))
    world = walk(*steps)
    assert len(world.mails) == 12
