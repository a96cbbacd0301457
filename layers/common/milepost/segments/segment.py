"""The published segments of a store, and what their conditions read.

`affected_segments` in `membership.py` uses that to find the segments that an event may change.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple


class Dependencies(NamedTuple):
    """What a condition reads."""

    events: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()


class Segment(NamedTuple):
    """A published segment. Its condition is stored separately, by version."""

    version: int
    title: str = ""
    mention: Dependencies = Dependencies()
    timed: bool = False
    static: bool = False
    status: Literal["live", "archived"] = "live"

    def to_json(self) -> dict[str, Any]:
        mention = {kind: list(names) for kind, names in self.mention._asdict().items() if names}
        return {**self._asdict(), "mention": mention}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Segment":
        mention = {kind: tuple(names) for kind, names in document.get("mention", {}).items()}
        return cls(**{**document, "mention": Dependencies(**mention)})


def _readers(kind: str) -> cached_property[Mapping[str, Sequence[str]]]:
    """The live segments by the events, fields and so on that their conditions read."""

    def index(segments: Mapping[str, Segment]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, segment in segments.items():
            if segment.status == "live":
                for mentioned in getattr(segment.mention, kind):
                    found.setdefault(mentioned, []).append(name)
        return found

    return cached_property(index)


class Segments(dict[str, Segment]):
    """All segments of a store by name; immutable."""

    def live(self) -> dict[str, Segment]:
        """The segments that are not archived, without the internal ones for stages."""
        return {n: s for n, s in self.items() if s.status == "live" and ":" not in n}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All names; a segment comes after the segments that its condition reads."""
        from graphlib import CycleError, TopologicalSorter  # only the evaluation needs it

        reads = {n: [s for s in each.mention.segments if s in self] for n, each in self.items()}
        try:
            return tuple(TopologicalSorter(reads).static_order())
        except CycleError:  # two files that were published at the same moment
            return tuple(sorted(self))

    events = _readers("events")
    fields = _readers("fields")
    topics = _readers("topics")
    workflows = _readers("workflows")
    segments = _readers("segments")
