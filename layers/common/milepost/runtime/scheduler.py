"""Scheduler: start due executions, re-evaluate due contacts, settle overdue messages."""

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from milepost.base.error_collector import ErrorCollector
from milepost.base.names import ContactRef, EnrollmentRef, MessageRef
from milepost.runtime.execution_starter import ExecutionStarter
from milepost.runtime.ports import OverdueMessage
from milepost.runtime.reevaluation import Reevaluator

if TYPE_CHECKING:
    from milepost.runtime.ports import MessageRetrier, Timers


MAX_PER_RUN = 1000
"""Executions that start in one call, at about 50 ms each; the next call continues."""


MAX_LOOKS = 5000
"""Contacts that are re-evaluated in one call, at about 10 ms each."""


class SchedulerResult(NamedTuple):
    """How many messages were abandoned or retried, executions started, and time events fired."""

    given_up: int = 0
    sent_again: int = 0
    begun: int = 0
    came: int = 0


def run_due(
    timers: "Timers",
    retrier: "MessageRetrier",
    starter: ExecutionStarter,
    reevaluator: Reevaluator,
    now: datetime,
    errors: ErrorCollector,
    most: int = MAX_PER_RUN,
    most_looks: int = MAX_LOOKS,
) -> SchedulerResult:
    """Start due executions, re-evaluate due contacts and settle overdue messages.

    `now` is real time, as in timers.

    Marketing is sent at most once, so it is abandoned. A transactional message is sent at least
    once: it gets one retry (after a pause if there is one) and is then abandoned, or at once if it
    may no longer be sent. `errors` collects failures; a long failure is postponed.
    """
    given_up = begun = tried = checked = fired = left = 0
    retried: set[MessageRef] = set()
    undone: list[MessageRef | EnrollmentRef | ContactRef] = []
    for due in timers.due(now):
        done = False
        with errors:
            if isinstance(due, ContactRef):
                if checked == most_looks:
                    left += 1
                    continue
                checked += 1
                fired += reevaluator.reevaluate(due)
                done = True
            elif isinstance(due, EnrollmentRef):
                if tried == most:
                    left += 1
                    continue
                tried += 1
                starter.start(due)
                begun += 1
                done = True
            elif due.category == "transactional" and due.attempts == 1:
                done = retrier.retry_message(due.enrollment, due.step, due.block_seq)
                retried |= {due.message} if done else set()
            else:
                given_up += timers.give_up(due.message, now)
                done = True
        if not done:
            undone.append(due.message if isinstance(due, OverdueMessage) else due)
    # A retry moves the message's timer. A message that is still due may not be sent.
    still = [o for o in timers.due(now) if isinstance(o, OverdueMessage)] if retried else []
    refused = [overdue.message for overdue in still if overdue.message in retried]
    for message in refused:
        with errors:
            given_up += timers.give_up(message, now)
    left += len(undone)
    for ref in undone:
        with errors:
            timers.put_off(ref, now)
            left -= 1
    if not left:
        with errors:
            timers.done_before(now)
    return SchedulerResult(given_up, len(retried) - len(refused), begun, fired)
