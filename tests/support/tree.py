"""A second, naive reading of a workflow: down the tree of steps, with the whole history at hand.

Shares no line with the compiler or with the condition evaluator of the product, so that the two
can only agree by being right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Json = Mapping[str, Any]
UNITS = {"minute": 1, "minutes": 1, "hour": 60, "hours": 60, "day": 1440, "days": 1440}


@dataclass(frozen=True)
class Happened:
    """Something the contact did, as the shop reported it at that very instant."""

    name: str
    at: datetime
    data: Json


@dataclass
class Life:
    """What becomes of one contact: mails by step and instant, and how it ended."""

    mails: list[tuple[str, datetime]] = field(default_factory=list)
    status: str = "active"
    reason: str = ""


class _LeftError(Exception):
    """The contact leaves by an `exit` step."""


def live(workflow: Json, trigger: Happened, history: Sequence[Happened]) -> Life:
    """Everything that happens to a contact who enters with `trigger` and then does `history`."""
    walk = _Walk(trigger, history)
    life = walk.life
    try:
        walk.through(workflow["steps"])
        life.status = "completed"
    except _LeftError as left:
        life.status, life.reason = "exited", str(left)
    over = walk.at
    endings = {ending["event"] for ending in workflow.get("exit_on", ())}
    for happened in history:
        # What is waited for and also ends everything ends everything.
        if happened.name in endings and trigger.at < happened.at <= over:
            over = happened.at
            life.status, life.reason = "exited", f"exit on {happened.name}"
            life.mails = [mail for mail in life.mails if mail[1] < over]
    return life


class _Walk:
    def __init__(self, trigger: Happened, history: Sequence[Happened]) -> None:
        self.trigger, self.history = trigger, sorted(history, key=lambda happened: happened.at)
        self.at = trigger.at
        self.used: list[Happened] = []
        self.life = Life()

    def through(self, steps: Sequence[Json]) -> None:
        for step in steps:
            match step["type"]:
                case "send_email":
                    self.life.mails.append((step["id"], self.at))
                case "delay":
                    self.at += duration(step["for"])
                case "exit":
                    raise _LeftError(step["reason"])
                case "wait_for":
                    self.wait(step)
                case "branch":
                    taken = [p["steps"] for p in step["paths"] if self.holds(p["if"])]
                    self.through(taken[0] if taken else step["else"])

    def wait(self, step: Json) -> None:
        end = self.at + duration(step["timeout"])
        for happened in self.history:
            where = step.get("where", {"event": "n", "gte": 0})
            in_time = self.at <= happened.at < end and happened not in self.used
            if happened.name == step["event"] and in_time and compare(where, happened.data):
                self.at = happened.at
                self.used.append(happened)
                return self.through(step["on_event"])
        self.at = end
        return self.through(step["on_timeout"])

    def holds(self, condition: Json) -> bool:
        match condition:
            case {"all": parts}:
                return all(self.holds(part) for part in parts)
            case {"any": parts}:
                return any(self.holds(part) for part in parts)
            case {"not": part}:
                return not self.holds(part)
            case {"did_not": name, **rest}:
                return not self.holds({"did": name, **rest})
            case {"did": name, **rest}:
                since = datetime.min.replace(tzinfo=UTC)
                if "since" in rest:
                    since = self.trigger.at
                if "within" in rest:
                    since = self.at - duration(rest["within"])
                done = [h for h in self.history if h.name == name and since < h.at <= self.at]
                if "where" in rest:
                    done = [h for h in done if compare(rest["where"], h.data)]
                return bool(len(done) >= rest.get("times", {"gte": 1})["gte"])
            case _:
                return compare(condition, self.trigger.data)


def compare(condition: Json, data: Json) -> bool:
    return bool(data[condition["event"]] >= condition["gte"])


def duration(text: str) -> timedelta:
    number, unit = text.split()
    return timedelta(minutes=int(number) * UNITS[unit])
