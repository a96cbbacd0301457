"""Reconcile: what is due. Legs of enrollments begin, what comes to a contact by itself is put on
its timeline, and messages whose outcome stayed unknown are decided, counted and never hidden."""

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from milepost.base.error_collector import ErrorCollector
from milepost.base.refs import ContactRef, EnrollmentRef, MessageRef
from milepost.runtime.execution_starter import ExecutionStarter
from milepost.runtime.ports import OverdueMessage
from milepost.runtime.reevaluation import Reevaluator

if TYPE_CHECKING:
    from milepost.runtime.ports import MessageRetrier, Timers


MAX_PER_RUN = 1000
"""Legs that begin in one call, at some 50 ms each: the next minute goes on with the rest."""


MAX_LOOKS = 5000
"""Contacts that are looked at in one call, at some 10 ms each."""


class SchedulerResult(NamedTuple):
    """How many messages were given up on, and sent once more; how many legs began; how many events
    came by themselves."""

    given_up: int = 0
    sent_again: int = 0
    begun: int = 0
    came: int = 0


def run_due(
    timers: "Timers",
    resender: "MessageRetrier",
    legs: ExecutionStarter,
    lookouts: Reevaluator,
    now: datetime,
    apart: ErrorCollector,
    most: int = MAX_PER_RUN,
    most_looks: int = MAX_LOOKS,
) -> SchedulerResult:
    """Begin the legs that are due, look at contacts whose time has come, decide overdue messages.

    `now` is real time, that of timers.

    Marketing is sent at most once: it is given up. A transactional message is sent at least once:
    it gets one second try (after a pause if there is one), after which it is given up too, and at
    once if it may no longer be sent. What could not be done is in `apart`; all else has been, and
    what fails for long is put off.
    """
    given_up = begun = tried = looked = came = left = 0
    asked: set[MessageRef] = set()
    undone: list[MessageRef | EnrollmentRef | ContactRef] = []
    for due in timers.due(now):
        done = False
        with apart:
            if isinstance(due, ContactRef):
                if looked == most_looks:
                    left += 1
                    continue
                looked += 1
                came += lookouts.reevaluate(due)
                done = True
            elif isinstance(due, EnrollmentRef):
                if tried == most:
                    left += 1
                    continue
                tried += 1
                legs.start(due)
                begun += 1
                done = True
            elif due.category == "transactional" and due.attempts == 1:
                done = resender.retry_message(due.enrollment, due.step, due.turn)
                asked |= {due.message} if done else set()
            else:
                given_up += timers.give_up(due.message, now)
                done = True
        if not done:
            undone.append(due.message if isinstance(due, OverdueMessage) else due)
    # A second try moves the message's time on. What is still due was refused one.
    still = [o for o in timers.due(now) if isinstance(o, OverdueMessage)] if asked else []
    refused = [overdue.message for overdue in still if overdue.message in asked]
    for message in refused:
        with apart:
            given_up += timers.give_up(message, now)
    left += len(undone)
    for ref in undone:
        with apart:
            timers.put_off(ref, now)
            left -= 1
    if not left:
        with apart:
            timers.done_before(now)
    return SchedulerResult(given_up, len(asked) - len(refused), begun, came)
