"""Reconcile: messages whose outcome stayed unknown are decided, counted and never hidden."""

from dataclasses import dataclass
from datetime import datetime

from milepost.ports import Busy, Resender, Timers


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many messages were given up on, and how many sent once more."""

    given_up: int = 0
    sent_again: int = 0


def reconcile(timers: Timers, resender: Resender, now: datetime) -> Reconciled:
    """Decide every overdue message.

    Marketing is sent at most once: it is given up. A transactional message is sent at least once:
    it gets one second try, after which it is given up too, and at once if it may no longer be
    sent. Raises `Busy` in the end if some could not be decided; all others have been.
    """
    given_up = failed = 0
    asked = set()
    for overdue in timers.due(now):
        if overdue.category == "transactional" and overdue.attempts == 1:
            try:
                resender.send_again(overdue.enrollment, overdue.step)
                asked.add(overdue.message)
            except Busy:
                failed += 1
        else:
            given_up += timers.give_up(overdue.message, now)
    # A second try moves the message's time on. What is still due was refused one.
    refused = [o.message for o in timers.due(now) if o.message in asked] if asked else []
    given_up += sum(timers.give_up(message, now) for message in refused)
    if failed:
        raise Busy(f"{failed} messages could not be sent again: the next minute tries them anew")
    timers.done_before(now)
    return Reconciled(given_up, len(asked) - len(refused))
