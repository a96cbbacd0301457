"""A mailer in memory, which keeps all e-mails and returns scripted answers."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from milepost.base.names import EnrollmentRef
from milepost.sending.message import Accepted, Answer, OutgoingEmail, SubmissionRejected


@dataclass(frozen=True, slots=True)
class MemoryMailer:
    """Implements `Mailer`. It returns the answers in `script` first and then accepts everything."""

    script: deque[Answer] = field(default_factory=deque)
    handed: list[tuple[OutgoingEmail, Answer]] = field(default_factory=list)

    def send(self, mail: OutgoingEmail) -> Answer:
        accepted = Accepted(f"memory-{len(self.handed) + 1}")
        answer = self.script.popleft() if self.script else accepted
        self.handed.append((mail, answer))
        return answer

    @property
    def mails(self) -> list[OutgoingEmail]:
        """The e-mails that can have been delivered: all that were not rejected."""
        return [mail for mail, answer in self.handed if not isinstance(answer, SubmissionRejected)]


@dataclass(frozen=True, slots=True)
class MemoryMessageRetrier:
    """Implements `MessageRetrier` with a call in this process."""

    again: Callable[[EnrollmentRef, str, int], bool]

    def retry_message(self, enrollment: EnrollmentRef, step: str, block_seq: int) -> bool:
        return self.again(enrollment, step, block_seq)
