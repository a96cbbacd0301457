"""What a segment's condition may ask, and whether what it names is there."""

from collections.abc import Iterable, Iterator, Mapping
from json import dumps
from typing import NamedTuple

from milepost.base.problems import Problem, suggest
from milepost.conditions.context import Condition
from milepost.conditions.file import Condition as Written
from milepost.conditions.file import (
    ConsentsTo,
    ContactIs,
    Did,
    DidNot,
    EventIs,
    InSegment,
    InWorkflow,
    SumOf,
)
from milepost.segments.membership import mention
from milepost.segments.segment import Segments
from milepost.workflows.compiler.check_types import check_contact
from milepost.workflows.compiler.condition_refs import leaves_of

MOST_SEGMENTS = 200
"""All that segments mention is kept in one DynamoDB item with much else, which may hold 400 KB."""

MOST_WORDS = 50
MOST_TEXT = 50_000

_BEHAVIOR = (Did, DidNot, SumOf)


class Beside(NamedTuple):
    """What a segment may name."""

    segments: Segments
    topics: Iterable[str]
    workflows: Iterable[str]


def compiled(condition: Written) -> Condition:
    """The condition as it is answered: plain JSON."""
    made: Mapping[str, object] = condition.model_dump(
        mode="json", by_alias=True, exclude_unset=True, exclude_none=True
    )
    return made


def check_condition(place: str, condition: Written, name: str, beside: Beside) -> Iterator[Problem]:
    """All that is wrong with a condition that contacts are to be sorted by."""
    for here, leaf, answerable in leaves_of(place, condition):
        if not isinstance(leaf, answerable):
            yield _unanswerable(here, leaf, answerable)
        elif isinstance(leaf, _BEHAVIOR) and leaf.since is not None:
            reason = "no workflow has been entered when this is asked"
            yield Problem(f"{here}.since", reason, 'use "within", or leave it out')
        elif isinstance(leaf, ConsentsTo) and leaf.consents_to not in beside.topics:
            reason = f'settings.json has no topic "{leaf.consents_to}"'
            remedy = suggest(leaf.consents_to, beside.topics)
            yield Problem(f"{here}.consents_to", reason, remedy)
        elif isinstance(leaf, InWorkflow) and leaf.in_workflow not in beside.workflows:
            remedy = suggest(leaf.in_workflow, beside.workflows) or "upload its file"
            reason = f'no workflow named "{leaf.in_workflow}"'
            yield Problem(f"{here}.in_workflow", reason, remedy)
        elif isinstance(leaf, ContactIs):
            yield from check_contact(here, leaf)
        elif isinstance(leaf, InSegment):
            yield from check_segment_name(f"{here}.in_segment", leaf.in_segment, beside.segments)
    yield from _circle(place, compiled(condition), name, beside.segments)
    yield from _sizes(place, compiled(condition))


def check_segment_name(place: str, name: str, segments: Segments) -> Iterator[Problem]:
    """Whether a segment is published."""
    live = segments.live()
    if name not in live:
        remedy = suggest(name, live) or f"upload segments/{name}.json"
        yield Problem(place, f'no segment named "{name}" is published', remedy)


def _unanswerable(place: str, leaf: Written, answerable: tuple[type, ...]) -> Problem:
    if answerable == (EventIs, ContactIs):
        return Problem(place, "a where here can only ask about `event` and `contact`")
    what = "an event" if isinstance(leaf, EventIs) else "a workflow's own steps"
    remedy = "ask about the contact, or about what it did"
    return Problem(place, f"asks about {what}, and a segment has none", remedy)


def _circle(place: str, condition: Condition, name: str, segments: Segments) -> Iterator[Problem]:
    """Segments that ask about each other in a circle have no answer."""
    way = _way_back([name], mention(condition).segments, name, segments)
    if way:
        yield Problem(
            place,
            "goes round in a circle: " + " asks about ".join(way),
            "write out the condition of one of them instead",
        )


def _way_back(
    way: list[str], asked: Iterable[str], name: str, segments: Segments
) -> list[str] | None:
    for other in asked:
        if other == name:
            return [*way, name]
        if other in segments and other not in way:
            further = segments[other].mention.segments
            if found := _way_back([*way, other], further, name, segments):
                return found
    return None


def _sizes(place: str, condition: Condition) -> Iterator[Problem]:
    words = sum(map(len, mention(condition)))
    if words > MOST_WORDS:
        reason = f"speaks of {words} events, fields and other things, and may of {MOST_WORDS}"
        yield Problem(place, reason, "make two segments of it, and a third that asks about both")
    if len(dumps(condition)) > MOST_TEXT:
        yield Problem(place, f"is longer than {MOST_TEXT:,} characters", "split it")
