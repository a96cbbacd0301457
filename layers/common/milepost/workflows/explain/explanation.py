"""What a marketer reads when a workflow goes live: its description, changes and price."""

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from milepost.base.markdown import code, escaped, listed, plural, times
from milepost.enrollments.program import Program
from milepost.workflows.compiler.scenarios import (
    DEFAULT_PRICES,
    MAX_SCENARIOS_SHOWN,
    Loop,
    Prices,
    Scenario,
    Scenarios,
    scenarios,
)
from milepost.workflows.explain.description import describe, say_on_publish
from milepost.workflows.explain.difference import compare
from milepost.workflows.explain.mermaid import draw_flowchart
from milepost.workflows.language.workflow import Workflow

CONTACTS = 1_000

_HEAD = ["| way | mails | transitions | US$ per 1,000 contacts |", "|---|---|---:|---:|"]


def price(way: Scenario | Loop, prices: Prices = DEFAULT_PRICES) -> Decimal:
    """US dollars for a thousand contacts; of a loop, for one round more of each.

    Counts the state machine and the mail. A mail that is held back costs nothing, and whoever
    leaves early costs less.
    """
    billed = (way.transitions or 0) * prices.transition + len(way.mails) * prices.mail
    return CONTACTS * billed


def table(ways: Scenarios, prices: Prices = DEFAULT_PRICES) -> str:
    """The ways as a table in Markdown, with a line for each loop below it."""
    lines = []
    if len(ways.shown) < ways.number:
        lines += [
            f"There are {ways.number:,} ways through this workflow, more than the "
            f"{MAX_SCENARIOS_SHOWN} that fit "
            "here: these are the cheapest and the dearest.",
            "",
        ]
    lines += [*_HEAD, *(_row(way, prices) for way in ways.shown)]
    loops = dict.fromkeys(loop for way in ways.shown for loop in way.loops)
    for loop in loops:
        lines += ["", _again(loop, prices)]
    return "\n".join(lines) + "\n"


def _row(way: Scenario, prices: Prices) -> str:
    choices = ", ".join(escaped(choice) for choice in way.choices) or "straight through"
    mails = listed([code(mail) for mail in way.mails]) if way.mails else "none"
    return f"| {choices} | {mails} | {way.transitions:,} | {_dollars(price(way, prices))} |"


def _again(loop: Loop, prices: Prices) -> str:
    said = (
        f"{code(loop.step)} goes back to {code(loop.to)} {times(loop.rounds)} at most; above, its "
        "steps count one time."
    )
    if loop.transitions is None:
        return said
    mails = plural(len(loop.mails), "mail")
    return (
        f"{said} Each round more adds at most {plural(loop.transitions, 'transition')} and "
        f"{mails}: {_dollars(price(loop, prices))} per 1,000 contacts."
    )


def _dollars(amount: Decimal) -> str:
    return f"{amount.quantize(Decimal('0.001'), ROUND_HALF_UP):,}"


class Cost(NamedTuple):
    """One way through a workflow: the mails it sends, and what is billed for it."""

    choices: tuple[str, ...]
    mails: tuple[str, ...]
    transitions: int
    usd_per_1000_contacts: float


class Explanation(NamedTuple):
    """What a workflow is and what publishing it means: see `domain/explain`.

    `picture` is Mermaid, all else Markdown; `difference` is a sentence for each change.
    No `difference` means that there was none to compare with or that nothing changed. `paths` is
    how many ways there are, `costs` what programs may know of those that `prices` tells.
    """

    picture: str
    description: str
    difference: tuple[str, ...]
    prices: str
    on_publish: str
    paths: int = 0
    costs: tuple[Cost, ...] = ()


def explain(
    workflow: Workflow, program: Program, before: Workflow | None, prices: Prices
) -> Explanation:
    """The picture, the words, the difference to `before`, the price and those inside."""
    found = scenarios(program, prices)
    return Explanation(
        picture=draw_flowchart(workflow),
        description=describe(workflow),
        difference=tuple(compare(before, workflow)) if before else (),
        prices=table(found, prices),
        on_publish=_inside(workflow),
        paths=found.number,
        costs=tuple(
            Cost(way.choices, way.mails, way.transitions, float(price(way, prices)))
            for way in found.shown
        ),
    )


def _inside(workflow: Workflow) -> str:
    said = f"Those inside on an older version {say_on_publish(workflow)}."
    if workflow.status == "paused":
        said += " While it is paused, everybody inside stands still."
    return said
