"""The SES identities of the account."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from milepost.base.errors import ThrottledError

if TYPE_CHECKING:
    from mypy_boto3_sesv2.client import SESV2Client


@dataclass(frozen=True, slots=True)
class SesIdentities:
    """Implements `Identities`."""

    client: "SESV2Client"

    def is_verified(self, identity: str) -> bool:
        try:
            found = self.client.get_email_identity(EmailIdentity=identity)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in {"NotFoundException", "404"}:
                return False
            raise ThrottledError(f"SES: {code}") from error
        except BotoCoreError as error:
            raise ThrottledError(f"AWS: {type(error).__name__}") from error
        return bool(found.get("VerifiedForSendingStatus"))
