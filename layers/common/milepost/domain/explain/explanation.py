"""Everything that a marketer should know of a workflow that goes live."""

from milepost.domain.compiler.ways import Prices, ways
from milepost.domain.explain.difference import compare
from milepost.domain.explain.mermaid import draw
from milepost.domain.explain.prices import table
from milepost.domain.explain.words import say_on_publish, tell
from milepost.domain.language.workflow import Workflow
from milepost.domain.program import Program
from milepost.domain.report import Explanation


def explain(
    workflow: Workflow, program: Program, before: Workflow | None, prices: Prices
) -> Explanation:
    """The picture, the words, the difference to `before`, the price and those inside."""
    return Explanation(
        picture=draw(workflow),
        words=tell(workflow),
        difference=tuple(compare(before, workflow)) if before else (),
        prices=table(ways(program, prices), prices),
        inside=f"Those inside on an older version {say_on_publish(workflow)}.",
    )
