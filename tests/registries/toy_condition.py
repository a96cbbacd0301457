"""An operator and a condition leaf from outside the package, used by the whole product.

It runs as a program, because the rows must exist before the models of files are made. It prints
the results as JSON, which `test_toy_condition.py` checks.
"""

# ruff: noqa: E402
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import Field

from milepost.base.file_model import Duration, Topic
from milepost.base.markdown import code, describe_duration
from milepost.base.times import parse_duration
from milepost.conditions.context import Condition, ConditionResult, EvaluationContext
from milepost.conditions.leaves import LEAVES, Dependency, Leaf
from milepost.conditions.operators import OPERATORS, Operator, as_instant

# --- the operator: one row ----------------------------------------------------------------------


def changes(at: datetime, bound: Any, _: datetime) -> Iterator[datetime]:
    yield at + parse_duration(bound)


OPERATORS["longer_ago_than"] = Operator(
    lambda value, bound, now: as_instant(value, now) + parse_duration(bound) <= now,
    frozenset({"date"}),
    "duration",
    "is longer ago than",
    "The date is longer ago than `30 days`.",
    changes_at=changes,
)

# --- the leaf: one row on each side -------------------------------------------------------------

from milepost.conditions.leaf_files import LEAF_FILES, LeafFile


def since(condition: Condition, context: EvaluationContext) -> datetime | None:
    joined = context.contact["properties"].get("joined")
    if not isinstance(joined, str):
        return None
    return as_instant(joined, context.now) + parse_duration(condition["reader_for"])


def evaluate(condition: Condition, context: EvaluationContext) -> ConditionResult:
    at, topic = since(condition, context), condition["topic"]
    met = at is not None and at <= context.now and context.consent.get(topic) == "granted"
    lasts = condition["reader_for"]
    return ConditionResult(met, f"has {'' if met else 'not '}read {topic} for {lasts}")


def next_change(condition: Condition, context: EvaluationContext) -> Iterator[datetime]:
    at = since(condition, context)
    if at is not None:
        yield at


def depends_on(condition: Condition) -> Iterator[Dependency]:
    yield Dependency("fields", "properties.joined")
    yield Dependency("topics", condition["topic"])


class ReaderFor(LeafFile):
    """The contact has read a topic for some time: `{"reader_for": "30 days", "topic": "news"}`."""

    uses = (("topic", "topic"),)
    reader_for: Duration = Field(description="For how long at least.")
    topic: Topic

    def describe(self, whose: str) -> str:
        return f"the contact has read {code(self.topic)} for {describe_duration(self.reader_for)}"


LEAVES["reader_for"] = Leaf(evaluate, depends_on, timed=lambda _: True, next_change=next_change)
LEAF_FILES["reader_for"] = ReaderFor

# --- their use in the product ---------------------------------------------------------------------

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from milepost.base.parse_file import parse_file
from milepost.segments.file import SegmentFile
from milepost.workflows.explain.mermaid import draw_flowchart
from milepost.workflows.language.workflow import Workflow
from milepost_tools.reference.reference import reference
from milepost_tools.reference.schema import schema
from tests.support.builders import STORE, Json, branch, send, shop, text, workflow
from tests.support.reference import documents
from tests.support.world import World

AGO: Json = {"contact": "properties.joined", "longer_ago_than": "10 days"}
READER: Json = {"reader_for": "30 days", "topic": "news"}
ASKING = workflow(
    branch("old", AGO, [send("to-old")], [send("to-new")]),
    branch("reads", READER, [send("to-reader")], [send("to-stranger")]),
    trigger={"type": "event", "event": "Checkout Started", "where": {"not": {**READER}}},
    audience={"all": [AGO, {"not": READER}]},
    category="transactional",
)
SEGMENTS: Json = {
    "old": {"title": "Old", "condition": AGO},
    "readers": {"title": "Readers", "condition": READER},
}
WRONG: Json = {
    "operator": workflow(send("a"), audience={"contact": "score", "longer_ago_than": "1 day"}),
    "bound": workflow(send("a"), audience={**AGO, "longer_ago_than": "soon"}),
    "topic": workflow(send("a"), audience={**READER, "topic": "newz"}),
    "place": workflow(send("a"), exit_on=[{"event": "E", "where": READER}]),
}
EXAMPLES: Json = {
    "operator-longer-ago-than": workflow(send("a"), audience=AGO),
    "condition-reader-for": workflow(send("a"), audience=READER),
}


def main() -> None:
    world = World()
    files = shop(asking=ASKING) | {f"segments/{n}.json": file for n, file in SEGMENTS.items()}
    world.publish(files)
    world.event("Product Viewed", properties={"joined": "2026-10-28"})
    world.consent("news")
    world.run_for(hours=1)
    before = sorted(world.profile().segment_state.segments)
    world.run_for(days=40)
    entered = [
        (record.event.data["segment"], record.event.occurred_at.isoformat())
        for record in world.state.stream
        if record.event.name == "Segment Entered"
    ]
    parsed = parse_file(text(ASKING), Workflow)
    assert isinstance(parsed, Workflow)
    page = reference("# Language", {**documents(), **EXAMPLES})
    model = schema(Workflow)
    print(
        json.dumps(
            {
                "before": before,
                "entered": entered,
                "outcomes": run(),
                "refused": {name: refused(wrong) for name, wrong in WRONG.items()},
                "report": world.files.read(STORE, "reports/workflows.asking.report.md"),
                "segment": world.files.read(STORE, "reports/segments.readers.report.md"),
                "picture": draw_flowchart(parsed),
                "page": page,
                "operator": model["$defs"]["ContactCondition"]["properties"]["longer_ago_than"],
                "leaf": model["$defs"]["ReaderFor"]["properties"],
                "underlined": [
                    error.message
                    for model, document in ((Workflow, ASKING), (SegmentFile, SEGMENTS["readers"]))
                    for error in Draft202012Validator(schema(model)).iter_errors(document)
                ],
            }
        )
    )


def run() -> Json:
    """The reasons of each branch, and the reason why a contact that reads already cannot enter."""
    world = World()
    world.publish(shop(asking=ASKING))
    world.event("Checkout Started", properties={"joined": "2026-10-20"})
    world.run_for(minutes=1)
    other = "bea@mail.example"
    world.event("Product Viewed", properties={"joined": "2026-09-20"}, email=other)
    world.consent("news", other)
    world.event("Checkout Started", email=other)
    world.run_for(minutes=1)
    outcomes = world.enrollment().outcomes
    return {
        "mailed": world.steps_mailed(),
        "old": outcomes["old"]["why"],
        "reads": outcomes["reads"]["why"],
        "kept out": [list(each) for each in world.reactions[-1].refused],
    }


def refused(wrong: Json) -> list[str]:
    world = World()
    for path, content in shop(wrong=wrong).items():
        world.files.write(STORE, path, text(content))
    reports = world.publisher.publish(STORE, [*shop(wrong=wrong)])
    return sorted({str(each) for report in reports for each in report.problems})


if __name__ == "__main__":
    main()
