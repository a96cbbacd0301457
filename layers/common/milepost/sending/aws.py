"""SES and S3: submit e-mails, read the account's quota, read attachments.

`SesMailer` is the only class that submits a message to SES. `SesQuotas` calls the control plane of
SES, which allows one request a second. Attachments are in `{store}/attachments/`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from email.header import Header
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from milepost.base.errors import ThrottledError
from milepost.sending.message import Accepted, Answer, NoResponse, OutgoingEmail, SubmissionRejected
from milepost.sending.rate_limit import SesQuota
from milepost.stores.aws import read_object
from milepost.stores.settings import UNTRACKED

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sesv2.client import SESV2Client
    from mypy_boto3_sesv2.type_defs import AttachmentTypeDef


@dataclass(frozen=True, slots=True)
class S3Attachments:
    """Implements `Attachments`. The client is created for the first e-mail that has a file."""

    client: Callable[[], "S3Client"]
    bucket: str

    def read(self, store: str, path: str, max_bytes: int) -> bytes | None:
        return read_object(self.client(), self.bucket, f"{store}/attachments/{path}", max_bytes)


_RETRYABLE_CODES = frozenset(
    {
        "AccountSuspendedException",
        "LimitExceededException",
        "SendingPausedException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_CHARSET = "UTF-8"


@dataclass(frozen=True, slots=True)
class SesMailer:
    """Implements `Mailer`. `client` must be created with `ONE_ATTEMPT`."""

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
                        "Subject": {
                            "Data": _break_encoded_words(mail.subject),
                            "Charset": _CHARSET,
                        },
                        "Body": {
                            "Html": {"Data": mail.html, "Charset": _CHARSET},
                            "Text": {"Data": mail.text, "Charset": _CHARSET},
                        },
                        "Headers": [{"Name": n, "Value": v} for n, v in mail.headers.items()],
                        **({"Attachments": _attachments(mail)} if mail.files else {}),  # type: ignore[typeddict-item]
                    }
                },
                EmailTags=[{"Name": n, "Value": v} for n, v in mail.tags.items()],
                ConfigurationSetName=self._set_for(mail),
            )
        except ClientError as error:
            return _answer_for(error)
        except ParamValidationError as error:  # raised before the request is sent
            return SubmissionRejected(type(error).__name__)
        except BotoCoreError as error:
            return NoResponse(type(error).__name__)
        ses_id = answer.get("MessageId", "")
        return Accepted(ses_id) if ses_id else NoResponse("an answer without a message id")

    def _set_for(self, mail: OutgoingEmail) -> str:
        return self.configuration_set + ("" if mail.tracked else UNTRACKED)


def _attachments(mail: OutgoingEmail) -> "list[AttachmentTypeDef]":
    return [
        {"FileName": file.name, "ContentType": file.kind, "RawContent": file.content}
        for file in mail.files
    ]


def _answer_for(error: ClientError) -> Answer:
    code = error.response["Error"]["Code"]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _RETRYABLE_CODES:
        return SubmissionRejected(code, retry=True)
    if status >= 500:
        return NoResponse(code)
    # SES's message may quote the address, so only the code is kept.
    return SubmissionRejected(code)


def _break_encoded_words(text: str) -> str:
    """Break encoded words (RFC 2047) in a text that comes from data.

    The recipient's mail program would decode them, and the decoded text, which may contain line
    breaks, was never checked.
    """
    return text.replace("=?", "= ?")


def _from(name: str, address: str) -> str:
    """`Name <address>`, with the name encoded according to RFC 2047 if it is not ASCII."""
    clean = "".join(c for c in name if c.isprintable()).replace("\\", "").replace('"', "")
    if not clean:
        return address
    clean = _break_encoded_words(clean)
    # Encoded words have at most 75 characters; there must be no line breaks between them.
    words = Header(clean, "utf-8", maxlinelen=75).encode(linesep="")
    quoted = f'"{clean}"' if clean.isascii() else words
    return f"{quoted} <{address}>"


@dataclass(frozen=True, slots=True)
class SesQuotas:
    """Implements `Quotas`."""

    client: "SESV2Client"

    def quota(self) -> SesQuota:
        try:
            quota = self.client.get_account().get("SendQuota", {})
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise ThrottledError(f"SES did not return the quota (GetAccount): {code}") from error
        except BotoCoreError as error:
            kind = type(error).__name__
            raise ThrottledError(f"SES did not return the quota (GetAccount): {kind}") from error
        rate = quota.get("MaxSendRate", 0.0)
        if rate <= 0:
            raise ThrottledError(
                "SES does not let this account send e-mail (GetAccount: MaxSendRate is 0)"
            )
        return SesQuota(rate, quota.get("Max24HourSend", 0.0), quota.get("SentLast24Hours", 0.0))
