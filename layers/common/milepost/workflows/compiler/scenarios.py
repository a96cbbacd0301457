"""Every path through a workflow, with its e-mails and state transitions."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from graphlib import TopologicalSorter
from typing import NamedTuple

from milepost.enrollments.blocks import blocks
from milepost.enrollments.enrollment import suspends
from milepost.enrollments.program import END, Node, Program
from milepost.enrollments.step_flow import Jump, flow_of, is_wait
from milepost.workflows.compiler.check_steps import reached


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


MAX_SCENARIOS_SHOWN = 64
"""Of more ways than these only the cheapest and the dearest are told."""


class Prices(NamedTuple):
    """US dollars for one billed state transition, and for one mail."""

    transition: Decimal = Decimal("0.000025")
    mail: Decimal = Decimal("0.0001")


DEFAULT_PRICES = Prices()
"""us-east-1, 2026: $25 for a million transitions, $0.10 for a thousand mails."""


class Loop(NamedTuple):
    """A `goto` back: `rounds` at most, and what the dearest round adds to a way.

    `transitions` is None where no round is possible without going round another loop.
    """

    step: str
    to: str
    rounds: int
    transitions: int | None
    mails: tuple[str, ...]


class Scenario(NamedTuple):
    """One way from the trigger to the end.

    `choices` are like `wait-for-click: timeout`; `mails` are ids of steps; `transitions` is what
    the machine bills where no task had to be tried again, nothing ended it from outside, and no
    time of a wait turned out to be too far away for one execution.
    """

    choices: tuple[str, ...]
    mails: tuple[str, ...]
    transitions: int
    loops: tuple[Loop, ...] = ()


class Scenarios(NamedTuple):
    """How many there are, and all of them, or of too many the cheapest and the dearest."""

    number: int
    shown: tuple[Scenario, ...]


def scenarios(
    program: Program, prices: Prices = DEFAULT_PRICES, most: int = MAX_SCENARIOS_SHOWN
) -> Scenarios:
    """Every distinct way; choices that lead to the same are one, as `step: one or other`.

    Of more than `most` the cheapest and the dearest are told, at these prices. `check_flow` must
    have found nothing. Counting looks at each step a few times, however many ways there are.
    """
    graph = Graph(program)
    start = graph.woken(program.entry)
    moves = graph.moves_from(start)
    order = _from_the_end(moves)
    counts: dict[GraphPosition, int] = {}
    for place in order:
        counts[place] = sum(counts[move.to] for move in moves[place]) or 1
    if counts[start] <= most:
        found = list(_every(moves, start))
    else:
        found = [_best(moves, order, [start], prices, dear) for dear in (False, True)]
    return Scenarios(counts[start], tuple(_way(graph, path, prices) for path in found))


def _way(graph: Graph, path: Sequence[GraphMove], prices: Prices) -> Scenario:
    return Scenario(
        tuple(move.choice for move in path if move.choice),
        tuple(move.mail for move in path if move.mail),
        1 + sum(move.transitions for move in path),
        tuple(_loop(graph, move.loop, prices) for move in path if move.loop),
    )


def _loop(graph: Graph, name: str, prices: Prices) -> Loop:
    """The dearest way from the target of a `goto` back to it; there is a wait on each.

    A round begins in the block in which one ends, so that rounds add up to what is billed.
    """
    jump = graph.jump(name)
    assert jump is not None and jump.max is not None, "a loop is a jump that has an end"
    within = graph.leading_to(name)
    starts = graph.places_with(name, jump.to)
    if jump.to not in within:
        return Loop(name, jump.to, jump.max, None, ())
    moves = graph.moves_from(*starts, within=within)
    moves |= {place: [GraphMove(AT_END)] for place in moves if place.node == name}
    path = _best(moves, _from_the_end(moves), starts, prices, True)
    mails = tuple(move.mail for move in path if move.mail)
    return Loop(name, jump.to, jump.max, sum(m.transitions for m in path), mails)


def _from_the_end(moves: Moves) -> list[GraphPosition]:
    after = {place: [move.to for move in found] for place, found in moves.items()}
    return list(TopologicalSorter(after).static_order())


def _every(moves: Moves, start: GraphPosition) -> Iterator[list[GraphMove]]:
    """All paths from a place to the end, in reading order."""
    path: list[GraphMove] = []
    pending = [(0, move) for move in reversed(moves[start])]
    while pending:
        taken, move = pending.pop()
        path[taken:] = [move]
        if move.to == AT_END:
            yield [*path]
        pending.extend((len(path), following) for following in reversed(moves[move.to]))


def _best(
    moves: Moves,
    order: Sequence[GraphPosition],
    starts: Sequence[GraphPosition],
    prices: Prices,
    dear: bool,
) -> list[GraphMove]:
    """The dearest or the cheapest path from any of these, the first of those that cost the same."""
    sign = 1 if dear else -1
    worth: dict[GraphPosition, Decimal] = {AT_END: Decimal()}
    chosen: dict[GraphPosition, GraphMove] = {}
    for place in order:
        for move in moves[place]:
            own = move.transitions * prices.transition + bool(move.mail) * prices.mail
            whole = own * sign + worth[move.to]
            if place not in worth or whole > worth[place]:
                worth[place], chosen[place] = whole, move
    path, place = [], max(starts, key=worth.__getitem__)
    while place in chosen:
        path.append(chosen[place])
        place = chosen[place].to
    return path
