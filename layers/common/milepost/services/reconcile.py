"""Reconcile: messages whose outcome stayed unknown are decided, counted and never hidden."""

from dataclasses import dataclass
from datetime import datetime

from milepost.ports import Resender, Timers


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many messages were given up on, and how many sent once more."""

    given_up: int = 0
    sent_again: int = 0


def reconcile(timers: Timers, resender: Resender, now: datetime) -> Reconciled:
    """Decide every overdue message.

    Marketing is sent at most once: it is given up. A transactional message is sent at least once:
    it gets one second try, after which it is given up too.
    """
    given_up = sent_again = 0
    for overdue in timers.due(now):
        if overdue.category == "transactional" and overdue.attempts == 1:
            resender.send_again(overdue.enrollment, overdue.step)
            sent_again += 1
        else:
            given_up += timers.give_up(overdue.message, now)
    timers.done_before(now)
    return Reconciled(given_up, sent_again)
