"""What a workflow costs: each way through it, for a thousand contacts who go that way."""

from decimal import ROUND_HALF_UP, Decimal

from milepost.base.markdown import code, escaped, listed, plural, times
from milepost.workflows.compiler.scenarios import (
    DEFAULT_PRICES,
    MAX_SCENARIOS_SHOWN,
    Loop,
    Prices,
    Scenario,
    Scenarios,
)

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
