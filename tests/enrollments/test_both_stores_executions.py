"""The contract of executions in both stores: each ends once, and no event is lost."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from milepost.aws import keys
from milepost.base.errors import ThrottledError
from milepost.base.names import EnrollmentRef
from milepost.contacts.profile import Profile
from milepost.enrollments.dynamodb.enrollments import DynamoEnrollments
from milepost.enrollments.enrollment import Enrollment, ResumePoint
from milepost.enrollments.pauses import Pause
from milepost.enrollments.ports import PendingOutcomes
from milepost.published.head import LiveWorkflow
from milepost.publishing.dynamodb import DynamoPublishedWriter
from milepost.runtime.dynamodb.jobs import DynamoJobs
from milepost.runtime.jobs import Job, JobStore
from milepost.sending.message import Claimed
from milepost.simulator.memory.published import MemoryJobs, MemoryPublishedWriter
from tests.support.builders import (
    ADA,
    MONDAY_NOON,
    STORE,
    contact,
    draft,
    enrollment,
    enrollment_ref,
    event,
)
from tests.support.ports import RETENTION, Cloud, Ports, dynamo_ports

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
REF = enrollment_ref()
DUE = MONDAY_NOON + 5 * MINUTE
START = ResumePoint("after", 3, DUE, MONDAY_NOON, "answer")
REPLY = event("Replied", {"text": "yes"}, at=MONDAY_NOON + MINUTE)


@pytest.fixture
def job_store(ports: Ports) -> tuple[Ports, JobStore]:
    """The job store, in memory or in DynamoDB."""
    if isinstance(ports.publications, MemoryPublishedWriter):
        return ports, MemoryJobs(ports.publications.shelf)
    assert isinstance(ports.publications, DynamoPublishedWriter)
    return ports, DynamoJobs(ports.publications.table)


def stored(ports: Ports) -> Enrollment:
    loaded = ports.enrollments.load(REF)
    assert loaded is not None
    return loaded[1]


def due(ports: Ports, at: timedelta) -> list[str]:
    found = ports.timers.due(MONDAY_NOON + at)
    return [each.id for each in found if isinstance(each, EnrollmentRef)]


def paused_ids(ports: Ports) -> list[str]:
    return [ref.id for _, ref in ports.timers.paused(STORE, "cart")]


def suspend_first(ports: Ports, start: ResumePoint = START) -> None:
    ports.enrollments.enroll(enrollment())
    assert ports.enrollments.suspend(REF, 0, start, PendingOutcomes())


def test_suspend_saves_resume_point_and_outcomes_together(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment())
    assert stored(ports).resume_point is None
    journal = PendingOutcomes({"2": MONDAY_NOON}, {"x": {"path": "yes"}}, {"2": "mail"})
    assert ports.enrollments.suspend(REF, 0, START, journal)
    assert stored(ports) == replace(
        enrollment(),
        execution_no=1,
        resume_point=START,
        block_started={"2": MONDAY_NOON},
        block_entries={"2": "mail"},
        outcomes={"x": {"path": "yes"}},
    )
    assert ports.enrollments.current_execution(REF) == 1


def test_suspend_saves_why_a_message_was_deferred(ports: Ports) -> None:
    start = START._replace(step="", fixed=True, deferred="mail: quiet hours", deferred_since=DUE)
    suspend_first(ports, start)
    assert stored(ports).resume_point == start


def test_unknown_enrollment_is_in_execution_0(ports: Ports) -> None:
    assert ports.enrollments.current_execution(REF) == 0
    assert not ports.enrollments.suspend(REF, 0, START, PendingOutcomes())
    assert ports.enrollments.load(REF) is None


def test_execution_is_suspended_once(ports: Ports) -> None:
    suspend_first(ports)
    assert not ports.enrollments.suspend(REF, 0, START._replace(block="other"), PendingOutcomes())
    assert stored(ports).resume_point == START
    assert ports.enrollments.suspend(REF, 1, START._replace(block_seq=4), PendingOutcomes())
    assert stored(ports).execution_no == 2


def test_ended_enrollment_is_not_suspended(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment())
    ports.enrollments.finish(REF, "exited", "won", MONDAY_NOON)
    assert not ports.enrollments.suspend(REF, 0, START, PendingOutcomes())
    assert stored(ports).execution_no == 0


def test_execution_is_due_from_its_time_until_it_starts(ports: Ports) -> None:
    suspend_first(ports)
    assert due(ports, 4 * MINUTE) == []
    assert due(ports, 5 * MINUTE) == due(ports, 20 * MINUTE) == [REF.id]
    ports.enrollments.mark_started(REF, 0)
    assert due(ports, 5 * MINUTE) == [REF.id]
    ports.enrollments.mark_started(REF, 1)
    assert due(ports, 5 * MINUTE) == []
    ports.enrollments.mark_started(enrollment_ref("nobody"), 1)


def test_due_timer_names_its_enrollment(ports: Ports) -> None:
    suspend_first(ports)
    (ref,) = ports.timers.due(DUE)
    assert ref == REF._replace(version=0)
    loaded = ports.enrollments.load(REF._replace(version=0))
    assert loaded is not None
    assert loaded[1].ref == REF


def test_execution_can_be_rescheduled_until_it_starts(ports: Ports) -> None:
    suspend_first(ports)
    sooner = START._replace(block="on", due=MONDAY_NOON + MINUTE, fixed=True)
    assert not ports.enrollments.reschedule(REF, 0, sooner)
    assert ports.enrollments.reschedule(REF, 1, sooner)
    assert stored(ports).resume_point == sooner
    assert due(ports, MINUTE) == [REF.id]
    ports.enrollments.mark_started(REF, 1)
    assert not ports.enrollments.reschedule(REF, 1, START)
    assert stored(ports).resume_point == sooner


def test_ended_enrollment_is_no_longer_due(ports: Ports) -> None:
    suspend_first(ports)
    ports.enrollments.finish(REF, "exited", "won", MONDAY_NOON)
    assert due(ports, DAY) == []
    assert not ports.enrollments.reschedule(REF, 1, START)


# --- the event of a suspended wait ---


@pytest.mark.parametrize("order", sorted(set(permutations("EW"))))
def test_second_side_of_suspended_wait_sees_the_event(ports: Ports, order: tuple[str, ...]) -> None:
    suspend_first(ports)
    found: dict[str, object] = {}
    for side in order:
        if side == "E":
            found[side] = ports.enrollments.record_event(REF, "answer", REPLY)
        else:
            offered = ports.enrollments.register_suspended_wait(
                REF, "answer", "Replied", 1, START, "answer@3"
            )
            found[side] = offered
    assert found == ({"E": None, "W": True} if order[0] == "E" else {"E": 1, "W": False})
    assert stored(ports).outcomes["answer@3"]["data"] == {"text": "yes"}


def test_wait_of_earlier_execution_does_not_replace_later_one(ports: Ports) -> None:
    suspend_first(ports)
    ports.enrollments.register_suspended_wait(REF, "answer", "Replied", 1, START, "answer")
    late = ports.enrollments.register_wait(REF, "answer", "Replied", "T", MONDAY_NOON, "", 0)
    assert not late
    assert ports.enrollments.record_event(REF, "answer", REPLY) == 1
    late = ports.enrollments.register_wait(REF, "answer", "Replied", "T", MONDAY_NOON, "", 0)
    assert not late


def test_task_token_of_later_execution_replaces_suspended_wait(ports: Ports) -> None:
    suspend_first(ports)
    ports.enrollments.register_suspended_wait(REF, "answer", "Replied", 1, START, "answer")
    ports.enrollments.register_wait(REF, "answer", "Replied", "T", MONDAY_NOON, "", 1)
    assert ports.enrollments.record_event(REF, "answer", REPLY) == "T"


def test_suspended_wait_is_kept_until_its_due_time_after_any_event(aws: Cloud) -> None:
    ports = dynamo_ports(aws)
    assert isinstance(ports.enrollments, DynamoEnrollments)
    start = START._replace(due=MONDAY_NOON + 3000 * DAY)
    suspend_first(ports, start)
    ports.enrollments.register_suspended_wait(REF, "answer", "Replied", 1, start, "answer")
    old = event("Replied", at=MONDAY_NOON - 300 * DAY)
    ports.enrollments.record_event(REF, "answer", old)
    item = ports.enrollments.table.get(keys.wait(REF, "Replied", "answer"))
    assert item is not None
    assert item["expires_at"] == int((start.due + RETENTION).timestamp())


# --- those who wait for their workflow ---


def test_paused_enrollment_is_found_by_workflow_and_not_due(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment())
    assert ports.enrollments.suspend(REF, 0, START, PendingOutcomes(), paused=True)
    assert due(ports, DAY) == []
    assert paused_ids(ports) == [REF.id]
    assert [*ports.timers.paused(STORE, "other"), *ports.timers.paused("other", "cart")] == []
    assert ports.enrollments.reschedule(REF, 1, START)
    assert paused_ids(ports) == []
    assert due(ports, DAY) == [REF.id]
    assert ports.enrollments.reschedule(REF, 1, START, paused=True)
    assert due(ports, DAY) == []
    ports.enrollments.mark_started(REF, 1)
    assert paused_ids(ports) == []


# --- what an earlier execution may not do any more ---


def test_earlier_execution_claims_no_message(ports: Ports) -> None:
    ports.contacts.apply(None, Profile(STORE, contact(), {"email": (ADA, "", "")}, last_sequence=1))
    mail = draft(category="transactional", topic=None)
    suspend_first(ports)
    with pytest.raises(ThrottledError):
        ports.ledger.claim(mail, PendingOutcomes({"9": MONDAY_NOON}), MONDAY_NOON)
    assert ports.look.message(mail.ref) == {}
    assert stored(ports).block_started == {}
    now = replace(mail, execution_no=1)
    assert ports.ledger.claim(now, PendingOutcomes(), MONDAY_NOON) == Claimed()


def test_earlier_execution_does_not_end_the_enrollment(ports: Ports) -> None:
    presence = {REF.id: enrollment().presence()}
    ports.contacts.apply(
        None, Profile(STORE, contact(), last_sequence=1, active_enrollments=presence)
    )
    suspend_first(ports)
    assert not ports.enrollments.finish(REF, "completed", "", MONDAY_NOON, 0)
    assert stored(ports).status == "active"
    profile = ports.contacts.profile(STORE, contact())
    assert profile is not None
    assert profile.active_enrollments == presence
    assert ports.enrollments.finish(REF, "completed", "", MONDAY_NOON, 1)
    assert not ports.enrollments.finish(REF, "completed", "", MONDAY_NOON, 1)
    profile = ports.contacts.profile(STORE, contact())
    assert profile is not None
    assert profile.active_enrollments == {}


# --- another version ---


def test_enrollment_migrates_to_a_version_once(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment())
    assert ports.enrollments.migrate(REF, 0, START, 2)
    assert (stored(ports).ref.version, stored(ports).execution_no, stored(ports).resume_point) == (
        2,
        1,
        START,
    )
    assert due(ports, DAY) == [REF.id]
    assert not ports.enrollments.migrate(REF, 0, START, 3)
    assert stored(ports).ref.version == 2


@pytest.mark.parametrize(
    "journal",
    [
        PendingOutcomes({"3": MONDAY_NOON}),
        PendingOutcomes(outcomes={"answer": {"event": "Replied"}}),
    ],
)
def test_enrollment_that_continued_meanwhile_does_not_migrate(
    ports: Ports, journal: PendingOutcomes
) -> None:
    ports.enrollments.enroll(enrollment())
    ports.enrollments.write(REF, journal)
    assert not ports.enrollments.migrate(REF, 0, START, 2, "answer")
    assert (stored(ports).ref.version, stored(ports).execution_no) == (1, 0)


def test_enrollment_migrated_during_pause_waits_for_its_end(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment())
    assert ports.enrollments.migrate(REF, 0, START, 2, paused=True)
    assert paused_ids(ports) == [REF.id]


def test_profile_write_that_missed_a_migration_is_retried(ports: Ports) -> None:
    before = Profile(
        STORE, contact(), last_sequence=1, active_enrollments={REF.id: enrollment().presence()}
    )
    assert ports.contacts.apply(None, before)
    seen = ports.contacts.profile(STORE, contact())
    ports.enrollments.index_migrated(REF, 2)
    assert seen is not None
    assert not ports.contacts.apply(seen, replace(seen, last_sequence=2))
    seen = ports.contacts.profile(STORE, contact())
    assert seen is not None
    assert seen.active_enrollments[REF.id].version == 2
    assert ports.contacts.apply(seen, replace(seen, last_sequence=2, active_enrollments={}))
    ports.enrollments.index_migrated(REF, 3)
    seen = ports.contacts.profile(STORE, contact())
    assert seen is not None
    assert seen.active_enrollments == {}


def test_active_enrollments_are_listed_in_resumable_order(ports: Ports) -> None:
    refs = [enrollment_ref(f"e-{number}") for number in range(5)]
    for ref in refs:
        ports.enrollments.enroll(enrollment(ref))
    ports.enrollments.enroll(enrollment(enrollment_ref("other", "other")))
    ports.enrollments.finish(refs[1], "exited", "won", MONDAY_NOON)
    found = list(ports.enrollments.list_active(STORE, "cart"))
    assert [ref for _, ref in found] == [refs[0], *refs[2:]]
    place = found[1][0]
    assert [ref for _, ref in ports.enrollments.list_active(STORE, "cart", place)] == refs[3:]
    assert list(ports.enrollments.list_active("other", "cart")) == []


# --- pauses and jobs ---


def test_pauses_are_stored_with_the_live_workflow(ports: Ports) -> None:
    own = (Pause(MONDAY_NOON, MONDAY_NOON + DAY), Pause(MONDAY_NOON + 2 * DAY))
    store = (Pause(MONDAY_NOON),)
    ports.publications.go_live(STORE, "cart", LiveWorkflow(1, "arn:1", "paused", own), 0)
    ports.publications.apply_settings(STORE, {"paused": True}, store)
    head = ports.registry.head(STORE)
    assert head == ports.publications.head(STORE)
    assert head.pauses_of("cart") == (*store, *own)
    assert head.pauses_of("other") == store
    assert head.is_paused("cart")


def test_job_is_open_until_it_is_closed(job_store: tuple[Ports, JobStore]) -> None:
    ports, kept = job_store
    thaw = Job("resume", STORE, "cart", MONDAY_NOON)
    move = Job("migrate", STORE, "cart", MONDAY_NOON, 3)
    for work in (thaw, move):
        ports.publications.enqueue(work)
    assert sorted(kept.open()) == sorted([thaw, move])
    kept.advance(move, "last 5")
    assert move._replace(done="last 5") in kept.open()
    kept.close(thaw)
    kept.close(thaw)
    assert kept.open() == [move._replace(done="last 5")]


def test_job_queued_again_starts_over(job_store: tuple[Ports, JobStore]) -> None:
    ports, kept = job_store
    old = Job("migrate", STORE, "cart", MONDAY_NOON, 3)
    new = old._replace(at=MONDAY_NOON + DAY, version=4)
    ports.publications.enqueue(old)
    ports.publications.enqueue(new)
    kept.advance(old, "last 5")
    kept.close(old)
    assert kept.open() == [new]


# --- the state machine of later executions ---


def test_state_machine_of_later_executions_is_stored_with_version(ports: Ports) -> None:
    with pytest.raises(LookupError):
        ports.registry.resume_state_machine(STORE, "cart", 1)
    ports.publications.keep_resume(STORE, "cart", 1, "arn:7")
    assert ports.registry.resume_state_machine(STORE, "cart", 1) == "arn:7"
    with pytest.raises(LookupError):
        ports.registry.resume_state_machine(STORE, "cart", 2)


def test_only_current_execution_writes_outcomes(ports: Ports) -> None:
    """An earlier execution must not save the start of a block run."""
    ports.enrollments.enroll(enrollment())
    ref = enrollment_ref()
    ports.enrollments.write(ref, PendingOutcomes({"0": MONDAY_NOON}), 0)
    start = ResumePoint("next", 1, MONDAY_NOON, MONDAY_NOON, "wait")
    assert ports.enrollments.suspend(ref, 0, start, PendingOutcomes())
    with pytest.raises(ThrottledError):
        ports.enrollments.write(ref, PendingOutcomes({"1": MONDAY_NOON}), 0)
    ports.enrollments.write(ref, PendingOutcomes(outcomes={"a": {"x": 1}}), 1)
    ports.enrollments.write(ref, PendingOutcomes(outcomes={"b": {"x": 2}}))
    loaded = ports.enrollments.load(ref)
    assert loaded is not None
    assert (list(loaded[1].block_started), sorted(loaded[1].outcomes)) == (["0"], ["a", "b"])


def test_failing_timer_is_due_every_minute_for_an_hour(ports: Ports) -> None:
    suspend_first(ports)
    ports.timers.put_off(REF, DUE + 59 * MINUTE)
    assert due(ports, 65 * MINUTE) == [REF.id]


def test_timer_that_failed_for_an_hour_is_due_later(ports: Ports) -> None:
    suspend_first(ports)
    ports.timers.put_off(REF, DUE + 60 * MINUTE)
    ports.timers.done_before(DUE + 60 * MINUTE)
    assert due(ports, 80 * MINUTE) == [REF.id]
    ports.enrollments.mark_started(REF, 1)
    assert due(ports, 80 * MINUTE) == []


def test_postponed_timer_leaves_the_hours_of_every_search(aws: Cloud) -> None:
    ports = dynamo_ports(aws)
    suspend_first(ports)
    ports.timers.put_off(REF, DUE + 60 * MINUTE)
    assert due(ports, 79 * MINUTE) == []


def test_late_run_does_not_postpone_paused_enrollment(ports: Ports) -> None:
    suspend_first(ports)
    assert ports.enrollments.reschedule(REF, 1, START, paused=True)
    ports.timers.put_off(REF, DUE + 60 * MINUTE)
    assert paused_ids(ports) == [REF.id]
    assert due(ports, DAY) == []


def test_timer_that_is_gone_is_not_postponed(ports: Ports) -> None:
    suspend_first(ports)
    ports.enrollments.mark_started(REF, 1)
    ports.timers.put_off(REF, DUE + 60 * MINUTE)
    assert due(ports, DAY) == []


@pytest.mark.parametrize("dues", [[0] * 12, [*range(12)]], ids=["all at once", "one by one"])
def test_search_for_paused_enrollments_resumes_after_any_contact(
    ports: Ports, dues: list[int]
) -> None:
    refs = [enrollment_ref()._replace(contact=contact(f"{n}@mail.example")) for n in range(12)]
    for ref, minutes in zip(refs, dues, strict=True):
        ports.enrollments.enroll(enrollment(ref))
        start = START._replace(due=DUE + minutes * MINUTE)
        assert ports.enrollments.suspend(ref, 0, start, PendingOutcomes(), paused=True)
    found = [*ports.timers.paused(STORE, "cart")]
    assert {ref.contact for _, ref in found} == {ref.contact for ref in refs}
    for number, (place, _) in enumerate(found):
        assert [*ports.timers.paused(STORE, "cart", place)] == found[number + 1 :]
