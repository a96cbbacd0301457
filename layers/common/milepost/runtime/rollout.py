"""What a publication does to everybody inside: bounded batches, minute by minute, resumable.

Publishing sets a work going, the clock does it. A work stays open until nothing is left of it and
its `CACHE_GRACE` is over: until then a function may still act on what it knew before.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from milepost.base.error_collector import ErrorCollector
from milepost.base.refs import EnrollmentRef
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
"""Enrollments that are changed in one call, at some 20 ms each."""

CACHE_GRACE = timedelta(minutes=10)
"""More than a registry's memory and the time of one function, in real time."""


MIGRATION_TIMEOUT = timedelta(days=2)
"""Whoever has not come to rest by then, as a machine that is tried again may, stays as it is."""

LAST_PASS = "last"
"""How far a pass is that may be the last one."""

HAS_MORE = "some"
"""How far a pass is that has found somebody, and is not the last one."""


@dataclass(frozen=True, slots=True)
class VersionRollout:
    """Does the works that are open. `now` is the time of the business."""

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

    def advance(self, apart: ErrorCollector) -> int:
        """Do the next part of every open work; how many enrollments were looked at."""
        others = {"broadcast", "backfill"}  # see `runtime/broadcasts.py` and `runtime/backfill.py`
        works = [work for work in self.works.open() if work.kind not in others]
        looked = 0
        for number, work in enumerate(works):
            do = self._thaw if work.kind == "resume" else self._pass
            # What one does not need is the next one's; nobody's size keeps another's people back.
            share = max(1, (self.most - looked) // (len(works) - number))
            with apart:
                looked += do(work, share, apart)
        return looked

    def _pass(self, work: "Job", most: int, apart: ErrorCollector) -> int:
        """Go on with a pass through everybody inside; passes follow each other until one that began
        after the grace has found nobody who was just running."""
        head, _, place = work.done.partition(" ")
        looked = later = 0
        for here, ref in self.enrollments.list_active(work.store, work.workflow, place):
            if looked == most:
                self.works.advance(work, f"{_noted(head, later)} {place}")
                return looked
            place, looked = here, looked + 1
            if ref.version <= work.version:
                act = self._cancel if work.kind == "cancel" else self._migrate
                later += 1
                with apart:
                    later -= act(ref, work.version)
        age = self.now() - work.at
        if (head == LAST_PASS and not later) or age > self.patience:
            self.works.close(work)
        else:
            self.works.advance(work, LAST_PASS if age > self.grace else "")
        return looked

    def _cancel(self, ref: EnrollmentRef, version: int) -> bool:
        if ref.version < version:
            reason = f"canceled by version {version}"
            self.enrollments.finish(ref, "exited", reason, self.now())
            if self.timeline is not None:
                reevaluate_after_exit(self.timeline, self.registry.head(ref.store), ref, self.now())
            self.engine.stop(ref, reason, self.enrollments.current_execution(ref))
        return True

    def _migrate(self, ref: EnrollmentRef, version: int) -> bool:
        """Have one go on in a new version; False if that has to be tried again.

        First the contact shows the new version, so that an event from now on looks for its waits;
        one that came before is found by the condition of the move, or by `match_suspended_wait`
        after it.
        """
        loaded = self.enrollments.load(ref)
        if loaded is None or loaded[1].status != "active":
            return True
        profile, enrollment = loaded
        own, leg = enrollment.ref, enrollment.execution_no
        if own.version >= version:
            self._meet(enrollment)  # a move may have been cut off before it came to that
            return True
        old = self.registry.program(own.store, own.workflow, own.version)
        head = self.registry.head(own.store)
        paused = head.is_paused(own.workflow)
        again = resumes_mid_block(enrollment)
        if again is not None and self._waits(again, head.pauses_of(own.workflow)):
            self._show(profile, own)
            return True  # its message is of this version, and so is what comes after that
        if again is not None and self.now() - again.due < self.grace:
            return False  # the message may be about to go
        rest = current_resume_point(old, profile, enrollment, head.settings)
        if rest is not None and self._is_busy(old, enrollment):
            if head.breaker is None:
                return False
            self._show(profile, own)
            return True  # a person lets marketing go on, nobody knows when
        start = map_to_version(rest, self._later(own, version)) if rest else None
        if rest is None or start is None:
            self._show(profile, own)
            return rest is not None
        self.enrollments.index_migrated(own, version)
        kept = reschedule_overdue(start, head.pauses_of(own.workflow), self.now())
        unless = outcome_key(old.nodes[rest.step], rest.block_seq) if rest.step else ""
        if not self.enrollments.migrate(own, leg, kept, version, unless, paused):
            self.enrollments.index_migrated(own, own.version)
            return False
        there = own._replace(version=version)
        self._meet(replace(enrollment, ref=there, execution_no=leg + 1, resume_point=kept))
        self.engine.stop(own, f"goes on in version {version}", leg)
        return True

    def _is_busy(self, program: Program, enrollment: Enrollment) -> bool:
        """Whether something before the wait is still being tried: the move would leave it out."""
        start = enrollment.resume_point
        if not enrollment.block_started or (
            start is not None and str(start.block_seq) not in enrollment.block_started
        ):
            return False  # a leg that has not begun was parked when all was done
        before = pending_decisions(program, enrollment)
        fates = self.ledger.message_statuses(enrollment.ref, before.mails) if before.mails else {}
        return not before.done or any(is_claimable(fates.get(step)) for step in before.mails)

    def _waits(self, again: ResumePoint, pauses: tuple[Pause, ...]) -> bool:
        """Whether a turn is still to be run again: its time has not come, or the pause lasts."""
        lasting = [pause.began for pause in pauses if pause.ended is None]
        return again.due > self.now() or any(began <= again.since for began in lasting)

    def _later(self, ref: EnrollmentRef, version: int) -> list[Program]:
        """The versions after an enrollment's own, up to this one, as far as they were kept."""
        found = []
        for number in range(ref.version + 1, version + 1):
            with suppress(LookupError):
                found.append(self.registry.program(ref.store, ref.workflow, number))
        return found

    def _show(self, profile: Profile, ref: EnrollmentRef) -> None:
        """Whoever stays shows the own version, even after a move that was cut off."""
        presence = profile.active_enrollments.get(ref.id)
        if presence is not None and presence.version != ref.version:
            self.enrollments.index_migrated(ref, ref.version)

    def _meet(self, enrollment: Enrollment) -> None:
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

    def _thaw(self, work: "Job", most: int, apart: ErrorCollector) -> int:
        """Let those go on who were frozen, each with the time that was left; passes follow each
        other until one that ends after the grace has found nobody."""
        head, age = self.registry.head(work.store), self.now() - work.at
        so_far, _, place = work.done.partition(" ")
        looked = woken = failed = 0
        if not head.is_paused(work.workflow):
            # While marketing is stopped, whoever has some to get is frozen again, and stays it:
            # whoever lets it go on sets another work going.
            until = work.at + self.grace if head.breaker is not None else None
            for here, ref in self.timers.paused(work.store, work.workflow, place):
                if looked == most:
                    some = HAS_MORE if woken or failed else so_far
                    self.works.advance(work, f"{some} {place}")
                    return looked
                place, looked, failed = here, looked + 1, failed + 1
                with apart:
                    woken += self._wake(ref, head.pauses_of(work.workflow), until)
                    failed -= 1
        settled = so_far != HAS_MORE and not (woken or failed)
        if settled and age > self.grace:
            self.works.close(work)
        elif work.done:
            self.works.advance(work, "")
        return looked

    def _wake(self, ref: EnrollmentRef, pauses: tuple[Pause, ...], until: datetime | None) -> bool:
        """Have somebody go on; False if there is nobody, or who was frozen later than `until`."""
        loaded = self.enrollments.load(ref)
        if loaded is None or loaded[1].resume_point is None:
            return False
        enrollment, start = loaded[1], loaded[1].resume_point
        own, leg = enrollment.ref, enrollment.execution_no
        if enrollment.status != "active":
            self.enrollments.mark_started(own, leg)
            return False
        if until is not None and start.since > until:
            return False
        return self.enrollments.reschedule(own, leg, resume_after_pause(start, pauses, self.now()))


def _noted(head: str, later: int) -> str:
    """A pass that left somebody for later is not the last one."""
    return "" if later else head
