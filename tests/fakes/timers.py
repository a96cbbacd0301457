"""Due timers, in memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from milepost.base import times
from milepost.base.names import ContactRef, EnrollmentRef, MessageRef
from milepost.runtime.ports import OverdueMessage
from milepost.simulator.memory.ledger import OPEN, uncount
from milepost.simulator.memory.state import ContactsTable


@dataclass(frozen=True, slots=True)
class MemoryTimers:
    """Implements `Timers`. All instants here are real ones."""

    state: ContactsTable

    def due(self, now: datetime) -> Iterator[OverdueMessage | EnrollmentRef | ContactRef]:
        until = times.format_instant(now)
        with self.state.lock:
            begin = [
                (timer.due, key)
                for key, timer in self.state.timers.items()
                if timer.due <= now and not timer.paused
            ]
            late = [
                (message["timer_due"], ref)
                for ref, message in self.state.messages.items()
                if message.get("timer_due", "~") <= until
            ]
            looks = [
                (profile.next_check.at, person)
                for person, profile in self.state.profiles.items()
                if profile.next_check is not None and profile.next_check.at <= now
            ]
        for _, ref in sorted(late, key=lambda pair: (pair[0], pair[1].id)):
            message = self.state.message(ref)
            if message is not None and "timer_due" in message:
                yield _overdue(ref, message)
        for _, (store, contact, workflow, id_) in sorted(begin):
            yield EnrollmentRef(store, contact, workflow, 0, id_)
        for _, person in sorted(looks):
            yield ContactRef(*person)

    def paused(
        self, store: str, workflow: str, after: str = ""
    ) -> Iterator[tuple[str, EnrollmentRef]]:
        with self.state.lock:
            waiting = sorted(
                (f"{contact} {id_}", contact, id_)
                for (of, contact, name, id_), timer in self.state.timers.items()
                if timer.paused and (of, name) == (store, workflow)
            )
        for place, contact, id_ in waiting:
            if place > after:
                yield place, EnrollmentRef(store, contact, workflow, 0, id_)

    def done_before(self, now: datetime) -> None:
        """Nothing to store: every search reads the whole memory."""

    def put_off(self, ref: MessageRef | EnrollmentRef | ContactRef, now: datetime) -> None:
        """It stays due: here that does not slow down a search."""

    def give_up(self, ref: MessageRef, at: datetime) -> bool:
        with self.state.lock:
            message = self.state.messages.get(ref)
            if message is None or message["status"] not in (*OPEN, "throttled"):
                return False
            status = "failed" if message["status"] == "throttled" else "unknown"
            message |= {"status": status, "abandoned_at": times.format_instant(at)}
            message.pop("timer_due", None)
            if status == "failed":
                uncount(self.state, ref)
        return True


def _overdue(ref: MessageRef, message: Mapping[str, Any]) -> OverdueMessage:
    return OverdueMessage(
        message=ref,
        enrollment=EnrollmentRef.of_message(ref, message),
        step=message["step"],
        block_seq=message["block_seq"],
        category=message["category"],
        attempts=message["attempts"],
    )
