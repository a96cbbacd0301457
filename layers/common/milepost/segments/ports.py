"""Ports: what segments read of the published state."""

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milepost.conditions.context import Condition
    from milepost.segments.scoring import Scoring
    from milepost.segments.segment import Segments
    from milepost.stores.settings import StoreSettings


class SegmentHead(Protocol):
    """What is live in a store, as far as segments and scores use it."""

    @property
    def settings(self) -> "StoreSettings": ...

    @property
    def segments(self) -> "Segments": ...

    @property
    def scoring(self) -> "Scoring | None": ...

    def time_triggers(self) -> "list[Mapping[str, Any]]":
        """The time triggers of live workflows."""


class SegmentSource(Protocol):
    """Reads published segments."""

    def head(self, store: str) -> SegmentHead: ...

    def segment(self, store: str, name: str, version: int) -> "Condition":
        """The condition of this version of a segment."""
