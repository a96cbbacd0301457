"""Reconcile: what is due. Legs of enrollments begin, and messages whose outcome stayed unknown are
decided, counted and never hidden."""

from datetime import datetime
from typing import NamedTuple

from milepost.domain.refs import EnrollmentRef
from milepost.ports import Busy, Overdue, Resender, Timers
from milepost.services.legs import Legs

MOST = 1000
"""Legs that begin in one call, at some 50 ms each: the next minute goes on with the rest."""


class Reconciled(NamedTuple):
    """How many messages were given up on, and sent once more; how many legs began."""

    given_up: int = 0
    sent_again: int = 0
    begun: int = 0


def reconcile(
    timers: Timers, resender: Resender, legs: Legs, now: datetime, most: int = MOST
) -> Reconciled:
    """Begin the legs that are due, and decide every overdue message.

    Marketing is sent at most once: it is given up. A transactional message is sent at least once:
    it gets one second try, after which it is given up too, and at once if it may no longer be
    sent. Raises `Busy` in the end if something could not be done; all else has been.
    """
    given_up = failed = begun = left = 0
    asked = set()
    for overdue in timers.due(now):
        if isinstance(overdue, EnrollmentRef):
            if begun == most:
                left += 1
                break
            try:
                legs.begin(overdue)
                begun += 1
            except (Busy, LookupError):
                failed += 1
        elif overdue.category == "transactional" and overdue.attempts == 1:
            try:
                resender.send_again(overdue.enrollment, overdue.step, overdue.turn)
                asked.add(overdue.message)
            except Busy:
                failed += 1
        else:
            given_up += timers.give_up(overdue.message, now)
    # A second try moves the message's time on. What is still due was refused one.
    still = [o for o in timers.due(now) if isinstance(o, Overdue)] if asked else []
    refused = [overdue.message for overdue in still if overdue.message in asked]
    given_up += sum(timers.give_up(message, now) for message in refused)
    if failed:
        raise Busy(f"{failed} messages or legs could not be set off: the next minute tries again")
    if not left:
        timers.done_before(now)
    return Reconciled(given_up, len(asked) - len(refused), begun)
