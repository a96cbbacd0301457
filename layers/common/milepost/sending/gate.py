"""Whether a message can be sent now: suppression, consent, caps, quiet hours, closed days."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from milepost.base import times
from milepost.base.dates import effective_zone
from milepost.base.times import format_duration, parse_duration
from milepost.conditions.context import EvaluationContext
from milepost.conditions.evaluate import evaluate
from milepost.contacts.preferences import frequency, snoozed_until
from milepost.contacts.profile import Profile
from milepost.contacts.recent_marketing import NO_SENDS, RecentSends, send_key
from milepost.enrollments.chance import jitter
from milepost.enrollments.enrollment import Enrollment, ResumePoint
from milepost.enrollments.entry import exit_rules
from milepost.enrollments.program import Program
from milepost.sending.message import Category
from milepost.sending.quiet_hours import HoldUntil, midnight_after
from milepost.stores.settings import StoreSettings

if TYPE_CHECKING:
    from milepost.sending.quiet_hours import SendingHours

    pass


DAYS_BETWEEN: Final = {"weekly": 7, "monthly": 30}
"""The number of days in which a contact with this frequency gets one e-mail."""


class Cap(NamedTuple):
    """At most `most` e-mails in a day of the contact and the `days` - 1 days before it."""

    reason: str
    most: int
    days: int


class FrequencyLimits(NamedTuple):
    """The frequency limits of one contact; `smart` is the minimum time after the last e-mail."""

    zone: ZoneInfo
    caps: tuple[Cap, ...] = ()
    smart: timedelta = timedelta(0)

    def wait(self, sends: RecentSends, at: datetime) -> HoldUntil | None:
        """The first limit that prevents another e-mail at this instant."""
        last = max(sends.values(), default=None)
        if last is not None and at - last < self.smart:
            return HoldUntil("smart sending", last + self.smart)
        for cap in self.caps:
            counted = self._counted(cap, sends, at)
            if len(counted) >= cap.most:
                return HoldUntil(
                    cap.reason, midnight_after(counted[-cap.most], self.zone, cap.days)
                )
        return None

    def numbers(self, sends: RecentSends, at: datetime) -> dict[str, Any]:
        """The counts for the message: `{"cap per day": "1 of 2", ...}`."""
        counted = {
            cap.reason: f"{len(self._counted(cap, sends, at))} of {cap.most}" for cap in self.caps
        }
        last = max(sends.values(), default=NO_SENDS)
        if self.smart and last > NO_SENDS:
            return {
                **counted,
                "last mail": times.format_instant(last),
                "smart sending": format_duration(self.smart),
            }
        return counted

    def _counted(self, cap: Cap, sends: RecentSends, at: datetime) -> list[datetime]:
        first = self._day(at) - timedelta(days=cap.days - 1)
        return sorted(sent_at for sent_at in sends.values() if self._day(sent_at) >= first)

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()


def limits_of(settings: StoreSettings, profile: Profile) -> FrequencyLimits | None:
    """The frequency limits of a contact; None if there are none."""
    settings_caps, chosen = settings.caps or {}, frequency(profile)
    caps = [
        Cap(f"cap per {name}", settings_caps[f"per_{name}"], days)
        for name, days in (("day", 1), ("week", 7))
        if f"per_{name}" in settings_caps
    ]
    if chosen in DAYS_BETWEEN:
        caps.append(Cap(f"reader wants {chosen} mail", 1, DAYS_BETWEEN[chosen]))
    if not caps and not settings.smart_sending:
        return None
    smart = parse_duration(settings.smart_sending) if settings.smart_sending else timedelta(0)
    return FrequencyLimits(effective_zone(profile.timezone, settings.timezone), tuple(caps), smart)


class SendingLimits(NamedTuple):
    """When and how often a store may send marketing to a contact; None if there is no such rule."""

    hours: "SendingHours | None" = None
    limits: "FrequencyLimits | None" = None


def sending_limits_of(settings: StoreSettings, profile: Profile) -> SendingLimits:
    """The sending limits for one contact."""
    hours = limits = None
    if settings.quiet_hours or settings.closed_days:
        from milepost.sending.quiet_hours import hours_of

        hours = hours_of(settings, profile.timezone)
    if settings.caps or settings.smart_sending or frequency(profile) != "all":
        limits = limits_of(settings, profile)
    return SendingLimits(hours, limits)


@dataclass(frozen=True, slots=True)
class Send:
    """The message may go; `numbers` are the values behind the decision."""

    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skip:
    """The message must not go. `exits_enrollment` says that the enrollment ends."""

    reason: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    exits_enrollment: bool = False


class Defer(NamedTuple):
    """The message must not go now; at `until` the gate decides again."""

    until: datetime
    reason: str
    numbers: Mapping[str, Any] = {}


Decision = Send | Skip | Defer

MAX_DEFERRAL = timedelta(days=7)
"""A message that is deferred for longer is skipped: it would surprise the recipient."""

MAX_ADDRESS_LENGTH = 254

DEFER_JITTER = timedelta(minutes=10)
"""Messages that are deferred to the same instant are spread over this time."""


class GateInput(NamedTuple):
    """Everything that the decision depends on.

    `may_wait` says that a message over a frequency limit is deferred and not skipped. `waited` is
    the resume point of the execution for which this message was deferred before.
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
        """The contact's recent marketing without this message, which may have a claim already."""
        own_key, sends = send_key(self.message), self.profile.recent_sends
        return {key: at for key, at in sends.items() if key != own_key}

    def wait(self, at: datetime) -> "HoldUntil | None":
        """What prevents the message at an instant if nothing else is sent before."""
        limit = self.limits.wait(self.others, at) if self.limits and self.may_wait else None
        return limit or (self.hours.wait(at) if self.hours else None)


def decide_send(gate_input: GateInput) -> Decision:
    """Return the first reason against sending, or Send. A reason that ends at a known time defers
    the message, unless it would be too late by then.

    The gate does not check suppression. The claim does, in its own transaction (see
    `Ledger.claim`), so that the answer cannot be out of date.
    """
    for skip in _skips(gate_input):
        return skip
    if gate_input.category == "marketing" and (held := _hold(gate_input)):
        return held
    consent = gate_input.profile.consent.get(gate_input.topic or "")
    numbers = {"consented_at": times.format_instant(consent.at)} if consent else {}
    if gate_input.category == "marketing" and gate_input.limits:
        numbers |= gate_input.limits.numbers(gate_input.others, gate_input.facts.now)
    if gate_input.waited and gate_input.waited.deferred_since:
        numbers["deferred"] = gate_input.waited.deferred.partition(": ")[2]
        numbers["deferred_since"] = times.format_instant(gate_input.waited.deferred_since)
    return Send({"category": gate_input.category, **numbers})


def _hold(gate_input: GateInput) -> Defer | Skip | None:
    """Defer or skip the message because of quiet hours, closed days or frequency limits."""
    now, others = gate_input.facts.now, gate_input.others
    # In quiet hours nothing goes: the frequency limits are checked when they end.
    night = gate_input.hours is not None and gate_input.hours.wait(now) is not None
    limit = gate_input.limits.wait(others, now) if gate_input.limits and not night else None
    counts = gate_input.limits.numbers(others, now) if gate_input.limits else {}
    if limit is not None and not gate_input.may_wait:
        return Skip(limit.reason, counts)
    first = limit or gate_input.wait(now)
    if first is None:
        return None
    since = (gate_input.waited and gate_input.waited.deferred_since) or now
    until, wait = first.until, gate_input.wait(first.until)
    while wait is not None and until - since <= MAX_DEFERRAL:
        until, wait = wait.until, gate_input.wait(wait.until)
    spread = until + jitter(DEFER_JITTER, gate_input.message)
    if gate_input.wait(spread) is None:
        until = spread
    return defer(gate_input, until, first.reason, counts)


def defer(
    gate_input: GateInput,
    until: datetime,
    reason: str,
    counts: Mapping[str, Any] | None = None,
) -> Defer | Skip:
    """Defer a message, or skip it if it would be too late by then.

    Transactional messages, such as receipts, are never skipped because of a long deferral.
    """
    now = gate_input.facts.now
    since = (gate_input.waited and gate_input.waited.deferred_since) or now
    numbers = {**(counts or {}), "why": reason, "until": times.format_instant(until)}
    if gate_input.category == "marketing" and until - since > MAX_DEFERRAL:
        return Skip("deferred too long", {**numbers, "since": times.format_instant(since)})
    late = gate_input.late + (until - now)
    if gate_input.expires is not None and late > gate_input.expires:
        return Skip("expired", {**numbers, "late": format_duration(late)})
    return Defer(until, reason, numbers)


def _skips(gate_input: GateInput) -> Iterator[Skip]:
    profile, enrollment = gate_input.profile, gate_input.enrollment
    if enrollment.status != "active":
        yield Skip(f"enrollment is {enrollment.status}: {enrollment.reason}", exits_enrollment=True)
    if gate_input.store_paused:
        yield Skip("store is paused")
    if gate_input.workflow_paused:
        yield Skip("workflow is paused")
    if not profile.email:
        yield Skip("contact has no e-mail address")
    elif not _is_deliverable(profile.email):
        yield Skip("address cannot be mailed")
    if gate_input.expires is not None and gate_input.late > gate_input.expires:
        yield Skip("expired", {"late": format_duration(gate_input.late)})
    yield from _exit_skips(gate_input)
    if gate_input.category == "marketing":
        yield from _consent_skips(gate_input)
    audience = gate_input.program.options.get("audience")
    if audience is not None:
        verdict = evaluate(audience, gate_input.facts)
        if not verdict.value:
            yield Skip("audience", {"why": verdict.reason})


def _consent_skips(gate_input: GateInput) -> Iterator[Skip]:
    """Skips because of snooze and consent."""
    if not gate_input.topic:
        yield Skip("marketing message without a topic")
    if until := snoozed_until(gate_input.profile, gate_input.facts.now):
        yield Skip("snoozed", {"until": times.format_instant(until)})
    consent = gate_input.profile.consent.get(gate_input.topic or "")
    if consent is None:
        yield Skip("no consent", {"topic": gate_input.topic})
    elif consent.state != "granted":
        yield Skip(
            "consent withdrawn",
            {
                "topic": gate_input.topic,
                "at": times.format_instant(consent.at),
                "by": consent.method,
            },
        )


def _is_deliverable(address: str) -> bool:
    """Whether e-mail can go to this address. Addresses are checked on arrival too; this is the
    last check, because SES rejects a malformed address and bounces an unknown domain."""
    local, _, domain = address.partition("@")
    plain = address.isascii() and address.isprintable() and not set(address) & set(" ,;<>")
    has_domain = "." in domain.strip(".") and "@" not in domain
    unroutable = domain.rpartition(".")[2].lower() in {"invalid", "localhost"}  # RFC 6761
    return (
        bool(local)
        and plain
        and has_domain
        and not unroutable
        and len(address) <= MAX_ADDRESS_LENGTH
    )


def _exit_skips(gate_input: GateInput) -> Iterator[Skip]:
    """Exit and goal events on the profile, for an execution that was not stopped in time."""
    since = gate_input.enrollment.since
    for rule in exit_rules(gate_input.program):
        total = gate_input.profile.totals.get(rule["event"])
        if total is None or total.last <= since:
            continue
        if "where" in rule:
            condition = {"did": rule["event"], "since": "enrollment", "where": rule["where"]}
            if not evaluate(condition, gate_input.facts).value:
                continue
        if "within" in rule and total.last - since > parse_duration(rule["within"]):
            continue
        yield Skip(rule["reason"], {"at": times.format_instant(total.last)}, exits_enrollment=True)


def conditions_needed(program: Program) -> Iterator[Mapping[str, Any]]:
    """The conditions that the gate evaluates: the caller loads their data before."""
    if "audience" in program.options:
        yield program.options["audience"]
    for rule in exit_rules(program):
        if "where" in rule:
            yield {"did": rule["event"], "since": "enrollment", "where": rule["where"]}
