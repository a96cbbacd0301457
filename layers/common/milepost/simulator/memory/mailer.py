"""The post: it keeps what it is handed, and answers as it is told to."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from milepost.base.refs import EnrollmentRef
from milepost.sending.message import Accepted, Answer, OutgoingEmail, SubmissionRejected


@dataclass(frozen=True, slots=True)
class MemoryMailer:
    """Implements `Mailer`. Answers from `script` while there are any, then accepts everything."""

    script: deque[Answer] = field(default_factory=deque)
    handed: list[tuple[OutgoingEmail, Answer]] = field(default_factory=list)

    def send(self, mail: OutgoingEmail) -> Answer:
        accepted = Accepted(f"memory-{len(self.handed) + 1}")
        answer = self.script.popleft() if self.script else accepted
        self.handed.append((mail, answer))
        return answer

    @property
    def mails(self) -> list[OutgoingEmail]:
        """What may have reached somebody: all that was not refused."""
        return [mail for mail, answer in self.handed if not isinstance(answer, SubmissionRejected)]


@dataclass(frozen=True, slots=True)
class MemoryMessageRetrier:
    """Implements `Resender`: calls what sends again, in process."""

    again: Callable[[EnrollmentRef, str, int], bool]

    def retry_message(self, enrollment: EnrollmentRef, step: str, turn: int) -> bool:
        return self.again(enrollment, step, turn)
