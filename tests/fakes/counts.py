"""The entries of counted workflows and the nightly count jobs, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from milepost.aws import keys
from milepost.base import times
from milepost.base.names import EnrollmentRef, MessageRef
from milepost.enrollments.enrollment import Enrollment
from milepost.runtime.jobs import CountJob
from milepost.sending.ports import RunEntry
from milepost.simulator.memory.state import ContactsTable, enrollment_key, milliseconds


@dataclass(frozen=True, slots=True)
class MemoryRuns:
    """Implements `Runs`."""

    state: ContactsTable

    def page(
        self, store: str, workflow: str, after: str, most: int
    ) -> tuple[Sequence[RunEntry], str]:
        with self.state.lock:
            entries = {
                f"{keys.shard(entry.enrollment.contact)} {entry.values['run_sort']}": entry
                for entry in self._entries(store, workflow)
            }
        places = sorted(place for place in entries if place > after)
        shown = places[:most]
        return [entries[place] for place in shown], shown[-1] if len(places) > most else ""

    def _entries(self, store: str, workflow: str) -> list[RunEntry]:
        found = []
        for held in self.state.enrollments.values():
            if (held.ref.store, held.ref.workflow) == (store, workflow):
                values: dict[str, Any] = {
                    "run_sort": f"ENROLLMENT#{held.status}#{held.ref.id}",
                    "status": held.status,
                    "reason": held.reason,
                }
                if held.ended_at is not None:
                    values["ended_at"] = times.format_instant(held.ended_at)
                none = MessageRef(store, held.ref.contact, "")
                found.append(RunEntry("ENROLLMENT", held.ref, none, values))
        for ref, message in self.state.messages.items():
            if (ref.store, message["workflow"]) == (store, workflow):
                values = {**message, "run_sort": f"MESSAGE#{message['step']}#{ref.id}"}
                own = EnrollmentRef.of_message(ref, message)
                found.append(RunEntry("MESSAGE", own, ref, values))
        return found

    def enrollments(self, refs: Sequence[EnrollmentRef]) -> list[Enrollment]:
        with self.state.lock:
            held = [self.state.enrollments.get(enrollment_key(ref)) for ref in refs]
        return [each for each in held if each is not None]

    def decided(
        self, messages: Mapping[MessageRef, tuple[str, str]], exact: bool
    ) -> set[MessageRef]:
        held = self.state.messages
        return {
            ref
            for ref, shown in messages.items()
            if ref in held and (held[ref]["workflow"], held[ref]["step"]) == shown
        }

    def was_erased(self, ref: EnrollmentRef) -> bool:
        held = self.state.enrollments.get(enrollment_key(ref))
        erased = self.state.erased.get((ref.store, ref.contact))
        return held is None or (erased is not None and held.entered_at <= erased)


@dataclass(frozen=True, slots=True)
class MemoryCountJobs:
    """Implements `CountJobs`."""

    jobs: dict[tuple[datetime, str, str], CountJob] = field(default_factory=dict)
    started: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def mark_moved(self, store: str, workflow: str, due: datetime) -> None:
        self.jobs.setdefault((due, store, workflow), CountJob(due, store, workflow))

    def due(self, now: datetime) -> list[CountJob]:
        return [job for (due, _, _), job in sorted(self.jobs.items()) if due < now]

    def advance(self, job: CountJob, done: str) -> bool:
        if self.jobs.get(job[:3], job._replace(done="gone")).done != job.done:
            return False
        self.jobs[job[:3]] = job._replace(done=done)
        return True

    def put_off(self, job: CountJob, due: datetime) -> None:
        later = job._replace(due=milliseconds(due))
        self.jobs.setdefault(later[:3], later)
        self._remove(job)

    def close(self, job: CountJob, started_at: datetime) -> None:
        self.started[job.store, job.workflow] = milliseconds(started_at)
        self._remove(job)

    def last_started(self, store: str, workflow: str) -> datetime | None:
        return self.started.get((store, workflow))

    def _remove(self, job: CountJob) -> None:
        if self.jobs.get(job[:3]) == job:
            del self.jobs[job[:3]]
