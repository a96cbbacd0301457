"""A new version and those inside on an older one: where they go on."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from milepost.base import instants
from milepost.base.dates import date_comes, delay_ends
from milepost.base.durations import parse_duration
from milepost.contacts.event import Event
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import Enrollment, Start, step_data
from milepost.enrollments.executions import goes_on, rested_at, walked
from milepost.enrollments.program import Node, Program, outcome_key, visit_of, waits
from milepost.stores.settings import StoreSettings

_DECIDED_ANYWAY = frozenset({"branch", "exit", "goto", "holdout", "send_email", "split"})
"""Steps of which nothing is lost if they are not come to; of mails the ledger knows."""

MOMENT = timedelta(milliseconds=1)
"""Instants are kept to the millisecond."""


class Rest(NamedTuple):
    """A wait: events count from `since`, and it is over at `until`, None if there is no such date.

    The time-out of a `wait_for` is its `until`.
    """

    since: datetime
    until: datetime | None


def rest_at(
    node: Node, began: datetime, profile: Profile, enrollment: Enrollment, settings: StoreSettings
) -> Rest:
    """The wait at which a turn that began then has come to rest."""
    zone = profile.get("timezone")
    begins = goes_on(enrollment, began)
    match node["type"]:
        case "wait_for":
            timeout = parse_duration(node["timeout"])
            return Rest(_counts_from(enrollment, began, node["event"]), begins + timeout)
        case "delay":
            return Rest(began, delay_ends(node, begins, zone, settings.timezone))
    data = step_data(profile, enrollment, settings)
    return Rest(began, date_comes(node, data, zone, settings.timezone))


def _counts_from(enrollment: Enrollment, began: datetime, event: str) -> datetime:
    """The instant from which a wait counts events: after the one that an earlier wait has met.

    Its time may be ahead of ours, and it would then seem to lie inside the block it led to.
    """
    outcomes = enrollment.outcomes.values()
    met = [o["at"] for o in outcomes if o.get("event") == event and "at" in o]
    return max([began, *(instants.parse(at) + MOMENT for at in met)])


def moved_by(event: Event) -> frozenset[str]:
    """The fields of a contact that an event says something new of, and on which a date rests."""
    said = {f"properties.{name}" for name in event.contact.properties}
    said |= {change.name for change in event.contact.changes}
    return frozenset(said | ({"timezone"} if event.contact.timezone else set()))


def moves(node: Node, said: Collection[str]) -> bool:
    """Whether a node waits for a date that is moved if these fields of the contact are."""
    return "movable" in node and not {_field(node), "timezone"}.isdisjoint(said)


def is_newer(profile: Profile, seen: Profile, node: Node) -> bool:
    """Whether the date of a node was set later than it was when the contact was seen like this."""
    nothing = (None, "", "")
    return any(
        profile.fields.get(name, nothing)[1:] > seen.fields.get(name, nothing)[1:]
        for name in (_field(node), "timezone")
    )


def _field(node: Node) -> str:
    return str(node["date"]).removeprefix("contact.")


def resting(
    program: Program, profile: Profile, enrollment: Enrollment, settings: StoreSettings
) -> Start | None:
    """How an enrollment would go on from where it rests; None while a block of it is run.

    The `block` is that of the time-out, for an event that has come has ended the rest.
    """
    start = enrollment.start
    if start is None or str(start.turn) in enrollment.began:
        start = _executing(program, profile, enrollment, settings)
    if start is None or not start.step:
        return start
    return (
        None if outcome_key(program.nodes[start.step], start.turn) in enrollment.outcomes else start
    )


def _executing(
    program: Program, profile: Profile, enrollment: Enrollment, settings: StoreSettings
) -> Start | None:
    if not enrollment.began:
        return None
    turn = max(int(number) for number in enrollment.began)
    began, entry = enrollment.began[str(turn)], enrollment.entries.get(str(turn), program.entry)
    node = rested_at(program, entry, turn, enrollment.outcomes)
    if node is None:
        return None
    rest = rest_at(node, began, profile, enrollment, settings)
    due = max(rest.until or began, began)
    block = str(node.get("next") or node["on_timeout"])
    fixed = node["type"] == "delay_until"
    return Start(block, turn + 1, due, rest.since, node["id"], fixed)


class Undecided(NamedTuple):
    """What a turn has come by before its wait: the mails, by the number of their visit, and whether
    all else is done."""

    mails: Mapping[str, int]
    done: bool


def before_rest(program: Program, enrollment: Enrollment) -> Undecided:
    """What must have been decided before the newest turn really rests: a mail that SES has no time
    for, or a call that fails, is tried again for hours, and the wait behind it is known already."""
    turn = max(map(int, enrollment.began), default=0)
    entry = enrollment.entries.get(str(turn), program.entry)
    way = [n for n in walked(program, entry, turn, enrollment.outcomes) if not waits(n)]
    mails = {node["id"]: visit_of(node, turn) for node in way if node["type"] == "send_email"}
    acts = [n for n in way if n["type"] not in _DECIDED_ANYWAY]
    done = all(outcome_key(node, turn) in enrollment.outcomes for node in acts)
    return Undecided(mails, done)


def mapped(step: str, later: Iterable[Program]) -> str:
    """What a step is called after these versions, the oldest first."""
    for program in later:
        step = steps_of(program).get(step, step)
    return step


def steps_of(program: Program) -> Mapping[str, str]:
    """The steps that a version has renamed."""
    steps: Mapping[str, str] = program.head.get("inside", {}).get("steps", {})
    return steps


def on_publish(program: Program) -> str:
    """What a version does to those inside on older ones."""
    return str(program.head.get("inside", {}).get("on_publish", "drain"))


def moved(start: Start, later: Sequence[Program]) -> Start | None:
    """The same rest in the last of these versions; None if there is no such wait in it."""
    new = later[-1]
    if not start.step:
        return start._replace(block=new.entry) if start.turn == 0 else None
    node: Mapping[str, Any] = new.nodes.get(mapped(start.step, later), {})
    if not node or not waits(node):
        return None
    block = str(node.get("next") or node["on_timeout"])
    return start._replace(block=block, step=node["id"])
