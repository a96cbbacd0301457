"""The gate: may this message go to this contact now? Every message of every kind passes here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from milepost.domain import instants
from milepost.domain.conditions import Facts, evaluate
from milepost.domain.contacts import Profile
from milepost.domain.durations import parse_duration, say_duration
from milepost.domain.enrollments import Enrollment, endings
from milepost.domain.messages import Category
from milepost.domain.preferences import snoozed_until
from milepost.domain.program import Program


@dataclass(frozen=True, slots=True)
class Send:
    """The message may go; `numbers` are what the decision rests on."""

    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skip:
    """The message must not go. `ends` says that the whole enrollment is over."""

    reason: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    ends: bool = False


Decision = Send | Skip


class Question(NamedTuple):
    """All that the decision looks at."""

    profile: Profile
    enrollment: Enrollment
    program: Program
    facts: Facts
    category: Category
    topic: str | None
    store_paused: bool = False
    workflow_paused: bool = False
    late: timedelta = timedelta()
    expires: timedelta | None = None


def decide_send(question: Question) -> Decision:
    """Answer with the first reason against sending, or with Send.

    Suppression is not asked here: it is a condition of the claim itself, in one transaction with
    it (see `Ledger.claim`), so that no answer of this function can be out of date about it.
    """
    for skip in _objections(question):
        return skip
    consent = question.profile.consent.get(question.topic or "")
    numbers = {"consented_at": instants.show(consent.at)} if consent else {}
    return Send({"category": question.category, **numbers})


def _objections(question: Question) -> Iterator[Skip]:
    profile, enrollment = question.profile, question.enrollment
    if enrollment.status != "active":
        yield Skip(f"enrollment is {enrollment.status}: {enrollment.reason}", ends=True)
    if question.store_paused:
        yield Skip("store is paused")
    if question.workflow_paused:
        yield Skip("workflow is paused")
    if not profile.email:
        yield Skip("contact has no e-mail address")
    if question.expires is not None and question.late > question.expires:
        yield Skip("expired", {"late": say_duration(question.late)})
    yield from _reached(question)
    if question.category == "marketing":
        if not question.topic:
            yield Skip("marketing message without a topic")
        if until := snoozed_until(profile, question.facts.now):
            yield Skip("snoozed", {"until": instants.show(until)})
        consent = profile.consent.get(question.topic or "")
        if consent is None:
            yield Skip("no consent", {"topic": question.topic})
        elif consent.state != "granted":
            yield Skip(
                "consent withdrawn",
                {"topic": question.topic, "at": instants.show(consent.at), "by": consent.method},
            )
    audience = question.program.head.get("audience")
    if audience is not None:
        verdict = evaluate(audience, question.facts)
        if not verdict.value:
            yield Skip("audience", {"why": verdict.why})


def _reached(question: Question) -> Iterator[Skip]:
    """Exit and goal events on the profile, for a machine that could not be stopped in time."""
    since = question.enrollment.since
    for ending in endings(question.program):
        total = question.profile.totals.get(ending["event"])
        if total is None or total.last <= since:
            continue
        if "where" in ending:
            condition = {"did": ending["event"], "since": "enrollment", "where": ending["where"]}
            if not evaluate(condition, question.facts).value:
                continue
        if "within" in ending and total.last - since > parse_duration(ending["within"]):
            continue
        yield Skip(ending["reason"], {"at": instants.show(total.last)}, ends=True)


def conditions_asked(program: Program) -> Iterator[Mapping[str, Any]]:
    """The conditions the gate will evaluate: the shell loads what they need beforehand."""
    if "audience" in program.head:
        yield program.head["audience"]
    for ending in endings(program):
        if "where" in ending:
            yield {"did": ending["event"], "since": "enrollment", "where": ending["where"]}
