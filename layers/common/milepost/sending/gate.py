"""The gate: may this message go to this contact now? Every message of every kind passes here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base import instants
from milepost.base.durations import format_duration, parse_duration
from milepost.conditions.context import EvaluationContext
from milepost.conditions.evaluate import evaluate
from milepost.contacts.preferences import snoozed_until
from milepost.contacts.profile import Profile
from milepost.contacts.recent_marketing import send_key
from milepost.enrollments.chance import jitter
from milepost.enrollments.enrollment import Enrollment, ResumePoint
from milepost.enrollments.entry import exit_rules
from milepost.enrollments.program import Program
from milepost.sending.message import Category

if TYPE_CHECKING:
    from milepost.sending.caps import FrequencyLimits
    from milepost.sending.quiet_hours import HoldUntil, SendingHours


@dataclass(frozen=True, slots=True)
class Send:
    """The message may go; `numbers` are what the decision rests on."""

    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skip:
    """The message must not go. `ends` says that the whole enrollment is over."""

    reason: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    exits_enrollment: bool = False


class Defer(NamedTuple):
    """The message must not go now; at `until` everything is asked once more."""

    until: datetime
    reason: str
    numbers: Mapping[str, Any] = {}


Decision = Send | Skip | Defer

MAX_DEFERRAL = timedelta(days=7)
"""A message that could not go for so long is left out: by then it would come as a surprise."""

MAX_ADDRESS_LENGTH = 254

DEFER_JITTER = timedelta(minutes=10)
"""Whoever may be mailed again at the same minute is mailed in the course of so much time."""


class GateInput(NamedTuple):
    """All that the decision looks at.

    `may_wait` says that what is too much mail waits; `waited` is the leg that this message has
    waited for already.
    """

    profile: Profile
    enrollment: Enrollment
    program: Program
    facts: EvaluationContext
    category: Category
    topic: str | None
    store_paused: bool = False
    workflow_paused: bool = False
    late: timedelta = timedelta()
    expires: timedelta | None = None
    hours: "SendingHours | None" = None
    limits: "FrequencyLimits | None" = None
    may_wait: bool = False
    message: str = ""
    waited: ResumePoint | None = None

    @property
    def others(self) -> dict[str, datetime]:
        """The marketing that the contact got: this message may have been claimed before."""
        own, mailed = send_key(self.message), self.profile.recent_sends
        return {key: at for key, at in mailed.items() if key != own}

    def wait(self, at: datetime) -> "HoldUntil | None":
        """What would stand against the message at an instant if nothing else was mailed by then."""
        limit = self.limits.wait(self.others, at) if self.limits and self.may_wait else None
        return limit or (self.hours.wait(at) if self.hours else None)


def decide_send(question: GateInput) -> Decision:
    """Answer with the first reason against sending, or with Send. What only stands against
    sending now puts the message off, unless it would be of no use any more by then.

    Suppression is not asked here: it is a condition of the claim itself, in one transaction with
    it (see `Ledger.claim`), so that no answer of this function can be out of date about it.
    """
    for skip in _objections(question):
        return skip
    if question.category == "marketing" and (restrained := _restrained(question)):
        return restrained
    consent = question.profile.consent.get(question.topic or "")
    numbers = {"consented_at": instants.format_instant(consent.at)} if consent else {}
    if question.category == "marketing" and question.limits:
        numbers |= question.limits.numbers(question.others, question.facts.now)
    if question.waited and question.waited.deferred_since:
        numbers["deferred"] = question.waited.deferred.partition(": ")[2]
        numbers["deferred_since"] = instants.format_instant(question.waited.deferred_since)
    return Send({"category": question.category, **numbers})


def _restrained(question: GateInput) -> Defer | Skip | None:
    """What only stands against the message for a time: it waits, or is left out."""
    now, others = question.facts.now, question.others
    # In the night nothing goes anyway: how much is too much is asked when the morning has come.
    night = question.hours is not None and question.hours.wait(now) is not None
    limit = question.limits.wait(others, now) if question.limits and not night else None
    counted = question.limits.numbers(others, now) if question.limits else {}
    if limit is not None and not question.may_wait:
        return Skip(limit.reason, counted)
    first = limit or question.wait(now)
    if first is None:
        return None
    since = (question.waited and question.waited.deferred_since) or now
    until, wait = first.until, question.wait(first.until)
    while wait is not None and until - since <= MAX_DEFERRAL:
        until, wait = wait.until, question.wait(wait.until)
    spread = until + jitter(DEFER_JITTER, question.message)
    if question.wait(spread) is None:
        until = spread
    return defer(question, until, first.reason, counted)


def defer(
    question: GateInput, until: datetime, reason: str, counted: Mapping[str, Any] | None = None
) -> Defer | Skip:
    """Have a message wait until then, or leave it out that would be of no use any more by then.

    What has to go (a receipt) is not given up, however long it takes.
    """
    now = question.facts.now
    since = (question.waited and question.waited.deferred_since) or now
    numbers = {**(counted or {}), "why": reason, "until": instants.format_instant(until)}
    if question.category == "marketing" and until - since > MAX_DEFERRAL:
        return Skip("deferred too long", {**numbers, "since": instants.format_instant(since)})
    late = question.late + (until - now)
    if question.expires is not None and late > question.expires:
        return Skip("expired", {**numbers, "late": format_duration(late)})
    return Defer(until, reason, numbers)


def _objections(question: GateInput) -> Iterator[Skip]:
    profile, enrollment = question.profile, question.enrollment
    if enrollment.status != "active":
        yield Skip(f"enrollment is {enrollment.status}: {enrollment.reason}", exits_enrollment=True)
    if question.store_paused:
        yield Skip("store is paused")
    if question.workflow_paused:
        yield Skip("workflow is paused")
    if not profile.email:
        yield Skip("contact has no e-mail address")
    elif not _can_be_mailed(profile.email):
        yield Skip("address cannot be mailed")
    if question.expires is not None and question.late > question.expires:
        yield Skip("expired", {"late": format_duration(question.late)})
    yield from _reached(question)
    if question.category == "marketing":
        yield from _unwanted(question)
    audience = question.program.head.get("audience")
    if audience is not None:
        verdict = evaluate(audience, question.facts)
        if not verdict.value:
            yield Skip("audience", {"why": verdict.reason})


def _unwanted(question: GateInput) -> Iterator[Skip]:
    """What the reader has not said yes to."""
    if not question.topic:
        yield Skip("marketing message without a topic")
    if until := snoozed_until(question.profile, question.facts.now):
        yield Skip("snoozed", {"until": instants.format_instant(until)})
    consent = question.profile.consent.get(question.topic or "")
    if consent is None:
        yield Skip("no consent", {"topic": question.topic})
    elif consent.state != "granted":
        yield Skip(
            "consent withdrawn",
            {
                "topic": question.topic,
                "at": instants.format_instant(consent.at),
                "by": consent.method,
            },
        )


def _can_be_mailed(address: str) -> bool:
    """Whether mail can go to what is known as an address. Whoever reports one is checked already:
    this is the last look, for SES would refuse it, or bounce what no domain can receive."""
    local, _, domain = address.partition("@")
    plain = address.isascii() and address.isprintable() and not set(address) & set(" ,;<>")
    named = "." in domain.strip(".") and "@" not in domain
    nowhere = domain.rpartition(".")[2].lower() in {"invalid", "localhost"}  # RFC 6761
    return bool(local) and plain and named and not nowhere and len(address) <= MAX_ADDRESS_LENGTH


def _reached(question: GateInput) -> Iterator[Skip]:
    """Exit and goal events on the profile, for a machine that could not be stopped in time."""
    since = question.enrollment.since
    for ending in exit_rules(question.program):
        total = question.profile.totals.get(ending["event"])
        if total is None or total.last <= since:
            continue
        if "where" in ending:
            condition = {"did": ending["event"], "since": "enrollment", "where": ending["where"]}
            if not evaluate(condition, question.facts).value:
                continue
        if "within" in ending and total.last - since > parse_duration(ending["within"]):
            continue
        yield Skip(
            ending["reason"], {"at": instants.format_instant(total.last)}, exits_enrollment=True
        )


def conditions_needed(program: Program) -> Iterator[Mapping[str, Any]]:
    """The conditions the gate will evaluate: the shell loads what they need beforehand."""
    if "audience" in program.head:
        yield program.head["audience"]
    for ending in exit_rules(program):
        if "where" in ending:
            yield {"did": ending["event"], "since": "enrollment", "where": ending["where"]}
