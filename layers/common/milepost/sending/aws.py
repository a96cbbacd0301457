"""Files that go with mails: `{store}/attachments/`, where the shop puts them.

The post: the one place in the whole tree that hands a message to SES.

What SES allows the account, from its control plane: one request a second, and no more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from email.header import Header
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from milepost.aws.s3 import read_object
from milepost.base.errors import ThrottledError
from milepost.sending.message import Accepted, Answer, NoResponse, OutgoingEmail, SubmissionRejected
from milepost.sending.rate_limit import SesQuota
from milepost.sending.tracking import UNTRACKED

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sesv2.client import SESV2Client
    from mypy_boto3_sesv2.type_defs import AttachmentTypeDef


@dataclass(frozen=True, slots=True)
class S3Attachments:
    """Implements `Attachments`. The client is made for the first mail that has a file."""

    client: Callable[[], "S3Client"]
    bucket: str

    def read(self, store: str, path: str, most: int) -> bytes | None:
        return read_object(self.client(), self.bucket, f"{store}/attachments/{path}", most)


_LATER = frozenset(
    {
        "AccountSuspendedException", "LimitExceededException", "SendingPausedException",
        "Throttling", "ThrottlingException", "TooManyRequestsException",
    }
)  # fmt: skip
_CHARSET = "UTF-8"


@dataclass(frozen=True, slots=True)
class SesMailer:
    """Implements `Mailer`. `client` must be made with `ONE_ATTEMPT`."""

    client: "SESV2Client"
    sender: str
    configuration_set: str

    def send(self, mail: OutgoingEmail) -> Answer:
        try:
            answer = self.client.send_email(
                FromEmailAddress=_from(mail.sender_name, mail.sender_address or self.sender),
                Destination={"ToAddresses": [mail.to]},
                **({"ReplyToAddresses": [mail.reply_to]} if mail.reply_to else {}),  # type: ignore[arg-type]
                Content={
                    "Simple": {
                        "Subject": {"Data": _literal(mail.subject), "Charset": _CHARSET},
                        "Body": {
                            "Html": {"Data": mail.html, "Charset": _CHARSET},
                            "Text": {"Data": mail.text, "Charset": _CHARSET},
                        },
                        "Headers": [{"Name": n, "Value": v} for n, v in mail.headers.items()],
                        **({"Attachments": _attached(mail)} if mail.files else {}),  # type: ignore[typeddict-item]
                    }
                },
                EmailTags=[{"Name": n, "Value": v} for n, v in mail.tags.items()],
                ConfigurationSetName=self._set_for(mail),
            )
        except ClientError as error:
            return _refusal(error)
        except ParamValidationError as error:  # found before anything was sent
            return SubmissionRejected(type(error).__name__)
        except BotoCoreError as error:
            return NoResponse(type(error).__name__)
        ses_id = answer.get("MessageId", "")
        return Accepted(ses_id) if ses_id else NoResponse("an answer without a message id")

    def _set_for(self, mail: OutgoingEmail) -> str:
        return self.configuration_set + ("" if mail.tracked else UNTRACKED)


def _attached(mail: OutgoingEmail) -> "list[AttachmentTypeDef]":
    return [
        {"FileName": file.name, "ContentType": file.kind, "RawContent": file.content}
        for file in mail.files
    ]


def _refusal(error: ClientError) -> Answer:
    code = error.response["Error"]["Code"]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _LATER:
        return SubmissionRejected(code, retry=True)
    if status >= 500:
        return NoResponse(code)
    # SES's own words may quote the address, so only its code is kept.
    return SubmissionRejected(code)


def _literal(text: str) -> str:
    """Somebody's name that spells an encoded word (RFC 2047) must not be decoded by its reader's
    program: what it decodes to, line breaks and all, was never checked."""
    return text.replace("=?", "= ?")


def _from(name: str, address: str) -> str:
    """`Name <address>`, the name encoded as RFC 2047 asks when it is not plain ASCII."""
    clean = "".join(c for c in name if c.isprintable()).replace("\\", "").replace('"', "")
    if not clean:
        return address
    clean = _literal(clean)
    # Several encoded words of 75 characters at most, but no line breaks between them.
    words = Header(clean, "utf-8", maxlinelen=75).encode(linesep="")
    shown = f'"{clean}"' if clean.isascii() else words
    return f"{shown} <{address}>"


@dataclass(frozen=True, slots=True)
class SesQuotas:
    """Implements `Quotas`."""

    client: "SESV2Client"

    def quota(self) -> SesQuota:
        try:
            said = self.client.get_account().get("SendQuota", {})
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise ThrottledError(f"SES does not say what it allows (GetAccount): {code}") from error
        except BotoCoreError as error:
            kind = type(error).__name__
            raise ThrottledError(f"SES does not say what it allows (GetAccount): {kind}") from error
        rate = said.get("MaxSendRate", 0.0)
        if rate <= 0:
            raise ThrottledError(
                "SES allows this account no mail at all (GetAccount: MaxSendRate is 0)"
            )
        return SesQuota(rate, said.get("Max24HourSend", 0.0), said.get("SentLast24Hours", 0.0))
