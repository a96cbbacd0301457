"""The segments of a store, as whoever reacts to an event knows them.

What a condition mentions (events, fields, topics, workflows, other segments) is noted when it is
published, so that an event has only those looked at which it may change.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple


class Dependencies(NamedTuple):
    """What a condition speaks of."""

    events: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()


class Segment(NamedTuple):
    """A segment that is published. Its condition is kept apart, as the version that it is."""

    version: int
    title: str = ""
    mention: Dependencies = Dependencies()
    timed: bool = False
    static: bool = False
    status: Literal["live", "archived"] = "live"

    def to_json(self) -> dict[str, Any]:
        told = {name: list(words) for name, words in self.mention._asdict().items() if words}
        return {**self._asdict(), "mention": told}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Segment":
        told = {name: tuple(words) for name, words in document.get("mention", {}).items()}
        return cls(**{**document, "mention": Dependencies(**told)})


class Segments(dict[str, Segment]):
    """All segments of a store by name; never changed once it is made."""

    def live(self) -> dict[str, Segment]:
        """Those that people know, and that are not archived."""
        return {n: s for n, s in self.items() if s.status == "live" and ":" not in n}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All names, those that others ask about before those others."""
        from graphlib import CycleError, TopologicalSorter  # only who evaluates needs it

        asked = {n: [s for s in each.mention.segments if s in self] for n, each in self.items()}
        try:
            return tuple(TopologicalSorter(asked).static_order())
        except CycleError:  # two files that were published at the same moment
            return tuple(sorted(self))

    @cached_property
    def events(self) -> Mapping[str, Sequence[str]]:
        return self._by("events")

    @cached_property
    def fields(self) -> Mapping[str, Sequence[str]]:
        return self._by("fields")

    @cached_property
    def topics(self) -> Mapping[str, Sequence[str]]:
        return self._by("topics")

    @cached_property
    def workflows(self) -> Mapping[str, Sequence[str]]:
        return self._by("workflows")

    @cached_property
    def segments(self) -> Mapping[str, Sequence[str]]:
        return self._by("segments")

    def _by(self, part: str) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for name, segment in self.items():
            if segment.status == "live":
                for word in getattr(segment.mention, part):
                    found.setdefault(word, []).append(name)
        return found
