"""Everything that a marketer should know of a workflow that goes live."""

from typing import NamedTuple

from milepost.enrollments.program import Program
from milepost.workflows.compiler.scenarios import Prices, scenarios
from milepost.workflows.explain.description import describe, say_on_publish
from milepost.workflows.explain.difference import compare
from milepost.workflows.explain.mermaid import draw_flowchart
from milepost.workflows.explain.prices import price, table
from milepost.workflows.language.workflow import Workflow


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
    words: str
    difference: tuple[str, ...]
    prices: str
    inside: str
    paths: int = 0
    costs: tuple[Cost, ...] = ()


def explain(
    workflow: Workflow, program: Program, before: Workflow | None, prices: Prices
) -> Explanation:
    """The picture, the words, the difference to `before`, the price and those inside."""
    found = scenarios(program, prices)
    return Explanation(
        picture=draw_flowchart(workflow),
        words=describe(workflow),
        difference=tuple(compare(before, workflow)) if before else (),
        prices=table(found, prices),
        inside=_inside(workflow),
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
