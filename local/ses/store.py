"""The accepted e-mails and their history: in memory, bounded, thread-safe."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from local.ses.mail import Mail

MAX_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """An entry of an e-mail's history: an SES event, or an action in the inbox ("Unsubscribe")."""

    kind: str
    at: datetime
    detail: str = ""


@dataclass(slots=True)
class StoredMail:
    """An e-mail in the mailbox with its history, oldest first."""

    mail: Mail
    number: int
    history: list[HistoryEntry] = field(default_factory=list)

    def states(self) -> dict[str, int]:
        """The number of each kind of event, in the order in which they first happened."""
        return dict(Counter(entry.kind for entry in self.history))


class Mailbox:
    """The newest e-mails, and counters over all of them."""

    def __init__(self, max_kept: int = MAX_KEPT) -> None:
        self._kept: OrderedDict[str, StoredMail] = OrderedDict()
        self._max_kept = max_kept
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

    def add(self, mail: Mail) -> StoredMail:
        with self._lock:
            self._accepted += 1
            self._changes += 1
            kept = self._kept[mail.id] = StoredMail(mail, self._accepted)
            while len(self._kept) > self._max_kept:
                self._kept.popitem(last=False)
            return kept

    def get(self, identity: str) -> StoredMail | None:
        with self._lock:
            return self._kept.get(identity)

    def newest(self, to: str = "", limit: int = MAX_KEPT) -> list[StoredMail]:
        """The kept e-mails, newest first; with `to`, only those to that address."""
        address = to.strip().lower()
        with self._lock:
            kept = list(reversed(self._kept.values()))
        matching = (
            one for one in kept if not address or addressed_to(address, one.mail.recipients)
        )
        return [one for one, _ in zip(matching, range(limit), strict=False)]

    def note(self, identity: str, entry: HistoryEntry) -> None:
        """Add to an e-mail's history, if it is still kept."""
        with self._lock:
            kept = self._kept.get(identity)
            if kept is not None:
                kept.history.append(entry)
                self._changes += 1

    def add_problem(self, problem: str) -> None:
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
            count = len(self._kept)
            self._kept.clear()
            self._problems.clear()
            self._changes += 1
            return count


def addressed_to(address: str, recipients: Iterable[str]) -> bool:
    return any(recipient.lower() == address for recipient in recipients)
