"""The ways through a workflow: what each sends, and what Step Functions bills for it.

A loop counts once: a way goes through its steps one time and on, and says how often at most they
may be gone through again, and what each round adds. A jump that skips steps is always taken.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from graphlib import TopologicalSorter
from typing import NamedTuple

from milepost.enrollments.program import Program
from milepost.workflows.compiler.moves import AT_END, Graph, GraphMove, GraphPosition, Moves

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
