"""Basic blocks: what runs in one Lambda call.

A node that waits ends a block; everything that its entry leads to without waiting belongs to it.
Where the wait is too long for an execution, that ends with the block.
"""

from typing import NamedTuple

from milepost.enrollments.enrollment import suspends
from milepost.enrollments.program import END, Program
from milepost.enrollments.step_flow import is_wait, successors


class Block(NamedTuple):
    """A run without waiting: `steps` in reading order, and the waits (or END) it may stop at.

    `parked` are the waits that end the execution; among `exits` they are END.
    """

    entry: str
    steps: tuple[str, ...]
    exits: tuple[str, ...]
    suspended: tuple[str, ...] = ()


def blocks(program: Program) -> dict[str, Block]:
    """The blocks by their entry: the first node, and whatever follows a wait."""
    entries = [program.entry]
    for node in program.nodes.values():
        if is_wait(node):
            entries.extend(successors(node))
    return {entry: block_at(program, entry) for entry in dict.fromkeys(entries)}


def block_at(program: Program, entry: str) -> Block:
    """What runs when the machine wakes at this node."""
    steps: dict[str, None] = {}
    exits: dict[str, None] = {}
    parked: dict[str, None] = {}
    pending = [entry]
    while pending:
        name = pending.pop()
        if name in steps or name in exits or name in parked:
            continue
        if name != END and suspends(program, program.nodes[name]):
            parked[name] = exits[END] = None
            continue
        if name == END or is_wait(program.nodes[name]):
            exits[name] = None
            continue
        steps[name] = None
        pending.extend(reversed(successors(program.nodes[name])))
    return Block(entry, tuple(steps), tuple(exits), tuple(parked))
