"""Reconcile: what is due. Legs of enrollments begin, what comes to a contact by itself is put on
its timeline, and messages whose outcome stayed unknown are decided, counted and never hidden."""

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from milepost.domain.refs import ContactRef, EnrollmentRef, MessageRef
from milepost.ports.errors import Busy
from milepost.ports.timers import Overdue
from milepost.services.legs import Legs
from milepost.services.lookouts import Lookouts

if TYPE_CHECKING:
    from milepost.ports.timers import Resender, Timers

MOST = 1000
"""Legs that begin in one call, at some 50 ms each: the next minute goes on with the rest."""


MOST_LOOKS = 5000
"""Contacts that are looked at in one call, at some 10 ms each."""


class Reconciled(NamedTuple):
    """How many messages were given up on, and sent once more; how many legs began; how many events
    came by themselves."""

    given_up: int = 0
    sent_again: int = 0
    begun: int = 0
    came: int = 0


def reconcile(
    timers: "Timers",
    resender: "Resender",
    legs: Legs,
    lookouts: Lookouts,
    now: datetime,
    most: int = MOST,
    most_looks: int = MOST_LOOKS,
) -> Reconciled:
    """Begin the legs that are due, look at contacts whose time has come, decide overdue messages.

    `now` is real time, that of timers.

    Marketing is sent at most once: it is given up. A transactional message is sent at least once:
    it gets one second try (after a pause if there is one), after which it is given up too, and at
    once if it may no longer be sent. Raises `Busy` in the end if something could not be done; all
    else has been.
    """
    given_up = failed = begun = looked = came = left = 0
    asked: set[MessageRef] = set()
    held: set[MessageRef] = set()
    for overdue in timers.due(now):
        if isinstance(overdue, ContactRef):
            if looked == most_looks:
                left += 1
                continue
            looked += 1
            try:
                came += lookouts.look(overdue)
            except Exception:  # whatever it is about one contact holds no other up
                failed += 1
        elif isinstance(overdue, EnrollmentRef):
            if begun == most:
                left += 1
                continue
            try:
                legs.begin(overdue)
                begun += 1
            except (Busy, LookupError):
                failed += 1
        elif overdue.category == "transactional" and overdue.attempts == 1:
            try:
                tried = resender.send_again(overdue.enrollment, overdue.step, overdue.turn)
                (asked if tried else held).add(overdue.message)
            except Busy:
                failed += 1
        else:
            given_up += timers.give_up(overdue.message, now)
    # A second try moves the message's time on. What is still due was refused one.
    still = [o for o in timers.due(now) if isinstance(o, Overdue)] if asked else []
    refused = [overdue.message for overdue in still if overdue.message in asked]
    given_up += sum(timers.give_up(message, now) for message in refused)
    if failed:
        raise Busy(
            f"{failed} messages, legs or contacts could not be set off: the next minute tries again"
        )
    if not left and not held:
        timers.done_before(now)
    return Reconciled(given_up, len(asked) - len(refused), begun, came)
