"""Rollout: apply a publication to active enrollments, in bounded and resumable batches.

Publishing queues a job, the scheduler does it. A job stays open until nothing is left and
`CACHE_GRACE` is over, because until then a function may act on the old published state.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from milepost.base.error_collector import ErrorCollector
from milepost.base.names import EnrollmentRef
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import Enrollment, ResumePoint, resumes_mid_block
from milepost.enrollments.pauses import Pause, reschedule_overdue, resume_after_pause
from milepost.enrollments.program import Program, outcome_key
from milepost.enrollments.version_migration import (
    current_resume_point,
    map_to_version,
    pending_decisions,
)
from milepost.runtime.execution_starter import match_suspended_wait, reevaluate_after_exit
from milepost.sending.message import is_claimable

if TYPE_CHECKING:
    from milepost.contacts.ports import Timeline
    from milepost.enrollments.ports import Enrollments, ExecutionEngine
    from milepost.published.head import Published
    from milepost.runtime.jobs import Job, JobStore
    from milepost.runtime.ports import Timers
    from milepost.sending.ports import Ledger


MAX_PER_RUN = 1000
"""Enrollments that one call changes, at about 20 ms each."""

CACHE_GRACE = timedelta(minutes=10)
"""Longer than the cache of published state and the run of one function, in real time."""


MIGRATION_TIMEOUT = timedelta(days=2)
"""An enrollment that does not wait by then, because a step is retried, keeps its version."""

LAST_PASS = "last"
"""The progress of a pass that may be the last one."""

HAS_MORE = "some"
"""The progress of a pass that has found enrollments and is not the last one."""


@dataclass(frozen=True, slots=True)
class VersionRollout:
    """Does the open jobs of publications. `now` is in business time."""

    enrollments: "Enrollments"
    registry: "Published"
    engine: "ExecutionEngine"
    timers: "Timers"
    works: "JobStore"
    ledger: "Ledger"
    now: Callable[[], datetime]
    grace: timedelta = CACHE_GRACE
    patience: timedelta = MIGRATION_TIMEOUT
    most: int = MAX_PER_RUN
    timeline: "Timeline | None" = None

    def advance(self, errors: ErrorCollector) -> int:
        """Do the next part of every open job; how many enrollments were processed."""
        others = {"broadcast", "backfill"}  # see `runtime/broadcasts.py` and `runtime/backfill.py`
        jobs = [job for job in self.works.open() if job.kind not in others]
        count = 0
        for number, job in enumerate(jobs):
            do = self._resume_all if job.kind == "resume" else self._pass
            # Every job gets a share; what one does not need is left for the next.
            share = max(1, (self.most - count) // (len(jobs) - number))
            with errors:
                count += do(job, share, errors)
        return count

    def _pass(self, job: "Job", most: int, errors: ErrorCollector) -> int:
        """Continue a pass through all active enrollments. The last pass is one that started after
        the grace and found no enrollment to try again."""
        state, _, cursor = job.done.partition(" ")
        count = later = 0
        for position, ref in self.enrollments.list_active(job.store, job.workflow, cursor):
            if count == most:
                self.works.advance(job, f"{'' if later else state} {cursor}")
                return count
            cursor, count = position, count + 1
            if ref.version <= job.version:
                act = self._cancel if job.kind == "cancel" else self._migrate
                later += 1
                with errors:
                    later -= act(ref, job.version)
        age = self.now() - job.at
        if (state == LAST_PASS and not later) or age > self.patience:
            self.works.close(job)
        else:
            self.works.advance(job, LAST_PASS if age > self.grace else "")
        return count

    def _cancel(self, ref: EnrollmentRef, version: int) -> bool:
        if ref.version < version:
            reason = f"canceled by version {version}"
            self.enrollments.finish(ref, "exited", reason, self.now())
            if self.timeline is not None:
                reevaluate_after_exit(self.timeline, self.registry.head(ref.store), ref, self.now())
            self.engine.stop(ref, reason, self.enrollments.current_execution(ref))
        return True

    def _migrate(self, ref: EnrollmentRef, version: int) -> bool:
        """Migrate an enrollment to a new version; False if that must be tried again.

        First the profile gets the new version, so that new events look for its waits. The condition
        of the write, or `match_suspended_wait` after it, finds an earlier event.
        """
        loaded = self.enrollments.load(ref)
        if loaded is None or loaded[1].status != "active":
            return True
        profile, enrollment = loaded
        own, execution_no = enrollment.ref, enrollment.execution_no
        if own.version >= version:
            self._match_wait(enrollment)  # an interrupted migration may not have done it
            return True
        old = self.registry.program(own.store, own.workflow, own.version)
        head = self.registry.head(own.store)
        paused = head.is_paused(own.workflow)
        mid_block = resumes_mid_block(enrollment)
        if mid_block is not None and self._still_waits(mid_block, head.pauses_of(own.workflow)):
            self._restore_version(profile, own)
            return True  # its deferred message belongs to this version, and so does the rest
        if mid_block is not None and self.now() - mid_block.due < self.grace:
            return False  # the message may be sent right now
        current = current_resume_point(old, profile, enrollment, head.settings)
        if current is not None and self._is_busy(old, enrollment):
            if head.breaker is None:
                return False
            self._restore_version(profile, own)
            return True  # only a person ends the marketing stop, at an unknown time
        start = map_to_version(current, self._later(own, version)) if current else None
        if current is None or start is None:
            self._restore_version(profile, own)
            return current is not None
        self.enrollments.index_migrated(own, version)
        start = reschedule_overdue(start, head.pauses_of(own.workflow), self.now())
        unless = outcome_key(old.nodes[current.step], current.block_seq) if current.step else ""
        if not self.enrollments.migrate(own, execution_no, start, version, unless, paused):
            self.enrollments.index_migrated(own, own.version)
            return False
        new = own._replace(version=version)
        self._match_wait(
            replace(enrollment, ref=new, execution_no=execution_no + 1, resume_point=start)
        )
        self.engine.stop(own, f"goes on in version {version}", execution_no)
        return True

    def _is_busy(self, program: Program, enrollment: Enrollment) -> bool:
        """Whether a step before the wait is still retried; a migration would leave it out."""
        start = enrollment.resume_point
        if not enrollment.block_started or (
            start is not None and str(start.block_seq) not in enrollment.block_started
        ):
            return False  # before it was suspended, all steps were done
        before = pending_decisions(program, enrollment)
        sent = self.ledger.message_statuses(enrollment.ref, before.mails) if before.mails else {}
        return not before.done or any(is_claimable(sent.get(step)) for step in before.mails)

    def _still_waits(self, start: ResumePoint, pauses: tuple[Pause, ...]) -> bool:
        """Whether a block run is not due yet or a pause still lasts."""
        lasting = [pause.began for pause in pauses if pause.ended is None]
        return start.due > self.now() or any(began <= start.since for began in lasting)

    def _later(self, ref: EnrollmentRef, version: int) -> list[Program]:
        """The stored versions after an enrollment's own, up to this one."""
        found = []
        for number in range(ref.version + 1, version + 1):
            with suppress(LookupError):
                found.append(self.registry.program(ref.store, ref.workflow, number))
        return found

    def _restore_version(self, profile: Profile, ref: EnrollmentRef) -> None:
        """Undo the profile's version after an interrupted migration."""
        active = profile.active_enrollments.get(ref.id)
        if active is not None and active.version != ref.version:
            self.enrollments.index_migrated(ref, ref.version)

    def _match_wait(self, enrollment: Enrollment) -> None:
        ref, start = enrollment.ref, enrollment.resume_point
        if (
            start is not None
            and start.step
            and str(start.block_seq) not in enrollment.block_started
        ):
            program = self.registry.program(ref.store, ref.workflow, ref.version)
            match_suspended_wait(
                self.enrollments, enrollment, program.nodes[start.step], self.now()
            )

    def _resume_all(self, job: "Job", most: int, errors: ErrorCollector) -> int:
        """Resume paused enrollments, each with the time it had left. The last pass is one that
        ends after the grace and has found none."""
        head, age = self.registry.head(job.store), self.now() - job.at
        state, _, cursor = job.done.partition(" ")
        count = resumed = failed = 0
        if not head.is_paused(job.workflow):
            # During a marketing stop, enrollments with marketing are paused again and stay paused:
            # the end of the stop queues another job.
            until = job.at + self.grace if head.breaker is not None else None
            for position, ref in self.timers.paused(job.store, job.workflow, cursor):
                if count == most:
                    state = HAS_MORE if resumed or failed else state
                    self.works.advance(job, f"{state} {cursor}")
                    return count
                cursor, count, failed = position, count + 1, failed + 1
                with errors:
                    resumed += self._resume(ref, head.pauses_of(job.workflow), until)
                    failed -= 1
        settled = state != HAS_MORE and not (resumed or failed)
        if settled and age > self.grace:
            self.works.close(job)
        elif job.done:
            self.works.advance(job, "")
        return count

    def _resume(
        self, ref: EnrollmentRef, pauses: tuple[Pause, ...], until: datetime | None
    ) -> bool:
        """Resume an enrollment; False if it is gone or was paused after `until`."""
        loaded = self.enrollments.load(ref)
        if loaded is None or loaded[1].resume_point is None:
            return False
        enrollment, start = loaded[1], loaded[1].resume_point
        own, execution_no = enrollment.ref, enrollment.execution_no
        if enrollment.status != "active":
            self.enrollments.mark_started(own, execution_no)
            return False
        if until is not None and start.since > until:
            return False
        return self.enrollments.reschedule(
            own, execution_no, resume_after_pause(start, pauses, self.now())
        )
