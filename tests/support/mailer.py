"""A client of SES with two calls: it keeps its requests and answers as told."""

from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError


@dataclass
class FakeSes:
    """`answers` are used in order: an exception is raised, any other value is ignored; afterwards
    every call succeeds.

    `quota` is the account's sending quota, and `asked` counts its reads.
    """

    sent: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Exception | None] = field(default_factory=list)
    quota: dict[str, float] | Exception = field(
        default_factory=lambda: {
            "MaxSendRate": 400.0,
            "Max24HourSend": 50_000.0,
            "SentLast24Hours": 0.0,
        }
    )
    asked: int = 0

    def get_account(self) -> dict[str, Any]:
        self.asked += 1
        if isinstance(self.quota, Exception):
            raise self.quota
        return {"SendQuota": self.quota}

    def send_email(self, **request: Any) -> dict[str, Any]:
        self.sent.append(request)
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        return {"MessageId": f"0100-{len(self.sent):06d}"}


def refusal(code: str, status: int = 400) -> ClientError:
    """A refusal with SES's own error code."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": "<wren.canary@mail.example> is blacklisted."},
            "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]
        },
        "SendEmail",
    )
