"""Who enters a workflow, and what ends their stay: decisions as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from milepost.base import instants
from milepost.base.refs import EnrollmentRef
from milepost.contacts.profile import ActiveEnrollment, Profile
from milepost.enrollments.program import visit_in
from milepost.stores.settings import StoreSettings

Status = Literal["active", "completed", "exited", "failed"]


class ResumePoint(NamedTuple):
    """How the present leg begins: with `block`, as the turn of this number, when it is `due`.

    `step` is the wait that is rested at, empty if there is none. `since` is the instant from which
    that wait counts events, and from which pauses have yet to be added to `due`; a `fixed` time is
    not moved by a pause that was over before it. `deferred` says why a message of a turn that has
    begun was put off, `deferred_since` since when.
    """

    block: str
    block_seq: int
    due: datetime
    since: datetime
    step: str = ""
    fixed: bool = False
    deferred: str = ""
    deferred_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One contact's way through one version of one workflow.

    `since` is when the triggering event happened: what the contact did later counts as done
    inside, however late the event reached us. `began` holds the instant at which each turn (a run
    of a block) began, `outcomes` what each step came to, by `outcome_key`; a replayed block finds
    both and changes nothing; `entries` say which block a turn was of. `machine` is the published
    state machine version that its first leg runs on; `leg` counts the executions, and `start` is
    how the present one begins, None for the first. `first_block_run` is the first turn that is of
    this version: those before it were of the version that the enrollment was moved from.
    """

    ref: EnrollmentRef
    event_id: str
    event_name: str
    event_data: Mapping[str, Any]
    since: datetime
    entered_at: datetime
    key: str = ""
    state_machine_arn: str = ""
    status: Status = "active"
    reason: str = ""
    block_started: Mapping[str, datetime] = field(default_factory=dict)
    outcomes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    block_entries: Mapping[str, str] = field(default_factory=dict)
    execution_no: int = 0
    resume_point: ResumePoint | None = None
    ended_at: datetime | None = None
    first_block_run: int = 0

    def presence(self) -> ActiveEnrollment:
        """What the contact's profile keeps of it while it lasts."""
        ref = self.ref
        return ActiveEnrollment(
            ref.workflow, ref.version, self.event_id, self.since, self.state_machine_arn
        )


def latest_outcomes(outcomes: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The newest outcome of each step, by its id."""
    turns = {key: int(key.partition("@")[2] or 0) for key in outcomes}
    ordered = sorted(outcomes, key=turns.__getitem__)
    return {key.partition("@")[0]: outcomes[key] for key in ordered}


def visit_count(outcomes: Mapping[str, Mapping[str, Any]], step: str) -> int:
    """How often a step that may come again has been decided."""
    return sum(key.partition("@")[0] == step for key in outcomes)


def last_visit(outcomes: Mapping[str, Mapping[str, Any]], step: str) -> int:
    """The number of a step's newest visit, which is part of its message's id."""
    turns = [int(key.partition("@")[2]) for key in outcomes if key.startswith(f"{step}@")]
    return visit_in(max(turns)) if turns else 1


def template_data(
    profile: Profile,
    enrollment: Enrollment,
    settings: StoreSettings,
) -> dict[str, Any]:
    """What steps and templates may look up: contact, event, store, steps and enrollment."""
    return {
        "contact": profile.as_data(),
        "event": {**enrollment.event_data, "name": enrollment.event_name},
        "store": {
            "name": settings.name,
            "url": settings.url,
            "postal_address": settings.postal_address,
            "logo_url": settings.logo_url,
            "currency": settings.currency,
        },
        "steps": {
            step: dict(outcome) for step, outcome in latest_outcomes(enrollment.outcomes).items()
        },
        "enrollment": {
            "id": enrollment.ref.id,
            "workflow": enrollment.ref.workflow,
            "since": instants.format_instant(enrollment.since),
        },
    }


def email_data(
    data: Mapping[str, Any], sender: str, urls: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    """What the template of a mail may look up: what steps may (`data`), the name it comes from, the
    reader's links and the time."""
    return {**data, "sender": {"name": sender}, "urls": urls, "now": instants.format_instant(now)}
