"""Blocks: the steps that run in one Lambda call.

A wait ends a block. A wait that is too long for an execution ends the execution too.
"""

from typing import NamedTuple

from milepost.enrollments.enrollment import suspends
from milepost.enrollments.program import END, Program, is_wait, successors


class Block(NamedTuple):
    """`steps` in reading order, and the `exits`: the waits (or END) where the block may stop.

    `suspended` are the waits that end the execution. In `exits` they appear as END.
    """

    entry: str
    steps: tuple[str, ...]
    exits: tuple[str, ...]
    suspended: tuple[str, ...] = ()


def blocks(program: Program) -> dict[str, Block]:
    """The blocks by their entry points: the first node, and every node that follows a wait."""
    entries = [program.entry]
    for node in program.nodes.values():
        if is_wait(node):
            entries.extend(successors(node))
    return {entry: block_at(program, entry) for entry in dict.fromkeys(entries)}


def block_at(program: Program, entry: str) -> Block:
    """The block that starts at this node."""
    steps: dict[str, None] = {}
    exits: dict[str, None] = {}
    suspended: dict[str, None] = {}
    pending = [entry]
    while pending:
        name = pending.pop()
        if name in steps or name in exits or name in suspended:
            continue
        if name != END and suspends(program, program.nodes[name]):
            suspended[name] = exits[END] = None
        elif name == END or is_wait(program.nodes[name]):
            exits[name] = None
        else:
            steps[name] = None
            pending.extend(reversed(successors(program.nodes[name])))
    return Block(entry, tuple(steps), tuple(exits), tuple(suspended))
