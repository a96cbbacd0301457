"""The accepted e-mails and their history: in memory, bounded, thread-safe."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from local.ses.mail import Mail

MOST_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class Happening:
    """An entry of an e-mail's history: an SES event, or an action in the inbox ("Unsubscribe")."""

    kind: str
    at: datetime
    detail: str = ""


@dataclass(slots=True)
class Kept:
    """An e-mail in the mailbox with its history, oldest first."""

    mail: Mail
    number: int
    history: list[Happening] = field(default_factory=list)

    def states(self) -> dict[str, int]:
        """The number of each kind of event, in the order in which they first happened."""
        return dict(Counter(happening.kind for happening in self.history))


class Mailbox:
    """The newest e-mails, and counters over all of them."""

    def __init__(self, most_kept: int = MOST_KEPT) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._most_kept = most_kept
        self._lock = threading.Lock()
        self._accepted = 0
        self._changes = 0
        self._problems: list[str] = []

    @property
    def accepted(self) -> int:
        """The number of e-mails accepted since the start, including those no longer kept."""
        return self._accepted

    @property
    def changes(self) -> int:
        """A number that grows with every change, for pages that wait for a change."""
        return self._changes

    def add(self, mail: Mail) -> Kept:
        with self._lock:
            self._accepted += 1
            self._changes += 1
            kept = self._kept[mail.id] = Kept(mail, self._accepted)
            while len(self._kept) > self._most_kept:
                self._kept.popitem(last=False)
            return kept

    def get(self, identity: str) -> Kept | None:
        with self._lock:
            return self._kept.get(identity)

    def newest(self, to: str = "", limit: int = MOST_KEPT) -> list[Kept]:
        """The kept e-mails, newest first; with `to`, only those to that address."""
        wanted = to.strip().lower()
        with self._lock:
            kept = list(reversed(self._kept.values()))
        matching = (one for one in kept if not wanted or addressed_to(wanted, one.mail.recipients))
        return [one for one, _ in zip(matching, range(limit), strict=False)]

    def note(self, identity: str, happening: Happening) -> None:
        """Add to an e-mail's history, if it is still kept."""
        with self._lock:
            kept = self._kept.get(identity)
            if kept is not None:
                kept.history.append(happening)
                self._changes += 1

    def complain(self, problem: str) -> None:
        """Keep a problem that the inbox must show: the stack is configured incorrectly."""
        with self._lock:
            if problem not in self._problems:
                self._problems.append(problem)
                self._changes += 1

    def problems(self) -> list[str]:
        with self._lock:
            return list(self._problems)

    def clear(self) -> int:
        """Delete all e-mails and problems; return the number of e-mails. The counter continues."""
        with self._lock:
            gone = len(self._kept)
            self._kept.clear()
            self._problems.clear()
            self._changes += 1
            return gone


def addressed_to(wanted: str, recipients: Iterable[str]) -> bool:
    return any(recipient.lower() == wanted for recipient in recipients)
