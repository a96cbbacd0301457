"""What a publication does to everybody inside: bounded batches, minute by minute, resumable.

Publishing sets a work going, the clock does it. A work stays open until nothing is left of it and
its `GRACE` is over: until then a function may still act on what it knew before.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from milepost.base.error_collector import Apart
from milepost.base.refs import EnrollmentRef
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import Enrollment, Start
from milepost.enrollments.executions import runs_again
from milepost.enrollments.pauses import Pause, overdue, thaw
from milepost.enrollments.program import Program, outcome_key
from milepost.enrollments.version_migration import before_rest, moved, resting
from milepost.runtime.execution_starter import meet, tell_left
from milepost.sending.message import may_be_claimed

if TYPE_CHECKING:
    from milepost.contacts.ports import Timeline
    from milepost.enrollments.ports import Engine, Enrollments
    from milepost.published.head import Registry
    from milepost.runtime.jobs import Work, Works
    from milepost.runtime.ports import Timers
    from milepost.sending.ports import Ledger


MOST = 1000
"""Enrollments that are changed in one call, at some 20 ms each."""

GRACE = timedelta(minutes=10)
"""More than a registry's memory and the time of one function, in real time."""


PATIENCE = timedelta(days=2)
"""Whoever has not come to rest by then, as a machine that is tried again may, stays as it is."""

LAST = "last"
"""How far a pass is that may be the last one."""

SOME = "some"
"""How far a pass is that has found somebody, and is not the last one."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Does the works that are open. `now` is the time of the business."""

    enrollments: "Enrollments"
    registry: "Registry"
    engine: "Engine"
    timers: "Timers"
    works: "Works"
    ledger: "Ledger"
    now: Callable[[], datetime]
    grace: timedelta = GRACE
    patience: timedelta = PATIENCE
    most: int = MOST
    timeline: "Timeline | None" = None

    def go_on(self, apart: Apart) -> int:
        """Do the next part of every open work; how many enrollments were looked at."""
        others = {"broadcast", "look"}  # see `runtime/broadcasts.py` and `runtime/backfill.py`
        works = [work for work in self.works.open() if work.kind not in others]
        looked = 0
        for number, work in enumerate(works):
            do = self._thaw if work.kind == "thaw" else self._pass
            # What one does not need is the next one's; nobody's size keeps another's people back.
            share = max(1, (self.most - looked) // (len(works) - number))
            with apart:
                looked += do(work, share, apart)
        return looked

    def _pass(self, work: "Work", most: int, apart: Apart) -> int:
        """Go on with a pass through everybody inside; passes follow each other until one that began
        after the grace has found nobody who was just running."""
        head, _, place = work.done.partition(" ")
        looked = later = 0
        for here, ref in self.enrollments.inside(work.store, work.workflow, place):
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
        if (head == LAST and not later) or age > self.patience:
            self.works.close(work)
        else:
            self.works.advance(work, LAST if age > self.grace else "")
        return looked

    def _cancel(self, ref: EnrollmentRef, version: int) -> bool:
        if ref.version < version:
            reason = f"canceled by version {version}"
            self.enrollments.finish(ref, "exited", reason, self.now())
            if self.timeline is not None:
                tell_left(self.timeline, self.registry.head(ref.store), ref, self.now())
            self.engine.stop(ref, reason, self.enrollments.leg(ref))
        return True

    def _migrate(self, ref: EnrollmentRef, version: int) -> bool:
        """Have one go on in a new version; False if that has to be tried again.

        First the contact shows the new version, so that an event from now on looks for its waits;
        one that came before is found by the condition of the move, or by `meet` after it.
        """
        loaded = self.enrollments.load(ref)
        if loaded is None or loaded[1].status != "active":
            return True
        profile, enrollment = loaded
        own, leg = enrollment.ref, enrollment.leg
        if own.version >= version:
            self._meet(enrollment)  # a move may have been cut off before it came to that
            return True
        old = self.registry.program(own.store, own.workflow, own.version)
        head = self.registry.head(own.store)
        paused = head.is_paused(own.workflow)
        again = runs_again(enrollment)
        if again is not None and self._waits(again, head.pauses_of(own.workflow)):
            self._show(profile, own)
            return True  # its message is of this version, and so is what comes after that
        if again is not None and self.now() - again.due < self.grace:
            return False  # the message may be about to go
        rest = resting(old, profile, enrollment, head.settings)
        if rest is not None and self._is_busy(old, enrollment):
            if head.breaker is None:
                return False
            self._show(profile, own)
            return True  # a person lets marketing go on, nobody knows when
        start = moved(rest, self._later(own, version)) if rest else None
        if rest is None or start is None:
            self._show(profile, own)
            return rest is not None
        self.enrollments.show_moved(own, version)
        kept = overdue(start, head.pauses_of(own.workflow), self.now())
        unless = outcome_key(old.nodes[rest.step], rest.turn) if rest.step else ""
        if not self.enrollments.move(own, leg, kept, version, unless, paused):
            self.enrollments.show_moved(own, own.version)
            return False
        there = own._replace(version=version)
        self._meet(replace(enrollment, ref=there, leg=leg + 1, start=kept))
        self.engine.stop(own, f"goes on in version {version}", leg)
        return True

    def _is_busy(self, program: Program, enrollment: Enrollment) -> bool:
        """Whether something before the wait is still being tried: the move would leave it out."""
        start = enrollment.start
        if not enrollment.began or (start is not None and str(start.turn) not in enrollment.began):
            return False  # a leg that has not begun was parked when all was done
        before = before_rest(program, enrollment)
        fates = self.ledger.fates(enrollment.ref, before.mails) if before.mails else {}
        return not before.done or any(may_be_claimed(fates.get(step)) for step in before.mails)

    def _waits(self, again: Start, pauses: tuple[Pause, ...]) -> bool:
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
        presence = profile.inside.get(ref.id)
        if presence is not None and presence.version != ref.version:
            self.enrollments.show_moved(ref, ref.version)

    def _meet(self, enrollment: Enrollment) -> None:
        ref, start = enrollment.ref, enrollment.start
        if start is not None and start.step and str(start.turn) not in enrollment.began:
            program = self.registry.program(ref.store, ref.workflow, ref.version)
            node = program.nodes[start.step]
            if "event" in node:
                meet(self.enrollments, enrollment, node, self.now())

    def _thaw(self, work: "Work", most: int, apart: Apart) -> int:
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
                    some = SOME if woken or failed else so_far
                    self.works.advance(work, f"{some} {place}")
                    return looked
                place, looked, failed = here, looked + 1, failed + 1
                with apart:
                    woken += self._wake(ref, head.pauses_of(work.workflow), until)
                    failed -= 1
        settled = so_far != SOME and not (woken or failed)
        if settled and age > self.grace:
            self.works.close(work)
        elif work.done:
            self.works.advance(work, "")
        return looked

    def _wake(self, ref: EnrollmentRef, pauses: tuple[Pause, ...], until: datetime | None) -> bool:
        """Have somebody go on; False if there is nobody, or who was frozen later than `until`."""
        loaded = self.enrollments.load(ref)
        if loaded is None or loaded[1].start is None:
            return False
        enrollment, start = loaded[1], loaded[1].start
        own, leg = enrollment.ref, enrollment.leg
        if enrollment.status != "active":
            self.enrollments.begun(own, leg)
            return False
        if until is not None and start.since > until:
            return False
        return self.enrollments.retime(own, leg, thaw(start, pauses, self.now()))


def _noted(head: str, later: int) -> str:
    """A pass that left somebody for later is not the last one."""
    return "" if later else head
