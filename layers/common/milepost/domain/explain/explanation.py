"""Everything that a marketer should know of a workflow that goes live."""

from milepost.domain.compiler.ways import Prices, ways
from milepost.domain.explain.difference import compare
from milepost.domain.explain.mermaid import draw
from milepost.domain.explain.prices import price, table
from milepost.domain.explain.words import say_on_publish, tell
from milepost.domain.language.workflow import Workflow
from milepost.domain.program import Program
from milepost.domain.report import Cost, Explanation


def explain(
    workflow: Workflow, program: Program, before: Workflow | None, prices: Prices
) -> Explanation:
    """The picture, the words, the difference to `before`, the price and those inside."""
    found = ways(program, prices)
    return Explanation(
        picture=draw(workflow),
        words=tell(workflow),
        difference=tuple(compare(before, workflow)) if before else (),
        prices=table(found, prices),
        inside=_inside(workflow),
        paths=found.number,
        costs=tuple(
            Cost(way.choices, way.mails, way.transitions, float(price(way, prices)))
            for way in found.told
        ),
    )


def _inside(workflow: Workflow) -> str:
    said = f"Those inside on an older version {say_on_publish(workflow)}."
    if workflow.status == "paused":
        said += " While it is paused, everybody inside stands still."
    return said
