"""Dead letters: records of the stream that could not be applied, and why."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Letter(NamedTuple):
    """One record that was put aside. `key` is its place under the contact.

    `applied`: the contact knows of it, and only what follows from it is missing; None if nobody can
    tell. `reason` names an error and the line of Milepost it came from, and nothing personal.
    """

    store: str
    contact: str
    key: str
    position: int
    reason: str
    attempts: int = 0
    applied: bool | None = False

    def to_json(self) -> dict[str, Any]:
        return {**self._asdict(), "position": str(self.position)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Letter":
        return cls(**{**document, "position": int(document["position"])})


class Envelope(NamedTuple):
    """A message of the queue of letters: one letter, or all those of a part of the stream.

    None stands for records that the stream has no more. `receipt` is the queue's own.
    """

    receipt: Any
    letters: list[Letter] | None


def reason_of(error: BaseException) -> str:
    """The kind of an error and where it came from; its text may quote somebody's data."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.startswith("milepost."):
            place = f" at {module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}{place}"
