"""What is to be done for everybody inside a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Job(NamedTuple):
    """Something to be done for everybody inside a workflow, set going `at` an instant; a broadcast
    is for everybody in the segment of its schedule, and begins `at` an instant. A `look` is at all
    contacts, because of what `workflow` names: `segment/vip`, `workflow/birthday`, `scoring`."""

    kind: Literal["thaw", "cancel", "migrate", "broadcast", "look"]
    store: str
    workflow: str
    at: datetime
    version: int = 0
    done: str = ""


class JobStore(Protocol):
    """Keeps what has been set going until it is done."""

    def open(self) -> list[Job]: ...

    def advance(self, work: Job, done: str) -> None:
        """Note how far a work has come, unless it has been set going anew."""

    def reopen(self, work: Job, at: datetime) -> None:
        """A work is done, and the same is to be done anew from an instant, unless it has been set
        going anew."""

    def close(self, work: Job) -> None:
        """A work is done, unless it has been set going anew."""
