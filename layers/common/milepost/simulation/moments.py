"""What somebody sees who watches an enrollment: moments in order, each worth a sentence."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

Kind = Literal[
    "event",
    "enters",
    "refused",
    "decides",
    "mails",
    "no mail",
    "deferred",
    "waits",
    "time-out",
    "leaves",
]


class Moment(NamedTuple):
    """One thing that happened. `step` is empty where none is concerned, `detail` plain JSON."""

    at: datetime
    kind: Kind
    step: str
    text: str
    detail: Mapping[str, Any] = {}


class Mailed(NamedTuple):
    """One mail that went out."""

    at: datetime
    step: str
    to: str
    subject: str
    locale: str


class Life(NamedTuple):
    """Everything that came of one story.

    `path` holds the steps in the order they were come to. `ends` and `reason` are those of the
    last enrollment: `refused` if nobody entered, `active` if it never ends. `effort` counts all
    that happened, seen or not.
    """

    began: datetime
    moments: tuple[Moment, ...]
    mails: tuple[Mailed, ...]
    path: tuple[str, ...]
    ends: str
    reason: str
    effort: int = 0
