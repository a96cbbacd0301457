"""What a segment's condition may ask, and whether what it names is there."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from json import dumps
from typing import NamedTuple

from milepost.base.problems import Problem
from milepost.conditions.context import Condition
from milepost.conditions.leaf_files import ConditionFile, LeafFile, Place, UseKind, Windowed
from milepost.segments.membership import segment_dependencies
from milepost.segments.segment import Segments
from milepost.workflows.compiler.check_conditions import (
    check_compared,
    check_uses,
    check_values,
    leaves_of,
    only,
)

MAX_SEGMENTS = 200
"""All that segments mention is kept in one DynamoDB item with much else, which may hold 400 KB."""

MAX_WORDS = 50
MAX_TEXT = 50_000


class SegmentContext(NamedTuple):
    """What a condition may name."""

    segments: Segments
    topics: Collection[str]
    workflows: Collection[str]

    def names(self) -> Mapping[UseKind, Collection[str]]:
        live = self.segments.live()
        return {"topic": self.topics, "workflow": self.workflows, "segment": live}


def compile_condition(condition: ConditionFile) -> Condition:
    """The condition as it is answered: plain JSON."""
    made: Mapping[str, object] = condition.model_dump(
        mode="json", by_alias=True, exclude_unset=True, exclude_none=True
    )
    return made


def check_condition(
    place: str, condition: ConditionFile, name: str, beside: SegmentContext
) -> Iterator[Problem]:
    """All that is wrong with a condition that contacts are to be sorted by."""
    names = beside.names()
    for here, leaf, asked in leaves_of(place, condition):
        if asked not in leaf.allowed_in:
            yield _unanswerable(here, leaf, asked)
        elif isinstance(leaf, Windowed) and leaf.since is not None:
            reason = "no workflow has been entered when this is asked"
            yield Problem(f"{here}.since", reason, 'use "within", or leave it out')
        else:
            yield from check_values(here, leaf)
            yield from check_uses(here, leaf, names)
            yield from check_compared(here, leaf)
    yield from _circle(place, compile_condition(condition), name, beside.segments)
    yield from _sizes(place, compile_condition(condition))


def _unanswerable(place: str, leaf: LeafFile, asked: Place) -> Problem:
    if asked == "where":
        return Problem(place, only(asked))
    what = "an event" if "event" in leaf.allowed_in else "a workflow's own steps"
    remedy = "ask about the contact, or about what it did"
    return Problem(place, f"asks about {what}, and a segment has none", remedy)


def _circle(place: str, condition: Condition, name: str, segments: Segments) -> Iterator[Problem]:
    """Segments that ask about each other in a circle have no answer."""
    way = _way_back([name], segment_dependencies(condition).segments, name, segments)
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
    words = sum(map(len, segment_dependencies(condition)))
    if words > MAX_WORDS:
        reason = f"speaks of {words} events, fields and other things, and may of {MAX_WORDS}"
        yield Problem(place, reason, "make two segments of it, and a third that asks about both")
    if len(dumps(condition)) > MAX_TEXT:
        yield Problem(place, f"is longer than {MAX_TEXT:,} characters", "split it")
