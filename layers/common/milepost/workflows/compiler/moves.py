"""A program as moves from step to step, each with its choice and what Step Functions bills for it.

Loops are cut: a `goto` back goes on below it, and is named by the move. A jump that skips steps is
always taken, for it is come to once. So the moves never lead round.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from milepost.enrollments.blocks import blocks
from milepost.enrollments.executions import suspends
from milepost.enrollments.program import END, Node, Program
from milepost.enrollments.step_flow import Jump, flow_of, is_wait
from milepost.workflows.compiler.graph import reached


class BlockExits(NamedTuple):
    """What is billed where a block is left: whether it has several exits, and END among them."""

    several: bool
    end: bool


class GraphPosition(NamedTuple):
    """A node, and how the block is left in which it is come to."""

    node: str
    exits: BlockExits


class GraphMove(NamedTuple):
    """`choice` is in words, `mail` the step that sends one, `loop` the `goto` that may go back."""

    to: GraphPosition
    transitions: int = 0
    choice: str = ""
    mail: str = ""
    loop: str = ""


Moves = Mapping[GraphPosition, Sequence[GraphMove]]

AT_END = GraphPosition(END, BlockExits(False, True))


class Graph:
    """The moves of one program; see `machine.py` for the states that are billed."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.blocks = blocks(program)
        self.exits = {
            entry: BlockExits(len(block.exits) > 1, END in block.exits)
            for entry, block in self.blocks.items()
        }
        self.order = {name: number for number, name in enumerate(program.nodes)}
        self.loops = {name for name in program.nodes if self._goes_back(name)}

    def moves_from(
        self, *starts: GraphPosition, within: set[str] | None = None
    ) -> dict[GraphPosition, list[GraphMove]]:
        """All moves ahead, without going round a loop; `within` these nodes alone, if given."""
        moves: dict[GraphPosition, list[GraphMove]] = {AT_END: []}
        pending = [*starts]
        while pending:
            place = pending.pop()
            if place not in moves:
                found = self._moves(place)
                moves[place] = [m for m in found if within is None or m.to.node in within]
                pending.extend(move.to for move in moves[place])
        return moves

    def jump(self, name: str) -> Jump | None:
        """Where a step jumps to, and how often."""
        node = self.program.nodes[name]
        return flow_of(node).jump(node)

    def _goes_back(self, name: str) -> bool:
        jump = self.jump(name)
        if jump is None or jump.max is None:
            return False
        back = self.order[jump.to] <= self.order[name]
        return back and name in reached(self.program.nodes, [jump.to])

    def _moves(self, place: GraphPosition) -> list[GraphMove]:
        node = self.program.nodes[place.node]
        loop = place.node if place.node in self.loops else ""
        flow = flow_of(node)
        mail = place.node if flow.pending == "in_ledger" else ""
        found: dict[tuple[GraphPosition, int], list[str]] = {}
        for name, choice in self._choices(node):
            to, billed = self._step(place, node, name)
            found.setdefault((to, billed), []).append(choice)
        if flow.wait is not None and flow.wait.leaves_without_date(node):
            billed = _ending(place) if place.exits.end else 0  # it is stopped: see `Runner`
            found.setdefault((AT_END, billed), []).append("no such date")
        several = len(found) > 1
        return [
            GraphMove(
                to, billed, f"{place.node}: {' or '.join(choices)}" if several else "", mail, loop
            )
            for (to, billed), choices in found.items()
        ]

    def _choices(self, node: Node) -> Iterator[tuple[str, str]]:
        """Where a node leads, each with what it is called."""
        if jump := self.jump(node["id"]):
            yield node["next"] if node["id"] in self.loops else jump.to, ""
            return
        yield from ((each.to, each.name) for each in flow_of(node).exits(node) if each.possible)

    def _step(self, place: GraphPosition, node: Node, name: str) -> tuple[GraphPosition, int]:
        """One move, and its transitions.

        Out of a wait these are the wait itself and the task that follows it, even where that has
        nothing to do. A wait that is parked ends the execution; the next begins with a Choice.
        """
        if not is_wait(node):
            if name == END:
                return AT_END, _ending(place)
            return GraphPosition(name, place.exits), 0
        before = _ending(place) if suspends(self.program, node) else int(place.exits.several)
        return (AT_END if name == END else self.woken(name)), before + 2

    def woken(self, name: str) -> GraphPosition:
        """Where the first block begins, or one that follows a wait."""
        return GraphPosition(name, self.exits[name])

    def places_with(self, name: str, start: str) -> list[GraphPosition]:
        """A node as come to in any of the blocks that another, which does not wait, is part of."""
        found = (self.exits[entry] for entry, block in self.blocks.items() if name in block.steps)
        return [GraphPosition(start, exits) for exits in dict.fromkeys(found)]

    def leading_to(self, name: str) -> set[str]:
        """The nodes from which this one is reached without going round a loop."""
        before: dict[str, list[str]] = {}
        for id_, node in self.program.nodes.items():
            for following, _ in self._choices(node):
                before.setdefault(following, []).append(id_)
        found = {name}
        pending = [name]
        while pending:
            new = [each for each in before.get(pending.pop(), ()) if each not in found]
            found.update(new)
            pending.extend(new)
        return found


def _ending(place: GraphPosition) -> int:
    """The Choice after a block with several exits leads to an end of its own, a state too."""
    return 2 * int(place.exits.several)
