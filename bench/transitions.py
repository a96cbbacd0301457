"""The maximum cost and duration of one enrollment."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from graphlib import TopologicalSorter
from typing import TypeVar

from milepost.base.times import parse_duration
from milepost.enrollments.blocks import Block, block_at, blocks
from milepost.enrollments.program import END, Node, Program, is_wait, successors

A_WEEK = timedelta(days=7)
Cost = TypeVar("Cost", int, timedelta)


def transitions(program: Program) -> int:
    """Billed state transitions of the longest path through the state machine, or a little more.

    Counts every state entered, as Step Functions bills a Standard workflow
    (aws.amazon.com/step-functions/pricing): a Task for each block, a Wait or a Task for each wait,
    and a Choice after a block that may stop in several places. A loop counts as often as its `max`
    allows, each time with the longest path that begins at its target.
    """
    made = blocks(program)
    made |= {target: block_at(program, target) for target in _rounds(program)}
    after = {entry: _entries_after(program, _ahead(program, entry)) for entry in made}
    price = {entry: _price(block) for entry, block in made.items()}
    longest = _longest(after, price.__getitem__, 0)
    return longest[program.entry] + sum(
        times * (longest[target] - 1) for target, times in _rounds(program).items()
    )


def longest_stay(program: Program) -> timedelta:
    """The maximum duration of one enrollment. Loops count as in `transitions`.

    A time of day or a weekday counts as a week, a date in the data as no time.
    """
    after = {name: _forward(node) for name, node in program.nodes.items()}
    longest = _longest(after, lambda name: _stay(program.nodes[name]), timedelta())
    rounds = _rounds(program).items()
    return longest[program.entry] + sum(
        (times * longest[target] for target, times in rounds), timedelta()
    )


def _price(block: Block) -> int:
    """The block's own Task, its Choice, and the wait it stops at, or the Choice that follows one
    which ended the execution."""
    rests = bool(block.suspended) or any(name != END for name in block.exits)
    return 1 + int(len(block.exits) > 1) + int(rests)


def _stay(node: Node) -> timedelta:
    stay = parse_duration(node.get("timeout") or node.get("for") or "0 seconds")
    return stay + A_WEEK if {"until_time", "on_days"} & node.keys() else stay


def _rounds(program: Program) -> dict[str, int]:
    """The maximum number of jumps back to each node."""
    rounds: dict[str, int] = {}
    for node in program.nodes.values():
        if _loops(node):
            rounds[node["to"]] = rounds.get(node["to"], 0) + node["max"]
    return rounds


def _loops(node: Node) -> bool:
    return node["type"] == "goto" and "repeats" in node


def _forward(node: Node) -> list[str]:
    """The next nodes without the jumps of loops."""
    ways = (node["next"],) if _loops(node) else successors(node)
    return [name for name in ways if name != END]


def _ahead(program: Program, entry: str) -> Iterable[str]:
    """The waits at which a block may stop without a loop's jump."""
    seen: set[str] = set()
    pending = [entry]
    while pending:
        name = pending.pop()
        if name in seen or name == END:
            continue
        seen.add(name)
        if is_wait(program.nodes[name]):
            yield name
        else:
            pending.extend(_forward(program.nodes[name]))


def _entries_after(program: Program, stops: Iterable[str]) -> list[str]:
    return [after for stop in stops for after in successors(program.nodes[stop])]


def _longest(
    after: Mapping[str, Iterable[str]], own: Callable[[str], Cost], nothing: Cost
) -> dict[str, Cost]:
    """For each name the most expensive path from it, itself included."""
    longest: dict[str, Cost] = {}
    for name in TopologicalSorter(after).static_order():
        ways = [longest[following] for following in after.get(name, ())]
        longest[name] = own(name) + max(ways, default=nothing)
    return longest
