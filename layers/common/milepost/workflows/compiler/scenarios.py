"""Every path through a workflow, with its e-mails and state transitions."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from graphlib import TopologicalSorter
from typing import NamedTuple

from milepost.enrollments.blocks import blocks
from milepost.enrollments.enrollment import suspends
from milepost.enrollments.program import END, Jump, Node, Program, flow_of, is_wait
from milepost.workflows.compiler.check_steps import reached


class BlockExits(NamedTuple):
    """What decides the billing at a block's end: several exits, and END among them."""

    several: bool
    end: bool


class GraphPosition(NamedTuple):
    """A node, and the exits of the block in which it is reached."""

    node: str
    exits: BlockExits


class GraphMove(NamedTuple):
    """`choice` is text, `mail` the step that sends an e-mail, `loop` the `goto` that goes back."""

    to: GraphPosition
    transitions: int = 0
    choice: str = ""
    mail: str = ""
    loop: str = ""


Moves = Mapping[GraphPosition, Sequence[GraphMove]]

AT_END = GraphPosition(END, BlockExits(False, True))


class Graph:
    """The moves of one program; `state_machine.py` defines the billed states."""

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
        """All forward moves, without loops; only `within` these nodes, if given."""
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
        """The jump of a step: its target and its limit."""
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
            billed = _ending(place) if place.exits.end else 0  # the execution is stopped
            found.setdefault((AT_END, billed), []).append("no such date")
        several = len(found) > 1
        return [
            GraphMove(
                to, billed, f"{place.node}: {' or '.join(choices)}" if several else "", mail, loop
            )
            for (to, billed), choices in found.items()
        ]

    def _choices(self, node: Node) -> Iterator[tuple[str, str]]:
        """The successors of a node with their names."""
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
        """The start of the first block, or of a block after a wait."""
        return GraphPosition(name, self.exits[name])

    def places_with(self, name: str, start: str) -> list[GraphPosition]:
        """`start` in each block that contains the step `name`, which does not wait."""
        found = (self.exits[entry] for entry, block in self.blocks.items() if name in block.steps)
        return [GraphPosition(start, exits) for exits in dict.fromkeys(found)]

    def leading_to(self, name: str) -> set[str]:
        """The nodes that lead to this one without a loop."""
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
    """A block with several exits ends with two states: a Choice and a Succeed."""
    return 2 * int(place.exits.several)


MAX_SCENARIOS_SHOWN = 64
"""Of more paths, only the cheapest and the most expensive are shown."""


class Prices(NamedTuple):
    """US dollars for one state transition, and for one e-mail."""

    transition: Decimal = Decimal("0.000025")
    mail: Decimal = Decimal("0.0001")


DEFAULT_PRICES = Prices()
"""us-east-1, 2026: $25 for a million transitions, $0.10 for a thousand e-mails."""


class Loop(NamedTuple):
    """A `goto` back: at most `rounds`, and what the most expensive round adds to a path.

    `transitions` is None if every round contains another loop.
    """

    step: str
    to: str
    rounds: int
    transitions: int | None
    mails: tuple[str, ...]


class Scenario(NamedTuple):
    """One path from the trigger to the end.

    `choices` are like `wait-for-click: timeout`; `mails` are step ids; `transitions` is the billed
    number without retries, without an exit from outside, and without a wait that is too long for
    one execution.
    """

    choices: tuple[str, ...]
    mails: tuple[str, ...]
    transitions: int
    loops: tuple[Loop, ...] = ()


class Scenarios(NamedTuple):
    """The number of paths, and the shown ones."""

    number: int
    shown: tuple[Scenario, ...]


def scenarios(
    program: Program, prices: Prices = DEFAULT_PRICES, most: int = MAX_SCENARIOS_SHOWN
) -> Scenarios:
    """Every distinct path; choices with the same result are one, as `step: one or other`.

    Of more than `most` paths, only the cheapest and the most expensive at these prices are shown.
    `check_flow` must have found nothing. The time grows with the steps, not with the paths.
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
    """The most expensive path from the target of a `goto` back to it; each has a wait.

    A round begins in the block in which it ends, so that rounds add up to the billed total.
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
    """All paths from a position to the end, in reading order."""
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
    """The most expensive or the cheapest path from any start; of equal ones the first."""
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
