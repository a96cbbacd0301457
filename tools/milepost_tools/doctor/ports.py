"""What the doctor reads from AWS and DNS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from milepost.sending.message import Answer
    from milepost_tools.doctor.sending import Account, Destination, Identity
    from milepost_tools.doctor.stack import Alarm, Secret, Stack, StackResource


class CannotAskError(Exception):
    """A query failed for a reason that is not the stack's; the message says why."""


class StackInspector(Protocol):
    """What AWS knows about one stack. Every method may raise `CannotAskError`."""

    def stack(self) -> Stack | None: ...

    def parts(self) -> Sequence[StackResource]:
        """The tables and functions of the stack."""

    def account(self) -> Account: ...

    def identity(self, name: str) -> Identity | None: ...

    def destinations(self, configuration_set: str) -> Sequence[Destination]: ...

    def subscribers(self, topic: str) -> Mapping[str, str]: ...

    def queue_arn(self, url: str) -> str: ...

    def waiting(self, url: str) -> int: ...

    def secrets(self, path: str) -> Mapping[str, Sequence[Secret]]:
        """The shapes of all secrets below a path, by store."""

    def alarms(self) -> Sequence[Alarm]: ...

    def time(self) -> datetime:
        """The current time by AWS's clock."""


class DnsLookup(Protocol):
    """DNS. A name that does not exist has no records. Raises `CannotAskError` if no server
    answers."""

    def texts(self, name: str) -> Sequence[str]: ...

    def exchangers(self, name: str) -> Sequence[str]: ...

    def aliases(self, name: str) -> Sequence[str]: ...


class Probes(Protocol):
    """Sends test e-mails and reads the delivery events that came back."""

    def send(self, mailbox: str, probe: str) -> Answer: ...

    def heard(self, probe: str) -> Sequence[str]:
        """The kinds of delivery events that our function has recorded for a test e-mail."""
