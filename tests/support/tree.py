"""A second, simple interpreter of a workflow: down the tree of steps, with the whole history known.

Shares no line with the compiler, the condition evaluator, the calendar or the contact changes of
the product, so the two only agree if both are right. Only random choices come from
`enrollments/chance.py`: a hash has no second implementation.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Json = Mapping[str, Any]
UNITS = {"minute": 1, "minutes": 1, "hour": 60, "hours": 60, "day": 1440, "days": 1440}


@dataclass(frozen=True)
class Happened:
    """Something that the contact did, reported by the shop at that instant."""

    name: str
    at: datetime
    data: Json


@dataclass
class Life:
    """The result for one contact: mails by step and instant, and how the enrollment ended."""

    mails: list[tuple[str, datetime]] = field(default_factory=list)
    status: str = "active"
    reason: str = ""
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Chance:
    """The split path and the holdout decision for this contact."""

    choose: Callable[[str, Mapping[str, int]], str]
    held_back: Callable[[str, float], bool]


class _LeftError(Exception):
    """The contact leaves by an `exit` step or a holdout."""


class _JumpError(Exception):
    """The contact continues at the step with this id."""


def live(workflow: Json, trigger: Happened, history: Sequence[Happened], chance: Chance) -> Life:
    """The result for a contact who enters with `trigger` and then does `history`."""
    walk = _Walk(trigger, history, chance)
    life = walk.life
    try:
        walk.from_the_top(workflow["steps"])
        life.status = "completed"
    except _LeftError as left:
        life.status, life.reason = "exited", str(left)
    over = walk.at
    endings = {ending["event"] for ending in workflow.get("exit_on", ())}
    for happened in history:
        # An awaited event that is also an exit event ends the enrollment.
        if happened.name in endings and trigger.at < happened.at <= over:
            over = happened.at
            life.status, life.reason = "exited", f"exit on {happened.name}"
            life.mails = [mail for mail in life.mails if mail[1] < over]
    return life


class _Walk:
    def __init__(self, trigger: Happened, history: Sequence[Happened], chance: Chance) -> None:
        self.chance = chance
        self.rounds: Counter[str] = Counter()
        self.trigger, self.history = trigger, sorted(history, key=lambda happened: happened.at)
        self.at = trigger.at
        self.used: list[Happened] = []
        self.emitted: list[tuple[str, Json]] = []
        self.life = Life()

    def from_the_top(self, steps: Sequence[Json]) -> None:
        """Reach the target of a jump from the top again, past all steps above it."""
        target = ""
        while True:
            try:
                self.through(steps, target)
                return
            except _JumpError as jump:
                target = str(jump)

    def through(self, steps: Sequence[Json], target: str = "") -> None:
        """Run these steps; with a target, only the steps from it on."""
        for number, step in enumerate(steps):
            if target and step["id"] != target:
                inside = next((i for i in lists_in(step) if holds_step(i, target)), None)
                if inside is not None:
                    self.through(inside, target)
                    return self.through(steps[number + 1 :])
                continue
            target = ""
            getattr(self, step["type"])(step)

    # --- the steps, by their type ---

    def send_email(self, step: Json) -> None:
        self.life.mails.append((step["id"], self.at))

    def delay(self, step: Json) -> None:
        self.at += duration(step["for"])

    def delay_until(self, step: Json) -> None:
        self.at = max(self.at, datetime.fromisoformat(step["date"] + "T00:00+00:00"))

    def exit(self, step: Json) -> None:
        raise _LeftError(step["reason"])

    def holdout(self, step: Json) -> None:
        if self.chance.held_back(step["id"], step["percent"]):
            raise _LeftError("holdout")

    def goto(self, step: Json) -> None:
        self.rounds[step["id"]] += 1
        if self.rounds[step["id"]] <= step["max"]:
            raise _JumpError(step["to"])

    def emit_event(self, step: Json) -> None:
        self.emitted += [(step["event"], step["properties"])]

    def split(self, step: Json) -> None:
        weights = {path["name"]: path["weight"] for path in step["paths"]}
        taken = self.chance.choose(step["id"], weights)
        self.through(next(p["steps"] for p in step["paths"] if p["name"] == taken))

    def branch(self, step: Json) -> None:
        ways = [p["steps"] for p in step["paths"] if self.holds(p["if"])]
        self.through(ways[0] if ways else step["else"])

    def update_contact(self, step: Json) -> None:
        held = self.life.properties
        held.update(step.get("set", {}))
        for name in step.get("unset", ()):
            held.pop(name, None)
        for name, amount in step.get("increment", {}).items():
            if name not in held or type(held[name]) in {int, float}:
                held[name] = held.get(name, 0) + amount
        for name, value in step.get("append", {}).items():
            old = held.get(name, [])
            items = old if isinstance(old, list) else [old]
            held[name] = items if value in items else [*items, value]

    def wait_for(self, step: Json) -> None:
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
                done = [
                    h.data for h in self.history if h.name == name and since < h.at <= self.at
                ] + [data for said, data in self.emitted if said == name]
                if "where" in rest:
                    done = [data for data in done if compare(rest["where"], data)]
                return bool(len(done) >= rest.get("times", {"gte": 1})["gte"])
            case {"contact": path, "gte": least}:
                value = self.life.properties.get(path.removeprefix("properties."))
                values = value if isinstance(value, list) else [value]
                return any(type(v) in {int, float} and v >= least for v in values)
            case {"contact": path, "exists": there}:
                value = self.life.properties.get(path.removeprefix("properties."))
                return (value not in (None, [])) is there
            case _:
                return compare(condition, self.trigger.data)


def lists_in(step: Json) -> list[Sequence[Json]]:
    found = [step[key] for key in ("on_event", "on_timeout", "else") if key in step]
    return found + [path["steps"] for path in step.get("paths", ())]


def holds_step(steps: Sequence[Json], id_: str) -> bool:
    return any(
        step["id"] == id_ or any(holds_step(inner, id_) for inner in lists_in(step))
        for step in steps
    )


def compare(condition: Json, data: Json) -> bool:
    return bool(data[condition["event"]] >= condition["gte"])


def duration(text: str) -> timedelta:
    number, unit = text.split()
    return timedelta(minutes=int(number) * UNITS[unit])
